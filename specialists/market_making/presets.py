"""Parameter sets of the desk: what differs from the defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# one unit a fill, no costs, no close, an account too large to matter; rewards in price units
_PAPER: dict[str, Any] = {
    "book": False,
    "sweep": False,
    "weather": False,
    "flatten": False,
    "capital": 1000.0,
    "reward_scale": 1000.0,
    "ruin": -1e9,
    "leverage": 1e9,
    "max_inventory": 100.0,
    "quote_size": 1.0,
    "tick": 0.0,
    "maker_rebate": 0.0,
    "taker_fee": 0.0,
    "signal": 0.0,
    "phi": 0.0,
    "alpha": 0.0,
}

PRESETS: Mapping[str, Mapping[str, Any]] = {
    "default": {},
    "null": {"arrival_rate": 0.0, "signal": 0.0, "maker_rebate": 0.0},
    "planted": {
        **_PAPER,
        "gamma": 0.0,
        "sigma": 0.1,
        "n_steps": 100,
        "arrival_rate": 20.0,
        "depth_decay": 1.0,
        "min_half_spread": -1.0,
        "max_half_spread": 4.0,
        "signal": 1.5,
        "max_inventory": 1000.0,
    },
    "avellaneda_stoikov": {
        **_PAPER,
        "gamma": 0.1,
        "sigma": 2.0,
        "n_steps": 200,
        "arrival_rate": 140.0,
        "depth_decay": 1.5,
        "min_half_spread": -2.0,
        "max_half_spread": 6.0,
        "risk_weight": 1.0,
    },
    "cartea_jaimungal": {
        **_PAPER,
        "gamma": 0.0,
        "sigma": 0.1,
        "n_steps": 100,
        "arrival_rate": 10.0,
        "depth_decay": 1.0,
        "min_half_spread": 0.0,
        "max_half_spread": 4.0,
        "phi": 0.5,
        "alpha": 0.001,
        "binary_moves": False,
        "max_inventory": 30.0,
    },
    # a US share of 200 dollars quoted at one-second steps; `recorded.calibrated` fits these to a record
    "history": {
        "steps_per_day": 23_400,
        "horizon": 1.0 / 60.0,
        "sigma": 3.0,
        "arrival_rate": 3_000.0,
        "depth_decay": 15.0,
        "half_spread": 0.07,
        "max_half_spread": 0.3,
        "tick": 0.01,
        "order_size": 1.0,
        "initial_price": 200.0,
        "weather": False,
    },
}
