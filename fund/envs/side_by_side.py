"""Several PettingZoo environments side by side, of one kind or of many: reset together, stepped together.

    several = SideBySide({"strategic": strategic.parallel_env(), "risk": risk.parallel_env()})
    several.reset_all(seed=0)                       {name: (observations, infos)}
    several.step_all({"strategic": {agent: action, ...}, "risk": {...}})

Each keeps its own clock. One whose episode is over leaves `live`, or begins its next one where `autoreset` is set. An
AEC environment is taken in its Parallel form, by PettingZoo's own conversion. (Many copies of one stage are faster as
one batch: `fund.envs.rounds.Rounds`.)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from fund.envs import turns
from fund.errors import InvalidAction, InvalidParameter, ResetNeeded, UnknownName


class Stepped(NamedTuple):
    """What one environment gave back in a step, by agent."""

    observations: dict[str, Any]  # of the next episode, where one began
    rewards: dict[str, float]
    terminations: dict[str, bool]
    truncations: dict[str, bool]
    infos: dict[str, Any]
    began: bool  # whether the observations are those of a new episode


class SideBySide:
    """Named environments."""

    def __init__(self, environments: Mapping[str, Any], autoreset: bool = False) -> None:
        """Raises InvalidParameter where there are none, or one is no PettingZoo environment."""
        if not environments:
            raise InvalidParameter("no environments, wanted at least 1")
        self.environments = {name: turns.as_parallel(env, name) for name, env in environments.items()}
        self.autoreset, self._began = autoreset, False

    @property
    def names(self) -> tuple[str, ...]:
        """All of them."""
        return tuple(self.environments)

    @property
    def live(self) -> tuple[str, ...]:
        """Those whose episode goes on."""
        return tuple(name for name, env in self.environments.items() if self._began and env.agents)

    def reset_all(
        self, seed: int | Mapping[str, int] | None = None
    ) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
        """Begin an episode of each: observations and infos by name.

        A number is the seed of the first, the next one has the next; equal seeds (a mapping) mean equal weather.
        Without one, each begins the next episode of its seed.
        """
        seeds = self._seeds(seed)
        self._began = True
        return {name: env.reset(seed=seeds[name]) for name, env in self.environments.items()}

    def step_all(self, actions: Mapping[str, Mapping[str, Any]]) -> dict[str, Stepped]:
        """One round of each that is live; raises ResetNeeded, InvalidAction, UnknownName.

        All actions are there before any environment moves.
        """
        if not self._began:
            raise ResetNeeded("step_all before reset_all; call reset_all first")
        live = self.live
        for name in actions:
            if name not in self.environments:
                raise UnknownName("environment", name, self.environments)
        silent = [name for name in live if name not in actions]
        if silent:
            raise InvalidAction(f"no actions for {silent[0]}")
        return {name: self._step(name, actions[name]) for name in live}

    def close_all(self) -> None:
        """Close each."""
        for env in self.environments.values():
            env.close()

    def _step(self, name: str, actions: Mapping[str, Any]) -> Stepped:
        env = self.environments[name]
        seen, rewards, ended, cut, infos = env.step(dict(actions))
        began = self.autoreset and not env.agents
        if began:
            seen, _ = env.reset()
        return Stepped(seen, rewards, ended, cut, infos, began)

    def _seeds(self, seed: int | Mapping[str, int] | None) -> dict[str, int | None]:
        if isinstance(seed, Mapping):
            unknown = [name for name in seed if name not in self.environments]
            if unknown:
                raise UnknownName("environment", unknown[0], self.environments)
            return {name: seed.get(name) for name in self.environments}
        return {name: None if seed is None else seed + k for k, name in enumerate(self.environments)}
