"""Parameter sets of the desk: what differs from the defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_PAPER: dict[str, Any] = {
    "trade_form": 1, "n_steps": 1500, "weather": False, "capital": 100.0, "reward_scale": 1e4, "ruin": -1e9,
    "leverage": 1e9,
}  # fmt: skip
PRESETS: Mapping[str, Mapping[str, Any]] = {
    "default": {},
    "null": {
        "premium_scale": 0.0, "valuation_strength": 0.0, "momentum_strength": 0.0, "crash_pay": 1.0, "crash_beta": 2.0,
        "market_clustering": False,
    },
    "planted": {
        "premium_scale": 0.0, "valuation_strength": 8.0, "valuation_decay": 0.05, "momentum_strength": 0.0,
        "crash_beta": 0.0, "cost_rate": 0.0, "rebalance_days": 1, "weather": False,
        "market_clustering": False,
    },
    "garleanu_pedersen": _PAPER,
    "garleanu_pedersen_continuous": {**_PAPER, "trade_form": 2, "position_limit": 0.5},
}  # fmt: skip
