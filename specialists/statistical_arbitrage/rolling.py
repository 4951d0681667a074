"""Rolling estimates over time-major rows (T, n), causal and compiled: what a desk may know at row t.

Row t uses rows up to t and no other. A window that is not yet full gives NaN, and so does a regression on something
that does not move. Sums are carried from row to row, so that the cost of a row does not depend on the window; every
`window` rows they are taken anew around the window's own mean, so that neither the level of a price nor the rounding
of long sums is felt. Each path is treated alike wherever it stands in the batch.

Regressions on a window of w rows:
- hedge ratio: y = intercept + slope x, ordinary least squares;
- Dickey-Fuller: x_s - x_{s-1} = intercept + slope x_{s-1} (+ phi (x_{s-1} - x_{s-2})), with the slope's t-statistic;
- half-life of a shock, in rows, ln 2 / -ln(1 + slope).

Kalman hedge ratio: y_t = slope_t x_t + intercept_t + noise of variance V, both states random walks whose steps have
variance delta/(1 - delta); with prior R, e = y - x'state, Q = x'Rx + V, gain Rx/Q. It starts at zero, known exactly, as
in Chan (2013), "Algorithmic Trading", and takes its first step at row 1.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fund.compiled import compiled
from fund.market.tape import places
from specialists.statistical_arbitrage.theory import require

Floats = NDArray[np.float64]
# of a Dickey-Fuller window: z the level before, y its change, q the change before that; the largest zz there was
SUM = places(("z", "zz", "y", "yy", "zy", "q", "qq", "zq", "qy", "largest"))
_FLAT = 1e-13  # share of the largest sum of squares that is rounding


class Moments(NamedTuple):
    """Mean and standard deviation of each window, in the shape of the data."""

    mean: Floats
    deviation: Floats


class Line(NamedTuple):
    """Slope and intercept of each window, in the shape of the data."""

    slope: Floats
    intercept: Floats


class DickeyFuller(NamedTuple):
    """t-statistic and slope of each window, in the shape of the data."""

    statistic: Floats
    slope: Floats


class KalmanHedge(NamedTuple):
    """State after each row, and the surprise that the row was, in the shape of the data."""

    slope: Floats  # hedge ratio, this row's prices included
    intercept: Floats
    innovation: Floats  # e_t, y less what the state before this row foretold
    deviation: Floats  # sqrt(Q_t), the innovation's standard deviation


def rolling_moments(x: ArrayLike, window: int, ddof: int = 1) -> Moments:
    """Mean and standard deviation of the last `window` rows; `x` (T,) or (T, n)."""
    rows, shape = _rows(x, window, 2)
    return Moments(*(out.reshape(shape) for out in _moments(rows, window, ddof)))


def rolling_hedge_ratio(y: ArrayLike, x: ArrayLike, window: int) -> Line:
    """Least-squares line of `y` on `x` over the last `window` rows; both (T,) or (T, n)."""
    rows, shape = _rows(y, window, 3)
    return Line(*(out.reshape(shape) for out in _hedge(rows, _alike(x, shape), window)))


def rolling_dickey_fuller(x: ArrayLike, window: int, lags: int = 0, constant: bool = True) -> DickeyFuller:
    """Dickey-Fuller regression over the last `window` rows, `lags` 0 or 1; `x` (T,) or (T, n).

    The statistic is that of statsmodels' `adfuller(x[t - window + 1 : t + 1], lags, "c" or "n", autolag=None)`.
    """
    require(lags in (0, 1), f"lags = {lags}", "0 or 1")
    rows, shape = _rows(x, window, 5 + 2 * lags)
    return DickeyFuller(*(out.reshape(shape) for out in _dickey_fuller(rows, window, lags, bool(constant))))


def kalman_hedge_ratio(
    y: ArrayLike, x: ArrayLike, delta: float = 1e-4, observation_variance: float = 1e-3
) -> KalmanHedge:
    """Hedge ratio of `y` on `x` that drifts as a random walk; both (T,) or (T, n)."""
    require(0.0 < delta < 1.0, f"delta = {delta}", "a number between 0 and 1")
    require(observation_variance > 0.0, f"observation_variance = {observation_variance}", "a number above 0")
    rows, shape = _rows(y, 1, 1)
    path = _kalman(rows, _alike(x, shape), delta / (1.0 - delta), observation_variance)
    return KalmanHedge(*(out.reshape(shape) for out in path))


def half_life(slope: ArrayLike) -> Floats:
    """Rows until half of a shock is gone; infinite where it never goes, 0 where it is gone in one row."""
    kept = 1.0 + np.asarray(slope, dtype=np.float64)
    inside = np.where((kept > 0.0) & (kept < 1.0), kept, 0.5)
    life = np.where(kept >= 1.0, math.inf, np.where(kept <= 0.0, 0.0, -math.log(2.0) / np.log(inside)))
    return np.where(np.isnan(kept), math.nan, life)


def _rows(x: ArrayLike, window: int, least: int) -> tuple[Floats, tuple[int, ...]]:
    data = np.ascontiguousarray(x, dtype=np.float64)
    require(data.ndim in (1, 2), f"data of shape {data.shape}", "(rows,) or (rows, paths)")
    require(window >= least, f"window = {window}", f"{least} or more")
    require(bool(np.isfinite(data).all()), "a value that is not finite", "numbers only")
    return data.reshape(data.shape[0], -1), data.shape


def _alike(x: ArrayLike, shape: tuple[int, ...]) -> Floats:
    require(np.shape(x) == shape, f"legs of shapes {shape} and {np.shape(x)}", "two of one shape")
    return _rows(x, 1, 1)[0]


@compiled
def _moments(x: Floats, window: int, ddof: int) -> tuple[Floats, Floats]:
    rows, paths = x.shape
    mean, deviation = np.full((2, rows, paths), np.nan)
    centre, total, square, largest = np.zeros((4, paths))
    for t in range(window - 1, rows):
        anew = t % window == window - 1
        if anew:
            _centre(x, t - window + 1, t + 1, centre)
            total[:] = 0.0
            square[:] = 0.0
            largest[:] = 0.0
        for s in range(t - window + 1 if anew else t, t + 1):
            for j in range(paths):
                z = x[s, j] - centre[j]
                total[j] += z
                square[j] += z * z
        for j in range(paths):
            if not anew:
                z = x[t - window, j] - centre[j]
                total[j] -= z
                square[j] -= z * z
            largest[j] = max(largest[j], square[j])
            spread = square[j] - total[j] * total[j] / window
            mean[t, j] = centre[j] + total[j] / window
            deviation[t, j] = math.sqrt(spread / (window - ddof)) if spread > _FLAT * largest[j] else 0.0
    return mean, deviation


@compiled
def _centre(x: Floats, start: int, stop: int, centre: Floats) -> None:
    # the mean of rows start to stop, taken around the first of them
    centre[:] = 0.0
    for s in range(start, stop):
        for j in range(centre.size):
            centre[j] += x[s, j] - x[start, j]
    for j in range(centre.size):
        centre[j] = x[start, j] + centre[j] / (stop - start)


@compiled
def _hedge(y: Floats, x: Floats, window: int) -> tuple[Floats, Floats]:
    rows, paths = x.shape
    slope, intercept = np.full((2, rows, paths), np.nan)
    mid_x, mid_y, sx, sy, sxx, sxy, largest = np.zeros((7, paths))
    for t in range(window - 1, rows):
        anew = t % window == window - 1
        if anew:
            _centre(x, t - window + 1, t + 1, mid_x)
            _centre(y, t - window + 1, t + 1, mid_y)
            for sums in (sx, sy, sxx, sxy, largest):
                sums[:] = 0.0
        for s in range(t - window + 1 if anew else t, t + 1):
            for j in range(paths):
                u, v = x[s, j] - mid_x[j], y[s, j] - mid_y[j]
                sx[j] += u
                sy[j] += v
                sxx[j] += u * u
                sxy[j] += u * v
        for j in range(paths):
            if not anew:
                u, v = x[t - window, j] - mid_x[j], y[t - window, j] - mid_y[j]
                sx[j] -= u
                sy[j] -= v
                sxx[j] -= u * u
                sxy[j] -= u * v
            largest[j] = max(largest[j], sxx[j])
            spread = sxx[j] - sx[j] * sx[j] / window
            if spread > _FLAT * largest[j]:
                b = (sxy[j] - sx[j] * sy[j] / window) / spread
                slope[t, j] = b
                intercept[t, j] = mid_y[j] + sy[j] / window - b * (mid_x[j] + sx[j] / window)
    return slope, intercept


@compiled
def _add(sums: Floats, x: Floats, s: int, lags: int, centre: Floats, sign: float) -> None:
    # one observation x_s - x_{s-1} of every path, in or out of the window's sums
    for j in range(centre.size):
        z = x[s - 1, j] - centre[j]
        y = x[s, j] - x[s - 1, j]
        sums[SUM.z, j] += sign * z
        sums[SUM.zz, j] += sign * z * z
        sums[SUM.y, j] += sign * y
        sums[SUM.yy, j] += sign * y * y
        sums[SUM.zy, j] += sign * z * y
        if lags == 1:
            q = x[s - 1, j] - x[s - 2, j]
            sums[SUM.q, j] += sign * q
            sums[SUM.qq, j] += sign * q * q
            sums[SUM.zq, j] += sign * z * q
            sums[SUM.qy, j] += sign * q * y


@compiled
def _dickey_fuller(x: Floats, window: int, lags: int, constant: bool) -> tuple[Floats, Floats]:
    rows, paths = x.shape
    statistic, slope = np.full((2, rows, paths), np.nan)
    centre, sums = np.zeros(paths), np.zeros((len(SUM), paths))
    count = window - 1 - lags
    for t in range(window - 1, rows):
        oldest = t - count + 1
        if t % window == window - 1:
            sums[:] = 0.0
            if constant:
                _centre(x, t - window + 1, t + 1, centre)
            for s in range(oldest, t + 1):
                _add(sums, x, s, lags, centre, 1.0)
        else:
            _add(sums, x, t, lags, centre, 1.0)
            _add(sums, x, oldest - 1, lags, centre, -1.0)
        for j in range(paths):
            sums[SUM.largest, j] = max(sums[SUM.largest, j], sums[SUM.zz, j])
            statistic[t, j], slope[t, j] = _t_statistic(sums[:, j], count, lags, constant)
    return statistic, slope


@compiled
def _t_statistic(sums: Floats, count: int, lags: int, constant: bool) -> tuple[float, float]:
    z, zz, y, yy, zy, q, qq, zq, qy, largest = sums
    if constant:
        zz, yy, zy = zz - z * z / count, yy - y * y / count, zy - z * y / count
        qq, zq, qy = qq - q * q / count, zq - z * q / count, qy - q * y / count
    if lags == 0:
        qq = 1.0  # a regressor that is not there: at right angles to everything
    area = zz * qq - zq * zq
    if not (zz > _FLAT * largest and area > _FLAT * zz * qq):
        return math.nan, math.nan
    slope, second = (zy * qq - qy * zq) / area, (qy * zz - zy * zq) / area
    left = yy - slope * zy - second * qy
    freedom = count - lags - (2 if constant else 1)
    if not left > _FLAT * yy:
        return math.nan, slope
    return slope / math.sqrt(left / freedom * qq / area), slope


@compiled
def _kalman(y: Floats, x: Floats, step: float, noise: float) -> tuple[Floats, Floats, Floats, Floats]:
    rows, paths = x.shape
    slope, intercept, innovation, deviation = np.empty((4, rows, paths))
    b, a, bb, ab, aa = np.zeros((5, paths))  # state and its covariance
    for t in range(rows):
        walk = step if t > 0 else 0.0
        for j in range(paths):
            bb[j] += walk
            aa[j] += walk
            u = x[t, j]
            to_b, to_a = bb[j] * u + ab[j], ab[j] * u + aa[j]
            q = u * to_b + to_a + noise
            e = y[t, j] - u * b[j] - a[j]
            b[j] += to_b / q * e
            a[j] += to_a / q * e
            bb[j] -= to_b * to_b / q
            ab[j] -= to_b * to_a / q
            aa[j] -= to_a * to_a / q
            slope[t, j], intercept[t, j] = b[j], a[j]
            innovation[t, j], deviation[t, j] = e, math.sqrt(q)
    return slope, intercept, innovation, deviation
