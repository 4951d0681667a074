"""LVN: the nearest price at which little was traded.

The volume of the last `window` bars is laid over `BINS` equal bins of their price range, each bar's evenly over the
bins that it touched. The bin with the most is the point of control; a bin with less than `THIN` of that is a low-volume
node. `distance` is from the close to the centre of the nearest node, over the range (0 without one; the lower of two
as near); `strength` is 1 for a node where nothing was traded, falling to 0 at the threshold.

While the range stays, a bar's part is taken out and another's laid in, so that a row costs its bins, not its window.

Source: Steidlmayer's market profile (Steidlmayer & Koy, 1986, Markets and Market Logic).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
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


@compiled(nogil=True, error_model="numpy")
def _nodes(high: Floats, low: Floats, close: Floats, volume: Floats, window: int) -> tuple[Floats, Floats]:
    distance, strength = np.full(close.shape, np.nan), np.full(close.shape, np.nan)
    steps, profile = np.empty(BINS + 1), np.empty(BINS)
    for i in range(close.shape[0]):
        bottom, top, idle, down, up, v = np.nan, np.nan, 0, low[i], high[i], volume[i]
        for t in range(close.shape[1]):
            gone, idle = t - window, idle + 1 if v[t] == 0.0 else 0
            if gone < -1:
                continue
            if gone == -1 or down[gone] == bottom or up[gone] == top:
                lowest, highest = _ends(down, up, gone + 1, t)
            else:
                lowest, highest = min(bottom, down[t]), max(top, up[t])
            size = (highest - lowest) / BINS
            if lowest != bottom or highest != top:
                bottom, top, steps[:] = lowest, highest, 0.0
                for k in range(gone + 1, t):
                    _lay(steps, down[k] - bottom, up[k] - bottom, size, v[k])
            else:  # while the range stays, one bar goes and one comes
                _lay(steps, down[gone] - bottom, up[gone] - bottom, size, -v[gone])
            _lay(steps, down[t] - bottom, up[t] - bottom, size, v[t])
            flat = size <= 0.0 or idle >= window
            node = (0.0, 0.0) if flat else _nearest(steps, profile, close[i, t] - bottom, size)
            distance[i, t], strength[i, t] = node
    return distance, strength


@njit(forceinline=True)
def _ends(low: Any, high: Any, first: int, last: int) -> tuple[float, float]:
    lowest, highest = low[first], high[first]
    for k in range(first + 1, last + 1):
        lowest, highest = min(lowest, low[k]), max(highest, high[k])
    return lowest, highest


@njit(forceinline=True)
def _lay(steps: Floats, bottom: float, top: float, size: float, volume: float) -> None:
    # a bar's volume evenly over the bins that it touches, as the steps between neighbours
    if size > 0.0:
        first, last = min(int(bottom / size), BINS - 1), min(int(top / size), BINS - 1)
        each = volume / (last - first + 1)
        steps[first] += each
        steps[last + 1] -= each


@njit(forceinline=True)
def _nearest(steps: Floats, profile: Floats, close: float, size: float) -> tuple[float, float]:
    # distance and strength of the node nearest to a close above the bottom of the range
    total = most = 0.0
    for b in range(BINS):
        total += steps[b]
        profile[b], most = total, max(most, total)
    limit = THIN * most
    below = min(max(int(close / size - 0.5), 0), BINS - 1)
    above = below + 1
    while below >= 0 and profile[below] >= limit:
        below -= 1
    while above < BINS and profile[above] >= limit:
        above += 1
    if below < 0 and above == BINS:
        return 0.0, 0.0
    node = below
    if below < 0 or (above < BINS and abs((above + 0.5) * size - close) < abs((below + 0.5) * size - close)):
        node = above
    return ((node + 0.5) * size - close) / (size * BINS), 1.0 - profile[node] / limit
