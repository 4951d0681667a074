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
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fund.compiled import compiled
from fund.errors import DataError
from fund.market.dickey_fuller import NOTHING, dickey_fuller, half_life
from fund.market.tape import Tape, empty_block, places
from fund.strategy import names
from specialists.statistical_arbitrage.market import Legs
from specialists.statistical_arbitrage.rolling import kalman_hedge_ratio, rolling_hedge_ratio
from specialists.statistical_arbitrage.step import Own

if TYPE_CHECKING:
    from specialists.statistical_arbitrage.strategy import StatisticalArbitrage

Floats = NDArray[np.float64]

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


class Scales(NamedTuple):
    """In what features are measured."""

    spread: float  # deviation of the known process
    change: float  # of the spread in a step
    leg: float  # of a leg in a step


AT = places(MARKET_FEATURES)
# running sums, with b and a the levels of legs 1 and 2, v and u their changes: of levels and changes of a row (LEVEL),
# of levels before the row and its changes (PAIR)
LEVEL = places(("a", "b", "aa", "ab", "bb", "uu", "uv", "vv"))
PAIR = places(("a", "b", "aa", "ab", "bb", "u", "v", "uu", "uv", "vv", "au", "av", "bu", "bv"))
# where the sums of the long, middle and short window end
ENDS = (len(PAIR), len(PAIR) + len(LEVEL), len(PAIR) + 2 * len(LEVEL))


def lay_out(
    desk: StatisticalArbitrage, legs: Legs, borrow: Floats, rows: NDArray[np.int64] | None = None
) -> Tape:
    """Legs, and the borrow rate a year (T + 1, n), as a tape; raises DataError where a number is not finite."""
    y, x = legs.level_1 - legs.level_1[0], legs.level_2 - legs.level_2[0]
    beta, innovation = hedges(desk.hedge_method if desk.by_exposure else "known", y, x)
    steps, n = borrow.shape
    wide = np.zeros((steps, n, len(desk.features)), dtype=np.float32)
    mean = desk.price - legs.level_1[0] if desk.knows else np.full(n, math.nan)
    scales = Scales(desk.stationary_deviation, desk.eta * math.sqrt(desk.dt), desk.leg_unit)
    _features(y, x, beta, innovation, mean, scales, wide)
    columns = names(desk.step.columns)
    block = empty_block(steps, len(columns), n)
    column = places(columns)
    block[:, column.leg_1], block[:, column.leg_2] = legs.price_1, legs.price_2
    block[:, column.hedge_ratio] = beta[WARM_UP:]
    if desk.by_exposure:  # levels are logs: a share of leg 1 is hedged by beta times its worth of leg 2
        block[:, column.hedge_ratio] *= legs.price_1 / legs.price_2
    block[:, column.borrow], block[:, column.zscore] = borrow, wide[:, :, AT.zscore_60]
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
    rows, paths = y.shape
    for first in range(0, paths, _CHUNK):
        last = min(first + _CHUNK, paths)
        sums = np.zeros((ENDS[2], last - first))
        long, middle, short = sums[: ENDS[0]], sums[ENDS[0] : ENDS[1]], sums[ENDS[1] :]
        for t in range(1, rows):
            _pairs(y, x, t, first, last, 1.0, long)
            _levels(y, x, t, first, last, 1.0, middle)
            _levels(y, x, t, first, last, 1.0, short)
            if t > LONG:
                _pairs(y, x, t - LONG, first, last, -1.0, long)
            if t > MIDDLE:
                _levels(y, x, t - MIDDLE, first, last, -1.0, middle)
            if t > SHORT:
                _levels(y, x, t - SHORT, first, last, -1.0, short)
            if t >= WARM_UP:
                for i in range(first, last):
                    place = out[t - WARM_UP, i]
                    _write(y, x, beta, t, i, mean[i], scales, sums[:, i - first], place)
                    place[AT.kalman_innovation] = innovation[t, i]


@njit(inline="always")
def _pairs(y: Floats, x: Floats, t: int, first: int, last: int, sign: float, sums: Floats) -> None:
    # level before and change of row t, in or out of the sums of the long window
    b_t, a_t, v_t, u_t = y[t - 1, first:last], x[t - 1, first:last], y[t, first:last], x[t, first:last]
    for i in range(last - first):
        a, b = a_t[i], b_t[i]
        u, v = u_t[i] - a, v_t[i] - b
        sums[PAIR.a, i] += sign * a
        sums[PAIR.b, i] += sign * b
        sums[PAIR.aa, i] += sign * a * a
        sums[PAIR.ab, i] += sign * a * b
        sums[PAIR.bb, i] += sign * b * b
        sums[PAIR.u, i] += sign * u
        sums[PAIR.v, i] += sign * v
        sums[PAIR.uu, i] += sign * u * u
        sums[PAIR.uv, i] += sign * u * v
        sums[PAIR.vv, i] += sign * v * v
        sums[PAIR.au, i] += sign * a * u
        sums[PAIR.av, i] += sign * a * v
        sums[PAIR.bu, i] += sign * b * u
        sums[PAIR.bv, i] += sign * b * v


@njit(inline="always")
def _levels(y: Floats, x: Floats, t: int, first: int, last: int, sign: float, sums: Floats) -> None:
    # level and change of row t, in or out of the sums of a window
    b_t, a_t, b_p, a_p = y[t, first:last], x[t, first:last], y[t - 1, first:last], x[t - 1, first:last]
    for i in range(last - first):
        a, b = a_t[i], b_t[i]
        u, v = a - a_p[i], b - b_p[i]
        sums[LEVEL.a, i] += sign * a
        sums[LEVEL.b, i] += sign * b
        sums[LEVEL.aa, i] += sign * a * a
        sums[LEVEL.ab, i] += sign * a * b
        sums[LEVEL.bb, i] += sign * b * b
        sums[LEVEL.uu, i] += sign * u * u
        sums[LEVEL.uv, i] += sign * u * v
        sums[LEVEL.vv, i] += sign * v * v


@njit(inline="always")
def _zscore(spread: float, h: float, s: Floats, window: int) -> float:
    # of the spread among the levels of a window, from its sums
    mean = (s[LEVEL.b] - h * s[LEVEL.a]) / window
    area = s[LEVEL.bb] - 2.0 * h * s[LEVEL.ab] + h * h * s[LEVEL.aa] - window * mean * mean
    return (spread - mean) / math.sqrt(area / (window - 1)) if area > NOTHING else 0.0


@njit(inline="always")
def _deviation(h: float, s: Floats, window: int) -> float:
    return math.sqrt(max((s[LEVEL.vv] - 2.0 * h * s[LEVEL.uv] + h * h * s[LEVEL.uu]) / window, NOTHING))


@njit(inline="always")
def _dickey_fuller(h: float, s: Floats) -> tuple[float, float]:
    # slope and t-statistic of the spread's change on the spread before it, with a constant
    mean, drift = (s[PAIR.b] - h * s[PAIR.a]) / LONG, s[PAIR.v] - h * s[PAIR.u]
    zz = s[PAIR.bb] - 2.0 * h * s[PAIR.ab] + h * h * s[PAIR.aa] - LONG * mean * mean
    zd = s[PAIR.bv] - h * (s[PAIR.bu] + s[PAIR.av]) + h * h * s[PAIR.au] - mean * drift
    dd = s[PAIR.vv] - 2.0 * h * s[PAIR.uv] + h * h * s[PAIR.uu] - drift * drift / LONG
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
    middle, short = s[ENDS[0] : ENDS[1]], s[ENDS[1] : ENDS[2]]
    sd_60, sd_20 = _deviation(h, middle, MIDDLE), _deviation(h, short, SHORT)
    slope, statistic = _dickey_fuller(h, s)
    out[AT.zscore_60] = (
        _zscore(spread, h, middle, MIDDLE) if math.isnan(mean) else (spread - mean) / scales.spread
    )
    out[AT.zscore_20] = _zscore(spread, h, short, SHORT)
    out[AT.spread_return] = (spread - y[t - 1, i] + h * x[t - 1, i]) / sd_60
    out[AT.half_life] = half_life(slope) / HALF_LIFE_UNIT
    out[AT.hedge_ratio] = h
    out[AT.hedge_ratio_change] = 10.0 * (h - beta[t - SHORT, i])
    out[AT.spread_volatility] = sd_60 / scales.change
    out[AT.volatility_ratio] = sd_20 / sd_60
    area = middle[LEVEL.uu] * middle[LEVEL.vv]
    out[AT.leg_correlation] = middle[LEVEL.uv] / math.sqrt(area) if area > 0.0 else 0.0
    out[AT.adf_statistic] = statistic
    out[AT.spread_momentum_5] = (spread - y[t - 5, i] + h * x[t - 5, i]) / (sd_60 * math.sqrt(5.0))
    out[AT.spread_momentum_20] = (spread - y[t - SHORT, i] + h * x[t - SHORT, i]) / (sd_60 * math.sqrt(SHORT))
    out[AT.leg_1_return] = (y[t, i] - y[t - 1, i]) / scales.leg
    out[AT.leg_2_return] = (x[t, i] - x[t - 1, i]) / scales.leg
