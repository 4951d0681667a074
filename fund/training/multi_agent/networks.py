"""Actor, critic, and what an actor's numbers mean.

Everything is a sequence: inputs are (L, B, k), the memory of the GRU at the first step (B, h), and `begins` (L, B)
marks the first steps of episodes, before which the memory is wiped. Without a GRU, L is 1 and the memory has no width.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn

from fund.strategy import Box, Choice
from fund.training.multi_agent.settings import Settings

GAIN = math.sqrt(2.0)  # of hidden layers (Andrychowicz et al., 2021, use it for tanh, too)
ACTIVATIONS: dict[str, type[nn.Module]] = {"tanh": nn.Tanh, "relu": nn.ReLU}


class Sequence(NamedTuple):
    """What a network reads."""

    x: Tensor  # (L, B, k)
    memory: Tensor  # (B, h)
    begins: Tensor  # (L, B), 1 where an episode begins


class Distribution(Protocol):
    """A distribution of actions, one a row."""

    def sample(self, generator: torch.Generator) -> Tensor:
        """One action a row."""

    def mode(self) -> Tensor:
        """The likeliest action."""

    def log_prob(self, action: Tensor) -> Tensor:
        """Log density of actions."""

    def entropy(self) -> Tensor:
        """In nats."""


@dataclass(frozen=True)
class Categorical:
    """Whole numbers; `log_p` (..., count)."""

    log_p: Tensor

    def sample(self, generator: torch.Generator) -> Tensor:
        """(...,) by the largest of the log probabilities plus Gumbel noise."""
        uniform = torch.rand(self.log_p.shape, generator=generator).clamp_(1e-20)
        return (self.log_p - torch.log(-torch.log(uniform))).argmax(dim=-1)

    def mode(self) -> Tensor:
        """(...,)."""
        return self.log_p.argmax(dim=-1)

    def log_prob(self, action: Tensor) -> Tensor:
        """(...,)."""
        return self.log_p.gather(-1, action.long().unsqueeze(-1)).squeeze(-1)

    def entropy(self) -> Tensor:
        """(...,)."""
        return -(self.log_p.exp() * self.log_p).sum(dim=-1)


@dataclass(frozen=True)
class Gaussian:
    """Independent normal numbers; `mean` (..., a), `log_std` (a,). Whoever plays them clips them to the Box."""

    mean: Tensor
    log_std: Tensor

    def sample(self, generator: torch.Generator) -> Tensor:
        """(..., a)."""
        return self.mean + self.log_std.exp() * torch.randn(self.mean.shape, generator=generator)

    def mode(self) -> Tensor:
        """(..., a)."""
        return self.mean

    def log_prob(self, action: Tensor) -> Tensor:
        """(...,) summed over the numbers of an action."""
        z = (action - self.mean) / self.log_std.exp()
        return (-0.5 * z * z - self.log_std - 0.5 * math.log(2.0 * math.pi)).sum(dim=-1)

    def entropy(self) -> Tensor:
        """(...,)."""
        one = (self.log_std + 0.5 * math.log(2.0 * math.pi * math.e)).sum()
        return one.expand(self.mean.shape[:-1])


class Torso(nn.Module):
    """Layer norm, layers with their activations and norms, and a GRU where it is wanted."""

    def __init__(self, size: int, settings: Settings) -> None:
        super().__init__()
        widths = (size, *settings.net_arch)
        layers: list[nn.Module] = [nn.LayerNorm(size)] if settings.feature_norm else []
        for before, width in pairwise(widths):
            layers += [orthogonal(nn.Linear(before, width), GAIN), ACTIVATIONS[settings.activation]()]
            if settings.layer_norm:
                layers.append(nn.LayerNorm(width))
        self.layers = nn.Sequential(*layers)
        self.width = widths[-1]
        self.cell = gru(self.width) if settings.recurrent else None
        self.after = nn.LayerNorm(self.width) if settings.recurrent else nn.Identity()

    def forward(self, of: Sequence) -> tuple[Tensor, Tensor]:
        """Features (L, B, h), and the memory (B, h) after the last step."""
        x, memory = self.layers(of.x), of.memory
        if self.cell is None:
            return x, memory
        steps = []
        for now, begins in zip(x, of.begins, strict=True):
            memory = self.cell(now, memory * (1.0 - begins).unsqueeze(-1))
            steps.append(memory)
        return self.after(torch.stack(steps)), memory


def memory_width(settings: Settings) -> int:
    """Numbers that a network remembers between steps."""
    return (settings.net_arch[-1] if settings.net_arch else 0) if settings.recurrent else 0


def orthogonal(layer: nn.Linear, gain: float) -> nn.Linear:
    """The layer with orthogonal weights and no bias (Saxe, McClelland & Ganguli, 2014)."""
    nn.init.orthogonal_(layer.weight, gain)
    nn.init.zeros_(layer.bias)
    return layer


def gru(width: int) -> nn.GRUCell:
    """A gated recurrent unit (Cho et al., 2014) with orthogonal weights."""
    cell = nn.GRUCell(width, width)
    for name, weights in cell.named_parameters():
        if "weight" in name:
            nn.init.orthogonal_(weights)
        else:
            nn.init.zeros_(weights)
    return cell


class Actor(nn.Module):
    """From what an agent sees to a distribution of what it does."""

    def __init__(self, size: int, actions: Box | Choice, settings: Settings) -> None:
        super().__init__()
        self.discrete = isinstance(actions, Choice)
        numbers = actions.count if isinstance(actions, Choice) else actions.size
        self.torso = Torso(size, settings)
        self.head = orthogonal(nn.Linear(self.torso.width, numbers), settings.output_gain)
        if not self.discrete:
            self.log_std = nn.Parameter(torch.full((numbers,), settings.log_std_init))

    def forward(self, of: Sequence) -> tuple[Distribution, Tensor]:
        """Distribution over (L, B), and the memory."""
        features, memory = self.torso(of)
        out = self.head(features)
        if self.discrete:
            return Categorical(torch.log_softmax(out, dim=-1)), memory
        return Gaussian(out, self.log_std), memory


class Critic(nn.Module):
    """From the state to what the future is worth."""

    def __init__(self, size: int, settings: Settings) -> None:
        super().__init__()
        self.torso = Torso(size, settings)
        self.head = orthogonal(nn.Linear(self.torso.width, 1), settings.critic_gain)

    def forward(self, of: Sequence) -> tuple[Tensor, Tensor]:
        """Values (L, B) in the units of the normaliser, and the memory."""
        features, memory = self.torso(of)
        return self.head(features).squeeze(-1), memory
