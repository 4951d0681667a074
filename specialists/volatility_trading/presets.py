"""Parameter sets of the desk: what differs from the defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_FREE: dict[str, Any] = {"weather": False, "vega_cost": 0.0, "stock_cost": 0.0}
_FAIR: dict[str, Any] = {
    "risk_premium": 0.0, "jump_premium": 0.0, "demand_mean": 0.0, "demand_deviation": 0.0, "premium": 0.0,
}  # fmt: skip
PRESETS: Mapping[str, Mapping[str, Any]] = {
    "default": {},
    "null": _FAIR,
    "planted": {
        **_FREE, **_FAIR, "jump_rate": 0.0, "theta": 0.04, "xi": 0.3, "demand_deviation": 1.0, "demand_half_life": 40.0,
    },
    "liu_pan": {
        **_FREE, **_FAIR, "market": "variance", "kappa": 5.0, "theta": 0.04, "xi": 0.5, "risk_premium": -2.0,
        "jump_rate": 0.0, "log_utility": True, "exposure_limit": 16.0, "leverage": 1e6, "band": 0.0,
        "reward_scale": 10.0,
    },
    "carr_madan": {
        **_FREE, **_FAIR, "market": "gbm", "claim": "call", "contracts": 1.0, "maturity": 0.25, "tenor": 0,
        "n_steps": 2500, "steps_per_day": 40, "roll": 0, "aged": False, "compound": False, "band": 0.0,
        "hedge_band": 0.0,
    },
    "gjr": {"market": "gjr", "arch": 0.01, "asymmetry": 0.10, "garch": 0.93},
    "rough": {"market": "rough", "weather": False},
    "history": {},
}  # fmt: skip
