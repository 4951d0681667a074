"""MMD: how far the last bars are from a reference window, as distributions.

    MMD^2 = mean k(x, x') + mean k(y, y') - 2 mean k(x, y),    k(x, y) = exp(-(x - y)^2 / 2)

over all pairs, x the last `window` values and y the `window` values that ended when x began at the last renewal, both
less the mean and over the deviation of y, cut to +-`CUT` (Gretton et al., 2012). The reference is renewed every
`window` rows. As k(x, y) = E cos(w (x - y)) for w standard normal (Bochner), with the E by Gauss-Hermite quadrature,

    MMD^2 = sum_j p_j ((mean cos w_j x - mean cos w_j y)^2 + (mean sin w_j x - mean sin w_j y)^2)

so that a row costs as many sines as there are nodes, however long the window.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.polynomial.hermite_e import hermegauss
from numpy.typing import NDArray

from fund.compiled import compiled

Floats = NDArray[np.float64]

CUT = 4.0  # deviations of the reference; the quadrature is exact to 1e-6 within twice that
NODES = 48  # of which the positive half is used, the kernel being even


def mmd(values: Floats, window: int = 100) -> Floats:
    """MMD, the root, of each row (n, rows); NaN before two windows are full."""
    nodes, weights = hermegauss(NODES)
    half = nodes > 0.0
    kept = weights[half] > 1e-16 * weights.max()
    share = 2.0 * weights[half][kept] / weights.sum()
    return np.asarray(_discrepancy(values, window, nodes[half][kept], share))


@compiled(nogil=True)
def _discrepancy(values: Floats, window: int, nodes: Floats, share: Floats) -> Floats:
    out, m = np.full(values.shape, np.nan), len(nodes)
    waves, reference, sums = np.empty((window, 2 * m)), np.empty(2 * m), np.empty(2 * m)
    for i in range(values.shape[0]):
        mean, spread = 0.0, 1.0
        for t in range(2 * window - 1, values.shape[1]):
            if (t + 1) % window == 0:
                mean, spread = _scale(values[i, t - 2 * window + 1 : t - window + 1])
                sums[:] = 0.0
                for k in range(t - 2 * window + 1, t - window + 1):
                    _wave(values[i, k], mean, spread, nodes, waves[0])
                    sums += waves[0]
                reference[:] = sums / window
                sums[:] = 0.0
                for k in range(t - window + 1, t + 1):
                    _wave(values[i, k], mean, spread, nodes, waves[k % window])
                    sums += waves[k % window]
            else:
                place = waves[t % window]
                sums -= place
                _wave(values[i, t], mean, spread, nodes, place)
                sums += place
            total = 0.0
            for j in range(m):
                a, b = sums[j] / window - reference[j], sums[m + j] / window - reference[m + j]
                total += share[j] * (a * a + b * b)
            out[i, t] = math.sqrt(total)
    return out


@compiled(nogil=True)
def _scale(y: Floats) -> tuple[float, float]:
    mean = y.sum() / len(y)
    spread = math.sqrt(((y - mean) ** 2).sum() / len(y))
    return mean, spread if spread > 0.0 else 1.0


@compiled(nogil=True)
def _wave(value: float, mean: float, spread: float, nodes: Floats, out: Floats) -> None:
    x = min(max((value - mean) / spread, -CUT), CUT)
    for j in range(len(nodes)):
        out[j], out[len(nodes) + j] = math.cos(nodes[j] * x), math.sin(nodes[j] * x)
