"""Copies of a team in parts, each played on its own, wherever that may be.

A shard's rollout is a function of the weights and of the shard's own state (its episodes, its generator, what its
agents remember), of nothing else. So it does not matter who plays it or when, and who dies over it loses nothing: the
same weights and the same state give the same rollout, bit for bit, in any process. What all shards played, side by
side in their order, is one rollout that the learner learns from as if it had played it itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fund.envs.team import Team
from fund.errors import InvalidParameter
from fund.training.multi_agent.group import Rollout, below
from fund.training.multi_agent.learner import Learner
from fund.training.multi_agent.settings import Settings

MOST_SHARDS = 8
PARTS = ("actor", "critic", "norm")


class Experience(NamedTuple):
    """What a rollout of some copies left behind."""

    rollouts: list[Rollout]  # one a group
    reward: NDArray[np.float64]  # (T, n, agents)
    ended: NDArray[np.bool_]  # (T, n)
    last: NDArray[np.float64]  # (n, agents) values behind the last step
    finished: list[tuple[float, int]]  # mean return over agents, length


def joined(parts: Sequence[Experience]) -> Experience:
    """Copies side by side."""
    rollouts = [
        Rollout(*(torch.cat([getattr(r, f.name) for r in same], dim=1) for f in fields(Rollout)))
        for same in zip(*(part.rollouts for part in parts), strict=True)
    ]
    return Experience(
        rollouts,
        np.concatenate([part.reward for part in parts], axis=1),
        np.concatenate([part.ended for part in parts], axis=1),
        np.concatenate([part.last for part in parts]),
        [episode for part in parts for episode in part.finished],
    )


class Plan(NamedTuple):
    """How the copies are cut; the same for everyone who plays a part."""

    make: Callable[[int], Team]
    settings: Settings
    seed: int
    shards: int

    @classmethod
    def of(cls, make: Callable[[int], Team], settings: Any, seed: int, shards: int | None = None) -> Plan:
        """As many shards as divide the copies, 8 at most; raises InvalidParameter."""
        if not isinstance(settings, Settings):
            raise InvalidParameter(f"{settings.algorithm}: only mappo and ippo are played in parts")
        if not all(settings.by_ppo(agent) for agent in settings.agents):
            raise InvalidParameter("agents of several algorithms are not played in parts")
        if shards is None:
            shards = max(k for k in range(1, MOST_SHARDS + 1) if settings.copies % k == 0)
        if shards < 1 or settings.copies % shards:
            raise InvalidParameter(f"{settings.copies} copies in {shards} shards, wanted a divisor")
        return cls(make, settings, seed, shards)

    @property
    def copies(self) -> int:
        """Of the world, in each shard."""
        return self.settings.copies // self.shards


class Shard:
    """One part of the copies. `version` counts its rollouts."""

    def __init__(self, plan: Plan, index: int) -> None:
        self.index, self.version = index, 0
        self.learner = Learner(plan.make(plan.copies), plan.settings, plan.seed + index * plan.copies)

    def play(self, weights: Mapping[str, Tensor]) -> Experience:
        """One rollout by these weights."""
        learner = self.learner
        for k, group in enumerate(learner.groups):
            for part in PARTS:
                getattr(group, part).load_state_dict(below(weights, f"{k}/{part}"))
        rollouts, reward, ended = learner.collect()
        self.version += 1
        return Experience(rollouts, reward, ended, learner._values(), learner.finished)

    def state(self) -> dict[str, Tensor]:
        """All but the weights; raises InvalidParameter where the team cannot say its state."""
        learner, state = self.learner, self.learner.team.get_state()
        if state is None:
            raise InvalidParameter("a team that cannot say its state cannot be played in parts")
        named = {f"team/{key}": torch.from_numpy(np.array(array)) for key, array in state.items()}
        for k, group in enumerate(learner.groups):
            named |= {f"memory/{k}/actor": group.actor_memory, f"memory/{k}/critic": group.critic_memory}
        named |= {"generator": learner.generator.get_state(), "begins": learner.begins}
        named |= {
            "total": torch.from_numpy(learner.total.copy()),
            "length": torch.from_numpy(learner.length.copy()),
        }
        return named | {"version": torch.tensor([self.version, learner.steps])}

    def restore(self, named: Mapping[str, Tensor]) -> None:
        """Go on from `state`."""
        learner = self.learner
        learner.observation = learner.team.set_state({k: t.numpy() for k, t in below(named, "team").items()})
        for k, group in enumerate(learner.groups):
            group.actor_memory, group.critic_memory = named[f"memory/{k}/actor"], named[f"memory/{k}/critic"]
        learner.generator.set_state(named["generator"])
        learner.begins = named["begins"]
        learner.total, learner.length = named["total"].numpy().copy(), named["length"].numpy().copy()
        self.version, learner.steps = named["version"].tolist()


class Source(Protocol):
    """Who plays the shards."""

    plan: Plan

    def collect(self, weights: Mapping[str, Tensor]) -> Experience:
        """A rollout of all shards by these weights, in order."""

    def states(self) -> list[dict[str, Tensor]]:
        """Of all shards, in order, after their last rollout."""

    def restore(self, states: Sequence[dict[str, Tensor]]) -> None:
        """Go on from `states`."""

    def numbers(self) -> dict[str, float]:
        """For the log."""


class ShardedLearner(Learner):
    """Learns from what others play. Its own team is a single copy, for the names and sizes."""

    def __init__(self, source: Source) -> None:
        plan = source.plan
        super().__init__(plan.make(1), plan.settings, plan.seed)
        self.source = source
        self._last = np.zeros((plan.settings.copies, len(self.team.agents)))

    def weights(self) -> dict[str, Tensor]:
        """What playing needs, by name."""
        return {
            f"{k}/{part}/{key}": t.detach().clone()
            for k, group in enumerate(self.groups)
            for part in PARTS
            for key, t in getattr(group, part).state_dict().items()
        }

    def collect(self) -> tuple[list[Rollout], NDArray[np.float64], NDArray[np.bool_]]:
        """A rollout of all shards, side by side."""
        played = self.source.collect(self.weights())
        self._last, self.finished = played.last, played.finished
        self.steps += self.settings.rollout * self.settings.copies
        return played.rollouts, played.reward, played.ended

    def _values(self) -> NDArray[np.float64]:
        return self._last

    def iterate(self) -> dict[str, float]:
        """One rollout and what is learned from it, and how the playing went."""
        return super().iterate() | self.source.numbers()

    def take_over(self, other: Learner) -> None:
        """Go on with what another learner of the same settings has learned."""
        for group, taught in zip(self.groups, other.groups, strict=True):
            group.load({key: t.clone() for key, t in taught.tensors().items()})

    def snapshot(self) -> tuple[dict[str, Tensor], dict[str, int]]:
        """All that going on exactly needs, with every shard's state."""
        named, where = super().snapshot()
        for k, state in enumerate(self.source.states()):
            named |= {f"shards/{k}/{key}": t for key, t in state.items()}
        return named, where

    def resume(self, named: Mapping[str, Tensor], where: Mapping[str, int]) -> None:
        """Go on from a snapshot; raises ModelError where it is of another team or other settings."""
        states = [below(named, f"shards/{k}") for k in range(self.source.plan.shards)]
        if not all(states) or below(named, f"shards/{len(states)}"):
            raise InvalidParameter(f"the checkpoint was not made with {len(states)} shards")
        super().resume(named, where)
        self.source.restore(states)
