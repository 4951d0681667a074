"""One step of the desk: straddle to its target vega, shares to the straddle's delta, at the quotes of row t.

With b the NAV (or the capital, where positions do not compound) and a the action,

    straddles = a b vega_limit / vega,   shares = -straddles delta,   both scaled down to leverage and margin

Series of straddles are listed with a life of `tenor` steps and strikes that stay; two instruments take turns. In the
row in which the other one becomes active, what is left of the old series is sold at its own price and the new one is
bought at its own: a roll costs two fees and moves no P&L. A target within `band` of the position is not traded, nor a
hedge within `hedge_band` of the delta, per straddle.

Beside the ledger the desk sums up where the P&L of the straddle came from, at the Greeks of row t:

    q dV = q (delta dS + gamma dS^2 / 2 + theta dt + vega d sigma + cross) + residual
"""

from __future__ import annotations

from typing import NamedTuple

from numba import njit

from fund.account.ledger import Fills
from fund.account.utility import power_utility
from fund.strategy import Step

LOG = 0.0  # the power of logarithmic utility
POOREST = 0.01  # share of the capital below which observations divide by this
GAMMA_UNIT = 0.5 * 0.01**2 / 5e-4  # of gamma S^2: what a move of one per cent earns, in units of 5 bp
THETA_UNIT = 1.0 / 252.0 / 1e-3  # of theta a year: what a day earns, in units of 10 bp


class Columns(NamedTuple):
    """Market columns; Greeks are of one straddle."""

    spot: float
    straddle_a: float
    straddle_b: float
    active: float  # 0 or 1: which of the two is traded and held over (t, t+1]
    delta: float  # at which the active one is hedged
    vega: float  # of the active one, for a change of volatility of one
    size: float  # active straddles per unit of account currency at full action
    margin: float  # asked for a short one of the active, account currency
    held_delta: float  # from here: of the series held over (t-1, t], at row t
    held_gamma: float
    held_theta: float
    held_vega: float
    gamma_pnl: float  # from here: what that series earned over (t-1, t]
    theta_pnl: float
    vega_pnl: float
    cross_pnl: float  # of vanna and volga
    variance: float  # of the claim on variance over the next step; 0 elsewhere


class Memory(NamedTuple):
    """What a path remembers: attribution in account currency so far, and the state of its position."""

    entry_nav: float  # NAV when the position was opened
    exposure: float  # sum over steps of the position, as a share of the full one
    delta: float
    gamma: float
    theta: float
    vega: float
    cross: float
    residual: float
    hedge: float
    expected: float  # mean change of the logarithm of wealth over the last step


class Own(NamedTuple):
    """The account's share of the observation."""

    delta: float  # of straddles and shares, tenths of the NAV
    gamma: float  # what a move of the spot of one per cent earns by it, 5 bp of the NAV
    theta: float  # what a day earns, 10 bp of the NAV
    vega: float  # share of the limit
    margin_used: float  # share of the NAV
    unrealised_pnl: float  # tenths of the capital
    drawdown: float  # tenths of the peak


class Parts(NamedTuple):
    """Parts of the reward."""

    pnl: float
    utility: float  # change of the logarithm of wealth, less the P&L
    control: float  # zero-mean noise of the change of utility, taken out


def opening(p, now):  # type: ignore[no-untyped-def]
    """Nothing is held at the start."""
    return (0.0, 0.0, 0.0), Memory(p.capital, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


@njit(forceinline=True)
def _base(p, nav) -> float:  # type: ignore[no-untyped-def]
    # money that positions are a share of
    return max(nav, 0.0) if p.compound > 0.0 else p.capital


def trade(p, now, nxt, account, memory, action):  # type: ignore[no-untyped-def]
    """Old series out, new one to its target, shares to the delta; then the attribution of the step."""
    second = now.active > 0.0
    held, other = account.position[0], account.position[1]
    price, after = now.straddle_a, nxt.straddle_a
    if second:
        held, other = other, held
        price, after = now.straddle_b, nxt.straddle_b
    base = _base(p, account.nav)
    full = now.size * base
    target = action[0] * full
    if abs(target - held) <= p.band * full and target * held > 0.0:
        target = held
    shares = -target * now.delta
    if abs(shares - account.position[2]) <= p.hedge_band * abs(target) and target == held:
        shares = account.position[2]
    limit = max(account.nav, 0.0)
    gross, room = abs(target) * price + abs(shares) * now.spot, limit * p.leverage
    scale = room / gross if gross > room else 1.0
    asked = -target * now.margin * scale
    if asked > limit:
        scale *= limit / asked
    target, shares = target * scale, shares * scale
    bought, hedged = target - held, shares - account.position[2]
    fee = p.vega_cost * abs(bought) * now.vega
    fee_other = p.vega_cost * abs(other) * now.held_vega
    fee_shares = p.stock_cost * abs(hedged) * now.spot
    if second:
        quantities, fees = (-other, bought, hedged), (fee_other, fee, fee_shares)
    else:
        quantities, fees = (bought, -other, hedged), (fee, fee_other, fee_shares)
    fills = Fills(quantities, (now.straddle_a, now.straddle_b, now.spot), fees)
    kept = (held + other) * target > 0.0
    return fills, 0.0, _remember(p, now, nxt, account, memory, target, shares, after - price, kept, full)


@njit(forceinline=True)
def _remember(p, now, nxt, account, memory, target, shares, earned, kept, full) -> Memory:  # type: ignore[no-untyped-def]
    moved = nxt.spot - now.spot
    delta, gamma = target * now.delta * moved, target * nxt.gamma_pnl
    theta, vega, cross = target * nxt.theta_pnl, target * nxt.vega_pnl, target * nxt.cross_pnl
    residual = target * earned - delta - gamma - theta - vega - cross
    return Memory(
        memory.entry_nav if kept else account.nav,
        memory.exposure + (target / full if full > 0.0 else 0.0),
        memory.delta + delta,
        memory.gamma + gamma,
        memory.theta + theta,
        memory.vega + vega,
        memory.cross + cross,
        memory.residual + residual,
        memory.hedge + shares * moved,
        _expected(p, now, account, target) if p.control_variate > 0.0 else 0.0,
    )


@njit(forceinline=True)
def _expected(p, now, account, target) -> float:  # type: ignore[no-untyped-def]
    # E log(1 + x) of x units of the claim on variance, to second order: mean and variance are affine in v
    share = target / account.nav if account.nav > 0.0 else 0.0
    mean = p.claim_mean + p.claim_mean_by_v * now.variance
    spread = p.claim_spread + p.claim_spread_by_v * now.variance
    return share * mean - 0.5 * share * share * (spread + mean * mean)


def reward(p, before, account, memory):  # type: ignore[no-untyped-def]
    """Change of NAV, scaled; with `log_utility` the change of the logarithm of wealth."""
    pnl = (account.nav - before.nav) * p.reward_of_money
    if p.log_utility == 0.0:
        return Parts(pnl, 0.0, 0.0)
    gained = power_utility(account.nav * p.per_capital, LOG) - power_utility(before.nav * p.per_capital, LOG)
    control = memory.expected - gained if p.control_variate > 0.0 else 0.0
    return Parts(pnl, gained * p.reward_scale - pnl, control * p.reward_scale)


def observe(p, now, account, memory):  # type: ignore[no-untyped-def]
    """Greeks of the position against the NAV, margin, open and past result."""
    base = max(_base(p, account.nav), POOREST * p.capital)
    held = account.position[0] + account.position[1]
    per = 1.0 / base
    share = held * per
    square = now.spot * now.spot
    open_pnl = account.nav - memory.entry_nav if held != 0.0 else 0.0
    return Own(
        (share * now.held_delta + account.position[2] * per) * now.spot * 10.0,
        share * now.held_gamma * square * GAMMA_UNIT,
        share * now.held_theta * THETA_UNIT,
        share * now.held_vega * p.per_limit,
        max(-share, 0.0) * now.margin,
        open_pnl * p.tenth_of_capital,
        10.0 - 10.0 * account.nav / account.peak,
    )


STEP = Step(
    Columns,
    Memory,
    Own,
    Parts,
    ("straddle_a", "straddle_b", "spot"),
    (0, 1, 2),
    1,
    opening,
    trade,
    reward,
    observe,
)
