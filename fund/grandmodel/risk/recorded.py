"""Recorded markets of the risk stage: windows of four assets' prices as tapes.

A history has the columns `price_1` to `price_4`, a row a bar. The mandate goes on being drawn; liquidity is normal,
and there are no scenarios but those of the record. What is usual (volatility, correlation) is that of the
`WARM_UP` bars before a window: nothing later than its first row enters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fund.errors import DataError
from fund.grandmodel.risk.layout import ASSETS
from fund.grandmodel.risk.market import Start, lay_out
from fund.market.history import History
from fund.market.streams import Paths
from fund.market.tape import Tape

if TYPE_CHECKING:
    from fund.grandmodel.risk.strategy import RiskManagement

NEEDS = tuple(f"price_{k}" for k in ASSETS)
WARM_UP = 100  # bars


def windows(s: RiskManagement, history: History, paths: Paths) -> Tape:
    """A window of the history for each path, from a row drawn by the path's own stream.

    Raises DataError where the history is too short or a price is not above zero, UnknownName for a missing column.
    """
    prices = history.select(NEEDS).values
    if prices.min() <= 0.0:
        raise DataError(f"{history.source}: wanted prices above zero in {', '.join(NEEDS)}")
    wanted = WARM_UP + s.n_steps + 1
    if len(prices) < wanted:
        raise DataError(
            f"{history.source}: {len(prices)} rows, wanted at least {wanted}: {WARM_UP} to warm up"
        )
    starts = paths.streams(s.name).integers("window", len(prices) - wanted + 1) + WARM_UP
    # the bar after a window's last row is never read
    returns = np.concatenate([prices[1:] / prices[:-1] - 1.0, np.zeros((1, len(ASSETS)))])
    ahead = returns[starts[:, None] + np.arange(s.n_steps + 1)]
    ahead[:, -1] = 0.0
    before = returns[starts[:, None] + np.arange(-WARM_UP, 0)]
    move = np.maximum(np.sqrt((before**2).mean(axis=1)), 1e-9)
    start = Start(prices[starts].copy(), move, ahead)
    alike = np.array([_mean_correlation(part) for part in before])
    usual = np.ones((s.days + 1, len(paths)))
    tape = lay_out(s, paths, start, usual, usual, usual * alike)
    return Tape(tape.columns, tape.block, tape.features, starts + history.first_row)


def _mean_correlation(returns: np.ndarray) -> float:
    deviation = np.maximum(returns.std(axis=0), 1e-12)
    mixed = (returns - returns.mean(axis=0)).T @ (returns - returns.mean(axis=0)) / len(returns)
    return float((mixed / np.outer(deviation, deviation))[np.triu_indices(len(ASSETS), 1)].mean())
