"""Exponential of a tridiagonal matrix on a positive vector, in logarithms.

``exp(B tau) z`` with z > 0 and positive off-diagonals, as in the linear equations of Gueant et al. (2013) and of
Cartea & Jaimungal. The entries span hundreds of orders of magnitude, and quotes are differences of their
logarithms. With ``B + s I`` non-negative, the Taylor series of ``exp(-s tau) exp((B + s I) tau) z`` has positive
terms only; summed in logarithms it neither cancels nor overflows, and every entry is exact to rounding, however
small it is.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from fund.compiled import compiled
from fund.errors import InvalidParameter

Floats = npt.NDArray[np.float64]
_PEAK = 200.0  # order of the largest Taylor term
_PEAK = 200.0  # order of the largest Taylor term
_NEGLIGIBLE = -40.0  # logarithm of the relative size below which a Taylor term is dropped


def log_exponential(
    diagonal: Floats, log_coupling: float, log_start: Floats, time_left: npt.ArrayLike
) -> Floats:
    """``ln(exp(B tau) z)`` for every tau, shape (times, states).

    Args:
        diagonal: of B, shape (states,).
        log_coupling: logarithm of both off-diagonals; minus infinity leaves the states uncoupled.
        log_start: ``ln z``, shape (states,).
        time_left: the taus, shape (times,) in any order.

    Raises:
        InvalidParameter: a time that is negative or not finite.
    """
    times = np.atleast_1d(np.asarray(time_left, dtype=np.float64))
    if times.ndim != 1 or not np.all(np.isfinite(times) & (times >= 0)):
        raise InvalidParameter(f"time_left = {time_left!r}; wanted a list of finite times, zero or more.")
    distinct, place = np.unique(times, return_inverse=True)
    shift = -diagonal.min()
    log_diagonal = np.log(diagonal + shift, out=np.full_like(diagonal, -np.inf), where=diagonal + shift > 0)
    norm = (diagonal + shift).max() + 2 * math.exp(log_coupling)
    out, current = np.empty((distinct.size, diagonal.size)), log_start.astype(np.float64)
    for row, step in enumerate(np.diff(distinct, prepend=0.0)):
        pieces = math.ceil(step * norm / _PEAK)  # keeps `shift * step`, hence its rounding, small
        for _ in range(pieces):
            piece = step / pieces
            current = _taylor(log_diagonal, log_coupling, current, piece, piece * norm) - shift * piece
        out[row] = current
    return out[place]


@compiled(nogil=True)
def _taylor(log_diagonal: Floats, log_coupling: float, log_start: Floats, step: float, peak: float) -> Floats:
    # Terms grow up to order `peak`, then fall; a tail that its neighbours still feed keeps the loop going.
    total, term, order, largest = log_start.copy(), log_start.copy(), 0, 0.0
    while order <= peak or largest > _NEGLIGIBLE:
        order += 1
        weight, left, largest = math.log(step / order), -np.inf, -np.inf
        for i in range(term.size):
            right = term[i + 1] if i + 1 < term.size else -np.inf
            beside = _log_add(left, right) + log_coupling
            left = term[i]
            term[i] = _log_add(term[i] + log_diagonal[i], beside) + weight
            largest = max(largest, term[i] - total[i])
            total[i] = _log_add(total[i], term[i])
    return total


@compiled(nogil=True)
def _log_add(x: float, y: float) -> float:
    high, low = max(x, y), min(x, y)
    return high if low == -np.inf else high + math.log1p(math.exp(low - high))
