"""What a table must satisfy before a desk may trade on it, and which defects a named policy may put right.

A reader fills a `Draft`; `put_right` walks the checks in this order and either repairs (one sentence in
`policies`, with a count) or raises DataError with file, line and reason:

1. stamps within 1800 to 2100; newest first is reversed, any other disorder refused
2. the same stamp twice: equal rows dropped, conflicting rows refused
3. missing cells: refused, or the row dropped, or the last value held for a stated number of rows;
   nothing is ever filled backwards
4. infinite numbers; signs of prices, volumes, splits, dividends; sizes of returns
5. bars: low <= open, close <= high, and no high or low out of all reach; rows of zero volume
6. jumps (a bad print, a raw split), gaps in time, prices that never change
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fund.market.draft import DAY, Draft, Rules, is_amount
from fund.market.price_checks import check_bars, check_jumps, check_volume, where

_YEARS = (np.datetime64("1800-01-01", "us").astype(int), np.datetime64("2100-01-01", "us").astype(int))
_FEW = 5  # rows; fewer may well be equal by chance


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
    for row in where((draft.times < _YEARS[0]) | (draft.times >= _YEARS[1])):
        draft.fault(row, f"the year of {draft.stamp(row)} is not within 1800 to 2099")
    step = np.diff(draft.times)
    if (step < 0).any() and not (step > 0).any():
        draft.keep(slice(None, None, -1))
        draft.policies.append(f"newest-first order of {len(draft.times)} rows reversed")
        step = np.diff(draft.times)
    for row in where(step < 0, 1):
        late = f"{draft.stamp(row)} comes after {draft.stamp(row - 1)}"
        draft.fault(row, f"{late}: wanted all rows oldest first, or all newest first")
    same = np.concatenate(([False], step == 0))
    for row in where(same):
        if not np.array_equal(draft.values[row], draft.values[row - 1], equal_nan=True):
            earlier = f"{draft.place(row - 1)}"
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
    for row in where(missing):
        run = run + 1 if row > 0 and missing[row - 1] else 1
        if row == 0 or run > limit:
            draft.fault(
                row, f'no value in column "{draft.names[column]}" and none within {limit} rows before'
            )
        draft.values[row, column] = draft.values[row - 1, column]


def check_signs(draft: Draft, rules: Rules) -> None:
    """Finite numbers, positive prices, volumes, splits and dividends >= 0, returns within [-1, 1]."""
    _refusewhere(draft, ~np.isfinite(draft.values), "is not a finite number")
    if rules.kind == "returns":
        _refusewhere(draft, np.abs(draft.values) > 1, "is no return in decimals (percent? divide by 100)")
    if rules.kind == "prices":
        amount = np.array([is_amount(name) for name in draft.names])
        _refusewhere(draft, (draft.values < 0) & amount, "is negative")
        _refusewhere(draft, (draft.values <= 0) & ~amount, "is not positive")


def _refusewhere(draft: Draft, bad: NDArray[np.bool_], reason: str) -> None:
    if bad.any():
        row, column = (int(k) for k in np.argwhere(bad)[0])
        draft.fault(row, f"{draft.names[column]} {draft.values[row, column]:.10g} {reason}")


def check_gaps(draft: Draft, max_gap: float | None) -> None:
    """No hole in time beyond the limit; a limit above the usual one is recorded where it was needed."""
    step = np.diff(draft.times)
    typical = float(np.median(step))
    usual = 10.0 * DAY if typical < 4 * DAY else 1.9 * typical
    limit = usual if max_gap is None else max_gap * DAY
    for row in where(step > limit, 1):
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
        if is_amount(name) or name.lower() == "rf" or (series != series[0]).any():
            continue
        draft.fault(len(series) - 1, f"{name} is {series[0]:.10g} on all {len(series)} rows: a dead feed?")
