"""FVG: fair-value gaps, prices that a fast move jumped over.

    bull at t:  low_t > high_(t-2)  and  |close - open|_(t-1) > impulse x the mean body of the 10 bars before t - 1

within one session; bear mirrored. The gap of a bull is (high_(t-2), low_t). It is gone when a later bar reaches its
far edge (low <= high_(t-2)), or `LIFE` bars after it formed.

    bullish, bearish   freshness 1 - age / LIFE of the youngest open gap of that kind, 0 without one
    level              from the close to the middle of the nearest open gap, in price; 0 without one
    signal             1 or -1 at the bar at which a gap forms
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
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


@compiled(nogil=True)
def _gaps(
    open: Floats, high: Floats, low: Floats, close: Floats, session: NDArray[np.int64], impulse: float
) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    paths, rows = close.shape
    bullish, bearish, level, signal = np.zeros((4, paths, rows))
    kept = np.zeros((paths, LIFE, 4))
    for i in range(paths):
        for t in range(BODIES + 2, rows):
            _close_gaps(kept[i], t, high[i, t], low[i, t])
            side = (
                _forms(open[i], high[i], low[i], close[i], t, impulse)
                if session[t] == session[t - 2]
                else 0.0
            )
            place = kept[i, t % LIFE]
            place[SIDE], place[BORN], signal[i, t] = side, t, side
            if side != 0.0:
                place[BOTTOM] = high[i, t - 2] if side > 0.0 else high[i, t]
                place[TOP] = low[i, t] if side > 0.0 else low[i, t - 2]
            nearest = np.inf
            for k in range(LIFE):
                gap = kept[i, k]
                if gap[SIDE] == 0.0:
                    continue
                fresh = 1.0 - (t - gap[BORN]) / LIFE
                if gap[SIDE] > 0.0:
                    bullish[i, t] = max(bullish[i, t], fresh)
                else:
                    bearish[i, t] = max(bearish[i, t], fresh)
                away = 0.5 * (gap[BOTTOM] + gap[TOP]) - close[i, t]
                if abs(away) < nearest:
                    nearest, level[i, t] = abs(away), away
    return bullish, bearish, level, signal, kept


@compiled(nogil=True)
def _close_gaps(kept: Floats, t: int, high: float, low: float) -> None:
    # the place of the bar LIFE before t is taken over by t: that gap has expired
    for k in range(LIFE):
        bull_filled = kept[k, SIDE] > 0.0 and low <= kept[k, BOTTOM]
        bear_filled = kept[k, SIDE] < 0.0 and high >= kept[k, TOP]
        if bull_filled or bear_filled:
            kept[k, SIDE] = 0.0


@compiled(nogil=True)
def _forms(open: Floats, high: Floats, low: Floats, close: Floats, t: int, impulse: float) -> float:
    total = 0.0
    for k in range(t - 1 - BODIES, t - 1):
        total += abs(close[k] - open[k])
    if abs(close[t - 1] - open[t - 1]) <= impulse * total / BODIES:
        return 0.0
    return 1.0 if low[t] > high[t - 2] else (-1.0 if high[t] < low[t - 2] else 0.0)
