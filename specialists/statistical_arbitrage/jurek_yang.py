"""Jurek & Yang (2007), "Dynamic portfolio selection in arbitrage": a mean-reverting spread and interest on the cash.

    dS = kappa (mean - S) dt + sigma dZ,  dW = N dS + (W - N S) rate dt,  maximise E[W_T^(1-gamma)]/(1-gamma).

The value is W^(1-gamma)/(1-gamma) exp(A S^2 + B S + C) and the position N = W (phi S + delta), with

    phi = (2 A - (kappa + rate)/sigma^2)/gamma,   delta = (B + kappa mean/sigma^2)/gamma,
    A' = (1-gamma)(kappa+rate)^2/(2 gamma sigma^2) - 2 [(1-gamma)(kappa+rate)/gamma + kappa] A + (2 sigma^2/gamma) A^2,
    B' = (c2/2 + c3 A) B - (1-gamma)(kappa+rate) kappa mean/(gamma sigma^2) + (2 kappa mean/gamma) A,

c2 and c3 being the coefficients of A and A^2. rate = 0 and mean = 0 is Boguslavsky & Boguslavskaya's problem.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from specialists.statistical_arbitrage.riccati import Riccati
from specialists.statistical_arbitrage.theory import require, require_positive

Floats = NDArray[np.float64]


def _line(
    time_left: ArrayLike, gamma: float, kappa: float, mean: float, sigma: float, rate: float
) -> tuple[Floats, Floats]:
    # phi and delta of the optimal position W (phi S + delta)
    require_positive(gamma=gamma, kappa=kappa, sigma=sigma)
    tau = np.asarray(time_left, dtype=np.float64)
    pull, push, left = kappa + rate, kappa * mean, (1.0 - gamma) / gamma
    riccati = Riccati(left * pull**2 / (2.0 * sigma**2), -2.0 * (left * pull + kappa), 2.0 * sigma**2 / gamma)
    latest = riccati.explosion()
    require(
        bool(np.all(tau < latest)),
        f"horizon {tau.max():.6g}",
        f"below {latest:.6g}, where utility is infinite",
    )
    solution = riccati.solve(tau)
    b = solution.companion(riccati, -left * pull * push / sigma**2, 2.0 * push / gamma)
    return (2.0 * solution.a - pull / sigma**2) / gamma, (b + push / sigma**2) / gamma


def jurek_yang_position(
    spread: ArrayLike,
    time_left: ArrayLike,
    gamma: float,
    kappa: float,
    mean: float,
    sigma: float,
    rate: float,
) -> Floats:
    """Position of the investor of risk aversion `gamma` whose cash earns `rate`.

    [(kappa (mean - S) - rate S)/(gamma sigma^2) + (2 A S + B)/gamma], units per unit of wealth. Raises where gamma < 1
    and the horizon is so long that expected utility is infinite. Source: Jurek & Yang (2007).
    """
    phi, delta = _line(time_left, gamma, kappa, mean, sigma, rate)
    return phi * np.asarray(spread, dtype=np.float64) + delta


def jurek_yang_critical_levels(
    time_left: ArrayLike, gamma: float, kappa: float, mean: float, sigma: float, rate: float
) -> tuple[Floats, Floats]:
    """Spreads beyond which the investor cuts his exposure when the spread widens further, (lower, upper).

    Between them, |phi S + delta| < sqrt(-phi), he leans against the move; both arrays have the shape of `time_left`.
    Source: Jurek & Yang (2007), theorem 3.
    """
    phi, delta = _line(time_left, gamma, kappa, mean, sigma, rate)
    return (delta - np.sqrt(-phi)) / -phi, (delta + np.sqrt(-phi)) / -phi
