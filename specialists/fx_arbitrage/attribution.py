"""What the desk's P&L is made of, and what its episodes amount to.

P&L = rate + carry - funding - spread - fees        exactly, path by path

rate     moves of the balances' marks
carry    swap points at covered parity, by which balances are rolled
funding  the swaps' own cost
spread   executions away from the marks: half-spreads, less what deviations of the cross gave
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fund.market.tape import Tape
from fund.market.triangle import PAIRS
from fund.strategy import Played
from specialists.fx_arbitrage.step import CLOSED_OUT

if TYPE_CHECKING:
    from specialists.fx_arbitrage.strategy import FxArbitrage

Floats = NDArray[np.float64]

MONTH, SEVEN_MONTHS = 21, 147  # days


def lines(played: Played) -> dict[str, Floats]:
    """The lines of the module, each (n,), account currency; they add up to NAV less capital."""
    ledger, funding = played.lines, played.memory["funding"]
    return {
        "rate": ledger["holding"],
        "carry": ledger["carry"] + funding,
        "funding": -funding,
        "spread": ledger["execution"],
        "fees": ledger["fees"] + ledger["rebates"],
    }


def statistics(desk: FxArbitrage, played: Played) -> dict[str, float]:
    """Numbers of all episodes.

    opportunities: an episode, of the tape. attempts: steps an episode whose trades went round the triangle; win_rate:
    share of them that paid, fees included; profit_per_attempt: account currency. rate_pnl, carry_earned, funding_paid,
    spread_paid, fees_paid: account currency an episode. leverage: mean gross notional over the capital. liquidated:
    share of episodes. monthly_skew: of 21 days' returns, all episodes pooled. worst_seven_months: largest loss in 147
    days, share of the NAV, median of the episodes.
    """
    memory, money = played.memory, lines(played)
    attempts, steps = float(memory["attempts"].sum()), float(played.length.sum())
    return {
        "opportunities": opportunities(played.tape),
        "attempts": float(memory["attempts"].mean()),
        "win_rate": float(memory["wins"].sum()) / attempts if attempts else math.nan,
        "profit_per_attempt": float(memory["loop_profit"].sum()) / attempts if attempts else math.nan,
        "rate_pnl": float(money["rate"].mean()),
        "carry_earned": float(money["carry"].mean()),
        "funding_paid": -float(money["funding"].mean()),
        "spread_paid": -float(money["spread"].mean()),
        "fees_paid": -float(money["fees"].mean()),
        "leverage": float(memory["exposure"].sum()) / steps / desk.capital,
        "liquidated": float((memory["wait"] == CLOSED_OUT).mean()),
        **_shape(played.nav[:: desk.steps_per_day]),
    }


def executable(tape: Tape) -> Floats:
    """The better of both ways round the triangle, (T + 1, n): more than one is an opportunity."""
    over = tape["cross"] * tape["terms"] / tape["base"]
    one, two, three = (tape[f"{pair}_spread"] for pair in PAIRS)
    clockwise = over * (1.0 - three) * (1.0 - two) / (1.0 + one)
    anticlockwise = (1.0 - one) / (over * (1.0 + three) * (1.0 + two))
    return np.asarray(np.maximum(clockwise, anticlockwise))


def opportunities(tape: Tape) -> float:
    """How many runs of rows with an opportunity an episode has."""
    found = executable(tape) > 1.0
    starts = found[1:] & ~found[:-1]
    return float((starts.sum(axis=0) + found[0]).mean())


def durations(tape: Tape, seconds: float) -> Floats:
    """Lengths of the opportunities that begin and end within the tape, seconds: rows times the length of a step."""
    found = (executable(tape) > 1.0).T
    edges = np.diff(found.astype(np.int8), axis=1)
    lengths = []
    for path in edges:
        opened, closed = np.flatnonzero(path == 1), np.flatnonzero(path == -1)
        closed = closed[closed > opened[0]] if len(opened) else closed[:0]
        lengths.append(closed - opened[: len(closed)])
    return np.concatenate(lengths) * seconds


def _shape(nav: Floats) -> dict[str, float]:
    if len(nav) <= SEVEN_MONTHS:
        return {}
    ends = np.maximum(nav[::MONTH], 1e-9)
    returns = (ends[1:] / ends[:-1] - 1.0).ravel()
    around, deviation = returns - returns.mean(), float(returns.std())
    skew = float((around**3).mean()) / deviation**3 if deviation > 0.0 else 0.0
    worst = 1.0 - (nav[SEVEN_MONTHS:] / np.maximum(nav[:-SEVEN_MONTHS], 1e-9)).min(axis=0)
    return {"monthly_skew": skew, "worst_seven_months": float(np.median(worst))}
