"""The Dickey-Fuller regression of a change on the level before it, from running sums, and the half-life that it tells.

    x_t - x_(t-1) = a + slope x_(t-1) + e,    x halves its distance in ln 2 / -ln(1 + slope) rows

Compiled into the loops that call them. Dickey & Fuller (1979), Journal of the American Statistical Association 74.
"""

from __future__ import annotations

import math

from numba import njit

NOTHING = 1e-24  # sum of squares that is rounding
SLOWEST, FASTEST = -0.005, 0.05  # slope beyond which 120 rows look like a walk; share kept after one row


@njit(inline="always")
def dickey_fuller(levels: float, both: float, changes: float, rows: int) -> tuple[float, float]:
    """Slope and its t-statistic, with a constant, from sums of squares and products about the means over `rows`.

    `levels` is that of x_(t-1), `changes` that of x_t - x_(t-1), `both` that of their products.
    """
    if levels <= NOTHING:
        return 0.0, 0.0
    slope = both / levels
    rest = max(changes - slope * both, NOTHING)
    return slope, slope * math.sqrt(levels * (rows - 2) / rest)


@njit(inline="always")
def half_life(slope: float) -> float:
    """Rows in which half of a distance from the mean is gone, within what a slope can tell."""
    if slope > SLOWEST:
        return -math.log(2.0) / math.log(1.0 + SLOWEST)
    return -math.log(2.0) / math.log(max(1.0 + slope, FASTEST))
