"""Bars of one market, and the longer bars they make; drawn in `bar_market`, read from files in `recorded_bars`."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fund.errors import InvalidParameter

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SESSION = 390  # minutes, 09:30 to 16:00


class Bars(NamedTuple):
    """Bars of n paths under one clock; row t is known at the end of its last minute."""

    open: Floats  # (n, rows)
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    minute: Ints  # (rows,) of the session in which the bar begins
    session: Ints  # (rows,) number of the trading day
    minutes: int  # length of a bar
    session_length: int  # minutes

    @property
    def rows(self) -> int:
        """How many."""
        return int(self.close.shape[1])

    def cut(self, rows: slice) -> Bars:
        """Some of the rows."""
        o, h, low, c, v = (
            field[:, rows] for field in (self.open, self.high, self.low, self.close, self.volume)
        )
        return Bars(o, h, low, c, v, self.minute[rows], self.session[rows], self.minutes, self.session_length)

    @property
    def time_of_day(self) -> Floats:
        """(rows,) share of the session that has passed at the end of the bar."""
        return (self.minute + self.minutes) / self.session_length


def aggregate(bars: Bars, minutes: int) -> Bars:
    """Bars of `minutes`, none across two sessions, none from a bucket that is not over.

    Missing minutes make a bar of those that are there, and a bucket without any makes none. Raises InvalidParameter
    where `minutes` is not a multiple of the bars' own.
    """
    if minutes % bars.minutes or minutes < bars.minutes:
        raise InvalidParameter(f"bars of {minutes} minutes from bars of {bars.minutes}")
    if minutes == bars.minutes:
        return bars
    starts, kept = _buckets(bars, minutes)
    ends = np.append(starts[1:], bars.rows) - 1
    whole = Bars(
        np.take(bars.open, starts, axis=1),
        np.maximum.reduceat(bars.high, starts, axis=1),
        np.minimum.reduceat(bars.low, starts, axis=1),
        np.take(bars.close, ends, axis=1),
        np.add.reduceat(bars.volume, starts, axis=1),
        bars.minute[starts] // minutes * minutes,
        bars.session[starts],
        minutes,
        bars.session_length,
    )
    return whole.cut(slice(0, kept))


def _buckets(bars: Bars, minutes: int) -> tuple[Ints, int]:
    # first row of each bucket, and how many buckets are over
    bucket = bars.session * (bars.session_length // minutes + 2) + bars.minute // minutes
    starts = np.flatnonzero(np.concatenate([[True], np.diff(bucket) != 0]))
    last = int(bars.minute[-1]) + bars.minutes
    over = last % minutes == 0 or last >= bars.session_length
    return starts, len(starts) - (0 if over else 1)
