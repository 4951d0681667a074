"""Closed forms of carry: Merton's portfolio, the width of the no-trade region, the best one on a grid.

Excess returns of n currencies have mean pi a year and covariance Sigma; gamma is relative risk aversion.

    Merton (1969):           w = Sigma^-1 pi / gamma, of Sharpe ratio sqrt(pi' Sigma^-1 pi)
    on a grid of steps dt:   w = (C + m m')^-1 m / gamma maximises E[r] - gamma E[r^2] / 2,
                             r = w'x, m = E x, C = cov x
    with costs:              trade only outside w +- (3 w^2 (1 - w)^2 eps / (2 gamma))^(1/3)

The last for one asset and a proportional cost eps, one way: Shreve & Soner (1994), Gerhold, Guasoni, Muhle-Karbe &
Schachermayer (2014), "Transaction costs, trading volume, and the liquidity premium", Finance and Stochastics 18:1-37.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fund.errors import InvalidParameter

Floats = NDArray[np.float64]


def covariance(volatilities: ArrayLike, correlation: float) -> Floats:
    """Covariance (2, 2) of two currencies, from their volatilities (2,) a year."""
    one, two = np.asarray(volatilities, dtype=np.float64)
    return np.array([[one * one, correlation * one * two], [correlation * one * two, two * two]])


def merton_weights(premia: ArrayLike, sigma: ArrayLike, gamma: float) -> Floats:
    """Sigma^-1 pi / gamma, (n,): worth of each currency over the NAV; raises InvalidParameter."""
    if not gamma > 0.0:
        raise InvalidParameter(f"gamma is {gamma}, wanted a risk aversion above 0")
    return np.asarray(np.linalg.solve(np.asarray(sigma, dtype=np.float64), np.asarray(premia)) / gamma)


def step_weights(premia: ArrayLike, sigma: ArrayLike, gamma: float, years: float) -> Floats:
    """The best constant weights (n,) for steps of some years: lognormal moves, local utility r - gamma r^2 / 2.

    A currency at one earns x = 1 - roll + pi dt times exp(s z - s^2 / 2), less 1 - roll: mean pi dt, covariance
    exp(Sigma dt) - 1 element by element, to the square of the step's carry.
    """
    mean = np.asarray(premia, dtype=np.float64) * years
    spread = np.outer(1.0 + mean, 1.0 + mean) * np.expm1(np.asarray(sigma, dtype=np.float64) * years)
    return merton_weights(mean, spread + np.outer(mean, mean), gamma)


def no_trade_half_width(weight: ArrayLike, gamma: float, cost: float) -> Floats:
    """Half-width of the no-trade region around a weight; raises InvalidParameter."""
    if not (gamma > 0.0 and cost >= 0.0):
        raise InvalidParameter(
            f"gamma = {gamma}, cost = {cost}; wanted gamma above 0 and a cost of 0 or more"
        )
    w = np.asarray(weight, dtype=np.float64)
    return np.asarray(np.cbrt(1.5 / gamma * (w * (1.0 - w)) ** 2 * cost))
