"""What a multi-agent trainer asks of a world: n copies of it, stepped together, all agents in each.

The clock is the one of `fund.strategy`: observe, all agents decide, `step`, observe. A copy that has ended stays as
it ended until `renew`, so that a learner can look at the state in which it ended. Arrays that come back may be
overwritten by the next call; whoever keeps them copies them.

A world satisfies `Team` by having these names; it inherits from nothing. `fund.envs.parallel` makes one from any list
of PettingZoo parallel environments.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from fund.strategy import Box, Choice

Floats = NDArray[np.float64]
Observations = Mapping[str, NDArray[np.float32]]
"""Agent in, what it sees out: (n, k). Zeros where it is dead."""
Actions = Mapping[str, NDArray[Any]]
"""Agent in, what it does out: (n,) whole numbers for a Choice, (n, a) for a Box. A dead agent's are not read."""


class Outcome(NamedTuple):
    """What one step of a team gives back."""

    observation: Observations
    reward: Floats  # (n, agents), zero for the dead
    terminated: NDArray[np.bool_]  # (n,) the copy came to an end of its own: no value lies beyond
    truncated: NDArray[np.bool_]  # (n,) the clock or the data ended it


class Team(Protocol):
    """n copies of one world in which several agents act."""

    @property
    def n(self) -> int:
        """Copies."""

    @property
    def agents(self) -> tuple[str, ...]:
        """Their names, in the order of the columns of `reward` and `alive`."""

    @property
    def observed(self) -> Mapping[str, int]:
        """How many numbers each agent sees, k."""

    @property
    def actions(self) -> Mapping[str, Box | Choice]:
        """What each agent may do."""

    @property
    def state_size(self) -> int:
        """How many numbers a centralised critic sees, s."""

    def reset(self, seed: int | None = None) -> Observations:
        """Begin an episode in every copy: copy i takes seed + i; without one the next episode of its seed."""

    def state(self) -> NDArray[np.float32]:
        """(n, s) what a centralised critic may see. Never read when agents act."""

    def alive(self) -> NDArray[np.bool_]:
        """(n, agents) who takes part in the next step."""

    def step(self, actions: Actions) -> Outcome:
        """One step of every copy. Raises InvalidAction, ResetNeeded."""

    def renew(self, ended: NDArray[np.bool_]) -> Observations:
        """Begin the next episode of the copies that have ended, (n,); observations of all."""

    def get_state(self) -> Mapping[str, NDArray[Any]] | None:
        """All that the copies are, in plain arrays; None where that cannot be said."""

    def set_state(self, state: Mapping[str, NDArray[Any]]) -> Observations:
        """Go on from `get_state`."""


def in_turn(team: Team) -> bool:
    """Whether later agents are told what earlier ones have decided in the same round (`fund.envs.rounds`)."""
    of = getattr(team, "stage", team)
    return bool(getattr(of, "in_turn", False))


def seen_by(team: Any, agent: str, observation: Observations) -> NDArray[np.float32]:
    """What an agent sees when it is its turn (n, k): where agents speak in turn, what was said stands in it."""
    return team.view(agent) if in_turn(team) else observation[agent]


def tell(team: Any, agent: str, action: NDArray[Any]) -> None:
    """Let later agents know, where they speak in turn."""
    if in_turn(team):
        team.announce(agent, action)
