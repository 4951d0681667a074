"""One step of the tactical world: three votes, one target exposure, and how well it was entered.

With d the directions of the three in speaking order, w the weights of the synergy in force (without one a third each):

tolerant (byzantine_tolerance)   side = sign of the median of d; a quorum of two carries it. It is executed where the
    mean probability of the two strongest voters on that side is at least the threshold; size sum_i w_i (side d_i)+.
    Whatever one voter says or does not say, two others who agree keep the side, the execution, and a size of at least
    their own weights. (One arbitrary voter among three is survived; consensus with f = 1 in the strict sense needs four
    voters, Lamport, Shostak & Pease 1982, and is not claimed.)
else   side and size by sum_i w_i d_i, executed where the weight behind the side is at least the threshold.

Three full votes for one side are executed whatever the threshold. The vote of the fvg agent counts only where it
is sure: its largest probability is at least `confidence`. An order arrives `latency` seconds after the row, at the
price on the straight line from this row's to the next one's. A round that loses more than `error_loss` of the NAV is an
error; `error_budget` of them halt the episode: flat, and no trade after.

Rewards, all times reward_scale over the capital:

    pnl       change of NAV
    timing    `timing_bonus` x units x ((highest + lowest)/2 - entry) over the `window` closes from an entry on, paid
              once at their end; mean 0 on a martingale, by reflection, whoever chooses the entry. While one is
              measured no other is, and nothing that is done stops the measuring
    flow      `flow_bonus` x pnl while a position is held that all three opened in order, on the side of an open gap
    slippage  -`slippage_penalty` x what fills cost against the row's price, fees apart
"""

# ruff: noqa: ANN001, ANN201 - numba gives the rows of scalar functions a type of each strategy's own
from __future__ import annotations

from typing import NamedTuple

from numba import njit

from fund.grandmodel.voting import Own, observe, one_fill, to_exposure, totals
from fund.strategy import Step

SURE = 1.0 - 1e-9


class Columns(NamedTuple):
    """Market columns."""

    price: float
    half_spread: float  # share of the price
    martingale: float  # the price less what could be foreseen of its moves; only the control variate reads it
    synergy_kind: float  # type of the synergy in force, 0 none
    gap_side: float  # of the youngest open gap, 0 none


class Memory(NamedTuple):
    """What a path remembers."""

    nav: float  # at the last decision
    fvg: float  # last directions
    momentum: float
    entry: float
    executed: float  # 1 where the last decision was carried out
    flow: float  # 1 while a position is held that was opened in order
    entry_price: float  # of the entry whose timing is measured
    entry_units: float
    window: float  # closes left to measure
    highest: float
    lowest: float
    timed: float  # money of an entry whose measuring ended with this row
    slipped: float  # money that this step's fill cost against the row's price
    errors: float
    halted: float
    entries: float  # counts and sums of the episode
    timing_total: float
    slippage_total: float
    surprise: float  # P&L of the last step that nobody could foresee


class Parts(NamedTuple):
    """Parts of the reward."""

    pnl: float
    timing: float
    flow: float
    slippage: float
    control: float  # P&L that nobody could foresee, taken out


def opening(p, now):  # type: ignore[no-untyped-def]
    """Nothing is held, nothing has been said."""
    return (0.0,), Memory(
        p.capital, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    )


@njit(inline="always")
def weights(kind: float) -> tuple[float, float, float]:
    """Of the fvg, momentum and entry agent, by the type of the synergy in force."""
    if kind == 1.0:
        return 0.50, 0.30, 0.20
    if kind == 2.0:
        return 0.40, 0.40, 0.20
    if kind == 3.0:
        return 0.30, 0.50, 0.20
    if kind == 4.0:
        return 0.35, 0.35, 0.30
    return 1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0


@njit(inline="always")
def _sign(x: float) -> float:
    return 1.0 if x > 0.0 else (-1.0 if x < 0.0 else 0.0)


@njit(inline="always")
def quorum(d, w, threshold: float) -> float:  # type: ignore[no-untyped-def]
    """Signed size that two of three carry; 0 where no two do, or they are not sure enough."""
    middle = max(min(d[0], d[1]), min(max(d[0], d[1]), d[2]))
    side = _sign(middle)
    a, b, c = max(side * d[0], 0.0), max(side * d[1], 0.0), max(side * d[2], 0.0)
    strongest = a + b + c - min(a, b, c)
    return side * (w[0] * a + w[1] * b + w[2] * c) if 0.5 * strongest >= threshold else 0.0


@njit(inline="always")
def weighted(d, w, threshold: float) -> float:  # type: ignore[no-untyped-def]
    """Signed size by the weighted sum; 0 where the weight behind its side is under the threshold."""
    total = w[0] * d[0] + w[1] * d[1] + w[2] * d[2]
    side = _sign(total)
    behind = w[0] * max(side * d[0], 0.0) + w[1] * max(side * d[1], 0.0) + w[2] * max(side * d[2], 0.0)
    return total if behind >= threshold else 0.0


@njit(inline="always")
def decide(d, kind: float, tolerant: float, threshold: float) -> float:  # type: ignore[no-untyped-def]
    """Signed size in [-1, 1] of three directions; a unanimous vote is always carried out."""
    together = _sign(d[0]) if min(d[0], d[1], d[2]) >= SURE or max(d[0], d[1], d[2]) <= -SURE else 0.0
    if together != 0.0:
        return together
    w = weights(kind)
    return quorum(d, w, threshold) if tolerant > 0.0 else weighted(d, w, threshold)


@njit(inline="always")
def _directions(p, action) -> tuple[float, float, float]:  # type: ignore[no-untyped-def]
    a, b, c = totals(action)
    sure = max(action[0], action[1], action[2]) * a >= p.confidence - 1e-12
    first = (action[2] - action[0]) * a if sure else 0.0
    return first, (action[5] - action[3]) * b, (action[8] - action[6]) * c


@njit(inline="always")
def in_order(p, now, memory, d, held: float, holds: float, opened: bool) -> float:  # type: ignore[no-untyped-def]
    """1 while a position is held that all three opened in order, on the side of an open gap."""
    if not opened:
        return memory.flow if held * holds > 0.0 else 0.0
    side = _sign(holds)
    together = d[0] * side > 0.0 and d[1] * side > 0.0 and d[2] * side > 0.0
    return 1.0 if p.state_machine > 0.0 and together and now.gap_side == side else 0.0


@njit(inline="always")
def measured(p, memory, starts: bool, price: float, holds: float, later: float):  # type: ignore[no-untyped-def]
    """The entry that is measured: price, units, closes left, highest, lowest, and the money of one that is over."""
    entry_price = price if starts else memory.entry_price
    entry_units = holds if starts else memory.entry_units
    window = (p.optimization_steps if starts else memory.window) - 1.0
    highest = max(price if starts else memory.highest, later)
    lowest = min(price if starts else memory.lowest, later)
    timed = entry_units * (0.5 * (highest + lowest) - entry_price) if window == 0.0 else 0.0
    return entry_price, entry_units, max(window, 0.0), highest, lowest, timed


def trade(p, now, nxt, account, memory, action):  # type: ignore[no-untyped-def]
    """Aggregate, trade to the target at the price the order arrives at, and measure."""
    lost = account.nav < memory.nav * (1.0 - p.error_loss)
    errors = memory.errors + (1.0 if lost else 0.0)
    halted = memory.halted > 0.0 or errors >= p.error_budget
    d = _directions(p, action)
    size = 0.0 if halted else decide(d, now.synergy_kind, p.byzantine_tolerance, p.threshold)
    units, price, fee = to_exposure(p, now, account, p.position_limit * size)
    price += p.late * (nxt.price - now.price)
    held, holds = account.position[0], account.position[0] + units
    opened = holds * units > 0.0 and held * holds <= 0.0
    flow, starts = in_order(p, now, memory, d, held, holds, opened), opened and memory.window <= 0.0
    entry_price, entry_units, window, highest, lowest, timed = measured(
        p, memory, starts, price, holds, nxt.price
    )
    slipped = units * (price - now.price)
    return one_fill(units, price, fee), 0.0, Memory(
        account.nav,
        d[0], d[1], d[2],
        1.0 if size != 0.0 else 0.0,
        flow,
        entry_price, entry_units, window, highest, lowest, timed,
        slipped,
        errors, 1.0 if halted else 0.0,
        memory.entries + (1.0 if opened else 0.0),
        memory.timing_total + timed,
        memory.slippage_total + slipped,
        holds * (nxt.martingale - now.martingale),
    )  # fmt: skip


def reward(p, before, account, memory):  # type: ignore[no-untyped-def]
    """P&L, timing of the entry, the state machine's flow, slippage, control variate."""
    pnl = (account.nav - before.nav) * p.reward_of_money
    return Parts(
        pnl,
        p.timing_bonus * memory.timed * p.reward_of_money,
        p.flow_bonus * memory.flow * pnl,
        -p.slippage_penalty * memory.slipped * p.reward_of_money,
        -memory.surprise * p.reward_of_money if p.control_variate > 0.0 else 0.0,
    )


STEP = Step(Columns, Memory, Own, Parts, ("price",), (0,), 9, opening, trade, reward, observe)
