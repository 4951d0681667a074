"""The last rows of a tape's features, of many paths at once: what an observer who looks back sees.

A window of `length` rows ends at the row of each path's clock. Rows before row 0 come from the tape's `past`. The
last row is the present observation, in which the slots of the account are filled; earlier rows hold zero in them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fund.compiled import compiled
from fund.errors import DataError
from fund.market.tape import Tape

Singles = NDArray[np.float32]


class Windows:
    """Some columns of a tape, path by path in memory, so that a window is one stretch of it."""

    def __init__(self, columns: NDArray[np.int64], length: int) -> None:
        self.columns, self.length = columns, length
        self._rows: Singles = np.zeros((0, 0, 0), dtype=np.float32)  # (n, length - 1 + T + 1, columns)

    def read(self, tape: Tape, which: NDArray[np.intp] | None = None) -> None:
        """Take over a tape, or some of its paths; raises DataError where its `past` is too short to look back on."""
        if self.length == 1:
            return
        if len(tape.past) < self.length - 1:
            raise DataError(
                f"windows of {self.length} rows on a tape with {len(tape.past)} rows before its first"
            )
        shape = (tape.n, self.length + tape.steps, len(self.columns))
        if self._rows.shape != shape:
            self._rows, which = np.zeros(shape, dtype=np.float32), None
        paths = np.arange(tape.n) if which is None else which
        _turn(tape.past[len(tape.past) - self.length + 1 :], tape.features, self.columns, paths, self._rows)

    def look(self, clock: NDArray[np.int64], observation: Singles, out: Singles) -> None:
        """Write each path's window into `out` (n, length x columns or more), oldest row first."""
        _look(self._rows, clock, observation, self.columns, self.length, out)


@compiled(nogil=True)
def _turn(
    past: Singles, features: Singles, columns: NDArray[np.int64], paths: NDArray[np.int64], rows: Singles
) -> None:
    before = past.shape[0]
    for t in range(rows.shape[1]):
        source = past[t] if t < before else features[t - before]
        for i in paths:
            for c in range(len(columns)):
                rows[i, t, c] = source[i, columns[c]]


@compiled(nogil=True)
def _look(
    rows: Singles,
    clock: NDArray[np.int64],
    observation: Singles,
    columns: NDArray[np.int64],
    length: int,
    out: Singles,
) -> None:
    k = len(columns)
    earlier = (length - 1) * k
    for i in range(len(clock)):
        if earlier > 0:
            first = np.uintp(clock[i] * k)
            stretch = rows[i].ravel()
            for j in range(np.uintp(earlier)):
                out[i, j] = stretch[first + j]
        for c in range(k):
            out[i, earlier + c] = observation[i, columns[c]]


def look_back(
    tape: Tape, clock: NDArray[np.int64], observation: Singles, columns: NDArray[np.int64], length: int
) -> Singles:
    """Windows (n, length, columns) of one moment, straight from the tape; raises DataError as `Windows.read`."""
    if len(tape.past) < length - 1:
        raise DataError(f"windows of {length} rows on a tape with {len(tape.past)} rows before its first")
    past = tape.past if len(tape.past) else tape.features[:0]
    return np.asarray(_gather(past, tape.features, observation, clock, columns, length))


@compiled(nogil=True)
def _gather(
    past: Singles,
    features: Singles,
    observation: Singles,
    clock: NDArray[np.int64],
    columns: NDArray[np.int64],
    length: int,
) -> Singles:
    n, before, k = len(clock), past.shape[0], len(columns)
    out = np.empty((n, length, k), dtype=np.float32)
    for i in range(n):
        for r in range(length - 1):
            t = clock[i] - length + 1 + r
            row = features[t, i] if t >= 0 else past[before + t, i]
            for c in range(k):
                out[i, r, c] = row[columns[c]]
        for c in range(k):
            out[i, length - 1, c] = observation[i, columns[c]]
    return out
