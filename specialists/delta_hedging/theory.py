"""Closed forms of hedging at intervals and at a cost.

One option, spot S, Greeks in the units of `fund.market.black_scholes`, l the cost of a trade as a share of its value,
one way, g absolute risk aversion for one option, tau the time to expiry.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fund.errors import InvalidParameter
from fund.market.black_scholes import values

Floats = NDArray[np.float64]


class Band(NamedTuple):
    """Edges between which a hedge is left alone, in units of the underlier an option."""

    lower: Floats
    upper: Floats


def hedging_error_std(vega: float, sigma: float, rehedges: int) -> float:
    """Standard deviation sqrt(pi/4) vega sigma / sqrt(N) of an at-the-money hedge that is set N times.

    Boyle & Emanuel (1980), Journal of Financial Economics 8:259-282; Derman & Kamal (1999), "When you cannot hedge
    continuously", Goldman Sachs. To leading order in 1/N.
    """
    if rehedges < 1:
        raise InvalidParameter(f"rehedges is {rehedges}, wanted 1 or more")
    return math.sqrt(math.pi / 4.0) * vega * sigma / math.sqrt(rehedges)


def leland_volatility(sigma: ArrayLike, cost_rate: float, dt: float) -> Floats:
    """Volatility sigma_L of a writer who rehedges every dt years: sigma_L^2 = sigma^2 (1 + A).

    A = sqrt(2/pi) k / (sigma sqrt(dt)) is Leland's number, k = 2 `cost_rate` the cost of a round trip. Leland (1985),
    Journal of Finance 40:1283-1301.
    """
    usual = np.asarray(sigma, dtype=np.float64)
    number = math.sqrt(2.0 / math.pi) * 2.0 * cost_rate / (usual * math.sqrt(dt))
    return np.asarray(usual * np.sqrt(1.0 + number))


def leland_price(
    sign: float,
    spot: float,
    strike: float,
    time: float,
    rate: float,
    sigma: float,
    cost_rate: float,
    dt: float,
) -> float:
    """Price at which rehedging at Leland's volatility breaks even in the mean, the set-up not counted."""
    volatility = leland_volatility(sigma, cost_rate, dt)
    return float(values(sign, spot, strike, time, rate, 0.0, volatility))


def whalley_wilmott_width(
    spot: ArrayLike, gamma: ArrayLike, time: ArrayLike, rate: float, cost_rate: float, risk_aversion: float
) -> Floats:
    """Half-width (3/2 exp(-r tau) l S Gamma^2 / g)^(1/3) of the band around delta, for small costs.

    Whalley & Wilmott (1997), Mathematical Finance 7:307-324.
    """
    _demand_aversion(risk_aversion)
    discount = np.exp(-rate * np.asarray(time))
    cube = 1.5 * discount * cost_rate * np.asarray(spot) * np.asarray(gamma) ** 2 / risk_aversion
    return np.asarray(np.cbrt(cube))


class Zakamouline(NamedTuple):
    """Where the band lies: delta at a modified volatility, plus and minus the half-width."""

    volatility: Floats
    width: Floats


def zakamouline(
    spot: ArrayLike, gamma: ArrayLike, time: ArrayLike, rate: float, sigma: ArrayLike, cost_rate: float,
    risk_aversion: float,
) -> Zakamouline:  # fmt: skip
    """Centre and half-width of the band of a writer, fitted to the exact solution.

    sigma_m^2 = sigma^2 (1 - K),  K = -4.76 l^.78 tau^-.02 (exp(-r tau) / sigma)^.25 (g S^2 |Gamma|)^.15
    width = H0 + H1,  H0 = l / (g S sigma^2 tau),  H1 = 1.12 l^.31 tau^.05 (exp(-r tau) / sigma)^.25 (|Gamma| / g)^.5

    Zakamouline (2006), Review of Derivatives Research 9:53-86.
    """
    _demand_aversion(risk_aversion)
    s, tau, usual = (np.asarray(x, dtype=np.float64) for x in (spot, time, sigma))
    curvature = np.abs(np.asarray(gamma, dtype=np.float64))
    steep = (np.exp(-rate * tau) / usual) ** 0.25
    shift = 4.76 * cost_rate**0.78 * tau**-0.02 * steep * (risk_aversion * s**2 * curvature) ** 0.15
    never = cost_rate / (risk_aversion * s * usual**2 * tau)
    usually = 1.12 * cost_rate**0.31 * tau**0.05 * steep * np.sqrt(curvature / risk_aversion)
    return Zakamouline(np.asarray(usual * np.sqrt(1.0 + shift)), np.asarray(never + usually))


def bartlett_delta(delta: ArrayLike, vega: ArrayLike, spot: ArrayLike, rho: float, volvol: float) -> Floats:
    """Delta plus the move of the volatility that comes with the spot's: delta + vega rho nu / S, under SABR, beta = 1.

    Bartlett (2006), Wilmott Magazine, July, 68-70; to leading order, where the implied volatility moves as the
    instantaneous one.
    """
    return np.asarray(np.asarray(delta) + np.asarray(vega) * rho * volvol / np.asarray(spot))


def cost_of_static_hedge(spot: float, final: ArrayLike, cost_rate: float) -> Floats:
    """Cost of holding one unit from set-up to unwinding: l S_0 + l S_T."""
    return np.asarray(cost_rate * (spot + np.asarray(final)))


def _demand_aversion(risk_aversion: float) -> None:
    if not risk_aversion > 0.0:
        raise InvalidParameter(f"risk_aversion is {risk_aversion}, wanted a number above 0 for a band")
