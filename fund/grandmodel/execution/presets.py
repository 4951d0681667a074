"""Named parameter sets of execution."""

from __future__ import annotations

from typing import Any

OFF = 1e12  # a limit that nothing reaches

_PAPER: dict[str, Any] = {
    "weather": False, "random_side": False, "random_start": False, "parent_spread": 0.0, "parent_b": 0.0,
    "size_increment": 1.0, "min_size": 1.0, "max_size": OFF, "max_participation": OFF, "execution_risk_limit": OFF,
    "season": 0.0, "activity": 0.0, "venue_noise": 0.0, "signal": 0.0, "adverse": 0.0, "correlation": 0.0,
    "timed": False, "passive": False, "urgent": False, "fee_1": 0.0, "fee_2": 0.0, "fee_3": 0.0, "rebate_1": 0.0,
    "rebate_2": 0.0, "rebate_3": 0.0, "latency_1": 0.0, "latency_2": 0.0, "latency_3": 0.0, "impact_penalty": 0.0,
    "speed_bonus": 0.0, "venue_bonus": 0.0, "execution_cost_weight": 0.0, "under_fill": 0.0,
}  # fmt: skip

PRESETS: dict[str, dict[str, Any]] = {
    "default": {},
    "null": {
        "signal": 0.0, "passive": False, "fee_1": 0.0, "fee_2": 0.0, "fee_3": 0.0, "half_spread": 0.0,
        "impact_penalty": 0.0, "speed_bonus": 0.0, "venue_bonus": 0.0, "risk_aversion": 0.0, "weather": False,
    },
    "planted": {
        "signal": 0.6, "signal_persistence": 0.95, "risk_aversion": 0.0, "weather": False, "parent_a": 30_000.0,
        "parent_b": 24_000.0,
    },
    "almgren_chriss": {
        **_PAPER, "n_steps": 5, "steps_per_day": 1, "parent_a": 1e6, "initial_price": 50.0, "volatility": 0.019,
        "half_spread": 0.00125, "permanent": 2.5e-7, "depth": 4e5, "share_1": 1.0, "share_2": 0.0, "share_3": 0.0,
        "risk_aversion": 1e-6, "capital": 1e8, "reward_scale": 100.0,
    },
    "obizhaeva_wang": {
        **_PAPER, "n_steps": 11, "steps_per_day": 10, "parent_a": 1e5, "initial_price": 100.0, "volatility": 0.0,
        "half_spread": 0.0, "permanent": 1e-4, "depth": 5000.0, "share_1": 1.0, "share_2": 0.0, "share_3": 0.0,
        "resilience": 0.2231, "market_impact_model": "obizhaeva_wang", "risk_aversion": 0.0, "capital": 1e8,
        "reward_scale": 100.0,
    },
    "cont_kukanov": {
        **_PAPER, "n_steps": 1, "steps_per_day": 390, "parent_a": 1000.0, "initial_price": 50.0, "volatility": 0.0,
        "half_spread": 0.0004, "permanent": 0.0, "depth": OFF, "share_1": 1.0, "share_2": 0.0, "share_3": 0.0,
        "fee_1": 0.003, "rebate_1": 0.002, "under_fill": 0.05, "passive": True, "poisson_flow": True,
        "daily_volume": 2200.0 * 390, "flow_share": 1.0, "queue_steps": 2000 / 2200, "carry_over": False,
        "risk_aversion": 0.0, "capital": 1e6, "reward_scale": 1e3, "fill_probability": 1.0,
    },
    "quadratic_venues": {
        **_PAPER, "n_steps": 1, "parent_a": 1e6, "initial_price": 100.0, "volatility": 0.0, "half_spread": 0.0,
        "permanent": 0.0, "depth": 1.75e12, "share_1": 4 / 7, "share_2": 2 / 7, "share_3": 1 / 7,
        "risk_aversion": 0.0, "venue_selection_algorithm": "agents", "capital": 1e9, "reward_scale": 1e9,
    },
}  # fmt: skip
