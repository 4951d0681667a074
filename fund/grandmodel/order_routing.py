"""Where to send an order, and how much of it to post: Cont & Kukanov (2017), and quadratic venues.

S shares are to be bought (or sold) within a step: M of them by a market order at the half-spread h and the fee f,
L_k posted at venue k behind a queue Q_k, where an outflow xi_k (cancellations ahead and orders that arrive) fills

    filled_k = min( (xi_k - Q_k)^+, L_k )

and earns h and the rebate r_k. What is still open at the end is bought at the penalty lambda_u a share, what is too
much is sold at lambda_o:

    cost = (h + f) M - sum_k (h + r_k) filled_k + lambda_u (S - M - sum filled)^+ + lambda_o (M + sum filled - S)^+

One venue (their proposition 3): M = S - L, L = F^{-1}( (2h + f + r) / (lambda_u + h + r) ) - Q, within [0, S]; all
is posted where lambda_u <= h + f. Several venues: the mean over scenarios of outflows, searched.

Venues with temporary costs eta_k x_k^2 and nothing else share an order X as x_k = X (1/eta_k) / sum(1/eta_j), at the
cost X^2 / sum(1/eta_j).

Source: R. Cont, A. Kukanov (2017), Optimal order placement in limit order markets, Quant. Finance 17(1):21-39.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fund.errors import DataError, InvalidParameter

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Placement:
    """The order to be placed and the prices of doing so, price units a share."""

    size: float = 1000.0  # S, shares
    half_spread: float = 0.02  # h
    fee: float = 0.003  # f, of a market order
    under_fill: float = 0.05  # lambda_u
    over_fill: float = 0.05  # lambda_o

    def __post_init__(self) -> None:
        """Refuse negative sizes and penalties."""
        for name in ("size", "half_spread", "under_fill", "over_fill"):
            if getattr(self, name) < 0.0:
                raise InvalidParameter(f"{name} is {getattr(self, name)}, wanted 0 or more")


class Split(NamedTuple):
    """An order's parts: by market order, and posted at each venue (K,)."""

    market: float
    limits: Floats


def critical_fraction(order: Placement, rebate: float) -> float:
    """(2h + f + r) / (lambda_u + h + r): the probability at which posting one more share stops to pay."""
    gain = order.half_spread + rebate
    return (order.half_spread + order.fee + gain) / (order.under_fill + gain)


def single_venue(order: Placement, queue: float, rebate: float, quantile: Callable[[float], float]) -> Split:
    """Cont and Kukanov's split at one venue; `quantile` is F^{-1} of the outflow."""
    fraction = critical_fraction(order, rebate)
    posted = order.size if fraction >= 1.0 else min(max(float(quantile(fraction)) - queue, 0.0), order.size)
    return Split(order.size - posted, np.array([posted]))


def placement_cost(
    order: Placement, split: Split, queues: ArrayLike, rebates: ArrayLike, outflows: ArrayLike
) -> Floats:
    """Cost of a split in scenarios of outflows (..., K), shape (...), account currency.

    Raises DataError where outflows are of another number of venues.
    """
    queue, rebate, outflow = (np.asarray(a, dtype=np.float64) for a in (queues, rebates, outflows))
    if outflow.shape[-1] != len(split.limits):
        raise DataError(f"outflows of {outflow.shape[-1]} venues, wanted {len(split.limits)}")
    filled = np.minimum(np.maximum(outflow - queue, 0.0), split.limits)
    open_size = order.size - split.market - filled.sum(axis=-1)
    cost = (order.half_spread + order.fee) * split.market - (filled * (order.half_spread + rebate)).sum(
        axis=-1
    )
    penalty = order.under_fill * np.maximum(open_size, 0.0) + order.over_fill * np.maximum(-open_size, 0.0)
    return np.asarray(cost + penalty)


def several_venues(
    order: Placement, queues: ArrayLike, rebates: ArrayLike, outflows: ArrayLike, precision: float = 1e-3
) -> Split:
    """The split of least mean cost over scenarios of outflows (n, K), to `precision` of the size.

    A pattern search: shares move between any two of the K + 1 places, or come and go at one, in steps that are
    halved when none pays (where more is posted than is wanted the cost is not convex, so from two sides). Raises
    DataError where the scenarios are no such table.
    """
    queue, rebate, outflow = (np.asarray(a, dtype=np.float64) for a in (queues, rebates, outflows))
    if outflow.ndim != 2 or not outflow.shape[1] == len(queue) == len(rebate):
        raise DataError(f"outflows of shape {outflow.shape}, wanted (scenarios, {len(queue)})")
    places = 1 + len(queue)

    def mean_cost(at: Floats) -> float:
        return float(placement_cost(order, Split(float(at[0]), at[1:]), queue, rebate, outflow).mean())

    all_by_market = np.concatenate([[order.size], np.zeros(places - 1)])
    even = np.full(places, order.size / places)
    found = [_descend(mean_cost, start, order.size, precision) for start in (all_by_market, even)]
    best = min(found, key=mean_cost)
    return Split(float(best[0]), best[1:])


def _descend(cost: Callable[[Floats], float], start: Floats, size: float, precision: float) -> Floats:
    one = np.eye(len(start))
    moves = [*one, *-one, *(i - j for i in one for j in one if (i != j).any())]
    at, least, step = start, cost(start), 0.5 * size
    while step > 0.5 * precision * size:
        tried = [np.clip(at + step * move, 0.0, size) for move in moves]
        costs = [cost(there) for there in tried]
        k = int(np.argmin(costs))
        if costs[k] < least:
            at, least = tried[k], costs[k]
        else:
            step *= 0.5
    return at


def quadratic_shares(eta: ArrayLike) -> Floats:
    """Best shares of an order over venues of temporary cost eta_k x_k^2, (K,); raises InvalidParameter."""
    cost = np.asarray(eta, dtype=np.float64)
    if not (cost > 0.0).all():
        raise InvalidParameter(f"eta is {cost.tolist()}, wanted numbers above 0")
    return np.asarray((1.0 / cost) / (1.0 / cost).sum())


def quadratic_cost(eta: ArrayLike, shares: ArrayLike, size: float = 1.0) -> float:
    """Cost sum_k eta_k (size share_k)^2 of sharing an order, account currency."""
    return float((np.asarray(eta) * (size * np.asarray(shares)) ** 2).sum())
