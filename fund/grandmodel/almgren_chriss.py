"""Optimal execution of a parent order: Almgren & Chriss (2000).

X shares are sold in N slices n_k over a horizon T, tau = T/N; x_k is what is left after slice k, x_0 = X, x_N = 0.

    S_k = S_{k-1} + sigma sqrt(tau) xi_k - tau g(n_k/tau),    g(v) = gamma v                    (permanent impact)
    price of slice k = S_{k-1} - h(n_k/tau),                  h(v) = eps sgn(v) + eta v         (temporary impact)

The shortfall X S_0 - sum_k n_k price_k has mean and variance

    E = gamma X^2 / 2 + eps sum |n_k| + (eta~ / tau) sum n_k^2,     eta~ = eta - gamma tau / 2
    V = sigma^2 tau sum x_k^2

and E + lambda V is least for

    x_j = X sinh(kappa (T - t_j)) / sinh(kappa T),      (2 / tau^2)(cosh(kappa tau) - 1) = lambda sigma^2 / eta~

(trigonometric functions in place of hyperbolic ones for lambda < 0, a straight line for lambda = 0). A purchase is
the same with all signs turned.

Source: R. Almgren, N. Chriss (2000), Optimal execution of portfolio transactions, J. Risk 3(2):5-39.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fund.errors import DataError, InvalidParameter

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Liquidation:
    """A parent order and the market it is sold into; the field's own example (Almgren & Chriss, 2000, table 1)."""

    shares: float = 1e6  # X
    horizon: float = 5.0  # T, days
    slices: int = 5  # N
    volatility: float = 0.95  # sigma, price units a day^(1/2)
    half_spread: float = 0.0625  # eps, price units
    permanent: float = 2.5e-7  # gamma, price units a share
    temporary: float = 2.5e-6  # eta, price units a (share a day)
    price: float = 50.0  # S_0

    def __post_init__(self) -> None:
        """Refuse a market in which the optimum is not defined."""
        if self.slices < 1 or self.horizon <= 0.0:
            raise InvalidParameter(
                f"{self.slices} slices over {self.horizon} days, wanted 1 or more over T > 0"
            )
        if self.volatility < 0.0 or self.half_spread < 0.0 or self.permanent < 0.0:
            raise InvalidParameter("volatility, half_spread and permanent must be 0 or more")
        if self.effective <= 0.0:
            raise InvalidParameter(
                f"eta - gamma tau / 2 is {self.effective}, wanted above 0: temporary impact must outweigh permanent"
            )

    @property
    def tau(self) -> float:
        """Length of a slice, days."""
        return self.horizon / self.slices

    @property
    def effective(self) -> float:
        """eta~ = eta - gamma tau / 2, the temporary impact that trading slower can save."""
        return self.temporary - 0.5 * self.permanent * self.tau


class Outlook(NamedTuple):
    """What a schedule costs: mean, standard deviation and E + lambda V of the shortfall, account currency."""

    cost: float
    deviation: float
    objective: float


def kappa(order: Liquidation, risk_aversion: float) -> float:
    """Urgency, per day; of lambda < 0 the frequency of the trigonometric solution.

    Raises InvalidParameter where lambda is so far below 0 that no schedule is best.
    """
    curvature = risk_aversion * order.volatility**2 / order.effective * order.tau**2 / 2.0
    if risk_aversion >= 0.0:
        return math.acosh(1.0 + curvature) / order.tau
    frequency = math.acos(max(1.0 + curvature, -1.0)) / order.tau
    if frequency * order.horizon >= math.pi:
        raise InvalidParameter(f"a risk aversion of {risk_aversion} has no optimum, wanted one nearer to 0")
    return frequency


def holdings(order: Liquidation, risk_aversion: float) -> Floats:
    """Optimal holdings x_0 ... x_N, shape (N+1,)."""
    urgency = kappa(order, risk_aversion)
    left = order.horizon * (1.0 - np.arange(order.slices + 1) / order.slices)
    if urgency * order.horizon < 1e-6:
        return np.asarray(order.shares * left / order.horizon)
    if risk_aversion < 0.0:
        return np.asarray(order.shares * np.sin(urgency * left) / math.sin(urgency * order.horizon))
    # sinh a / sinh b without overflow
    rising, full = -np.expm1(-2.0 * urgency * left), -math.expm1(-2.0 * urgency * order.horizon)
    return np.asarray(order.shares * np.exp(urgency * (left - order.horizon)) * rising / full)


def expected_cost(order: Liquidation, held: ArrayLike) -> float:
    """Mean shortfall E of holdings x_0 ... x_N, account currency; what is left at the end is worth S_N."""
    x = _schedule(order, held)
    sold = -np.diff(x)
    moved = order.permanent * float(x[0] - x[-1])  # of the price, by the whole sale
    permanent = moved * (0.5 * float(x[0] - x[-1]) + float(x[-1]))  # what is left is worth less, too
    spread = order.half_spread * np.abs(sold).sum()
    return float(permanent + spread + order.effective / order.tau * (sold**2).sum())


def variance(order: Liquidation, held: ArrayLike) -> float:
    """Variance V of the shortfall, account currency squared."""
    x = _schedule(order, held)
    return float(order.volatility**2 * order.tau * (x[1:] ** 2).sum())


def outlook(order: Liquidation, held: ArrayLike, risk_aversion: float = 0.0) -> Outlook:
    """Mean, standard deviation and objective of holdings x_0 ... x_N."""
    cost, spread = expected_cost(order, held), variance(order, held)
    return Outlook(cost, math.sqrt(spread), cost + risk_aversion * spread)


def frontier(order: Liquidation, risk_aversions: ArrayLike) -> list[Outlook]:
    """The efficient frontier: the outlook of the optimum of each risk aversion."""
    wanted = np.atleast_1d(np.asarray(risk_aversions, dtype=np.float64)).tolist()
    return [outlook(order, holdings(order, value), value) for value in wanted]


def straight(order: Liquidation) -> Floats:
    """Holdings of equal slices (TWAP), the optimum of lambda = 0, (N+1,)."""
    return np.asarray(order.shares * (1.0 - np.arange(order.slices + 1) / order.slices))


def at_once(order: Liquidation) -> Floats:
    """Holdings of a sale in the first slice, the optimum of lambda -> infinity, (N+1,)."""
    return np.concatenate([[order.shares], np.zeros(order.slices)])


def shortfall(order: Liquidation, held: ArrayLike, noise: ArrayLike) -> Floats:
    """Shortfall of holdings x_0 ... x_N in worlds of standard normal noise (..., N), by the prices, shape (...).

    X S_0 - sum_k n_k (S_{k-1} - h(n_k/tau)); what is left after the last slice is worth S_N.
    """
    x, xi = _schedule(order, held), np.asarray(noise, dtype=np.float64)
    sold = -np.diff(x)
    moves = order.volatility * math.sqrt(order.tau) * xi - order.permanent * sold
    after = np.cumsum(moves, axis=-1)
    before = np.concatenate([np.zeros_like(after[..., :1]), after[..., :-1]], axis=-1)
    taken = before - order.half_spread * np.sign(sold) - order.temporary / order.tau * sold
    return np.asarray(-(taken * sold).sum(axis=-1) - x[-1] * after[..., -1])


def _schedule(order: Liquidation, held: ArrayLike) -> Floats:
    x = np.asarray(held, dtype=np.float64)
    if x.shape != (order.slices + 1,):
        raise DataError(f"holdings of shape {x.shape}, wanted ({order.slices + 1},): x_0 ... x_N")
    return x
