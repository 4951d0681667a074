"""The market a quote rests in: exponential depth around a moving mid, and tables of quotes on its time grid.

The mid follows ``dS = sigma dW``. A quote at distance ``delta`` from it is hit as a Poisson process of rate
``A exp(-k delta)``, one unit a fill, each side independently. On a grid of steps dt a side fills at most once a step,
with probability ``min(1, A exp(-k delta) dt)``, and the mid moves by ``+-sigma sqrt(dt)`` after the fills.
A bid distance is mid minus bid, an ask distance ask minus mid; a negative one lies through the mid.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fund.errors import InvalidParameter

Floats = npt.NDArray[np.float64]


class Quotes(NamedTuple):
    """Distances of the two quotes from the mid, in price units; infinite where a side does not quote."""

    bid_distance: Floats
    ask_distance: Floats


@dataclass(frozen=True)
class LimitOrderMarket:
    """A mid with Gaussian moves and fills whose rate decays exponentially with the distance from it."""

    sigma: float  # of the mid, price units per square root of time
    arrival_rate: float  # A: fills per unit of time and side at distance zero
    depth_decay: float  # k: per price unit
    horizon: float = 1.0  # T
    n_steps: int = 200  # of the grid; the continuous-time forms ignore it

    def __post_init__(self) -> None:
        """Refuse numbers without meaning."""
        require_at_least_zero(sigma=self.sigma, arrival_rate=self.arrival_rate)
        require_positive(depth_decay=self.depth_decay, horizon=self.horizon)
        require_count(n_steps=self.n_steps)

    @property
    def dt(self) -> float:
        """Length of one step."""
        return self.horizon / self.n_steps

    @property
    def time_left(self) -> Floats:
        """Time to the horizon at the start of each step, shape (n_steps,)."""
        return self.horizon * (1 - np.arange(self.n_steps) / self.n_steps)

    def fill_probability(self, distance: npt.ArrayLike) -> Floats:
        """Probability ``min(1, A exp(-k distance) dt)`` of the one fill that a step allows; same shape."""
        distances = np.asarray(distance, dtype=np.float64)
        if self.arrival_rate == 0:
            return np.zeros_like(distances)
        exponent = math.log(self.arrival_rate * self.dt) - self.depth_decay * distances
        return np.asarray(np.exp(np.minimum(exponent, 0.0)))


def inventory_levels(max_inventory: int) -> Floats:
    """The inventories -Q, ..., Q, shape (2 Q + 1,); entry i of every table is inventory i - Q."""
    require_count(max_inventory=max_inventory)
    return np.arange(-max_inventory, max_inventory + 1, dtype=np.float64)


def tabulate(
    market: LimitOrderMarket, max_inventory: int, rule: Callable[[Floats, Floats], Quotes]
) -> Quotes:
    """A rule's distances on the grid, shapes (n_steps, 2 Q + 1).

    `rule` maps inventory (2 Q + 1,) and time left (n_steps, 1) to `Quotes`. The bid at Q and the ask at -Q are
    infinite: a fill there would leave the table.
    """
    levels = inventory_levels(max_inventory)
    quotes = rule(levels, market.time_left[:, None])
    bid, ask = (np.broadcast_to(side, (market.n_steps, levels.size)).copy() for side in quotes)
    bid[:, -1] = ask[:, 0] = np.inf
    return Quotes(bid, ask)


def require_positive(**values: float) -> None:
    """Raise `InvalidParameter` unless every value is finite and above zero."""
    for name, value in values.items():
        if not (math.isfinite(value) and value > 0):
            raise InvalidParameter(f"{name} = {value!r}; wanted a finite number above zero.")


def require_at_least_zero(**values: float) -> None:
    """Raise `InvalidParameter` unless every value is finite and not negative."""
    for name, value in values.items():
        if not (math.isfinite(value) and value >= 0):
            raise InvalidParameter(f"{name} = {value!r}; wanted a finite number, zero or more.")


def require_count(**values: int) -> None:
    """Raise `InvalidParameter` unless every value is a whole number above zero."""
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
            raise InvalidParameter(f"{name} = {value!r}; wanted a whole number, one or more.")
