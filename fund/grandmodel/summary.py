"""Six statistics of each column of a window: what a central critic sees of a matrix."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from fund.compiled import compiled

STATISTICS = ("last", "mean", "deviation", "least", "most", "slope")


@compiled(nogil=True)
def summary(window: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n, rows, columns) to (n, 6 columns), statistic by statistic; the slope is per window length."""
    n, rows, columns = window.shape
    out = np.empty((n, 6 * columns), dtype=np.float32)
    middle, unit = 0.5 * (rows - 1), max(rows * (rows * rows - 1.0) / 12.0, 1.0)
    for i in range(n):
        for c in range(columns):
            total = square = tilt = 0.0
            least, most = np.inf, -np.inf
            for r in range(rows):
                x = float(window[i, r, c])
                total += x
                tilt += (r - middle) * x
                least, most = min(least, x), max(most, x)
            mean = total / rows
            for r in range(rows):
                square += (float(window[i, r, c]) - mean) ** 2
            out[i, c], out[i, columns + c] = window[i, rows - 1, c], mean
            out[i, 2 * columns + c] = math.sqrt(square / rows)
            out[i, 3 * columns + c], out[i, 4 * columns + c] = least, most
            out[i, 5 * columns + c] = rows * tilt / unit
    return out
