"""Checks of prices: bars that bracket, volume that traded, no jump that only a bad print or a raw split makes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fund.errors import DataError
from fund.market.draft import BARS, Draft, Floats, Rules, is_amount

if TYPE_CHECKING:
    from fund.market.history import History

Flags = NDArray[np.bool_]

_ROUNDING = 1e-6  # relative, of prices that were adjusted or scaled in float32


def where(bad: Flags, shift: int = 0) -> list[int]:
    """Positions of the true ones, moved by `shift`, as plain integers."""
    return [int(row) + shift for row in np.flatnonzero(bad)]


def check_bars(draft: Draft, rules: Rules) -> None:
    """High and low bracket open and close, and reach no further than `max_reach`-fold beyond both.

    With `repair`, high and low are moved out to open and close, and pulled in from a bad print to them.
    """
    at = draft.columns(BARS)
    if len(at) < 4:
        return
    opened, high, low, close = draft.values[:, at].T
    top, bottom = np.maximum(opened, close), np.minimum(opened, close)
    for row in where(high < low * (1 - _ROUNDING)):
        draft.fault(row, f"high {high[row]:.10g} is below low {low[row]:.10g}")
    narrow = (high < top * (1 - _ROUNDING)) | (low > bottom * (1 + _ROUNDING))
    far = (high > rules.max_reach * top) | (low * rules.max_reach < bottom)
    if rules.bars == "refuse":
        _refuse_bars(draft, (opened, high, low, close), narrow, far)
    for bad, what in ((narrow, "widened to contain open and close"), (far, "pulled in from a bad print")):
        if bad.any():
            first = draft.place(where(bad)[0])
            draft.policies.append(f"bars: high and low of {int(bad.sum())} rows {what} (first at {first})")
    draft.values = draft.values.copy()
    draft.values[:, at[1]] = np.where(high > rules.max_reach * top, top, np.maximum(high, top))
    draft.values[:, at[2]] = np.where(low * rules.max_reach < bottom, bottom, np.minimum(low, bottom))


def _refuse_bars(draft: Draft, bar: tuple[Floats, Floats, Floats, Floats], narrow: Flags, far: Flags) -> None:
    opened, high, low, close = bar
    for row in where(narrow):
        inside = low[row] <= opened[row] <= high[row]
        out = f"close {close[row]:.10g}" if inside else f"open {opened[row]:.10g}"
        draft.fault(row, f"{out} is outside low {low[row]:.10g} to high {high[row]:.10g}")
    for row in where(far):
        body = f"open {opened[row]:.10g} and close {close[row]:.10g}"
        draft.fault(row, f"low {low[row]:.10g} or high {high[row]:.10g} is far from {body}: a bad print?")


def check_volume(draft: Draft, rules: Rules) -> None:
    """Rows in which nothing traded carry no price to trade at; an all-zero volume column is left out."""
    if "volume" not in draft.names:
        return
    at = draft.names.index("volume")
    idle = draft.values[:, at] == 0
    if idle.all():
        draft.names.pop(at)
        draft.values = np.delete(draft.values, at, axis=1)
        draft.policies.append("volume is 0 on every row: column left out")
    elif idle.any() and rules.zero_volume == "refuse":
        draft.fault(where(idle)[0], "volume 0: nothing traded")
    elif rules.zero_volume == "drop":
        draft.drop(idle, "zero volume")
    elif idle.any():
        draft.policies.append(f"zero volume: {int(idle.sum())} rows kept")


def check_jumps(draft: Draft, max_jump: float, names: Sequence[str] | None = None) -> None:
    """No price moves more than `max_jump`-fold, up or down, from one row to the next."""
    for column, name in enumerate(draft.names):
        if is_amount(name) or (names is not None and name not in names):
            continue
        series = draft.values[:, column]
        ratio = series[1:] / series[:-1]
        for row in where((ratio > max_jump) | (ratio * max_jump < 1), 1):
            change = f"{name} goes from {series[row - 1]:.10g} to {series[row]:.10g}"
            draft.fault(row, f"{change}, more than {max_jump:g}-fold in one row: a bad print or a raw split?")


def price_column(history: History, name: str) -> Floats:
    """One column of prices (rows,): above zero, and none more than `Rules.max_jump`-fold of the row before.

    Raises UnknownName, and DataError with the row and the date: a bad print, or a split that was not adjusted for.
    """
    found = history.positive(name)
    ratio = found[1:] / found[:-1]
    for row in where((ratio > Rules.max_jump) | (ratio * Rules.max_jump < 1), 1)[:1]:
        change = f"{name} goes from {found[row - 1]:.10g} to {found[row]:.10g}"
        text = f"{change}, more than {Rules.max_jump:g}-fold in one row: a bad print or a raw split?"
        raise DataError(f"{history.place(row)}: {text}")
    return found


def both_sides(history: History, bid: str, ask: str) -> tuple[Floats, Floats]:
    """Two columns of quotes, all prices and none crossed; raises DataError with the row and the date."""
    low, high = price_column(history, bid), price_column(history, ask)
    crossed = low > high
    if crossed.any():
        row = where(crossed)[0]
        raise DataError(
            f"{history.place(row)}: crossed quotes, {bid} {low[row]:.6g} above {ask} {high[row]:.6g} "
            f'({int(crossed.sum())} such rows); the readers of quotes take crossed="drop" to leave them out'
        )
    return low, high
