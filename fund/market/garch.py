"""GARCH(1,1) with leverage and fat tails: drawn, in closed form, and fitted by maximum likelihood.

    r_t = mu + sqrt(h_t) e_t,   h_(t+1) = omega + (arch + asymmetry 1[r_t < mu]) (r_t - mu)^2 + garch h_t

with e normal or Student t of unit variance. Bollerslev (1986), Journal of Econometrics 31:307-327; Glosten, Jagannathan
& Runkle (1993), Journal of Finance 48:1779-1801.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fund.compiled import compiled
from fund.errors import DataError, InvalidParameter

Floats = NDArray[np.float64]

LEAST = 250  # returns that a fit needs
NORMAL = 1e6  # degrees of freedom from which on a t is a normal
NAMES = ("omega", "arch", "asymmetry", "garch", "freedom")
# of an index's variance, one on average; under the weather's regimes, these give the stylised facts of Cont (2001)
ARCH, ASYMMETRY, GARCH = 0.005, 0.07, 0.95
PERSISTENCE = ARCH + ASYMMETRY / 2.0 + GARCH
STARTS = ((0.05, 0.05, 0.90), (0.02, 0.10, 0.80), (0.10, 0.02, 0.85))  # arch, asymmetry, garch


@njit(forceinline=True)
def next_heat(
    heat: float, z: float, arch: float = ARCH, asymmetry: float = ASYMMETRY, garch: float = GARCH
) -> float:
    """GJR-GARCH variance, one on average, after a shock z of that variance. Glosten, Jagannathan & Runkle (1993)."""
    rest = 1.0 - (arch + asymmetry / 2.0 + garch)
    return rest + (arch + (asymmetry if z < 0.0 else 0.0)) * z * z + garch * heat


@dataclass(frozen=True)
class Garch:
    """Parameters of a variance, in units of squared returns; raises InvalidParameter."""

    omega: float
    arch: float
    garch: float
    asymmetry: float = 0.0
    freedom: float = NORMAL  # degrees of freedom of the shocks
    mu: float = 0.0

    def __post_init__(self) -> None:
        if (
            self.omega <= 0.0
            or min(self.arch, self.garch, self.arch + self.asymmetry) < 0.0
            or self.freedom <= 2.0
        ):
            raise InvalidParameter(f"{self}: wanted omega above 0, weights of 0 or more, freedom above 2")

    @property
    def persistence(self) -> float:
        """How much of a deviation of the variance is there a day later."""
        return self.arch + 0.5 * self.asymmetry + self.garch

    @property
    def variance(self) -> float:
        """Long-run variance; infinite where the persistence is 1 or more."""
        return self.omega / (1.0 - self.persistence) if self.persistence < 1.0 else math.inf

    @property
    def kurtosis(self) -> float:
        """Population kurtosis of a symmetric one with normal shocks, 3 (1 - p^2) / (1 - p^2 - 2 arch^2)."""
        square = 1.0 - (self.arch + self.garch) ** 2
        below = square - 2.0 * self.arch**2
        return 3.0 * square / below if below > 0.0 else math.inf

    def square_autocorrelation(self, lag: int) -> float:
        """Of r^2 of a symmetric one: a (1 - ab - b^2) / (1 - 2ab - b^2) (a + b)^(lag - 1)."""
        a, b = self.arch, self.garch
        first = a * (1.0 - a * b - b * b) / (1.0 - 2.0 * a * b - b * b)
        return float(first * (a + b) ** (lag - 1))

    def returns(self, shocks: Floats) -> Floats:
        """Returns (T, n) from shocks of unit variance (T, n); the variance starts at its long-run value."""
        out = np.empty(shocks.shape)
        _walk(self.omega, self.arch, self.asymmetry, self.garch, self.mu, self.variance, shocks, out)
        return out


@dataclass(frozen=True)
class GarchFit:
    """A fitted variance, its standard errors by name, and the log likelihood."""

    model: Garch
    standard_errors: dict[str, float]
    log_likelihood: float


def fit(returns: Floats, student: bool = True, leverage: bool = True) -> GarchFit:
    """Maximum likelihood on returns (T,), the mean taken out beforehand; errors from the curvature of the likelihood.

    Raises DataError where there are too few returns, or where they do not move.
    """
    from scipy.optimize import minimize

    r = np.asarray(returns, dtype=np.float64)
    if r.ndim != 1 or len(r) < LEAST or not r.std() > 0.0:
        raise DataError(f"returns of shape {r.shape}, wanted {LEAST} or more that move")
    unit, mu = float(r.std()), float(r.mean())
    x = (r - mu) / unit
    free = np.array([True, True, leverage, True, student])

    def loss(values: Floats) -> float:
        full = np.array([0.0, 0.0, 0.0, 0.0, 1.0 / NORMAL])
        full[free] = values
        return -_likelihood(full[0], full[1], full[2], full[3], 1.0 / max(full[4], 1.0 / NORMAL), x)

    bounds = np.array([(1e-6, 1.0), (0.0, 1.0), (-0.5, 1.0), (0.0, 0.9999), (1.0 / NORMAL, 0.45)])[free]
    starts = [np.array([1.0 - a - 0.5 * g - b, a, g, b, 0.15])[free] for a, g, b in STARTS]
    best = minimize(loss, min(starts, key=loss), method="L-BFGS-B", bounds=bounds)
    full = np.array([0.0, 0.0, 0.0, 0.0, 1.0 / NORMAL])
    full[free] = best.x
    errors = np.zeros(len(NAMES))
    errors[free] = _errors(loss, best.x)
    scale = np.array([unit**2, 1.0, 1.0, 1.0, full[4] ** -2.0])  # the search moves 1 / freedom
    omega, arch, asymmetry, garch, thin = full.tolist()
    asymmetry = max(asymmetry, -arch)  # so it counts in the likelihood
    model = Garch(unit**2 * omega, arch, garch, asymmetry, 1.0 / thin, mu)
    likelihood = -float(best.fun) - len(r) * math.log(unit)
    return GarchFit(model, dict(zip(NAMES, (errors * scale).tolist(), strict=True)), likelihood)


def _errors(loss: object, at: Floats) -> Floats:
    # from second differences; infinite where the likelihood does not curve
    assert callable(loss)
    step = 1e-3 * np.maximum(np.abs(at), 0.02)
    n = len(at)
    curve, here = np.empty((n, n)), loss(at)
    for i in range(n):
        for j in range(i + 1):
            one, two = np.zeros(n), np.zeros(n)
            one[i], two[j] = step[i], step[j]
            if i == j:
                second = (loss(at + one) - 2.0 * here + loss(at - one)) / step[i] ** 2
            else:
                both = (
                    loss(at + one + two) - loss(at + one - two) - loss(at - one + two) + loss(at - one - two)
                )
                second = both / (4.0 * step[i] * step[j])
            curve[i, j] = curve[j, i] = second
    diagonal = np.diag(np.linalg.pinv(curve))
    return np.asarray(np.where(diagonal > 0.0, np.sqrt(np.maximum(diagonal, 0.0)), np.inf))


@compiled(nogil=True)
def _walk(
    omega: float, arch: float, asymmetry: float, garch: float, mu: float, start: float, shocks: Floats, out: Floats
) -> None:  # fmt: skip
    heat = np.full(shocks.shape[1], start)
    for t in range(shocks.shape[0]):
        for i in range(shocks.shape[1]):
            move = math.sqrt(heat[i]) * shocks[t, i]
            out[t, i] = mu + move
            heat[i] = omega + (arch + (asymmetry if move < 0.0 else 0.0)) * move * move + garch * heat[i]


@compiled(nogil=True)
def _likelihood(
    omega: float, arch: float, asymmetry: float, garch: float, freedom: float, x: Floats
) -> float:
    # of standardised returns; the variance starts at that of the sample
    heat, total = 1.0, 0.0
    gaussian = freedom > 1e5
    constant = -0.5 * math.log(2.0 * math.pi)
    if not gaussian:
        constant = math.lgamma(0.5 * (freedom + 1.0)) - math.lgamma(0.5 * freedom)
        constant -= 0.5 * math.log(math.pi * (freedom - 2.0))
    falling = max(arch + asymmetry, 0.0)
    for t in range(len(x)):
        square = x[t] * x[t]
        if gaussian:
            total += constant - 0.5 * math.log(heat) - 0.5 * square / heat
        else:
            tail = math.log1p(square / (heat * (freedom - 2.0)))
            total += constant - 0.5 * math.log(heat) - 0.5 * (freedom + 1.0) * tail
        heat = omega + (falling if x[t] < 0.0 else arch) * square + garch * heat
        heat = max(heat, 1e-8)
    return total
