"""Implied volatilities of a Heston market with jumps whose long-run variance follows a chain of regimes.

Under Q, with k the regime of the day, moved by the chain from day to day,

    dv = kappa (theta_k - v) dt + xi sqrt(v) dW2,    dS/S = sqrt(v) dW1 + jumps - their mean

jumps at the rate lambda with log sizes N(mu, delta^2) (Bates, 1996). The variance is affine given the regimes, so
that over N days of dt years the characteristic function of the log return is exp(slope(N dt) v) M_N(k) times that of
the jumps, where backwards through the days

    M_n(k) = exp(kappa theta_k (level(n dt) - level((n-1) dt))) sum_j P_kj M_(n-1)(j),    M_0 = 1

and `level` and `slope` are Heston's. Prices follow by Lewis' integral. What is kept is the ratio of implied
volatility to the root of the fair variance a v + b_k, on a grid of sqrt(v) and of standardised moneyness
y = ln(K/S) / sqrt(fair variance x time), in which it is nearly flat and cubic interpolation is exact to the fifth
digit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fund.compiled import compiled
from fund.market.black_scholes import implied_volatility, value
from fund.market.heston import legendre, loadings

Floats = NDArray[np.float64]

MATURITIES = (30.0 / 365.0, 90.0 / 365.0, 180.0 / 365.0)  # years of the constant-maturity volatilities
S_FIRST, S_STEP, S_COUNT = -0.015, 0.015, 80  # grid of sqrt(v), even in it: one node lies below zero
Y_FIRST, Y_STEP, Y_COUNT = -5.0, 1.0 / 3.0, 31  # grid of standardised moneyness
NODES = 192
NEGLIGIBLE = 1e-13


@dataclass(frozen=True)
class Bates:
    """The market under Q; rates are zero."""

    kappa: float
    xi: float
    rho: float
    thetas: tuple[float, ...]  # long-run variance of each regime
    chain: tuple[tuple[float, ...], ...]  # probabilities of tomorrow's regime, a row a regime of today
    dt: float  # years a step
    jump_rate: float = 0.0  # a year
    jump_mean: float = 0.0  # of the log size
    jump_deviation: float = 0.0

    @property
    def jump_variance(self) -> float:
        """Variance that the jumps add, a year."""
        return self.jump_rate * (self.jump_mean**2 + self.jump_deviation**2)


class Surface(NamedTuple):
    """Tables that the market's loop reads; d counts steps to expiry."""

    slope: Floats  # (d,) of the fair variance by v
    level: Floats  # (d, regimes) of the fair variance
    ratio: Floats  # (d, regimes, S_COUNT, Y_COUNT) implied volatility over root of fair variance
    far_slope: Floats  # (3,) the same for the constant maturities, at the money
    far_level: Floats  # (3, regimes)
    far_ratio: Floats  # (3, regimes, S_COUNT)
    skew: Floats  # (regimes, S_COUNT) of 30 days: (ratio at y = -1) - (ratio at y = +1)


def fair_variances(m: Bates, steps: int) -> tuple[Floats, Floats]:
    """Slope (steps + 1,) by v and level (steps + 1, regimes) of the mean variance over d steps, jumps included."""
    thetas, chain = np.array(m.thetas), np.array(m.chain)
    left = -math.expm1(-m.kappa * m.dt)  # share of the way to theta in a step
    total, levels = np.zeros(steps + 1), np.zeros((steps + 1, len(thetas)))
    for d in range(1, steps + 1):
        total[d] = left / m.kappa + (1.0 - left) * total[d - 1]
        levels[d] = thetas * (m.dt - left / m.kappa + left * total[d - 1]) + chain @ levels[d - 1]
    years = np.maximum(np.arange(steps + 1), 1) * m.dt
    slope, level = total / years, levels / years[:, None] + m.jump_variance
    slope[0], level[0] = 1.0, m.jump_variance  # at expiry: what the next moment brings
    return slope, level


@lru_cache(maxsize=8)
def surface(m: Bates, first: int, last: int) -> Surface:
    """Tables for series of `first` to `last` steps to expiry, and for the constant maturities."""
    far = [max(round(years / m.dt), 1) for years in MATURITIES]
    slope, level = fair_variances(m, max(*far, last))
    s = S_FIRST + S_STEP * np.arange(S_COUNT)
    y = Y_FIRST + Y_STEP * np.arange(Y_COUNT)
    ratio = np.ones((last + 1, len(m.thetas), S_COUNT, Y_COUNT))
    for d in range(max(first, 1), last + 1):
        ratio[d] = _ratios(m, d, s, y, slope[d], level[d])
    ratio[: max(first, 1)] = ratio[max(first, 1)]
    near = np.array([-1.0, 0.0, 1.0])
    wings = [_ratios(m, d, s, near, slope[d], level[d]) for d in far]
    far_ratio = np.stack([w[:, :, 1] for w in wings])
    skew = wings[0][:, :, 0] - wings[0][:, :, 2]
    return Surface(slope[: last + 1], level[: last + 1], ratio, slope[far], level[far], far_ratio, skew)


def _ratios(m: Bates, d: int, s: Floats, y: Floats, slope: float, level: Floats) -> Floats:
    time = d * m.dt
    u, weight, by_v, by_regime = _transform(m, d, float(slope * s[0] ** 2 + level.min()))
    fair = slope * s[:, None] ** 2 + level  # (S, regimes)
    out = np.empty((len(m.thetas), len(s), len(y)))
    _invert(u, weight / (u * u + 0.25) / math.pi, by_v, by_regime, s, y, fair, time, out)
    return out


def _transform(m: Bates, d: int, least: float) -> tuple[Floats, Floats, Floats, Floats]:
    # Lewis' nodes and weights, slope by v (nodes,) and M_d times the jumps' (regimes, nodes)
    reach = 12.0 / math.sqrt(least * d * m.dt)
    nodes, weights = legendre(NODES)
    half = 0.5 * (nodes + 1.0)
    while True:  # the variance may be nearly nothing on some paths: the tail is longer than a normal's
        u = reach * half * half
        by_v, by_regime = _characteristic(m, d, u - 0.5j)
        far = np.abs(by_regime[:, -1] * np.exp(by_v[-1] * S_STEP**2)).max()
        if far < NEGLIGIBLE * reach or reach > 2e4:
            return u, reach * half * weights, by_v, by_regime
        reach *= 1.4


def _characteristic(m: Bates, d: int, z: NDArray[np.complexfloating]) -> tuple[Floats, Floats]:
    thetas, chain = np.array(m.thetas), np.array(m.chain)
    found = [loadings(z, n * m.dt, m.kappa, m.xi, m.rho) for n in range(d + 1)]
    product = np.ones((len(thetas), len(z)), dtype=np.complex128)
    for n in range(1, d + 1):
        gained = found[n].level - found[n - 1].level
        product = np.exp(m.kappa * np.multiply.outer(thetas, gained)) * (chain @ product)
    mean = math.expm1(m.jump_mean + 0.5 * m.jump_deviation**2)
    jump = np.exp(1j * z * m.jump_mean - 0.5 * m.jump_deviation**2 * z * z) - 1.0 - 1j * z * mean
    return found[d].slope, product * np.exp(m.jump_rate * d * m.dt * jump)


@compiled
def _invert(
    u: Floats,
    weight: Floats,
    by_v: Floats,
    by_regime: Floats,
    s: Floats,
    y: Floats,
    fair: Floats,
    time: float,
    out: Floats,
) -> None:
    turn, wave = np.empty(len(u), dtype=np.complex128), np.empty(len(u), dtype=np.complex128)
    for k in range(by_regime.shape[0]):
        for j in range(len(s)):
            sigma = math.sqrt(fair[j, k])
            width = sigma * math.sqrt(time)
            step = (y[1] - y[0]) * width
            for i in range(len(u)):
                plain = math.exp(-0.5 * width * width * (u[i] * u[i] + 0.25))
                excess = (by_regime[k, i] * np.exp(by_v[i] * s[j] * s[j]) - plain) * weight[i]
                wave[i] = excess * np.exp(-1j * u[i] * y[0] * width)
                turn[i] = np.exp(-1j * u[i] * step)
            for c in range(len(y)):
                total = 0.0
                for i in range(len(u)):
                    total += wave[i].real
                    wave[i] *= turn[i]
                strike = math.exp(y[c] * width)
                sign = 1.0 if y[c] > 0.0 else -1.0
                price = value(sign, 1.0, strike, time, 0.0, 0.0, sigma) - math.sqrt(strike) * total
                found = implied_volatility(sign, price, 1.0, strike, time, 0.0, 0.0)
                # beyond what the integral resolves the smile goes on as it was
                fine = price > 1e-11 and found > 0.0
                before = out[k, j, c - 1] if c > 0 else 1.0
                out[k, j, c] = found / sigma if fine else before
            _mend(out[k, j])


@njit
def _mend(row: Floats) -> None:
    # low strikes come first in the row: where nothing was resolved yet, take the first ratio that was
    for c in range(len(row)):
        if row[c] != 1.0:
            row[:c] = row[c]
            return


@njit(forceinline=True)
def cubic(x: float) -> tuple[float, float, float, float]:
    """Weights of four equidistant points at -1, 0, 1, 2 for x in [0, 1] (Catmull & Rom)."""
    x2, x3 = x * x, x * x * x
    return (
        -0.5 * x + x2 - 0.5 * x3,
        1.0 - 2.5 * x2 + 1.5 * x3,
        0.5 * x + 2.0 * x2 - 1.5 * x3,
        0.5 * (x3 - x2),
    )


@njit(forceinline=True)
def place(x: float, first: float, per_step: float, count: int) -> tuple[int, float]:
    """Cell 1 ... count - 3 and the position in it, cut at the ends where four points are left."""
    scaled = min(max((x - first) * per_step, 1.0), count - 2.0)
    cell = min(int(scaled), count - 3)
    return cell, scaled - cell


@njit(forceinline=True)
def at_volatility(row: Floats, s: float) -> float:
    """A row over the grid of sqrt(v), interpolated."""
    j, x = place(s, S_FIRST, 1.0 / S_STEP, S_COUNT)
    a, b, c, d = cubic(x)
    return a * row[j - 1] + b * row[j] + c * row[j + 1] + d * row[j + 2]


@njit(forceinline=True)
def at_moneyness(table: Floats, s: float, y: float) -> float:
    """A table over the grids of sqrt(v) and moneyness, interpolated."""
    j, x = place(s, S_FIRST, 1.0 / S_STEP, S_COUNT)
    k, z = place(y, Y_FIRST, 1.0 / Y_STEP, Y_COUNT)
    a, b, c, d = cubic(x)
    e, f, g, h = cubic(z)
    total = 0.0
    for w, m in ((a, j - 1), (b, j), (c, j + 1), (d, j + 2)):
        total += w * (e * table[m, k - 1] + f * table[m, k] + g * table[m, k + 1] + h * table[m, k + 2])
    return total
