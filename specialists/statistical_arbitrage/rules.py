"""Textbook policies. Each sees only the present row and its own past decisions.

Threshold rules remember the side they have chosen, not the side they hold, so that the same rule played a day late is
that rule a day late. While a side is kept the position is left as it is. One policy plays one batch at a time.

Where moments are estimated, z is the z-score of 60 rows, kappa comes from the half-life and sigma from the spread's
volatility; a position then is in leg 1's worth per unit of wealth and the legs' gross exposure 1 + h P2/P1 times that.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import dawsn

from fund.errors import InvalidParameter
from fund.strategy import Policy, View
from specialists.statistical_arbitrage.discrete_optimum import Problem, discrete_optimum
from specialists.statistical_arbitrage.features import HALF_LIFE_UNIT
from specialists.statistical_arbitrage.jurek_yang import jurek_yang_position
from specialists.statistical_arbitrage.theory import bertram_optimum, optimal_position

if TYPE_CHECKING:
    from specialists.statistical_arbitrage.strategy import StatisticalArbitrage

Floats = NDArray[np.float64]
Side = Callable[[Floats, View], Floats]  # side so far -> side from now on, -1, 0 or 1

OVERSHOOT = 0.5825971579  # mean excess of a Gaussian walk over a level, -zeta(1/2) / sqrt(2 pi)
FASTEST = 30.0 / 252.0  # years within which a spread must revert, Avellaneda & Lee (2010)


def latched(decide: Side) -> Policy:
    """The policy that keeps a side until `decide` changes it, and then holds what it has."""
    sides = [np.zeros(0)]

    def act(view: View) -> Floats:
        side = sides[0] if len(sides[0]) == view.n else np.sign(view.books.position[0])
        sides[0] = decide(np.where(view.clock == 0, 0.0, side), view)
        share = view.slot("position")
        return np.where(sides[0] * share > 0.0, share, sides[0])[:, None]

    return act


def gatev(desk: StatisticalArbitrage) -> Policy:
    """Against the spread from 2 standard deviations until it crosses zero. Gatev, Goetzmann & Rouwenhorst (2006)."""

    def decide(side: Floats, view: View) -> Floats:
        z = view.slot("zscore_60")
        side = np.where(side * z >= 0.0, 0.0, side)
        return np.where((side == 0.0) & (np.abs(z) >= 2.0), -np.sign(z), side)

    return latched(decide)


def bertram(desk: StatisticalArbitrage) -> Policy:
    """Buy the spread at the optimal level a below its mean, sell it at -a, wait. Bertram (2010).

    Decisions come at rows: a crossing is seen late, on average by 0.5826 eta sqrt(dt) (Siegmund 1979; Broadie,
    Glasserman & Kou 1997). Where the process is known, levels stand that much nearer to the mean, and fills average
    at a and -a. Without costs the best level is 0.
    """
    if desk.knows:
        best = -bertram_optimum(desk.alpha, desk.eta, _cost(desk)).entry if _cost(desk) > 0.0 else 0.0
        level = max(best - OVERSHOOT * desk.eta * math.sqrt(desk.dt), 0.0) / desk.stationary_deviation
        levels: Callable[[View], Any] = lambda view: level  # noqa: E731
    else:
        levels = lambda view: _bertram_levels(desk, view)  # noqa: E731

    def decide(side: Floats, view: View) -> Floats:
        z, level = view.slot("zscore_60"), levels(view)
        return np.where(z >= level, 0.0, np.where(z <= -level, 1.0, side))

    return latched(decide)


def avellaneda_lee(desk: StatisticalArbitrage) -> Policy:
    """Against a fast spread from a score of 1.25; longs close at -0.50, shorts at 0.75. Avellaneda & Lee (2010)."""
    slowest = FASTEST * math.log(2.0) / (desk.dt * HALF_LIFE_UNIT)

    def decide(side: Floats, view: View) -> Floats:
        s, fast = view.slot("zscore_60"), view.slot("half_life") < slowest
        side = np.where((side > 0.0) & (s > -0.50) | (side < 0.0) & (s < 0.75), 0.0, side)
        return np.where((side == 0.0) & fast & (np.abs(s) > 1.25), -np.sign(s), side)

    return latched(decide)


def ou_optimal(desk: StatisticalArbitrage) -> Policy:
    """Optimal continuous position of the desk's utility. Boguslavsky & Boguslavskaya (2004), Jurek & Yang (2007).

    With interest on the cash Jurek & Yang's. Without a risk aversion of its own the desk is taken for a log investor.
    """
    return _continuous(desk, _power(desk), ahead=True)


def kelly(desk: StatisticalArbitrage) -> Policy:
    """Position of the log investor, -kappa x / sigma^2."""
    return _continuous(desk, 0.0, ahead=False)


def myopic(desk: StatisticalArbitrage) -> Policy:
    """Kelly's position over the risk aversion: it ignores how the opportunity will change."""
    return _continuous(desk, _power(desk), ahead=False)


def optimum(desk: StatisticalArbitrage) -> Policy:
    """Best position on the desk's own rows and within its limit, by dynamic programming; raises InvalidParameter."""
    charges = (desk.cost_rate, desk.round_trip_cost, desk.borrow_rate, desk.interest)
    if any(charges) or not (desk.knows and desk.compound and desk.utility_power < 1.0):
        raise InvalidParameter(
            f"{desk.name}: the optimum is known for a known Ornstein-Uhlenbeck spread without costs or interest and a "
            "utility_power below 1; try the preset boguslavsky"
        )
    years, limit = desk.n_steps * desk.dt, desk.position_limit
    table = _optimum(Problem(years, desk.n_steps, desk.utility_power, desk.alpha, desk.eta, limit))

    def act(view: View) -> Floats:
        x = view.slot("zscore_60") * desk.stationary_deviation
        held = np.empty(view.n)
        for t in np.unique(view.clock):
            here = view.clock == t
            held[here] = table.decide(int(t), x[here])
        return held[:, None] / desk.position_limit

    return act


_optimum = cache(discrete_optimum)


def _power(desk: StatisticalArbitrage) -> float:
    return desk.utility_power if desk.utility_power < 1.0 else 0.0


def _cost(desk: StatisticalArbitrage) -> float:
    # of a round trip, per unit of spread: both legs in and out
    legs = 1.0 + desk.hedge_ratio if desk.by_exposure else 2.0 * desk.price
    return 2.0 * desk.cost_rate * legs + desk.round_trip_cost


def _estimates(desk: StatisticalArbitrage, view: View) -> tuple[Floats, Floats]:
    # kappa and sigma, a year
    kappa = math.log(2.0) / (view.slot("half_life") * HALF_LIFE_UNIT * desk.dt)
    return kappa, view.slot("spread_volatility") * desk.eta


@cache
def _bertram_curve() -> tuple[Floats, Floats]:
    # cost in units of eta/sqrt(alpha) against the level u = x sqrt(alpha)/eta: c = 2 (u - Dawson(u))
    u = np.linspace(0.0, 8.0, 2001)
    return 2.0 * (u - dawsn(u)), u


def _bertram_levels(desk: StatisticalArbitrage, view: View) -> Floats:
    kappa, sigma = _estimates(desk, view)
    costs, levels = _bertram_curve()
    return np.interp(_cost(desk) * np.sqrt(kappa) / sigma, costs, levels) * math.sqrt(2.0)


def _continuous(desk: StatisticalArbitrage, g: float, ahead: bool) -> Policy:
    def known(view: View) -> Floats:
        x = view.slot("zscore_60") * desk.stationary_deviation
        left = (desk.n_steps - view.clock) * desk.dt if ahead else np.zeros(view.n)
        if desk.interest != 0.0:
            held = jurek_yang_position(x, left, 1.0 - g, desk.alpha, 0.0, desk.eta, desk.interest)
        else:
            held = optimal_position(x, left, g, desk.alpha, desk.eta)
        return held[:, None] / desk.position_limit

    def estimated(view: View) -> Floats:
        kappa, sigma = _estimates(desk, view)
        y = view.slot("zscore_60") / math.sqrt(2.0)  # the spread in units of sigma / sqrt(kappa)
        left = np.inf if ahead and not desk.finite_horizon else (desk.n_steps - view.clock) * desk.dt * ahead
        gross = (
            1.0 + view.row["hedge_ratio"] * view.row["leg_2"] / view.row["leg_1"] if desk.by_exposure else 1.0
        )
        held = optimal_position(y, left * kappa, g) * np.sqrt(kappa) / sigma
        return np.clip(held * gross / desk.position_limit, -1.0, 1.0)[:, None]

    return known if desk.knows else estimated


RULES: Mapping[str, Callable[[Any], Policy]] = {
    "gatev": gatev,
    "bertram": bertram,
    "avellaneda_lee": avellaneda_lee,
    "ou_optimal": ou_optimal,
    "optimum": optimum,
    "kelly": kelly,
    "myopic": myopic,
}
