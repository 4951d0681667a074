"""n episodes at once as Gymnasium's native VectorEnv."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from fund.envs.batch import Batch
from fund.envs.spaces import action_space, observation_space, resolve
from fund.errors import ResetNeeded
from fund.roster import rosters
from fund.strategy import Strategy


def _lasting(strategy: Strategy, steps: int | None) -> Strategy:
    # `make_vec` hands on the registered horizon, which is the default preset's; an episode ends with its own tape
    registered = {spec.name: spec.horizon for spec in rosters().values()}.get(strategy.name)
    return strategy if steps in (None, registered) else strategy.with_steps(int(steps or 1))


class FundVectorEnv(VectorEnv[Any, Any, Any]):
    """A strategy as `gymnasium.vector.VectorEnv`; row i equals the single environment with seed + i.

    `autoreset_mode` is one of Gymnasium's three. SAME_STEP (the default) gives the last observation of an ended
    episode in `infos["final_obs"]`, with the mask `infos["_final_obs"]`; NEXT_STEP ignores the action of an ended
    row and resets it; DISABLED waits for `reset(options={"reset_mask": mask})`.
    """

    metadata = {  # noqa: RUF012 - Gymnasium's own form
        "render_modes": ["ansi", "rgb_array"],
        "render_fps": 8,
        "autoreset_mode": AutoresetMode.SAME_STEP,
    }

    def __init__(
        self,
        num_envs: int = 1,
        strategy: str | Strategy = "market_making",
        preset: str = "default",
        parameters: Mapping[str, Any] | None = None,
        autoreset_mode: AutoresetMode | str = AutoresetMode.SAME_STEP,
        render_mode: str | None = None,
        max_episode_steps: int | None = None,
    ) -> None:
        self.strategy = _lasting(resolve(strategy, preset, parameters), max_episode_steps)
        self.num_envs = num_envs
        self.render_mode = render_mode
        self.autoreset_mode = AutoresetMode(autoreset_mode)
        self.metadata = {**self.metadata, "autoreset_mode": self.autoreset_mode}
        self.single_observation_space = observation_space(self.strategy)
        self.single_action_space = action_space(self.strategy)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.batch = Batch(self.strategy, num_envs)
        self._seeded = False

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """First observations; with `options={"reset_mask": mask}` of the masked rows only."""
        mask = None if options is None else options.get("reset_mask")
        if mask is not None and self._seeded:
            observation = self._reset_some(np.asarray(mask, dtype=bool), seed)
        else:
            observation = self.batch.reset(self._base_seeds(seed))
        return observation.copy(), self._infos()

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """One step of every row.

        Raises ResetNeeded before the first reset, and for an ended row where nothing resets it.
        """
        if not self._seeded:
            raise ResetNeeded(f"{self.strategy.name}: step before reset; call reset first")
        ended = self.batch.ended.copy()
        if ended.any() and self.autoreset_mode is AutoresetMode.DISABLED:
            raise ResetNeeded(
                f"{self.strategy.name}: row {int(np.flatnonzero(ended)[0])} has ended; reset it first"
            )
        out = self.batch.step(actions)
        observation, infos = out.observation, dict[str, Any]()
        rewards, terminated, truncated = out.reward.copy(), out.terminated, out.truncated
        if self.autoreset_mode is AutoresetMode.NEXT_STEP and ended.any():
            rewards[ended], terminated[ended], truncated[ended] = 0.0, False, False
            observation = self.batch.renew(ended)
        done = terminated | truncated
        if self.autoreset_mode is AutoresetMode.SAME_STEP and done.any():
            infos = {"final_obs": observation.copy(), "_final_obs": done}
            infos["final_info"], infos["_final_info"] = self._infos(), done
            observation = self.batch.renew(done)
        return observation.copy(), rewards, terminated, truncated, {**self._infos(), **infos}

    def render(self) -> tuple[Any, ...] | None:
        """The first row's table (`ansi`)."""
        from fund.envs import render

        if self.render_mode == "ansi":
            return (render.table(self.batch),)
        if self.render_mode == "rgb_array":
            return (render.picture([float(self.batch.ledger.books.nav[0])], self.strategy.name),)
        return None

    def _base_seeds(self, seed: int | Sequence[int | None] | None) -> int | list[int] | None:
        if seed is None and self._seeded:
            return None
        if isinstance(seed, (int, np.integer)) or seed is None:
            self._np_random, self._np_random_seed = gym.utils.seeding.np_random(
                None if seed is None else int(seed)
            )
        self._seeded = True
        if seed is None:
            return int(self.np_random.integers(2**31))
        if isinstance(seed, (int, np.integer)):
            return int(seed)
        return [int(self.np_random.integers(2**31)) if s is None else int(s) for s in seed]

    def _reset_some(self, mask: NDArray[np.bool_], seed: Any) -> NDArray[np.float32]:
        if seed is None:
            return self.batch.renew(mask)
        seeds = [seed + i if isinstance(seed, int) else seed[i] for i in range(self.num_envs)]
        which = np.flatnonzero(mask)
        return self.batch.restart(which, [seeds[i] for i in which])

    def _infos(self) -> dict[str, Any]:
        everyone = np.ones(self.num_envs, dtype=bool)
        parts = dict(zip(self.batch.part_names, self.batch.parts.copy(), strict=True))
        infos: dict[str, Any] = {"nav": self.batch.ledger.books.nav.copy(), "_nav": everyone}
        return {**infos, "reward_parts": parts, "_reward_parts": everyone}
