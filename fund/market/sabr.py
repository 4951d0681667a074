"""SABR's stochastic volatility in its lognormal form (beta = 1).

    dF/F = alpha dW1,    d alpha = nu alpha dW2,    d<W1, W2> = rho dt

The volatility is exact on any grid; the forward takes a log-Euler step at the volatility of its start, and is a
martingale exactly. Implied volatilities are Hagan et al.'s (2002, equation 2.17a with beta = 1), the delta is
Bartlett's (2006): a move of the forward takes the volatility along, d alpha = rho nu dF / F on average.

References:
    Hagan, Kumar, Lesniewski & Woodward (2002), Wilmott magazine, September:84-108; Bartlett (2006), Wilmott magazine,
    July/August:2-4.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from fund.compiled import compiled
from fund.errors import InvalidParameter
from fund.market.black_scholes import delta, vega

Floats = NDArray[np.float64]

NEAR = 1e-5  # |z| below which z / chi(z) is its series


class Sabr(NamedTuple):
    """Parameters that do not move."""

    nu: float  # volatility of volatility, per square root of a year
    rho: float  # correlation of return and volatility


@njit(forceinline=True)
def hagan(forward: float, strike: float, time: float, alpha: float, nu: float, rho: float) -> float:
    """Black volatility of a strike."""
    z = nu / alpha * math.log(forward / strike)
    drift = 1.0 + (0.25 * rho * nu * alpha + (2.0 - 3.0 * rho * rho) * nu * nu / 24.0) * time
    if abs(z) < NEAR:
        return alpha * (1.0 - 0.5 * rho * z) * drift
    chi = math.log((math.sqrt(1.0 - 2.0 * rho * z + z * z) + z - rho) / (1.0 - rho))
    return alpha * z / chi * drift


@njit(forceinline=True)
def bartlett_delta(
    sign: float, forward: float, strike: float, time: float, alpha: float, nu: float, rho: float
) -> float:
    """Undiscounted delta by the forward of a call (sign +1) or put, the smile and the volatility moving along."""
    sigma = hagan(forward, strike, time, alpha, nu, rho)
    up, down = forward * (1.0 + 1e-4), forward * (1.0 - 1e-4)
    shift = 1e-4 * rho * nu
    above = hagan(up, strike, time, alpha + shift, nu, rho)
    below = hagan(down, strike, time, alpha - shift, nu, rho)
    slope = (above - below) / (up - down)
    plain = delta(sign, forward, strike, time, 0.0, 0.0, sigma)
    return plain + vega(forward, strike, time, 0.0, 0.0, sigma) * slope


@compiled(nogil=True)
def _walk(
    h: Sabr, dt: float, drift: float, shock: Floats, other: Floats, spot: Floats, alpha: Floats
) -> None:
    root, rest = math.sqrt(dt), math.sqrt(1.0 - h.rho * h.rho)
    for i in range(shock.shape[1]):
        level = math.log(spot[0, i])
        for t in range(shock.shape[0]):
            now = alpha[t, i]
            w = h.rho * shock[t, i] + rest * other[t, i]
            level += drift * dt - 0.5 * now * now * dt + now * root * w
            alpha[t + 1, i] = now * math.exp(h.nu * root * shock[t, i] - 0.5 * h.nu * h.nu * dt)
            spot[t + 1, i] = math.exp(level)


def paths(
    h: Sabr, alpha: float, dt: float, shock: Floats, other: Floats, spot: float = 100.0, drift: float = 0.0
) -> tuple[Floats, Floats]:
    """Spot and volatility (steps + 1, n) from standard normals (steps, n): of the volatility, and of the rest.

    `alpha` is the first volatility, `drift` the spot's, a year. Raises InvalidParameter.
    """
    if shock.shape != other.shape or shock.ndim != 2:
        raise InvalidParameter(f"sabr: shocks of {shock.shape} and {other.shape}, wanted two of (steps, n)")
    if not (alpha > 0.0 and h.nu >= 0.0 and -1.0 < h.rho < 1.0):
        raise InvalidParameter(
            f"sabr: alpha {alpha}, {h}; wanted alpha above 0, nu 0 or more, rho within -1, 1"
        )
    spots, alphas = np.empty((2, shock.shape[0] + 1, shock.shape[1]))
    spots[0], alphas[0] = spot, alpha
    _walk(h, dt, drift, shock, other, spots, alphas)
    return spots, alphas


@compiled
def _hagans(h: Sabr, forward: Floats, strike: Floats, time: Floats, alpha: Floats) -> Floats:
    out = np.empty(len(forward))
    for i in range(len(forward)):
        out[i] = hagan(forward[i], strike[i], time[i], alpha[i], h.nu, h.rho)
    return out


def implied_volatility(
    h: Sabr, forward: ArrayLike, strike: ArrayLike, time: ArrayLike, alpha: ArrayLike
) -> Floats:
    """Black volatilities, of the broadcast shape. Raises InvalidParameter for a forward or strike not above zero."""
    given = [np.asarray(x, dtype=np.float64) for x in (forward, strike, time, alpha)]
    for name, array in zip(("forward", "strike", "time", "alpha"), given, strict=True):
        if not np.all(array >= 0.0 if name == "time" else array > 0.0):
            raise InvalidParameter(f"sabr: a {name} of {array.min()}, wanted above zero")
    wide = np.broadcast_arrays(*given)
    return _hagans(h, *(np.ascontiguousarray(x).ravel() for x in wide)).reshape(wide[0].shape)
