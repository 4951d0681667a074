"""Trained agents at work: each acts on what it sees itself. No critic is here, so no state can leak into an action."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from fund.envs.team import Team, seen_by, tell
from fund.errors import UnknownName
from fund.strategy import Choice
from fund.training.multi_agent.group import Group
from fund.training.multi_agent.networks import Sequence

Floats = NDArray[np.float64]


class Policy(Protocol):
    """Plays all agents of a team."""

    def begin(self, n: int) -> None:
        """Forget all; n copies follow."""

    def act(self, agent: str, seen: NDArray[np.float32]) -> NDArray[Any]:
        """Actions of one agent in all copies, from what it sees (n, k)."""


class Actors:
    """The actors of a team's groups. They choose the likeliest action, or, with a seed or generator, draw one."""

    def __init__(self, groups: list[Group], seed: int | torch.Generator | None = None) -> None:
        self._place = {agent: (group, j) for group in groups for j, agent in enumerate(group.agents)}
        self.agents = tuple(self._place)
        self._generator = torch.Generator().manual_seed(seed) if isinstance(seed, int) else seed
        self._memory: dict[str, torch.Tensor] = {}

    def begin(self, n: int) -> None:
        """Wipe the memory; n copies follow."""
        self._memory = {agent: torch.zeros(n, group.width) for agent, (group, _) in self._place.items()}

    @torch.no_grad()
    def act(self, agent: str, seen: NDArray[np.float32]) -> NDArray[Any]:
        """(n,) choices or (n, a) numbers of one agent; raises UnknownName."""
        if agent not in self._place:
            raise UnknownName("agent", agent, self.agents)
        group, j = self._place[agent]
        if agent not in self._memory or len(self._memory[agent]) != len(seen):
            self._memory[agent] = torch.zeros(len(seen), group.width)
        x = group.sees_one(j, seen)
        acted, memory = group.actor(Sequence(x, self._memory[agent], torch.zeros(1, len(seen))))
        self._memory[agent] = memory
        action = acted.mode() if self._generator is None else acted.sample(self._generator)
        return group.bounded(action[0].numpy())

    def speakers(self) -> dict[str, Callable[[NDArray[np.float32]], NDArray[Any]]]:
        """Each agent as a function of what it sees, for `fund.envs.rounds.play_rounds`."""
        return {agent: partial(self.act, agent) for agent in self.agents}


class RandomActors:
    """Uniform actions, from a generator of their own."""

    def __init__(self, team: Team, seed: int = 0) -> None:
        self._spaces, self._generator = dict(team.actions), np.random.default_rng(seed)

    def begin(self, n: int) -> None:
        """Nothing to forget."""

    def act(self, agent: str, seen: NDArray[np.float32]) -> NDArray[Any]:
        """Actions of one agent."""
        space = self._spaces[agent]
        if isinstance(space, Choice):
            return self._generator.integers(space.count, size=len(seen))
        return self._generator.uniform(space.low, space.high, (len(seen), space.size))


@dataclass(frozen=True)
class Episodes:
    """One episode of each copy of a team."""

    returns: Floats  # (n, agents)
    length: NDArray[np.int64]  # (n,)

    @property
    def per_agent(self) -> Floats:
        """(n,) mean over agents."""
        return np.asarray(self.returns.mean(axis=1))


def play_team(team: Team, policy: Policy, seed: int) -> Episodes:
    """Play one episode of every copy, from `seed` on, to its end."""
    observation = team.reset(seed)
    policy.begin(team.n)
    returns, length = np.zeros((team.n, len(team.agents))), np.zeros(team.n, dtype=np.int64)
    going = np.ones(team.n, dtype=np.bool_)
    while going.any():
        actions: dict[str, NDArray[Any]] = {}
        for agent in team.agents:
            actions[agent] = policy.act(agent, seen_by(team, agent, observation))
            tell(team, agent, actions[agent])
        outcome = team.step(actions)
        observation = outcome.observation
        returns[going] += outcome.reward[going]
        length[going] += 1
        going &= ~(outcome.terminated | outcome.truncated)
    return Episodes(returns, length)
