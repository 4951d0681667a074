"""Textbook quotes as policies.

Every rule is a pair of distances from the mid, from the inventory in quote sizes and the time to the close. The
papers trade one unit a fill in price units; with quotes of z units the same problem has risk aversion gamma z and
penalties phi z and alpha z, and an order brings E[min(v, z)] / z of a quote. Away from the papers' world distances
scale with the width of the market, and the rebate is given back in the price.

    symmetric, avellaneda_stoikov       total spread around the mid, around the reservation price
    gueant_lehalle_fernandez_tapia      exact solution of the same problem in continuous time
    cartea_jaimungal                    risk neutral with inventory penalties
    optimum                             dynamic programme on the environment's own grid
    fixed                               1/k on both sides
    microprice                          Gueant's distances around the microprice (Stoikov, 2018) in place of the mid
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fund.errors import InvalidParameter
from fund.strategy import Policy, View
from specialists.market_making import theory
from specialists.market_making.fills import LimitOrderMarket, Quotes, tabulate
from specialists.market_making.optimum import Objective, Venue
from specialists.market_making.optimum import optimum as solve

if TYPE_CHECKING:
    from specialists.market_making.strategy import MarketMaking

Floats = NDArray[np.float64]
Rule = Callable[[Floats, Floats], Quotes]

WIDEST = 1.0 - 2.0**-20  # the widest action that still quotes, also as a float32


def actions_of(desk: MarketMaking, quotes: Quotes) -> Floats:
    """Actions (n, 2) that place quotes at these distances; an infinite one is no quote."""
    distances = np.stack(quotes, axis=1)
    actions = np.clip((distances - desk.centre) / desk.half_range, -1.0, WIDEST)
    return np.where(np.isinf(distances), 1.0, actions)


def effective(desk: MarketMaking) -> LimitOrderMarket:
    """The exponential market of the papers that this one resembles, in quote sizes."""
    size = desk.order_size if desk.book else math.inf
    filled = size * -math.expm1(-1.0 / size) if size < math.inf else 1.0
    steps = round(desk.day)
    return LimitOrderMarket(desk.sigma, desk.arrival_rate * filled, desk.depth_decay, desk.dt * steps, steps)


def _max_inventory(desk: MarketMaking) -> int:
    return max(1, int(desk.max_inventory / desk.quote_size))


def _time(desk: MarketMaking, view: View) -> NDArray[np.int64]:
    # steps since the opening of the day, days counted back from the horizon
    day = round(desk.day)
    return (view.clock - desk.n_steps) % day


def _placed(desk: MarketMaking, view: View, quotes: Quotes, shift: Floats | float = 0.0) -> Floats:
    width, rebate = view.row["width"], desk.maker_rebate * view.row["mid"]
    return actions_of(desk, Quotes(quotes[0] * width - rebate - shift, quotes[1] * width - rebate + shift))


def _closed_form(desk: MarketMaking, rule: Rule) -> Policy:
    dt, day = desk.dt, round(desk.day)

    def act(view: View) -> Floats:
        held: Floats = view.books.position[0] / desk.quote_size
        left: Floats = dt * (day - _time(desk, view)).astype(np.float64)
        return _placed(desk, view, rule(held, left))

    return act


def _table(desk: MarketMaking, quotes: Quotes, around: str = "mid") -> Policy:
    # quotes (day, 2 Q + 1) on the grid, looked up at the nearest whole inventory
    bound = quotes.bid_distance.shape[1] // 2

    def act(view: View) -> Floats:
        held = np.rint(view.books.position[0] / desk.quote_size).astype(np.int64)
        cell = _time(desk, view), np.clip(held, -bound, bound) + bound
        found = Quotes(quotes.bid_distance[cell], quotes.ask_distance[cell])
        return _placed(desk, view, found, view.row[around] - view.row["mid"])

    return act


def fixed(desk: MarketMaking) -> Policy:
    """1/k on both sides: risk neutral, without penalties."""
    margin = 1.0 / desk.depth_decay
    return _closed_form(desk, lambda held, _: Quotes(np.full_like(held, margin), np.full_like(held, margin)))


def symmetric(desk: MarketMaking) -> Policy:
    """Avellaneda and Stoikov's spread around the mid, whatever the inventory."""
    if desk.gamma == 0.0:
        return fixed(desk)
    market, gamma = effective(desk), desk.gamma * desk.quote_size
    return _closed_form(desk, lambda held, left: theory.symmetric(market, gamma, held, left))


def avellaneda_stoikov(desk: MarketMaking) -> Policy:
    """Avellaneda and Stoikov's spread around their reservation price."""
    if desk.gamma == 0.0:
        return fixed(desk)
    market, gamma = effective(desk), desk.gamma * desk.quote_size
    return _closed_form(desk, lambda held, left: theory.avellaneda_stoikov(market, gamma, held, left))


def gueant_lehalle_fernandez_tapia(desk: MarketMaking, around: str = "mid") -> Policy:
    """The exact quotes of a CARA market maker in continuous time."""
    market, bound = effective(desk), _max_inventory(desk)
    if desk.gamma == 0.0:
        margin = 1.0 / desk.depth_decay
        return _table(
            desk, tabulate(market, bound, lambda *_: Quotes(np.array(margin), np.array(margin))), around
        )
    left = market.time_left
    return _table(desk, theory.glft_distances(market, desk.gamma * desk.quote_size, bound, left), around)


def microprice(desk: MarketMaking) -> Policy:
    """The same around the microprice: a fair price that knows which side of the book is the heavier."""
    return gueant_lehalle_fernandez_tapia(desk, "microprice")


def cartea_jaimungal(desk: MarketMaking) -> Policy:
    """The exact quotes of a risk-neutral market maker who pays for inventory, in continuous time."""
    market = effective(desk)
    penalties = desk.phi * desk.quote_size, desk.alpha * desk.quote_size
    return _table(
        desk, theory.cartea_jaimungal_distances(market, *penalties, _max_inventory(desk), market.time_left)
    )


def optimum(desk: MarketMaking) -> Policy:
    """The best quotes on the environment's own grid; raises InvalidParameter where none is known.

    CARA where phi = alpha = 0, else risk neutral with penalties. With a signal, risk neutral and unpenalised, every
    step stands for itself and 1/k around the microprice is best.
    """
    penalised = desk.phi > 0.0 or desk.alpha > 0.0
    gamma = 0.0 if penalised else desk.gamma * desk.quote_size
    wanted = {
        "book": desk.book,
        "poisson": desk.poisson,
        "flatten": desk.flatten,
        "history": desk.history is not None,
    }
    for name, present in wanted.items():
        if present:
            raise InvalidParameter(
                f"{desk.name}: no optimum is known with {name}; wanted a preset of a paper"
            )
    if desk.signal != 0.0:
        if penalised or gamma > 0.0:
            raise InvalidParameter(
                f"{desk.name}: no optimum is known for a signal with gamma, phi or alpha above 0"
            )
        return microprice(desk)
    objective = Objective(gamma, desk.phi * desk.quote_size, desk.alpha * desk.quote_size)
    venue = Venue(
        desk.min_half_spread, desk.max_half_spread, desk.tick, desk.maker_rebate * desk.initial_price
    )
    quotes = solve(effective(desk), objective, _max_inventory(desk), venue).quotes

    def act(view: View) -> Floats:
        bound = quotes.bid_distance.shape[1] // 2
        held = np.rint(view.books.position[0] / desk.quote_size).astype(np.int64)
        cell = view.clock, np.clip(held, -bound, bound) + bound
        return actions_of(desk, Quotes(quotes.bid_distance[cell], quotes.ask_distance[cell]))

    return act


RULES: dict[str, Callable[[Any], Policy]] = {
    rule.__name__: rule
    for rule in (
        symmetric,
        avellaneda_stoikov,
        gueant_lehalle_fernandez_tapia,
        cartea_jaimungal,
        optimum,
        fixed,
        microprice,
    )
}
