"""Textbook policies. Each sees only the present row and its own past decisions; one policy plays one batch."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fund.errors import InvalidParameter
from fund.strategy import Policy, View
from specialists.futures_spreads import market
from specialists.futures_spreads.theory import (
    YEAR,
    grid_optimum,
    merton_size,
    moments,
    risk_aversion,
    usual_moments,
)

if TYPE_CHECKING:
    from specialists.futures_spreads.strategy import FuturesSpreads

Floats = NDArray[np.float64]

ENTRY = 2.0  # standard deviations
ROUND_TRIP = 4.0  # trades of a leg: two legs, in and out
NO_COST = 1e-6  # share of traded value, where a market has none


def zscore_threshold(desk: FuturesSpreads) -> Policy:
    """Against the spread from 2 standard deviations of 60 days until it crosses its mean. Gatev et al. (2006)."""
    return _until_crossed(lambda view: view.slot("zscore_60") / ENTRY)


def curve_reversion(desk: FuturesSpreads) -> Policy:
    """Long leg 1 where the first two contracts are cheap against the third, short where dear, until they cross it.

    From what a round trip of both legs costs. Where the first two stand m too high, curvature / 8 is lower by
    m / (years between the second and the third), as the desk's calendar has them.
    """
    contracts = market.calendar(desk)
    behind = (contracts.long - contracts.near - contracts.period) / YEAR

    def dearness(view: View) -> Floats:
        m = -view.slot("curvature") / 8.0 * behind
        return np.asarray(m / np.maximum(ROUND_TRIP * view.row["cost"], NO_COST))

    return _until_crossed(dearness)


def _until_crossed(signal: Callable[[View], Floats]) -> Policy:
    # in full against a signal from one deviation on, until it has crossed zero
    sides = [np.zeros(0)]

    def act(view: View) -> Floats:
        z = signal(view)
        side = sides[0] if len(sides[0]) == view.n else np.zeros(view.n)
        side = np.where(view.clock == 0, 0.0, side)
        side = np.where(side * z >= 0.0, 0.0, side)
        sides[0] = np.where((side == 0.0) & (np.abs(z) >= 1.0), -np.sign(z), side)
        return sides[0][:, None]

    return act


def carry(desk: FuturesSpreads) -> Policy:
    """The side that earns if the curve stays as it is, in full. Koijen, Moskowitz, Pedersen & Vrugt (2018)."""
    return lambda view: np.sign(view.slot("carry"))[:, None]


def merton(desk: FuturesSpreads) -> Policy:
    """The constant position that the usual premia pay for, mean over gamma times variance. Merton (1969)."""
    size = merton_size(usual_moments(desk), risk_aversion(desk))
    action = float(np.clip(size / desk.position_limit, -1.0, 1.0))
    return lambda view: np.full((view.n, 1), action)


def optimum(desk: FuturesSpreads) -> Policy:
    """Best position on the desk's own rows, where a closed form holds; raises InvalidParameter elsewhere.

    Premia alone, log utility or premia that do not depend on the state: Merton's position along the direction, at the
    row's maturities and prices. A mispricing alone, of one contract in two places: `theory.grid_optimum`.
    """
    free = desk.history is None and not (desk.weather or desk.cost_rate or desk.band or desk.interest)
    if free and desk.utility_power < 1.0:
        if not desk.mispricing_sigma and (desk.utility_power == 0.0 or not desk.premium_slope):
            return _premia(desk)
        alone = desk.market == "calendar" and desk.near_contract == desk.far_contract
        if alone and desk.legs == "units" and desk.ratio == 1.0:
            return _mispricing(desk)
    raise InvalidParameter(
        f"{desk.name}: the optimum is known without weather, costs, band and interest, for a utility_power below 1 and "
        "either premia or a mispricing alone; try the presets schwartz_smith, gibson_schwartz, mispricing"
    )


def _premia(desk: FuturesSpreads) -> Policy:
    gamma, contracts = risk_aversion(desk), market.calendar(desk)

    def act(view: View) -> Floats:
        p_1, p_2 = live_prices(view)
        w_1, w_2 = view.row["units_1"] * p_1, view.row["units_2"] * p_2
        phase = np.round((1.0 - view.slot("days_to_roll")) * contracts.period)
        near, far = ((days + contracts.roll - phase) / YEAR for days in (contracts.near, contracts.far))
        chi = _chi(desk, view, p_1 / p_2, near, far) if desk.premium_slope else np.zeros(view.n)
        size = merton_size(moments(desk, w_1, w_2, near, far, chi), gamma)
        return np.clip(size / desk.position_limit, -1.0, 1.0)[:, None]

    return act


def _chi(desk: FuturesSpreads, view: View, ratio: Floats, near: Floats, far: Floats) -> Floats:
    # the short-term deviation that two contracts of one curve show
    curve = desk.curve
    day = np.arctan2(view.slot("season_sin"), view.slot("season_cos")) / (2.0 * math.pi)
    fixed = curve.intercept(near) - curve.intercept(far)
    fixed = fixed + desk.seasonality(day + near) - desk.seasonality(day + far)
    return np.asarray((np.log(ratio) - fixed) / (curve.loading(near) - curve.loading(far)))


def _mispricing(desk: FuturesSpreads) -> Policy:
    best = _grid(desk.mispricing_kappa, desk.mispricing_sigma, 1.0 / YEAR, desk.n_steps, desk.utility_power)

    def act(view: View) -> Floats:
        p_1, p_2 = live_prices(view)
        wanted = -best.multiple[np.minimum(view.clock, desk.n_steps - 1)] * (p_1 / p_2 - 1.0)
        one = view.row["units_1"] * p_2  # of the fair price that a money unit of the direction holds
        return np.clip(wanted / (one * desk.position_limit), -1.0, 1.0)[:, None]

    return act


_grid = cache(grid_optimum)


def live_prices(view: View) -> tuple[Floats, Floats]:
    """Prices of the contracts that are held from this row on."""
    far_b = view.row["slot"] > 1.5
    near_b = view.row["slot"] - 2.0 * far_b > 0.5
    first = np.where(near_b, view.row["near_b"], view.row["near_a"])
    return first, np.where(far_b, view.row["far_b"], view.row["far_a"])


RULES: Mapping[str, Callable[[Any], Policy]] = {
    "zscore_threshold": zscore_threshold,
    "curve_reversion": curve_reversion,
    "carry": carry,
    "merton": merton,
    "optimum": optimum,
}
