"""All fifteen agents in one PettingZoo environment: the four stages side by side, under one weather.

    env = UnifiedMarketEnv(config)                      AEC, without guards
    env(), raw_env(), parallel_env()                    PettingZoo's three constructors
    create_unified_environment(config)                  AEC, with guards

Agents are named `<stage>.<agent>`: risk and execution have four of one name. In a round the stages speak in their
order, strategic, tactical, risk, execution, and each plays when its last agent has spoken. Equal seeds mean equal
weather, so that all four live through the same crisis; each keeps a ledger of its own, and rewards are its own
agents'. A stage whose episode is over leaves, and the others go on. (Their effects on one order, in money, are in
`fund.grandmodel.chain`.)

`config` may have the sections of all four stages.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from types import ModuleType
from typing import Any, ClassVar

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from fund.envs import execution, risk, strategic, tactical, turns
from fund.envs.forms import about, constructors
from fund.errors import InvalidAction, ResetNeeded, UnknownName
from fund.grandmodel.configuration import ConfiguredStage, load_configuration
from fund.grandmodel.execution.stage import ExecutionStage
from fund.grandmodel.risk.stage import RiskStage
from fund.grandmodel.strategic import StrategicStage
from fund.grandmodel.tactical import TacticalStage
from fund.stage import Debug

STAGES: dict[str, ModuleType] = {
    "strategic": strategic,
    "tactical": tactical,
    "risk": risk,
    "execution": execution,
}
KINDS: dict[str, type[ConfiguredStage]] = {
    kind.name: kind for kind in (StrategicStage, TacticalStage, RiskStage, ExecutionStage)
}
_AEC: Any = turns.AECEnv  # type: ignore[attr-defined]  # PettingZoo enters by turns alone
_PARALLEL: Any = turns.ParallelEnv  # type: ignore[attr-defined]  # PettingZoo enters by turns alone


class Unified:
    """What both forms have in common; `make` names the constructor of a stage's environment."""

    metadata: ClassVar[dict[str, Any]] = about("unified")
    make: ClassVar[str]

    def __init__(
        self, config: Any = None, *, max_cycles: int | None = None, render_mode: str | None = None
    ) -> None:
        """Four environments; raises UnknownName, InvalidParameter, DataError for a bad configuration."""
        super().__init__()
        self.render_mode = render_mode
        given = {"max_cycles": max_cycles, "render_mode": render_mode}
        parts = sections_of(config)
        self.stages: dict[str, Any] = {
            name: getattr(module, self.make)(parts[name], **given) for name, module in STAGES.items()
        }
        self._place = {
            f"{stage}.{agent}": (stage, agent)
            for stage, inner in self.stages.items()
            for agent in inner.possible_agents
        }
        self.possible_agents = list(self._place)
        self.agents: list[str] = []
        self.observation_spaces = {
            a: self._inner(a).observation_space(self._place[a][1]) for a in self._place
        }
        self.action_spaces = {a: self._inner(a).action_space(self._place[a][1]) for a in self._place}
        size = sum(int(np.prod(inner.state_space.shape)) for inner in self.stages.values())
        bound = float(self.stages["strategic"].state_space.high[0])
        self.state_space = gym.spaces.Box(-bound, bound, shape=(size,), dtype=np.float32)

    def observation_space(self, agent: str) -> gym.Space[Any]:
        """What an agent sees."""
        return self.observation_spaces[self._known(agent)]

    def action_space(self, agent: str) -> gym.Space[Any]:
        """What an agent may do."""
        return self.action_spaces[self._known(agent)]

    def observe(self, agent: str) -> Any:
        """What an agent sees now."""
        return self._inner(self._known(agent)).observe(self._place[agent][1])

    def state(self) -> NDArray[np.float32]:
        """The central states of the four stages in a row."""
        return np.concatenate([inner.state() for inner in self.stages.values()])

    def render(self) -> Any:
        """The four stages' tables or pictures, one under the other."""
        shown = [inner.render() for inner in self.stages.values()]
        if self.render_mode == "rgb_array":
            return np.concatenate(shown)
        return "\n".join(shown) if self.render_mode == "ansi" else None

    def close(self) -> None:
        """Nothing is held open."""

    def _inner(self, agent: str) -> Any:
        return self.stages[self._place[agent][0]]

    def _known(self, agent: str) -> str:
        if agent not in self._place:
            raise UnknownName("agent", agent, self._place)
        return agent

    def _seeds(self, seed: int | None) -> int | None:
        # without a seed all stages draw the same one, the first time
        if seed is None and not self.agents and not hasattr(self, "_seeded"):
            seed = int(np.random.default_rng().integers(2**31))
        self._seeded = True
        return seed


class UnifiedMarketEnv(Unified, _AEC):  # type: ignore[misc]  # a base without types
    """Agents act one after the other."""

    make = "raw_env"

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> None:
        """Begin an episode of every stage."""
        seed = self._seeds(seed)
        for inner in self.stages.values():
            inner.reset(seed=seed, options=options)
        self.agents = list(self.possible_agents)
        self.rewards, self._cumulative_rewards = (
            dict.fromkeys(self.agents, 0.0),
            dict.fromkeys(self.agents, 0.0),
        )
        self.terminations, self.truncations = (
            dict.fromkeys(self.agents, False),
            dict.fromkeys(self.agents, False),
        )
        self.infos = {a: dict(self._inner(a).infos[self._place[a][1]]) for a in self.agents}
        self.agent_selection = self.agents[0]
        self._skip_agent_selection = None

    def step(self, action: Any) -> None:
        """Take the decision of the agent whose turn it is; the last of a stage plays that stage's round.

        Raises ResetNeeded before the first reset and after the end.
        """
        if not self.agents:
            raise ResetNeeded("unified: step before reset, or after the end of an episode; call reset first")
        agent = self.agent_selection
        if self.terminations[agent] or self.truncations[agent]:
            self._was_dead_step(action)
            return
        stage, own = self._place[agent]
        inner = self.stages[stage]
        inner.step(action)
        self._cumulative_rewards[agent] = 0.0
        self._clear_rewards()
        if own == inner.possible_agents[-1]:
            self._finish(stage)
        self._accumulate_rewards()
        order = self.agents[self.agents.index(agent) + 1 :] + self.agents
        alive = [a for a in order if not (self.terminations[a] or self.truncations[a])]
        self.agent_selection = alive[0] if alive else order[0]
        self._deads_step_first()

    def _finish(self, stage: str) -> None:
        inner = self.stages[stage]
        for own in inner.possible_agents:
            agent = f"{stage}.{own}"
            self.rewards[agent] = inner.rewards[own]
            self.terminations[agent], self.truncations[agent] = (
                inner.terminations[own],
                inner.truncations[own],
            )
            self.infos[agent] = dict(inner.infos[own])


class UnifiedParallelEnv(Unified, _PARALLEL):  # type: ignore[misc]  # a base without types
    """Agents act all at once."""

    make = "parallel_env"

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """First observations and infos."""
        seed = self._seeds(seed)
        seen: dict[str, Any] = {}
        infos: dict[str, Any] = {}
        for name, inner in self.stages.items():
            found, told = inner.reset(seed=seed, options=options)
            seen.update({f"{name}.{a}": value for a, value in found.items()})
            infos.update({f"{name}.{a}": value for a, value in told.items()})
        self.agents = list(self.possible_agents)
        return seen, infos

    def step(self, actions: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
        """One round of every stage that goes on; all empty after the end.

        Raises ResetNeeded, InvalidAction.
        """
        if not hasattr(self, "_seeded"):
            raise ResetNeeded("unified: step before reset; call reset first")
        for agent in actions:
            self._known(agent)
        for agent in self.agents:
            if agent not in actions:
                raise InvalidAction(f"unified: no action of {agent}")
        live = {name: inner for name, inner in self.stages.items() if inner.agents}
        for name, inner in live.items():  # all are heard before any plays: a bad action moves nothing
            inner.hear({a: actions[f"{name}.{a}"] for a in inner.agents})
        out: tuple[dict[str, Any], ...] = ({}, {}, {}, {}, {})
        for name, inner in live.items():
            for whole, part in zip(out, inner.round(), strict=True):
                whole.update({f"{name}.{a}": value for a, value in part.items()})
        self.agents = [f"{name}.{a}" for name, inner in self.stages.items() for a in inner.agents]
        return out


def sections_of(config: Any) -> dict[str, dict[Any, Any]]:
    """A configuration cut into those of the four stages; raises UnknownName for a section that is none's."""
    found = load_configuration(config)
    debug = {f.name for f in fields(Debug)}
    sections = {stage.section: name for name, stage in KINDS.items()}
    out: dict[str, dict[Any, Any]] = {name: {k: v for k, v in found.items() if k in debug} for name in STAGES}
    for key, value in found.items():
        if key in debug:
            continue
        if key not in sections:
            raise UnknownName("section of the configuration", str(key), [*sections, *debug])
        out[sections[key]][key] = value
    return out


def validate_config(config: Any) -> bool:
    """True for a configuration whose every section can be built, debug keys included; else it raises.

    UnknownName with the nearest known key, InvalidParameter with the place of a wrong value, DataError for a file.
    """
    for name, section in sections_of(config).items():
        KINDS[name].configured(section)
    return True


env, raw_env, parallel_env = constructors(UnifiedMarketEnv, UnifiedParallelEnv)
create_unified_environment = env
