"""What a team learns from, where that is not what it is paid: teams around teams, and the choice among objectives.

    Shaped    potential-based shaping: r + gamma Phi(s') - Phi(s), which leaves the best policies as they are
              (Ng, Harada & Russell, 1999, theorem 1; at an end Phi counts as 0: Grzes, 2017)
    Mixed     each agent learns from a mixture of all agents' rewards: alone, as a team, or against the others
    Scaled    rewards divided by the running deviation of the discounted return (as in SB3's VecNormalize)
    pareto    which of several results no other beats in every objective

Evaluation uses the team itself: none of these changes what a policy is judged by.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fund.envs.team import Actions, Observations, Outcome, Team
from fund.errors import InvalidParameter
from fund.strategy import Box, Choice

Floats = NDArray[np.float64]
Potential = Callable[[Team], Floats]
"""Phi of the present state: (n,), or (n, agents) where each agent has its own."""


class Around:
    """A team that is another in everything; those below change its rewards."""

    def __init__(self, team: Team) -> None:
        self.team = team
        self.n, self.agents, self.state_size = team.n, team.agents, team.state_size
        self.observed: Mapping[str, int] = team.observed
        self.actions: Mapping[str, Box | Choice] = team.actions

    def __getattr__(self, name: str) -> Any:
        if name == "team":  # not there yet, while a copy is being made
            raise AttributeError(name)
        return getattr(self.team, name)

    def reset(self, seed: int | None = None) -> Observations:
        """Begin an episode in every copy."""
        return self.team.reset(seed)

    def state(self) -> NDArray[np.float32]:
        """(n, s)."""
        return self.team.state()

    def alive(self) -> NDArray[np.bool_]:
        """(n, agents)."""
        return self.team.alive()

    def step(self, actions: Actions) -> Outcome:
        """One step of every copy."""
        return self.team.step(actions)

    def renew(self, ended: NDArray[np.bool_]) -> Observations:
        """Begin the next episode of the copies that have ended."""
        return self.team.renew(ended)

    def get_state(self) -> Mapping[str, NDArray[Any]] | None:
        """All that the copies are."""
        return self.team.get_state()

    def set_state(self, state: Mapping[str, NDArray[Any]]) -> Observations:
        """Go on from `get_state`."""
        return self.team.set_state(state)


class Shaped(Around):
    """Rewards plus gamma Phi(s') - Phi(s); gamma is the learner's own.

    Behind an end, Phi is 0. `horizon_ends` says whether an end by the clock is one, too: it is where the learner does
    not bootstrap there.
    """

    def __init__(self, team: Team, potential: Potential, gamma: float, horizon_ends: bool = False) -> None:
        super().__init__(team)
        self.potential, self.gamma, self.horizon_ends = potential, gamma, horizon_ends

    def step(self, actions: Actions) -> Outcome:
        """One step; the dead are not shaped."""
        before, living = self._phi(), self.team.alive().copy()
        out = self.team.step(actions)
        over = out.terminated | out.truncated if self.horizon_ends else out.terminated
        after = np.where(over[:, None], 0.0, self._phi())
        return out._replace(reward=out.reward + (self.gamma * after - before) * living)

    def _phi(self) -> Floats:
        phi = np.asarray(self.potential(self.team), dtype=np.float64)
        return np.broadcast_to(phi if phi.ndim == 2 else phi[:, None], (self.n, len(self.agents))).copy()


class Mixed(Around):
    """Agent i learns from sum over j of weights[i, j] reward_j."""

    def __init__(self, team: Team, weights: Floats) -> None:
        super().__init__(team)
        wanted = (len(self.agents), len(self.agents))
        if weights.shape != wanted or not np.isfinite(weights).all():
            raise InvalidParameter(f"weights of shape {weights.shape}, wanted finite ones of {wanted}")
        self.weights = weights

    def step(self, actions: Actions) -> Outcome:
        """One step."""
        out = self.team.step(actions)
        return out._replace(reward=out.reward @ self.weights.T)


def cooperative(agents: int, share: float = 1.0) -> Floats:
    """Weights between each for itself (share 0) and all for the team's mean (1)."""
    return np.asarray((1.0 - share) * np.eye(agents) + share / agents)


def competitive(agents: int) -> Floats:
    """Each agent's reward less the mean of the others': they sum to 0."""
    if agents < 2:
        raise InvalidParameter(f"a competition of {agents} agents, wanted at least 2")
    others = (1.0 - np.eye(agents)) / (agents - 1)
    return np.asarray(np.eye(agents) - others)


class Scaled(Around):
    """Rewards over the running deviation of each agent's discounted return, clipped to +-bound."""

    def __init__(self, team: Team, gamma: float, bound: float = 10.0) -> None:
        super().__init__(team)
        self.gamma, self.bound = gamma, bound
        shape = (team.n, len(team.agents))
        self.running, self.moments = np.zeros(shape), np.zeros((3, shape[1]))  # count, mean, sum of squares

    def step(self, actions: Actions) -> Outcome:
        """One step."""
        out = self.team.step(actions)
        self.running = self.gamma * self.running + out.reward
        self._count(self.running)
        self.running[out.terminated | out.truncated] = 0.0
        scaled = np.clip(out.reward / self.deviation, -self.bound, self.bound)
        return out._replace(reward=scaled)

    @property
    def deviation(self) -> Floats:
        """(agents,) of the discounted returns so far."""
        count, _, squares = self.moments
        return np.asarray(np.sqrt(squares / np.maximum(count, 1.0) + 1e-8))

    def _count(self, x: Floats) -> None:
        # Chan, Golub & LeVeque (1979): two samples' moments into one's
        count, mean, squares = self.moments
        n, m = len(x), x.mean(axis=0)
        both, away = count + n, m - mean
        self.moments = np.stack([
            both, mean + away * n / both, squares + ((x - m) ** 2).sum(axis=0) + away**2 * count * n / both,
        ])  # fmt: skip

    def get_state(self) -> Mapping[str, NDArray[Any]] | None:
        """With the running moments."""
        state = self.team.get_state()
        if state is None:
            return None
        return {**state, "scaled_running": self.running.copy(), "scaled_moments": self.moments.copy()}

    def set_state(self, state: Mapping[str, NDArray[Any]]) -> Observations:
        """Go on from `get_state`."""
        self.running, self.moments = np.array(state["scaled_running"]), np.array(state["scaled_moments"])
        return self.team.set_state({k: v for k, v in state.items() if not k.startswith("scaled_")})


def pareto(results: Floats) -> NDArray[np.bool_]:
    """(n,) which rows of results (n, objectives), more is better, are dominated by no other.

    Row a dominates b where it is nowhere worse and somewhere better. Equal rows stay together. Raises InvalidParameter
    where a number is not finite.
    """
    x = np.asarray(results, dtype=np.float64)
    if x.ndim != 2 or not np.isfinite(x).all():
        raise InvalidParameter(f"results of shape {x.shape}, wanted finite ones, (n, objectives)")
    least_as_good = (x[:, None] >= x[None]).all(axis=2)
    better = (x[:, None] > x[None]).any(axis=2)
    return np.asarray(~(least_as_good & better).any(axis=0))
