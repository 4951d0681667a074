"""Textbook execution as policies: how fast (TWAP, VWAP, Almgren-Chriss) and where (depths, Cont-Kukanov).

A rule says a multiple of the TWAP pace for each parent, and how a slice is split between market and posted orders.

    cont_kukanov      Almgren-Chriss with Cont-Kukanov routing, the yardstick
    almgren_chriss    the sinh schedule, by market orders over the venues' depths
    twap, vwap        even slices; slices in proportion to the expected volume
    imbalance         cont_kukanov, faster where the imbalance says that the price is about to run away
    at_once           as fast as can be
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from fund.grandmodel.execution.layout import ACTIONS, INSTRUMENTS, VENUES
from fund.grandmodel.execution.market import FLOW_NOISE
from fund.strategy import Policy, View

if TYPE_CHECKING:
    from fund.grandmodel.execution.strategy import Execution

Floats = NDArray[np.float64]
Pace = Callable[["Execution", View, str], Floats]
"""Multiple (n,) of the TWAP pace at which one instrument's parent is worked."""

FASTEST = 4.0  # multiples of the pace that an action can ask for
QUANTILES = ndtri((np.arange(16) + 0.5) / 16.0)  # of the flow, for means


class Slice(NamedTuple):
    """How a slice is worked: shares by market order, and posted at each venue."""

    size: Floats  # (n,)
    posted: Floats  # (n, 3)


def _left(s: Execution, view: View) -> Floats:
    return np.asarray(np.maximum(s.n_steps - view.clock, 1), dtype=np.float64)


def _per_venue(view: View, column: str, instrument: str) -> Floats:
    return np.stack([view.row[f"{column}_{instrument}{v}"] for v in VENUES], axis=1)


def own_tilt(s: Execution, view: View) -> Floats:
    """The tilt (n,) between the parents that risk and cost give before any priority is asked for."""

    def share(measure: str) -> Floats:
        one, two = (np.abs(view.memory[f"open_{i}"]) * view.row[f"{measure}_{i}"] for i in INSTRUMENTS)
        both = (one > 0.0) & (two > 0.0)
        return np.where(both, (one - two) / np.where(both, one + two, 1.0), 0.0)

    weight = s.execution_cost_weight
    return s.priority_strength * ((1.0 - weight) * share("volatility") - weight * share("half_spread"))


def actions_of(
    s: Execution, view: View, paces: tuple[Floats, Floats], slices: list[Slice] | None = None
) -> Floats:
    """Actions (n, 13) that work the parents at these multiples of the pace; without slices, by market orders."""
    out = np.zeros((view.n, len(ACTIONS)))
    place = {name: k for k, name in enumerate(ACTIONS)}
    present = [view.memory[f"open_{i}"] != 0.0 for i in INSTRUMENTS]
    one, two = (np.clip(pace, 0.0, FASTEST) for pace in paces)
    both = present[0] & present[1]
    mean = np.where(both, 0.5 * (one + two), np.where(present[0], one, two))
    tilt = np.where(both, 0.5 * (one - two) / np.maximum(mean, 1e-12), 0.0)
    out[:, place["slice"]] = np.sqrt(mean) - 1.0
    out[:, place["priority"]] = tilt - own_tilt(s, view)
    out[:, place["timing"]] = -1.0
    for name in ("stop", "target", "participation", "aggressiveness"):
        out[:, place[name]] = 1.0
    if not s.smart_routing:
        depth = sum(_per_venue(view, "depth", i) for i in INSTRUMENTS)
        out[:, place["take_1"] : place["take_3"] + 1] = _weights(np.asarray(depth))
    if slices is not None:
        size, posted = sum(x.size for x in slices), sum(x.posted for x in slices)
        share = np.asarray(posted).sum(axis=1) / np.maximum(size, 1e-12)
        out[:, place["aggressiveness"]] = 1.0 - 2.0 * share
        out[:, place["post_1"] : place["post_3"] + 1] = _weights(np.asarray(posted))
    return np.clip(out, -1.0, 1.0)


def _weights(parts: Floats) -> Floats:
    # 1 + action in proportion to the parts
    return 2.0 * parts / np.maximum(parts.max(axis=1, keepdims=True), 1e-12) - 1.0


# --- how fast -------------------------------------------------------------------------------------------------


def even(s: Execution, view: View, instrument: str) -> Floats:
    """TWAP."""
    return np.ones(view.n)


def by_volume(s: Execution, view: View, instrument: str) -> Floats:
    """VWAP: the step's expected volume over the mean of the hours that are left."""
    x = 2.0 * np.arange(s.steps_per_day) / s.steps_per_day - 1.0
    curve = np.tile(1.0 + s.season * (3.0 * x**2 - 1.0), 2 + s.n_steps // s.steps_per_day)
    summed = np.concatenate([[0.0], np.cumsum(curve)])
    minute, left = view.row["minute"].astype(np.int64), _left(s, view)
    ahead = summed[minute + left.astype(np.int64)] - summed[minute]
    return np.asarray(curve[minute] * left / ahead)


def sinh_schedule(s: Execution, view: View, instrument: str) -> Floats:
    """Almgren and Chriss's slice at the present volatility and depth, as a multiple of the pace."""
    depth = _per_venue(view, "depth", instrument).sum(axis=1)
    effective = np.maximum(s.marginal / depth - 0.5 * s.permanent, 1e-15)
    risk, left = s.risk_aversion * view.row[f"volatility_{instrument}"] ** 2, _left(s, view)
    kappa = np.maximum(np.arccosh(1.0 + 0.5 * risk / effective), 1e-9)
    # 1 - sinh(kappa (l - 1)) / sinh(kappa l), without overflow
    kept = np.exp(-kappa) * np.expm1(-2.0 * kappa * (left - 1.0)) / np.expm1(-2.0 * kappa * left)
    return np.asarray((1.0 - kept) * left)


def fastest(s: Execution, view: View, instrument: str) -> Floats:
    """All that an action can ask for."""
    return np.full(view.n, FASTEST)


def with_imbalance(s: Execution, view: View, instrument: str) -> Floats:
    """The sinh schedule, times 1 + side * imbalance: buy before it rises, wait before it falls."""
    said = view.slot(f"imbalance_{instrument}")
    side = np.sign(view.memory[f"open_{instrument}"])
    return np.maximum(sinh_schedule(s, view, instrument) * (1.0 + side * said), 0.0)


# --- where ----------------------------------------------------------------------------------------------------


def split(s: Execution, view: View, instrument: str, pace: Floats) -> Slice:
    """Cont and Kukanov's split of a slice whose market orders have quadratic costs.

    The last share posted at a venue, q deep, costs as much as the last by market order:
    2h + f + 2M/d + r = F(q) (lambda_u + h + r) + what the price runs away where the order is not filled.

    Where what is not filled is bought at once, lambda_u is what that costs: `child.completing` at its mean.
    """
    left, open_ = _left(s, view), np.abs(view.memory[f"open_{instrument}"])
    size = np.where(left <= 1.0, open_, np.minimum(open_, open_ / left * np.clip(pace, 0.0, FASTEST)))
    if not s.passive:
        return Slice(size, np.zeros((view.n, len(VENUES))))
    depth = _per_venue(view, "depth", instrument)
    fee = float(np.average([s.fee_1, s.fee_2, s.fee_3], weights=s.venue_share))
    by_market = size.copy()
    posted = np.zeros_like(depth)
    for _ in range(4):
        price = view.row[f"half_spread_{instrument}"] + fee + 2.0 * s.marginal * by_market / depth.sum(axis=1)
        missed = _price_of_a_miss(s, view, instrument, s.marginal * (size + by_market) / depth.sum(axis=1))
        reach = _reach(s, view, instrument, price, missed)
        posted = np.maximum(reach - _per_venue(view, "queue", instrument), 0.0)
        posted *= np.minimum(1.0, size / np.maximum(posted.sum(axis=1), 1e-12))[:, None]
        by_market = 0.5 * (by_market + size - posted.sum(axis=1))
    if s.carry_over:
        # what is not filled would be left to later steps: on average the slice is to be done in this one
        missed = np.maximum(posted.sum(axis=1) - _expected_fill(s, view, instrument, posted), 0.0)
        size = np.where(left <= 1.0, size, np.minimum(size + missed, open_))
    return Slice(size, posted)


def _expected_fill(s: Execution, view: View, instrument: str, posted: Floats) -> Floats:
    # (n,) mean of sum min((outflow - queue)^+, posted), a sum over quantiles of the flow
    queue, flow, noise = (
        _per_venue(view, "queue", instrument),
        _flow(s, view, instrument),
        np.hypot(FLOW_NOISE * s.venue_noise, s.adverse),
    )
    filled = np.zeros(view.n)
    for z in QUANTILES:
        outflow = flow * np.exp(noise * z - 0.5 * noise**2)
        filled += np.minimum(np.maximum(outflow - queue, 0.0), posted).sum(axis=1)
    return np.asarray(s.fill_probability * filled / len(QUANTILES))


def _flow(s: Execution, view: View, instrument: str) -> Floats:
    # (n, 3) mean outflow of the step
    return np.asarray(s.flow_share * np.array(s.venue_share) * view.row[f"volume_{instrument}"][:, None])


def _price_of_a_miss(s: Execution, view: View, instrument: str, impact: Floats) -> Floats:
    # (n,) above the mid, a share: the penalty, and where it falls due in this step, what completing costs
    due = _left(s, view) <= 1.0 if s.carry_over else np.ones(view.n, dtype=np.bool_)
    market = view.row[f"half_spread_{instrument}"] + max(s.fee_1, s.fee_2, s.fee_3)
    return np.where(due, np.maximum(s.under_fill, market) + impact, s.under_fill)


def _reach(s: Execution, view: View, instrument: str, price: Floats, missed: Floats) -> Floats:
    # (n, 3) depth of the outflow up to which posting pays
    half = view.row[f"half_spread_{instrument}"][:, None]
    gain = half + np.array([s.rebate_1, s.rebate_2, s.rebate_3])
    saved, risked = price[:, None] + gain, missed[:, None] + gain
    flow = _flow(s, view, instrument)
    if s.poisson_flow:
        from scipy.stats import poisson

        return np.asarray(poisson(flow).ppf(np.minimum(saved / risked, 1.0 - 1e-12)))
    noise = np.hypot(FLOW_NOISE * s.venue_noise, s.adverse)
    if noise == 0.0:
        return flow
    run = view.row[f"volatility_{instrument}"][:, None] * s.adverse / noise / np.sqrt(2.0 * np.pi)
    low, high = np.full_like(flow, -8.0), np.full_like(flow, 8.0)
    for _ in range(20):
        middle = 0.5 * (low + high)
        unfilled = 1.0 - s.fill_probability + s.fill_probability * ndtr(middle)
        lost = unfilled * risked + s.fill_probability * run * np.exp(-0.5 * middle**2)
        low, high = np.where(lost < saved, middle, low), np.where(lost < saved, high, middle)
    return np.asarray(flow * np.exp(noise * low - 0.5 * noise**2))


# --- the rules ------------------------------------------------------------------------------------------------


def _multiple(s: Execution, view: View, instrument: str, wanted: Slice) -> Floats:
    open_ = np.abs(view.memory[f"open_{instrument}"])
    return np.asarray(wanted.size * _left(s, view) / np.maximum(open_, 1e-12))


def _rule(pace: Pace, routed: bool) -> Callable[[Any], Policy]:
    def rule(s: Execution) -> Policy:
        def act(view: View) -> Floats:
            one, two = (pace(s, view, i) for i in INSTRUMENTS)
            if not routed:
                return actions_of(s, view, (one, two))
            slices = [split(s, view, i, m) for i, m in zip(INSTRUMENTS, (one, two), strict=True)]
            wanted = [_multiple(s, view, i, x) for i, x in zip(INSTRUMENTS, slices, strict=True)]
            return actions_of(s, view, (wanted[0], wanted[1]), slices)

        return act

    return rule


RULES: dict[str, Callable[[Any], Policy]] = {
    "cont_kukanov": _rule(sinh_schedule, True),
    "almgren_chriss": _rule(sinh_schedule, False),
    "twap": _rule(even, False),
    "vwap": _rule(by_volume, False),
    "imbalance": _rule(with_imbalance, True),
    "at_once": _rule(fastest, False),
}
