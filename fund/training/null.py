"""An environment that costs nothing: what a learner's speed is measured against."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fund.envs.vec import FundVecEnv
from fund.strategy import Strategy


class NullVecEnv(FundVecEnv):
    """Same spaces and episode length as a strategy's VecEnv; observations and rewards are zeros."""

    def __init__(self, strategy: Strategy, n: int) -> None:
        super().__init__(strategy, n)
        width = len(strategy.features)
        self._zeros = [np.zeros((n, width), dtype=np.float32) for _ in range(2)]
        self._nothing = np.zeros(n, dtype=np.float32)
        self._steps = 0

    def reset(self) -> NDArray[np.float32]:
        """Zeros."""
        self._steps = 0
        return self._zeros[0]

    def step_wait(self) -> tuple[NDArray[np.float32], NDArray[Any], NDArray[Any], list[dict[str, Any]]]:
        """Zeros, and the end of an episode when a strategy's would come."""
        self._steps += 1
        ended = self._steps % self.strategy.n_steps == 0
        done = np.full(self.num_envs, ended)
        infos = self._quiet
        if ended:
            infos = [{"terminal_observation": self._zeros[0][0], "TimeLimit.truncated": True} for _ in infos]
        return self._zeros[self._steps % 2], self._nothing, done, infos
