"""Recorded markets of execution: windows of recorded bars, with order books made around them.

A history has the columns `close` and `volume`, a row a step; a second instrument has `close_b` and `volume_b`, and
where it has none there is no second parent. Prices and volumes are the record's. Depth, queues, flow and latency are
drawn as in the generated market, in proportion to the volume that is expected: books of that detail are not in bars.

    volatility, expected volume    EWMA of past bars, known at the row; spread as the root of volatility over its mean
    imbalance                      the last move over its deviation, reversed: what reverts is bought when it fell
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fund.compiled import compiled
from fund.errors import DataError
from fund.grandmodel.execution import market
from fund.grandmodel.execution.layout import INSTRUMENTS, VENUES
from fund.market.history import History
from fund.market.streams import Paths
from fund.market.tape import Tape

if TYPE_CHECKING:
    from fund.grandmodel.execution.strategy import Execution

Floats = NDArray[np.float64]

NEEDS = ("close", "volume")
SECOND = ("close_b", "volume_b")
WARM_UP = 60  # rows
FAST, SLOW = 0.94, 0.995


def windows(s: Execution, history: History, paths: Paths) -> Tape:
    """A window of the history for each path, from a row drawn by the path's own stream.

    Raises DataError where the history is too short, a price is not above zero or a volume below it, UnknownName for a
    missing column.
    """
    wanted = WARM_UP + s.n_steps + 1
    if len(history) < wanted:
        raise DataError(
            f"{history.source}: {len(history)} rows, wanted at least {wanted}: {WARM_UP} to warm up"
        )
    two = all(name in history.names for name in SECOND)
    starts = paths.streams(s.name).integers("window", len(history) - wanted + 1) + WARM_UP
    rows = starts + np.arange(s.n_steps + 1)[:, None]  # (rows, n)
    around = replace(
        s, history=None, weather=False, season=0.0, activity=0.0, adverse=0.0, signal=0.0,
        parent_b=s.parent_b if two else 0.0,
    )  # fmt: skip
    tape = market.record(around, paths, None)
    minute = (history.times // 60_000_000) % 1440 * s.steps_per_day // 1440
    tape["minute"][:] = minute[rows]
    for i in INSTRUMENTS:
        tape[f"ahead_{i}"][:] = 0.0
        tape[f"surprise_{i}"][:] = 0.0  # what could be foreseen of a record nobody knows
    x = 2.0 * tape["minute"] / s.steps_per_day - 1.0
    for name, shown in (("day_sin", np.sin(np.pi * x)), ("day_cos", np.cos(np.pi * x))):
        tape.features[:, :, s.features.index(name)] = shown
    for i, names in zip(INSTRUMENTS, (NEEDS, SECOND if two else NEEDS), strict=True):
        _put(s, tape, i, history.select(names), rows)
    return Tape(tape.columns, tape.block, tape.features, starts + history.first_row)


def _put(s: Execution, tape: Tape, i: str, series: History, rows: NDArray[np.int64]) -> None:
    close, volume = series.values.T
    if close.min() <= 0.0 or volume.min() < 0.0:
        raise DataError(f"{series.source}: wanted prices above zero and volumes of 0 or more")
    change = np.diff(close, prepend=close[0])
    fast, slow = np.sqrt(smooth(change**2, FAST)), np.sqrt(smooth(change**2, SLOW))
    expected, usual = np.maximum(smooth(volume, FAST), 1.0), np.maximum(smooth(volume, SLOW), 1.0)
    fast, slow = np.maximum(fast, 1e-6 * close), np.maximum(slow, 1e-6 * close)
    ratio = expected[rows] / (s.daily_volume / s.steps_per_day)
    spread = s.half_spread * close * np.sqrt(np.clip(fast / slow, 0.25, 4.0))
    columns = {"mid": close, "volatility": fast, "volume": expected, "half_spread": spread}
    for name, values in columns.items():
        tape[f"{name}_{i}"][:] = values[rows]
    seen = {
        "spread": np.sqrt(fast / slow),
        "volatility": fast / slow,
        "volume": expected / usual,
        "imbalance": -change / fast,
    }
    for name, values in seen.items():
        tape.features[:, :, s.features.index(f"{name}_{i}")] = np.clip(values, -9.0, 9.0)[rows]
    _pour(s, tape, i, ratio, change[rows] / fast[np.maximum(rows - 1, 0)])


def _pour(s: Execution, tape: Tape, i: str, ratio: Floats, shock: Floats) -> None:
    # queues and flow in proportion to the expected volume; more flow where the price went through
    against = np.where(tape[f"parent_{i}"] > 0.0, -1.0, 1.0) * np.clip(shock, -4.0, 4.0)
    through = np.exp(s.adverse * against - 0.5 * s.adverse**2)
    before = np.concatenate([ratio[:1], ratio[:-1]])
    for v in VENUES:
        for name, scale in (("queue", ratio), ("outflow", before * through)):
            column = tape[f"{name}_{i}{v}"]
            column[:] = np.floor(column * scale / s.size_increment) * s.size_increment


@compiled(nogil=True)
def smooth(values: Floats, kept: float) -> Floats:
    """EWMA (rows,) of values up to each row, its first the mean of the warm-up that no episode shows."""
    out = np.empty_like(values)
    state = values[:WARM_UP].mean()
    for t in range(len(values)):
        state = kept * state + (1.0 - kept) * values[t]
        out[t] = state
    return out
