"""One episode at a time: the batch of one as a Gymnasium environment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from fund.account.ledger import LINES
from fund.envs import render
from fund.envs.batch import Batch
from fund.envs.spaces import action_space, observation_space, resolve
from fund.errors import ResetNeeded
from fund.strategy import Choice, Strategy

Observation = NDArray[np.float32]


class FundEnv(gym.Env[Observation, Any]):
    """A strategy as `gymnasium.Env`; registered as `fund/<Name>-v0`.

    `strategy` is a roster name or a Strategy, `preset` and `parameters` say which. `reset(seed=s)` starts the
    first episode of seed s, `reset()` the next one of the same seed. `info` has constant keys: `nav`, `pnl`
    (this step's ledger lines, in account currency), `reward_parts`, `units`.
    """

    metadata = {"render_modes": ["ansi", "rgb_array"], "render_fps": 8}  # noqa: RUF012 - Gymnasium's own form

    def __init__(
        self,
        strategy: str | Strategy,
        preset: str = "default",
        parameters: Mapping[str, Any] | None = None,
        render_mode: str | None = None,
    ) -> None:
        self.strategy = resolve(strategy, preset, parameters)
        self.observation_space: Any = observation_space(self.strategy)
        self.action_space = action_space(self.strategy)
        self.render_mode = render_mode
        self.batch = Batch(self.strategy, 1)
        self._link()
        self._names = self.batch.part_names
        self._discrete = isinstance(self.strategy.actions, Choice)
        self._seeded = False
        self._navs: list[float] = []

    def _link(self) -> None:
        self._lines = self.batch.ledger.books.lines
        self._nav = self.batch.ledger.books.nav

    def __getstate__(self) -> dict[str, Any]:
        """All but the views of the ledger."""
        return {key: value for key, value in self.__dict__.items() if key not in ("_lines", "_nav")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore, and link the views again."""
        self.__dict__.update(state)
        self._link()

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """First observation and info of an episode."""
        super().reset(seed=seed)
        if seed is None and not self._seeded:
            seed = int(self.np_random.integers(2**31))
        self._seeded = True
        observation = self.batch.reset(seed)[0].copy()
        self._past = self._lines[:, 0].tolist()
        self._navs = [float(self._nav[0])]
        return observation, self._info([0.0] * len(LINES))

    def step(self, action: Any) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """One step; raises InvalidAction, and ResetNeeded after the end of an episode."""
        batch = self.batch
        if batch.tape is None or batch._ends[0]:
            raise ResetNeeded(f"{self.strategy.name}: step without an episode; call reset first")
        given = np.asarray(action)
        out = batch.step(given.reshape(1, 1) if self._discrete and given.size == 1 else given[None])
        lines = self._lines[:, 0].tolist()
        info = self._info([new - old for new, old in zip(lines, self._past, strict=True)])
        self._past = lines
        if self.render_mode is not None:
            self._navs.append(float(self._nav[0]))
        end = int(batch._ends[0])
        return out.observation[0].copy(), float(out.reward[0]), end == 2, end == 1, info

    def render(self) -> Any:
        """A table of the last observation (`ansi`), or a picture of the NAV so far (`rgb_array`)."""
        if self.render_mode == "ansi":
            return render.table(self.batch)
        if self.render_mode == "rgb_array":
            return render.picture(self._navs, self.strategy.name)
        return None

    def get_state(self) -> dict[str, NDArray[Any]]:
        """The whole state in plain arrays."""
        return self.batch.get_state()

    def set_state(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Continue from `get_state`."""
        self.batch.set_state(state)
        self._seeded = True
        self._past = self._lines[:, 0].tolist()
        self._navs = [float(self._nav[0])]

    def _info(self, pnl: list[float]) -> dict[str, Any]:
        return {
            "nav": float(self._nav[0]),
            "pnl": dict(zip(LINES, pnl, strict=True)),
            "reward_parts": dict(zip(self._names, self.batch.parts[:, 0].tolist(), strict=True)),
            "units": "account currency",
        }
