"""A list of PettingZoo parallel environments as a team. Nothing here imports PettingZoo: the methods are enough.

Continuous actions are given in [-1, 1] and stretched to each space's own bounds. Observations of any space that
Gymnasium can flatten become one row. The centralised state is the environment's `state()`, or all observations in a
row where it has none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from fund.envs.team import Actions, Observations, Outcome
from fund.errors import InvalidAction, InvalidParameter, ResetNeeded
from fund.strategy import Box, Choice

Space = gym.Space[Any]


class ParallelTeam:
    """Copies of one parallel environment, stepped one after the other.

    Copy i begins with `reset(seed=seed + i)`; its later episodes take seeds that follow from (seed + i, episode), so
    that a run is repeated by its seed alone.
    """

    def __init__(self, environments: Iterable[Any]) -> None:
        self.environments = tuple(environments)
        if not self.environments:
            raise InvalidParameter("a team of no environments, wanted at least 1")
        first = self.environments[0]
        self.n, self.agents = len(self.environments), tuple(first.possible_agents)
        self._spaces: dict[str, Space] = {a: first.observation_space(a) for a in self.agents}
        self.observed = {a: int(gym.spaces.flatdim(space)) for a, space in self._spaces.items()}
        acts: dict[str, Space] = {a: first.action_space(a) for a in self.agents}
        self.actions = {a: _actions_of(a, space) for a, space in acts.items()}
        self._decode = {a: _decoder(space) for a, space in acts.items()}
        self.state_size = self._size_of_state(first)
        self._seeds = np.arange(self.n)
        self._episodes = np.full(self.n, -1)
        self._views = {a: np.zeros((self.n, k), np.float32) for a, k in self.observed.items()}
        self._alive = np.zeros((self.n, len(self.agents)), dtype=np.bool_)

    @classmethod
    def of(cls, make: Callable[[], Any], n: int) -> ParallelTeam:
        """As many environments as wanted from one constructor."""
        return cls(make() for _ in range(n))

    def reset(self, seed: int | None = None) -> Observations:
        """Begin an episode in every copy."""
        if seed is not None:
            self._seeds, self._episodes = seed + np.arange(self.n), np.full(self.n, -1)
        return self.renew(np.ones(self.n, dtype=np.bool_))

    def renew(self, ended: NDArray[np.bool_]) -> Observations:
        """Begin the next episode of the copies that have ended."""
        for i in np.flatnonzero(ended).tolist():
            self._episodes[i] += 1
            seen, _ = self.environments[i].reset(seed=self._seed(i))
            self._alive[i] = [a in self.environments[i].agents for a in self.agents]
            self._look(i, seen)
        return self._views

    def step(self, actions: Actions) -> Outcome:
        """One step of every copy that has not ended. Raises ResetNeeded before the first reset."""
        if (self._episodes < 0).any():
            raise ResetNeeded("step before reset; call reset first")
        self._check(actions)
        rewards = np.zeros((self.n, len(self.agents)))
        ends = np.zeros((2, self.n), dtype=np.bool_)
        for i in np.flatnonzero(self._alive.any(axis=1)).tolist():
            live = [(k, a) for k, a in enumerate(self.agents) if self._alive[i, k]]
            given = {a: self._decode[a](actions[a][i]) for _, a in live}
            seen, reward, _, truncations, _ = self.environments[i].step(given)
            for k, a in live:
                rewards[i, k] = reward[a]
                self._alive[i, k] = a in self.environments[i].agents
            if not self._alive[i].any():
                ends[int(any(truncations.values())), i] = True
            self._look(i, seen)
        return Outcome(self._views, rewards, ends[0], ends[1])

    def state(self) -> NDArray[np.float32]:
        """(n, s) the environments' own state, or all observations in a row."""
        if self._has_state:
            rows = [np.ravel(e.state()) for e in self.environments]
            return np.asarray(rows, dtype=np.float32)
        return np.concatenate([self._views[a] for a in self.agents], axis=1)

    def alive(self) -> NDArray[np.bool_]:
        """(n, agents) who takes part in the next step."""
        return self._alive

    def get_state(self) -> None:
        """None: PettingZoo has no way to say what an environment is."""

    def set_state(self, state: Mapping[str, NDArray[Any]]) -> Observations:
        """Not possible here. Raises InvalidParameter."""
        raise InvalidParameter("PettingZoo environments cannot be set to a state; reset them by seed")

    def _seed(self, i: int) -> int:
        seed, episode = int(self._seeds[i]), int(self._episodes[i])
        return seed if episode == 0 else int(np.random.SeedSequence([seed, episode]).generate_state(1)[0])

    def _look(self, i: int, seen: Mapping[str, Any]) -> None:
        # an agent that has just died is in `seen` for the last time: its view is not for acting, but an ended
        # copy keeps it, because a learner may ask what the end was worth
        ended = not self._alive[i].any()
        for k, a in enumerate(self.agents):
            known = a in seen and (ended or self._alive[i, k])
            self._views[a][i] = np.asarray(gym.spaces.flatten(self._spaces[a], seen[a])) if known else 0.0

    def _size_of_state(self, first: Any) -> int:
        try:
            space = first.state_space
            self._has_state = space is not None
            if self._has_state:
                return int(np.prod(space.shape))
        except (AttributeError, NotImplementedError):
            self._has_state = False
        return sum(self.observed.values())

    def _check(self, actions: Actions) -> None:
        for a, space in self.actions.items():
            wanted = (self.n,) if isinstance(space, Choice) else (self.n, space.size)
            if a not in actions or np.shape(actions[a]) != wanted:
                found = np.shape(actions[a]) if a in actions else "nothing"
                raise InvalidAction(f"{a}: actions of shape {found}, wanted {wanted}")
            if not np.isfinite(actions[a]).all():
                raise InvalidAction(f"{a}: an action is not finite")


def _actions_of(agent: str, space: Space) -> Box | Choice:
    if isinstance(space, gym.spaces.Discrete):
        return Choice(int(space.n))
    if isinstance(space, gym.spaces.Box) and space.is_bounded():
        return Box(int(np.prod(space.shape)))
    raise InvalidParameter(f"{agent}: acts in {space}, wanted Discrete or a bounded Box")


def _decoder(space: Space) -> Callable[[Any], Any]:
    if isinstance(space, gym.spaces.Discrete):
        start = int(space.start)
        return lambda action: int(action) + start
    assert isinstance(space, gym.spaces.Box)
    low, high, shape, dtype = space.low.ravel(), space.high.ravel(), space.shape, space.dtype

    def stretch(action: Any) -> NDArray[Any]:
        share = 0.5 * (np.clip(action, -1.0, 1.0) + 1.0)
        return np.asarray((low + share * (high - low)).reshape(shape).astype(dtype))

    return stretch
