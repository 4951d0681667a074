"""The tactical stage: who speaks when and sees what, D0's configuration, and what can be asked."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from fund.account.ledger import LINES
from fund.grandmodel.bar_stage import OWN, central_names, central_state, columns_of, rows_of
from fund.grandmodel.bar_strategy import recorded
from fund.grandmodel.bars import Bars
from fund.grandmodel.configuration import ConfiguredStage, Value
from fund.grandmodel.indicators.gaps import BORN, BOTTOM, LIFE, SIDE, TOP, fair_value_gaps
from fund.grandmodel.indicators.synergy import TYPES
from fund.grandmodel.tactical.features import MATRIX
from fund.grandmodel.tactical.strategy import Tactical
from fund.market.streams import Paths
from fund.stage import Agent, Scene
from fund.strategy import Choice

AGENTS = ("fvg_agent", "momentum_agent", "entry_opt_agent")
COLUMNS = {"fvg_agent": (0, 1, 2), "momentum_agent": (3, 4), "entry_opt_agent": (5, 6)}
STATES = ("AWAITING_FVG", "AWAITING_MOMENTUM", "AWAITING_ENTRY_OPT", "READY_FOR_AGGREGATION")
_COLUMNS = {name: Value(f"columns_{name}", list, 0, len(MATRIX) - 1) for name in AGENTS}

SCHEMA = {
    "environment": {
        "matrix_shape": Value("window", list, 1, 2048, read=rows_of(len(MATRIX))),
        "max_episode_steps": Value("n_steps", int, 1, 1_000_000),
        "state_machine": Value("state_machine", bool),
        "byzantine_tolerance": Value("byzantine_tolerance", bool),
        "superposition": Value("superposition", bool),
        "reward_scaling": Value("reward_scale", float, 0.0),
        "observation_noise": Value("observation_noise", float, 0.0),
        "execution_threshold": Value("threshold", float, 0.0, 1.0),
        "error_loss": Value("error_loss", float, 0.0, 1.0),
        "error_budget": Value("error_budget", int, 1),
        "timing_bonus": Value("timing_bonus"),
        "flow_bonus": Value("flow_bonus"),
        "slippage_penalty": Value("slippage_penalty"),
    },
    "agents": {
        "fvg_agent": {
            "observation_columns": _COLUMNS["fvg_agent"],
            "detection_threshold": Value("detection_threshold", float, 1e-9),
            "confidence_threshold": Value("confidence", float, 0.0, 1.0),
        },
        "momentum_agent": {
            "observation_columns": _COLUMNS["momentum_agent"],
            "momentum_window": Value("momentum_window", int, 1, 90),
            "trend_threshold": Value("trend_threshold", float, 0.0, 1.0),
        },
        "entry_opt_agent": {
            "observation_columns": _COLUMNS["entry_opt_agent"],
            "optimization_steps": Value("optimization_steps", int, 1),
            "timing_precision": Value("timing_precision", float, 0.0, 300.0),
        },
    },
}


@dataclass(frozen=True)
class TacticalStage(ConfiguredStage):
    """Three agents, one after the other."""

    name = "tactical"
    section = "tactical_marl"
    world = Tactical
    schema = SCHEMA

    strategy: Tactical

    @classmethod
    def of(cls, world: Tactical | None = None, superposition: bool = False, **given: Any) -> Self:
        """The stage over a world; `given` are an agent's `columns_<name>`."""
        strategy = world or Tactical()
        agents: list[Agent] = []
        said: tuple[str, ...] = ()
        for name in AGENTS:
            columns = columns_of(name, MATRIX, given, COLUMNS[name])
            room = len(MATRIX) - len(columns) if strategy.window > 1 else len(MATRIX)
            told = (*(said if strategy.state_machine else ()), *OWN)[:room]
            agents.append(Agent(name, columns, Choice(3), strategy.window, told, True, superposition))
            said = (*said, f"said_{name}")
        return cls(strategy, tuple(agents), MATRIX, strategy.state_machine)

    @property
    def state_names(self) -> tuple[str, ...]:
        """The numbers of the central state."""
        return (*central_names(MATRIX), *OWN, *TYPES[1:])

    def state(self, scene: Scene) -> NDArray[np.float32]:
        """7 features x (last, mean, deviation, least, most, slope), position, drawdown, the synergy in force."""
        kind = scene.view.row["synergy_kind"][:, None] == np.arange(1, len(TYPES))
        own = np.stack([scene.slot(name) for name in OWN], axis=1)
        return central_state(scene, MATRIX, self.strategy.window, np.concatenate([own, kind], axis=1))

    def machine_state(self, spoken: Collection[str]) -> str:
        """Where the state machine stands when some have spoken in this round."""
        return STATES[sum(name in spoken for name in AGENTS)]

    def gap_patterns(self, scene: Scene, paths: Paths, path: int = 0) -> list[dict[str, Any]]:
        """The gaps that are open now, youngest first: type, bottom and top, bars since it formed, strength left."""
        world, row = self.strategy, int(scene.view.clock[path])
        if world.history is not None:
            bars, last = recorded(world, world.history)[0].bars, int(scene.tape.rows[path]) + row
        else:
            one = Paths((paths.seeds[path],), (paths.episodes[path],))
            bars, last = world.draw_bars(one, world.sky(one, world.days, None)).bars, world.first + row
        return _open_gaps(bars.cut(slice(0, last + 1)), world.least_impulse)

    def execution_metrics(self, scene: Scene, path: int = 0) -> dict[str, float]:
        """What entries and fills came to so far, account currency unless named otherwise."""
        memory, books = scene.view.memory, scene.view.books
        traded = float(books.traded[path])
        slipped = float(memory["slippage_total"][path])
        return {
            "entries": float(memory["entries"][path]),
            "traded": traded,
            "slippage": slipped,
            "slippage_bps": 1e4 * slipped / traded if traded > 0.0 else 0.0,
            "fees": -float(books.lines[LINES.index("fees"), path]),
            "timing": float(memory["timing_total"][path]),
            "executed": float(memory["executed"][path]),
            "latency_seconds": self.strategy.timing_precision,
            "errors": float(memory["errors"][path]),
            "halted": float(memory["halted"][path]),
        }


def _open_gaps(bars: Bars, impulse: float) -> list[dict[str, Any]]:
    kept = fair_value_gaps(bars.open, bars.high, bars.low, bars.close, bars.session, impulse).open_gaps[0]
    found = [
        {
            "type": "bullish" if gap[SIDE] > 0.0 else "bearish",
            "bottom": float(gap[BOTTOM]),
            "top": float(gap[TOP]),
            "age": int(bars.rows - 1 - gap[BORN]),
            "strength": float(1.0 - (bars.rows - 1 - gap[BORN]) / LIFE),
        }
        for gap in kept
        if gap[SIDE] != 0.0
    ]
    return sorted(found, key=lambda gap: gap["age"])
