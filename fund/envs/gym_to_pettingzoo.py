"""An environment of the old kind as a PettingZoo one: the way over for code written before this project.

    env = parallel_from_gym(OldTradingEnv(config))          Parallel form
    env = aec_from_gym(OldTradingEnv(config))               AEC form, guarded

Taken as they are:

    Gym         reset() -> observation, step(a) -> (observation, reward, done, info), seed(s)      before 0.26
    Gymnasium   reset(seed=, options=) -> (observation, info), step(a) -> five values
    one agent   its observation, reward and end are those of the agent `agent`
    many        observations, rewards, and ends by agent in dictionaries, all acting at once; `done` may be one word for
                all, or a dictionary with or without "__all__"; `info["TimeLimit.truncated"]` says that a clock ended it

Spaces of other libraries are read by what they have (`n`, `low` and `high`, `nvec`, `spaces`), so that the old package
need not be one that this project knows. Rewards and observations are passed on unchanged.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium as gym
import numpy as np

from fund.envs import turns
from fund.errors import InvalidAction, InvalidParameter, ResetNeeded, UnknownName

_PARALLEL: Any = turns.ParallelEnv  # type: ignore[attr-defined]  # PettingZoo enters by turns alone


class FromGym(_PARALLEL):  # type: ignore[misc]  # a base without types
    """The Parallel form of an old environment."""

    metadata: dict[str, Any]

    def __init__(self, old: Any, agents: Sequence[str] | None = None, max_cycles: int | None = None) -> None:
        """`agents` where the old environment does not name them; raises InvalidParameter for spaces it cannot read."""
        self.old, self.max_cycles, self.cycle = old, max_cycles, 0
        seen, acted = space_of(old.observation_space), space_of(old.action_space)
        self.possible_agents = list(agents or _named(old, seen))
        self.single = not isinstance(seen, gym.spaces.Dict) or self.possible_agents == ["agent"]
        self.observation_spaces = self._by_agent(seen, "observation_space")
        self.action_spaces = self._by_agent(acted, "action_space")
        self.agents: list[str] = []
        self.render_mode = getattr(old, "render_mode", None)
        modes = list((getattr(old, "metadata", None) or {}).get("render_modes", []))
        name = f"{type(_inner(old)).__name__}_v0"
        modes = list((getattr(old, "metadata", None) or {}).get("render_modes", []))
        name = f"{type(_inner(old)).__name__}_v0"
        self.metadata = {"name": name, "render_modes": modes, "is_parallelizable": True}
        self._modern = "seed" in inspect.signature(old.reset).parameters
        self._began = False

    def observation_space(self, agent: str) -> gym.Space[Any]:
        """What an agent sees."""
        return self._own(self.observation_spaces, agent)

    def action_space(self, agent: str) -> gym.Space[Any]:
        """What an agent may do."""
        return self._own(self.action_spaces, agent)

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """First observations and infos."""
        if self._modern:
            found = self.old.reset(seed=seed, options=options)
        else:
            if seed is not None and hasattr(self.old, "seed"):
                self.old.seed(seed)
            found = self.old.reset()
        told = isinstance(found, tuple) and len(found) == 2 and isinstance(found[1], Mapping)
        seen, info = found if told else (found, {})
        self.agents, self.cycle, self._began = list(self.possible_agents), 0, True
        return self._seen(seen), self._split_info(info)

    def step(self, actions: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
        """One step; all empty after the end. Raises ResetNeeded, InvalidAction."""
        if not self._began:
            raise ResetNeeded("step before reset; call reset first")
        if not self.agents:
            return {}, {}, {}, {}, {}
        for agent in actions:
            self._own(self.action_spaces, agent)
        silent = [agent for agent in self.agents if agent not in actions]
        if silent:
            raise InvalidAction(f"no action of {silent[0]}")
        live = list(self.agents)
        given = actions[live[0]] if self.single else {agent: actions[agent] for agent in live}
        return self._outcome(live, self.old.step(given))

    def render(self) -> Any:
        """Whatever the old environment shows."""
        return self.old.render()

    def close(self) -> None:
        """Close the old environment."""
        self.old.close()

    def _outcome(self, live: list[str], out: Sequence[Any]) -> tuple[dict[str, Any], ...]:
        if len(out) not in (4, 5):
            raise InvalidParameter(f"step gave {len(out)} values, wanted 4 (Gym) or 5 (Gymnasium)")
        seen, reward, ended, *rest = out
        info = rest[-1]
        cut = rest[0] if len(out) == 5 else self._clock_ended(live, ended, info)
        self.cycle += 1
        rewards = dict(zip(live, [float(reward)], strict=True)) if self.single else _by_name(live, reward)
        over, late = _flags(live, ended), _flags(live, cut)
        if len(out) == 4:  # `done` said both
            over = {agent: over[agent] and not late[agent] for agent in live}
        if self.max_cycles is not None and self.cycle >= self.max_cycles:
            late = {agent: not over[agent] or late[agent] for agent in live}
        shown = {agent: value for agent, value in self._seen(seen).items() if agent in live}
        infos = self._split_info(info)
        self.agents = [agent for agent in live if not (over[agent] or late[agent])]
        return shown, rewards, over, late, {agent: infos[agent] for agent in live}

    def _clock_ended(self, live: list[str], done: Any, info: Any) -> dict[str, bool]:
        over = _flags(live, done)
        told = info if isinstance(info, Mapping) else {}
        common = bool(told.get("TimeLimit.truncated", False))
        own = {
            a: told[a].get("TimeLimit.truncated", common) if a in told and not self.single else common
            for a in live
        }
        return {agent: over[agent] and bool(own[agent]) for agent in live}

    def _seen(self, seen: Any) -> dict[str, Any]:
        return {self.possible_agents[0]: seen} if self.single else dict(seen)

    def _split_info(self, info: Any) -> dict[str, Any]:
        # what is an agent's own goes to it, what is not to all
        own = {a: info[a] for a in self.possible_agents if a in info and isinstance(info[a], Mapping)}
        common = {key: value for key, value in info.items() if key not in own}
        return {agent: {**common, **own.get(agent, {})} for agent in self.possible_agents}

    def _by_agent(self, space: gym.Space[Any], what: str) -> dict[str, gym.Space[Any]]:
        if self.single:
            return {self.possible_agents[0]: space}
        if not isinstance(space, gym.spaces.Dict):
            return dict.fromkeys(self.possible_agents, space)
        missing = [agent for agent in self.possible_agents if agent not in space.spaces]
        if missing:
            raise InvalidParameter(f"{what} has no part for {missing[0]}; it has {', '.join(space.spaces)}")
        return {agent: space.spaces[agent] for agent in self.possible_agents}

    def _own(self, spaces: dict[str, gym.Space[Any]], agent: str) -> gym.Space[Any]:
        if agent not in spaces:
            raise UnknownName("agent", agent, spaces)
        return spaces[agent]


def parallel_from_gym(
    old: Any, agents: Sequence[str] | None = None, max_cycles: int | None = None
) -> FromGym:
    """An old environment in the Parallel form; see the module."""
    return FromGym(old, agents, max_cycles)


def aec_from_gym(old: Any, agents: Sequence[str] | None = None, max_cycles: int | None = None) -> Any:
    """An old environment in the AEC form, with PettingZoo's guard of the order of calls."""
    return turns.as_aec(FromGym(old, agents, max_cycles))


def space_of(old: Any) -> gym.Space[Any]:
    """A space of Gym, or of anything that looks like one, as Gymnasium's; raises InvalidParameter."""
    if isinstance(old, gym.Space):
        return old
    if hasattr(old, "spaces"):
        if isinstance(old.spaces, Mapping):
            return gym.spaces.Dict({str(key): space_of(space) for key, space in old.spaces.items()})
        return gym.spaces.Tuple([space_of(space) for space in old.spaces])
    if hasattr(old, "nvec"):
        return gym.spaces.MultiDiscrete(np.asarray(old.nvec))
    if hasattr(old, "low") and hasattr(old, "high"):
        low, high = np.asarray(old.low), np.asarray(old.high)
        return gym.spaces.Box(low, high, dtype=np.dtype(getattr(old, "dtype", low.dtype)).type)
    if isinstance(getattr(old, "n", None), (int, np.integer)):
        binary = type(old).__name__ == "MultiBinary"
        return gym.spaces.MultiBinary(int(old.n)) if binary else gym.spaces.Discrete(int(old.n))
    raise InvalidParameter(
        f"a space of type {type(old).__name__}, wanted one with n, nvec, low and high, or spaces"
    )


def _named(old: Any, space: gym.Space[Any]) -> list[str]:
    # the names that an environment gives its agents, or `agent` where there is one
    for place in ("possible_agents", "agents", "agent_ids", "agent_names"):
        found = getattr(old, place, None)
        if isinstance(found, (list, tuple)) and found and all(isinstance(a, str) for a in found):
            return list(found)
    acts = space_of(old.action_space)
    if isinstance(space, gym.spaces.Dict) and isinstance(acts, gym.spaces.Dict):
        return list(space.spaces)
    return ["agent"]


def _by_name(live: list[str], reward: Any) -> dict[str, float]:
    if isinstance(reward, Mapping):
        return {agent: float(reward.get(agent, 0.0)) for agent in live}
    values = np.broadcast_to(np.asarray(reward, dtype=np.float64), (len(live),)).tolist()
    return dict(zip(live, values, strict=True))


def _flags(live: list[str], flag: Any) -> dict[str, bool]:
    if isinstance(flag, Mapping):
        everyone = bool(flag.get("__all__", False))
        return {agent: everyone or bool(flag.get(agent, False)) for agent in live}
    return dict.fromkeys(live, bool(flag))


def _inner(old: Any) -> Any:
    return getattr(old, "unwrapped", old)
