"""Futures curves of two factors: Schwartz & Smith (2000), Gibson & Schwartz (1990) and the map between them.

Schwartz & Smith: ln S = chi + xi, times in years,

    d chi = -kappa chi dt + sigma_chi dz,   d xi = mu_xi dt + sigma_xi dz',   dz dz' = rho dt          (P)
    chi drifts by -kappa chi - lambda_chi - premium_slope chi, xi by mu_xi_star                        (Q)

With k = kappa + premium_slope, the speed under Q, a future of time to maturity T costs

    ln F(T) = e^{-kT} chi + xi + A(T),
    A(T) = mu_xi_star T - (1-e^{-kT}) lambda_chi/k
           + (1/2) [(1-e^{-2kT}) sigma_chi^2/(2k) + sigma_xi^2 T + 2 (1-e^{-kT}) rho sigma_chi sigma_xi/k].

So its drift is e^{-kT} (lambda_chi + premium_slope chi) + mu_xi - mu_xi_star: mean reversion is in the price, and only
the premia can be earned. `premium_slope` 0 is the paper's model.

Gibson & Schwartz, model 2 of Schwartz (1997): dS/S = (mu - delta) dt + s1 dz1, d delta = kappa (alpha - delta) dt + s2
dz2, dz1 dz2 = rho dt; under Q the drifts are r - delta and kappa (alpha - delta) - lambda. It is the same model seen
from another side: chi = (delta - alpha)/kappa and xi = ln S - chi (Schwartz & Smith 2000, table 1).

Seasonality is a sum of sine waves added to ln S; the price of a future takes it at the delivery date, undamped
(Sorensen 2002).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fund.compiled import compiled
from fund.errors import InvalidParameter

Floats = NDArray[np.float64]


class Transition(NamedTuple):
    """Gaussian law of one step: chi' = kept chi + chi_shift + noise, xi' = xi + xi_shift + noise, exactly."""

    kept: float
    chi_shift: float
    xi_shift: float
    chi_deviation: float
    xi_deviation: float
    correlation: float


@dataclass(frozen=True)
class SchwartzSmith:
    """Parameters a year, in the words of Schwartz & Smith (2000); raises InvalidParameter."""

    kappa: float
    sigma_chi: float
    lambda_chi: float
    mu_xi: float
    sigma_xi: float
    mu_xi_star: float
    rho: float
    premium_slope: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what is no model."""
        _positive(kappa=self.kappa, kappa_q=self.kappa_q)
        _at_least_zero(sigma_chi=self.sigma_chi, sigma_xi=self.sigma_xi)
        _correlation(self.rho)

    @property
    def kappa_q(self) -> float:
        """Speed of mean reversion under Q."""
        return self.kappa + self.premium_slope

    @property
    def half_life(self) -> float:
        """Years in which half of a short-term deviation is gone."""
        return math.log(2.0) / self.kappa

    def loading(self, maturity: ArrayLike) -> Floats:
        """e^{-kT}: how much of chi a future of maturity T carries; of xi it carries all."""
        return np.asarray(np.exp(-self.kappa_q * _years(maturity)))

    def intercept(self, maturity: ArrayLike) -> Floats:
        """A(T), the part of ln F that no state moves."""
        t, k = _years(maturity), self.kappa_q
        gone, twice = -np.expm1(-k * t), -np.expm1(-2.0 * k * t)
        convexity = twice * self.sigma_chi**2 / (2.0 * k) + self.sigma_xi**2 * t
        convexity = convexity + 2.0 * gone * self.rho * self.sigma_chi * self.sigma_xi / k
        return np.asarray(self.mu_xi_star * t - gone * self.lambda_chi / k + 0.5 * convexity)

    def log_futures(self, chi: ArrayLike, xi: ArrayLike, maturity: ArrayLike) -> Floats:
        """Logarithm of F; states and maturities are broadcast."""
        return self.loading(maturity) * np.asarray(chi) + np.asarray(xi) + self.intercept(maturity)

    def futures(self, chi: ArrayLike, xi: ArrayLike, maturity: ArrayLike) -> Floats:
        """Price of a future."""
        return np.asarray(np.exp(self.log_futures(chi, xi, maturity)))

    def volatility(self, maturity: ArrayLike) -> Floats:
        """Volatility of a future, per square root of a year."""
        e = self.loading(maturity)
        cross = 2.0 * self.rho * self.sigma_chi * self.sigma_xi
        return np.asarray(np.sqrt((e * self.sigma_chi) ** 2 + self.sigma_xi**2 + e * cross))

    def drift(self, maturity: ArrayLike, chi: ArrayLike = 0.0) -> Floats:
        """Expected return of a future, a year: the premium, whatever the curve looks like."""
        premium = self.lambda_chi + self.premium_slope * np.asarray(chi)
        return np.asarray(self.loading(maturity) * premium + self.mu_xi - self.mu_xi_star)

    def spread_drift(self, near: float, far: float) -> float:
        """Expected return, a year, of one money unit of the near future against one of the far."""
        return float(self.drift(near) - self.drift(far))

    def spread_volatility(self, near: float, far: float) -> float:
        """Volatility of the same: all of it is chi's."""
        return float(abs(self.loading(near) - self.loading(far)) * self.sigma_chi)

    @property
    def premia(self) -> Floats:
        """The vector l = (lambda_chi, mu_xi - mu_xi_star), what exposures to chi and xi earn at chi = 0, a year."""
        return np.array([self.lambda_chi, self.mu_xi - self.mu_xi_star])

    @property
    def covariance(self) -> Floats:
        """Sigma (2, 2) of the factors' shocks, a year."""
        cross = self.rho * self.sigma_chi * self.sigma_xi
        return np.array([[self.sigma_chi**2, cross], [cross, self.sigma_xi**2]])

    @property
    def optimal_exposure(self) -> Floats:
        """Sigma^-1 l, the log investor's exposures to chi and xi per unit of wealth. Merton (1969)."""
        return np.asarray(np.linalg.solve(self.covariance, self.premia))

    @property
    def largest_sharpe(self) -> float:
        """sqrt(l' Sigma^-1 l), the annual Sharpe ratio that no policy exceeds."""
        return math.sqrt(float(self.premia @ self.optimal_exposure))

    def transition(self, dt: float, risk_neutral: bool = False) -> Transition:
        """Law of a step of `dt` years, under P or Q."""
        k = self.kappa_q if risk_neutral else self.kappa
        gone = -math.expm1(-k * dt)
        chi_deviation = self.sigma_chi * math.sqrt(-math.expm1(-2.0 * k * dt) / (2.0 * k))
        xi_deviation = self.sigma_xi * math.sqrt(dt)
        cross = self.rho * self.sigma_chi * self.sigma_xi * gone / k
        both = chi_deviation * xi_deviation
        return Transition(
            1.0 - gone, -self.lambda_chi * gone / k if risk_neutral else 0.0,
            (self.mu_xi_star if risk_neutral else self.mu_xi) * dt, chi_deviation, xi_deviation,
            cross / both if both > 0.0 else 0.0,
        )  # fmt: skip

    def paths(
        self, shocks: Floats, dt: float, chi: ArrayLike, xi: ArrayLike, risk_neutral: bool = False
    ) -> tuple[Floats, Floats]:
        """States chi and xi (T + 1, n) from standard normal shocks (T, 2, n), steps of `dt` years; starts (n,)."""
        steps, _, n = shocks.shape
        states = np.empty((2, steps + 1, n))
        states[0, 0], states[1, 0] = chi, xi
        _walk(np.ascontiguousarray(shocks, dtype=np.float64), self.transition(dt, risk_neutral), states)
        return states[0], states[1]

    def gibson_schwartz(self, r: float) -> GibsonSchwartz:
        """The same model in terms of spot and convenience yield, at the interest rate `r`; premium_slope must be 0.

        Raises InvalidParameter where it is another.
        """
        if self.premium_slope != 0.0:
            raise InvalidParameter(
                f"premium_slope is {self.premium_slope}, wanted 0: Gibson & Schwartz have none"
            )
        s1 = float(self.volatility(0.0))
        alpha = r - self.mu_xi_star - 0.5 * s1**2 + self.lambda_chi
        return GibsonSchwartz(
            kappa=self.kappa, alpha=alpha, s1=s1, s2=self.kappa * self.sigma_chi,
            rho=(self.sigma_chi + self.rho * self.sigma_xi) / s1, lambda_=self.kappa * self.lambda_chi, r=r,
            mu=self.mu_xi + alpha + 0.5 * s1**2,
        )  # fmt: skip


@compiled
def _walk(shocks: Floats, step: Transition, states: Floats) -> None:
    steps, _, n = shocks.shape
    other = math.sqrt(1.0 - step.correlation**2)
    for t in range(steps):
        for i in range(n):
            noise = step.correlation * shocks[t, 1, i] + other * shocks[t, 0, i]
            states[0, t + 1, i] = step.kept * states[0, t, i] + step.chi_shift + step.chi_deviation * noise
            states[1, t + 1, i] = states[1, t, i] + step.xi_shift + step.xi_deviation * shocks[t, 1, i]


@dataclass(frozen=True)
class GibsonSchwartz:
    """Parameters a year, in the words of Schwartz (1997), model 2; raises InvalidParameter."""

    kappa: float
    alpha: float
    s1: float
    s2: float
    rho: float
    lambda_: float
    r: float
    mu: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what is no model."""
        _positive(kappa=self.kappa, s1=self.s1)
        _at_least_zero(s2=self.s2)
        _correlation(self.rho)

    @property
    def half_life(self) -> float:
        """Years in which half of a deviation of the convenience yield is gone."""
        return math.log(2.0) / self.kappa

    def log_futures(self, log_spot: ArrayLike, delta: ArrayLike, maturity: ArrayLike) -> Floats:
        """Logarithm of F by Schwartz's own formula; logarithm of the spot price, yield and maturities are broadcast."""
        t, k = _years(maturity), self.kappa
        gone, twice = -np.expm1(-k * t), -np.expm1(-2.0 * k * t)
        alpha, cross = self.alpha - self.lambda_ / k, self.s1 * self.s2 * self.rho
        level = (self.r - alpha + self.s2**2 / (2.0 * k**2) - cross / k) * t
        level = level + self.s2**2 * twice / (4.0 * k**3) + (alpha * k + cross - self.s2**2 / k) * gone / k**2
        return np.asarray(np.asarray(log_spot) - np.asarray(delta) * gone / k + level)

    def futures(self, spot: ArrayLike, delta: ArrayLike, maturity: ArrayLike) -> Floats:
        """Price of a future."""
        return np.asarray(np.exp(self.log_futures(np.log(np.asarray(spot)), delta, maturity)))

    def volatility(self, maturity: ArrayLike) -> Floats:
        """Volatility of a future, per square root of a year."""
        lean = -np.expm1(-self.kappa * _years(maturity)) / self.kappa
        return np.asarray(
            np.sqrt(self.s1**2 + (self.s2 * lean) ** 2 - 2.0 * self.rho * self.s1 * self.s2 * lean)
        )

    @property
    def long_growth(self) -> float:
        """Slope d ln F / dT of the long end."""
        alpha, k = self.alpha - self.lambda_ / self.kappa, self.kappa
        return self.r - alpha + self.s2**2 / (2.0 * k**2) - self.rho * self.s1 * self.s2 / k

    def schwartz_smith(self) -> SchwartzSmith:
        """The same model in terms of short-term deviation and long-term level. Schwartz & Smith (2000), table 1."""
        sigma_chi, drift = self.s2 / self.kappa, -self.alpha - 0.5 * self.s1**2
        sigma_xi = math.sqrt(max(self.s1**2 + sigma_chi**2 - 2.0 * self.rho * self.s1 * sigma_chi, 0.0))
        rho = (self.rho * self.s1 - sigma_chi) / sigma_xi if sigma_xi > 0.0 else 0.0
        premium = self.lambda_ / self.kappa
        return SchwartzSmith(
            kappa=self.kappa, sigma_chi=sigma_chi, lambda_chi=premium, mu_xi=self.mu + drift, sigma_xi=sigma_xi,
            mu_xi_star=self.r + drift + premium, rho=min(max(rho, -1.0), 1.0),
        )  # fmt: skip

    def states(self, log_spot: ArrayLike, delta: ArrayLike) -> tuple[Floats, Floats]:
        """States chi and xi of a spot price and a convenience yield."""
        chi = (np.asarray(delta, dtype=np.float64) - self.alpha) / self.kappa
        return chi, np.asarray(log_spot) - chi


@dataclass(frozen=True)
class Seasonality:
    """sum_j a_j cos(2 pi j t) + b_j sin(2 pi j t), added to the log price; t in years from the turn of the year."""

    a: tuple[float, ...] = ()
    b: tuple[float, ...] = ()

    def __call__(self, date: ArrayLike) -> Floats:
        """The term at some dates; of a future, at its delivery date."""
        t = _years(date)
        out = np.zeros_like(t)
        for j, (a, b) in enumerate(zip(self.a, self.b, strict=True), start=1):
            out = out + a * np.cos(2.0 * np.pi * j * t) + b * np.sin(2.0 * np.pi * j * t)
        return out


def roll_yield(near: ArrayLike, far: ArrayLike, gap: ArrayLike) -> Floats:
    """(F1 - F2) / (F2 gap), a year, for maturities `gap` years apart. Gorton & Rouwenhorst (2006)."""
    first, second = np.asarray(near, dtype=np.float64), np.asarray(far, dtype=np.float64)
    return np.asarray((first - second) / (second * np.asarray(gap)))


def _years(maturity: ArrayLike) -> Floats:
    return np.asarray(maturity, dtype=np.float64)


def _positive(**values: float) -> None:
    for name, value in values.items():
        if not (math.isfinite(value) and value > 0.0):
            raise InvalidParameter(f"{name} is {value}, wanted a number above 0")


def _at_least_zero(**values: float) -> None:
    for name, value in values.items():
        if not (math.isfinite(value) and value >= 0.0):
            raise InvalidParameter(f"{name} is {value}, wanted 0 or more")


def _correlation(rho: float) -> None:
    if not -1.0 <= rho <= 1.0:
        raise InvalidParameter(f"rho is {rho}, wanted -1 to 1")
