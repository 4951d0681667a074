"""The optimum of market making on the environment's own grid, and the exact value of any table of quotes.

One step of the grid of `fills`, from inventory q with both distances set at its start:

1. each side fills at most once, with probability ``p(delta) = min(1, A exp(-k delta) dt)``, independently of the
   other; a fill earns its distance (and the rebate) over the mid;
2. the mid moves by ``+-sigma sqrt(dt)`` and marks the inventory q' held *after* the fills;
3. the running penalty is charged on q' (or, by choice, on the q before the fills).

The value is the certainty equivalent of all this, from inventory q marked at the mid,

    V_T(q) = -alpha q^2 - fee |q|,     C_t(q') = V_{t+1}(q') - ln cosh(gamma sigma sqrt(dt) q')/gamma - phi q'^2 dt
    V_t(q) = max over (delta_b, delta_a) of CE[ gains + C_t(q') ],     CE[X] = -ln E[exp(-gamma X)]/gamma

with CE = E and no charge for the mid's moves at gamma = 0. So gamma > 0, alpha = phi = 0 is the problem of Avellaneda
& Stoikov, and gamma = 0 that of Cartea & Jaimungal.

How a step is maximised is said in `backward_induction`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from fund.errors import InvalidParameter
from specialists.market_making.backward_induction import MASS, Terms, evaluate, induct, propagate
from specialists.market_making.fills import (
    Floats,
    LimitOrderMarket,
    Quotes,
    inventory_levels,
    require_at_least_zero,
)
from specialists.market_making.theory import fill_margin


@dataclass(frozen=True)
class Objective:
    """What a market maker maximises: certainty equivalent of P&L less inventory penalties."""

    gamma: float = 0.0  # absolute risk aversion, per price unit; zero is risk neutral
    running_penalty: float = 0.0  # phi, per unit of inventory squared and of time
    terminal_penalty: float = 0.0  # alpha, per unit of final inventory squared
    penalise_before_fills: bool = False  # charge phi on the inventory a step starts with

    def __post_init__(self) -> None:
        """Refuse numbers without meaning."""
        require_at_least_zero(gamma=self.gamma, running_penalty=self.running_penalty)
        require_at_least_zero(terminal_penalty=self.terminal_penalty)


@dataclass(frozen=True)
class Venue:
    """Which quotes a venue takes and what it charges; distances, rebate and fee in price units."""

    min_distance: float = -math.inf
    max_distance: float = math.inf
    tick: float = 0.0  # distances are multiples of it; zero is a continuum
    maker_rebate: float = 0.0  # per unit filled; negative is a fee
    taker_fee: float = 0.0  # per unit of inventory flattened at the horizon

    def __post_init__(self) -> None:
        """Refuse limits that no quote can meet."""
        require_at_least_zero(tick=self.tick, taker_fee=self.taker_fee)
        low, high = self.limits
        if not (math.isfinite(self.maker_rebate) and low <= high and low < math.inf and high > -math.inf):
            raise InvalidParameter(
                f"{self!r} admits no quote; wanted a finite rebate and a tick between the limits."
            )

    @property
    def limits(self) -> tuple[float, float]:
        """Least and greatest distance that can be quoted, on the tick."""
        if self.tick == 0:
            return self.min_distance, self.max_distance
        low, high = self.min_distance / self.tick, self.max_distance / self.tick
        slack = 1e-9  # of a tick: 0.3 / 0.1 is three ticks
        return float(np.ceil(low - slack)) * self.tick, float(np.floor(high + slack)) * self.tick


class Solution(NamedTuple):
    """Certainty equivalents (n_steps + 1, 2 Q + 1), the last row at the horizon, and the quotes that attain them."""

    value: Floats
    quotes: Quotes


class Statistics(NamedTuple):
    """Exact statistics of the final profit (inventory marked at the mid), inventory and quotes of an episode."""

    profit_mean: float
    profit_std: float
    inventory_mean: float
    inventory_std: float
    average_spread: float  # over the steps at which both sides quote


EVERYWHERE = Venue()


def optimum(
    market: LimitOrderMarket, objective: Objective, max_inventory: int, venue: Venue = EVERYWHERE
) -> Solution:
    """Optimal quotes on the grid by backward induction, inventory held in [-Q, Q].

    The bid at Q and the ask at -Q are infinite: no quote.
    """
    terms = _terms(market, objective, venue)
    before, after, final = _charges(market, objective, venue, inventory_levels(max_inventory))
    value, bid, ask = induct(terms, before, after, final, market.n_steps)
    return Solution(value, Quotes(bid, ask))


def value_of(
    market: LimitOrderMarket, objective: Objective, quotes: Quotes, venue: Venue = EVERYWHERE
) -> Floats:
    """Certainty equivalents of quoting from a table, shape (n_steps + 1, 2 Q + 1); no simulation.

    `quotes` has shapes (n_steps, 2 Q + 1). An infinite distance is no quote, as are the bid at Q and the ask at -Q.
    The venue's rebate and fee apply; its limits and tick do not.

    Raises:
        InvalidParameter: a table of the wrong shape, or with distances that are not numbers.
    """
    bid, ask = _checked(market, quotes)
    charges = _charges(market, objective, venue, inventory_levels(bid.shape[1] // 2))
    return np.asarray(evaluate(_terms(market, objective, venue), *charges, bid, ask))


def statistics_of(
    market: LimitOrderMarket, quotes: Quotes, inventory: int = 0, venue: Venue = EVERYWHERE
) -> Statistics:
    """Exact statistics of quoting from a table, starting from `inventory`; no simulation.

    Profit counts rebates and the final fee, and no penalty. Quotes as in `value_of`.

    Raises InvalidParameter for an inventory beyond the table.
    """
    bid, ask = _checked(market, quotes)
    terms = _terms(market, Objective(), venue)
    levels = inventory_levels(bid.shape[1] // 2)
    if abs(inventory) > levels[-1]:
        raise InvalidParameter(
            f"inventory = {inventory}; wanted one of the table's, within +-{levels[-1]:.0f}."
        )
    mass = np.zeros((len(MASS), levels.size))
    mass[MASS.probability, levels.size // 2 + inventory] = 1.0
    variance = market.sigma**2 * market.dt * levels**2
    mass, spread, quoted = propagate(terms, mass, variance, bid, ask)
    fees = venue.taker_fee * np.abs(levels)
    probability, first, second = mass
    mean = float(np.sum(first - fees * probability))
    square = float(np.sum(second - 2 * fees * first + fees**2 * probability))
    held, held_square = float(probability @ levels), float(probability @ levels**2)
    deviations = (math.sqrt(max(0.0, x)) for x in (square - mean**2, held_square - held**2))
    profit_std, inventory_std = deviations
    return Statistics(mean, profit_std, held, inventory_std, spread / quoted if quoted > 0 else math.nan)


def _terms(market: LimitOrderMarket, objective: Objective, venue: Venue) -> Terms:
    arrivals, (low, high) = market.arrival_rate * market.dt, venue.limits
    margin = fill_margin(objective.gamma, market.depth_decay)
    return Terms(
        arrivals, market.depth_decay, objective.gamma, margin, venue.maker_rebate, low, high, venue.tick
    )


def _charges(
    market: LimitOrderMarket, objective: Objective, venue: Venue, levels: Floats
) -> tuple[Floats, Floats, Floats]:
    # What holding each inventory costs in a step, before and after its fills, and its value at the horizon.
    running = objective.running_penalty * levels**2 * market.dt
    exposure = objective.gamma * market.sigma * math.sqrt(market.dt) * np.abs(levels)
    small = np.log1p(2 * np.sinh(np.minimum(exposure, 1.0) / 2) ** 2)  # ln cosh without cancellation
    log_cosh = np.where(exposure < 1, small, exposure + np.log1p(np.exp(-2 * exposure)) - math.log(2))
    risk = log_cosh / objective.gamma if objective.gamma > 0 else np.zeros_like(levels)
    final = -objective.terminal_penalty * levels**2 - venue.taker_fee * np.abs(levels)
    none = np.zeros_like(levels)
    return (running, risk, final) if objective.penalise_before_fills else (none, risk + running, final)


def _checked(market: LimitOrderMarket, quotes: Quotes) -> tuple[Floats, Floats]:
    bid, ask = (np.array(side, dtype=np.float64) for side in quotes)
    fits = (
        bid.shape == ask.shape and bid.ndim == 2 and bid.shape[0] == market.n_steps and bid.shape[1] % 2 == 1
    )
    if not fits or bid.shape[1] < 3:
        raise InvalidParameter(
            f"Quotes of shapes {bid.shape} and {ask.shape}; wanted both ({market.n_steps}, 2 Q + 1)."
        )
    if np.any(np.isnan(bid) | np.isnan(ask) | np.isneginf(bid) | np.isneginf(ask)):
        raise InvalidParameter("Quotes hold a NaN or minus infinity; wanted distances, or inf for no quote.")
    bid[:, -1] = ask[:, 0] = np.inf
    return bid, ask
