"""One bar of the risk stage, for one path: a mandate of four assets, sized, stopped, watched and spread.

    weights    blend of the mandate's convictions and of inverse volatilities, none above `max_weight`, both of a pair
               whose positions' correlation is above its limit scaled down to it
    position   size x cap x 4 max_position x weight of NAV, none above max_position and the Kelly share
               kelly_fraction (S v |conviction| - r) / v^2, v a year's volatility
    limits     with `emergency_protocols` all are scaled down to the VaR threshold, and halved in a correlation shock
    stops      an asset that runs `multiple` ATR against its entry, or `profit_target_ratio` times as much for it, is
               closed at the quotes of the next row to be seen, and stays out for `cooldown` bars
    trade      only where the gap is above `rebalance_threshold` of the full exposure, or to close

The four agents move size, multiple, cap and blend in five steps each, from REDUCE_RISK to INCREASE_RISK. VaR is the
normal one of the positions over `var_days`, from the EWMA covariance.

The emergency bonus is for taking exposure off in the bars after the onset of a crisis: each time size x cap is at
least halved, in proportion to what that takes off, so that all of it at once and by halves pay the same. In calm times
the same costs `false_alarm` of it, the odds of a crisis: whoever halves blindly earns nothing. What is raised within a
crisis and taken off again earns nothing more: no one is paid for going in and out.
"""

from __future__ import annotations

import math
from typing import Any

from numba import njit

from fund.account.costs import take
from fund.account.ledger import Fills
from fund.account.limits import within
from fund.grandmodel.risk.layout import AGENTS, Columns, Memory, Own, Parts
from fund.grandmodel.risk.positions import (
    POOREST,
    Four,
    base_of,
    entered,
    exposures,
    hits,
    limit_scale,
    orders,
    value_at_risk,
    waits,
    weights_of,
)
from fund.strategy import Step

SMALLEST, LARGEST = 0.5, 4.0  # ATR multiples


@njit(forceinline=True)
def five(choice: float, strong: float, slight: float) -> float:
    """A step of -strong, -slight, 0, slight or strong, for anything within the bounds of the action."""
    k = math.floor(within(choice, 0.0, 4.0) + 0.5)
    return (
        -strong if k == 0.0 else -slight if k == 1.0 else 0.0 if k == 2.0 else slight if k == 3.0 else strong
    )


def opening(p: Any, now: Any) -> Any:
    """Nothing is held; the agents' settings are those of the mandate."""
    memory = Memory(
        p.initial_size, p.atr_multiplier, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, p.initial_size, 0.0,
        0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0,
    )  # fmt: skip
    return (0.0, 0.0, 0.0, 0.0), memory


@njit(forceinline=True)
def settings_of(p: Any, memory: Any, action: Any) -> Any:
    """Size, multiple, cap and blend after the four agents' choices."""
    step = five(action[1], 0.4, 0.15) if p.dynamic_adjustment > 0.0 else 0.0
    return Four(
        within(memory.size + five(action[0], 0.25, 0.1), 0.0, 1.0),
        within(memory.multiple * (1.0 + step), SMALLEST, LARGEST),
        within(memory.cap + five(action[2], 0.5, 0.2), 0.0, 1.0),
        within(memory.blend - five(action[3], 0.5, 0.2), 0.0, 1.0),
    )


@njit(forceinline=True)
def filled(now: Any, q: Any) -> Any:
    """The fills of orders at the quotes of the row, and the cash that they take."""
    price_1, fee_1 = take(q.one, now.price_1, 0.0, now.cost)
    price_2, fee_2 = take(q.two, now.price_2, 0.0, now.cost)
    price_3, fee_3 = take(q.three, now.price_3, 0.0, now.cost)
    price_4, fee_4 = take(q.four, now.price_4, 0.0, now.cost)
    spent = q.one * price_1 + q.two * price_2 + q.three * price_3 + q.four * price_4
    spent = spent + fee_1 + fee_2 + fee_3 + fee_4
    units, prices = (q.one, q.two, q.three, q.four), (price_1, price_2, price_3, price_4)
    return Fills(units, prices, (fee_1, fee_2, fee_3, fee_4)), spent


def trade(p: Any, now: Any, nxt: Any, account: Any, memory: Any, action: Any) -> Any:
    """Move the settings, find stops and targets, trade to the limited positions; interest on the cash."""
    settings, held, base = settings_of(p, memory, action), account.position, base_of(p, account.nav)
    out = hits(p, now, held, memory, settings.two)
    wait = waits(p, memory, out)
    most = 4.0 * p.max_position * base
    x = exposures(p, now, weights_of(p, now, settings.four), most * settings.one * settings.three, base, wait)
    keep = limit_scale(p, now, x, base)
    q = orders(p, now, held, x, keep, most)
    fills, spent = filled(now, q)
    left = remembered(p, now, nxt, account, memory, settings, out, wait, q, base, keep)
    return fills, (account.cash - spent) * p.interest_a_bar, left


@njit(forceinline=True)
def remembered(
    p: Any, now: Any, nxt: Any, account: Any, memory: Any, settings: Any, out: Any, wait: Any, q: Any, base: float,
    keep: float,
) -> Any:  # fmt: skip
    """The memory after a step."""
    held, share = account.position, settings.one * settings.three
    after = Four((held[0] + q.one) * nxt.price_1, (held[1] + q.two) * nxt.price_2,
                 (held[2] + q.three) * nxt.price_3, (held[3] + q.four) * nxt.price_4)  # fmt: skip
    # within a crisis what a halving is measured by only falls
    reference = memory.reference if now.crisis > 0.0 else max(memory.reference, share)
    halved = 0.0
    if share <= 0.5 * reference and reference > 0.0:
        gross = abs(held[0]) * now.price_1 + abs(held[1]) * now.price_2
        gross += abs(held[2]) * now.price_3 + abs(held[3]) * now.price_4
        held_share = gross / (4.0 * p.max_position * max(base, POOREST * p.capital))
        halved = min(held_share, reference) * (1.0 - share / reference)
        reference = share
    stopped = (out.one == 1.0) + (out.two == 1.0) + (out.three == 1.0) + (out.four == 1.0)
    reached = (out.one == 2.0) + (out.two == 2.0) + (out.three == 2.0) + (out.four == 2.0)
    # the drawdown that counts is the one on the marks before this step
    drawdown = 1.0 - account.nav / account.peak
    return Memory(
        settings.one, settings.two, settings.three, settings.four,
        entered(held[0], q.one, now.price_1, memory.entry_1), entered(held[1], q.two, now.price_2, memory.entry_2),
        entered(held[2], q.three, now.price_3, memory.entry_3), entered(held[3], q.four, now.price_4, memory.entry_4),
        max(wait.one - 1.0, 0.0), max(wait.two - 1.0, 0.0), max(wait.three - 1.0, 0.0), max(wait.four - 1.0, 0.0),
        value_at_risk(p, nxt, after, base), reference, halved if now.crisis > 0.0 else -p.false_alarm * halved,
        max(memory.worst, drawdown), max(drawdown - memory.worst, 0.0), memory.stops + stopped,
        memory.targets + reached, memory.limited + (1.0 if keep < 1.0 else 0.0),
        memory.responses + (1.0 if halved > 0.0 and now.crisis > 0.0 else 0.0),
        (held[0] + q.one) * now.price_1 * nxt.shock_1 + (held[1] + q.two) * now.price_2 * nxt.shock_2
        + (held[2] + q.three) * now.price_3 * nxt.shock_3 + (held[3] + q.four) * now.price_4 * nxt.shock_4,
    )  # fmt: skip


def reward(p: Any, before: Any, account: Any, memory: Any) -> Any:
    """P&L, price of variance, use of the VaR within its limit, deeper drawdown, response to crises, control variate."""
    change = (account.nav - before.nav) * p.reward_of_money
    risk = (
        -0.5
        * p.risk_aversion
        * (account.nav - before.nav)
        * (account.nav - before.nav)
        * p.per_capital
        * p.reward_of_money
    )
    use = memory.var * p.per_threshold
    drawdown = 1.0 - account.nav / account.peak
    deeper = memory.deeper if account.left > 0.0 else memory.deeper + max(drawdown - memory.worst, 0.0)
    return Parts(
        change,
        risk,
        p.var_bonus * use * p.share_of_step if use <= 1.0 else 0.0,
        -p.drawdown_penalty * deeper,
        p.emergency_bonus * memory.halved,
        -memory.surprise * p.reward_of_money if p.control_variate > 0.0 else 0.0,
    )


def observe(p: Any, now: Any, account: Any, memory: Any) -> Any:
    """Equity, open positions, VaR, drawdown and margin."""
    base = max(base_of(p, account.nav), POOREST * p.capital)
    a, b, c, d = account.position
    count = (
        (1.0 if a != 0.0 else 0.0)
        + (1.0 if b != 0.0 else 0.0)
        + (1.0 if c != 0.0 else 0.0)
        + (1.0 if d != 0.0 else 0.0)
    )
    gross = abs(a) * now.price_1 + abs(b) * now.price_2 + abs(c) * now.price_3 + abs(d) * now.price_4
    return Own(
        within((account.nav * p.per_capital - 1.0) * 20.0, -20.0, 20.0),
        0.25 * count,
        within(memory.var * p.per_threshold, 0.0, 20.0),
        (1.0 - account.nav / account.peak) * 20.0,
        within(gross / (4.0 * p.max_position * base), 0.0, 20.0),
    )


STEP = Step(
    Columns, Memory, Own, Parts, ("price_1", "price_2", "price_3", "price_4"), (0, 1, 2, 3), len(AGENTS), opening,
    trade, reward, observe,
)  # fmt: skip
