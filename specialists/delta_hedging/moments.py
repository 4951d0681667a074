"""What the next step does in the mean, for a reward without noise (`control_variate`).

With dS the move of the spot, dV that of the option at the shadow volatility and dO that of its price, all over the
next step, known at row t:

    move = E dS^2    ideal = E dS dV / E dS^2    rest = E dV^2 - ideal^2 move
    spot_drift = E dS    option_drift = E dO

On a binomial tree the means are exact; elsewhere they are Gauss-Hermite sums over the normal shock of the step. In the
weather's market the volatility quoted at the end of the step depends on that shock, too.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fund.compiled import compiled
from fund.market.black_scholes import value
from fund.market.garch import next_heat
from fund.market.tape import Tape
from fund.strategy import names
from specialists.delta_hedging.step import Columns
from specialists.delta_hedging.valuation import PLACES, Places, Terms, shadow_volatility, terms_of

if TYPE_CHECKING:
    from specialists.delta_hedging.strategy import DeltaHedging

Floats = NDArray[np.float64]

NODES, FEWER_NODES = 48, 20  # at expiry the payoff has a kink, and few nodes would miss it


class Means(NamedTuple):
    """Where the moments stand in a tape."""

    ideal: int
    move: int
    rest: int
    spot_drift: int
    option_drift: int


MEANS = Means(*(names(Columns).index(name) for name in Means._fields))


class Next(NamedTuple):
    """What the weather's market knows of the step after a row, and more than an agent does: the day's regime."""

    scale: Floats  # (T+1, n) deviation of the log return, over the root of the GARCH variance
    heat: Floats  # (T+1, n) GARCH variance
    regime: NDArray[np.int64]  # (T+1, n)
    sums: Floats  # (2, steps + 1, regimes) of expected variance, from the day after
    drift: float
    quoted: float  # implied volatility over the fair one, times sigma


def write_moments(desk: DeltaHedging, tape: Tape) -> None:
    """Fill the tape's columns of moments (markets gbm and binomial)."""
    growths, weights = growth(desk)
    _write(tape.by_path, PLACES, MEANS, terms_of(desk), growths, weights)


def write_garch_moments(desk: DeltaHedging, tape: Tape, ahead: Next) -> None:
    """The same in the weather's market."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(FEWER_NODES)
    _write_garch(tape.by_path, PLACES, MEANS, terms_of(desk), ahead, nodes, weights / weights.sum())


def growth(desk: DeltaHedging) -> tuple[Floats, Floats]:
    """Growth factors of the spot over a step, and their probabilities."""
    if desk.market == "binomial":
        up = desk.up_probability
        return np.exp(desk.move * np.array([1.0, -1.0])), np.array([up, 1.0 - up])
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    return np.exp(desk.log_drift * desk.dt + desk.move * nodes), weights / weights.sum()


@compiled(nogil=True)
def _write(block: Floats, at: Places, means: Means, terms: Terms, growths: Floats, weights: Floats) -> None:
    for t in range(block.shape[0]):
        for i in range(block.shape[1]):
            row = block[t, i]
            sigmas = np.full(growths.size, row[at.sigma])
            _moments(row, at, means, terms, growths, sigmas, weights)


@compiled(nogil=True)
def _write_garch(
    block: Floats, at: Places, means: Means, terms: Terms, ahead: Next, nodes: Floats, weights: Floats
) -> None:
    growths, sigmas = np.empty(nodes.size), np.empty(nodes.size)
    for t in range(block.shape[0]):
        for i in range(block.shape[1]):
            row, heat, scale, state = block[t, i], ahead.heat[t, i], ahead.scale[t, i], ahead.regime[t, i]
            left = int(row[at.time] / terms.dt + 0.5) - 1
            for k in range(nodes.size):
                z = math.sqrt(heat) * nodes[k]
                growths[k] = math.exp(ahead.drift + scale * z - 0.5 * scale * scale * heat)
                after = next_heat(heat, z)
                expected = ahead.sums[0, left, state] + (after - 1.0) * ahead.sums[1, left, state]
                sigmas[k] = ahead.quoted * math.sqrt(expected / left) if left > 0 else 0.0
            _moments(row, at, means, terms, growths, sigmas, weights)


@compiled(nogil=True)
def _moments(
    row: Floats, at: Places, means: Means, terms: Terms, growths: Floats, sigmas: Floats, weights: Floats
) -> None:
    left = row[at.time] - terms.dt
    left = left if left > 0.5 * terms.dt else 0.0
    spot_mean = option_mean = spot_square = shadow_square = product = 0.0
    for k in range(len(growths)):
        spot = row[at.spot] * growths[k]
        price = _price(spot, row[at.strike], left, sigmas[k], terms)
        shadow = price
        if (terms.shadow != 1.0 or terms.skew != 0.0) and left > 0.0:
            sigma = shadow_volatility(terms, sigmas[k], spot, row[at.strike])
            shadow = _price(spot, row[at.strike], left, sigma, terms)
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
