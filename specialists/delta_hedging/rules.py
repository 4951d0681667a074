"""Textbook hedges as policies.

Every rule says between which edges a hedge, in units of the underlier an option, is left alone; equal edges are a
target. Under the action form `multiple` the hedge that this leads to is divided by delta.

    none, black_scholes, bartlett     nothing, delta, delta with the move of the volatility
    leland                            delta at Leland's volatility
    whalley_wilmott, zakamouline      bands of a writer with CARA utility
    tuned_band                        Whalley and Wilmott's band around m delta(v sigma) + shift, tuned by simulation
    optimum                           dynamic programme on the environment's own grid
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fund.errors import InvalidParameter
from fund.market.black_scholes import greeks
from fund.strategy import Policy, View
from specialists.delta_hedging import optimum as programme
from specialists.delta_hedging import theory
from specialists.delta_hedging.step import WIDEST
from specialists.delta_hedging.theory import Band
from specialists.delta_hedging.tuning import Width, tuned

if TYPE_CHECKING:
    from specialists.delta_hedging.strategy import DeltaHedging

Floats = NDArray[np.float64]
Edges = Callable[[View], Band]

LEAST_DELTA = 1e-12  # below it no multiple of delta is a hedge


def policy_of(desk: DeltaHedging, edges: Edges) -> Policy:
    """The policy that keeps its hedge between edges."""

    def act(view: View) -> Floats:
        return actions_of(desk, edges(view), view.row["delta"], view.memory["hedge"])

    return act


def actions_of(desk: DeltaHedging, band: Band, delta: Floats, held: Floats) -> Floats:
    """Actions (n, 1) or (n, 2) that keep the hedge `held` between edges, where delta is what it is."""
    if desk.bands:
        return np.clip(np.stack([delta - band.lower, band.upper - delta], axis=1), -WIDEST, WIDEST)
    target = np.minimum(np.maximum(held, band.lower), band.upper)
    safe = np.where(np.abs(delta) > LEAST_DELTA, delta, 1.0)
    multiple = np.where(np.abs(delta) > LEAST_DELTA, target / safe, 0.0)
    return np.clip(multiple, -WIDEST, WIDEST)[:, None]


def delta_at(desk: DeltaHedging, view: View, sigma: Floats) -> Floats:
    """Deltas (n,) at other volatilities than the implied one."""
    row = view.row
    return greeks(desk.sign, row["spot"], row["strike"], row["time"], desk.rate, desk.dividend, sigma).delta


def none(desk: DeltaHedging) -> Policy:
    """No hedge at all."""
    return policy_of(desk, lambda view: Band(np.zeros(view.n), np.zeros(view.n)))


def black_scholes(desk: DeltaHedging) -> Policy:
    """Delta at the implied volatility, whenever trading is open."""
    return policy_of(desk, lambda view: Band(view.row["delta"], view.row["delta"]))


def bartlett(desk: DeltaHedging) -> Policy:
    """Delta with the move of the volatility that comes with the spot's (market sabr; elsewhere plain delta)."""
    rho, volvol = (desk.rho, desk.volvol) if desk.market == "sabr" else (0.0, 0.0)

    def edges(view: View) -> Band:
        row = view.row
        vega = row["gamma"] * row["spot"] ** 2 * row["sigma"] * row["time"]
        target = theory.bartlett_delta(row["delta"], vega, row["spot"], rho, volvol)
        return Band(target, target)

    return policy_of(desk, edges)


def leland(desk: DeltaHedging) -> Policy:
    """Delta at Leland's volatility."""
    dt = desk.dt * desk.rebalance_steps

    def edges(view: View) -> Band:
        target = delta_at(desk, view, theory.leland_volatility(view.row["sigma"], desk.cost_rate, dt))
        return Band(target, target)

    return policy_of(desk, edges)


def aversion(desk: DeltaHedging) -> float:
    """Absolute risk aversion for one option; raises InvalidParameter where there is none."""
    if desk.risk_aversion == 0.0:
        raise InvalidParameter(f"{desk.name}: risk_aversion is 0, wanted a number above 0 for a band")
    return desk.risk_aversion * desk.notional / desk.spot


def whalley_wilmott(desk: DeltaHedging) -> Policy:
    """Whalley and Wilmott's band around delta."""
    g = aversion(desk)

    def edges(view: View) -> Band:
        row = view.row
        width = theory.whalley_wilmott_width(
            row["spot"], row["gamma"], row["time"], desk.rate, desk.cost_rate, g
        )
        return Band(row["delta"] - width, row["delta"] + width)

    return policy_of(desk, edges)


def zakamouline(desk: DeltaHedging) -> Policy:
    """Zakamouline's band around delta at his modified volatility."""
    g = aversion(desk)

    def edges(view: View) -> Band:
        row = view.row
        found = theory.zakamouline(
            row["spot"], row["gamma"], row["time"], desk.rate, row["sigma"], desk.cost_rate, g
        )
        centre = delta_at(desk, view, found.volatility)
        return Band(centre - found.width, centre + found.width)

    return policy_of(desk, edges)


def banded(desk: DeltaHedging, band: Width) -> Policy:
    """Whalley and Wilmott's band at a risk aversion of one, `band.width` times as wide, around a centre of its own."""

    def edges(view: View) -> Band:
        row = view.row
        width = band.width * theory.whalley_wilmott_width(
            row["spot"], row["gamma"], row["time"], desk.rate, desk.cost_rate, 1.0
        )
        centre = band.slope * delta_at(desk, view, band.volatility * row["sigma"]) + band.shift
        return Band(centre - width, centre + width)

    return policy_of(desk, edges)


def tuned_band(desk: DeltaHedging) -> Policy:
    """The band that did best in simulations of this very world, on seeds of their own."""
    return banded(desk, tuned(desk))


def optimum(desk: DeltaHedging) -> Policy:
    """The best hedge on the environment's own grid; raises InvalidParameter where none is known.

    Known for CARA utility on a binomial tree, and where nothing costs and risk does not count: then the widest hedge
    in the direction in which the underlier is expected to move.
    """
    if (
        desk.risk_aversion == 0.0
        and desk.cost_rate == 0.0
        and desk.market == "gbm"
        and desk.objective == "cara"
    ):
        return _directional(desk)
    tree = programme.tree_of(desk)
    band = programme.optimum(tree).band

    def edges(view: View) -> Band:
        # the spot of an option's node, relative to its own strike
        step = view.clock % desk.option_steps
        level = np.log(view.row["spot"] / view.row["strike"] * (desk.strike / desk.spot)) / desk.move
        ups = np.clip(np.rint((level + step) / 2.0).astype(np.int64), 0, desk.option_steps)
        return Band(band.lower[step, ups], band.upper[step, ups])

    return policy_of(desk, edges)


def _directional(desk: DeltaHedging) -> Policy:
    last = desk.features.index("last_return")

    def edges(view: View) -> Band:
        drift = (desk.mu - desk.dividend) * desk.dt
        foreseen = drift + desk.momentum * desk.move * view.observation[:, last].astype(np.float64)
        foreseen = np.where(view.clock == 0, drift, foreseen)
        target = WIDEST * np.sign(foreseen) * np.abs(view.row["delta"] if not desk.bands else 1.0)
        return Band(target, target)

    return policy_of(desk, edges)


RULES: dict[str, Callable[[Any], Policy]] = {
    rule.__name__: rule
    for rule in (
        black_scholes,
        none,
        leland,
        whalley_wilmott,
        zakamouline,
        tuned_band,
        optimum,
        bartlett,
    )
}
