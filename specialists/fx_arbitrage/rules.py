"""Textbook policies. Each sees the present row, the observation and its own account, and nothing else.

Weights of currencies are worths over the NAV; a pair's action is its notional over the full one, `position_limit` times
the NAV. Where moments are not given, volatilities are those of the last 20 rows (no less than half the usual ones) and
the correlation that of the last 60; premia are (1 - beta) times the differentials that the carry shows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fund.errors import InvalidParameter
from fund.strategy import Policy, View
from specialists.fx_arbitrage.features import CARRY_UNIT
from specialists.fx_arbitrage.step import notionals
from specialists.fx_arbitrage.theory import merton_weights, no_trade_half_width, step_weights

if TYPE_CHECKING:
    from specialists.fx_arbitrage.strategy import FxArbitrage

Floats = NDArray[np.float64]
Targets = Callable[[View], tuple[Floats, Floats]]  # weights of the base and the terms currency

LEAST_VOLATILITY = 0.5  # of the usual one
MOST_CORRELATION = 0.95


def held(view: View) -> Floats:
    """Notionals of the three pairs, (3, n), home currency."""
    row, memory = view.row, view.memory
    return np.stack(notionals.py_func(row["base"], row["terms"], view.books.position, memory["cross"]))


def actions(desk: FxArbitrage, view: View, wanted: Floats) -> Floats:
    """Actions (n, 3) that ask for notionals (3, n)."""
    full = np.maximum(view.books.nav, 1e-9) * desk.position_limit
    return np.asarray(np.clip(wanted / full, -1.0, 1.0).T)


def routed(view: View, base: Floats, terms: Floats) -> Floats:
    """Notionals (3, n) after the trades that lead to these weights of the two currencies.

    Where one is bought and the other sold that is one trade in the cross; the rest goes against home.
    """
    now, nav = held(view), view.books.nav
    buy_base, buy_terms = base * nav - now[0] - now[2], terms * nav + now[1] + now[2]
    both = np.minimum(np.abs(buy_base), np.abs(buy_terms))
    cross = np.where(buy_base * buy_terms < 0.0, np.sign(buy_base) * both, 0.0)
    return np.asarray(now + np.stack([buy_base - cross, -buy_terms - cross, cross]))


def differentials(view: View) -> tuple[Floats, Floats]:
    """Interest of the base and the terms currency over home's, a year, as the carry shows it."""
    return view.slot("base_home_carry") * CARRY_UNIT, -view.slot("home_terms_carry") * CARRY_UNIT


def carry(desk: FxArbitrage) -> Policy:
    """1/N: long the higher interest in every pair, a third of the NAV each. Burnside et al. (2011)."""

    def act(view: View) -> Floats:
        side = np.sign(
            np.stack([view.slot(f"{pair}_carry") for pair in ("base_home", "home_terms", "cross")])
        )
        return actions(desk, view, side * view.books.nav / 3.0)

    return act


def merton(desk: FxArbitrage) -> Policy:
    """Sigma^-1 pi / gamma; moments are estimated where the desk's own change. Merton (1969)."""
    targets = weights(desk)
    return lambda view: actions(desk, view, routed(view, *targets(view)))


def no_trade_band(desk: FxArbitrage) -> Policy:
    """Merton's weights; inside the no-trade region nothing is done, outside its nearest edge is the target.

    Gerhold, Guasoni, Muhle-Karbe & Schachermayer (2014), for each currency on its own.
    """
    targets, cost = weights(desk), cost_of(desk)

    def act(view: View) -> Floats:
        now = held(view)
        nav = np.maximum(view.books.nav, 1e-9)
        own = (now[0] + now[2]) / nav, -(now[1] + now[2]) / nav
        edges = [_nearest(w, h, desk.gamma, cost) for w, h in zip(targets(view), own, strict=True)]
        return actions(desk, view, routed(view, *edges))

    return act


def _nearest(target: Floats, own: Floats, gamma: float, cost: float) -> Floats:
    half = no_trade_half_width(target, gamma, cost)
    return np.clip(own, target - half, target + half)


def cost_of(desk: FxArbitrage) -> float:
    """One way through a pair against home, share of its value: fee and half-spread."""
    return desk.fee + 0.5 * (desk.spreads[0] + desk.spreads[1])


def weights(desk: FxArbitrage) -> Targets:
    """Merton's weights of the two currencies; raises InvalidParameter where the desk has no risk aversion."""
    if not desk.gamma > 0.0:
        raise InvalidParameter(f"{desk.name}: gamma is {desk.gamma}, wanted a risk aversion above 0")
    if desk.known:
        fixed = merton_weights(desk.premia, desk.covariance, desk.gamma)
        return lambda view: (np.full(view.n, fixed[0]), np.full(view.n, fixed[1]))
    return lambda view: _estimated(desk, view)


def _estimated(desk: FxArbitrage, view: View) -> tuple[Floats, Floats]:
    # (pi_1 - rho pi_2 s_1 / s_2) / (s_1^2 (1 - rho^2) gamma), and the same the other way round
    usual = desk.base_volatility, desk.terms_volatility
    seen = view.slot("base_home_volatility"), view.slot("home_terms_volatility")
    one, two = (u * np.maximum(v, LEAST_VOLATILITY) for u, v in zip(usual, seen, strict=True))
    rho = np.clip(-view.slot("correlation_base_home_home_terms"), -MOST_CORRELATION, MOST_CORRELATION)
    base, terms = ((1.0 - desk.uip_beta) * d for d in differentials(view))
    shrink = desk.gamma * (1.0 - rho * rho)
    first = (base / one - rho * terms / two) / (one * shrink)
    return first, (terms / two - rho * base / one) / (two * shrink)


def optimum(desk: FxArbitrage) -> Policy:
    """The best policy on the desk's own rows, where premia and covariance are constant and trading is free.

    Raises InvalidParameter elsewhere.
    """
    if not (desk.known and desk.gamma > 0.0 and desk.free):
        raise InvalidParameter(
            f"{desk.name}: the optimum is known for constant premia and volatilities without costs, deviations or "
            "weather, and a gamma above 0; try the preset merton_carry"
        )
    best = step_weights(desk.premia, desk.covariance, desk.gamma, desk.years_per_step)

    def act(view: View) -> Floats:
        return actions(desk, view, routed(view, np.full(view.n, best[0]), np.full(view.n, best[1])))

    return act


def executable_triangle(desk: FxArbitrage) -> Policy:
    """Round the triangle whenever that pays after fees, for as much as all three legs have room for."""
    fee = desk.fee

    def act(view: View) -> Floats:
        row = view.row
        over = row["cross"] * row["terms"] / row["base"]
        one, two, three = (row[f"{pair}_spread"] for pair in ("base_home", "home_terms", "cross"))
        out, turned = 1.0 + one, over * (1.0 - three)
        clockwise = turned * (1.0 - two) * (1.0 - fee) - out * (1.0 + fee) - fee * turned
        out, turned = 1.0 - one, over * (1.0 + three)
        anticlockwise = out * (1.0 - fee) - turned * (1.0 + two) * (1.0 + fee) - fee * turned
        side = np.where(clockwise > 0.0, 1.0, np.where(anticlockwise > 0.0, -1.0, 0.0))
        size = np.where(side > 0.0, view.slot("size_clockwise"), view.slot("size_anticlockwise")) * desk.size
        room = np.minimum(desk.position_limit, desk.leverage / 3.0) * np.maximum(view.books.nav, 0.0)
        legs = np.stack([side, side, -side]) * np.minimum(size * (1.0 - 1e-6), room)
        return actions(desk, view, np.where(side == 0.0, held(view), held(view) + legs))

    return act


RULES: Mapping[str, Callable[[Any], Policy]] = {
    rule.__name__: rule for rule in (carry, merton, no_trade_band, executable_triangle, optimum)
}
