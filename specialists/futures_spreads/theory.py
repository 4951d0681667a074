"""What a spread is worth: moments of the traded direction, the Merton optimum, and the optimum on a mispricing.

One money unit of the direction holds shares w_1 and w_2 of money in the two contracts. Its exposures to the factors
are w_1 e^{-k T1}, w_2 e^{-k T2} (one chi or two) and w_1 + w_2; its mean and variance follow from the curve. Premia
that do not depend on the state give the same optimum at all times, mean / (gamma variance): Merton (1969).

A mispricing m alone, dm = -kappa m dt + sigma dW, is an Ornstein-Uhlenbeck spread under power utility W^g / g. Rows
are a step apart: with rho = e^{-kappa dt} and s^2 the variance of a step, the value function is W^g exp(A m^2 + B)/g,
and with ln(1 + w D) taken as w D - w^2 s^2 / 2,

    q = 1 - 2 A' s^2,   c = [1 - rho - 2 A' rho s^2 / q] / [s^2 (1 - g / q)],   w = -c m,
    A = g c (1 - rho) - g c^2 s^2 / 2 + A' rho^2 + s^2 (2 A' rho - g c)^2 / (2 q),   B = B' - ln(q) / 2,

A = B = 0 at the horizon. As dt goes to 0 this is the solution of Boguslavsky & Boguslavskaya (2004); for g = 0 it is
c = (1 - rho) / s^2 at all times.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fund.market.tape import Tape

if TYPE_CHECKING:
    from fund.market.term_structure import SchwartzSmith
    from specialists.futures_spreads.strategy import FuturesSpreads

Floats = NDArray[np.float64]

YEAR = 252.0  # days


class Moments(NamedTuple):
    """Of one money unit of the direction, a year."""

    mean: Floats
    variance: Floats


def usual_shares(desk: FuturesSpreads) -> tuple[float, float]:
    """Money in each contract per money unit of the direction, half-way between rolls."""
    if desk.legs == "tangency":
        near, far = desk.maturities
        return tangency_shares(desk.published_curve, near, far)
    if desk.legs == "dollars":
        return 0.5, -0.5
    first = desk.price_ratio if desk.market == "inter" else 1.0
    return first / (first + desk.ratio), -desk.ratio / (first + desk.ratio)


def tangency_shares(curve: SchwartzSmith, near: float, far: float) -> tuple[float, float]:
    """Shares of wealth in two contracts whose exposures are those of the log investor, Sigma^-1 l."""
    first, second = float(curve.loading(near)), float(curve.loading(far))
    chi, xi = curve.optimal_exposure
    share = float((chi - second * xi) / (first - second))
    return share, float(xi) - share


def moments(
    desk: FuturesSpreads, w_1: Floats, w_2: Floats, near: Floats, far: Floats, chi: Floats
) -> Moments:
    """Mean and variance of a direction of shares w_1, w_2 in contracts of some maturities, in years, at a chi."""
    curve = desk.curve
    e_1, e_2 = w_1 * curve.loading(near), w_2 * curve.loading(far)
    both = 1.0
    if desk.market == "inter":
        both = curve.rho**2 + (1.0 - curve.rho**2) * desk.chi_correlation
    mean = (e_1 + e_2) * (curve.lambda_chi + curve.premium_slope * chi)
    mean = mean + (w_1 + w_2) * (curve.mu_xi - curve.mu_xi_star)
    short = (e_1**2 + e_2**2 + 2.0 * both * e_1 * e_2) * curve.sigma_chi**2
    cross = 2.0 * (e_1 + e_2) * (w_1 + w_2) * curve.rho * curve.sigma_chi * curve.sigma_xi
    variance = short + cross + ((w_1 + w_2) * curve.sigma_xi) ** 2 + (w_1 * desk.mispricing_sigma) ** 2
    return Moments(np.asarray(mean), np.asarray(variance))


def usual_moments(desk: FuturesSpreads) -> Moments:
    """Mean and variance half-way between rolls, at chi = 0."""
    shares = (np.asarray(share) for share in usual_shares(desk))
    near, far = (np.asarray(maturity) for maturity in desk.maturities)
    return moments(desk, *shares, near, far, np.asarray(0.0))


def risk_aversion(desk: FuturesSpreads) -> float:
    """Relative risk aversion 1 - g; a desk without one of its own is taken for a log investor."""
    return 1.0 - desk.utility_power if desk.utility_power < 1.0 else 1.0


def merton_size(found: Moments, gamma: float) -> Floats:
    """Money units of the direction per unit of wealth, m / (gamma v + m^2) with the moments m and v of a day.

    The term m^2 is what trading once a day takes from mean / (gamma variance).
    """
    m, v = found.mean / YEAR, found.variance / YEAR
    return np.asarray(m / (gamma * v + m**2))


class GridOptimum(NamedTuple):
    """Optimal holding of a mispricing on a grid of n steps."""

    multiple: Floats  # (n,) c_t: hold -c_t m money units per unit of wealth over step t
    slope: float  # A_0
    level: float  # B_0
    power: float

    def certainty_equivalent(self, m: float = 0.0) -> float:
        """Sure final wealth worth the policy from wealth 1 and a mispricing; not defined for log utility."""
        return math.exp((self.slope * m * m + self.level) / self.power)


def grid_optimum(kappa: float, sigma: float, dt: float, steps: int, power: float) -> GridOptimum:
    """The recursion of the module, backwards over `steps` steps of `dt` years."""
    rho = math.exp(-kappa * dt)
    s_2 = sigma**2 * -math.expm1(-2.0 * kappa * dt) / (2.0 * kappa)
    multiple, slope, level = np.empty(steps), 0.0, 0.0
    for t in range(steps - 1, -1, -1):
        q = 1.0 - 2.0 * slope * s_2
        c = (1.0 - rho - 2.0 * slope * rho * s_2 / q) / (s_2 * (1.0 - power / q))
        tilt = 2.0 * slope * rho - power * c
        slope = (
            power * c * (1.0 - rho) - 0.5 * power * c**2 * s_2 + slope * rho**2 + s_2 * tilt**2 / (2.0 * q)
        )
        multiple[t], level = c, level - 0.5 * math.log(q)
    return GridOptimum(multiple, slope, level, power)


def recorded_moments(tape: Tape) -> dict[str, float]:
    """Volatilities of the held contracts and of the direction, and the direction's drift, a year, over all paths."""
    near = _gains(tape, "near", tape["slot"][:-1] % 2.0 > 0.5)
    far = _gains(tape, "far", tape["slot"][:-1] > 1.5)
    spread = tape["units_1"][:-1] * near[0] + tape["units_2"][:-1] * far[0]
    root = math.sqrt(YEAR)
    return {
        "near_volatility": float(near[1].std()) * root,
        "far_volatility": float(far[1].std()) * root,
        "spread_volatility": float(spread.std()) * root,
        "spread_drift": float(spread.mean()) * YEAR,
    }


def _gains(tape: Tape, leg: str, in_b: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    # of the contract held over each step: change of price, and that over the absolute price
    before, after = (
        np.where(in_b, tape[f"{leg}_b"][rows], tape[f"{leg}_a"][rows])
        for rows in (slice(None, -1), slice(1, None))
    )
    size = np.abs(before)
    return after - before, (after - before) / np.where(size > 0.0, size, 1.0)
