"""The plug-in channel of the strategic stage: news, alternative data, anybody's forecast, as a column of the record.

    news = History.from_frame(frame, rules=Rules(kind="numbers"))       dates and a column, irregular if it likes
    world = Strategic().on(with_external(minutes, news))

A value is known at its own stamp. Every minute has the last one whose stamp is not after the minute's, 0 before the
first, and a bar that of its last minute: nothing is known before its time. What it measures is its owner's affair; of
order one is what the other features are. Without the column `external_signal` is the momentum of 50 bars.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from fund.errors import DataError, UnknownName
from fund.grandmodel.bars import aggregate
from fund.grandmodel.recorded_bars import COLUMNS, minutes_of
from fund.market.history import History

Floats = NDArray[np.float64]

NAME = "external_signal"
PRICES = ("open", "high", "low", "close")


def with_external(history: History, signal: History, column: str | None = None) -> History:
    """Minutes with another history's column as `external_signal`; its only one where not named.

    Raises UnknownName for a column that is not there, DataError where stamps are of different zones.
    """
    if signal.zone != history.zone:
        raise DataError(
            f'{signal.source}: stamps in zone "{signal.zone}", those of {history.source} in "{history.zone}"'
        )
    if column is None and len(signal.names) > 1:
        raise UnknownName("column of the signal", "", signal.names)
    values = signal.column(column or signal.names[0])
    last = np.searchsorted(signal.times, history.times, side="right") - 1
    known = np.where(last >= 0, values[np.maximum(last, 0)], 0.0)
    early, source = int((last < 0).sum()), signal.source or "a history"
    note = f"external_signal from {source}: {early} minutes before its first value"
    keep = [k for k, name in enumerate(history.names) if name != NAME]
    return replace(
        history,
        names=(*(history.names[k] for k in keep), NAME),
        values=np.column_stack([history.values[:, keep], known]),
        policies=(*history.policies, note),
    )


def external_of(history: History, minutes: int, zone: str, opens: str, closes: str) -> Floats | None:
    """What is known at the end of each bar, (1, rows); None where the history has no such column."""
    if NAME not in history.names:
        return None
    values = history.values[:, [history.names.index(name) for name in COLUMNS]].copy()
    for k, name in enumerate(COLUMNS):
        if name in PRICES:
            values[:, k] = history.column(NAME)
    # a bar's close is its last minute's
    told = replace(history, names=COLUMNS, values=values)
    return aggregate(minutes_of(told, zone, opens, closes), minutes).close
