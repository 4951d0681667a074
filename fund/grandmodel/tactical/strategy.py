"""The tactical world: parameters, presets, and what its episodes amount to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fund.grandmodel.bar_strategy import QUIET, BarStrategy, Drawn, Floats
from fund.grandmodel.tactical.features import MATRIX, read
from fund.grandmodel.tactical.rules import RULES
from fund.grandmodel.tactical.step import STEP
from fund.grandmodel.voting import Own
from fund.parameter import parameter
from fund.strategy import Played

BODIES_AT_DEFAULT, DEFAULT_DETECTION = 1.5, 0.7  # a gap of strength .7 has a middle bar of 1.5 mean bodies
PRESETS: dict[str, dict[str, Any]] = {
    "default": {},
    "null": QUIET,
    "planted": {
        **QUIET, "gap_edge": 0.4, "gap_run": 1.0, "weather": False, "half_spread": 0.0, "cost_rate": 0.0,
        "band": 0.0, "observation_noise": 0.0, "timing_precision": 0.0, "clustering": False,
    },
}  # fmt: skip


@dataclass(frozen=True)
class Tactical(BarStrategy):
    """Three agents in turn and one position, in 5-minute bars."""

    name = "tactical"
    minutes = 5
    needed = 102
    step = STEP
    matrix = MATRIX
    features = (*MATRIX, *Own._fields)
    rules = RULES
    presets = PRESETS
    derived = ("reward_of_money", "late")

    n_steps: int = 1000
    steps_per_day: int = 78
    window: int = parameter(60, "rows of the observation matrix", at_least=1)
    detection_threshold: float = parameter(
        0.7, "strength of a gap, 0.7 for a middle bar of 1.5 mean bodies and in proportion", above=0.0
    )
    confidence: float = parameter(
        0.8, "probability below which the fvg agent's vote does not count", at_least=0.0, at_most=1.0
    )
    threshold: float = parameter(
        0.5, "probability, or weight, behind a side at which it is executed", at_least=0.0, at_most=1.0
    )
    momentum_window: int = parameter(14, "bars", at_least=1, at_most=90)
    trend_threshold: float = parameter(
        0.6, "efficiency ratio from which the textbook's momentum agent speaks"
    )
    optimization_steps: int = parameter(
        10, "bars from an entry on against which its price is judged", at_least=1
    )
    timing_precision: float = parameter(
        0.001, "seconds after the row at which an order arrives", at_least=0.0, at_most=300.0
    )
    state_machine: bool = parameter(
        True, "whether agents speak in turn, and an entry in order earns the flow bonus"
    )
    byzantine_tolerance: bool = parameter(
        True, "whether a quorum of two decides, instead of the weighted sum"
    )
    error_loss: float = parameter(
        0.01, "loss of a round that counts as an error, share of NAV", at_least=0.0, at_most=1.0
    )
    error_budget: int = parameter(10, "errors that halt the episode", at_least=1)
    synergy_window: int = parameter(10, "bars within which the three signals of a synergy fall", at_least=1)
    synergy_cooldown: int = parameter(5, "bars for which one is in force", at_least=1)
    timing_bonus: float = parameter(
        0.15, "share of an entry's advantage over the middle of the next bars' range"
    )
    flow_bonus: float = parameter(0.1, "share of P&L added to a position that was opened in order")
    slippage_penalty: float = parameter(0.2, "share of slippage")

    @property
    def late(self) -> float:
        """Share of a bar after which an order arrives."""
        return self.timing_precision / (60.0 * self.minutes)

    @property
    def least_impulse(self) -> float:
        """Mean bodies that the middle bar of a gap must exceed to be seen."""
        return BODIES_AT_DEFAULT * self.detection_threshold / DEFAULT_DETECTION

    def read(self, drawn: Drawn, opens: int) -> tuple[Mapping[str, Floats], Mapping[str, Floats]]:
        """Columns and features of bars."""
        synergy = (self.synergy_window, self.synergy_cooldown)
        return read(drawn, self.u_shape, self.least_impulse, self.momentum_window, synergy)

    def statistics(self, played: Played) -> dict[str, float]:
        """Return and Sharpe ratio a year, entries, slippage and timing an episode, episodes that were halted."""
        memory = played.memory
        return {
            **super().statistics(played),
            "entries": float(memory["entries"].mean()),
            "timing": float(memory["timing_total"].mean()),
            "slippage": float(memory["slippage_total"].mean()),
            "halted": float(memory["halted"].mean()),
        }
