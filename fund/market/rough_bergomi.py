"""The rough Bergomi model: log-variance driven by a Volterra process rougher than Brownian motion.

    dS/S = sqrt(v) dB,    v_t = xi exp(eta Y_t - eta^2 t^(2H) / 2),    Y_t = sqrt(2H) int_0^t (t - s)^(H - 1/2) dW_s

with Var Y_t = t^(2H) and d<B, W> = rho dt. Paths follow the hybrid scheme of Bennedsen, Lunde & Pakkanen (2017) with
one exact cell: the singular last step is drawn jointly with dW, the earlier ones are sums over the kernel at the
optimal points. The forward variance E_t v_u, which a market of options would show, follows from the same sums.

References:
    Bayer, Friz & Gatheral (2016), Quantitative Finance 16:887-904; Bennedsen, Lunde & Pakkanen (2017), Finance and
    Stochastics 21:931-965; McCrickerd & Pakkanen (2018), Quantitative Finance 18:1877-1886.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fund.compiled import compiled
from fund.errors import InvalidParameter

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class RoughBergomi:
    """Parameters; raises InvalidParameter."""

    xi: float = 0.235**2  # forward variance, flat, a year
    hurst: float = 0.07
    eta: float = 1.9
    rho: float = -0.9

    def __post_init__(self) -> None:
        """Refuse what is no rough process."""
        if not (self.xi > 0.0 and self.eta >= 0.0 and 0.0 < self.hurst < 0.5 and -1.0 <= self.rho <= 1.0):
            raise InvalidParameter(
                f"rough_bergomi: {self}; wanted xi above 0, eta 0 or more, hurst in (0, 1/2), rho in [-1, 1]"
            )


def cell(hurst: float, dt: float) -> tuple[float, float, float]:
    """The last step of Y given its dW = sqrt(dt) z: weight of z, weight of an independent normal, and its deviation.

    Var = dt^(2H), Cov(dW, .) = sqrt(2H) dt^(H + 1/2) / (H + 1/2).
    """
    deviation = dt**hurst
    by_shock = math.sqrt(2.0 * hurst) / (hurst + 0.5) * deviation
    return by_shock, math.sqrt(deviation**2 - by_shock**2), deviation


def kernel(hurst: float, dt: float, steps: int) -> Floats:
    """Weights (steps + 1,) of the normals k steps back in Y; the first two are not used, the cell takes their place."""
    a = hurst - 0.5
    k = np.arange(2, steps + 1, dtype=np.float64)
    optimal = ((k ** (a + 1.0) - (k - 1.0) ** (a + 1.0)) / (a + 1.0)) ** (1.0 / a)
    return np.concatenate([np.zeros(2), math.sqrt(2.0 * hurst) * (optimal * dt) ** a * math.sqrt(dt)])


@compiled(nogil=True)
def _volterra(
    weights: Floats, by_shock: float, by_extra: float, shock: Floats, extra: Floats, y: Floats
) -> None:
    # y[t] from the normals of the steps before t; one path's normals side by side in memory
    steps = shock.shape[1]
    for i in range(shock.shape[0]):
        y[0, i] = 0.0
        for t in range(1, steps + 1):
            total = by_shock * shock[i, t - 1] + by_extra * extra[i, t - 1]
            for k in range(2, t + 1):
                total += weights[k] * shock[i, t - k]
            y[t, i] = total


@compiled(nogil=True)
def _spots(rho: float, dt: float, shock: Floats, other: Floats, v: Floats, spot: Floats) -> None:
    rest = math.sqrt(1.0 - rho * rho)
    for i in range(shock.shape[0]):
        level = math.log(spot[0, i])
        for t in range(shock.shape[1]):
            w = rho * shock[i, t] + rest * other[i, t]
            level += math.sqrt(v[t, i] * dt) * w - 0.5 * v[t, i] * dt
            spot[t + 1, i] = math.exp(level)


def paths(
    h: RoughBergomi, dt: float, shock: Floats, extra: Floats, other: Floats, spot: float = 100.0
) -> tuple[Floats, Floats]:
    """Spot and variance (steps + 1, n) from standard normals (n, steps): of dW, of the last cell, and of the spot.

    Raises InvalidParameter where the shapes differ.
    """
    if not shock.shape == extra.shape == other.shape or shock.ndim != 2:
        shapes = ", ".join(str(x.shape) for x in (shock, extra, other))
        raise InvalidParameter(f"rough_bergomi: shocks of {shapes}, wanted three of (n, steps)")
    n, steps = shock.shape
    by_shock, by_extra, _ = cell(h.hurst, dt)
    y, spots = np.empty((2, steps + 1, n))
    _volterra(kernel(h.hurst, dt, steps), by_shock, by_extra, shock, extra, y)
    years = dt * np.arange(steps + 1)
    v = h.xi * np.exp(h.eta * y - (0.5 * h.eta**2 * years ** (2.0 * h.hurst))[:, None])
    spots[0] = spot
    _spots(h.rho, dt, shock, other, v, spots)
    return spots, v


@compiled(nogil=True)
def _forward(weights: Floats, horizons: NDArray[np.int64], shock: Floats, out: Floats) -> None:
    # conditional mean of Y at t + horizon: the weights of the normals up to t
    for i in range(shock.shape[0]):
        for j in range(len(horizons)):
            ahead = horizons[j]
            for t in range(out.shape[1]):
                total = 0.0
                for k in range(1, t + 1):
                    total += weights[k + ahead] * shock[i, t - k]
                out[j, t, i] = total


def forward_variance(h: RoughBergomi, dt: float, shock: Floats, horizons: NDArray[np.int64]) -> Floats:
    """E_t v_(t + horizon) as (horizons, steps + 1, n), horizons in whole steps of at least 1, given the dW up to t.

    E_t v_u = xi exp(eta m - eta^2 (u^(2H) - (u - t)^(2H)) / 2), m = E_t Y_u.
    """
    n, steps = shock.shape
    mean = np.empty((len(horizons), steps + 1, n))
    weights = kernel(h.hurst, dt, steps + int(horizons.max()))
    _forward(weights, horizons, shock, mean)
    t, ahead = dt * np.arange(steps + 1), dt * horizons[:, None].astype(np.float64)
    spread = (t + ahead) ** (2.0 * h.hurst) - ahead ** (2.0 * h.hurst)
    return np.asarray(h.xi * np.exp(h.eta * mean - 0.5 * h.eta**2 * spread[:, :, None]))
