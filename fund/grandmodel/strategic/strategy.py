"""The strategic world: parameters, presets, and what its indicators make of bars."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fund.grandmodel.bar_strategy import QUIET, BarStrategy, Drawn, Floats
from fund.grandmodel.strategic.features import MATRIX, REGIME_SLOTS, read
from fund.grandmodel.strategic.rules import RULES
from fund.grandmodel.strategic.step import STEP
from fund.grandmodel.voting import Own
from fund.parameter import parameter

PRESETS: dict[str, dict[str, Any]] = {
    "default": {},
    "null": QUIET,
    "planted": {
        **QUIET, "edge": 0.3, "weather": False, "clustering": False, "half_spread": 0.0, "cost_rate": 0.0,
        "caution": 0.0, "observation_noise": 0.0,
    },
}  # fmt: skip


@dataclass(frozen=True)
class Strategic(BarStrategy):
    """Three experts and one position, in 30-minute bars."""

    name = "strategic"
    step = STEP
    matrix = MATRIX
    features = (*MATRIX, *REGIME_SLOTS, *Own._fields)
    rules = RULES
    presets = PRESETS
    derived = ("reward_of_money", "per_capital", "sharpe_unit")

    n_steps: int = 2000
    weight_mlmi: float = parameter(0.35, "expertise weight", at_least=0.0)
    weight_nwrqk: float = parameter(0.35, "expertise weight", at_least=0.0)
    weight_regime: float = parameter(0.30, "expertise weight", at_least=0.0)
    least_confidence: float = parameter(
        0.5, "weighted probability of a side below which the ensemble is flat", at_least=0.0, at_most=1.0
    )
    caution: float = parameter(
        0.5, "share of the position that is left out where the market is surely stressed",
        at_least=0.0, at_most=1.0,
    )  # fmt: skip
    synergy_window: int = parameter(10, "bars within which the three signals of a synergy fall", at_least=1)
    synergy_cooldown: int = parameter(
        5, "bars for which one is in force, and no other is looked for", at_least=1
    )
    neighbours: int = parameter(200, "events that vote in the MLMI", at_least=1)
    synergy_bonus: float = parameter(0.2, "share of P&L added under a synergy that all three follow")
    drawdown_penalty: float = parameter(0.1, "of the largest drawdown, share of the peak")
    sharpe_bonus: float = parameter(0.1, "of the annual Sharpe ratio of the episode")

    def __post_init__(self) -> None:
        """Refuse numbers that no world has; raises InvalidParameter."""
        super().__post_init__()
        weights = (self.weight_mlmi, self.weight_nwrqk, self.weight_regime)
        one = math.isclose(sum(weights), 1.0, abs_tol=1e-6)
        self.demand("weight_mlmi", one, f"what makes the expertise weights {weights} have sum 1")

    @property
    def sharpe_unit(self) -> float:
        """sqrt(steps a year / steps of the episode)."""
        return math.sqrt(252.0 * self.steps_per_day / self.n_steps)

    def read(self, drawn: Drawn, opens: int) -> tuple[Mapping[str, Floats], Mapping[str, Floats]]:
        """Columns and features of bars."""
        window = (self.synergy_window, self.synergy_cooldown)
        return read(drawn, opens, self.u_shape, window, self.neighbours, self.caution)
