"""MMD: how far the last bars are from a reference window, as distributions.

    MMD^2 = mean k(x, x') + mean k(y, y') - 2 mean k(x, y),    k(x, y) = exp(-(x - y)^2 / 2)

over all pairs, x the last `window` values and y the `window` values that ended when x began at the last renewal, both
less the mean and over the deviation of y, cut to +-`CUT` (Gretton et al., 2012). The reference is renewed every
`window` rows. As k(x, y) = E cos(w (x - y)) for w standard normal (Bochner), with the E by the trapezoidal rule at
w_j = j `STEP`, which for a normal is exact but for terms of exp(-(2 pi / STEP - |x - y|)^2 / 2),

    MMD^2 = sum_j p_j ((mean cos w_j x - mean cos w_j y)^2 + (mean sin w_j x - mean sin w_j y)^2)

so that a row costs one sine, one cosine and their turns, however long the window.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fund.compiled import compiled

Floats = NDArray[np.float64]

CUT = 4.0  # deviations of the reference
STEP, NODES = 0.4, 17  # the rule is exact to 1e-10 within twice the cut


def mmd(values: Floats, window: int = 100) -> Floats:
    """MMD, the root, of each row (n, rows); NaN before two windows are full."""
    nodes = STEP * np.arange(1, NODES + 1)
    share = 2.0 * STEP * np.exp(-0.5 * nodes**2) / math.sqrt(2.0 * math.pi)
    return np.asarray(_discrepancy(values, window, share))


@compiled(nogil=True)
def _discrepancy(values: Floats, window: int, share: Floats) -> Floats:
    out, m = np.full(values.shape, np.nan), len(share)
    waves, reference, sums = np.empty((window, 2 * m)), np.empty(2 * m), np.empty(2 * m)
    for i in range(values.shape[0]):
        mean, spread = 0.0, 1.0
        for t in range(2 * window - 1, values.shape[1]):
            if (t + 1) % window == 0:
                mean, spread = _scale(values[i, t - 2 * window + 1 : t - window + 1])
                _sum(values[i, t - 2 * window + 1 : t - window + 1], mean, spread, waves, sums)
                reference[:] = sums
                _sum(values[i, t - window + 1 : t + 1], mean, spread, waves, sums)
            else:
                place = waves[t % window]
                sums -= place
                _wave(values[i, t], mean, spread, place)
                sums += place
            total = 0.0
            for j in range(m):
                a, b = sums[j] - reference[j], sums[m + j] - reference[m + j]
                total += share[j] * (a * a + b * b)
            out[i, t] = math.sqrt(total) / window
    return out


@compiled(nogil=True)
def _scale(y: Floats) -> tuple[float, float]:
    mean = y.sum() / len(y)
    spread = math.sqrt(((y - mean) ** 2).sum() / len(y))
    return mean, spread if spread > 0.0 else 1.0


@compiled(nogil=True)
def _sum(values: Floats, mean: float, spread: float, waves: Floats, sums: Floats) -> None:
    # a whole window, its last value at the end of `waves`
    sums[:] = 0.0
    for k in range(len(values)):
        _wave(values[k], mean, spread, waves[k])
        sums += waves[k]


@njit(forceinline=True)
def _wave(value: float, mean: float, spread: float, out: Any) -> None:
    # cosines and sines of every node: each is the one before, turned once more
    x, m = min(max((value - mean) / spread, -CUT), CUT), len(out) // 2
    c, s = math.cos(STEP * x), math.sin(STEP * x)
    a, b = 1.0, 0.0
    for j in range(m):
        a, b = a * c - b * s, b * c + a * s
        out[j], out[m + j] = a, b
