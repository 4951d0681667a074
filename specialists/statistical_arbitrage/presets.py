"""Parameter sets of the desk: what differs from the defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_FREE: dict[str, Any] = {"weather": False, "cost_rate": 0.0, "borrow_rate": 0.0}
_SPREAD: dict[str, Any] = {
    **_FREE, "market": "ou", "known_moments": True, "leverage": 1e6, "band": 0.0,
}  # fmt: skip
PRESETS: Mapping[str, Mapping[str, Any]] = {
    "default": {},
    "null": {"market": "walks"},
    "planted": {**_FREE, "alpha": 100.0, "eta": 0.4, "hedge_drift": 0.0, "break_rate": 0.0},
    "boguslavsky": {
        **_SPREAD, "dt": 0.002, "n_steps": 500, "alpha": 1.0, "eta": 1.0, "random_start": False,
        "position_limit": 3.0, "utility_power": -1.0, "reward_scale": 20.0,
    },
    "bertram": {
        **_SPREAD, "dt": 5e-5, "n_steps": 10_000, "steps_per_day": 79, "alpha": 180.967, "eta": 0.1538,
        "round_trip_cost": 0.001, "position_limit": 1.0, "compound": False, "price": 1.0,
    },
}  # fmt: skip
