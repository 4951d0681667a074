"""One step of the desk: two legs to a target spread position, at the quotes of row t, both or none.

With b the NAV (or the capital, where positions do not compound), L the position limit and h the hedge ratio,

    units = action L b / unit,   leg 1 = units,   leg 2 = -h units,   both scaled so that gross <= leverage NAV,

where `unit` is what one unit of spread exposes, P1 + |h| P2, or 1 where positions are counted in units of the spread.
A change whose value is below `band` of a full position is not traded, unless the position is to be closed.
"""

from __future__ import annotations

from typing import NamedTuple

from numba import njit

from fund.account.costs import take
from fund.account.ledger import Fills
from fund.account.limits import exposure_limit, scale_to
from fund.account.utility import LEAST_WEALTH, power_utility
from fund.strategy import Step

REMEMBERED = 20.0  # steps after which a position counts as half old
POOREST = 0.01  # share of the capital below which observations divide by this


class Columns(NamedTuple):
    """Market columns."""

    leg_1: float  # price
    leg_2: float
    hedge_ratio: float  # shares of leg 2 for one of leg 1
    borrow: float  # cost of the shares sold short, a year
    zscore: float  # of the spread


class Memory(NamedTuple):
    """What a path remembers."""

    entry_nav: float  # NAV when the position was opened
    held: float  # steps since then
    half_trips: float  # openings and closings so far
    exposed: float  # steps with a position so far
    potential: float  # of the timing bonus, at the present row
    timing: float  # bonus of the last step


class Own(NamedTuple):
    """The account's share of the observation."""

    position: float  # gross exposure, signed like leg 1, as a share of the full position
    time_in_position: float  # steps / (steps + 20)
    unrealised_pnl: float  # tenths of the capital
    drawdown: float  # tenths of the peak
    time_left: float  # share of the episode


class Parts(NamedTuple):
    """Parts of the reward."""

    pnl: float
    utility: float  # change of utility of wealth, less the P&L
    timing: float  # potential-based bonus
    control: float  # zero-mean noise of the change of utility, taken out


@njit(inline="always")
def _base(p, nav) -> float:  # type: ignore[no-untyped-def]
    # money that positions are a share of
    return max(nav, 0.0) if p.compound > 0.0 else p.capital


def opening(p, now):  # type: ignore[no-untyped-def]
    """Nothing is held at the start."""
    return (0.0, 0.0), Memory(p.capital, 0.0, 0.0, 0.0, 0.0, 0.0)


def trade(p, now, nxt, account, memory, action):  # type: ignore[no-untyped-def]
    """Both legs to the target, or neither; interest on the cash, borrow cost on the leg sold short."""
    held_1, held_2 = account.position
    per_unit = now.leg_1 + abs(now.hedge_ratio) * now.leg_2
    full = p.position_limit * _base(p, account.nav)  # gross exposure of a full position
    if p.by_exposure == 0.0:
        full *= per_unit
    wanted = abs(action[0]) * full
    target = action[0] * full / per_unit * scale_to(wanted, exposure_limit(account.nav, p.leverage))
    buy_1, buy_2 = target - held_1, -now.hedge_ratio * target - held_2
    small = abs(buy_1) * now.leg_1 + abs(buy_2) * now.leg_2 <= p.band * full and action[0] != 0.0
    if small:
        buy_1, buy_2, target = 0.0, 0.0, held_1
    price_1, fee_1 = take(buy_1, now.leg_1, 0.0, p.cost_rate)
    price_2, fee_2 = take(buy_2, now.leg_2, 0.0, p.cost_rate)
    fee_1 += 0.5 * p.round_trip_cost * abs(buy_1)
    cash = account.cash - buy_1 * price_1 - buy_2 * price_2 - fee_1 - fee_2
    short = max(-target * now.leg_1, 0.0) + max(-(held_2 + buy_2) * now.leg_2, 0.0)
    carry = (cash * p.interest - short * now.borrow) * p.dt
    fills = Fills((buy_1, buy_2), (price_1, price_2), (fee_1, fee_2))
    return fills, carry, _remember(p, nxt, account, memory, target)


@njit(inline="always")
def _remember(p, nxt, account, memory, target) -> Memory:  # type: ignore[no-untyped-def]
    before, holds = account.position[0], target != 0.0
    same = before * target > 0.0
    turns = (0.0 if same or not holds else 1.0) + (0.0 if same or before == 0.0 else 1.0)
    share = target / account.nav * nxt.leg_1 if p.timing_bonus != 0.0 and account.nav > 0.0 else 0.0
    ends = account.left <= 1.0 and p.utility_power != 1.0
    potential = 0.0 if ends else -p.timing_bonus * share * nxt.zscore
    return Memory(
        memory.entry_nav if same else account.nav,
        (memory.held + 1.0 if same else 1.0) if holds else 0.0,
        memory.half_trips + turns,
        memory.exposed + (1.0 if holds else 0.0),
        potential,
        p.discount * potential - memory.potential,
    )


def reward(p, before, account, memory):  # type: ignore[no-untyped-def]
    """Change of NAV, scaled; where wealth has a utility the change of that; a potential-based bonus for timing."""
    pnl = (account.nav - before.nav) * p.reward_of_money
    more = 0.0
    if p.utility_power != 1.0:
        now = power_utility(account.nav / p.capital, p.utility_power)
        past = power_utility(before.nav / p.capital, p.utility_power)
        more = (now - past) * p.reward_scale - pnl
    control = control_variate(p, before, account) if p.control_variate > 0.0 else 0.0
    return Parts(pnl, more, memory.timing * p.reward_scale, control * p.reward_scale)


@njit(inline="always")
def control_variate(p, before, account):  # type: ignore[no-untyped-def]
    """Mean of the step's utility given the position, less what it came to: zero-mean noise, taken out.

    The spread x moves by N((e^(-alpha dt) - 1) x, s^2) in a step, so that for u units of it, to second order in s,
    E U(w + u dx) = U(m) + U''(m) u^2 s^2 / 2,  m = w + u (e^(-alpha dt) - 1) x,  U'' = (g - 1) w^(g - 2).
    """
    units = account.position[0] / p.capital
    mean = before.nav / p.capital + units * p.pull * (before.mark[0] - before.mark[1])
    if mean <= LEAST_WEALTH:
        return 0.0
    bend = (p.utility_power - 1.0) * mean ** (p.utility_power - 2.0)
    expected = power_utility(mean, p.utility_power) + 0.5 * bend * units * units * p.spread_variance
    return expected - power_utility(account.nav / p.capital, p.utility_power)


def observe(p, now, account, memory):  # type: ignore[no-untyped-def]
    """Own position, its age and result, drawdown, time left."""
    base = max(_base(p, account.nav), POOREST * p.capital)
    unit = now.leg_1 + abs(now.hedge_ratio) * now.leg_2 if p.by_exposure > 0.0 else 1.0
    open_pnl = account.nav - memory.entry_nav if account.position[0] != 0.0 else 0.0
    return Own(
        account.position[0] * unit / (p.position_limit * base),
        memory.held / (memory.held + REMEMBERED),
        open_pnl * p.tenth_of_capital,
        10.0 - 10.0 * account.nav / account.peak,
        account.left * p.share_of_step,
    )


STEP = Step(Columns, Memory, Own, Parts, ("leg_1", "leg_2"), (0, 1), 1, opening, trade, reward, observe)
