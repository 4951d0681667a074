"""The tactical world: parameters, presets, and what its episodes amount to."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fund.errors import InvalidParameter
from fund.grandmodel.bar_strategy import UNITS, BarStrategy, Drawn
from fund.grandmodel.tactical import features, rules
from fund.grandmodel.tactical.step import (
    Columns,
    Memory,
    Own,
    Parts,
    observe,
    opening,
    reward,
    trade,
)
from fund.market.streams import Paths
from fund.market.tape import Tape
from fund.market.weather import Weather
from fund.strategy import Played, Policy, Step

Floats = NDArray[np.float64]

BODIES_AT_DEFAULT, DEFAULT_DETECTION = 1.5, 0.7  # a gap of strength .7 has a middle bar of 1.5 mean bodies
_QUIET: dict[str, Any] = {"trend_ratio": 0.0, "gap_edge": 0.0}
PRESETS: dict[str, dict[str, Any]] = {
    "default": {},
    "null": _QUIET,
    "planted": {
        **_QUIET, "gap_edge": 0.4, "gap_run": 1.0, "weather": False, "half_spread": 0.0, "cost_rate": 0.0,
        "band": 0.0, "observation_noise": 0.0, "timing_precision": 0.0,
    },
}  # fmt: skip


@dataclass(frozen=True)
class Tactical(BarStrategy):
    """Three agents in turn and one position, in 5-minute bars."""

    name: ClassVar[str] = "tactical"
    minutes: ClassVar[int] = 5
    needed: ClassVar[int] = 102
    step: ClassVar[Step] = Step(
        Columns, Memory, Own, Parts, ("price",), (0,), 9, opening, trade, reward, observe
    )
    matrix: ClassVar[tuple[str, ...]] = features.MATRIX
    features: ClassVar[tuple[str, ...]] = (*features.MATRIX, *Own._fields)
    units: ClassVar[Mapping[str, str]] = {
        **UNITS,
        "detection_threshold": "strength of a gap, 0.7 for a middle bar of 1.5 mean bodies and in proportion",
        "confidence": "probability below which the fvg agent's vote does not count",
        "threshold": "probability, or weight, behind a side at which it is executed",
        "momentum_window": "bars",
        "trend_threshold": "efficiency ratio from which the textbook's momentum agent speaks",
        "optimization_steps": "bars from an entry on against which its price is judged",
        "timing_precision": "seconds after the row at which an order arrives",
        "state_machine": "whether agents speak in turn, and an entry in order earns the flow bonus",
        "byzantine_tolerance": "whether a quorum of two decides, instead of the weighted sum",
        "error_loss": "loss of a round that counts as an error, share of NAV",
        "error_budget": "errors that halt the episode",
        "synergy_window": "bars within which the three signals of a synergy fall",
        "synergy_cooldown": "bars for which one is in force",
        "timing_bonus": "share of an entry's advantage over the middle of the next bars' range",
        "flow_bonus": "share of P&L added to a position that was opened in order",
        "slippage_penalty": "share of slippage",
    }
    derived: ClassVar[tuple[str, ...]] = ("reward_of_money", "late")
    rules: ClassVar[Mapping[str, Callable[[Any], Policy]]] = rules.RULES
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = PRESETS
    flat_action: ClassVar[float | None] = 1.0  # all choices alike: no direction

    n_steps: int = 1000
    steps_per_day: int = 78
    window: int = 60
    detection_threshold: float = 0.7
    confidence: float = 0.8
    threshold: float = 0.5
    momentum_window: int = 14
    trend_threshold: float = 0.6
    optimization_steps: int = 10
    timing_precision: float = 0.001
    state_machine: bool = True
    byzantine_tolerance: bool = True
    error_loss: float = 0.01
    error_budget: int = 10
    synergy_window: int = 10
    synergy_cooldown: int = 5
    timing_bonus: float = 0.15
    flow_bonus: float = 0.1
    slippage_penalty: float = 0.2

    def __post_init__(self) -> None:
        """Refuse numbers that no world has; raises InvalidParameter."""
        super().__post_init__()
        for name, low, high in (
            ("detection_threshold", 1e-9, math.inf), ("confidence", 0.0, 1.0), ("threshold", 0.0, 1.0),
            ("momentum_window", 1, 90), ("optimization_steps", 1, math.inf), ("error_budget", 1, math.inf),
            ("timing_precision", 0.0, 60.0 * self.minutes), ("error_loss", 0.0, 1.0),
            ("synergy_window", 1, math.inf), ("synergy_cooldown", 1, math.inf),
        ):  # fmt: skip
            if not low <= getattr(self, name) <= high:
                found = getattr(self, name)
                raise InvalidParameter(f"{self.name}: {name} is {found}, wanted {low:g} to {high:g}")
        if self.steps_per_day != 78 and self.history is None:
            raise InvalidParameter(
                f"{self.name}: steps_per_day is {self.steps_per_day}, a session has 78 bars"
            )

    @property
    def late(self) -> float:
        """Share of a bar after which an order arrives."""
        return self.timing_precision / (60.0 * self.minutes)

    @property
    def least_impulse(self) -> float:
        """Mean bodies that the middle bar of a gap must exceed to be seen."""
        return BODIES_AT_DEFAULT * self.detection_threshold / DEFAULT_DETECTION

    def record(self, paths: Paths, weather: Weather | None = None) -> Tape:
        """The tape of these paths."""
        if self.history is not None:
            return self.record_windows(self.history, paths)
        return self.record_bars(paths, weather)

    def read(self, drawn: Drawn, opens: int) -> tuple[Mapping[str, Floats], Mapping[str, Floats]]:
        """Columns and features of bars."""
        synergy = (self.synergy_window, self.synergy_cooldown)
        return features.read(drawn, self.u_shape, self.least_impulse, self.momentum_window, synergy)

    def statistics(self, played: Played) -> dict[str, float]:
        """Return and Sharpe ratio a year, entries, slippage and timing an episode, episodes that were halted."""
        steps = np.diff(played.nav, axis=0) / self.capital
        a_year = 252.0 * self.steps_per_day
        deviation = float(steps.std())
        return {
            "return_rate": float(steps.mean()) * a_year,
            "sharpe": float(steps.mean()) / deviation * math.sqrt(a_year) if deviation > 0.0 else 0.0,
            "turnover": float(played.traded.mean()) / self.capital,
            "entries": float(played.memory["entries"].mean()),
            "timing": float(played.memory["timing_total"].mean()),
            "slippage": float(played.memory["slippage_total"].mean()),
            "halted": float(played.memory["halted"].mean()),
        }
