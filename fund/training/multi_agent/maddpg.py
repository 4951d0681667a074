"""Deterministic policies with critics that see everybody's actions: MADDPG.

    critic   Q_i(s, a_1, ..., a_m) -> y = r_i + gamma Q'_i(s', mu'_1(o'_1), ..., mu'_m(o'_m)),   ' the slow copies
    actor    up the gradient of Q_i(s, a_1, ..., mu_i(o_i), ..., a_m), the others' actions as they were played

Numbers come out of a tanh that is stretched to the Box. Choices are one-hot vectors; the policy's own is drawn by the
Gumbel trick, and its gradient is that of the softmax (straight through). An actor sees what its agent sees, nothing
else; the critic, which is needed in training only, sees the central state and, as the settings say, its agent's
observation.

Lowe, Wu, Tamar, Harb, Abbeel & Mordatch (2017), "Multi-agent actor-critic for mixed cooperative-competitive
environments", NeurIPS, eqs. 5 and 6; Jang, Gu & Poole (2017), straight-through Gumbel softmax.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from fund.envs.team import Team
from fund.strategy import Box, Choice
from fund.training.multi_agent.group import below, grouped, kept, take_over
from fund.training.multi_agent.networks import Categorical, Distribution, Sequence, Torso, orthogonal
from fund.training.multi_agent.off_policy import OffPolicy, Player
from fund.training.multi_agent.qmix import follow, step
from fund.training.multi_agent.replay import Row, Sample

SMALL = 1e-3  # weight of the squared outputs in the actor's loss, as in the authors' code: tanh stays awake


@dataclass(frozen=True)
class Point:
    """All probability in one place: `at` (..., a)."""

    at: Tensor

    def sample(self, generator: torch.Generator) -> Tensor:
        """The place."""
        return self.at

    def mode(self) -> Tensor:
        """The place."""
        return self.at

    def log_prob(self, action: Tensor) -> Tensor:
        """0 there, minus infinity elsewhere."""
        return torch.where((action == self.at).all(dim=-1), 0.0, -torch.inf)

    def entropy(self) -> Tensor:
        """0."""
        return torch.zeros(self.at.shape[:-1])


class DeterministicActor(nn.Module):
    """From what an agent sees to what it does; `given` is that as the critic reads it."""

    def __init__(self, size: int, actions: Box | Choice, settings: OffPolicy) -> None:
        super().__init__()
        self.actions = actions
        self.torso = Torso(size, settings.layers)
        numbers = actions.count if isinstance(actions, Choice) else actions.size
        self.head = orthogonal(nn.Linear(self.torso.width, numbers), 0.01)

    def raw(self, x: Tensor) -> Tensor:
        """(..., k) as log odds of choices, or numbers before the tanh."""
        out: Tensor = self.head(self.torso.layers(x))
        return out

    def numbers(self, raw: Tensor) -> Tensor:
        """Stretched to the Box."""
        assert isinstance(self.actions, Box)
        middle, half = (
            0.5 * (self.actions.high + self.actions.low),
            0.5 * (self.actions.high - self.actions.low),
        )
        return middle + half * torch.tanh(raw)

    def given(self, raw: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """(..., a): numbers, or one-hot choices; the likeliest ones, or, with a generator, drawn."""
        if isinstance(self.actions, Box):
            return self.numbers(raw)
        if generator is not None:
            uniform = torch.rand(raw.shape, generator=generator).clamp_(1e-20)
            raw = raw - torch.log(-torch.log(uniform))
        soft = torch.softmax(raw, dim=-1)
        hard = functional.one_hot(soft.argmax(dim=-1), self.actions.count).to(soft)
        return hard + (soft - soft.detach())

    def forward(self, of: Sequence) -> tuple[Distribution, Tensor]:
        """What it does, and the memory, which there is none of."""
        raw = self.raw(of.x)
        if isinstance(self.actions, Box):
            return Point(self.numbers(raw)), of.memory
        return Categorical(torch.log_softmax(raw, dim=-1)), of.memory


class Judged:
    """One group's critic, the slow copies of both networks, and the optimisers."""

    def __init__(self, player: Player, size: int, settings: OffPolicy) -> None:
        torso = Torso(size, settings.layers)
        self.critic = nn.Sequential(torso.layers, orthogonal(nn.Linear(torso.width, 1), 1.0))
        self.actor = player.actor
        self.slow_critic, self.slow_actor = copy.deepcopy(self.critic), copy.deepcopy(self.actor)
        self.critic_optimiser = torch.optim.Adam(self.critic.parameters())
        self.actor_optimiser = torch.optim.Adam(self.actor.parameters())

    def follow(self, share: float) -> None:
        """Move the slow copies."""
        follow(self.slow_critic, self.critic, share)
        follow(self.slow_actor, self.actor, share)


class CentralCritics:
    """MADDPG: an actor and a critic for each group of agents."""

    def __init__(self, team: Team, settings: OffPolicy) -> None:
        self.settings, self.agents = settings, len(team.agents)
        self.players = [Player(team, who, settings.names) for who in grouped(team, settings.shared)]
        for player in self.players:
            player.actor = DeterministicActor(player.sees, player.actions, settings)
        self.widths = [
            p.actions.count if isinstance(p.actions, Choice) else p.action_size for p in self.players
        ]
        everybody = sum(width * p.m for width, p in zip(self.widths, self.players, strict=True))
        self.parts = []
        for player in self.players:
            own = player.sees if settings.own_view else player.labels
            self.parts.append(Judged(player, team.state_size + own + everybody, settings))

    @torch.no_grad()
    def explore(self, player: Player, seen: Tensor, generator: torch.Generator) -> Tensor:
        """Numbers with noise (n, m, a), or drawn choices (n, m)."""
        actor = _deterministic(player.actor)
        given = actor.given(actor.raw(seen), generator)
        if isinstance(player.actions, Choice):
            return given.argmax(dim=-1)
        half = 0.5 * (player.actions.high - player.actions.low)
        noise = self.settings.noise * half * torch.randn(given.shape, generator=generator)
        return (given + noise).clamp(player.actions.low, player.actions.high)

    def improve(self, sample: Sample, rate: float, generator: torch.Generator) -> dict[str, float]:
        """One step of each critic and of each actor; raises ModelError where a gradient is not finite."""
        played = [self._as_given(k, action) for k, action in enumerate(sample.now.action)]
        with torch.no_grad():
            slow = [_deterministic(part.slow_actor) for part in self.parts]
            then = [actor.given(actor.raw(x)) for actor, x in zip(slow, sample.then.seen, strict=True)]
        means: dict[str, list[float]] = {"value": [], "policy": [], "q": []}
        for k in range(len(self.players)):
            loss, q = self._judge(k, sample, played, then, rate)
            means["value"].append(loss)
            means["q"].append(q)
            means["policy"].append(self._act_better(k, sample, played, rate, generator))
        for part in self.parts:
            part.follow(self.settings.tau)
        return {key: sum(found) / len(found) for key, found in means.items()}

    def _judge(
        self, k: int, sample: Sample, played: list[Tensor], then: list[Tensor], rate: float
    ) -> tuple[float, float]:
        part, player, settings = self.parts[k], self.players[k], self.settings
        reward = sample.reward[:, player.members]
        if settings.team_reward:
            reward = sample.reward.mean(dim=1, keepdim=True).expand_as(reward)
        with torch.no_grad():
            ahead = self._worth(part.slow_critic, k, sample.then, [then] * player.m)
            goes_on = (1.0 - sample.over).unsqueeze(1) * sample.then.alive[:, player.members]
            target = reward + settings.gamma * goes_on * ahead
        found = self._worth(part.critic, k, sample.now, [played] * player.m)
        counts = sample.weight.unsqueeze(1) * sample.now.alive[:, player.members]
        loss = (counts * (found - target) ** 2).sum() / counts.sum().clamp(min=1.0)
        step(part.critic_optimiser, loss, part.critic, rate, settings.max_grad_norm)
        return float(loss.detach()), float(found.detach().mean())

    def _act_better(
        self, k: int, sample: Sample, played: list[Tensor], rate: float, generator: torch.Generator
    ) -> float:
        part, player, now = self.parts[k], self.players[k], sample.now
        actor = _deterministic(part.actor)
        raw = actor.raw(now.seen[k])
        own = actor.given(raw, generator)
        tried = []
        for j in range(player.m):  # each member's own action is new, all others' are as played
            mine = played[k].clone()
            mine[:, j] = own[:, j]
            tried.append([*played[:k], mine, *played[k + 1 :]])
        worth = self._worth(part.critic, k, now, tried)
        living = now.alive[:, player.members]
        loss = ((SMALL * (raw**2).mean(dim=-1) - worth) * living).sum() / living.sum().clamp(min=1.0)
        step(part.actor_optimiser, loss, part.actor, rate, self.settings.max_grad_norm)
        return float(loss.detach())

    def _worth(self, critic: nn.Module, k: int, row: Row, given: list[list[Tensor]]) -> Tensor:
        # (B, m); `given` has, for each member of the group, everybody's actions
        player, columns = self.players[k], []
        for j in range(player.m):
            whole = torch.cat([x.flatten(1) for x in given[j]], dim=1)
            own = row.seen[k][:, j]
            if not self.settings.own_view:
                own = own[:, own.shape[1] - player.labels :]
            columns.append(critic(torch.cat([row.state, own, whole], dim=1)))
        return torch.cat(columns, dim=1)

    def _as_given(self, k: int, action: Tensor) -> Tensor:
        if self.players[k].discrete:
            return functional.one_hot(action.long(), self.widths[k]).float()
        return action

    def tensors(self) -> dict[str, Tensor]:
        """By name."""
        named: dict[str, Tensor] = {}
        for k, part in enumerate(self.parts):
            named |= {f"groups/{k}/{key}": t for key, t in kept(*_kept(part)).items()}
        return named

    def load(self, named: Mapping[str, Tensor]) -> None:
        """Take over what `tensors` gave."""
        for k, part in enumerate(self.parts):
            take_over(below(named, f"groups/{k}"), *_kept(part))


def _kept(part: Judged) -> tuple[dict[str, nn.Module], dict[str, torch.optim.Adam]]:
    modules = {
        "actor": part.actor, "critic": part.critic, "slow_actor": part.slow_actor, "slow_critic": part.slow_critic,
    }  # fmt: skip
    return modules, {"actor_optimiser": part.actor_optimiser, "critic_optimiser": part.critic_optimiser}


def _deterministic(actor: nn.Module) -> DeterministicActor:
    assert isinstance(actor, DeterministicActor)
    return actor
