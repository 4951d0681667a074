"""One step of a market maker: quotes placed, filled, paid and observed, for one path.

A side that quotes at distance d from the mid of row t has ahead of it the queue Q at its price, and is filled by the
market orders of (t, t+1]. Row t+1 lists the three that reached deepest into the book, and the volume v that each
brings to whoever stands first there:

    volume(d) = v times the number of orders with reach >= d
    fill      = min(size quoted, max(0, volume(d) - Q)),     Q' = max(0, Q - volume(d)) (1 - cancelled)

With `sweep`, a quote that the mid has moved through by row t+1 is filled whole: it was there to be taken.
Q is the queue shown at the touch when a quote joins the touch or stands behind it, nothing when it improves on it;
a quote left at its price keeps its place, one that moved or was filled whole goes to the back. Where the papers' world
has reach ln(A dt/U)/k, U uniform on (0, 1], unit volumes and no queues, that is a fill with probability
min(1, A exp(-k d) dt) exactly.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from fund.account.costs import make, take
from fund.account.ledger import Fills
from fund.account.limits import exposure_limit, within
from fund.strategy import Step
from specialists.market_making.expectation import expected_reward

NOT_QUOTED = 1.0  # the action, exactly, that keeps a side out of the market
NO_PRICE = 0.0  # remembered price of a side that has no order in the book
ORDERS = 3  # market orders a side and step that a row keeps
KEPT = 0.9  # of the decayed fills, a step
WEIGHT = 0.1  # of a fill in the decayed means over fills


class Columns(NamedTuple):
    """Market columns. Orders in row t arrived in (t-1, t]; reaches are distances from the mid of row t-1."""

    mid: float
    best_bid: float
    best_ask: float
    microprice: float  # what the book says the mid is about to become
    width: float  # of spreads and depths, as a multiple of normal
    bid_queue: float  # units shown at the touch
    ask_queue: float
    inventory: float  # at the start of an episode
    sell_reach_1: float  # market sells, deepest first; they fill bids
    sell_reach_2: float
    sell_reach_3: float
    sell_volume: float  # units, of each
    buy_reach_1: float  # market buys, deepest first; they fill asks
    buy_reach_2: float
    buy_reach_3: float
    buy_volume: float
    # of the mid's move since the last row, what nobody could foresee; zero but in a drawn book
    surprise: float


class Memory(NamedTuple):
    """What a path remembers beside its account."""

    bid: float  # price of the order in the book, NO_PRICE without one
    ask: float
    bid_queue: float  # units ahead of it
    ask_queue: float
    bid_fills: float  # sizes filled, decayed
    ask_fills: float
    captured: float  # distance from the mid at which we were filled, decayed mean over fills
    adverse: float  # move of the mid against us in the step of a fill, decayed mean over fills
    cost: float  # what the inventory was bought for, at average cost
    age: float  # steps since the inventory was last flat or on the other side
    fills: float  # so far
    spread: float  # sum of quoted spreads over the steps that quoted both sides
    quotes: float  # number of those steps
    expected: float  # `expected_reward` of the last step's quotes; zero without `control_variate`
    noise: float  # of what the inventory before the last step's fills gained in it, in a book; as above


class Own(NamedTuple):
    """The account's share of the observation."""

    own_bid_distance: float
    own_ask_distance: float
    fills_bid: float
    fills_ask: float
    adverse_selection: float
    inventory: float
    inventory_age: float
    unrealised_pnl: float
    realised_spread: float
    time_left: float
    queue_bid: float
    queue_ask: float


class Parts(NamedTuple):
    """Parts of the reward."""

    pnl: float
    inventory: float
    risk: float
    control: float


class Side(NamedTuple):
    """What became of one side's quote in a step."""

    filled: float
    price: float  # NO_PRICE where the order is gone
    queue: float  # units ahead of the order


def opening(p: Any, now: Any) -> Any:
    """The inventory that the tape says, no order in the book."""
    cost = now.inventory * now.mid
    return (now.inventory,), Memory(
        NO_PRICE, NO_PRICE, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, cost, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    )


@njit(forceinline=True)
def day_left(p: Any, left: float) -> float:
    """Share of the day before the close, in (0, 1]; days are counted back from the horizon."""
    days = left * p.per_day
    return days - np.ceil(days - 1e-9) + 1.0


def trade(p: Any, now: Any, nxt: Any, account: Any, memory: Any, action: Any) -> Any:
    """Quote both sides, or in the last step of a day cross the spread until flat."""
    if p.flatten > 0.0 and day_left(p, account.left) < 1.5 * p.per_day:
        return close(p, now, account.position[0], memory)
    return quote(p, now, nxt, account, memory, action)


@njit(forceinline=True)
def close(p: Any, now: Any, held: float, memory: Any) -> Any:
    """Sell or buy the whole inventory at the touch; the next day starts with a fresh memory of the book."""
    price, fee = take(-held, now.best_bid if held > 0.0 else now.best_ask, 0.0, p.taker_fee)
    after = Memory(
        NO_PRICE, NO_PRICE, 0.0, 0.0, memory.bid_fills * KEPT, memory.ask_fills * KEPT, memory.captured,
        memory.adverse, 0.0, 0.0, memory.fills, memory.spread, memory.quotes, 0.0, 0.0,
    )  # fmt: skip
    return Fills((-held, 0.0), (price, now.mid), (fee, 0.0)), 0.0, after


@njit(forceinline=True)
def quote(p: Any, now: Any, nxt: Any, account: Any, memory: Any, action: Any) -> Any:
    """Two quotes and their fills by the order flow of the step."""
    held = account.position[0]
    limit = p.max_inventory
    if (abs(held) + p.capacity) * now.mid > p.leverage * account.nav:
        limit = min(limit, exposure_limit(account.nav, p.leverage) / now.mid)
    bid = on_grid(now.mid - p.centre - p.half_range * action[0], p.tick, p.per_tick, 0.0)
    ask = on_grid(now.mid + p.centre + p.half_range * action[1], p.tick, p.per_tick, 1.0)
    bid_size = within(limit - held, 0.0, p.capacity) if action[0] < NOT_QUOTED else 0.0
    ask_size = within(limit + held, 0.0, p.capacity) if action[1] < NOT_QUOTED else 0.0
    sold = nxt.sell_volume * reached(now.mid - bid, nxt.sell_reach_1, nxt.sell_reach_2, nxt.sell_reach_3)
    bought = nxt.buy_volume * reached(ask - now.mid, nxt.buy_reach_1, nxt.buy_reach_2, nxt.buy_reach_3)
    ahead = memory.bid_queue if bid == memory.bid else (0.0 if bid > now.best_bid else now.bid_queue)
    bids = execute(bid, bid_size, ahead, sold, p.sweeps > 0.0 and nxt.mid <= bid, p.staying)
    ahead = memory.ask_queue if ask == memory.ask else (0.0 if ask < now.best_ask else now.ask_queue)
    asks = execute(ask, ask_size, ahead, bought, p.sweeps > 0.0 and nxt.mid >= ask, p.staying)
    bid_price, bid_fee = make(bids.filled, bid, p.maker_rebate)
    ask_price, ask_fee = make(-asks.filled, ask, p.maker_rebate)
    fills = Fills((bids.filled, -asks.filled), (bid_price, ask_price), (bid_fee, ask_fee))
    both = 1.0 if bid_size > 0.0 and ask_size > 0.0 else 0.0
    expected = noise = 0.0
    if p.control_variate > 0.0 and p.book > 0.0:
        noise = held * nxt.surprise
    elif p.control_variate > 0.0:
        penalty = p.phi_dt + (p.alpha if account.left < 1.5 else 0.0)
        fair = now.microprice
        expected = expected_reward(p, now.mid, fair, held, penalty, bid, ask, bid_size, ask_size)
    after = remembered(now.mid, nxt.mid, held, memory, bids, asks, bid, ask, both, expected, noise)
    return fills, 0.0, after


@njit(forceinline=True)
def on_grid(price: float, tick: float, per_tick: float, up: float) -> float:
    """The price on the tick grid, rounded down, or up; a billionth of a tick is rounding error, not distance."""
    if tick <= 0.0:
        return price
    return (np.ceil(price * per_tick - 1e-9) if up > 0.0 else np.floor(price * per_tick + 1e-9)) * tick


@njit(forceinline=True)
def reached(distance: float, first: float, second: float, third: float) -> float:
    """How many of a step's market orders come as far as a quote at a distance."""
    one, two = 1.0 if first >= distance else 0.0, 1.0 if second >= distance else 0.0
    return one + two + (1.0 if third >= distance else 0.0)


@njit(forceinline=True)
def execute(price: float, size: float, ahead: float, arrived: float, swept: bool, staying: float) -> Any:
    """Fill of one quote behind a queue, and where it leaves the order."""
    filled = size if swept else min(size, max(0.0, arrived - ahead))
    rests = filled < size
    return Side(filled, price if rests else NO_PRICE, max(0.0, ahead - arrived) * staying if rests else 0.0)


@njit(forceinline=True)
def remembered(
    mid: float, next_mid: float, held: float, memory: Any, bids: Any, asks: Any, bid: float, ask: float,
    both: float, expected: float, noise: float,
) -> Any:  # fmt: skip
    """The memory after a step of quoting."""
    captured, adverse, cost, fills = memory.captured, memory.adverse, memory.cost, memory.fills
    if bids.filled > 0.0:
        captured += WEIGHT * (mid - bid - captured)
        adverse += WEIGHT * (mid - next_mid - adverse)
        cost = average_cost(held, cost, bids.filled, bid)
        fills += 1.0
    if asks.filled > 0.0:
        captured += WEIGHT * (ask - mid - captured)
        adverse += WEIGHT * (next_mid - mid - adverse)
        cost = average_cost(held + bids.filled, cost, -asks.filled, ask)
        fills += 1.0
    after = held + bids.filled - asks.filled
    return Memory(
        bids.price, asks.price, bids.queue, asks.queue,
        memory.bid_fills * KEPT + bids.filled, memory.ask_fills * KEPT + asks.filled, captured, adverse, cost,
        memory.age + 1.0 if after * held > 0.0 else 0.0, fills,
        memory.spread + both * (ask - bid), memory.quotes + both, expected, noise,
    )  # fmt: skip


@njit(forceinline=True)
def average_cost(held: float, cost: float, traded: float, price: float) -> float:
    """Cost of the inventory after a trade: added at the price, taken out at average cost, new beyond zero."""
    after = held + traded
    if held * traded >= 0.0:
        return cost + traded * price
    return cost * (after / held) if after * held >= 0.0 else after * price


def reward(p: Any, before: Any, account: Any, memory: Any) -> Any:
    """Change of NAV; -phi q^2 dt, at the horizon -alpha q^2; local CARA utility of the change less the change."""
    earned, held = account.nav - before.nav, account.position[0]
    penalty = p.phi_dt + (p.alpha if account.left <= 0.0 else 0.0)
    risk = 0.0
    if p.risk_weight > 0.0 and p.gamma > 0.0:
        # the bound keeps a reward finite where the account is beyond ruin anyway
        risk = p.risk_weight * ((1.0 - math.exp(min(-p.gamma * earned, 50.0))) / p.gamma - earned)
    inventory = -penalty * held * held
    control = 0.0
    if p.control_variate > 0.0:
        control = -memory.noise if p.book > 0.0 else memory.expected - earned - inventory - risk
    return Parts(
        earned * p.reward_of_money,
        inventory * p.reward_of_money,
        risk * p.reward_of_money,
        control * p.reward_of_money,
    )


def observe(p: Any, now: Any, account: Any, memory: Any) -> Any:
    """Own quotes, fills, inventory and time, in units of order one."""
    held = account.position[0]
    return Own(
        within((now.mid - memory.bid) * p.depth_decay, -9.0, 9.0) if memory.bid > NO_PRICE else 9.0,
        within((memory.ask - now.mid) * p.depth_decay, -9.0, 9.0) if memory.ask > NO_PRICE else 9.0,
        memory.bid_fills * p.per_quote,
        memory.ask_fills * p.per_quote,
        memory.adverse * p.depth_decay,
        held * p.per_quote * 0.25,
        min(memory.age * 0.05, 4.0),
        (held * now.mid - memory.cost) * p.per_quote * p.depth_decay * 0.1,
        (memory.captured - memory.adverse) * p.depth_decay,
        day_left(p, account.left) if account.left > 0.0 else 0.0,
        memory.bid_queue * p.per_quote * 0.25,
        memory.ask_queue * p.per_quote * 0.25,
    )


STEP = Step(Columns, Memory, Own, Parts, ("mid",), (0, 0), 2, opening, trade, reward, observe)
