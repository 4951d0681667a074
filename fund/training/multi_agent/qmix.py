"""Values of joint actions out of each agent's own values: QMIX, VDN, and neither (DQN for each agent).

    QMIX   Q_tot(s, a) = f(Q_1(o_1, a_1), ..., Q_m(o_m, a_m); s),  dQ_tot/dQ_i >= 0
    VDN    Q_tot = sum Q_i
    DQN    each agent learns its own Q_i from its own reward (or the team's, as the settings say)

    loss = mean (y - Q_tot)^2,   y = r + gamma Q'_tot(s', argmax_a Q_i(o'_i, .)),   ' the slow copies

f is a network of one hidden layer whose weights are the absolute values of what other networks make of the state s, so
that the agents' own best choices together are the best of Q_tot: argmax Q_tot = (argmax Q_1, ..., argmax Q_m).

Rashid, Samvelyan, Schroeder de Witt, Farquhar, Foerster & Whiteson (2018), "QMIX", ICML, eqs. 5 to 7; Sunehag et al.
(2018), "Value-decomposition networks", AAMAS; van Hasselt, Guez & Silver (2016), double targets; Wang et al. (2016),
dueling networks.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from fund.envs.team import Team
from fund.errors import InvalidParameter, ModelError
from fund.strategy import Choice
from fund.training.multi_agent.group import grouped, kept, take_over
from fund.training.multi_agent.networks import Categorical, Sequence, Torso, orthogonal
from fund.training.multi_agent.off_policy import OffPolicy, Player
from fund.training.multi_agent.replay import Row, Sample


class QNetwork(nn.Module):
    """From what an agent sees to what each of its choices is worth."""

    def __init__(self, size: int, count: int, settings: OffPolicy) -> None:
        super().__init__()
        self.torso = Torso(size, settings.layers)
        self.head = orthogonal(nn.Linear(self.torso.width, count), 1.0)
        self.value = orthogonal(nn.Linear(self.torso.width, 1), 1.0) if settings.dueling else None

    def values(self, x: Tensor) -> Tensor:
        """(..., k) as (..., count)."""
        features = self.torso.layers(x)
        out: Tensor = self.head(features)
        if self.value is None:
            return out
        return self.value(features) + out - out.mean(dim=-1, keepdim=True)

    def forward(self, of: Sequence) -> tuple[Categorical, Tensor]:
        """Softmax of the values, whose likeliest choice is the best; and the memory, which there is none of."""
        return Categorical(torch.log_softmax(self.values(of.x), dim=-1)), of.memory


class Monotonic(nn.Module):
    """QMIX's mixing: values (B, agents) and the state (B, s) as the value of the joint action (B,)."""

    def __init__(self, agents: int, state_size: int, width: int) -> None:
        super().__init__()
        self.width = width
        self.norm = nn.LayerNorm(state_size)
        self.first, self.first_bias = nn.Linear(state_size, agents * width), nn.Linear(state_size, width)
        self.second = nn.Linear(state_size, width)
        self.level = nn.Sequential(nn.Linear(state_size, width), nn.ReLU(), nn.Linear(width, 1))

    def forward(self, values: Tensor, state: Tensor) -> Tensor:
        """(B,)."""
        s = self.norm(state)
        weights = self.first(s).abs().view(len(s), -1, self.width)
        hidden = functional.elu(torch.einsum("ba,baw->bw", values, weights) + self.first_bias(s))
        mixed: Tensor = (hidden * self.second(s).abs()).sum(dim=1) + self.level(s).squeeze(1)
        return mixed


class Additive(nn.Module):
    """VDN's: the sum."""

    def forward(self, values: Tensor, state: Tensor) -> Tensor:
        """(B,)."""
        return values.sum(dim=1)


class Mixing:
    """Q networks of all groups and, but for DQN, what mixes them; raises InvalidParameter where one has no choices."""

    def __init__(self, team: Team, settings: OffPolicy) -> None:
        self.settings, self.agents = settings, len(team.agents)
        self.players = [Player(team, who, settings.names) for who in grouped(team, settings.shared)]
        for player in self.players:
            space = player.actions
            if not isinstance(space, Choice):
                raise InvalidParameter(
                    f"{player.agents[0]} gives numbers, {settings.algorithm} chooses among choices;"
                    " use maddpg, mappo or ippo"
                )
            player.actor = QNetwork(player.sees, space.count, settings)
        mixers: dict[str, nn.Module] = {"vdn": Additive()}
        if settings.algorithm == "qmix":
            mixers["qmix"] = Monotonic(self.agents, team.state_size, settings.mixing)
        self.mixer = mixers.get(settings.algorithm)
        parts = [*(player.actor for player in self.players), *([self.mixer] if self.mixer else [])]
        self.fast = nn.ModuleList(parts)
        self.slow = copy.deepcopy(self.fast)
        self.optimiser = torch.optim.Adam(self.fast.parameters())

    @torch.no_grad()
    def explore(self, player: Player, seen: Tensor, generator: torch.Generator) -> Tensor:
        """The best choices (n, m)."""
        return self._network(player).values(seen).argmax(dim=-1)

    @staticmethod
    def _network(player: Player) -> QNetwork:
        assert isinstance(player.actor, QNetwork)
        return player.actor

    def values(self, row: Row, choice: list[Tensor], networks: nn.ModuleList) -> Tensor:
        """(B, agents) of what each chooses, nothing for the dead."""
        out = torch.zeros_like(row.alive)
        for k, player in enumerate(self.players):
            q = networks[k].values(row.seen[k])  # type: ignore[operator]  # torch types a submodule as Tensor or Module
            out[:, player.members] = q.gather(-1, choice[k].long().unsqueeze(-1)).squeeze(-1)
        return out * row.alive

    def total(self, values: Tensor, state: Tensor, networks: nn.ModuleList) -> Tensor:
        """(B, 1) of the joint action, or (B, agents) where nothing is mixed."""
        if self.mixer is None:
            return values
        mixed: Tensor = networks[len(self.players)](values, state)
        return mixed.unsqueeze(1)

    @torch.no_grad()
    def target(self, sample: Sample) -> Tensor:
        """The y of the module's head, as `total`."""
        judge = self.fast if self.settings.double else self.slow
        then = sample.then
        best = [
            net.values(seen).argmax(dim=-1)  # type: ignore[operator]  # torch types a submodule as Tensor or Module
            for net, seen in zip(list(judge)[: len(self.players)], then.seen, strict=True)
        ]
        ahead = self.total(self.values(then, best, self.slow), then.state, self.slow)
        reward = sample.reward
        if self.mixer is not None or self.settings.team_reward:
            reward = reward.mean(dim=1, keepdim=True).expand(-1, ahead.shape[1])
        return reward + self.settings.gamma * (1.0 - sample.over).unsqueeze(1) * ahead

    def improve(self, sample: Sample, rate: float, generator: torch.Generator) -> dict[str, float]:
        """One gradient step; raises ModelError where it is not finite."""
        now = sample.now
        found = self.total(self.values(now, now.action, self.fast), now.state, self.fast)
        counts = sample.weight.unsqueeze(1).expand_as(found)
        if self.mixer is None:
            counts = counts * now.alive
        error = (found - self.target(sample)) * counts
        loss = (error**2).sum() / counts.sum().clamp(min=1.0)
        norm = step(self.optimiser, loss, self.fast, rate, self.settings.max_grad_norm)
        follow(self.slow, self.fast, self.settings.tau)
        return {"value": float(loss.detach()), "q": float(found.detach().mean()), "gradient": norm}

    def tensors(self) -> dict[str, Tensor]:
        """By name."""
        return kept(self._modules(), {"optimiser": self.optimiser})

    def load(self, named: Mapping[str, Tensor]) -> None:
        """Take over what `tensors` gave."""
        take_over(named, self._modules(), {"optimiser": self.optimiser})

    def _modules(self) -> dict[str, nn.Module]:
        actors = {f"groups/{k}/actor": player.actor for k, player in enumerate(self.players)}
        return {**actors, **({"mixer": self.mixer} if self.mixer else {}), "slow": self.slow}


def step(
    optimiser: torch.optim.Adam, loss: Tensor, network: nn.Module, rate: float, max_norm: float
) -> float:
    """One step down the loss; the gradient's norm before it was cut. Raises ModelError where it is not finite."""
    optimiser.param_groups[0]["lr"] = rate
    optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]  # torch gives it no types
    norm = torch.nn.utils.clip_grad_norm_(network.parameters(), max_norm)
    if not torch.isfinite(norm):
        raise ModelError("a gradient is not finite; the last checkpoint stays")
    optimiser.step()
    return float(norm)


@torch.no_grad()
def follow(slow: nn.Module, fast: nn.Module, share: float) -> None:
    """Move the slow copy by a share of the way (Polyak averaging)."""
    for kept_one, new in zip(slow.parameters(), fast.parameters(), strict=True):
        kept_one.lerp_(new, share)
