"""Parameter sets of the desk, and unit and source of every parameter."""

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

UNITS: Mapping[str, str] = {
    "market": "garch, gbm, binomial, heston or sabr",
    "action_form": "multiple (of delta) or band (how far below and above delta the hedge may be)",
    "option": "call or put",
    "settlement": "cash, or stock: shares delivered cost nothing",
    "objective": "cara (certainty equivalent) or mean_std (mean less std_weight standard deviations)",
    "risk_form": "of the reward: quadratic, cara, downside or none; Kolm & Ritter (2019) have quadratic",
    "spot": "price of the underlier at the start",
    "strike": "of the option, where the underlier is at `spot`; a later option has the same moneyness",
    "maturity_days": "trading days from an option's sale to its expiry",
    "rebalance_days": "trading days between two chances to change the hedge",
    "step_days": "trading days a step",
    "days_per_year": "trading days a year",
    "notional": "value of the underlier of the options sold, account currency",
    "sigma": "volatility of the underlier, per square root of a year; in the normal regime (market garch)",
    "mu": "drift of the underlier, a year, dividends included",
    "rate": "riskless, a year; P&L is in excess of it on the capital",
    "dividend": "yield of the underlier, a year",
    "volatility_premium": "share by which the implied volatility is above the fair one; Carr & Wu (2009)",
    "market_loading": "correlation of the underlier with the weather's common factor (market garch)",
    "momentum": "correlation of successive returns (market gbm)",
    "kappa": "speed of mean reversion of variance, a year; Heston (1993)",
    "theta": "long-run variance, a year; Heston (1993)",
    "xi": "volatility of variance; Heston (1993)",
    "rho": "correlation of returns with variance (heston) or volatility (sabr)",
    "volvol": "volatility of volatility; Hagan et al. (2002), beta = 1",
    "cost_rate": "fee of a trade, share of traded value, one way",
    "set_up_cost": "whether the first trade of an option costs",
    "unwind_cost": "whether closing the hedge at expiry costs",
    "leverage": "largest value of the hedge over NAV when trading",
    "risk_aversion": "absolute, per account currency; Hodges & Neuberger (1989), kappa of Kolm & Ritter (2019)",
    "risk_weight": "multiple of the risk aversion in the reward",
    "costs_in_risk": "whether costs count in the reward's risk, as Kolm & Ritter (2019) have it",
    "risk_volatility": "multiple of the implied volatility at which the reward's risk values the option; Leland (1985)",
    "std_weight": "standard deviations in the objective mean_std and in y0; Cao et al. (2021)",
    "control_variate": "whether the reward has its zero-mean noise taken out; for training",
    "hedge_alone": "whether it leaves out, too, what no hedge can change; for training, with control_variate",
}
