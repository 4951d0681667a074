"""Parameter sets of the desk, and unit and source of every parameter."""

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

UNITS: Mapping[str, str] = {
    "market": "calendar (two contracts of one curve) or inter (two commodities: crack, crush, Brent against WTI)",
    "legs": "units (1 : ratio contracts), dollars (as much of each) or tangency (the log-optimal shares)",
    "model": "schwartz_smith or gibson_schwartz: whose parameters make the curve",
    "near_contract": "rank of leg 1's contract, counted from the front",
    "far_contract": "rank of leg 2's contract",
    "contract_days": "days between expiries; 1: contracts of constant maturity, 21 ranks a month",
    "roll_days": "days before the expiry of the front contract at which the legs roll",
    "ratio": "units of leg 2 against one of leg 1; 3:2:1 cracks and crushes are 1 : 1 in barrels and bushels",
    "kappa": "speed of chi (or of the convenience yield) under P, a year; with premium_slope the curve's 1.49 of oil",
    "sigma_chi": "volatility of chi, per square root of a year; Schwartz & Smith (2000): .286",
    "lambda_chi": "premium on chi, a year; Schwartz & Smith (2000): .157",
    "mu_xi": "drift of xi, a year; Schwartz & Smith (2000): -.0125",
    "sigma_xi": "volatility of xi, per square root of a year; Schwartz & Smith (2000): .145",
    "mu_xi_star": "drift of xi under Q, a year; Schwartz & Smith (2000): .0115",
    "rho": "correlation of chi and xi (.300), or of spot and convenience yield under gibson_schwartz",
    "alpha": "mean of the convenience yield, a year; Schwartz (1997), oil 1985-95",
    "s1": "volatility of the spot price, per square root of a year; Schwartz (1997), oil 1985-95",
    "s2": "volatility of the convenience yield, per square root of a year; Schwartz (1997), oil 1985-95",
    "lambda_": "premium on the convenience yield, a year; Schwartz (1997), oil 1985-95",
    "r": "interest rate of the curve, a year; Schwartz (1997)",
    "mu": "drift of the spot price, a year; Schwartz (1997), oil 1985-95, as remembered",
    "premium_scale": "share of the curve's premia that is paid; 0 makes futures martingales",
    "premium_slope": "b of the premium lambda_chi + b chi, a year: pays for backwardation",
    "spot": "price at chi = 0 on the first row, before the season",
    "chi_0": "chi on the first row where it is not drawn",
    "random_start": "draw chi, mispricing and day of the year on the first row",
    "a_1": "cosine of the season, log price; Sorensen (2002)",
    "b_1": "sine of the season, log price",
    "a_2": "cosine of the half-year's season, log price",
    "b_2": "sine of the half-year's season, log price",
    "mispricing_kappa": "speed at which the near leg's mispricing reverts, a year, in the normal regime",
    "mispricing_sigma": "volatility of the mispricing, relative, per square root of a year",
    "market_loading": "correlation of xi with the weather's common factor in the normal regime",
    "market_premium": "share of the common factor's drift that xi earns",
    "chi_correlation": "correlation of the two commodities' chi shocks beside xi's (market inter)",
    "price_ratio": "usual price of leg 1 over that of leg 2 (market inter)",
    "position_limit": "money units of the direction in a full position, over NAV; gross exposure but for `tangency`",
    "leverage": "largest gross exposure over NAV when trading",
    "band": "smallest change that is traded, share of a full position",
    "initial_margin": "share of gross value in the normal regime, times the weather's volatility above 1",
    "maintenance_margin": "share of the initial margin; CME's outright futures: 1 / 1.1",
    "cost_rate": "fee of a trade, share of traded value, each leg, one way, in the normal regime",
    "interest": "on the NAV, a year",
    "utility_power": "g of wealth^g / g; 0 logarithm, 1 none (reward is P&L)",
    "control_variate": "whether the reward has the zero-mean noise of the P&L taken out; for training",
}
