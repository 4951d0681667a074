"""The rules of `allocator.rules` as policies of the CIO.

A policy sees the moments of the last 60 days in row t of the tape, forms weights, projects them on the mandate
(a rule gets the same projection as the agent) and says them in the agent's own words.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from allocator import rules
from allocator.projection import project
from fund.strategy import Policy, View

if TYPE_CHECKING:
    from allocator.cio import CioAllocator

Floats = NDArray[np.float64]

SHRINKAGE = 0.2  # of correlations towards zero and of means towards their average
WINDOW = 60


def moments(view: View) -> tuple[Floats, Floats]:
    """Shrunk mean (n, desks) and covariance (n, desks, desks) a day."""
    desks = [name.removeprefix("nav_") for name in view.row if name.startswith("nav_")]
    count = len(desks)
    mean = np.stack([view.row[f"mean_{d}"] for d in desks], axis=1)
    covariance = np.empty((view.n, count, count))
    for i, one in enumerate(desks):
        covariance[:, i, i] = view.row[f"variance_{one}"]
        for j in range(i + 1, count):
            shared = view.row[f"covariance_{one}_{desks[j]}"] * (1.0 - SHRINKAGE)
            covariance[:, i, j] = covariance[:, j, i] = shared
    return mean * (1.0 - SHRINKAGE) + mean.mean(axis=1, keepdims=True) * SHRINKAGE, covariance


def _said(strategy: CioAllocator, weights: Floats, view: View) -> Floats:
    held = (view.books.position * view.books.marks / view.books.nav).T
    projected = np.empty_like(weights)
    for i in range(view.n):
        project(
            weights[i], held[i].copy(), strategy.floor, strategy.cap, strategy.max_turnover,
            strategy.cash_sleeve, projected[i],
        )  # fmt: skip
    return np.asarray((projected - strategy.floor) / (strategy.cap - strategy.floor) * 2.0 - 1.0)


def weights_of_moving(weigh: Callable[[Floats, Floats], Floats], mean: Floats, covariance: Floats) -> Floats:
    """A rule's weights (n, desks) among the desks whose NAV moves; a sleeve that lies in cash gets none.

    There is nothing to weigh in a desk without a market, and a variance of nothing would draw all capital to it.
    """
    moves = (np.diagonal(covariance, axis1=1, axis2=2) > 0.0).any(axis=0)
    if moves.all() or not moves.any():
        return weigh(mean, covariance)
    weights = np.zeros_like(mean)
    weights[:, moves] = weigh(mean[:, moves], covariance[:, moves][:, :, moves])
    return weights


def _policy(weigh: Callable[[Floats, Floats], Floats]) -> Callable[[Any], Policy]:
    """A rule from moments to weights, as a policy that computes on rebalancing days only."""

    def made(strategy: CioAllocator) -> Policy:
        rest = np.zeros(0)

        def act(view: View) -> Floats:
            nonlocal rest
            idle = bool((view.clock % strategy.rebalance_days).all()) and rest.shape[0] == view.n
            if not idle:
                rest = _said(strategy, weights_of_moving(weigh, *moments(view)), view)
            return rest

        return act

    return made


def equal(mean: Floats, covariance: Floats) -> Floats:
    """1/n."""
    return np.full(mean.shape, 1.0 / mean.shape[1])


def shrunk_kelly(mean: Floats, covariance: Floats) -> Floats:
    """Kelly weights of the shrunk moments, scaled to sum to one; equal weights where nothing is worth holding."""
    weights = rules.kelly(mean, covariance)
    total = weights.sum(axis=1, keepdims=True)
    return np.where(total > 1e-9, weights / np.maximum(total, 1e-9), 1.0 / mean.shape[1])


RULES: dict[str, Callable[[Any], Policy]] = {
    "equal_weight": _policy(equal),
    "inverse_volatility": _policy(lambda mean, covariance: rules.inverse_volatility(covariance)),
    "equal_risk_contribution": _policy(lambda mean, covariance: rules.equal_risk_contribution(covariance)),
    "hierarchical_risk_parity": _policy(lambda mean, covariance: rules.hierarchical_risk_parity(covariance)),
    "minimum_variance": _policy(lambda mean, covariance: rules.minimum_variance(covariance)),
    "shrunk_kelly": _policy(shrunk_kelly),
}
