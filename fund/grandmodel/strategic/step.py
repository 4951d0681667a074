"""One step of the strategic world: three experts' probabilities, one target exposure.

    P_side = sum_i w_i p_i(side),  D = P_long - P_short,    target = limit D (1 - caution p_stressed)

where the larger of P_long and P_short is at least the confidence threshold, else 0: an ensemble in doubt is flat.

Rewards, all times reward_scale: the step's P&L over the capital; `synergy_bonus` times that P&L where the three
decisions all point the way of a synergy in force; -`drawdown_penalty` times what the largest drawdown so far grew by;
`sharpe_bonus` times the change of the running Sharpe ratio, S_t = sqrt(steps a year / T) sum r / sqrt(sum r^2), which
at the end is the annual ratio of mean to root mean square. Sums over the episode are D0's terms; none can be had
without P&L.
"""

# ruff: noqa: ANN001, ANN201 - numba gives the rows of scalar functions a type of each strategy's own
from __future__ import annotations

import math
from typing import NamedTuple

from numba import njit

from fund.grandmodel.voting import Own, observe, one_fill, to_exposure, totals
from fund.strategy import Step


class Columns(NamedTuple):
    """Market columns."""

    price: float
    half_spread: float  # share of the price
    martingale: float  # the price less what could be foreseen of its moves; only the control variate reads it
    synergy: float  # direction of the synergy in force, 0 none
    synergy_kind: float  # its type, 0 none
    regime_scale: float  # of the position


class Memory(NamedTuple):
    """What a path remembers."""

    nav: float  # at the last decision
    gain: float  # sum of the steps' returns on the capital, up to the last decision
    square: float  # of their squares
    worst: float  # largest drawdown up to the last decision
    mlmi: float  # last directions
    nwrqk: float
    regime: float
    confidence: float  # of the ensemble in the side it leans to
    aligned: float  # 1 where all three point the way of the synergy in force
    earned_mlmi: float  # P&L up to the last decision that is owed to each expert
    earned_nwrqk: float
    earned_regime: float
    surprise: float  # P&L of the last step that nobody could foresee


class Parts(NamedTuple):
    """Parts of the reward."""

    pnl: float
    synergy: float
    drawdown: float
    sharpe: float
    control: float  # P&L that nobody could foresee, taken out


def opening(p, now):  # type: ignore[no-untyped-def]
    """Nothing is held, nothing has been said."""
    return (0.0,), Memory(p.capital, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


@njit(inline="always")
def shares(p, mlmi: float, nwrqk: float, regime: float) -> tuple[float, float, float]:  # type: ignore[no-untyped-def]
    """Whose the P&L of a position is: w d / D of each; by weight alone where D is 0."""
    m, n, r = p.weight_mlmi * mlmi, p.weight_nwrqk * nwrqk, p.weight_regime * regime
    total = m + n + r
    if abs(total) < 1e-9:
        return p.weight_mlmi, p.weight_nwrqk, p.weight_regime
    return m / total, n / total, r / total


def trade(p, now, nxt, account, memory, action):  # type: ignore[no-untyped-def]
    """Aggregate the experts and trade to the target."""
    a, b, c = totals(action)
    up = p.weight_mlmi * a * action[2] + p.weight_nwrqk * b * action[5] + p.weight_regime * c * action[8]
    down = p.weight_mlmi * a * action[0] + p.weight_nwrqk * b * action[3] + p.weight_regime * c * action[6]
    confidence = max(up, down)
    sure = confidence >= p.least_confidence and up != down
    target = p.position_limit * (up - down) * now.regime_scale if sure else 0.0
    units, price, fee = to_exposure(p, now, account, target)
    mlmi, nwrqk, regime = (
        (action[2] - action[0]) * a,
        (action[5] - action[3]) * b,
        (action[8] - action[6]) * c,
    )
    together = mlmi * now.synergy > 0.0 and nwrqk * now.synergy > 0.0 and regime * now.synergy > 0.0
    change = account.nav - memory.nav
    one, two, three = shares(p, memory.mlmi, memory.nwrqk, memory.regime)
    r = change * p.per_capital
    return one_fill(units, price, fee), 0.0, Memory(
        account.nav,
        memory.gain + r,
        memory.square + r * r,
        max(memory.worst, 1.0 - account.nav / account.peak),
        mlmi, nwrqk, regime,
        confidence,
        1.0 if together else 0.0,
        memory.earned_mlmi + one * change,
        memory.earned_nwrqk + two * change,
        memory.earned_regime + three * change,
        (account.position[0] + units) * (nxt.martingale - now.martingale),
    )  # fmt: skip


@njit(inline="always")
def running_sharpe(unit: float, gain: float, square: float) -> float:
    """Sharpe (1994), of the sum of returns and of their squares; 0 before anything was earned or lost."""
    return unit * gain / math.sqrt(square) if square > 0.0 else 0.0


def reward(p, before, account, memory):  # type: ignore[no-untyped-def]
    """P&L, bonus of a synergy, growth of the largest drawdown, change of the running Sharpe ratio, control variate."""
    r = (account.nav - before.nav) * p.per_capital
    deeper = max(1.0 - account.nav / account.peak - memory.worst, 0.0)
    then = running_sharpe(p.sharpe_unit, memory.gain, memory.square)
    sharpe = running_sharpe(p.sharpe_unit, memory.gain + r, memory.square + r * r)
    return Parts(
        (account.nav - before.nav) * p.reward_of_money,
        p.synergy_bonus * memory.aligned * r * p.reward_scale,
        -p.drawdown_penalty * deeper * p.reward_scale,
        p.sharpe_bonus * (sharpe - then) * p.reward_scale,
        -memory.surprise * p.reward_of_money if p.control_variate > 0.0 else 0.0,
    )


STEP = Step(Columns, Memory, Own, Parts, ("price",), (0,), 9, opening, trade, reward, observe)
