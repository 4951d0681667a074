"""What trading does to prices: three models, and the test that none can be pumped.

Almgren, Thum, Hauptmann & Li (2005), a parent of X shares over T days, V the daily volume, Theta the shares
outstanding, sigma the daily volatility:

    permanent  I = sigma .314 (X/V) (Theta/V)^(1/4)           temporary  K = sigma .142 sgn(X) |X/(V T)|^(3/5)
    realised   J = I/2 + K

Square root (Grinold & Kahn, 1994; Toth et al., 2011): I = Y sigma sqrt(X/V) sgn(X).

Obizhaeva & Wang (2013): a block book of density q that refills at the rate rho, permanent impact lambda,
kappa = 1/q - lambda. A schedule of trades x_j at times t_j costs, above the permanent lambda X^2 / 2,

    kappa [ sum_j x_j^2 / 2 + sum_{i<j} x_i x_j exp(-rho (t_j - t_i)) ]

least in continuous time for blocks X / (rho T + 2) at both ends and the rate rho X / (rho T + 2) between, where it
is kappa X^2 / (rho T + 2).

No dynamic arbitrage (Huberman & Stanzl, 2004; Gatheral, 2010): a round trip of trades n_k must not pay. Here

    cost = sum_k n_k ( sum_{j<k} f(n_j) + f(n_k)/2 ) + eps sum |n_k| + (eta/tau) sum n_k^2,  f(n) = gamma sgn |n|^power

which is never below 0 for power 1, and can be for any other.

Sources:
    R. Almgren, C. Thum, E. Hauptmann, H. Li (2005), Direct estimation of equity market impact, Risk 18(7):58-62.
    A. Obizhaeva, J. Wang (2013), Optimal trading strategy and supply/demand dynamics, J. Fin. Markets 16:1-32.
    G. Huberman, W. Stanzl (2004), Price manipulation and quasi-arbitrage, Econometrica 72:1247-1275.
    J. Gatheral (2010), No-dynamic-arbitrage and market impact, Quant. Finance 10:749-759.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fund.errors import DataError, InvalidParameter

Floats = NDArray[np.float64]

PERMANENT_2005, TEMPORARY_2005 = 0.314, 0.142  # fitted to 30,000 orders of US stocks


class Impact(NamedTuple):
    """Impact of a parent order as a share of its price, signed like the order."""

    permanent: float  # I
    temporary: float  # K
    realised: float  # J, the mean price paid against the price before


def almgren_2005(
    shares: float, daily_volume: float, outstanding: float, volatility: float, days: float
) -> Impact:
    """Impact of `shares` (signed) over `days`; `volatility` is a day's, as a share of the price.

    Raises InvalidParameter where volume, shares outstanding or days are not above 0.
    """
    _positive(daily_volume=daily_volume, outstanding=outstanding, days=days)
    size = shares / daily_volume
    permanent = volatility * PERMANENT_2005 * size * (outstanding / daily_volume) ** 0.25
    temporary = volatility * TEMPORARY_2005 * float(np.sign(size)) * abs(size / days) ** 0.6
    return Impact(permanent, temporary, 0.5 * permanent + temporary)


def square_root(shares: float, daily_volume: float, volatility: float, coefficient: float = 1.0) -> float:
    """Y sigma sqrt(X/V), signed, as a share of the price; raises InvalidParameter where V is not above 0."""
    _positive(daily_volume=daily_volume)
    size = shares / daily_volume
    return coefficient * volatility * float(np.sign(size)) * abs(size) ** 0.5


@dataclass(frozen=True)
class BlockBook:
    """The limit order book of Obizhaeva & Wang (2013)."""

    density: float = 5000.0  # q, shares a price unit
    permanent: float = 1e-4  # lambda, price units a share
    resilience: float = 2.231  # rho, a day
    horizon: float = 1.0  # T, days

    def __post_init__(self) -> None:
        """Refuse a book that is no book."""
        _positive(density=self.density, resilience=self.resilience, horizon=self.horizon)
        if not 0.0 <= self.permanent < 1.0 / self.density:
            raise InvalidParameter(
                f"permanent impact is {self.permanent}, wanted from 0 to below 1/q = {1.0 / self.density}"
            )

    @property
    def transient(self) -> float:
        """The part kappa = 1/q - lambda of the impact that decays, price units a share."""
        return 1.0 / self.density - self.permanent

    @property
    def block_share(self) -> float:
        """Share of the order in each of the two end blocks, 1 / (rho T + 2)."""
        return 1.0 / (self.resilience * self.horizon + 2.0)


class Blocks(NamedTuple):
    """The optimum in continuous time: two end blocks, a rate between, its cost above the permanent one."""

    block: float
    rate: float  # shares a day
    cost: float


def continuous_schedule(book: BlockBook, shares: float) -> Blocks:
    """Optimal blocks and rate for `shares` (Obizhaeva & Wang, 2013, proposition 3)."""
    block = shares * book.block_share
    return Blocks(block, block * book.resilience, book.transient * shares * block)


def decay_kernel(book: BlockBook, trades: int) -> Floats:
    """exp(-rho |t_i - t_j|) of `trades` equally spaced times from 0 to T, (trades, trades)."""
    times = np.linspace(0.0, book.horizon, trades)
    return np.exp(-book.resilience * np.abs(times[:, None] - times[None, :]))


def transient_cost(book: BlockBook, schedule: ArrayLike) -> float:
    """Cost above the permanent one of trades at equally spaced times from 0 to T, account currency."""
    x = np.asarray(schedule, dtype=np.float64)
    return float(0.5 * book.transient * x @ decay_kernel(book, len(x)) @ x)


def discrete_schedule(book: BlockBook, shares: float, intervals: int) -> Floats:
    """Optimal trades at the ends of `intervals` equal intervals, (intervals + 1,), by a linear solve.

    Raises InvalidParameter for fewer than one interval.
    """
    if intervals < 1:
        raise InvalidParameter(f"{intervals} intervals, wanted 1 or more")
    direction = np.linalg.solve(decay_kernel(book, intervals + 1), np.ones(intervals + 1))
    return np.asarray(shares * direction / direction.sum())


def trading_cost(
    trades: ArrayLike,
    permanent: float,
    temporary: float = 0.0,
    half_spread: float = 0.0,
    power: float = 1.0,
) -> Floats:
    """Expected cost of trades n_k (..., K) with permanent impact gamma |n|^power, shape (...).

    `temporary` is eta/tau, a share of the price a share. Raises DataError where a trade is not finite.
    """
    n = np.atleast_1d(np.asarray(trades, dtype=np.float64))
    if not np.isfinite(n).all():
        raise DataError("a trade is not finite")
    moved = permanent * np.sign(n) * np.abs(n) ** power
    before = np.cumsum(moved, axis=-1) - 0.5 * moved
    return np.asarray((n * before + half_spread * np.abs(n) + temporary * n * n).sum(axis=-1))


def _positive(**values: float) -> None:
    for name, value in values.items():
        if not value > 0.0:
            raise InvalidParameter(f"{name} is {value}, wanted a number above 0")
