"""One step of the desk, for one path.

Tilts (`trade_form` 0). Every `rebalance_days` the action names a tilt s_k in {-1, 0, 1} for each factor,
and the desk trades to

    w_k = s_k (v / sqrt 3) / vol_k,    all scaled down so that sum |w_k| <= leverage,

shares of the NAV, with v the target volatility and vol_k the volatility of the last 20 days: equal risk
from each factor, v from three that do not move together. On other days nothing is traded, and the weights
drift.

One asset (`trade_form` 1 and 2), the problem of Garleanu & Pedersen (2013): the action is a trade of
(action - 13) trade_size units, or the position as a share of the limit; a trade dx costs lambda Sigma dx^2
/ 2. The two signals stand in the columns `value_z` and `momentum_z`.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from numba import njit

from fund.account.costs import take
from fund.account.ledger import Fills
from fund.account.limits import exposure_limit, scale_to, within
from fund.strategy import Step

POOREST = 0.01  # share of the capital below which observations divide by this
NEUTRAL = 13.0  # the action that holds nothing, or trades nothing


class Columns(NamedTuple):
    """Market columns."""

    value: float  # index of the zero-cost portfolio
    momentum: float
    quality: float
    market: float  # index
    value_z: float  # valuation spread, standardised: above zero the factor is cheap
    momentum_z: float
    quality_z: float
    value_volatility: float  # of the last 20 days, a year
    momentum_volatility: float
    quality_volatility: float
    correlation_value_momentum: float  # of the last 60 days
    correlation_value_quality: float
    correlation_momentum_quality: float
    # share of the last day's return that nobody could foresee; unknown of a record, then zero
    value_surprise: float
    momentum_surprise: float
    quality_surprise: float


class Memory(NamedTuple):
    """What a path remembers; sums run over the episode."""

    wait: float  # days until the next rebalancing
    traded: float  # value traded in the last step, share of the NAV
    turnover: float  # its exponential mean
    benchmark: float  # return of the long-only benchmark in the last step
    value_held: float  # sum of exposures, account currency
    momentum_held: float
    quality_held: float
    hits: float  # factor-days on the right side
    bets: float  # factor-days with a position
    discount: float  # of the paper's objective
    worth: float  # the paper's objective so far
    noise: float  # of the last step's gain, account currency; `control_variate` only


class Own(NamedTuple):
    """The account's share of the observation."""

    value_weight: float
    momentum_weight: float
    quality_weight: float
    portfolio_volatility: float
    turnover: float
    days_to_rebalance: float
    drawdown: float
    pnl: float


class Parts(NamedTuple):
    """Parts of the reward."""

    pnl: float
    risk: float
    tracking: float
    diversification: float
    turnover: float
    control: float  # zero-mean noise of the P&L, taken out


def opening(p: Any, now: Any) -> Any:
    """Nothing is held at the start, save what the paper's world says; the first day is one of rebalancing."""
    held = now.quality_z if p.trade_form > 0.0 else 0.0
    return (held, 0.0, 0.0), Memory(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0)


def trade(p: Any, now: Any, nxt: Any, account: Any, memory: Any, action: Any) -> Any:
    """Rebalance, hold, or trade the one asset of the paper."""
    if p.trade_form > 0.0:
        return trade_one(p, now, account, memory, action)
    if memory.wait > 0.0:
        prices = (now.value, now.momentum, now.quality)
        after = remembered(p, now, nxt, account.position, memory, memory.wait - 1.0, 0.0)
        return Fills((0.0, 0.0, 0.0), prices, (0.0, 0.0, 0.0)), 0.0, after
    return rebalance(p, now, nxt, account, memory, action)


@njit(inline="always")
def digits(action: float) -> Any:
    """Base-3 digits of an action less one: tilts of value, momentum and quality."""
    quality = math.floor(action / 9.0)
    rest = action - 9.0 * quality
    momentum = math.floor(rest / 3.0)
    return rest - 3.0 * momentum - 1.0, momentum - 1.0, quality - 1.0


@njit(inline="always")
def rebalance(p: Any, now: Any, nxt: Any, account: Any, memory: Any, action: Any) -> Any:
    """Trade to the tilts' weights at the quotes of row t."""
    tilt_1, tilt_2, tilt_3 = digits(action[0])
    held_1, held_2, held_3 = account.position
    unit = exposure_limit(account.nav, p.unit_volatility)
    want_1 = tilt_1 * unit / now.value_volatility
    want_2 = tilt_2 * unit / now.momentum_volatility
    want_3 = tilt_3 * unit / now.quality_volatility
    gross = abs(want_1) + abs(want_2) + abs(want_3)
    scale = scale_to(gross, exposure_limit(account.nav, p.leverage))
    buy_1 = want_1 * scale / now.value - held_1
    buy_2 = want_2 * scale / now.momentum - held_2
    buy_3 = want_3 * scale / now.quality - held_3
    price_1, fee_1 = take(buy_1, now.value, 0.0, p.cost_rate)
    price_2, fee_2 = take(buy_2, now.momentum, 0.0, p.cost_rate)
    price_3, fee_3 = take(buy_3, now.quality, 0.0, p.cost_rate)
    moved = abs(buy_1 * price_1) + abs(buy_2 * price_2) + abs(buy_3 * price_3)
    traded = moved / max(account.nav, POOREST * p.capital)
    position = (held_1 + buy_1, held_2 + buy_2, held_3 + buy_3)
    after = remembered(p, now, nxt, position, memory, p.rebalance_days - 1.0, traded)
    return Fills((buy_1, buy_2, buy_3), (price_1, price_2, price_3), (fee_1, fee_2, fee_3)), 0.0, after


@njit(inline="always")
def remembered(p: Any, now: Any, nxt: Any, position: Any, memory: Any, wait: float, traded: float) -> Any:
    """The memory after a step with these positions."""
    gain_1 = position[0] * (nxt.value - now.value)
    gain_2 = position[1] * (nxt.momentum - now.momentum)
    gain_3 = position[2] * (nxt.quality - now.quality)
    hits = (1.0 if gain_1 > 0.0 else 0.0) + (1.0 if gain_2 > 0.0 else 0.0) + (1.0 if gain_3 > 0.0 else 0.0)
    bets = (1.0 if gain_1 != 0.0 else 0.0) + (1.0 if gain_2 != 0.0 else 0.0) + (1.0 if gain_3 != 0.0 else 0.0)
    benchmark = 0.0
    if p.tracking_weight > 0.0:
        benchmark = (
            nxt.value / now.value + nxt.momentum / now.momentum + nxt.quality / now.quality
        ) / 3.0 - 1.0
    noise = 0.0
    if p.control_variate > 0.0:
        noise = position[0] * now.value * nxt.value_surprise
        noise += position[1] * now.momentum * nxt.momentum_surprise
        noise += position[2] * now.quality * nxt.quality_surprise
    return Memory(
        wait, traded, memory.turnover + p.turnover_rate * (traded - memory.turnover), benchmark,
        memory.value_held + position[0] * now.value, memory.momentum_held + position[1] * now.momentum,
        memory.quality_held + position[2] * now.quality, memory.hits + hits, memory.bets + bets, 1.0, 0.0, noise,
    )  # fmt: skip


@njit(inline="always")
def trade_one(p: Any, now: Any, account: Any, memory: Any, action: Any) -> Any:
    """One asset at quadratic cost; the objective is scored on the expected return x B f, as the paper states it."""
    held = account.position[0]
    wanted = (
        held + (action[0] - NEUTRAL) * p.trade_size if p.trade_form < 2.0 else action[0] * p.position_limit
    )
    buy = within(wanted, -p.position_limit, p.position_limit) - held
    fee, position = 0.5 * p.lambda_ * p.sigma * buy * buy, held + buy
    premium = p.loading_1 * now.value_z + p.loading_2 * now.momentum_z
    earned = position * (premium - 0.5 * p.gamma * p.sigma * position)
    after = Memory(
        0.0, 0.0, 0.0, 0.0, memory.value_held + position * now.value, 0.0, 0.0, 0.0, 0.0,
        memory.discount * p.delta, memory.worth + memory.discount * (p.delta * earned - fee), 0.0,
    )  # fmt: skip
    return Fills((buy, 0.0, 0.0), (now.value, now.momentum, now.quality), (fee, 0.0, 0.0)), 0.0, after


def reward(p: Any, before: Any, account: Any, memory: Any) -> Any:
    """Change of NAV; the paper's risk penalty; what has a weight; for training, less what was pure noise."""
    earned = (account.nav - before.nav) / p.capital
    risk = tracking = spread = turnover = control = 0.0
    if p.trade_form > 0.0:
        risk = -0.5 * p.gamma * p.sigma * account.position[0] * account.position[0] / p.capital
    if p.tracking_weight > 0.0:
        # (r - b)^2 - b^2: the squared tracking error less that of the flat account, which no action can change
        r = (account.nav - before.nav) / max(before.nav, POOREST * p.capital)
        tracking = -p.tracking_weight * r * (r - 2.0 * memory.benchmark)
    if p.diversification_weight > 0.0:
        spread = p.diversification_weight * spread_of(p, account)
    if p.turnover_weight > 0.0:
        turnover = -p.turnover_weight * memory.traded
    if p.control_variate > 0.0:
        control = -memory.noise / p.capital
    scale = p.reward_scale
    return Parts(
        earned * scale, risk * scale, tracking * scale, spread * scale, turnover * scale, control * scale
    )


@njit(inline="always")
def spread_of(p: Any, account: Any) -> float:
    """Gross exposure times (1 - Herfindahl index of its shares): zero for nothing and for one factor."""
    nav = max(account.nav, POOREST * p.capital)
    value = abs(account.position[0] * account.mark[0])
    momentum = abs(account.position[1] * account.mark[1])
    quality = abs(account.position[2] * account.mark[2])
    gross = value + momentum + quality
    if gross <= 0.0:
        return 0.0
    return (gross - (value * value + momentum * momentum + quality * quality) / gross) / nav


def observe(p: Any, now: Any, account: Any, memory: Any) -> Any:
    """Own weights, their risk, turnover, the calendar, drawdown and P&L, in units of order one."""
    if p.trade_form > 0.0:
        return Own(p.weight_scale * account.position[0], 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    per_nav = p.weight_scale / max(account.nav, POOREST * p.capital)
    value = account.position[0] * now.value * per_nav
    momentum = account.position[1] * now.momentum * per_nav
    quality = account.position[2] * now.quality * per_nav
    risk_1, risk_2 = value * now.value_volatility, momentum * now.momentum_volatility
    risk_3 = quality * now.quality_volatility
    variance = risk_1 * risk_1 + risk_2 * risk_2 + risk_3 * risk_3
    variance += 2.0 * now.correlation_value_momentum * risk_1 * risk_2
    variance += 2.0 * now.correlation_value_quality * risk_1 * risk_3
    variance += 2.0 * now.correlation_momentum_quality * risk_2 * risk_3
    return Own(
        value,
        momentum,
        quality,
        math.sqrt(max(variance, 0.0)) * p.per_target,
        memory.turnover * p.turnover_scale,
        memory.wait * p.per_rebalance,
        10.0 * (1.0 - account.nav / account.peak),
        (account.nav / p.capital - 1.0) * p.per_volatility,
    )


STEP = Step(
    Columns,
    Memory,
    Own,
    Parts,
    ("value", "momentum", "quality"),
    (0, 1, 2),
    1,
    opening,
    trade,
    reward,
    observe,
)
