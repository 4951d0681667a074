"""Numbers and times as people write them in tables, read strictly.

Python's `float` takes "1_000", "nan", "inf" and Arabic digits, and a lenient parser guesses the order of day and
month row by row. Here a cell is a plain decimal number or is refused, and a column of times has one format:

1. the declared one (`strptime`, or `epoch_s`, `epoch_ms`, `epoch_us`, `epoch_ns`);
2. ISO 8601, with one time of day form and, where there are offsets, one zone;
3. eight digits YYYYMMDD, when every row is a calendar date (recorded);
4. 1/31/2020 or 31/1/2020, only where some row proves the order and none contradicts it (recorded).

Anything else is refused with the declaration that would read it.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Fault = Callable[[int, str], NoReturn]

MISSING = frozenset({"", "na", "n/a", "#n/a", "nan", "null", "none", "nil", "-", "--", "."})
EPOCHS = {"epoch_s": 1_000_000, "epoch_ms": 1_000, "epoch_us": 1, "epoch_ns": 0}  # microseconds a unit
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_ISO = re.compile(
    r"(\d{4}-\d{2}-\d{2})"  # day
    r"(?:[ T](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?)((?<=\.\d{6})\d+)?"  # clock, digits below microseconds
    r"\s?(Z|[+-]\d{2}:?\d{2})?)?",  # offset
    re.ASCII,
)
_SLASHED = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})(?: (\d{2}:\d{2}(?::\d{2})?))?", re.ASCII)
_EPOCH_DIGITS = {10: "epoch_s", 13: "epoch_ms", 16: "epoch_us", 19: "epoch_ns"}
_DAY = 86_400_000_000
_LAST = 8_000_000_000_000_000  # microseconds; the year 2223


@dataclass
class Times:
    """Microseconds since 1970, their zone ("" where the file does not say), and what was recorded."""

    times: Ints
    zone: str = ""
    policies: list[str] = field(default_factory=list)


def number(cell: str) -> float:
    """A plain decimal number; NaN for an empty or "not available" cell; raises ValueError with the reason."""
    if _NUMBER.fullmatch(cell):
        value = float(cell)
        if value in (float("inf"), float("-inf")):
            raise ValueError(f'"{cell}" is beyond what a float64 holds')
        return value
    bare = cell.strip()
    if bare != cell:
        return number(bare)
    if bare.lower() in MISSING:
        return float("nan")
    raise ValueError(f'"{bare[:40]}" is not a number{_hint(bare)}')


def _hint(cell: str) -> str:
    if cell[:1] in "=@" or (cell[:1] in "+-" and len(cell) > 1 and cell[1].isalpha()):
        return " (a spreadsheet formula?)"
    if re.fullmatch(r"[+-]?[\d.,]+", cell):
        return " (a decimal comma or thousands mark?)"
    return " (infinite)" if "inf" in cell.lower() else ""


def read_times(cells: Sequence[str], declared: str | None, fault: Fault) -> Times:
    """A column of times; `fault(row, reason)` is called, and raises, where a cell cannot be read."""
    if declared is not None:
        return _declared(cells, declared, fault)
    first = cells[0].strip()
    if _ISO.fullmatch(first):
        return _iso(cells, fault)
    if len(first) == 8 and first.isdigit():
        out = _declared(cells, "%Y%m%d", fault)
        out.policies.append(f"dates read as YYYYMMDD: all {len(cells)} rows are calendar dates")
        return out
    if _SLASHED.fullmatch(first):
        return _slashed(cells, fault)
    epoch = _EPOCH_DIGITS.get(len(first)) if first.isdigit() else None
    wish = (
        f'looks like an epoch; declare date_format="{epoch}"'
        if epoch
        else "is not an ISO date; declare date_format"
    )
    return fault(0, f'time "{first[:40]}" {wish}')


def _iso(cells: Sequence[str], fault: Fault) -> Times:
    plain: list[str] = []
    offsets: list[str] = []
    finer = 0
    dated = ":" not in cells[0]
    for row, cell in enumerate(cells):
        found = _ISO.fullmatch(cell.strip())
        if found is None:
            fault(row, f'time "{cell[:40]}" is not an ISO date like that of the first row, "{cells[0]}"')
        day, clock, fraction, offset = found.groups()
        if (clock is None) is not dated:
            fault(
                row, f'time "{cell}" differs in form from "{cells[0]}": a date among stamps, or the reverse'
            )
        plain.append(day if clock is None else f"{day}T{clock}")
        offsets.append(offset or "")
        finer += bool(fraction and fraction.strip("0"))
    out = _in_one_zone(_to_micro(plain, cells, fault), offsets, cells, fault)
    if finer:
        out.policies.append(f"{finer} stamps cut to whole microseconds")
    return out


def _to_micro(plain: Sequence[str], cells: Sequence[str], fault: Fault) -> Ints:
    try:
        return np.array(plain, dtype="datetime64[us]").astype(np.int64)
    except ValueError:
        for row, text in enumerate(plain):
            try:
                np.datetime64(text, "us")
            except ValueError:
                fault(row, f'time "{cells[row]}" does not exist in the calendar')
        raise


def _in_one_zone(local: Ints, offsets: list[str], cells: Sequence[str], fault: Fault) -> Times:
    kinds = sorted(set(offsets))
    if kinds == [""]:
        return Times(local)
    if "" in kinds:
        row = next(k for k, offset in enumerate(offsets) if bool(offset) is not bool(offsets[0]))
        fault(row, f'time "{cells[row]}" mixes stamps with and without offset (first row "{cells[0]}")')
    shifts = {offset: _shift(offset) for offset in kinds}
    spread = max(shifts.values()) - min(shifts.values())
    if len(set(shifts.values())) > 2 or spread > 3_600_000_000:
        row = next(k for k, offset in enumerate(offsets) if shifts[offset] != shifts[offsets[0]])
        fault(row, f'time "{cells[row]}" is of another zone than the first row, "{cells[0]}"')
    if not (local % _DAY).any() and any(shifts.values()):
        return Times(local, "local date", ["stamps at local midnight taken as dates, their offset left out"])
    shift = np.array([shifts[offset] for offset in offsets], dtype=np.int64)
    return Times(local - shift, "UTC", [f"offsets {', '.join(kinds)} converted to UTC"] if spread else [])


def _shift(offset: str) -> int:
    if offset == "Z":
        return 0
    sign = -1 if offset[0] == "-" else 1
    digits = offset[1:].replace(":", "")
    return sign * (int(digits[:2]) * 60 + int(digits[2:])) * 60_000_000


def _declared(cells: Sequence[str], form: str, fault: Fault) -> Times:
    if form in EPOCHS:
        return _epochs(cells, form, fault)
    plain: list[str] = []
    for row, cell in enumerate(cells):
        try:
            stamp = datetime.strptime(cell.strip(), form)
        except ValueError:
            fault(row, f'time "{cell[:40]}" does not fit the format "{form}"')
        if "%Y%m" in form and len(cell.strip()) != len(
            stamp.strftime(form)
        ):  # strptime reads 2020113 as Nov 3
            fault(row, f'time "{cell[:40]}" does not fit the format "{form}": digits are missing')
        if "%d" not in form and "%j" not in form:  # a month's figure is known when the month is over
            stamp = stamp.replace(day=calendar.monthrange(stamp.year, stamp.month)[1])
        plain.append(stamp.isoformat())
    return _iso(plain, fault)


def _epochs(cells: Sequence[str], form: str, fault: Fault) -> Times:
    counts = np.empty(len(cells), dtype=np.int64)
    for row, cell in enumerate(cells):
        digits = cell.strip()
        if not re.fullmatch(r"-?\d{1,18}|\d{19}", digits, re.ASCII) or int(digits) >= 2**63:
            fault(row, f'time "{cell[:40]}" is not a whole number, wanted {form}')
        counts[row] = int(digits)
    unit = EPOCHS[form]
    for row, count in enumerate(counts if unit else []):
        if abs(count) > _LAST // unit:
            fault(row, f'time "{cells[row]}" is beyond the calendar when read as {form}')
    if unit:
        return Times(counts * unit, "UTC")
    finer = int(np.count_nonzero(counts % 1000))
    return Times(counts // 1000, "UTC", [f"{finer} stamps cut to whole microseconds"] if finer else [])


def _slashed(cells: Sequence[str], fault: Fault) -> Times:
    parts: list[tuple[int, int, str, str]] = []
    for row, cell in enumerate(cells):
        found = _SLASHED.fullmatch(cell.strip())
        if found is None:
            fault(row, f'time "{cell[:40]}" is not a date like that of the first row, "{cells[0]}"')
        first, second, year, clock = found.groups()
        parts.append((int(first), int(second), year, f"T{clock}" if clock else ""))
    day_first, proof = _proven_order(parts, cells, fault)
    plain = [f"{y}-{b:02d}-{a:02d}{c}" if day_first else f"{y}-{a:02d}-{b:02d}{c}" for a, b, y, c in parts]
    out = _iso(plain, lambda row, reason: fault(row, reason.replace(plain[row], cells[row])))
    order = "day/month/year" if day_first else "month/day/year"
    out.policies.append(f'dates read as {order}: proven by "{cells[proof].strip()}"')
    return out


def _proven_order(
    parts: list[tuple[int, int, str, str]], cells: Sequence[str], fault: Fault
) -> tuple[bool, int]:
    day_first = next((row for row, part in enumerate(parts) if part[0] > 12), None)
    month_first = next((row for row, part in enumerate(parts) if part[1] > 12), None)
    if day_first is None and month_first is None:
        fault(
            0, f'time "{cells[0]}": day first or month first? declare date_format, "%m/%d/%Y" or "%d/%m/%Y"'
        )
    if day_first is not None and month_first is not None:
        late = max(day_first, month_first)
        fault(late, f'time "{cells[late]}" has another order of day and month than earlier rows')
    return (True, day_first) if day_first is not None else (False, int(month_first or 0))
