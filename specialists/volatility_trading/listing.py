"""Series of straddles on the tape: listed, priced and given Greeks row by row, the same for every market.

A series is listed at the money with a life of `tenor` steps; `roll` steps before its end the next one is listed and
the desk moves over. The two columns of prices take turns. A row in which a series is listed prices both, the old one
for whoever still holds it. Of a claim of c calls and p puts at one strike, with m = c + p and rates at zero,

    V = m (S N(d1) - K N(d2)) - p (S - K),   delta = m N(d1) - p,   the other Greeks m times a call's.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fund.compiled import compiled
from fund.market.black_scholes import d_plus, normal_cdf, normal_pdf
from fund.market.tape import places
from fund.strategy import names
from specialists.volatility_trading.features import IMPLIED, WARM_UP
from specialists.volatility_trading.step import Columns
from specialists.volatility_trading.surface import Surface, at_moneyness

Floats = NDArray[np.float64]

(
    SPOT, FIRST, SECOND, ACTIVE, DELTA, VEGA, SIZE, MARGIN, HELD_DELTA, HELD_GAMMA, HELD_THETA, HELD_VEGA,
    GAMMA_PNL, THETA_PNL, VEGA_PNL, CROSS_PNL, VARIANCE,
) = range(len(names(Columns)))  # fmt: skip
PAST = places(("gamma", "theta", "vega", "vanna", "volga", "sigma"))  # of the series held, a row before
CLAIMS = {"straddle": (1.0, 1.0), "call": (1.0, 0.0), "put": (0.0, 1.0)}  # calls and puts
FAINT = 0.25  # of the vega at the money: a straddle that has lost more is not bought for its vega


class Claim(NamedTuple):
    """What is listed, and for whom."""

    calls: float
    puts: float
    tenor: int  # steps
    roll: int  # steps to expiry at which the next series takes over
    dt: float  # years a step
    limit: float  # vega of a full position per unit of money; below zero: claims instead
    margin_rate: float  # of the spot, for a short claim
    hedge_sigma: float  # volatility of the delta that is hedged; 0: the implied one


class Smile(NamedTuple):
    """Implied volatility where a market has none of its own: sigma(y) = sigma (1 + slope y + bend y^2), y cut at 3."""

    slope: float
    bend: float


class Priced(NamedTuple):
    """A series at a row."""

    value: float
    delta: float
    gamma: float
    vega: float
    theta: float
    vanna: float
    volga: float
    sigma: float


@njit(forceinline=True)
def priced(spot: float, strike: float, time: float, sigma: float, calls: float, puts: float) -> Priced:
    """Price and Greeks of a claim; at expiry the payoff, with gamma, vega and theta zero."""
    many = calls + puts
    d1 = d_plus(spot, strike, time, 0.0, 0.0, sigma)
    root = math.sqrt(time)
    d2 = d1 - sigma * root
    first, second = normal_cdf(d1), normal_cdf(d2)
    worth = many * (spot * first - strike * second) - puts * (spot - strike)
    delta = many * first - puts
    if sigma * root <= 0.0:
        return Priced(worth, delta, 0.0, 0.0, 0.0, 0.0, 0.0, sigma)
    density = many * normal_pdf(d1)
    gamma, vega = density / (spot * sigma * root), density * spot * root
    theta = -0.5 * sigma * sigma * spot * spot * gamma
    per = 1.0 / sigma
    return Priced(worth, delta, gamma, vega, theta, -density * d2 * per, vega * d1 * d2 * per, sigma)


@njit(forceinline=True)
def smiled(smile: Smile, spot: float, strike: float, time: float, month: float, quarter: float) -> float:
    """Volatility of a strike from those at the money of 30 and 90 days, variance linear in the time to expiry."""
    slope = (quarter * quarter - month * month) / (60.0 / 365.0)
    variance = month * month + slope * (time - 30.0 / 365.0)
    at = math.sqrt(max(variance, 0.25 * month * month))
    if time <= 0.0:
        return at
    y = min(max(math.log(strike / spot) / (at * math.sqrt(time)), -3.0), 3.0)
    return at * max(1.0 + smile.slope * y + smile.bend * y * y, 0.3)


class Moment(NamedTuple):
    """What a series of one path is priced from at one row."""

    spot: float
    variance: float
    regime: int
    lift: float
    month: float
    quarter: float


@compiled(nogil=True)
def list_series(
    claim: Claim, surface: Surface, smile: Smile, on_surface: bool, spot: Floats, variance: Floats,
    regime: NDArray[np.int64], lift: Floats, fade: Floats, usual: float, far: Floats, phase: NDArray[np.int64],
    block: Floats, out: NDArray[np.float32], slot: int,
) -> None:  # fmt: skip
    """Write all columns of `block` (T + 1, n, columns), and life and moneyness at `slot` of the features `out`.

    `spot`, `variance`, `regime`, `lift` have WARM_UP + T + 1 rows; `phase` (n,) is the age of the series at row 0.
    """
    rows, n = spot.shape
    strike, left, active = np.empty(n), np.empty(n, dtype=np.int64), np.zeros(n)
    past = np.zeros((n, len(PAST)))
    for t in range(rows):
        row = t - WARM_UP
        for i in range(n):
            s = spot[t, i]
            if row == -phase[i]:
                strike[i], left[i] = s, claim.tenor
            elif row > -phase[i]:
                left[i] -= 1
            if row < 0:
                continue
            cells = block[row, i]
            month, quarter = far[IMPLIED.month, t, i], far[IMPLIED.quarter, t, i]
            here = Moment(s, variance[t, i], regime[t, i], lift[t, i], month, quarter)
            now = _series(claim, surface, smile, on_surface, fade, usual, here, strike[i], left[i])
            _held(cells, now)
            cells[FIRST], cells[SECOND] = now.value, now.value
            if row > 0:
                _earned(cells, past[i], s - spot[t - 1, i], now.sigma - past[i, PAST.sigma], claim.dt)
                waiting = SECOND if active[i] == 0.0 else FIRST
                cells[waiting] = block[row - 1, i, waiting]
            if left[i] <= claim.roll and row + phase[i] > 0:
                strike[i], left[i], active[i] = s, claim.tenor, 1.0 - active[i]
                now = _series(claim, surface, smile, on_surface, fade, usual, here, s, left[i])
                cells[FIRST if active[i] == 0.0 else SECOND] = now.value
            _tradable(claim, cells, now, s, strike[i], left[i])
            cells[SPOT], cells[ACTIVE] = s, active[i]
            _remember(past[i], now)
            _show(out[row, i], slot, claim, now.sigma, s / strike[i], left[i])


@njit(forceinline=True)
def _show(out: NDArray[np.float32], slot: int, claim: Claim, sigma: float, ratio: float, left: int) -> None:
    out[slot] = left / claim.tenor
    out[slot + 1] = math.log(ratio) / (sigma * math.sqrt(max(left, 1) * claim.dt))


@njit(forceinline=True)
def _series(
    claim: Claim, surface: Surface, smile: Smile, on_surface: bool, fade: Floats, usual: float, here: Moment,
    strike: float, left: int,
) -> Priced:  # fmt: skip
    # on the surface volatilities are multiplied by exp((usual + (lift - usual) fade[left]) / 2)
    time, s, k = left * claim.dt, here.spot, here.regime
    if on_surface:
        root = math.sqrt(surface.slope[left] * here.variance + surface.level[left, k])
        y = math.log(strike / s) / (root * math.sqrt(time)) if left > 0 else 0.0
        raised = math.exp(0.5 * (usual + (here.lift - usual) * fade[left]))
        sigma = root * at_moneyness(surface.ratio[left, k], math.sqrt(here.variance), y) * raised
    else:
        sigma = smiled(smile, s, strike, time, here.month, here.quarter)
    return priced(s, strike, time, sigma, claim.calls, claim.puts)


@njit(forceinline=True)
def _remember(past: Floats, now: Priced) -> None:
    past[PAST.gamma], past[PAST.theta], past[PAST.vega] = now.gamma, now.theta, now.vega
    past[PAST.vanna], past[PAST.volga], past[PAST.sigma] = now.vanna, now.volga, now.sigma


@njit(forceinline=True)
def _held(cells: Floats, now: Priced) -> None:
    cells[HELD_DELTA], cells[HELD_GAMMA] = now.delta, now.gamma
    cells[HELD_THETA], cells[HELD_VEGA] = now.theta, now.vega


@njit(forceinline=True)
def _earned(cells: Floats, past: Floats, move: float, change: float, dt: float) -> None:
    cells[GAMMA_PNL] = 0.5 * past[PAST.gamma] * move * move
    cells[THETA_PNL] = past[PAST.theta] * dt
    cells[VEGA_PNL] = past[PAST.vega] * change
    cells[CROSS_PNL] = past[PAST.vanna] * move * change + 0.5 * past[PAST.volga] * change * change


@njit(forceinline=True)
def _tradable(claim: Claim, cells: Floats, now: Priced, s: float, strike: float, left: int) -> None:
    time = left * claim.dt
    cells[VEGA] = now.vega
    cells[DELTA] = now.delta
    if claim.hedge_sigma > 0.0:
        d1 = d_plus(s, strike, time, 0.0, 0.0, claim.hedge_sigma)
        cells[DELTA] = (claim.calls + claim.puts) * normal_cdf(d1) - claim.puts
    cells[MARGIN] = now.value + claim.margin_rate * s
    if claim.limit > 0.0:
        most = (claim.calls + claim.puts) * 0.4 * s * math.sqrt(max(time, claim.dt))
        cells[SIZE] = claim.limit / max(now.vega, FAINT * most)
    else:
        cells[SIZE] = -claim.limit
