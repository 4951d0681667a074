"""The risk stage: who sees what, D0's configuration, and what can be asked about the book."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fund.grandmodel import value_at_risk
from fund.grandmodel.configuration import ConfiguredStage, Value
from fund.grandmodel.risk.layout import AGENTS, ASSETS, FEATURES, PAIRS
from fund.grandmodel.risk.strategy import RiskManagement
from fund.stage import Agent, Scene
from fund.strategy import Choice

Floats = NDArray[np.float64]

SETTINGS = ("size", "multiple", "cap", "blend")
SCENARIOS = 4096  # of the Monte Carlo VaR
FEWEST = 30  # bars of a historical VaR
CREDIT = {"emergency": {"position_sizing": 0.5, "risk_monitor": 0.5}}

SCHEMA = {
    "environment": {
        "observation_space": Value("", int, len(FEATURES), len(FEATURES)),
        "max_episode_steps": Value("n_steps", int, 1, 1_000_000),
        "var_confidence": Value("var_confidence", float, 0.5, 1.0),
        "correlation_threshold": Value("correlation_threshold", float, -1.0, 1.0),
    },
    "agents": {
        "position_sizing": {
            "kelly_fraction": Value("kelly_fraction", float, 0.0, 1.0),
            "max_position": Value("max_position", float, 0.0, 1.0),
            "risk_free_rate": Value("risk_free_rate", float, -1.0, 1.0),
        },
        "stop_target": {
            "atr_multiplier": Value("atr_multiplier", float, 0.0),
            "profit_target_ratio": Value("profit_target_ratio", float, 0.0),
            "dynamic_adjustment": Value("dynamic_adjustment", bool),
        },
        "risk_monitor": {
            "var_threshold": Value("var_threshold", float, 0.0),
            "correlation_shock_threshold": Value("correlation_shock_threshold", float, 0.0, 2.0),
            "emergency_protocols": Value("emergency_protocols", bool),
        },
        "portfolio_optimizer": {
            "max_weight": Value("max_weight", float, 0.0, 1.0),
            "correlation_limit": Value("correlation_limit", float, 0.0, 1.0),
            "rebalance_threshold": Value("rebalance_threshold", float, 0.0, 1.0),
        },
    },
}


@dataclass(frozen=True)
class RiskStage(ConfiguredStage):
    """Four agents, all at once; 0 is REDUCE_RISK, 2 MAINTAIN, 4 INCREASE_RISK."""

    name = "risk"
    section = "risk_management"
    credit = CREDIT
    world = RiskManagement
    schema = SCHEMA

    strategy: RiskManagement = field(default_factory=RiskManagement)
    agents: tuple[Agent, ...] = tuple(Agent(name, FEATURES, Choice(5)) for name in AGENTS)
    matrix: tuple[str, ...] = FEATURES

    @property
    def state_names(self) -> tuple[str, ...]:
        """The observation, and the four agents' settings."""
        return (*FEATURES, *SETTINGS)

    def state(self, scene: Scene) -> NDArray[np.float32]:
        """What the central critic sees, (n, 14)."""
        settings = np.stack([scene.view.memory[name] for name in SETTINGS], axis=1)
        return np.concatenate([scene.view.observation, settings.astype(np.float32)], axis=1)

    def exposures(self, scene: Scene, path: int = 0) -> Floats:
        """Positions at the marks, shares of the NAV, (4,)."""
        books = scene.view.books
        return np.asarray(books.position[:, path] * books.marks[:, path] / max(float(books.nav[path]), 1e-12))

    def correlation_matrix(self, scene: Scene, path: int = 0) -> Floats:
        """EWMA correlations of the four assets, from the bars up to now, (4, 4)."""
        out = np.eye(len(ASSETS))
        for i, j in PAIRS:
            out[i - 1, j - 1] = out[j - 1, i - 1] = scene.view.row[f"correlation_{i}{j}"][path]
        return out

    def covariance(self, scene: Scene, path: int = 0) -> Floats:
        """EWMA covariance of a bar's returns, (4, 4)."""
        deviation = np.array([scene.view.row[f"volatility_{k}"][path] for k in ASSETS])
        return np.asarray(deviation[:, None] * self.correlation_matrix(scene, path) * deviation)

    def var_metrics(self, scene: Scene, path: int = 0) -> dict[str, float]:
        """VaR and ES of the positions held over `var_days`, shares of the NAV, by four methods; and the limit.

        parametric: normal, EWMA covariance. monte_carlo: the same by 4,096 fixed shocks. ewma: of the P&L that these
        positions would have had in the bars so far. historical: its quantile; both are the parametric one until there
        are 30 bars. A bar's figure is scaled by the square root of time.
        """
        s, weight, sigma = self.strategy, self.exposures(scene, path), self.covariance(scene, path)
        scale, c = float(np.sqrt(s.var_days * s.steps_per_day)), s.var_confidence
        normal = value_at_risk.parametric(weight, sigma, c)
        shocks = np.random.default_rng(0).standard_normal((SCENARIOS, len(ASSETS)))  # the same at every call
        drawn = value_at_risk.monte_carlo(weight, sigma, shocks, c)
        past = self._past_returns(scene, path) @ weight
        found = value_at_risk.historical(past, c) if len(past) >= FEWEST else normal
        smooth = normal
        if len(past) >= FEWEST:
            series = value_at_risk.ewma(np.append(past, 0.0), c, 0.97)
            smooth = value_at_risk.TailLoss(series.var[-1], series.es[-1])
        named = {"parametric": normal, "historical": found, "monte_carlo": drawn, "ewma": smooth}
        out = {f"{name}_var": float(loss.var) * scale for name, loss in named.items()}
        out |= {f"{name}_es": float(loss.es) * scale for name, loss in named.items()}
        return {**out, "var_threshold": s.var_threshold, "use": out["parametric_var"] / s.var_threshold}

    def _past_returns(self, scene: Scene, path: int) -> Floats:
        rows = int(scene.view.clock[path]) + 1
        prices = np.stack([scene.tape[f"price_{k}"][:rows, path] for k in ASSETS], axis=1)
        return np.asarray(prices[1:] / prices[:-1] - 1.0)

    def risk_alerts(self, scene: Scene, path: int = 0) -> list[dict[str, Any]]:
        """What is beyond its threshold now: `alert`, `value`, `threshold`, `limited` (whether the limits act on it)."""
        s, row = self.strategy, {name: float(values[path]) for name, values in scene.view.row.items()}
        watched = (
            ("var", float(scene.view.memory["var"][path]), s.var_threshold, s.emergency_protocols),
            ("correlation", row["mean_correlation"], s.correlation_threshold, False),
            (
                "correlation_shock",
                row["correlation_shock"],
                s.correlation_shock_threshold,
                s.emergency_protocols,
            ),
            ("crisis", row["crisis"], 0.5, False),
        )
        return [
            {"alert": name, "value": value, "threshold": threshold, "limited": limited}
            for name, value, threshold, limited in watched
            if value > threshold
        ]
