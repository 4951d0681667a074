"""NWRQK: Nadaraya-Watson regression with a rational quadratic kernel, on past bars only.

    yhat_t = sum_i w_i y_(t-i) / sum_i w_i,    w_i = (1 + i^2 / (2 r h^2))^(-r),    i = 0 ... length - 1

Weights beyond `length` are left out: with h = r = 8 those of 100 bars on are below 1e-8.

Sources: Nadaraya (1964), Watson (1964); Rasmussen & Williams (2006), eq. 4.19.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fund.compiled import compiled

Floats = NDArray[np.float64]


def kernel_weights(length: int, width: float = 8.0, shape: float = 8.0) -> Floats:
    """w_i of the last `length` bars, the present one first; they sum to 1."""
    i = np.arange(length)
    w = (1.0 + i**2 / (2.0 * shape * width**2)) ** -shape
    return np.asarray(w / w.sum())


def nwrqk(y: Floats, length: int = 100, width: float = 8.0, shape: float = 8.0) -> Floats:
    """Yhat (n, rows)."""
    return np.asarray(_smooth(y, kernel_weights(length, width, shape)))


@compiled(nogil=True)
def _smooth(y: Floats, weights: Floats) -> Floats:
    out, first = np.full(y.shape, np.nan), len(weights) - 1
    for i in range(y.shape[0]):
        out[i, first:] = 0.0
        for k in range(len(weights)):  # weight by weight: the rows of one side by side
            w, lagged = weights[k], y[i, first - k :]
            for t in range(y.shape[1] - first):
                out[i, first + t] += w * lagged[t]
    return out
