"""Heston's stochastic variance: paths, prices, fair variance, and the change of measure.

    dS/S = (r - q) dt + sqrt(v) dW1,    dv = kappa (theta - v) dt + xi sqrt(v) dW2,    d<W1, W2> = rho dt

Paths follow the quadratic-exponential scheme of Andersen (2008) with his martingale correction: the next variance has
the exact conditional mean and variance, and the discounted spot is a martingale at any step. (An Euler scheme that
reflects at zero is biased by up to a tenth of the price where xi^2 > 2 kappa theta.) The kernels are driven by given
standard normals. Prices come from Lewis' (2001) integral, in which only the difference to Black and Scholes' formula
at the fair volatility is integrated (Andersen & Piterbarg, 2010).

References:
    Heston (1993), Review of Financial Studies 6:327-343; Andersen (2008), Journal of Computational Finance 11(3);
    Lewis (2001), "A simple option formula for general jump-diffusion and other exponential Levy processes"; Albrecher,
    Mayer, Schoutens & Tistaert (2007), Wilmott 1:83-92; Broadie & Kaya (2006), Operations Research 54:217-231.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cache
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from fund.compiled import compiled
from fund.errors import InvalidParameter
from fund.market import black_scholes
from fund.market.black_scholes import normal_cdf

Floats = NDArray[np.float64]
Complexes = NDArray[np.complexfloating]

MONTH = 30.0 / 365.0  # years of the VIX
SWITCH = 1.5  # ratio variance / mean^2 at which QE changes its distribution; anything from 1 to 2 will do
LEAST = 1e-300  # a uniform is not zero
NODES = 256
NEGLIGIBLE = 1e-14  # of the characteristic function, where the integral is cut


@dataclass(frozen=True)
class Heston:
    """Parameters under one measure; raises InvalidParameter for values that make no variance process."""

    v0: float  # variance now, a year
    kappa: float  # speed of reversion, a year
    theta: float  # long-run variance, a year
    xi: float  # volatility of variance, a year
    rho: float  # correlation of return and variance
    rate: float = 0.0  # riskless, a year
    dividend: float = 0.0  # or the foreign rate

    def __post_init__(self) -> None:
        """Refuse what is no variance process."""
        for name in ("v0", "theta", "xi"):
            if not getattr(self, name) >= 0.0:
                raise InvalidParameter(f"heston: {name} is {getattr(self, name)}, wanted 0 or more")
        if not -1.0 <= self.rho <= 1.0:
            raise InvalidParameter(f"heston: rho is {self.rho}, wanted -1 to 1")
        if self.kappa == 0.0:
            raise InvalidParameter("heston: kappa is 0, wanted another number")

    def under_q(self, lam: float) -> Heston:
        """The risk-neutral measure where a unit of variance earns `lam` v dt: lam < 0 is a premium for insurance.

        kappa_Q = kappa + lam, theta_Q = kappa theta / kappa_Q; raises InvalidParameter where kappa_Q is not positive.
        """
        kappa = self.kappa + lam
        if kappa <= 0.0:
            raise InvalidParameter(
                f"heston: lam is {lam}, wanted above {-self.kappa}: kappa under Q is {kappa}"
            )
        return replace(self, kappa=kappa, theta=self.kappa * self.theta / kappa)


def fair_variance(h: Heston, time: ArrayLike, v: ArrayLike | None = None) -> Floats:
    """Mean variance over `time` years, theta + (v - theta) (1 - exp(-kappa T)) / (kappa T); v is v0 unless given."""
    horizon = np.asarray(h.kappa * np.asarray(time, dtype=np.float64))
    share = np.where(horizon > 0.0, -np.expm1(-horizon) / np.where(horizon > 0.0, horizon, 1.0), 1.0)
    return np.asarray(h.theta + (np.asarray(h.v0 if v is None else v) - h.theta) * share)


def vix_squared(h: Heston, time: ArrayLike = MONTH, v: ArrayLike | None = None) -> Floats:
    """Square of the VIX (a decimal) of this maturity, under the measure Q; its term structure for an array of times."""
    return fair_variance(h, time, v)


class Loadings(NamedTuple):
    """E exp(i u ln(S_T/F_T)) = exp(level kappa theta + slope v), Albrecher et al.'s continuous form."""

    level: Complexes
    slope: Complexes


def loadings(u: Complexes, time: float, kappa: float, xi: float, rho: float) -> Loadings:
    """Of the characteristic function at u; the theta may be chosen afterwards, or change from day to day."""
    pull = kappa - 1j * rho * xi * u
    root = np.sqrt(pull * pull + xi * xi * (1j * u + u * u))
    ratio, decay = (pull - root) / (pull + root), np.exp(-root * time)
    over = 1.0 - ratio * decay
    level = ((pull - root) * time - 2.0 * np.log(over / (1.0 - ratio))) / (xi * xi)
    return Loadings(level, (pull - root) / (xi * xi) * (1.0 - decay) / over)


def price(h: Heston, sign: ArrayLike, spot: ArrayLike, strike: ArrayLike, time: float) -> Floats:
    """Prices of European options, of the broadcast shape of sign, spot and strike. Raises InvalidParameter."""
    if not time >= 0.0:
        raise InvalidParameter(f"heston: time is {time}, wanted zero or more years")
    sigma = float(np.sqrt(fair_variance(h, time)))
    plain = black_scholes.values(sign, spot, strike, time, h.rate, h.dividend, sigma)
    if time == 0.0 or h.xi == 0.0:
        return plain
    spots, strikes = np.broadcast_arrays(*(np.asarray(x, dtype=np.float64) for x in (spot, strike)))
    money = np.log(spots / strikes) + (h.rate - h.dividend) * time
    u, weight = lewis_nodes(h, time)
    found = loadings(u - 0.5j, time, h.kappa, h.xi, h.rho)
    excess = np.exp(found.level * h.kappa * h.theta + found.slope * h.v0)
    excess -= np.exp(-0.5 * sigma**2 * time * (u * u + 0.25))
    waves = np.exp(1j * np.multiply.outer(money, u))
    correction = (waves * (excess * weight / (u * u + 0.25))).real.sum(axis=-1) / math.pi
    discount = np.sqrt(spots * strikes) * math.exp(-0.5 * (h.rate + h.dividend) * time)
    return np.asarray(plain - discount * correction)


@cache
def legendre(count: int) -> tuple[Floats, Floats]:
    """Gauss-Legendre nodes and weights on [-1, 1]; eigenvalues, so they are found once (a quarter of a second)."""
    nodes, weights = np.polynomial.legendre.leggauss(count)
    nodes.flags.writeable = weights.flags.writeable = False
    return nodes, weights


def lewis_nodes(h: Heston, time: float, count: int = NODES) -> tuple[Floats, Floats]:
    """Gauss-Legendre nodes and weights up to where the characteristic function has died away."""
    reach = 8.0
    while reach < 2.0**20:
        far = loadings(np.array([reach - 0.5j]), time, h.kappa, h.xi, h.rho)
        if abs(np.exp(far.level * h.kappa * h.theta + far.slope * h.v0)[0]) < NEGLIGIBLE * reach:
            break
        reach *= 1.5
    nodes, weights = legendre(count)
    # squeezed towards zero, where the integrand lives: u = reach s^2
    s = 0.5 * (nodes + 1.0)
    return reach * s * s, reach * s * weights


class Scheme(NamedTuple):
    """Constants of a QE step."""

    decay: float  # exp(-kappa dt)
    by_v: float  # conditional variance of v per unit of v
    by_theta: float  # and per unit of theta
    k2: float  # weights of Andersen's equation 33, central; k1 drops out with the martingale correction
    k3: float
    drift: float  # (r - q) dt


def scheme(kappa: float, xi: float, rho: float, dt: float, drift: float = 0.0) -> Scheme:
    """QE's constants for a step of dt years; `drift` of the log spot, a year, before the correction."""
    decay = math.exp(-kappa * dt)
    pull = 0.5 * dt * kappa * rho / xi if xi > 0.0 else 0.0
    kick = rho / xi if xi > 0.0 else 0.0
    return Scheme(
        decay,
        xi * xi * decay * (1.0 - decay) / kappa,
        xi * xi * (1.0 - decay) ** 2 / (2.0 * kappa),
        pull + kick - 0.25 * dt,
        0.5 * dt * (1.0 - rho * rho),
        drift * dt,
    )


@njit(forceinline=True)
def qe_step(q: Scheme, v: float, theta: float, shock: float, other: float) -> tuple[float, float]:
    """Next variance and log return of one step, from two independent standard normals.

    `shock` drives the variance (its distribution function is the uniform of the exponential branch), `other` the rest
    of the return. E exp(return) = exp(drift) exactly.
    """
    mean = theta + (v - theta) * q.decay
    spread = v * q.by_v + theta * q.by_theta
    tilt = q.k2 + 0.5 * q.k3
    psi = spread / (mean * mean) if mean > 0.0 else 0.0
    if psi <= 1e-12:  # a variance that is certain
        after, log_mean = mean, tilt * mean
    elif psi <= SWITCH:
        inverse = 2.0 / psi
        b2 = inverse - 1.0 + math.sqrt(inverse * (inverse - 1.0))
        a = mean / (1.0 + b2)
        root = math.sqrt(b2) + shock
        after = a * root * root
        bent = 1.0 - 2.0 * tilt * a
        log_mean = tilt * b2 * a / bent - 0.5 * math.log(bent)
    else:
        p = (psi - 1.0) / (psi + 1.0)
        beta = (1.0 - p) / mean
        left = normal_cdf(-shock)
        after = math.log((1.0 - p) / max(left, LEAST)) / beta if left < 1.0 - p else 0.0
        log_mean = math.log(p + beta * (1.0 - p) / (beta - tilt))
    # the correction makes the mean of exp(k1 v + k2 v' + sqrt(k3 (v + v')) z) one
    deviation = math.sqrt(q.k3 * (v + after))
    return after, q.drift - log_mean - 0.5 * q.k3 * v + q.k2 * after + deviation * other


@compiled(nogil=True)
def _walk(q: Scheme, v0: float, theta: float, shock: Floats, other: Floats, spot: Floats, v: Floats) -> None:
    for i in range(shock.shape[1]):
        now, level = v0, math.log(spot[0, i])
        v[0, i] = now
        for t in range(shock.shape[0]):
            now, move = qe_step(q, now, theta, shock[t, i], other[t, i])
            level += move
            v[t + 1, i], spot[t + 1, i] = now, math.exp(level)


def paths(h: Heston, dt: float, shock: Floats, other: Floats, spot: float = 100.0) -> tuple[Floats, Floats]:
    """Spot and variance (steps + 1, n) from standard normals (steps, n): of the variance, and of the rest.

    Raises InvalidParameter where the shapes differ.
    """
    if shock.shape != other.shape or shock.ndim != 2:
        raise InvalidParameter(f"heston: shocks of {shock.shape} and {other.shape}, wanted two of (steps, n)")
    spots, variances = np.empty((2, shock.shape[0] + 1, shock.shape[1]))
    spots[0] = spot
    constants = scheme(h.kappa, h.xi, h.rho, dt, h.rate - h.dividend)
    _walk(constants, h.v0, h.theta, shock, other, spots, variances)
    return spots, variances
