"""One step of a hedger who has sold an option, for one path.

Hedges are counted in units of the underlier per option sold, h; the account holds h `units` shares. At row t, where
trading is open, the action names a hedge:

    multiple     h = a delta_t                                        (0: none, 1: Black and Scholes)
    band         h = clamp(h_before, delta_t - a_0, delta_t + a_1)    (Imaki et al., 2021; both at 1.5: never)

clipped to +-`WIDEST` and to the leverage, and trades to it at the price of row t, unless it is within `least_trade` of
what is held: a multiple of a delta that moves could not stand still. Where the option expires at row t+1 the hedge is
sold there at S_(t+1), a trade that no action decides, and the option stays on the books at its payoff
until row t+1 is traded, when another is sold. Delivery in stock is the same money: shares delivered at the strike
against an option marked at S - K are sold at S; only the cost differs, as shares that are delivered cost nothing.

The hedge error of a step, before costs, is measured against the option valued at the `shadow` volatility,

    e = units (h (S_(t+1) - S_t) - (V_(t+1) - V_t)),        E_t e^2 = units^2 (move (h - ideal)^2 + rest).
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from numba import njit

from fund.account.costs import take
from fund.account.ledger import Fills
from fund.account.limits import exposure_limit, within
from fund.strategy import Step

WIDEST = 1.5  # hedge an option, and bound of the actions
WEIGHT = 0.1  # of the newest hedge error in the decayed means


class Columns(NamedTuple):
    """Market columns; prices and Greeks are those of one option."""

    spot: float
    option: float  # price of the option held into this row; at its expiry the payoff
    premium: float  # price of the option held from this row on
    shadow: float  # its value at the volatility of the risk term
    delta: float  # of it, by the spot
    units: float  # options sold
    sale: float  # one where an option is sold, the one before having expired
    open: float  # one where the hedge may be changed
    strike: float
    time: float  # years to expiry
    sigma: float  # implied volatility
    gamma: float
    ideal: (
        float  # hedge of the least mean square error over the next step; control_variate only, as all below
    )
    move: float  # mean square of the spot's move
    rest: float  # least mean square error
    spot_drift: float  # mean move of the spot
    option_drift: float  # mean move of the option's price


class Memory(NamedTuple):
    """What a path remembers beside its account; money in account currency."""

    hedge: float  # units of the underlier an option
    cost: float  # of hedging the present option so far
    base: float  # NAV when it was sold
    drift: float  # decayed mean of hedge errors
    variance: float  # decayed mean of their squares
    trades: float  # so far
    premiums: float  # received so far
    paid: float  # costs of the last step
    error: float  # hedge error of the last step
    square: float  # mean square of that, as it could be known before
    expected: float  # mean change of NAV in the last step, given its costs


class Own(NamedTuple):
    """The account's share of the observation."""

    current_hedge: float
    hedge_minus_delta: float
    cost_to_delta: float
    accumulated_cost: float
    pnl: float
    hedge_error_variance: float
    hedge_error_drift: float


class Parts(NamedTuple):
    """Parts of the reward."""

    pnl: float
    variance: float  # quadratic risk
    utility: float  # local CARA utility
    downside: float  # quadratic risk of losses alone
    control: float  # zero-mean noise, taken out


def opening(p: Any, now: Any) -> Any:
    """An option sold at its price, and no hedge yet."""
    worth = now.units * now.premium
    return (0.0, -now.units), Memory(0.0, 0.0, p.capital, 0.0, 0.0, 0.0, worth, 0.0, 0.0, 0.0, 0.0)


@njit(forceinline=True)
def aim(p: Any, now: Any, held: float, nav: float, first: float, second: float) -> float:
    """The hedge an option that an action names, within the limits."""
    if p.bands > 0.0:
        lower, upper = now.delta - first, now.delta + second
        target = 0.5 * (lower + upper) if lower > upper else within(held, lower, upper)
    else:
        target = first * now.delta
    target = within(target, -WIDEST, WIDEST)
    if abs(target - held) < p.least_trade:
        target = held
    worth = abs(target) * now.units * now.spot
    if worth > p.leverage * nav:
        target *= exposure_limit(nav, p.leverage) / worth
    return target


@njit(forceinline=True)
def settle(p: Any, now: Any, shares: float) -> float:
    """Cost of closing the hedge of an option that has expired."""
    delivered = 0.0
    if p.delivery > 0.0 and now.option > 0.0:
        delivered = p.sign * now.units
    return p.unwind_rate * abs(shares - delivered) * now.spot


def trade(p: Any, now: Any, nxt: Any, account: Any, memory: Any, action: Any) -> Any:
    """Roll an option that has expired, trade the hedge, and close it where the option expires next."""
    held, sold, fresh = memory.hedge, account.position[1], now.sale > 0.0
    # a multiple is one number
    target = aim(p, now, held, account.nav, action[0], action[-1]) if now.open > 0.0 else held
    buy = (target - held) * now.units
    price, fee = take(buy, now.spot, 0.0, p.set_up_rate if fresh else p.cost_rate)
    shares, rolled = account.position[0] + buy, fresh and account.step > 0.0
    expiring = nxt.sale > 0.0
    closing = settle(p, nxt, shares) if expiring else 0.0
    back, out = (-sold, -now.units) if rolled else (0.0, 0.0)
    cash = account.cash - p.capital - buy * price - fee - back * now.option - out * now.premium
    carry = cash * p.growth + shares * now.spot * p.payout
    fills = Fills(
        (buy, -shares if expiring else 0.0, back, out),
        (price, nxt.spot, now.option, now.premium),
        (fee, closing, 0.0, 0.0),
    )
    gain = target * (nxt.spot - now.spot) - ((nxt.option if expiring else nxt.shadow) - now.shadow)
    error, paid = gain * now.units, fee + closing
    square = expected = 0.0
    if p.control_variate > 0.0:
        off = target - now.ideal
        given = 1.0 - p.hedge_alone  # what the option does whatever the hedge
        square = now.units * now.units * (now.move * off * off + given * now.rest)
        expected = now.units * (target * now.spot_drift - given * now.option_drift) - paid + carry
    return fills, carry, Memory(
        0.0 if expiring else target,
        (0.0 if fresh else memory.cost) + paid,
        account.nav if fresh else memory.base,
        memory.drift + WEIGHT * (error - memory.drift),
        memory.variance + WEIGHT * (error * error - memory.variance),
        memory.trades + (1.0 if buy != 0.0 else 0.0),
        memory.premiums - out * now.premium,
        paid, error, square, expected,
    )  # fmt: skip


def reward(p: Any, before: Any, account: Any, memory: Any) -> Any:
    """Change of NAV; risk of the step's hedge error, with or without its costs; zero-mean noise taken out."""
    earned = account.nav - before.nav
    error = memory.error - p.costs_in_risk * memory.paid
    variance = -p.half_variance * error * error
    downside = -p.half_downside * error * error if error < 0.0 else 0.0
    utility = control = 0.0
    if p.utility_weight > 0.0:
        # the bound keeps a reward finite where the account is beyond ruin anyway
        utility = p.utility_weight * (
            (1.0 - math.exp(min(-p.risk_aversion * error, 50.0))) / p.risk_aversion - error
        )
    if p.control_variate > 0.0:
        control = memory.expected - earned - p.half_variance * memory.square - variance
    unit = p.reward_of_money
    return Parts(earned * unit, variance * unit, utility * unit, downside * unit, control * unit)


def observe(p: Any, now: Any, account: Any, memory: Any) -> Any:
    """The hedge, its distance from delta and what going there would cost, and how hedging has gone so far."""
    off = memory.hedge - now.delta
    return Own(
        memory.hedge,
        off,
        abs(off) * now.spot * p.cost_unit,
        memory.cost * p.per_premium,
        (account.nav - memory.base) * p.per_premium,
        min(memory.variance * p.per_error * p.per_error, 25.0),
        within(memory.drift * p.per_error, -10.0, 10.0),
    )


STEP = Step(Columns, Memory, Own, Parts, ("spot", "option"), (0, 0, 1, 1), 2, opening, trade, reward, observe)
