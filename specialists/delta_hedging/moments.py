"""What the next step does in the mean, for a reward without noise (`control_variate`).

With dS the move of the spot, dV that of the option at the shadow volatility and dO that of its price, all over the
next step, known at row t:

    move = E dS^2    ideal = E dS dV / E dS^2    rest = E dV^2 - ideal^2 move
    spot_drift = E dS    option_drift = E dO

On a binomial tree the means are exact; under geometric Brownian motion they are Gauss-Hermite sums.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fund.compiled import compiled
from fund.market.black_scholes import value
from fund.market.tape import Tape
from fund.strategy import names
from specialists.delta_hedging.step import Columns
from specialists.delta_hedging.valuation import PLACES, Places, Terms, terms_of

if TYPE_CHECKING:
    from specialists.delta_hedging.strategy import DeltaHedging

Floats = NDArray[np.float64]

NODES = 48  # at expiry the payoff has a kink, and few nodes would miss it


class Means(NamedTuple):
    """Where the moments stand in a tape."""

    ideal: int
    move: int
    rest: int
    spot_drift: int
    option_drift: int


MEANS = Means(*(names(Columns).index(name) for name in Means._fields))


def write_moments(s: DeltaHedging, tape: Tape) -> None:
    """Fill the tape's columns of moments."""
    growths, weights = growth(s)
    _write(tape.by_path, PLACES, MEANS, terms_of(s), growths, weights)


def growth(s: DeltaHedging) -> tuple[Floats, Floats]:
    """Growth factors of the spot over a step, and their probabilities."""
    if s.market == "binomial":
        up = s.up_probability
        return np.exp(s.move * np.array([1.0, -1.0])), np.array([up, 1.0 - up])
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    return np.exp(s.log_drift * s.dt + s.move * nodes), weights / weights.sum()


@compiled(nogil=True)
def _write(block: Floats, at: Places, means: Means, terms: Terms, growths: Floats, weights: Floats) -> None:
    rows, n, _ = block.shape
    for t in range(rows):
        for i in range(n):
            row = block[t, i]
            left = row[at.time] - terms.dt
            left = left if left > 0.5 * terms.dt else 0.0
            spot_mean = option_mean = spot_square = shadow_square = product = 0.0
            for k in range(len(growths)):
                spot = row[at.spot] * growths[k]
                price = _price(spot, row[at.strike], left, row[at.sigma], terms)
                shadow = price
                if terms.shadow != 1.0 and left > 0.0:
                    shadow = _price(spot, row[at.strike], left, terms.shadow * row[at.sigma], terms)
                x, y, w = spot - row[at.spot], shadow - row[at.shadow], weights[k]
                spot_mean += w * x
                option_mean += w * (price - row[at.premium])
                spot_square += w * x * x
                shadow_square += w * y * y
                product += w * x * y
            ideal = product / spot_square
            row[means.ideal], row[means.move] = ideal, spot_square
            row[means.rest] = max(shadow_square - ideal * product, 0.0)
            row[means.spot_drift], row[means.option_drift] = spot_mean, option_mean


@compiled(nogil=True)
def _price(spot: float, strike: float, left: float, sigma: float, terms: Terms) -> float:
    if left > 0.0:
        return value(terms.sign, spot, strike, left, terms.rate, terms.dividend, sigma)
    return max(terms.sign * (spot - strike), 0.0)
