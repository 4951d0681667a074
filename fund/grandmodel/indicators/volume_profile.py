"""LVN: the nearest price at which little was traded.

The volume of the last `window` bars is laid over `BINS` equal bins of their price range, each bar's evenly over the
bins that it touched. The bin with the most is the point of control; a bin with less than `THIN` of that is a low-volume
node. `distance` is from the close to the centre of the nearest node, over the range (0 without one; the lower of two
as near); `strength` is 1 for a node where nothing was traded, falling to 0 at the threshold.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fund.compiled import compiled

Floats = NDArray[np.float64]

BINS, THIN = 40, 0.3


class Node(NamedTuple):
    """Distance and strength of the nearest low-volume node, (n, rows)."""

    distance: Floats
    strength: Floats


def low_volume_node(high: Floats, low: Floats, close: Floats, volume: Floats, window: int = 100) -> Node:
    """The nearest node of each row; NaN before the window is full."""
    return Node(*_nodes(high, low, close, volume, window))


@compiled(nogil=True)
def _nodes(high: Floats, low: Floats, close: Floats, volume: Floats, window: int) -> tuple[Floats, Floats]:
    distance, strength = np.full(close.shape, np.nan), np.full(close.shape, np.nan)
    profile = np.empty(BINS)
    for i in range(close.shape[0]):
        for t in range(window - 1, close.shape[1]):
            bottom, top = low[i, t], high[i, t]
            for k in range(t - window + 1, t):
                bottom, top = min(bottom, low[i, k]), max(top, high[i, k])
            distance[i, t] = strength[i, t] = 0.0
            if top <= bottom:
                continue
            size = (top - bottom) / BINS
            profile[:] = 0.0
            for k in range(t - window + 1, t + 1):
                first = min(int((low[i, k] - bottom) / size), BINS - 1)
                last = min(int((high[i, k] - bottom) / size), BINS - 1)
                each = volume[i, k] / (last - first + 1)
                for b in range(first, last + 1):
                    profile[b] += each
            limit, best = THIN * profile.max(), np.inf
            for b in range(BINS):
                away = bottom + (b + 0.5) * size - close[i, t]
                if profile[b] < limit and abs(away) < best:
                    best = abs(away)
                    distance[i, t], strength[i, t] = away / (top - bottom), 1.0 - profile[b] / limit
    return distance, strength
