"""The market's share of the observation: what both legs show up to row t, drawn or recorded.

With levels y and x of the legs and beta_t the hedge of row t, a window of w rows is seen with today's hedge,

    s_r = y_r - beta_t x_r,   r = t - w + 1 ... t,

so that a hedge that moves does not make the past of the spread jump. All window statistics then come from running
sums of x, y and their products, at a cost that does not depend on w. Changes d_r = s_r - s_{r-1} likewise.

    zscore_60, zscore_20     (s_t - mean) / standard deviation of the window; of the known process where it is known
    spread_return            d_t in units of its deviation over 60 rows
    half_life                ln 2 / -ln(1 + slope) of the Dickey-Fuller regression over 120 rows, in units of 20 rows
    hedge_ratio, _change     beta_t, and 10 times its change over 20 rows
    spread_volatility        deviation of d over 60 rows, in units of eta
    volatility_ratio         deviation of d over 20 rows / over 60 rows
    leg_correlation          of the legs' changes over 60 rows
    adf_statistic            t-statistic of the Dickey-Fuller slope over 120 rows
    spread_momentum_5, _20   s_t - s_{t-k} in units of the deviation of d times sqrt(k)
    kalman_innovation        surprise of the Kalman filter that follows the hedge, in its own standard deviations
    leg_1_return, leg_2_return   changes of the levels, in units of a day's usual deviation
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fund.compiled import compiled
from fund.errors import DataError
from fund.market.dickey_fuller import NOTHING, dickey_fuller, half_life
from fund.market.tape import Tape, empty_block
from fund.strategy import names
from specialists.statistical_arbitrage.market import Legs
from specialists.statistical_arbitrage.rolling import kalman_hedge_ratio, rolling_hedge_ratio
from specialists.statistical_arbitrage.step import Own

if TYPE_CHECKING:
    from specialists.statistical_arbitrage.strategy import StatisticalArbitrage

Floats = NDArray[np.float64]
Scales = tuple[float, float, float]  # of the z-score, of the spread's volatility, of a leg's move

LONG, MIDDLE, SHORT = 120, 60, 20  # rows of the windows
WARM_UP = LONG  # rows before the first decision
HALF_LIFE_UNIT = 20.0  # rows
HEDGE_BOUNDS = (0.0, 3.0)  # one leg is bought, one sold; nobody hedges with more than three times the money
KALMAN_DELTA, KALMAN_VARIANCE = 1e-5, 1e-3  # drift of the hedge; variance of the spread around it
_CHUNK = 64  # paths whose sums stay in the cache
MARKET_FEATURES = (
    "zscore_60",
    "zscore_20",
    "spread_return",
    "half_life",
    "hedge_ratio",
    "hedge_ratio_change",
    "spread_volatility",
    "volatility_ratio",
    "leg_correlation",
    "adf_statistic",
    "spread_momentum_5",
    "spread_momentum_20",
    "kalman_innovation",
    "leg_1_return",
    "leg_2_return",
)
FEATURES = (*MARKET_FEATURES, *Own._fields)


def lay_out(
    desk: StatisticalArbitrage, legs: Legs, borrow: Floats, rows: NDArray[np.int64] | None = None
) -> Tape:
    """Legs, and the borrow rate a year (T + 1, n), as a tape; raises DataError where a number is not finite."""
    y, x = legs.level_1 - legs.level_1[0], legs.level_2 - legs.level_2[0]
    beta, innovation = hedges(desk.hedge_method if desk.by_exposure else "known", y, x)
    steps, n = borrow.shape
    wide = np.zeros((steps, n, len(desk.features)), dtype=np.float32)
    mean = desk.price - legs.level_1[0] if desk.knows else np.full(n, math.nan)
    scales = (desk.stationary_deviation, desk.eta * math.sqrt(desk.dt), desk.leg_unit)
    _features(y, x, beta, innovation, mean, scales, wide)
    columns = names(desk.step.columns)
    block = empty_block(steps, len(columns), n)
    block[:, 0], block[:, 1] = legs.price_1, legs.price_2
    block[:, 2] = beta[WARM_UP:]
    if desk.by_exposure:  # levels are logs: a share of leg 1 is hedged by beta times its worth of leg 2
        block[:, 2] *= legs.price_1 / legs.price_2
    block[:, 3], block[:, 4] = borrow, wide[:, :, 0]
    if not np.isfinite(block.sum()):
        raise DataError(f"{desk.name}: a price, hedge ratio or z-score is not finite")
    return Tape(columns, block, wide, np.zeros(0, dtype=np.int64) if rows is None else rows)


def hedges(method: str, y: Floats, x: Floats) -> tuple[Floats, Floats]:
    """Hedge of each row by `method` (known: 1, rolling or kalman), and the Kalman filter's standardised surprise.

    The filter follows what is left after the hedge of the first rows, so that it starts near zero as it supposes.
    """
    first = np.ones(y.shape[1]) if method == "known" else opening_hedge(y, x, MIDDLE)
    found = kalman_hedge_ratio(y - first * x, x, KALMAN_DELTA, KALMAN_VARIANCE)
    if method == "known":
        beta = np.ones_like(y)
    elif method == "rolling":
        beta = rolling_hedge_ratio(y, x, LONG).slope
        beta[: LONG - 1] = beta[LONG - 1]  # warm-up, seen by no one
    else:
        beta = first + found.slope
    return np.clip(beta, *HEDGE_BOUNDS), found.innovation / found.deviation


@compiled
def opening_hedge(y: Floats, x: Floats, window: int) -> Floats:
    """Leg 1's changes regressed on leg 2's through zero, first `window` rows, (n,); 1 where leg 2 never moves."""
    out = np.ones(y.shape[1])
    for i in range(y.shape[1]):
        both = square = 0.0
        for t in range(1, window + 1):
            change = x[t, i] - x[t - 1, i]
            both += change * (y[t, i] - y[t - 1, i])
            square += change * change
        if square > 0.0:
            out[i] = both / square
    return out


@compiled
def _features(
    y: Floats,
    x: Floats,
    beta: Floats,
    innovation: Floats,
    mean: Floats,
    scales: Scales,
    out: NDArray[np.float32],
) -> None:
    # sums: long window 0-13, middle 14-21, short 22-29
    rows, paths = y.shape
    for first in range(0, paths, _CHUNK):
        last = min(first + _CHUNK, paths)
        sums = np.zeros((30, last - first))
        for t in range(1, rows):
            _pairs(y, x, t, first, last, 1.0, sums[:14])
            _levels(y, x, t, first, last, 1.0, sums[14:22])
            _levels(y, x, t, first, last, 1.0, sums[22:30])
            if t > LONG:
                _pairs(y, x, t - LONG, first, last, -1.0, sums[:14])
            if t > MIDDLE:
                _levels(y, x, t - MIDDLE, first, last, -1.0, sums[14:22])
            if t > SHORT:
                _levels(y, x, t - SHORT, first, last, -1.0, sums[22:30])
            if t >= WARM_UP:
                for i in range(first, last):
                    place = out[t - WARM_UP, i]
                    _write(y, x, beta, t, i, mean[i], scales, sums[:, i - first], place)
                    place[12] = innovation[t, i]


@njit(inline="always")
def _pairs(y: Floats, x: Floats, t: int, first: int, last: int, sign: float, sums: Floats) -> None:
    # level before and change of row t, in or out of the sums of the long window
    b_t, a_t, v_t, u_t = y[t - 1, first:last], x[t - 1, first:last], y[t, first:last], x[t, first:last]
    for i in range(last - first):
        a, b = a_t[i], b_t[i]
        u, v = u_t[i] - a, v_t[i] - b
        sums[0, i] += sign * a
        sums[1, i] += sign * b
        sums[2, i] += sign * a * a
        sums[3, i] += sign * a * b
        sums[4, i] += sign * b * b
        sums[5, i] += sign * u
        sums[6, i] += sign * v
        sums[7, i] += sign * u * u
        sums[8, i] += sign * u * v
        sums[9, i] += sign * v * v
        sums[10, i] += sign * a * u
        sums[11, i] += sign * a * v
        sums[12, i] += sign * b * u
        sums[13, i] += sign * b * v


@njit(inline="always")
def _levels(y: Floats, x: Floats, t: int, first: int, last: int, sign: float, sums: Floats) -> None:
    # level and change of row t, in or out of the sums of a window
    b_t, a_t, b_p, a_p = y[t, first:last], x[t, first:last], y[t - 1, first:last], x[t - 1, first:last]
    for i in range(last - first):
        a, b = a_t[i], b_t[i]
        u, v = a - a_p[i], b - b_p[i]
        sums[0, i] += sign * a
        sums[1, i] += sign * b
        sums[2, i] += sign * a * a
        sums[3, i] += sign * a * b
        sums[4, i] += sign * b * b
        sums[5, i] += sign * u * u
        sums[6, i] += sign * u * v
        sums[7, i] += sign * v * v


@njit(inline="always")
def _zscore(spread: float, h: float, s: Floats, window: int) -> float:
    # of the spread among the levels of a window, from its sums
    mean = (s[1] - h * s[0]) / window
    area = s[4] - 2.0 * h * s[3] + h * h * s[2] - window * mean * mean
    return (spread - mean) / math.sqrt(area / (window - 1)) if area > NOTHING else 0.0


@njit(inline="always")
def _deviation(h: float, s: Floats, window: int) -> float:
    return math.sqrt(max((s[7] - 2.0 * h * s[6] + h * h * s[5]) / window, NOTHING))


@njit(inline="always")
def _dickey_fuller(h: float, s: Floats) -> tuple[float, float]:
    # slope and t-statistic of the spread's change on the spread before it, with a constant
    mean, drift = (s[1] - h * s[0]) / LONG, s[6] - h * s[5]
    zz = s[4] - 2.0 * h * s[3] + h * h * s[2] - LONG * mean * mean
    zd = s[13] - h * (s[12] + s[11]) + h * h * s[10] - mean * drift
    dd = s[9] - 2.0 * h * s[8] + h * h * s[7] - drift * drift / LONG
    return dickey_fuller(zz, zd, dd, LONG)


@njit(inline="always")
def _write(
    y: Floats,
    x: Floats,
    beta: Floats,
    t: int,
    i: int,
    mean: float,
    scales: Scales,
    s: Floats,
    out: NDArray[np.float32],
) -> None:
    h = beta[t, i]
    spread = y[t, i] - h * x[t, i]
    sd_60, sd_20 = _deviation(h, s[14:22], MIDDLE), _deviation(h, s[22:30], SHORT)
    slope, statistic = _dickey_fuller(h, s)
    out[0] = _zscore(spread, h, s[14:22], MIDDLE) if math.isnan(mean) else (spread - mean) / scales[0]
    out[1] = _zscore(spread, h, s[22:30], SHORT)
    out[2] = (spread - y[t - 1, i] + h * x[t - 1, i]) / sd_60
    out[3] = half_life(slope) / HALF_LIFE_UNIT
    out[4] = h
    out[5] = 10.0 * (h - beta[t - SHORT, i])
    out[6] = sd_60 / scales[1]
    out[7] = sd_20 / sd_60
    area = s[19] * s[21]
    out[8] = s[20] / math.sqrt(area) if area > 0.0 else 0.0
    out[9] = statistic
    out[10] = (spread - y[t - 5, i] + h * x[t - 5, i]) / (sd_60 * math.sqrt(5.0))
    out[11] = (spread - y[t - SHORT, i] + h * x[t - SHORT, i]) / (sd_60 * math.sqrt(SHORT))
    out[13] = (y[t, i] - y[t - 1, i]) / scales[2]
    out[14] = (x[t, i] - x[t - 1, i]) / scales[2]
