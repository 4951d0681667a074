"""Three voters' probabilities of short, neutral and long, and trading one instrument to a target exposure.

direction of a voter  d = p(long) - p(short), its probabilities made to sum to 1; 0 where it says nothing
"""

# ruff: noqa: ANN001, ANN201 - numba gives the rows of scalar functions a type of each strategy's own
from __future__ import annotations

from typing import NamedTuple

from numba import njit

from fund.account.costs import take
from fund.account.ledger import Fills
from fund.account.limits import exposure_limit, within


class Own(NamedTuple):
    """The account's share of the observation."""

    position: float  # exposure over NAV
    drawdown: float  # tenths of the peak


@njit(inline="always")
def total_of(short: float, neutral: float, long: float) -> float:
    """One over the sum of three weights; 0 where there is none."""
    total = short + neutral + long
    return 1.0 / total if total > 0.0 else 0.0


@njit(inline="always")
def totals(action) -> tuple[float, float, float]:  # type: ignore[no-untyped-def]
    """The same of each voter."""
    return (
        total_of(action[0], action[1], action[2]),
        total_of(action[3], action[4], action[5]),
        total_of(action[6], action[7], action[8]),
    )


@njit(inline="always")
def to_exposure(p, now, account, target) -> tuple[float, float, float]:  # type: ignore[no-untyped-def]
    """Units, price and fee of trading to `target` (exposure over NAV) at the quotes of the row.

    A change smaller than the band is left, unless it closes or turns the position.
    """
    held = account.position[0]
    limit = exposure_limit(account.nav, p.position_limit)
    wanted = within(target * max(account.nav, 0.0), -limit, limit)
    change = wanted / now.price - held
    turns = target == 0.0 or target * held < 0.0
    if abs(change) * now.price < p.band * account.nav and not turns:
        change = 0.0
    price, fee = take(change, now.price, now.half_spread, p.cost_rate)
    return change, price, fee


@njit(inline="always")
def one_fill(units: float, price: float, fee: float) -> Fills:
    """A single leg."""
    return Fills((units,), (price,), (fee,))


@njit(inline="always")
def exposure(account, price: float, capital: float) -> float:  # type: ignore[no-untyped-def]
    """Exposure over NAV; over a hundredth of the capital where there is hardly any."""
    return account.position[0] * price / max(account.nav, 0.01 * capital)


def observe(p, now, account, memory):  # type: ignore[no-untyped-def]
    """Own exposure and drawdown."""
    return Own(exposure(account, now.price, p.capital), 10.0 - 10.0 * account.nav / account.peak)
