"""One step of the desk: three pairs to their target notionals, in two currency balances, for one path.

The account holds balances E of the base and J of the terms currency, marked at their mids e and j in the home
currency; cash is the home balance. Of the pairs base/home, home/terms and base/terms, the cross, a path remembers how
much of its base balance it bought in the cross, X. The pairs' notionals in home currency then are

    cross = X e,    base/home = E e - X e,    home/terms = -J j - X e,

so that what the cross and home/terms have earned in the terms currency stands in J, a position in home/terms until it
is converted. A trade d1, d2, d3 of the notionals is executed at the quotes of row t, all legs or none:

    base/home   d1 / e units at the mid e (1 +- h1)
    cross       d3 / e units against d3 / e times the cross's own mid (1 +- h3) of the terms currency
    home/terms  the terms currency that is left over from that, and from d2, at j (1 +- h2)

with h the half-spreads. home/terms is quoted by its reciprocal, so its ask is 1 / (j (1 - h2)). If one leg exceeds its
executable size all are cut by the same share. Equal and opposite notionals round the triangle are no position: they
net out as soon as they are traded.

Every balance is rolled each step by a swap at covered parity, and pays a funding cost on its absolute value.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from numba import njit

from fund.account.costs import take
from fund.account.ledger import Fills
from fund.account.limits import exposure_limit, scale_to
from fund.strategy import Step

POOREST = 0.01  # share of the capital below which observations divide by this
ROUNDING = 1e-9  # share of a full position that is no position
CLOSED_OUT = -1.0


class Columns(NamedTuple):
    """Market columns."""

    base: float  # mid of the base currency, home currency
    terms: float  # mid of the terms currency, home currency
    cross: float  # mid of the cross, terms currency for one of the base currency
    base_home_spread: float  # half-spreads, shares of the mid
    home_terms_spread: float
    cross_spread: float
    base_roll: float  # what a worth of one earns over the step by swap points
    terms_roll: float
    funding: float  # what it pays
    clockwise_size: float  # executable notional of the quotes that lead clockwise: asks, and the cross's bid
    anticlockwise_size: float  # of the others: bids, and the cross's ask
    pay: float  # mean excess return of a balance over the step, per unit of its roll; nobody sees it


class Memory(NamedTuple):
    """What a path remembers; sums run over the episode."""

    cross: float  # units of the base currency that were bought in the cross
    funding: float  # paid so far
    exposure: float  # sum over steps of the gross notional
    attempts: float  # steps whose trades went round the triangle
    wins: float  # of them, those that paid
    loop_profit: float  # earned by them after fees
    order_1: float  # on its way: target notionals as actions
    order_2: float
    order_3: float
    wait: float  # steps until it is executed; 0: nothing is on its way; -1: the account was closed out
    noise: float  # gain of the last step that nobody could foresee


class Own(NamedTuple):
    """The account's share of the observation."""

    base_home_position: float  # notional, share of the full position
    home_terms_position: float
    cross_position: float
    drawdown: float
    leverage: float  # gross notional over NAV, share of the limit
    pnl: float


class Parts(NamedTuple):
    """Parts of the reward."""

    pnl: float
    utility: float  # local mean-variance utility of the step's return, less the P&L
    control: float  # zero-mean noise of the return, taken out


class Pairs(NamedTuple):
    """One number a pair."""

    base_home: float
    home_terms: float
    cross: float


@njit(forceinline=True)
def gross_of(pairs: Any) -> float:
    """Sum of absolute notionals."""
    return abs(pairs[0]) + abs(pairs[1]) + abs(pairs[2])


@njit(forceinline=True)
def notionals(base: float, terms: float, position: Any, cross_units: float) -> Any:
    """Notionals of the three pairs from the balances, home currency."""
    cross = cross_units * base
    return Pairs(position[0] * base - cross, -position[1] * terms - cross, cross)


def opening(p: Any, now: Any) -> Any:
    """Nothing is held at the start, nothing is on its way."""
    return (0.0, 0.0), Memory(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


def trade(p: Any, now: Any, nxt: Any, account: Any, memory: Any, action: Any) -> Any:
    """Execute the order that is due, roll the balances; an account below its maintenance margin is closed out."""
    held = notionals(now.base, now.terms, account.position, memory.cross)
    gross = gross_of(held)
    closed_out = account.nav < p.least_margin * gross
    if closed_out:
        moves, order, wait = Pairs(-held[0], -held[1], -held[2]), (0.0, 0.0, 0.0), CLOSED_OUT
    else:
        moves, order, wait = decided(p, account.nav, held, gross, memory, action)
        share = executable(now, moves)
        moves = Pairs(share * moves[0], share * moves[1], share * moves[2])
    per_both = 1.0 / (now.base * now.terms)
    per_base = now.terms * per_both
    fills = executed(p, now, moves, per_base, now.base * per_both)
    base = account.position[0] + fills.quantity[0] + fills.quantity[2]
    terms = account.position[1] + fills.quantity[1] + fills.quantity[3]
    long_base, long_terms = base * now.base, terms * now.terms
    funding = now.funding * (abs(long_base) + abs(long_terms))
    carry = long_base * now.base_roll + long_terms * now.terms_roll - funding
    noise = 0.0
    if p.control_variate > 0.0:
        gained = base * nxt.base - long_base + terms * nxt.terms - long_terms
        noise = gained + (long_base * now.base_roll + long_terms * now.terms_roll) * (1.0 - now.pay)
    tried = common(moves[0], moves[1], moves[2])
    earned = round_trip(p, now, tried, per_base)
    after = Pairs(held[0] + moves[0], held[1] + moves[1], held[2] + moves[2])
    loop = common(after[0], after[1], after[2])
    remembered = Memory(
        memory.cross + fills.quantity[2] + loop * per_base, memory.funding + funding,
        memory.exposure + gross_of(after) - 3.0 * abs(loop), memory.attempts + (1.0 if tried != 0.0 else 0.0),
        memory.wins + (1.0 if earned > 0.0 else 0.0), memory.loop_profit + earned, order[0], order[1], order[2],
        wait, noise,
    )  # fmt: skip
    return fills, carry, remembered


@njit(forceinline=True)
def decided(p: Any, nav: float, held: Any, gross: float, memory: Any, action: Any) -> Any:
    """Trades of this step, the order that is on its way after it, and how long it still is.

    With a latency one order at a time is sent; while it is on its way nothing else is.
    """
    order, wait = (memory.order_1, memory.order_2, memory.order_3), memory.wait
    nothing = Pairs(0.0, 0.0, 0.0)
    if wait > 1.0:
        return nothing, order, wait - 1.0
    if wait > 0.0:
        return asked(p, nav, held, gross, order), (0.0, 0.0, 0.0), 0.0
    moves = asked(p, nav, held, gross, (action[0], action[1], action[2]))
    if p.latency > 0.0 and gross_of(moves) > 0.0:
        return nothing, (action[0], action[1], action[2]), p.latency
    return moves, (0.0, 0.0, 0.0), 0.0


@njit(forceinline=True)
def asked(p: Any, nav: float, held: Any, gross: float, targets: Any) -> Any:
    """Trades to the target notionals within the leverage; changes inside the band are left alone.

    An account beyond its leverage is called: it trades whatever brings it back.
    """
    unit, limit = exposure_limit(nav, p.position_limit), exposure_limit(nav, p.leverage)
    scale = scale_to(unit * gross_of(targets), limit) * unit
    dust = ROUNDING * unit
    band = dust if gross > limit else max(p.band * unit, dust)
    return Pairs(
        beyond(scale * targets[0], held[0], band, dust),
        beyond(scale * targets[1], held[1], band, dust),
        beyond(scale * targets[2], held[2], band, dust),
    )


@njit(forceinline=True)
def beyond(target: float, held: float, band: float, dust: float) -> float:
    """Trade to a target, or none where it is nearer than the band; a position is closed unless it is dust."""
    change = target - held
    return change if abs(change) > (band if target != 0.0 else dust) else 0.0


@njit(forceinline=True)
def executable(now: Any, moves: Any) -> float:
    """Share of the trades that the quotes have room for, the same for all legs."""
    clockwise = max(moves[0], moves[1], -moves[2])
    anticlockwise = max(-moves[0], -moves[1], moves[2])
    if clockwise <= now.clockwise_size and anticlockwise <= now.anticlockwise_size:
        return 1.0
    # a side without trades is within its size and divides by nothing
    one = now.clockwise_size / max(clockwise, now.clockwise_size)
    return min(one, now.anticlockwise_size / max(anticlockwise, now.anticlockwise_size))


@njit(forceinline=True)
def executed(p: Any, now: Any, moves: Any, per_base: float, per_terms: float) -> Any:
    """Fills of base in base/home, terms in home/terms, and base and terms in the cross."""
    base, cross = moves[0] * per_base, moves[2] * per_base
    rate, _ = take(cross, now.cross, now.cross_spread, 0.0)
    paid = cross * rate  # terms currency
    terms = paid - (moves[1] + moves[2]) * per_terms
    price_1, fee_1 = take(base, now.base, now.base_home_spread, p.fee)
    price_2, fee_2 = take(terms, now.terms, now.home_terms_spread, p.fee)
    price_3 = rate * now.terms
    fee_3 = p.fee * abs(cross) * price_3
    return Fills(
        (base, terms, cross, -paid), (price_1, price_2, price_3, now.terms), (fee_1, fee_2, fee_3, 0.0)
    )


@njit(forceinline=True)
def common(one: float, two: float, three: float) -> float:
    """Notional that goes round the triangle and is no position, + long base/home; without a branch."""
    return max(min(one, two, -three), 0.0) + min(max(one, two, -three), 0.0)


@njit(forceinline=True)
def round_trip(p: Any, now: Any, loop: float, per_base: float) -> float:
    """What trades of some notional round the triangle earn after fees, + first into base/home."""
    side = 1.0 if loop > 0.0 else -1.0
    turned = now.cross * (1.0 - side * now.cross_spread) * now.terms * per_base
    out, back = 1.0 + side * now.base_home_spread, turned * (1.0 - side * now.home_terms_spread)
    return loop * (back - out) - abs(loop) * p.fee * (out + back + turned)


def reward(p: Any, before: Any, account: Any, memory: Any) -> Any:
    """Change of NAV; its local utility r - gamma r^2 / 2, r = change over NAV; for training, r without its noise.

    In continuous time the policy that maximises the sum of this local utility is Merton's for constant relative risk
    aversion gamma, where opportunities do not change (Merton, 1969). A loss beyond all counts as all.
    """
    earned = account.nav - before.nav
    pnl = earned * p.reward_of_money
    if p.gamma == 0.0 and p.control_variate == 0.0:
        return Parts(pnl, 0.0, 0.0)
    per_nav = 1.0 / max(before.nav, POOREST * p.capital)
    r = max(earned * per_nav, -1.0)
    utility = (r - p.half_gamma * r * r) * p.reward_scale - pnl if p.gamma > 0.0 else 0.0
    return Parts(pnl, utility, -memory.noise * per_nav * p.reward_scale)


def observe(p: Any, now: Any, account: Any, memory: Any) -> Any:
    """Own notionals, drawdown, leverage and result, in units of order one."""
    held = notionals(now.base, now.terms, account.position, memory.cross)
    per_nav = 1.0 / max(account.nav, POOREST * p.capital)
    per_unit = per_nav * p.per_limit
    return Own(
        held[0] * per_unit,
        held[1] * per_unit,
        held[2] * per_unit,
        10.0 - 10.0 * account.nav / account.peak,
        gross_of(held) * per_nav * p.per_leverage,
        (account.nav - p.capital) * p.tenth_of_capital,
    )


def ended(p: Any, account: Any, memory: Any) -> bool:
    """Whether the account was closed out."""
    return memory.wait == CLOSED_OUT


STEP = Step(
    Columns,
    Memory,
    Own,
    Parts,
    ("base", "terms"),
    (0, 1, 0, 1),
    3,
    opening,
    trade,
    reward,
    observe,
    ended=ended,
)
