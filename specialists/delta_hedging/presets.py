"""Parameter sets of the desk: what differs from the defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# one option on one unit of a geometric Brownian motion at 100, sold at its value; results in price units
_PAPER: dict[str, Any] = {
    "market": "gbm",
    "weather": False,
    "volatility_premium": 0.0,
    "market_loading": 0.0,
    "capital": 1000.0,
    "notional": 100.0,
    "reward_scale": 1000.0,
    "ruin": -1e9,
    "leverage": 1e9,
    "cost_rate": 0.0,
    "least_trade": 0.0,
    "risk_aversion": 0.0,
}

PRESETS: Mapping[str, Mapping[str, Any]] = {
    "default": {},
    "null": {**_PAPER, "maturity_days": 21},
    # yesterday's return is a half of today's: what pays is to hedge too much after a rise and to be short after a fall
    "planted": {**_PAPER, "maturity_days": 21, "momentum": 0.5},
    "cao_2021": {
        **_PAPER,
        "maturity_days": 20,
        "days_per_year": 250,
        "mu": 0.05,
        "cost_rate": 0.01,
        "objective": "mean_std",
        "risk_aversion": 2.0,
        "action_form": "band",
    },
    "hodges_neuberger": {
        **_PAPER,
        "market": "binomial",
        "maturity_days": 63,
        "cost_rate": 0.01,
        "risk_aversion": 1.0,
        "action_form": "band",
    },
    "derman_kamal": {**_PAPER, "maturity_days": 21},
    "leland": {
        **_PAPER,
        "maturity_days": 260,
        "rebalance_days": 5.0,
        "days_per_year": 260,
        "cost_rate": 0.005,
        "set_up_cost": False,
        "unwind_cost": False,
    },
    "history": {"maturity_days": 21, "weather": False},
}
