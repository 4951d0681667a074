"""FVG: fair-value gaps, prices that a fast move jumped over.

    bull at t:  low_t > high_(t-2)  and  |close - open|_(t-1) > impulse x the mean body of the 10 bars before t - 1

within one session; bear mirrored. The gap of a bull is (high_(t-2), low_t). It is gone when a later bar reaches its
far edge (low <= high_(t-2)), or `LIFE` bars after it formed.

    bullish, bearish   freshness 1 - age / LIFE of the youngest open gap of that kind, 0 without one
    level              from the close to the middle of the nearest open gap, in price; 0 without one
    signal             1 or -1 at the bar at which a gap forms
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fund.compiled import compiled

Floats = NDArray[np.float64]

LIFE, BODIES, IMPULSE = 50, 10, 1.5
SIDE, BOTTOM, TOP, BORN = 0, 1, 2, 3  # of a stored gap


class Gaps(NamedTuple):
    """What each row shows, (n, rows), and the gaps still open at the last row, (n, LIFE, 4)."""

    bullish: Floats
    bearish: Floats
    level: Floats
    signal: Floats
    open_gaps: Floats  # side (0: none), bottom, top, row at which it formed


def fair_value_gaps(
    open: Floats,
    high: Floats,
    low: Floats,
    close: Floats,
    session: NDArray[np.int64],
    impulse: float = IMPULSE,
) -> Gaps:
    """The gaps of each row; `session` (rows,)."""
    return Gaps(*_gaps(open, high, low, close, session, impulse))


@compiled(nogil=True, error_model="numpy")
def _gaps(
    open: Floats, high: Floats, low: Floats, close: Floats, session: NDArray[np.int64], impulse: float
) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    paths, rows = close.shape
    bullish, bearish, level, signal = np.zeros((4, paths, rows))
    kept = np.zeros((paths, LIFE, 4))
    for i in range(paths):
        count, gaps, h, lo = 0, kept[i], high[i], low[i]  # the first `count` are open, the oldest first
        for t in range(BODIES + 2, rows):
            count = _close_gaps(gaps, count, t, h[t], lo[t])
            whole = session[t] == session[t - 2]
            side = _forms(open[i], h, lo, close[i], t, impulse) if whole else 0.0
            if side != 0.0:
                gap, up = gaps[count], side > 0.0
                gap[SIDE], gap[BORN], signal[i, t] = side, t, side
                gap[BOTTOM], gap[TOP] = (h[t - 2], lo[t]) if up else (h[t], lo[t - 2])
                count += 1
            bullish[i, t], bearish[i, t], level[i, t] = _shown(gaps, count, t, close[i, t])
        gaps[count:] = 0.0
    return bullish, bearish, level, signal, kept


@njit(forceinline=True)
def _shown(gaps: Any, count: int, t: int, close: float) -> tuple[float, float, float]:
    # freshness of the youngest on each side, and the way to the middle of the nearest
    bullish, bearish, level, nearest = 0.0, 0.0, 0.0, np.inf
    for k in range(count):
        fresh = 1.0 - (t - gaps[k, BORN]) / LIFE
        if gaps[k, SIDE] > 0.0:
            bullish = fresh
        else:
            bearish = fresh
        away = 0.5 * (gaps[k, BOTTOM] + gaps[k, TOP]) - close
        if abs(away) < nearest:
            nearest, level = abs(away), away
    return bullish, bearish, level


@njit(forceinline=True)
def _close_gaps(gaps: Any, count: int, t: int, high: float, low: float) -> int:
    # how many are left: none that was filled, none `LIFE` bars old
    left = 0
    for k in range(count):
        filled = low <= gaps[k, BOTTOM] if gaps[k, SIDE] > 0.0 else high >= gaps[k, TOP]
        if not filled and t - gaps[k, BORN] < LIFE:
            if left < k:
                gaps[left] = gaps[k]
            left += 1
    return left


@njit(forceinline=True)
def _forms(open: Any, high: Any, low: Any, close: Any, t: int, impulse: float) -> float:
    side = 1.0 if low[t] > high[t - 2] else (-1.0 if high[t] < low[t - 2] else 0.0)
    if side == 0.0:
        return 0.0
    total = 0.0
    for k in range(t - 1 - BODIES, t - 1):
        total += abs(close[k] - open[k])
    return side if abs(close[t - 1] - open[t - 1]) > impulse * total / BODIES else 0.0
