"""The execution stage: five agents around two parent orders and three venues."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fund.errors import InvalidParameter, UnknownName
from fund.grandmodel.configuration import ConfiguredStage, Value
from fund.grandmodel.execution.layout import FEATURES, INSTRUMENTS, VENUES
from fund.grandmodel.execution.strategy import Execution
from fund.stage import Agent, Scene
from fund.strategy import Box

SIZES = {"position_sizing": 2, "stop_target": 2, "risk_monitor": 1, "portfolio_optimizer": 1, "routing": 7}
CREDIT = {"speed": {"routing": 1.0}, "venue": {"routing": 1.0}}

SCHEMA = {
    "environment": {
        "max_episode_steps": Value("n_steps", int, 1, 1_000_000),
        "execution_venues": Value("execution_venues", list, words=True),
        "latency_target": Value("latency_target", float, 0.0),
    },
    "agents": {
        "position_sizing": {
            "min_size": Value("min_size", float, 0.0),
            "max_size": Value("max_size", float, 0.0),
            "size_increment": Value("size_increment", float, 0.0),
        },
        "stop_target": {"execution_slippage_tolerance": Value("execution_slippage_tolerance", float, 0.0)},
        "risk_monitor": {"execution_risk_limit": Value("execution_risk_limit", float, 0.0)},
        "portfolio_optimizer": {"execution_cost_weight": Value("execution_cost_weight", float, 0.0, 1.0)},
        "routing": {
            "venue_selection_algorithm": Value("venue_selection_algorithm", str),
            "market_impact_model": Value("market_impact_model", str),
        },
    },
}


@dataclass(frozen=True)
class ExecutionStage(ConfiguredStage):
    """Parents in, child orders and fills out; the agents' numbers are named in `layout.ACTIONS`."""

    name = "execution"
    section = "execution"
    credit = CREDIT
    world = Execution
    schema = SCHEMA

    strategy: Execution = field(default_factory=Execution)
    agents: tuple[Agent, ...] = tuple(Agent(name, FEATURES, Box(size)) for name, size in SIZES.items())
    matrix: tuple[str, ...] = FEATURES

    def execution_venues(self) -> list[str]:
        """Names of the venues."""
        return list(self.strategy.execution_venues)

    def market_impact_estimate(
        self, scene: Scene, path: int, order_size: float, instrument: str = "a"
    ) -> float:
        """What market orders of `order_size` shares, split best, would cost now beyond the spread, account currency.

        By the model that the episode is played with, transient impact of earlier trades included. Raises UnknownName,
        InvalidParameter.
        """
        if instrument not in INSTRUMENTS:
            raise UnknownName("instrument", instrument, INSTRUMENTS)
        if not np.isfinite(order_size):
            raise InvalidParameter(f"order_size is {order_size}, wanted a finite number of shares")
        s, row, size = self.strategy, scene.view.row, abs(order_size)
        depth = sum(float(row[f"depth_{instrument}{v}"][path]) for v in VENUES)
        if s.square_root:
            volume, move = (
                float(row[f"volume_{instrument}"][path]),
                float(row[f"volatility_{instrument}"][path]),
            )
            return size * s.impact_coefficient * move * float(np.sqrt(size / volume))
        left_over = float(scene.view.memory[f"transient_{instrument}"][path])
        return size * (s.marginal * size / depth + left_over)

    def venue_latency(self, scene: Scene, path: int, venue: str) -> float:
        """Seconds of simulated time to a venue, now; raises UnknownName."""
        known = self.strategy.execution_venues
        if venue not in known:
            raise UnknownName("venue", venue, known)
        return float(scene.view.row[f"latency_{known.index(venue) + 1}"][path])

    def execution_metrics(self, scene: Scene, path: int) -> dict[str, Any]:
        """How the episode went so far: shortfall and its parts in account currency, shares by how they were traded."""
        memory = {name: float(values[path]) for name, values in scene.view.memory.items()}
        parts = {part: memory[part] for part in ("spread", "impact", "permanent", "fees", "moves")}
        parents = {f"parent_{i}": memory[f"parent_{i}"] for i in INSTRUMENTS}
        left = {f"open_{i}": memory[f"open_{i}"] for i in INSTRUMENTS}
        value = sum(abs(memory[f"parent_{i}"]) * memory[f"arrival_{i}"] for i in INSTRUMENTS)
        shortfall = sum(parts.values())
        return {
            **parents, **left, **parts,
            "shortfall": shortfall,
            "shortfall_bp": shortfall / value * 1e4 if value > 0.0 else 0.0,
            "taken": memory["taken"], "made": memory["made"],
            "fast_share": memory["fast"] / memory["taken"] if memory["taken"] > 0.0 else 0.0,
        }  # fmt: skip
