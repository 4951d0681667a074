"""Regime probabilities: a hidden Markov chain of three volatilities, filtered forward.

    p_t(s) ~ sum_r p_(t-1)(r) A(r, s) phi(x_t / m_s) / m_s,    A = stay on the diagonal, the rest shared

with x the return over its usual deviation (Hamilton, 1989). Nothing after row t is read: this is the filter, not the
smoother.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from fund.compiled import compiled

Floats = NDArray[np.float64]

REGIMES = ("calm", "normal", "stressed")
MULTIPLES = (0.6, 1.0, 1.9)  # of the usual deviation
STAY = 0.98


def regime_probabilities(x: Floats, stay: float = STAY) -> Floats:
    """Probabilities (3, n, rows) of standardised returns (n, rows); alike before the first row."""
    return np.asarray(_filter(x, np.array(MULTIPLES), stay))


@compiled(nogil=True)
def _filter(x: Floats, multiples: Floats, stay: float) -> Floats:
    m = len(multiples)
    out, p, fresh = np.empty((m, x.shape[0], x.shape[1])), np.empty(m), np.empty(m)
    move = (1.0 - stay) / (m - 1)
    for i in range(x.shape[0]):
        p[:] = 1.0 / m
        for t in range(x.shape[1]):
            total = 0.0
            for s in range(m):
                z = x[i, t] / multiples[s]
                ahead = move + (stay - move) * p[s]
                fresh[s] = ahead * (math.exp(-0.5 * min(z * z, 100.0)) / multiples[s])
                total += fresh[s]
            for s in range(m):
                p[s] = fresh[s] / total
                out[s, i, t] = p[s]
    return out


@compiled(nogil=True)
def usual_deviation(x: Floats, span: int, first: int) -> Floats:
    """Root of an exponential mean of squares with weight 1/span, from the mean of the first `first` rows (n, rows).

    The value at row t is of the rows before t, so that x_t over it is a surprise.
    """
    out = np.empty(x.shape)
    for i in range(x.shape[0]):
        square = 0.0
        for t in range(x.shape[1]):
            out[i, t] = math.sqrt(square) if t >= first else np.nan
            share = 1.0 / (t + 1) if t < span else 1.0 / span
            square += share * (x[i, t] * x[i, t] - square)
    return out
