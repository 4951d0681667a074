"""What a table must satisfy before a desk may trade on it, and which defects a named policy may put right.

A reader fills a `Draft`; `put_right` walks the checks in this order and either repairs (one sentence in
`policies`, with a count) or raises DataError with file, line and reason:

1. stamps within 1800 to 2100; newest first is reversed, any other disorder refused
2. the same stamp twice: equal rows dropped, conflicting rows refused
3. missing cells: refused, or the row dropped, or the last value held for a stated number of rows;
   nothing is ever filled backwards
4. infinite numbers; signs of prices, volumes, splits, dividends; sizes of returns
5. bars: low <= open, close <= high; rows of zero volume
6. jumps (a bad print, a raw split), gaps in time, prices that never change
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from fund.errors import DataError, InvalidParameter

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

BARS = ("open", "high", "low", "close")
AMOUNTS = ("volume", "tick_volume", "dividend", "split", "open_interest", "trades")  # none of them a price
DAY = 86_400_000_000  # microseconds
_YEARS = (np.datetime64("1800-01-01", "us").astype(int), np.datetime64("2100-01-01", "us").astype(int))
_ROUNDING = 1e-9  # relative, of scaled prices such as 109305.00000000001
_FEW = 5  # rows; fewer may well be equal by chance
_CHOICES = {
    "kind": ("prices", "returns", "numbers"),
    "missing": ("refuse", "drop", "hold"),
    "zero_volume": ("drop", "keep", "refuse"),
    "bars": ("refuse", "widen"),
}


@dataclass(frozen=True)
class Rules:
    """What is checked and what may be repaired.

    `prices` are positive and move at most `max_jump`-fold from row to row; `returns` are decimals within
    [-1, 1]; `numbers` are finite. `max_gap` is in days; without it, ten days for daily and intraday rows, and less
    than two steps for slower ones. Raises InvalidParameter for an unknown choice.
    """

    kind: str = "prices"
    missing: str = "refuse"
    hold_limit: int = 3  # consecutive rows
    zero_volume: str = "drop"
    bars: str = "refuse"
    max_jump: float = 10.0
    max_gap: float | None = None

    def __post_init__(self) -> None:
        """Refuse unknown choices and limits without sense."""
        for name, known in _CHOICES.items():
            if getattr(self, name) not in known:
                raise InvalidParameter(
                    f'{name}: found "{getattr(self, name)}", wanted one of {", ".join(known)}'
                )
        if (
            self.hold_limit < 0
            or not self.max_jump > 1
            or (self.max_gap is not None and not self.max_gap > 0)
        ):
            raise InvalidParameter("hold_limit must be >= 0, max_jump > 1 and max_gap > 0")


@dataclass
class Draft:
    """A table being checked: numbers, stamps, and the line each row stands on."""

    source: str
    names: list[str]
    values: Floats  # (rows, columns)
    times: Ints  # (rows,) microseconds
    lines: Ints  # (rows,) line of the file, or row of the frame
    zone: str = ""
    policies: list[str] = field(default_factory=list)
    mark: str = ""  # before the line number: "" for files, "row " for frames

    def fault(self, row: int, reason: str) -> NoReturn:
        """Raise DataError for a row of the draft."""
        raise DataError(f"{self.source}:{self.mark}{self.lines[row]}: {reason}")

    def refuse(self, reason: str) -> NoReturn:
        """Raise DataError for the table as a whole."""
        raise DataError(f"{self.source}: {reason}")

    def stamp(self, row: int) -> str:
        """The time of a row as text."""
        text = str(np.datetime64(int(self.times[row]), "us"))
        return text[:10] if text.endswith("T00:00:00.000000") else text.removesuffix(".000000")

    def keep(self, mask: NDArray[np.bool_] | slice) -> None:
        """Keep some rows, in the order given."""
        self.values, self.times, self.lines = self.values[mask], self.times[mask], self.lines[mask]

    def drop(self, bad: NDArray[np.bool_], what: str) -> None:
        """Drop rows by policy, naming the first."""
        if bad.any():
            first = _where(bad)[0]
            where = f"{self.mark or 'line '}{self.lines[first]}"
            self.policies.append(f"{what}: {int(bad.sum())} rows dropped (first at {where})")
            self.keep(~bad)

    def columns(self, names: Sequence[str]) -> list[int]:
        """Positions of those of the names that are here."""
        return [self.names.index(name) for name in names if name in self.names]


def _where(bad: NDArray[np.bool_], shift: int = 0) -> list[int]:
    return [int(row) + shift for row in np.flatnonzero(bad)]


def put_right(draft: Draft, rules: Rules) -> None:
    """Run all checks of the module on a draft, in order; the draft is changed in place. Raises DataError."""
    check_times(draft)
    check_missing(draft, rules)
    check_signs(draft, rules)
    if rules.kind == "prices":
        check_bars(draft, rules)
        check_volume(draft, rules)
        check_jumps(draft, rules.max_jump)
    if len(draft.times) < 2:
        draft.refuse(f"{len(draft.times)} rows of data, wanted at least 2")
    check_gaps(draft, rules.max_gap)
    check_constant(draft, rules)


def check_times(draft: Draft) -> None:
    """Stamps in range, strictly ascending; newest first reversed, equal rows of one stamp dropped."""
    for row in _where((draft.times < _YEARS[0]) | (draft.times >= _YEARS[1])):
        draft.fault(row, f"the year of {draft.stamp(row)} is not within 1800 to 2099")
    step = np.diff(draft.times)
    if (step < 0).any() and not (step > 0).any():
        draft.keep(slice(None, None, -1))
        draft.policies.append(f"newest-first order of {len(draft.times)} rows reversed")
        step = np.diff(draft.times)
    for row in _where(step < 0, 1):
        late = f"{draft.stamp(row)} comes after {draft.stamp(row - 1)}"
        draft.fault(row, f"{late}: wanted all rows oldest first, or all newest first")
    same = np.concatenate(([False], step == 0))
    for row in _where(same):
        if not np.array_equal(draft.values[row], draft.values[row - 1], equal_nan=True):
            earlier = f"{draft.mark or 'line '}{draft.lines[row - 1]}"
            draft.fault(row, f"{draft.stamp(row)} again, with other numbers than {earlier}")
    draft.drop(same, "exact duplicates")


def check_missing(draft: Draft, rules: Rules) -> None:
    """No cell without a number; by policy the row is dropped, or the last value held for a few rows."""
    missing = np.isnan(draft.values)
    if not missing.any():
        return
    if rules.missing == "drop":
        draft.drop(np.logical_or.reduce(missing, axis=1), "missing values")
        return
    row, column = (int(k) for k in np.argwhere(missing)[0])
    if rules.missing == "refuse":
        draft.fault(row, f'no value in column "{draft.names[column]}"')
    draft.values = draft.values.copy()
    for k in range(len(draft.names)):
        _hold(draft, k, missing[:, k], rules.hold_limit)
    count, most = int(missing.sum()), rules.hold_limit
    draft.policies.append(
        f"missing values: {count} held at the last known value (at most {most} rows on end)"
    )


def _hold(draft: Draft, column: int, missing: NDArray[np.bool_], limit: int) -> None:
    run = 0
    for row in _where(missing):
        run = run + 1 if row > 0 and missing[row - 1] else 1
        if row == 0 or run > limit:
            draft.fault(
                row, f'no value in column "{draft.names[column]}" and none within {limit} rows before'
            )
        draft.values[row, column] = draft.values[row - 1, column]


def check_signs(draft: Draft, rules: Rules) -> None:
    """Finite numbers, positive prices and splits, volumes and dividends >= 0, returns within [-1, 1]."""
    _refuse_where(draft, ~np.isfinite(draft.values), "is not a finite number")
    if rules.kind == "returns":
        _refuse_where(draft, np.abs(draft.values) > 1, "is no return in decimals (percent? divide by 100)")
    if rules.kind == "prices":
        amount = np.isin(draft.names, AMOUNTS) & (np.array(draft.names) != "split")
        _refuse_where(draft, (draft.values < 0) & amount, "is negative")
        _refuse_where(draft, (draft.values <= 0) & ~amount, "is not positive")


def _refuse_where(draft: Draft, bad: NDArray[np.bool_], reason: str) -> None:
    if bad.any():
        row, column = (int(k) for k in np.argwhere(bad)[0])
        draft.fault(row, f"{draft.names[column]} {draft.values[row, column]:.10g} {reason}")


def check_bars(draft: Draft, rules: Rules) -> None:
    """High and low bracket open and close; with `widen`, high and low are moved out to them, by policy."""
    at = draft.columns(BARS)
    if len(at) < 4:
        return
    opened, high, low, close = draft.values[:, at].T
    for row in _where(high < low * (1 - _ROUNDING)):
        draft.fault(row, f"high {high[row]:.10g} is below low {low[row]:.10g}")
    top, bottom = np.maximum(opened, close), np.minimum(opened, close)
    bad = (high < top * (1 - _ROUNDING)) | (low > bottom * (1 + _ROUNDING))
    if bad.any() and rules.bars == "refuse":
        row = _where(bad)[0]
        name = "open" if not low[row] <= opened[row] <= high[row] else "close"
        value = draft.values[row, draft.names.index(name)]
        draft.fault(row, f"{name} {value:.10g} is outside low {low[row]:.10g} to high {high[row]:.10g}")
    if bad.any():
        draft.policies.append(
            f"bars: high and low of {int(bad.sum())} rows widened to contain open and close"
        )
    draft.values = draft.values.copy()
    draft.values[:, at[1]], draft.values[:, at[2]] = np.maximum(high, top), np.minimum(low, bottom)


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
        draft.fault(_where(idle)[0], "volume 0: nothing traded")
    elif rules.zero_volume == "drop":
        draft.drop(idle, "zero volume")
    elif idle.any():
        draft.policies.append(f"zero volume: {int(idle.sum())} rows kept")


def check_jumps(draft: Draft, max_jump: float, names: Sequence[str] | None = None) -> None:
    """No price moves more than `max_jump`-fold, up or down, from one row to the next."""
    for column, name in enumerate(draft.names):
        if name in AMOUNTS or (names is not None and name not in names):
            continue
        series = draft.values[:, column]
        ratio = series[1:] / series[:-1]
        for row in _where((ratio > max_jump) | (ratio * max_jump < 1), 1):
            change = f"{name} goes from {series[row - 1]:.10g} to {series[row]:.10g}"
            draft.fault(row, f"{change}, more than {max_jump:g}-fold in one row: a bad print or a raw split?")


def check_gaps(draft: Draft, max_gap: float | None) -> None:
    """No hole in time beyond the limit; a limit above the usual one is recorded where it was needed."""
    step = np.diff(draft.times)
    typical = float(np.median(step))
    usual = 10.0 * DAY if typical < 4 * DAY else 1.9 * typical
    limit = usual if max_gap is None else max_gap * DAY
    for row in _where(step > limit, 1):
        hole = f"{draft.stamp(row)} follows {draft.stamp(row - 1)}"
        draft.fault(row, f"{hole}: a gap of {step[row - 1] / DAY:.1f} days, wanted at most {limit / DAY:.1f}")
    wide = int((step > usual).sum())
    if wide:
        draft.policies.append(
            f"{wide} gaps above {usual / DAY:.1f} days kept (longest {step.max() / DAY:.1f})"
        )


def check_constant(draft: Draft, rules: Rules) -> None:
    """A price or return that never changes is a dead feed."""
    if rules.kind == "numbers" or len(draft.times) < _FEW:
        return
    for column, name in enumerate(draft.names):
        series = draft.values[:, column]
        if name in AMOUNTS or name.lower() == "rf" or (series != series[0]).any():
            continue
        draft.fault(len(series) - 1, f"{name} is {series[0]:.10g} on all {len(series)} rows: a dead feed?")
