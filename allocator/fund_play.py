"""Play the fund: the CIO's policy over NAV streams, with the P&L of every desk on a line of its own.

    fund P&L = sum of desks' P&L (positions x changes of their NAVs) - fees of moving capital + interest

The identity is checked for every world; what a desk contributes is the sum over days of its position after the
day's rebalance times the change of its NAV.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from allocator.cio import DESKS, CioAllocator
from allocator.features import WARM_UP
from fund.envs.batch import Batch
from fund.errors import ContractBroken
from fund.market.streams import Paths
from fund.strategy import Policy

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class FundPlayed:
    """The fund over n worlds."""

    nav: Floats  # (n, T+1)
    weights: Floats  # (n, T, desks) after each day's rebalance
    contributions: Mapping[str, Floats]  # a desk's P&L, (n, T), account currency
    fees: Floats  # (n,) paid for moving capital
    interest: Floats  # (n,)
    reward: Floats  # (n,) sum of what the CIO was paid
    costs: Mapping[
        str, Mapping[str, Floats]
    ]  # desk to kind to (n,) paid inside its sleeve, in its P&L already

    @property
    def returns(self) -> Floats:
        """Daily simple returns (n, T)."""
        return np.asarray(self.nav[:, 1:] / self.nav[:, :-1] - 1.0)


def play_fund(strategy: CioAllocator, policy: Policy, worlds: int) -> FundPlayed:
    """Play world 0 ... worlds - 1 of the strategy's streams from their first day."""
    batch = Batch(strategy, worlds)
    batch.start(Paths.of(0, worlds))
    books, tape = batch.ledger.books, batch.current_tape
    navs, weights, earned = [books.nav.copy()], [], []
    paid = np.zeros(worlds)
    for _ in range(tape.steps):
        marks = books.marks.copy()
        paid += batch.step(policy(batch.view())).reward
        # the step's fills were booked before its marks moved, so these are the positions that earned the day
        weights.append((books.position * marks / navs[-1]).T)
        earned.append((books.position * (books.marks - marks)).T)
        navs.append(books.nav.copy())
    lines = batch.ledger.attribution()
    gained = np.stack(earned, axis=1)  # (n, T, desks)
    played = FundPlayed(
        nav=np.stack(navs, axis=1),
        weights=np.stack(weights, axis=1),
        contributions={desk: gained[:, :, k] for k, desk in enumerate(DESKS)},
        fees=-lines["fees"],
        interest=lines["carry"],
        reward=paid,
        costs=_desk_costs(strategy, np.stack(weights, axis=1), np.stack(navs, axis=1)),
    )
    _check(played, lines["execution"])
    return played


def _desk_costs(strategy: CioAllocator, weights: Floats, nav: Floats) -> dict[str, dict[str, Floats]]:
    if strategy.streams is None or not strategy.in_order:
        return {}
    played = slice(WARM_UP, WARM_UP + weights.shape[1])
    capital = (weights * nav[:, :-1, None]).transpose(1, 0, 2)  # (T, n, desks)
    paid = {
        kind: (capital * share[played, : len(nav)]).sum(axis=0)
        for kind, share in strategy.streams.costs.items()
    }
    return {desk: {kind: total[:, k] for kind, total in paid.items()} for k, desk in enumerate(DESKS)}


def _check(played: FundPlayed, execution: Floats) -> None:
    told = (
        sum(part.sum(axis=1) for part in played.contributions.values())
        - played.fees
        + played.interest
        + execution
    )
    gap = np.abs(played.nav[:, -1] - played.nav[:, 0] - told) / np.abs(played.nav).max()
    if gap.max() > 1e-9:
        raise ContractBroken(f"the fund's P&L misses the sum of its parts by {gap.max():.3g} of its NAV")
