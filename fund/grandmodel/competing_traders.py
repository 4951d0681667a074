"""Several traders who liquidate in one market: Carlin, Lobo & Viswanathan (2007).

Trader i must trade dX_i by time T at rates Y_i(t). The price moves permanently with what all have traded and
temporarily with what all trade now,

    P(t) = U(t) + gamma sum_j (X_j(t) - X_j(0)) + lambda sum_j Y_j(t)

and each minimises his own cost. The open-loop Nash equilibrium of n traders is

    Y_i(t) = a e^{-c t} + b_i e^{gamma t / lambda},         c = (n-1)/(n+1) gamma/lambda
    a = c / (1 - e^{-c T}) mean(dX),     b_i = (gamma/lambda) / (e^{gamma T / lambda} - 1) (dX_i - mean(dX))

so that they race: those who know of a seller sell first and buy back later (predatory trading). For one trader, or
together, the cost is least at a constant rate.

Source: B. I. Carlin, M. S. Lobo, S. Viswanathan (2007), Episodic liquidity crises: cooperative and predatory trading,
J. Finance 62(5):2235-2274, result 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fund.errors import InvalidParameter

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Arena:
    """A market that several traders share."""

    permanent: float = 1.0  # gamma, price units a share
    temporary: float = 1.0  # lambda, price units a (share a unit of time)
    horizon: float = 1.0  # T

    def __post_init__(self) -> None:
        """Refuse what is not above 0."""
        for name in ("permanent", "temporary", "horizon"):
            if not getattr(self, name) > 0.0:
                raise InvalidParameter(f"{name} is {getattr(self, name)}, wanted a number above 0")

    @property
    def ratio(self) -> float:
        """Permanent over temporary impact, gamma / lambda, per unit of time."""
        return self.permanent / self.temporary


def nash_rates(arena: Arena, targets: ArrayLike, times: ArrayLike) -> Floats:
    """Equilibrium rates Y_i(t) of traders with targets dX_i (n,) at times (m,), shape (n, m)."""
    wanted, t = np.asarray(targets, dtype=np.float64), np.asarray(times, dtype=np.float64)
    together, own = _coefficients(arena, wanted)
    c = _decay(arena, len(wanted))
    return np.asarray(together * np.exp(-c * t) + own[:, None] * np.exp(arena.ratio * t))


def nash_traded(arena: Arena, targets: ArrayLike, times: ArrayLike) -> Floats:
    """What each has traded by the times (m,), the integral of his rate, (n, m)."""
    wanted, t = np.asarray(targets, dtype=np.float64), np.asarray(times, dtype=np.float64)
    together, own = _coefficients(arena, wanted)
    c = _decay(arena, len(wanted))
    joint = together * (t if c == 0.0 else -np.expm1(-c * t) / c)
    return np.asarray(joint + own[:, None] * np.expm1(arena.ratio * t) / arena.ratio)


def trading_costs(arena: Arena, rates: ArrayLike, step: float) -> Floats:
    """Cost of each trader for rates (n, m) held for `step` each, by the price they meet, (n,)."""
    y = np.asarray(rates, dtype=np.float64)
    traded = y.sum(axis=0) * step
    before = np.cumsum(traded) - 0.5 * traded  # within a step the price moves evenly
    return np.asarray((y * step * (arena.permanent * before + arena.temporary * y.sum(axis=0))).sum(axis=1))


def _decay(arena: Arena, n: int) -> float:
    return (n - 1.0) / (n + 1.0) * arena.ratio


def _coefficients(arena: Arena, wanted: Floats) -> tuple[float, Floats]:
    if wanted.ndim != 1 or not len(wanted):
        raise InvalidParameter(f"targets of shape {wanted.shape}, wanted one number a trader")
    c, mean = _decay(arena, len(wanted)), float(wanted.mean())
    share = 1.0 / arena.horizon if c == 0.0 else c / -math.expm1(-c * arena.horizon)
    own = arena.ratio / math.expm1(arena.ratio * arena.horizon) * (wanted - mean)
    return share * mean, own
