"""The last rows of a tape's features, of many paths at once: what an observer who looks back sees.

A window of `length` rows ends at the row of each path's clock. Rows before row 0 come from the tape's `past`. The
last row is the present observation, in which the slots of the account are filled; earlier rows hold zero in them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fund.compiled import compiled
from fund.errors import DataError
from fund.market.tape import Tape

_PATHS = 32  # looked after together: their rows lie side by side


def look_back(
    tape: Tape,
    clock: NDArray[np.int64],
    observation: NDArray[np.float32],
    columns: NDArray[np.int64],
    length: int,
    out: NDArray[np.float32],
) -> None:
    """Write windows into `out` (n, length x columns or more), oldest row first; raises DataError.

    `observation` (n, width) is the present row, `columns` are slots of the observation. A tape whose `past` is
    shorter than `length` - 1 rows cannot be looked back on.
    """
    if len(tape.past) < length - 1:
        raise DataError(f"windows of {length} rows on a tape with {len(tape.past)} rows before its first")
    past = tape.past if len(tape.past) else tape.features[:0]
    _gather(past, tape.features, observation, clock, columns, length, out)


@compiled(nogil=True)
def _gather(
    past: NDArray[np.float32],
    features: NDArray[np.float32],
    observation: NDArray[np.float32],
    clock: NDArray[np.int64],
    columns: NDArray[np.int64],
    length: int,
    out: NDArray[np.float32],
) -> None:
    before, k = past.shape[0], len(columns)
    for first in range(0, len(clock), _PATHS):
        last = min(first + _PATHS, len(clock))
        for r in range(length - 1):
            for i in range(first, last):
                t = clock[i] - length + 1 + r
                row: Any = features[t, i] if t >= 0 else past[before + t, i]
                for c in range(k):
                    out[i, r * k + c] = row[columns[c]]
        for i in range(first, last):
            for c in range(k):
                out[i, (length - 1) * k + c] = observation[i, columns[c]]
