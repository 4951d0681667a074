"""What the desk's P&L is made of, and what its episodes amount to."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fund.account.utility import LEAST_WEALTH
from fund.strategy import Played

if TYPE_CHECKING:
    from specialists.volatility_trading.strategy import VolatilityTrading

Floats = NDArray[np.float64]


def lines(played: Played) -> dict[str, Floats]:
    """P&L by source, each (n,), account currency; the sum is the change of the NAV."""
    sources = ("delta", "gamma", "theta", "vega", "cross", "residual", "hedge")
    found = {f"{name}_pnl": played.memory[name] for name in sources}
    ledger = played.lines
    return {**found, "cost_pnl": ledger["fees"] + ledger["rebates"] + ledger["execution"] + ledger["carry"]}


def statistics(desk: VolatilityTrading, played: Played) -> dict[str, float]:
    """Mean P&L by source (account currency an episode), growth, exposure.

    growth: mean logarithmic return, a year. exposure_mean: position over the NAV, in units of variance where the
    claim is on variance, else the share of the vega limit. cost: fees. Of series held to their end with constant
    volatilities, `identity_mean` is the integral of gamma S^2 (realised^2 - implied^2) / 2 and
    `identity_correlation` its correlation with the P&L.
    """
    years = played.length * desk.dt
    growth = np.log(np.maximum(played.nav[-1] / desk.capital, LEAST_WEALTH))
    unit = desk.exposure_limit if desk.market == "variance" else 1.0
    found = {
        "growth": float(growth.sum() / years.sum()),
        "exposure_mean": float(played.memory["exposure"].sum() / played.length.sum()) * unit,
        "pnl_skew": _skewness(played.nav[-1] - played.nav[0]),
        **{name: float(values.mean()) for name, values in lines(played).items()},
    }
    if desk.market == "gbm" and desk.history is None:
        share = (desk.realised_volatility / desk.implied_volatility) ** 2 - 1.0
        integral, pnl = -played.memory["theta"] * share, played.nav[-1] - played.nav[0]
        found["identity_mean"] = float(integral.mean())
        moves = integral.std() > 0.0 and pnl.std() > 0.0
        found["identity_correlation"] = float(np.corrcoef(integral, pnl)[0, 1]) if moves else math.nan
    return found


def _skewness(sample: Floats) -> float:
    around, deviation = sample - sample.mean(), float(sample.std())
    return float((around**3).mean()) / deviation**3 if deviation > 0.0 else 0.0
