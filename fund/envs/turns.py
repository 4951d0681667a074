"""PettingZoo: a stage as an AEC environment, where agents act one after the other, and as a Parallel one.

Both are faces of a batch of one (`fund.envs.rounds`), so that the same actions give the same rewards, ledger and
observations at the start of a round, bit for bit. In the AEC form an agent of a stage that speaks in turn is told
what earlier speakers decided in this round; in the Parallel form all speak at once and are told nothing.

    env = StrategicMarketEnv(config)              fund.envs.strategic; the others likewise
    env = pettingzoo.make("aec", "fund/strategic-v0"), pettingzoo.make("parallel", "fund/strategic-v0")

`reset(seed=s)` starts the first episode of seed s, `reset()` the next of the same seed. `infos` have constant keys:
`nav` and `pnl` (this round's ledger lines) in account currency, `reward_parts` of the team, `units`, and for an agent
that chooses `action_mask` (all of its choices are always open).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any

import gymnasium as gym
from pettingzoo.utils.conversions import aec_to_parallel, parallel_to_aec
from pettingzoo.utils.env import AECEnv, ParallelEnv
from pettingzoo.utils.wrappers import (
    AssertOutOfBoundsWrapper,
    BaseWrapper,
    ClipOutOfBoundsWrapper,
    OrderEnforcingWrapper,
)

from fund.envs.stage_face import Face
from fund.errors import InvalidAction, InvalidParameter, ResetNeeded

VERSION = 0  # of the stages' environments; rises when their numbers change


class StageAEC(Face, AECEnv[str, Any, Any]):  # type: ignore[misc]  # PettingZoo ships no types
    """A stage whose agents act one after the other. `env()` wraps it, so that wrong use is named."""

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> None:
        """Begin an episode."""
        self._start(seed)
        agents = self.agents
        self.rewards, self._cumulative_rewards = dict.fromkeys(agents, 0.0), dict.fromkeys(agents, 0.0)
        self.terminations, self.truncations = dict.fromkeys(agents, False), dict.fromkeys(agents, False)
        info = self._info()
        self.infos = {agent: self._told(agent, info) for agent in agents}
        self.agent_selection = agents[0]

    def step(self, action: Any) -> None:
        """Take the decision of the agent whose turn it is; the last one's decision plays the round.

        Raises ResetNeeded, InvalidAction.
        """
        if not self._seeded:
            raise ResetNeeded(f"{self.stage.name}: step before reset; call reset first")
        if not self.agents:
            raise ResetNeeded(f"{self.stage.name}: step after the end of an episode; call reset first")
        agent = self.agent_selection
        if self.terminations[agent] or self.truncations[agent]:
            self._was_dead_step(action)
            return
        if action is None:
            raise InvalidAction(f"{agent}: no action")
        self._say(agent, action)
        self._cumulative_rewards[agent] = 0.0
        self._clear_rewards()
        turn = self.agents.index(agent) + 1
        if turn == len(self.agents):
            self._finish()
        self.agent_selection = self.agents[turn % len(self.agents)]
        self._accumulate_rewards()

    def _finish(self) -> None:
        rewards, terminated, truncated, info = self._play()
        for agent, reward in zip(self.agents, rewards, strict=True):
            self.rewards[agent] = reward
            self.terminations[agent], self.truncations[agent] = terminated, truncated
            self.infos[agent] = self._told(agent, info)


class StageParallel(Face, ParallelEnv[str, Any, Any]):  # type: ignore[misc]  # PettingZoo ships no types
    """A stage whose agents act all at once."""

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """First observations and infos."""
        self._start(seed)
        info = self._info()
        return {a: self.observe(a) for a in self.agents}, {a: self._told(a, info) for a in self.agents}

    def step(self, actions: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
        """One round: observations, rewards, terminations, truncations, infos; all empty after the end.

        Raises ResetNeeded before the first reset.
        """
        if not self._seeded:
            raise ResetNeeded(f"{self.stage.name}: step before reset; call reset first")
        if not self.agents:
            return {}, {}, {}, {}, {}
        self.hear(actions)
        return self.round()

    def hear(self, actions: Mapping[str, Any]) -> None:
        """Take the decisions of all that are live; raises InvalidAction, UnknownName. Nothing moves yet."""
        for agent in actions:
            self._known(agent)
        for agent in self.agents:
            if agent not in actions:
                raise InvalidAction(f"{self.stage.name}: no action of {agent}")
            self._say(agent, actions[agent])

    def round(self) -> tuple[dict[str, Any], ...]:
        """Play the round that was heard."""
        live = self.agents
        rewards, terminated, truncated, info = self._play()
        seen = {agent: self.observe(agent) for agent in live}
        if terminated or truncated:
            self.agents = []
        return (
            seen,
            dict(zip(live, rewards, strict=True)),
            dict.fromkeys(live, terminated),
            dict.fromkeys(live, truncated),
            {agent: self._told(agent, info) for agent in live},
        )


class ClipReward(BaseWrapper[str, Any, Any]):  # type: ignore[misc]  # PettingZoo ships no types
    """An AEC environment whose rewards are cut to [-bound, bound], as some learners want them."""

    def __init__(self, env: AECEnv[str, Any, Any], bound: float = 1.0) -> None:
        super().__init__(env)
        self.bound = bound

    def step(self, action: Any) -> None:
        """One turn."""
        inner: Any = self.env.unwrapped
        agent = inner.agent_selection
        dead = inner.terminations[agent] or inner.truncations[agent]
        kept = dict(inner._cumulative_rewards)
        self.env.step(action)
        if dead:
            return
        kept[agent] = 0.0
        for name, reward in inner.rewards.items():
            inner.rewards[name] = min(max(reward, -self.bound), self.bound)
            inner._cumulative_rewards[name] = kept[name] + inner.rewards[name]


class BoundsBySpace(ClipOutOfBoundsWrapper):  # type: ignore[misc]  # PettingZoo ships no types
    """PettingZoo's two guards in one, where some agents choose and others give numbers."""

    def __init__(self, env: AECEnv[str, Any, Any]) -> None:
        BaseWrapper.__init__(self, env)
        self._choices = AssertOutOfBoundsWrapper(env)

    def step(self, action: Any) -> None:
        """One turn: a choice that is none is refused, a number beyond its bounds clipped."""
        numbers = isinstance(self.action_space(self.agent_selection), gym.spaces.Box)
        if numbers:
            super().step(action)
        else:
            self._choices.step(action)


def wrapped(raw: AECEnv[str, Any, Any]) -> AECEnv[str, Any, Any]:
    """With PettingZoo's guards: out-of-range choices refused, numbers clipped, calls in order."""
    boxes = [isinstance(raw.action_space(agent), gym.spaces.Box) for agent in raw.possible_agents]
    guard = (
        ClipOutOfBoundsWrapper if all(boxes) else BoundsBySpace if any(boxes) else AssertOutOfBoundsWrapper
    )
    return OrderEnforcingWrapper(guard(raw))


def takes_turns(env: Any) -> bool:
    """Whether an environment is of the AEC form."""
    return isinstance(env, AECEnv)


def as_parallel(env: Any, name: str) -> Any:
    """An environment in the Parallel form; raises InvalidParameter for one that cannot be, by its name."""
    if isinstance(env, ParallelEnv):
        return env
    if isinstance(env, AECEnv) and env.metadata.get("is_parallelizable", False):
        return aec_to_parallel(env)
    raise InvalidParameter(
        f"{name}: a {type(env).__name__}, wanted a PettingZoo environment that can be parallel"
    )


def as_aec(env: ParallelEnv[str, Any, Any]) -> AECEnv[str, Any, Any]:
    """A Parallel environment in the AEC form, with PettingZoo's guard of the order of calls."""
    return parallel_to_aec(env)


def own_tests() -> ModuleType:
    """PettingZoo's own tests, `pettingzoo.test`; importing them is slow, and warns of its own deprecated worlds."""
    import importlib
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module("pettingzoo.test")


def registered(form: str, identity: str, **given: Any) -> Any:
    """What PettingZoo makes of an id, in the form "aec" or "parallel"."""
    import pettingzoo

    return pettingzoo.make(form, identity, **given)


def register(name: str, module: str) -> None:
    """Register `fund/<name>-v<VERSION>` with PettingZoo in both forms; a second call changes nothing."""
    import pettingzoo

    identity = f"fund/{name}-v{VERSION}"
    for form, registry, entry in (
        ("aec", pettingzoo.aec_registry, "env"),
        ("parallel", pettingzoo.parallel_registry, "parallel_env"),
    ):
        if identity not in registry:
            pettingzoo.register(form, identity, f"{module}:{entry}")
