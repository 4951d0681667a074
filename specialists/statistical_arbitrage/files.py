"""Prices among the files of a folder, side by side as a panel of which pairs are chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fund.market.history import History, panel
from fund.market.sources import label, load

if TYPE_CHECKING:
    from specialists.statistical_arbitrage.strategy import StatisticalArbitrage

LEAST_ROWS = 700  # of prices that a pair may be formed from
YEAR = 366 * 24 * 3600 * 10**6  # microseconds


def markets(
    desk: StatisticalArbitrage, found: Mapping[str, Sequence[Any]], notes: list[str]
) -> dict[str, StatisticalArbitrage]:
    """The desk on the closes of all instruments on their common days. Raises DataError where a file is damaged."""
    columns: dict[str, History] = {}
    for source in found["prices"]:
        history = source if isinstance(source, History) else load(source)
        wide = "close" not in history.names
        for name in history.names if wide else ("close",):
            kept = name if wide else label(source).upper()
            if kept not in columns and len(history) >= LEAST_ROWS:
                columns[kept] = history.select([name]).rename({name: "close"})
    lasting = _same_era(columns)
    left = [name for name in columns if name not in lasting]
    if left:
        notes.append(f"prices of another time than most, left out of the pairs: {', '.join(left)}")
    return {"prices": desk.on(panel(lasting, "close"))} if len(lasting) > 1 else {}


def _same_era(columns: dict[str, History]) -> dict[str, History]:
    # a short record would cut all the others down to its own days
    if not columns:
        return columns
    last = np.median([h.times[-1] for h in columns.values()])
    first = np.median([h.times[0] for h in columns.values()])
    return {
        name: h for name, h in columns.items()
        if abs(h.times[-1] - last) < YEAR and h.times[0] < first + 2 * YEAR
    }  # fmt: skip
