"""Parameter sets of the desk: what differs from the defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_FREE: dict[str, Any] = {
    "weather": False,
    "cost_rate": 0.0,
    "band": 0.0,
    "market_loading": 0.0,
    "market_premium": 0.0,
}
_PURE: dict[str, Any] = {**_FREE, "premium_scale": 1.0, "premium_slope": 0.0, "mispricing_sigma": 0.0}
# constant premia and nothing else; positions are multiples of the log-optimal portfolio
_MERTON: dict[str, Any] = {
    **_PURE, "kappa": 1.49, "legs": "tangency", "far_contract": 13, "position_limit": 2.0, "leverage": 100.0,
    "initial_margin": 0.02, "utility_power": 0.0,
}  # fmt: skip
_INTER: dict[str, Any] = {"market": "inter", "near_contract": 2, "far_contract": 2}

PRESETS: Mapping[str, Mapping[str, Any]] = {
    "default": {},
    "null": {"premium_scale": 0.0, "premium_slope": 0.0, "mispricing_sigma": 0.0, "market_premium": 0.0},
    "planted": {
        **_FREE, "kappa": 1.49, "premium_scale": 0.0, "premium_slope": 0.0, "mispricing_kappa": 60.0,
        "mispricing_sigma": 0.4,
    },
    "schwartz_smith": _MERTON,
    "gibson_schwartz": {**_MERTON, "model": "gibson_schwartz", "kappa": 1.876, "rho": 0.766},
    "mispricing": {
        **_PURE, "kappa": 1.49, "premium_scale": 0.0, "far_contract": 1, "mispricing_kappa": 8.0,
        "mispricing_sigma": 0.1,
        "position_limit": 120.0, "leverage": 200.0, "initial_margin": 0.004, "utility_power": -1.0,
    },
    "brent_wti": {**_INTER, "price_ratio": 1.05, "chi_correlation": 0.97},
    "crack": {**_INTER, "price_ratio": 1.2, "chi_correlation": 0.9},
    "crush": {
        **_INTER, "near_contract": 3, "far_contract": 3, "spot": 10.0, "price_ratio": 1.15, "chi_correlation": 0.93,
        "kappa": 1.0, "sigma_chi": 0.2, "sigma_xi": 0.15, "a_1": -0.03, "b_1": 0.03,
    },
    "history": {"weather": False, "far_contract": 2},
}  # fmt: skip
