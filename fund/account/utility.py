"""Utility of wealth, and the sure outcome that a sample of outcomes is worth.

    CARA    U(x) = -exp(-g x) / g        of a P&L x, g the absolute risk aversion
    power   U(w) = (w^g - 1) / g         of wealth w over the capital, 1 - g the relative risk aversion; log w for g = 0

Pratt (1964); Merton (1971). Power utility is cut at `LEAST_WEALTH`, so that a ruined path has a number.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEAST_WEALTH = 1e-6  # of the start, at which utility is cut


@njit(inline="always")
def power_utility(wealth: float, power: float) -> float:
    """(w^g - 1)/g, the logarithm for g = 0: slope 1 and value 0 at w = 1."""
    w = max(wealth, LEAST_WEALTH)
    if power == 0.0:
        return math.log(w)
    return (w**power - 1.0) / power


def cara_equivalent(pnl: Floats, risk_aversion: float) -> float:
    """Certainty equivalent -ln E exp(-g pnl) / g of a sample of P&L under CARA utility, in units of the P&L."""
    worst = float(np.max(-risk_aversion * pnl))
    return -(worst + math.log(np.mean(np.exp(-risk_aversion * pnl - worst)))) / risk_aversion


def power_equivalent(wealth: Floats, power: float) -> float | None:
    """Sure wealth that is worth a sample of it under power utility; None for power 1, where wealth has no utility."""
    if power == 1.0:
        return None
    cut = np.maximum(wealth, LEAST_WEALTH)
    if power == 0.0:
        return float(np.exp(np.log(cut).mean()))
    return float((cut**power).mean() ** (1.0 / power))
