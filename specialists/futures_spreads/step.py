"""One step of the desk: two legs to a target spread position at the quotes of row t, margin posted, contracts rolled.

With L the position limit and h_1, h_2 the columns `units_1`, `units_2` (contracts of each leg in one money unit of the
direction that is traded),

    leg k = action L NAV h_k contracts,   both scaled so that gross <= leverage NAV and initial margin <= NAV.

Each leg has two instruments, a and b, that take turns: while the contract in one is held, the other waits for the next
contract. `slot` says which instruments are to be held from this row on. At a roll the old contract is sold and the new
one bought, each at its own price of the row, so that a roll by itself moves no money but its fees.

Futures stand in the ledger at their full value, quantity times price against cash: the change of NAV is the variation
margin. Margin is posted money: part of the NAV, not free. Initial margin is deducted when a position is opened or
raised, released when it is cut; each day's gain or loss is settled against it. Below the maintenance level there is a
call, met up to the initial level from free cash; an account worth less than the maintenance margin of what it holds is
liquidated.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from numba import njit

from fund.account.costs import take
from fund.account.ledger import Fills
from fund.account.limits import exposure_limit, scale_to
from fund.account.utility import power_utility
from fund.strategy import Step

REMEMBERED = 20.0  # steps after which a position counts as half old
POOREST = 0.01  # share of the capital below which observations divide by this


class Columns(NamedTuple):
    """Market columns."""

    near_a: float  # price of the contract in each instrument
    near_b: float
    far_a: float
    far_b: float
    slot: float  # held from this row on: 0 near_a far_a, 1 near_b far_a, 2 near_a far_b, 3 near_b far_b
    units_1: float  # contracts of leg 1 and of leg 2 in one money unit of the traded direction
    units_2: float
    roll_1: float  # what one contract gains in the next step if the curve stays as it is, price units
    roll_2: float
    margin: float  # initial margin, share of gross value
    cost: float  # fee, share of traded value
    surprise: float  # return of the direction over the last step, less its mean given the row before


class Memory(NamedTuple):
    """What a path remembers; sums run over the episode."""

    size: float  # money units of the direction, at the last trade
    posted: float  # margin posted, account currency
    maintenance: float  # margin that must not be undercut, account currency
    entry_nav: float  # NAV when the position was opened
    held: float  # steps since then
    accrued: float  # roll yield since then
    roll: float  # sum of the roll yield
    calls: float  # margin calls
    margin_sum: float  # sum of the margin posted
    square: float  # sum of the squared position, share of the full one
    noise: float  # of the last step's P&L, account currency: what no one could expect


class Own(NamedTuple):
    """The account's share of the observation."""

    position: float  # share of the full one
    margin_used: float  # posted over NAV
    unrealised_pnl: float  # tenths of the capital
    accumulated_carry: float  # roll yield of the open position, hundredths of the capital
    time_in_position: float  # steps / (steps + 20)
    drawdown: float  # tenths of the peak


class Parts(NamedTuple):
    """Parts of the reward."""

    pnl: float
    utility: float  # change of utility of wealth, less the P&L
    control: float  # zero-mean noise of the P&L, taken out


class Target(NamedTuple):
    """What is to be held of each leg, contracts, at the prices of the contracts held from this row on."""

    size: float
    leg_1: float
    leg_2: float


def opening(p: Any, now: Any) -> Any:
    """Nothing is held and nothing posted at the start."""
    return (0.0, 0.0, 0.0, 0.0), Memory(0.0, 0.0, 0.0, p.capital, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


def trade(p: Any, now: Any, nxt: Any, account: Any, memory: Any, action: Any) -> Any:
    """Both legs to the target, in the contracts of this row; interest on the NAV; margin of the next row."""
    near_a, near_b, far_a, far_b = account.position
    b_2 = 1.0 if now.slot > 1.5 else 0.0
    b_1 = now.slot - 2.0 * b_2
    a_1, a_2 = 1.0 - b_1, 1.0 - b_2
    price_1, price_2 = live(now.near_a, now.near_b, b_1), live(now.far_a, now.far_b, b_2)
    later_1, later_2 = live(nxt.near_a, nxt.near_b, b_1), live(nxt.far_a, nxt.far_b, b_2)
    dead = abs(near_a) * b_1 + abs(near_b) * a_1 + abs(far_a) * b_2 + abs(far_b) * a_2
    held = Target(memory.size, near_a + near_b, far_a + far_b)
    new = chosen(p, now, account.nav, held, action[0], dead > 0.0, price_1, price_2)
    buy_1a, buy_1b = new.leg_1 * a_1 - near_a, new.leg_1 * b_1 - near_b
    buy_2a, buy_2b = new.leg_2 * a_2 - far_a, new.leg_2 * b_2 - far_b
    at_1a, fee_1a = take(buy_1a, now.near_a, 0.0, now.cost)
    at_1b, fee_1b = take(buy_1b, now.near_b, 0.0, now.cost)
    at_2a, fee_2a = take(buy_2a, now.far_a, 0.0, now.cost)
    at_2b, fee_2b = take(buy_2b, now.far_b, 0.0, now.cost)
    carry = account.nav * p.interest_of_step
    gain = new.leg_1 * (later_1 - price_1) + new.leg_2 * (later_2 - price_2)
    nav = account.nav + gain + carry - fee_1a - fee_1b - fee_2a - fee_2b
    initial = now.margin * (abs(new.leg_1 * price_1) + abs(new.leg_2 * price_2))
    required = nxt.margin * (abs(new.leg_1 * later_1) + abs(new.leg_2 * later_2))
    after = settled(p, now, nxt, account, memory, new, nav, initial + gain, required)
    fills = Fills(
        (buy_1a, buy_1b, buy_2a, buy_2b), (at_1a, at_1b, at_2a, at_2b), (fee_1a, fee_1b, fee_2a, fee_2b)
    )
    return fills, carry, after


@njit(inline="always")
def live(in_a: float, in_b: float, b: float) -> float:
    """Price of the contract in instrument b (b = 1) or a; both show the same but at a roll, which is foreseen."""
    if in_a != in_b:
        return in_b if b > 0.0 else in_a
    return in_a


@njit(inline="always")
def chosen(
    p: Any, now: Any, nav: float, held: Target, action: float, rolls: bool, price_1: float, price_2: float
) -> Target:
    """What the action asks for, within leverage and margin; what is held, where that is within `band` of it."""
    one = abs(now.units_1 * price_1) + abs(now.units_2 * price_2)  # gross value of a money unit
    full = exposure_limit(nav, p.position_limit)
    size = action * full
    size *= scale_to(abs(size) * one, exposure_limit(nav, p.leverage))
    size *= scale_to(abs(size) * one * now.margin, exposure_limit(nav, 1.0))
    leg_1, leg_2 = size * now.units_1, size * now.units_2
    moved = abs((leg_1 - held.leg_1) * price_1) + abs((leg_2 - held.leg_2) * price_2)
    if moved <= p.band * full * one and not (rolls or action == 0.0):
        gross = abs(held.leg_1 * price_1) + abs(held.leg_2 * price_2)
        if gross <= p.leverage * nav and gross * now.margin <= nav:
            return held
    return Target(size, leg_1, leg_2)


@njit(inline="always")
def settled(
    p: Any,
    now: Any,
    nxt: Any,
    account: Any,
    memory: Any,
    new: Target,
    nav: float,
    balance: float,
    required: float,
) -> Memory:
    """The margin account after variation, calls and release, and the position's own history."""
    maintenance = p.maintenance_margin * required
    called = balance < maintenance
    posted = max(min(required, nav), 0.0) if called else min(balance, required)
    same = memory.size * new.size > 0.0
    gained = new.leg_1 * now.roll_1 + new.leg_2 * now.roll_2
    share = new.size * p.per_limit / account.nav if account.nav > 0.0 else 0.0
    return Memory(
        new.size, posted, maintenance,
        memory.entry_nav if same else account.nav,
        (memory.held + 1.0 if same else 1.0) if new.size != 0.0 else 0.0,
        memory.accrued + gained if same else gained,
        memory.roll + gained,
        memory.calls + (1.0 if called else 0.0),
        memory.margin_sum + posted,
        memory.square + share * share,
        new.size * nxt.surprise,
    )  # fmt: skip


def reward(p: Any, before: Any, account: Any, memory: Any) -> Any:
    """Change of NAV, scaled; where wealth has a utility the change of that; for training, less what was pure noise."""
    pnl = (account.nav - before.nav) * p.reward_of_money
    more, control = 0.0, 0.0
    if p.utility_power != 1.0:
        now, past = account.nav / p.capital, before.nav / p.capital
        more = (
            power_utility(now, p.utility_power) - power_utility(past, p.utility_power)
        ) * p.reward_scale - pnl
    if p.control_variate > 0.0:
        control = -memory.noise * p.reward_of_money
        if p.utility_power != 1.0:
            control *= max(before.nav / p.capital, POOREST) ** (p.utility_power - 1.0)
    return Parts(pnl, more, control)


def observe(p: Any, now: Any, account: Any, memory: Any) -> Any:
    """Own position, margin, result, carry, age and drawdown."""
    per_nav = 1.0 / max(account.nav, POOREST * p.capital)
    open_pnl = account.nav - memory.entry_nav if memory.size != 0.0 else 0.0
    return Own(
        memory.size * p.per_limit * per_nav,
        memory.posted * per_nav,
        open_pnl * p.tenth_of_capital,
        memory.accrued * p.hundredth_of_capital,
        memory.held / (memory.held + REMEMBERED),
        10.0 - 10.0 * account.nav / account.peak,
    )


def ended(p: Any, account: Any, memory: Any) -> bool:
    """Liquidation: the account is worth less than the maintenance margin of what it holds."""
    return account.nav < memory.maintenance


STEP = Step(
    Columns, Memory, Own, Parts, ("near_a", "near_b", "far_a", "far_b"), (0, 1, 2, 3), 1, opening, trade, reward,
    observe, ended=ended,
)  # fmt: skip
