"""The strategic world: parameters, presets, and what its episodes amount to."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fund.errors import InvalidParameter
from fund.grandmodel.bar_strategy import UNITS, BarStrategy, Drawn
from fund.grandmodel.strategic import features, rules
from fund.grandmodel.strategic.step import (
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

_QUIET: dict[str, Any] = {"trend_ratio": 0.0, "gap_edge": 0.0}
PRESETS: dict[str, dict[str, Any]] = {
    "default": {},
    "null": _QUIET,
    "planted": {
        **_QUIET, "edge": 0.3, "weather": False, "half_spread": 0.0, "cost_rate": 0.0, "caution": 0.0,
        "observation_noise": 0.0,
    },
}  # fmt: skip


@dataclass(frozen=True)
class Strategic(BarStrategy):
    """Three experts and one position, in 30-minute bars."""

    name: ClassVar[str] = "strategic"
    minutes: ClassVar[int] = 30
    step: ClassVar[Step] = Step(
        Columns, Memory, Own, Parts, ("price",), (0,), 9, opening, trade, reward, observe
    )
    matrix: ClassVar[tuple[str, ...]] = features.MATRIX
    features: ClassVar[tuple[str, ...]] = (*features.MATRIX, *features.REGIME_SLOTS, *Own._fields)
    units: ClassVar[Mapping[str, str]] = {
        **UNITS,
        "weight_mlmi": "expertise weight",
        "weight_nwrqk": "expertise weight",
        "weight_regime": "expertise weight",
        "least_confidence": "weighted probability of a side below which the ensemble is flat",
        "caution": "share of the position that is left out where the market is surely stressed",
        "synergy_window": "bars within which the three signals of a synergy fall",
        "synergy_cooldown": "bars for which one is in force, and no other is looked for",
        "neighbours": "events that vote in the MLMI",
        "synergy_bonus": "share of P&L added under a synergy that all three follow",
        "drawdown_penalty": "of the largest drawdown, share of the peak",
        "sharpe_bonus": "of the annual Sharpe ratio of the episode",
    }
    derived: ClassVar[tuple[str, ...]] = ("reward_of_money", "inverse_capital", "sharpe_unit")
    rules: ClassVar[Mapping[str, Callable[[Any], Policy]]] = rules.RULES
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = PRESETS
    flat_action: ClassVar[float | None] = 1.0  # all choices alike: no direction

    n_steps: int = 2000
    weight_mlmi: float = 0.35
    weight_nwrqk: float = 0.35
    weight_regime: float = 0.30
    least_confidence: float = 0.5
    caution: float = 0.5
    synergy_window: int = 10
    synergy_cooldown: int = 5
    neighbours: int = 200
    synergy_bonus: float = 0.2
    drawdown_penalty: float = 0.1
    sharpe_bonus: float = 0.1

    def __post_init__(self) -> None:
        """Refuse numbers that no world has; raises InvalidParameter."""
        super().__post_init__()
        weights = (self.weight_mlmi, self.weight_nwrqk, self.weight_regime)
        if min(weights) < 0.0 or not math.isclose(sum(weights), 1.0, abs_tol=1e-6):
            raise InvalidParameter(f"{self.name}: expertise weights {weights}, wanted 0 or more, with sum 1")
        if not (0.0 <= self.caution <= 1.0 and 0.0 <= self.least_confidence <= 1.0):
            raise InvalidParameter(f"{self.name}: caution and least_confidence are within 0 and 1")
        if min(self.synergy_window, self.synergy_cooldown, self.neighbours) < 1:
            raise InvalidParameter(
                f"{self.name}: synergy_window, synergy_cooldown, neighbours: wanted 1 or more"
            )
        if self.steps_per_day != 13 and self.history is None:
            raise InvalidParameter(
                f"{self.name}: steps_per_day is {self.steps_per_day}, a session has 13 bars"
            )

    @property
    def inverse_capital(self) -> float:
        """One over the capital."""
        return 1.0 / self.capital

    @property
    def sharpe_unit(self) -> float:
        """sqrt(steps a year / steps of the episode)."""
        return math.sqrt(252.0 * self.steps_per_day / self.n_steps)

    def record(self, paths: Paths, weather: Weather | None = None) -> Tape:
        """The tape of these paths."""
        if self.history is not None:
            return self.record_windows(self.history, paths)
        return self.record_bars(paths, weather)

    def read(self, drawn: Drawn, opens: int) -> tuple[Mapping[str, Floats], Mapping[str, Floats]]:
        """Columns and features of bars."""
        window = (self.synergy_window, self.synergy_cooldown)
        return features.read(drawn, opens, self.u_shape, window, self.neighbours, self.caution)

    def statistics(self, played: Played) -> dict[str, float]:
        """Return and Sharpe ratio a year of the mean episode, exposure, and trades' value over the capital."""
        steps = np.diff(played.nav, axis=0) / self.capital
        a_year = 252.0 * self.steps_per_day
        deviation = float(steps.std())
        return {
            "return_rate": float(steps.mean()) * a_year,
            "sharpe": float(steps.mean()) / deviation * math.sqrt(a_year) if deviation > 0.0 else 0.0,
            "turnover": float(played.traded.mean()) / self.capital,
        }
