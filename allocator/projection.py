"""Projection of any target on the weights that the mandate allows.

    minimise |w - y|^2  over  floor <= w_i <= cap,  sum w = 1 (with a cash sleeve: <= 1),  sum |w_i - p_i| <= tau

y is the target, p the weights held (drifted since the last rebalance), tau the turnover allowed. This is the nearest
allowed point, not a clipped and renormalised one.

**When bounds and turnover quarrel, the bounds win.** Held weights may have drifted out of [floor, cap], or off the
sum. Let c = clip(p, floor, cap). Any w within the bounds has sum |w - p| = sum |c - p| + sum |w - c|, so the least
turnover that reaches the allowed weights is sum |c - p| + |1 - sum c| (with cash: + max(0, sum c - 1)); where tau is
less, that least turnover is what is allowed. Hence a budget of at least the imbalance D = 1 - sum c remains for moves
around c.

**No iteration.** The multiplier nu of the sum enters as w_i = clip(y_i - nu, lo_i, hi_i), the sum is piecewise linear
in nu, and its breakpoints are y_i - lo_i and y_i - hi_i: `fill` finds the two around the wanted sum and
interpolates. With turnover binding, purchases b and sales s around c are sums of their own,

    b = clip(y - c - alpha, 0, cap - c),     sum b = (budget + D)/2
    s = clip(c - y + beta, 0, c - floor),    sum s = (budget - D)/2

with alpha = nu + mu and beta = nu - mu, mu the multiplier of turnover: two fills, not a nested search. With a cash
sleeve not empty nu is zero, and all trades are one fill.

Sources: the conditions of Karush, Kuhn and Tucker; for the fill, Brucker (1984), "An O(n) algorithm for quadratic
knapsack problems", Operations Research Letters 3:163-166.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fund.compiled import compiled
from fund.errors import InvalidParameter

Floats = NDArray[np.float64]

SLACK = 1e-12  # to which the bounds may miss a sum of one


def check_bounds(n: int, floor: float, cap: float, cash_allowed: bool = False) -> None:
    """Refuse bounds that no weights of n strategies satisfy: wanted n * floor <= 1 <= n * cap.

    With a cash sleeve the cap may be any; long only, so the floor is at least zero.
    Raises InvalidParameter, whose text says which bound is at fault and what would do.
    """
    if n < 1:
        raise InvalidParameter(f"There are {n} strategies; wanted at least one.")
    if not 0.0 <= floor <= cap <= 1.0:
        raise InvalidParameter(f"floor={floor:g} and cap={cap:g}; wanted 0 <= floor <= cap <= 1.")
    if n * floor > 1.0 + SLACK:
        raise InvalidParameter(
            f"A floor of {floor:g} for {n} strategies adds up to {n * floor:g}, over 1; wanted at most {1 / n:.4g}."
        )
    if not cash_allowed and n * cap < 1.0 - SLACK:
        raise InvalidParameter(
            f"A cap of {cap:g} for {n} strategies adds up to {n * cap:g}, so the weights cannot sum to 1; "
            f"wanted a cap of at least {1 / n:.4g}, or a cash sleeve."
        )


@compiled(error_model="numpy")
def fill(target: Floats, low: Floats, high: Floats, total: float, out: Floats) -> None:
    """Nearest point to `target` with low_i <= out_i <= high_i and sum out = total, all arrays (n,).

    out_i = clip(target_i - nu, low_i, high_i) with nu between two neighbouring breakpoints. A total that the bounds
    do not reach gives the bounds themselves.
    """
    n = target.shape[0]
    sum_low, sum_high = 0.0, 0.0
    for i in range(n):
        sum_low += low[i]
        sum_high += high[i]
    if total >= sum_high or total <= sum_low:
        for i in range(n):
            out[i] = high[i] if total >= sum_high else low[i]
        return
    # The sum falls as nu rises: `before` is the last breakpoint with a sum of at least `total`, `after` the next.
    before, after, sum_before, sum_after = -np.inf, np.inf, sum_high, sum_low
    for k in range(2 * n):
        nu = target[k] - high[k] if k < n else target[k - n] - low[k - n]
        reached = 0.0
        for i in range(n):
            reached += min(max(target[i] - nu, low[i]), high[i])
        if reached >= total and nu > before:
            before, sum_before = nu, reached
        if reached <= total and nu < after:
            after, sum_after = nu, reached
    nu = before
    if sum_before > sum_after:
        nu = before + (after - before) * ((sum_before - total) / (sum_before - sum_after))
    for i in range(n):
        out[i] = min(max(target[i] - nu, low[i]), high[i])
    _close(low, high, total, out)


@compiled(error_model="numpy")
def _close(low: Floats, high: Floats, total: float, out: Floats) -> None:
    # Rounding, which grows with the size of the target, is given to the first that have room for it.
    missing = total
    for i in range(out.shape[0]):
        missing -= out[i]
    for i in range(out.shape[0]):
        step = min(max(missing, low[i] - out[i]), high[i] - out[i])
        out[i] = min(max(out[i] + step, low[i]), high[i])
        missing -= step


@compiled(error_model="numpy")
def project(
    target: Floats,
    previous: Floats,
    floor: float,
    cap: float,
    max_turnover: float,
    cash_allowed: bool,
    out: Floats,
) -> None:
    """Write the allowed weights nearest to `target` into `out`, all arrays (n,); see the module.

    `max_turnover` bounds sum |out - previous|, both sides counted and the cash sleeve not. The bounds must have
    passed `check_bounds`, and all numbers must be finite. `out` may be `target` or `previous`.
    """
    n = target.shape[0]
    low, high, centre, wish = np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    budget, held = max_turnover, 0.0
    for i in range(n):
        low[i], high[i], wish[i] = floor, cap, target[i]
        centre[i] = min(max(previous[i], floor), cap)
        budget -= abs(previous[i] - centre[i])
        held += centre[i]
    imbalance = 1.0 - held
    budget = max(budget, -imbalance if cash_allowed else abs(imbalance), 0.0)
    if _within_bounds(wish, centre, low, high, budget, cash_allowed, out):
        return
    if cash_allowed and _trade_against_cash(wish, centre, floor, cap, budget, out):
        return
    _buy_and_sell(wish, centre, floor, cap, budget, imbalance, out)


@compiled(error_model="numpy")
def _within_bounds(
    wish: Floats, centre: Floats, low: Floats, high: Floats, budget: float, cash_allowed: bool, out: Floats
) -> bool:
    # The projection without turnover; true if it respects turnover all the same.
    total, turnover = 0.0, 0.0
    for i in range(wish.shape[0]):
        out[i] = min(max(wish[i], low[i]), high[i])
        total += out[i]
    if not cash_allowed or total > 1.0:
        fill(wish, low, high, 1.0, out)
    for i in range(wish.shape[0]):
        turnover += abs(out[i] - centre[i])
    return turnover <= budget


@compiled(error_model="numpy")
def _trade_against_cash(
    wish: Floats, centre: Floats, floor: float, cap: float, budget: float, out: Floats
) -> bool:
    # Turnover binds and the sum does not: all trades, bought or sold, are one sum. True if the sum is at most one.
    n = wish.shape[0]
    size, none, room = np.empty(n), np.zeros(n), np.empty(n)
    for i in range(n):
        size[i] = abs(wish[i] - centre[i])
        room[i] = cap - centre[i] if wish[i] > centre[i] else centre[i] - floor
    fill(size, none, room, budget, out)
    total = 0.0
    for i in range(n):
        trade = out[i] if wish[i] > centre[i] else -out[i]
        out[i] = min(max(centre[i] + trade, floor), cap)
        total += out[i]
    return total <= 1.0


@compiled(error_model="numpy")
def _buy_and_sell(
    wish: Floats, centre: Floats, floor: float, cap: float, budget: float, imbalance: float, out: Floats
) -> None:
    # Turnover and the sum bind: purchases and sales are two sums.
    n = wish.shape[0]
    gap, none, room, sold = np.empty(n), np.zeros(n), np.empty(n), np.empty(n)
    for i in range(n):
        gap[i] = centre[i] - wish[i]
        room[i] = centre[i] - floor
    fill(gap, none, room, 0.5 * (budget - imbalance), sold)
    for i in range(n):
        gap[i] = wish[i] - centre[i]
        room[i] = cap - centre[i]
    fill(gap, none, room, 0.5 * (budget + imbalance), out)
    for i in range(n):
        out[i] = min(max(centre[i] + out[i] - sold[i], floor), cap)
