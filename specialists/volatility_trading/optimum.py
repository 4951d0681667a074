"""The log-optimal exposure to variance on the environment's own grid.

Over a step the claim earns x = v' - E_Q v', v' drawn by the environment's own scheme from v. Log utility is myopic, so
that the best exposure is the root f of E x / (1 + f x) = 0, for each v by itself. Expectations are over a fine rule of
normal quantiles, which is how the scheme draws v'.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtri

from fund.compiled import compiled
from fund.market.heston import Scheme, qe_step, scheme
from specialists.volatility_trading.market import expected, priced_under

if TYPE_CHECKING:
    from specialists.volatility_trading.strategy import VolatilityTrading

Floats = NDArray[np.float64]

LEVELS = np.linspace(0.01, 0.9, 90)  # of sqrt(v)
DRAWS = 20_000
RUIN = 0.999  # of the exposure at which the worst draw takes all


@compiled
def _next(q: Scheme, theta: float, v: float, shock: Floats) -> Floats:
    out = np.empty(len(shock))
    for i in range(len(shock)):
        out[i], _ = qe_step(q, v, theta, shock[i], 0.0)
    return out


def log_optimal(desk: VolatilityTrading) -> tuple[Floats, Floats]:
    """Grid of sqrt(v) and the best exposure at each, over the NAV."""
    shock = ndtri((np.arange(DRAWS) + 0.5) / DRAWS)
    q = priced_under(desk)
    mean, by_v = expected(q.kappa, q.thetas[0], desk.dt)
    found = []
    for s in LEVELS:
        v = s * s
        x = _next(scheme(desk.kappa, desk.xi, desk.rho, desk.dt), desk.theta, v, shock) - mean - by_v * v
        found.append(_root(x))
    return LEVELS, np.array(found)


def _root(x: Floats) -> float:
    low, high = -RUIN / x.max(), -RUIN / x.min()
    slope = lambda f: float(np.mean(x / (1.0 + f * x)))  # noqa: E731 - one line says it
    if slope(low) <= 0.0:
        return low
    return high if slope(high) >= 0.0 else float(brentq(slope, low, high, xtol=1e-6))
