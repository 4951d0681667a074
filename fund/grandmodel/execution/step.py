"""One step of execution, for one path: two parent orders, three venues, five agents.

The account holds the gap between what is held and what is wanted, minus the open quantity of each parent, so that
the change of NAV is minus the implementation shortfall against the arrival price. Row t to t+1:

    pace       open / steps left, the TWAP slice
    slice      (1 + a)^2 pace: nothing at -1, TWAP at 0, four times TWAP at 1; tilted between the two parents by their
               risk and cost and by the priority; doubled beyond stop or target; kept to at least the pace where the
               open risk is above its limit; capped by participation and by the largest child; whole lots
    by market  a share of it, at once at the quotes of row t, or late at those of row t+1, over the venues
    posted     the rest, at the touch; min((outflow - queue)^+, posted) is filled by the flow of (t, t+1]
    open       what is left; at the last step, or at every one without `carry_over`, bought at the penalty

Impact of x shares that a step takes from a venue of depth d, whether at once, late or to complete: x/d (Almgren &
Chriss), Y sigma sqrt(x/volume) (square root), x/(2d) on top of what past trades left (Obizhaeva & Wang). Permanent
impact moves the marks.
"""

from __future__ import annotations

from typing import Any

from numba import njit

from fund.account.ledger import Fills
from fund.account.limits import within
from fund.grandmodel.execution.child import TOO_SMALL, Book, slice_of, work
from fund.grandmodel.execution.layout import ACTIONS, Columns, Memory, Own, Parts
from fund.strategy import Step


def opening(p: Any, now: Any) -> Any:
    """The gap to the target is held; arrival prices are the mids."""
    memory = Memory(
        now.parent_a, now.parent_b, now.parent_a, now.parent_b, now.mid_a, now.mid_b,
        0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0,
        0.0, 0.0, 0.0, 0.0,
    )  # fmt: skip
    return (-now.parent_a, -now.parent_b), memory


def price(p: Any, now: Any, memory: Any) -> Any:
    """Mids, moved by what was traded."""
    return (now.mid_a + memory.displaced_a, now.mid_b + memory.displaced_b)


@njit(forceinline=True)
def book_a(now: Any, nxt: Any, memory: Any) -> Any:
    """The first instrument's market."""
    moved = memory.displaced_a
    return Book(
        now.mid_a + moved, nxt.mid_a + moved, now.half_spread_a, now.volatility_a, now.volume_a, now.depth_a1,
        now.depth_a2, now.depth_a3, now.queue_a1, now.queue_a2, now.queue_a3, nxt.outflow_a1, nxt.outflow_a2,
        nxt.outflow_a3, nxt.surprise_a, now.ahead_a, nxt.ahead_a,
    )  # fmt: skip


@njit(forceinline=True)
def book_b(now: Any, nxt: Any, memory: Any) -> Any:
    """The second instrument's market."""
    moved = memory.displaced_b
    return Book(
        now.mid_b + moved, nxt.mid_b + moved, now.half_spread_b, now.volatility_b, now.volume_b, now.depth_b1,
        now.depth_b2, now.depth_b3, now.queue_b1, now.queue_b2, now.queue_b3, nxt.outflow_b1, nxt.outflow_b2,
        nxt.outflow_b3, nxt.surprise_b, now.ahead_b, nxt.ahead_b,
    )  # fmt: skip


@njit(forceinline=True)
def tilt_of(p: Any, a: Any, b: Any, open_a: float, open_b: float, action: float) -> float:
    """How much sooner the first parent is worked than the second, -1 ... 1: more risk and less cost go first."""
    risk_a, risk_b = abs(open_a) * a.volatility, abs(open_b) * b.volatility
    cost_a, cost_b = abs(open_a) * a.half_spread, abs(open_b) * b.half_spread
    by_risk = (risk_a - risk_b) / (risk_a + risk_b) if risk_a > 0.0 and risk_b > 0.0 else 0.0
    by_cost = (cost_b - cost_a) / (cost_a + cost_b) if cost_a > 0.0 and cost_b > 0.0 else 0.0
    weight = p.execution_cost_weight
    own = p.priority_strength * ((1.0 - weight) * by_risk + weight * by_cost)
    return within(action + own, -1.0, 1.0) if risk_a > 0.0 and risk_b > 0.0 else 0.0


def trade(p: Any, now: Any, nxt: Any, account: Any, memory: Any, action: Any) -> Any:
    """Both parents, one step."""
    a, b, left = book_a(now, nxt, memory), book_b(now, nxt, memory), account.left
    tilt = tilt_of(p, a, b, memory.open_a, memory.open_b, action[5])
    size_a = slice_of(p, a, memory.parent_a, memory.open_a, memory.arrival_a, 1.0 + tilt, left, action)
    size_b = slice_of(p, b, memory.parent_b, memory.open_b, memory.arrival_b, 1.0 - tilt, left, action)
    one = work(p, now, a, memory.open_a, size_a, memory.transient_a, left, action)
    two = work(p, now, b, memory.open_b, size_b, memory.transient_b, left, action)
    fills = Fills(
        (one.taken, one.made, two.taken, two.made),
        (one.taken_price, one.made_price, two.taken_price, two.made_price),
        (one.fee, -one.rebate, two.fee, -two.rebate),
    )
    return fills, 0.0, remembered(p, a, b, memory, one, two)


@njit(forceinline=True)
def remembered(p: Any, a: Any, b: Any, memory: Any, one: Any, two: Any) -> Any:
    """The memory after a step; costs are account currency, positive when paid."""
    moves, impact = one.moves + two.moves, one.impact + two.impact
    fast, well = one.fast + two.fast, one.well + two.well
    x, y = one.open * a.volatility, two.open * b.volatility
    return Memory(
        memory.parent_a, memory.parent_b, one.open, two.open, memory.arrival_a, memory.arrival_b,
        memory.displaced_a + one.displaced, memory.displaced_b + two.displaced, one.transient, two.transient,
        memory.spread + one.spread + two.spread, memory.impact + impact,
        memory.permanent + one.permanent + two.permanent,
        memory.fees + one.fee + two.fee - one.rebate - two.rebate,
        memory.moves + moves, one.surprise + two.surprise, impact, x * x + y * y + 2.0 * p.correlation * x * y,
        fast, well,
        memory.fast + fast, memory.made + abs(one.made) + abs(two.made),
        memory.taken + abs(one.taken) + abs(two.taken),
        memory.paid_a + one.taken * one.taken_price + one.made * one.made_price,
        memory.paid_b + two.taken * two.taken_price + two.made * two.made_price,
        memory.charged_a + one.fee - one.rebate, memory.charged_b + two.fee - two.rebate,
    )  # fmt: skip


def reward(p: Any, before: Any, account: Any, memory: Any) -> Any:
    """Minus the shortfall of the step; price of risk, impact; bonuses for speed and routing of what was traded."""
    size = abs(memory.parent_a) + abs(memory.parent_b)
    share = 1.0 / size if size > 0.0 else 0.0
    control = memory.stepped_surprise if p.control_variate > 0.0 else 0.0
    return Parts(
        (account.nav - before.nav) * p.reward_of_money,
        -p.risk_aversion * memory.stepped_risk * p.reward_of_money,
        -p.impact_penalty * memory.stepped_impact * p.reward_of_money,
        p.speed_bonus * memory.stepped_fast * share,
        p.venue_bonus * memory.stepped_well * share,
        control * p.reward_of_money,
    )


def observe(p: Any, now: Any, account: Any, memory: Any) -> Any:
    """What is open, how far the price is from the arrival, what a step's pace would cost, time left."""
    left = max(account.left, 1.0)
    open_a, open_b = memory.open_a, memory.open_b
    share_a = open_a / memory.parent_a if memory.parent_a != 0.0 else 0.0
    share_b = open_b / memory.parent_b if memory.parent_b != 0.0 else 0.0
    away_a = (account.mark[0] - memory.arrival_a) * (1.0 if memory.parent_a > 0.0 else -1.0)
    away_b = (account.mark[1] - memory.arrival_b) * (1.0 if memory.parent_b > 0.0 else -1.0)
    depth_a = now.depth_a1 + now.depth_a2 + now.depth_a3
    depth_b = now.depth_b1 + now.depth_b2 + now.depth_b3
    return Own(
        share_a,
        share_b,
        1.0 if memory.parent_a > 0.0 else -1.0,
        1.0 if memory.parent_b > 0.0 else -1.0,
        within(away_a * p.per_move, -9.0, 9.0),
        within(away_b * p.per_move, -9.0, 9.0),
        abs(open_a) / left / max(depth_a, TOO_SMALL) * p.per_spread,
        abs(open_b) / left / max(depth_b, TOO_SMALL) * p.per_spread,
        memory.made * p.per_parent,
        account.left * p.share_of_step,
    )


STEP = Step(
    Columns,
    Memory,
    Own,
    Parts,
    ("mid_a", "mid_b"),
    (0, 0, 1, 1),
    len(ACTIONS),
    opening,
    trade,
    reward,
    observe,
    price,
)
