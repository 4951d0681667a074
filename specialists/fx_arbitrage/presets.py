"""Parameter sets of the desk: what differs from the defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_STILL: dict[str, Any] = {"weather": False, "crash": 0.0, "market_loading": 0.0}
_NO_DEVIATIONS: dict[str, Any] = {"deviation": 0.0, "opportunity_rate": 0.0}

PRESETS: Mapping[str, Mapping[str, Any]] = {
    "default": {},
    "null": {"uip_beta": 1.0, **_NO_DEVIATIONS},
    "planted": {
        **_STILL,
        **_NO_DEVIATIONS,
        "cost_scale": 0.0,
        "base_differential": 0.0,
        "terms_differential": 0.0,
        "differential_deviation": 0.02,
        "differential_half_life": 2.0,
        "uip_beta": -9.0,
    },
    # executable quotes in tenths of a second, no fees; a quarter of an hour
    "fenn": {
        **_STILL,
        "market": "triangle",
        "steps_per_day": 864_000,
        "n_steps": 9_000,
        "cost_rate": 0.0,
        "funding": 0.0,
        "base_home_half_spread": 0.4e-4,
        "home_terms_half_spread": 0.4e-4,
        "cross_half_spread": 0.6e-4,
        "spread_noise": 0.0,
        "opportunity_rate": 0.05,
        "size": 1e6,
        "band": 0.0,
        "gamma": 0.0,
        "reward_scale": 1e4,
    },
    "merton_carry": {
        **_STILL,
        **_NO_DEVIATIONS,
        "cost_scale": 0.0,
        "differential_deviation": 0.0,
        "band": 0.0,
        "size": 1e12,
    },
    "history": {"weather": False},
}
