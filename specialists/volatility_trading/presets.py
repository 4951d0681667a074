"""Named parameter sets, and what each parameter is."""

from __future__ import annotations

from typing import Any

_FREE: dict[str, Any] = {"weather": False, "vega_cost": 0.0, "stock_cost": 0.0}
_FAIR: dict[str, Any] = {
    "risk_premium": 0.0, "jump_premium": 0.0, "demand_mean": 0.0, "demand_deviation": 0.0, "premium": 0.0,
}  # fmt: skip
PRESETS: dict[str, dict[str, Any]] = {
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

UNITS: dict[str, str] = {
    "market": "heston, gjr, rough, gbm or variance (one claim with unit exposure to the variance of heston)",
    "claim": "straddle, call or put: what a series consists of",
    "maturity": "years from listing to expiry",
    "tenor": "steps from listing to expiry; 0: all of the episode",
    "roll": "steps to expiry at which the next series takes over; 0 holds to the end",
    "aged": "whether the series of row 0 has a random age",
    "vega_limit": "P&L of a point of volatility at a full position, share of the NAV",
    "contracts": "claims of a full position, where it is not sized by vega; 0: by vega",
    "exposure_limit": "exposure to v of a full position over the NAV (market variance)",
    "leverage": "largest gross exposure over NAV when trading, claims and shares",
    "margin_rate": "margin of a short claim beside its price, share of the spot; 0.15: Cboe, broad-based index",
    "compound": "whether positions are shares of the NAV, not of the capital",
    "band": "smallest change that is traded, share of a full position",
    "hedge_band": "smallest change of the hedge that is traded, shares per claim",
    "hedge_at": "implied or realised: the volatility of the delta that is hedged (realised: market gbm)",
    "vega_cost": "fee of a trade, share of its vega for a change of volatility of one; .002: a fifth of a point",
    "stock_cost": "fee of a trade in the underlier, share of its value",
    "log_utility": "whether the reward is the change of log wealth, not the P&L",
    "control_variate": "market variance: whether the reward has its zero-mean noise taken out; for training",
    "initial_price": "of the underlier, account currency",
    "kappa": "speed of reversion of variance under P, a year",
    "theta": "long-run variance under P in the normal regime, a year",
    "xi": "volatility of variance, a year",
    "rho": "correlation of return and variance",
    "risk_premium": "lam: a unit of variance earns lam v dt; below zero who is short variance is paid",
    "jump_rate": "jumps of the index a year",
    "jump_mean": "of a jump's log size under P",
    "jump_deviation": "standard deviation of a jump's log size",
    "jump_premium": "by which the mean of a jump is lower under Q; Pan (2002)",
    "demand_mean": "mean of u, the log ratio of quoted to risk-neutral variance",
    "demand_deviation": "standard deviation of u",
    "demand_half_life": "days in which a deviation of u halves",
    "premium": "share of the weather's drift that the index earns",
    "market_loading": "correlation of the index with the weather's common factor",
    "implied_volatility": "sigma_i of market gbm, a year",
    "realised_volatility": "sigma_r of market gbm, a year",
    "drift": "of the index, a year (market gbm)",
    "arch": "a of the GJR variance; PAPERS section 11",
    "asymmetry": "g of the GJR variance",
    "garch": "b of the GJR variance",
    "freedom": "degrees of freedom of the t shocks (market gjr)",
    "hurst": "H of rough Bergomi; Bayer, Friz & Gatheral (2016)",
    "eta": "volatility of log variance of rough Bergomi; Bayer, Friz & Gatheral (2016)",
    "smile_slope": "relative change of implied volatility a deviation of strike (markets gjr, rough and history)",
    "smile_bend": "and of the square of it",
    "short_above": "points of IV - RV above which iv_rv_threshold is short",
    "long_below": "points of IV - RV below which it is long",
}
