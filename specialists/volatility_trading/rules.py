"""Textbook policies.

always_short        the whole vega limit sold, always: the premium of Carr & Wu (2009), Coval & Shumway (2001)
iv_rv_threshold     short where implied volatility is above realised by a margin, long where it is below
liu_pan             the myopic optimum of log utility, exposure lam / xi^2 to variance (Liu & Pan, 2003)
optimum             log-optimal exposure on the environment's own grid; the claim on variance only
always_long         the whole limit bought, always
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fund.errors import InvalidParameter
from fund.strategy import Policy, View
from specialists.volatility_trading import optimum as grid
from specialists.volatility_trading.features import UNIT

if TYPE_CHECKING:
    from specialists.volatility_trading.strategy import VolatilityTrading

Floats = NDArray[np.float64]


def _volatility(view: View, name: str) -> Floats:
    return np.asarray(UNIT * np.exp(0.5 * view.slot(name)))


def always_short(desk: VolatilityTrading) -> Policy:
    """The whole limit sold."""
    return lambda view: np.full((view.n, 1), -1.0)


def always_long(desk: VolatilityTrading) -> Policy:
    """The whole limit bought."""
    return lambda view: np.full((view.n, 1), 1.0)


def iv_rv_threshold(desk: VolatilityTrading) -> Policy:
    """Short where IV_30 - RV_20 is above `short_above` points, long where it is below `long_below`, else flat."""

    def act(view: View) -> Floats:
        points = 100.0 * (_volatility(view, "implied_vol") - _volatility(view, "realised_vol_20"))
        short, long = points > desk.short_above, points < desk.long_below
        return np.where(short, -1.0, np.where(long, 1.0, 0.0))[:, None]

    return act


def liu_pan(desk: VolatilityTrading) -> Policy:
    """Exposure lam / xi^2 to variance over the NAV, held in straddles where there is no claim on it.

    A straddle's volatility moves with variance by slope / (2 IV), slope = (1 - exp(-a)) / a, a = kappa_Q T.
    """
    exposure = desk.risk_premium / desk.xi**2
    if desk.market == "variance":
        return lambda view: np.full((view.n, 1), np.clip(exposure / desk.exposure_limit, -1.0, 1.0))
    a = (desk.kappa + desk.risk_premium) * desk.maturity
    slope = -math.expm1(-a) / a

    def act(view: View) -> Floats:
        share = exposure * 2.0 * _volatility(view, "implied_vol") / slope / desk.vega_share
        return np.clip(share, -1.0, 1.0)[:, None]

    return act


def optimum(desk: VolatilityTrading) -> Policy:
    """The exposure of most expected log growth over a step, given v; raises InvalidParameter in other worlds.

    Log utility is myopic: what is best step by step is best for the horizon.
    """
    if desk.market != "variance" or not desk.log_utility or desk.vega_cost > 0.0 or desk.history is not None:
        raise InvalidParameter(
            f"{desk.name}: no optimum is known here; wanted the preset liu_pan, without costs"
        )
    levels, exposures = grid.log_optimal(desk)

    def act(view: View) -> Floats:
        found = np.interp(np.sqrt(view.row["variance"]), levels, exposures)
        return np.asarray(np.clip(found / desk.exposure_limit, -1.0, 1.0)[:, None])

    return act


RULES: dict[str, Callable[[Any], Policy]] = {
    rule.__name__: rule for rule in (always_short, iv_rv_threshold, liu_pan, optimum, always_long)
}
