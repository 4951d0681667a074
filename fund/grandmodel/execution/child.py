"""One parent order through one step: how large a slice, over which venues, at what price (see `step`).

Quantities are shares, prices and concessions account currency a share, times steps, latencies seconds.

Sources: Almgren & Chriss (2000) for linear impact; Grinold & Kahn (2000) for the square root; Obizhaeva & Wang (2013)
for the impact that decays; Cont & Kukanov (2017) for queues, fills at the touch and completion at a penalty.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from numba import njit

from fund.account.limits import within

TOO_SMALL = 1e-9


class Book(NamedTuple):
    """One instrument's market over a step."""

    mid: float  # with what own trading did to it
    next_mid: float
    half_spread: float
    volatility: float
    volume: float
    depth_1: float
    depth_2: float
    depth_3: float
    queue_1: float
    queue_2: float
    queue_3: float
    outflow_1: float
    outflow_2: float
    outflow_3: float
    surprise: float  # of the mid
    ahead: float  # expected sum of the mid's later moves
    next_ahead: float


class Three(NamedTuple):
    """A number a venue."""

    one: float
    two: float
    three: float


class Sent(NamedTuple):
    """Market orders sent at one moment, before what they concede."""

    one: float  # shares, by venue
    two: float
    three: float
    value: float  # sum of shares times price
    drift: float  # of the mid on their way
    fee: float
    fast: float  # shares sent to venues below the latency target


class Taken(NamedTuple):
    """Market orders of a step: shares, their value, what they cost beyond the mid, and how well they were routed."""

    shares: float
    value: float  # sum of shares times price
    spread: float
    impact: float
    fee: float
    fast: float  # shares sent to venues below the latency target
    well: float  # shares times the quality of routing, 0 ... 1


class Child(NamedTuple):
    """What came of one parent in a step, signed like the parent where it says so."""

    open: float  # signed
    taken: float  # signed
    taken_price: float
    fee: float
    made: float  # signed
    made_price: float
    rebate: float
    displaced: float  # permanent, signed
    transient: float  # against the parent
    spread: float
    impact: float
    permanent: float  # cost of it
    moves: float  # cost of the mid's own move
    surprise: float  # cost of the mid's surprise, less what the outlook of the open quantity lost
    fast: float
    well: float


@njit(forceinline=True)
def lots(p: Any, shares: float) -> float:
    """The nearest whole number of lots."""
    return math.floor(shares * p.lots_a_share + 0.5) * p.size_increment


@njit(forceinline=True)
def urgency(p: Any, book: Any, arrival: float, side: float, action: Any) -> float:
    """Doubled beyond the stop (the price runs away) or the target (it came); a threshold at +1 is none."""
    if p.urgent == 0.0:
        return 1.0
    away = side * (book.mid - arrival)
    unit = p.execution_slippage_tolerance * arrival
    stopped = action[2] < 1.0 and away > unit * (1.5 + action[2]) * 4.0
    reached = action[3] < 1.0 and -away > unit * (1.5 + action[3]) * 4.0
    return 2.0 if stopped or reached else 1.0


@njit(forceinline=True)
def slice_of(
    p: Any, book: Any, parent: float, open_: float, arrival: float, tilt: float, left: float, a: Any
) -> float:
    """Shares to be worked in this step, unsigned whole lots."""
    size = abs(open_)
    if size == 0.0:
        return 0.0
    if left <= 1.0:
        return size
    pace = size / left
    side = 1.0 if open_ > 0.0 else -1.0
    multiple = (1.0 + a[0]) * (1.0 + a[0]) * tilt * urgency(p, book, arrival, side, a)
    risk = size * book.volatility * math.sqrt(left)
    if risk > p.execution_risk_limit * abs(parent) * arrival:
        multiple = max(multiple, 1.0)
    cap = min(p.max_size, 0.5 * (1.0 + a[4]) * p.max_participation * book.volume)
    whole = min(lots(p, pace * multiple), math.floor(cap * p.lots_a_share) * p.size_increment, size)
    return whole if whole >= p.min_size or whole == size else 0.0


@njit(forceinline=True)
def weights_of(book: Any, one: float, two: float, three: float) -> Any:
    """Weights of the venues: none of one that is closed, the depths where there is none at all."""
    one = one if book.depth_1 > 0.0 else 0.0
    two = two if book.depth_2 > 0.0 else 0.0
    three = three if book.depth_3 > 0.0 else 0.0
    if one + two + three <= 0.0:
        return Three(book.depth_1, book.depth_2, book.depth_3)
    return Three(one, two, three)


@njit(forceinline=True)
def shared(p: Any, size: float, weight: Any) -> Any:
    """Whole lots of `size` over the venues by weights; nothing is lost, nothing goes to a venue of weight 0."""
    total = weight.one + weight.two + weight.three
    if total <= 0.0 or size <= 0.0:
        return Three(0.0, 0.0, 0.0)
    first = min(lots(p, size * weight.one / total), size) if weight.one > 0.0 else 0.0
    second = min(lots(p, size * weight.two / total), size - first) if weight.two > 0.0 else 0.0
    rest = size - first - second
    if weight.three > 0.0:
        return Three(first, second, rest)
    if weight.two > 0.0:
        return Three(first, second + rest, 0.0)
    return Three(first + rest, second, 0.0)


@njit(forceinline=True)
def beyond_mid(p: Any, book: Any, shares: float, depth: float) -> float:
    """Price concession of x shares at a venue of that depth, a share: x/d, half of it, or Y sigma sqrt(x/volume)."""
    if shares <= 0.0:
        return 0.0
    if p.square_root > 0.0:
        part = depth / (book.depth_1 + book.depth_2 + book.depth_3)
        return p.impact_coefficient * book.volatility * math.sqrt(shares / (part * book.volume))
    return p.marginal * shares / depth


@njit(forceinline=True)
def send(p: Any, now: Any, weight: Any, mid: float, move: float, size: float) -> Any:
    """Market orders of `size` shares over the venues, around a mid that moves by `move` in a step."""
    x = shared(p, size, weight)
    # between decision and arrival the mid goes on, in proportion to the time that takes
    drift = (x.one * now.latency_1 + x.two * now.latency_2 + x.three * now.latency_3) * p.per_step_time
    drift *= move
    fast = x.one if now.latency_1 < p.latency_target else 0.0
    fast += x.two if now.latency_2 < p.latency_target else 0.0
    fast += x.three if now.latency_3 < p.latency_target else 0.0
    fee = x.one * p.fee_1 + x.two * p.fee_2 + x.three * p.fee_3
    return Sent(x.one, x.two, x.three, size * mid + drift, drift, fee, fast)


@njit(forceinline=True)
def quality(p: Any, book: Any, size: float, own: float) -> float:
    """Share of what splitting can save against the one deepest venue: 0 there, 1 for the best split."""
    deepest = max(book.depth_1, max(book.depth_2, book.depth_3))
    total = book.depth_1 + book.depth_2 + book.depth_3
    alone = size * beyond_mid(p, book, size, deepest)
    most = 1.0 - beyond_mid(p, book, size * deepest / total, deepest) * size / alone
    return within((1.0 - own / alone) / most, 0.0, 1.0) if most > TOO_SMALL else 0.0


@njit(forceinline=True)
def post(p: Any, book: Any, size: float, a: Any) -> Any:
    """Shares filled at each venue of `size` posted at the touch."""
    if size <= 0.0:
        return Three(0.0, 0.0, 0.0)
    x = shared(p, size, weights_of(book, 1.0 + a[9], 1.0 + a[10], 1.0 + a[11]))
    return Three(
        min(max(book.outflow_1 - book.queue_1, 0.0), x.one),
        min(max(book.outflow_2 - book.queue_2, 0.0), x.two),
        min(max(book.outflow_3 - book.queue_3, 0.0), x.three),
    )


@njit(forceinline=True)
def taken(
    p: Any, now: Any, book: Any, side: float, early: float, late: float, transient: float, a: Any
) -> Any:
    """Market orders at once, at the quotes of row t, and late, at those of row t+1.

    What they concede depends on what the step takes from a venue, not on when: it is the rate of trading that costs
    (Almgren & Chriss, 2000, eq. 7), so that a slice cut in two is no cheaper.
    """
    size = early + late
    if size <= 0.0:
        return Taken(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    smart = p.smart_routing > 0.0
    one, two, three = (book.depth_1, book.depth_2, book.depth_3) if smart else (1.0, 1.0, 1.0)
    weight = weights_of(book, (1.0 + a[6]) * one, (1.0 + a[7]) * two, (1.0 + a[8]) * three)
    x = send(p, now, weight, book.mid, book.next_mid - book.mid, early)
    y = send(p, now, weight, book.next_mid + side * p.permanent * early, 0.0, late)
    one, two, three = x.one + y.one, x.two + y.two, x.three + y.three
    own = one * beyond_mid(p, book, one, book.depth_1) + two * beyond_mid(p, book, two, book.depth_2)
    own += three * beyond_mid(p, book, three, book.depth_3)
    impact, spread = own + size * transient, size * book.half_spread
    value = x.value + y.value + side * (spread + impact)
    return Taken(
        size, value, spread + side * x.drift, impact, x.fee + y.fee, x.fast + y.fast,
        size * quality(p, book, size, own),
    )  # fmt: skip


@njit(forceinline=True)
def completing(p: Any, book: Any, before: float, rest: float, transient: float) -> float:
    """Price concession a share of what a step left over, after `before` shares by market orders.

    The penalty, or half-spread and dearest fee where they are more, on top of what the whole quantity moves beyond
    what the part has moved: never less than market orders of it at the same quotes would have cost.
    """
    if rest <= 0.0:
        return 0.0
    depth, both = book.depth_1 + book.depth_2 + book.depth_3, before + rest
    own = both * beyond_mid(p, book, both, depth) - before * beyond_mid(p, book, before, depth)
    penalty = max(p.under_fill, book.half_spread + max(p.fee_1, max(p.fee_2, p.fee_3)))
    return penalty + own / rest + transient


@njit(forceinline=True)
def work(
    p: Any, now: Any, book: Any, open_: float, size: float, transient: float, left: float, a: Any
) -> Any:
    """Work a slice of one parent: market orders now and late, posted orders, completion."""
    side = 1.0 if open_ > 0.0 else -1.0
    by_market = min(lots(p, 0.5 * (1.0 + a[12]) * size), size) if p.passive > 0.0 else size
    late = min(lots(p, 0.5 * (1.0 + a[1]) * by_market), by_market) if p.timed > 0.0 else 0.0
    early = by_market - late
    market, filled = taken(p, now, book, side, early, late, transient, a), post(p, book, size - by_market, a)
    made = filled.one + filled.two + filled.three
    rest = size - by_market - made if p.carry_over == 0.0 or left <= 1.0 else 0.0
    forced, bought = completing(p, book, by_market, rest, transient), by_market + rest
    value = market.value + rest * (book.next_mid + side * (p.permanent * early + forced))
    moved, displaced, kept = side * (bought + made), side * p.permanent * (bought + made), transient
    if p.transient > 0.0:
        depth = book.depth_1 + book.depth_2 + book.depth_3
        kept = (transient + bought * max(1.0 / depth - p.permanent, 0.0)) * p.kept
    open_after = open_ - moved
    return Child(
        open_after, side * bought, value / bought if bought > 0.0 else book.mid, market.fee,
        side * made, book.mid - side * book.half_spread,
        filled.one * p.rebate_1 + filled.two * p.rebate_2 + filled.three * p.rebate_3,
        displaced, kept, market.spread - made * book.half_spread, market.impact + rest * forced,
        open_after * displaced + (late + rest) * p.permanent * early,
        (open_after + side * (late + rest)) * (book.next_mid - book.mid),
        (open_ - side * early) * book.surprise - (open_after * book.next_ahead - open_ * book.ahead),
        market.fast, market.well,
    )  # fmt: skip
