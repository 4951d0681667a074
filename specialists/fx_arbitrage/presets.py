"""Parameter sets of the desk, and unit and source of every parameter."""

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

UNITS: Mapping[str, str] = {
    "currencies": "base, home (the account's) and terms currency",
    "market": "carry (daily rows) or triangle (rows of a fraction of a second)",
    "base_price": "home currency for one of the base currency, at the first row",
    "home_price": "terms currency for one of the home currency, at the first row",
    "base_volatility": "of the base currency in home currency, per square root of a year, in the normal regime",
    "terms_volatility": "of the terms currency in home currency",
    "correlation": "of the two currencies' own shocks",
    "volatility_response": "power of the weather's volatility that the currencies take",
    "market_loading": "of a currency of full interest on the weather's market factor, at correlation 1",
    "home_rate": "interest on the home currency, a year",
    "base_differential": "long-run interest on the base currency over home's, a year",
    "terms_differential": "long-run interest on the terms currency over home's, a year",
    "differential_deviation": "stationary standard deviation of both, a year",
    "differential_half_life": "months",
    "uip_beta": "slope of spot moves on the forward premium; Froot (1990) -.88 on average, uncovered parity 1",
    "crash": "premium lost for each unit a year by which the market factor's drift is below its mean",
    "base_home_half_spread": "share of the mid, normal liquidity",
    "home_terms_half_spread": "share of the mid, normal liquidity",
    "cross_half_spread": "share of the mid, normal liquidity",
    "spread_noise": "largest deviation of a half-spread from its mean, share of it",
    "size": "executable notional at a quote, home currency, normal liquidity",
    "size_noise": "largest deviation of a size from its mean, share of it",
    "deviation": "largest deviation of the cross while nothing is open, share of its half-spread",
    "opportunity_rate": "opportunities a second while none is open",
    "opportunity_size": "mean of what going round pays; 94% below 1e-4. Fenn et al. (2009)",
    "fast_share": "share of opportunities that close at the fast rate. Fenn et al. (2009)",
    "fast_rate": "a second",
    "slow_rate": "a second",
    "latency": "steps from decision to fill; one order at a time",
    "position_limit": "notional of a full position in one pair, over the NAV",
    "leverage": "largest gross notional over the NAV when trading",
    "maintenance": "share of the initial margin 1/leverage below which the account is closed out; ESMA (2018) 50%",
    "band": "smallest change of a notional that is traded, share of the full position",
    "cost_rate": "fee of a trade, share of traded value, one way, beside the spread",
    "funding": "of every balance in a foreign currency, a year: half-spread of the swaps that roll it; the weather's "
    "funding comes on top. Lustig, Roussanov & Verdelhan (2011), net and gross returns",
    "cost_scale": "multiple of all costs: fees, spreads and funding",
    "gamma": "relative risk aversion of the local utility r - gamma r^2 / 2; 0: the reward is P&L",
    "control_variate": "whether the reward has the moves that nobody could foresee taken out; for training",
    "missing_rates": "what to do where a record has no interest rates: refuse, or zero",
}
