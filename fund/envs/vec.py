"""n episodes at once as Stable-Baselines3's VecEnv, without a Python call per path."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv

from fund.envs.batch import Batch
from fund.envs.spaces import action_space, observation_space
from fund.strategy import Choice, Strategy


class FundVecEnv(VecEnv):
    """A strategy as SB3's VecEnv: ended rows begin anew in the same step.

    `infos[i]["terminal_observation"]` holds the last observation of an ended episode, and
    `infos[i]["TimeLimit.truncated"]` says that it ended by the clock. Where the strategy's objective ends at its
    horizon (`finite_horizon`) and `horizon_ends` is set, that flag is left False: no value lies beyond, and a
    learner that bootstraps there would learn from a state that it never visits.
    """

    def __init__(self, strategy: Strategy, n: int, seed: int = 0, horizon_ends: bool = False) -> None:
        self.strategy = strategy
        self.batch = Batch(strategy, n, seed)
        self.render_mode = None
        self._horizon_ends = horizon_ends and strategy.finite_horizon
        self._actions: NDArray[Any] | None = None
        self._discrete = isinstance(strategy.actions, Choice)
        self._quiet: list[dict[str, Any]] = [{} for _ in range(n)]
        self._next_seed: int | None = seed
        super().__init__(n, observation_space(strategy), action_space(strategy))

    def reset(self) -> NDArray[np.float32]:
        """First observations (n, k)."""
        seeds = [s for s in self._seeds if s is not None]
        seed, self._next_seed = (seeds[0] if seeds else self._next_seed), None
        self._reset_seeds()
        self._reset_options()
        return self.batch.reset(seed)

    def step_async(self, actions: NDArray[Any]) -> None:
        """Hold the actions."""
        self._actions = actions[:, None] if self._discrete else actions

    def step_wait(self) -> tuple[NDArray[np.float32], NDArray[Any], NDArray[Any], list[dict[str, Any]]]:
        """Step; the observations stay valid until the step after the next."""
        out = self.batch.step(self._actions)
        done = out.terminated | out.truncated
        rewards = out.reward.astype(np.float32)
        if not done.any():
            return out.observation, rewards, done, self._quiet
        infos = list(self._quiet)
        last = out.observation[done].copy()
        for row, i in enumerate(np.flatnonzero(done)):
            by_clock = bool(out.truncated[i]) and not self._horizon_ends
            infos[i] = {"terminal_observation": last[row], "TimeLimit.truncated": by_clock}
        return self.batch.renew(done), rewards, done, infos

    def close(self) -> None:
        """Nothing to free."""

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """The attribute of every row: they share it."""
        return [getattr(self, attr_name)] * len(list(self._get_indices(indices)))

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Set an attribute, which all rows share."""
        setattr(self, attr_name, value)

    def env_method(self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any) -> list[Any]:
        """Call a method of the shared environment once."""
        result = getattr(self, method_name)(*args, **kwargs)
        return [result] * len(list(self._get_indices(indices)))

    def env_is_wrapped(self, wrapper_class: type[Any], indices: Any = None) -> list[bool]:
        """No row is wrapped."""
        return [False] * len(list(self._get_indices(indices)))

    def get_images(self) -> Sequence[NDArray[np.uint8] | None]:
        """A picture of each of the first rows' NAV."""
        from fund.envs import render

        return [render.picture([float(self.batch.ledger.books.nav[0])], self.strategy.name)]
