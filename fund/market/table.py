"""Delimited text to a draft: one header, one column of times, numbers everywhere else, every row whole.

A row with a cell too many or too few, an unnamed column or a name that comes twice, a cell that is no number:
each is refused with its line. Nothing is guessed and nothing is half read.
"""

from __future__ import annotations

import csv
import difflib
import io
import itertools
import re
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from fund.errors import DataError
from fund.market.cells import number, read_times
from fund.market.draft import BARS, Draft
from fund.market.textfile import Text

TIME_NAMES = ("date", "datetime", "timestamp", "time", "day", "period", "time period")
_SYNONYMS = {
    "open": "open",
    "high": "high",
    "low": "low",
    "close": "close",
    "volume": "volume",
    "adj close": "adjusted_close",
    "adj_close": "adjusted_close",
    "adjclose": "adjusted_close",
    "adjusted close": "adjusted_close",
    "adjusted_close": "adjusted_close",
    "dividend": "dividend",
    "dividends": "dividend",
    "dividend_amount": "dividend",
    "split": "split",
    "stock splits": "split",
    "split_coefficient": "split",
    "tick_volume": "tick_volume",
    "open_interest": "open_interest",
}


@dataclass(frozen=True)
class Form:
    """How a table is written, where it is not the plain case of commas, points, ISO dates and a header."""

    date_format: str | None = None  # strptime, or epoch_s, epoch_ms, epoch_us, epoch_ns
    zone: str = ""  # of stamps that carry no offset
    delimiter: str = ","
    decimal: str = "."
    header: tuple[str, ...] = ()  # of a file that has none; the first is the time


def canonical(name: str) -> str:
    """The field's word for a column: Close is close, "Adj Close" adjusted_close; other names stay."""
    bare = name.strip()
    return _SYNONYMS.get(bare.lower(), bare)


def refuse_names(names: Sequence[str], place: str) -> None:
    """Raise DataError for no column, an unnamed or repeated one, or bars without a close."""
    if not names:
        raise DataError(f"{place}: no column of numbers beside the time")
    for k, name in enumerate(names):
        if not name:
            raise DataError(f"{place}: column {k + 1} has no name")
        if name in names[:k]:
            raise DataError(f'{place}: the column "{name}" comes twice')
    found = [name for name in BARS if name in names]
    if len(found) >= 2 and "close" not in names and "adjusted_close" not in names:
        raise DataError(f'{place}: found {", ".join(found)} but no column "close"{_nearest("close", names)}')


def missing_columns(names: Sequence[str], required: Sequence[str], place: str) -> None:
    """Raise DataError for the first required column that is not there, with the nearest that is."""
    for name in required:
        if name not in names:
            known = ", ".join(names)
            raise DataError(f'{place}: no column "{name}"{_nearest(name, names)}; found: {known}')


def _nearest(name: str, names: Sequence[str]) -> str:
    others = [other for other in names if other not in BARS]
    close = difflib.get_close_matches(name, others, n=1, cutoff=0.5)
    return f'; is it "{close[0]}"?' if close else ""


def parse_table(text: Text, form: Form, columns: Sequence[str] = (), required: Sequence[str] = ()) -> Draft:
    """The numbers of a text, unchecked but for their form; `columns` takes only some (none named: all).

    Raises DataError with file, line and reason.
    """
    rows = _rows(text, form)
    line, names = text.first_line, list(form.header)
    if not names:
        line, names = next(rows, (1, []))
        if not names:
            raise DataError(f"{text.source}:1: the file is empty")
        _refuse_headless(names, f"{text.source}:{line}", form)
    place = f"{text.source}:{line}"
    first = next(rows, None)
    if first is None:
        raise DataError(f"{place}: {'an empty file' if form.header else 'a header and no rows'}")
    policies = list(text.policies)
    at = _time_column(names, first[1], place)
    kept = _number_columns(names, at, first[1], columns, place, policies)
    missing_columns([canonical(names[k]) for k in kept], required, place)
    if not text.text.endswith(("\n", "\r")):
        policies.append("last line has no line end: kept, as all its cells are there")
    return _draft(text.source, (names, at, kept), itertools.chain([first], rows), form, policies)


def _rows(text: Text, form: Form) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text.text, newline=""), delimiter=form.delimiter, strict=True)
    blank, line = 0, text.first_line - 1
    try:
        for row in reader:
            if reader.line_num + text.first_line - 1 > line + 1:
                raise DataError(f"{text.source}:{line + 1}: a quotation mark that is not closed on its line")
            line += 1
            if not row:
                blank = blank or line
            elif blank:
                raise DataError(f"{text.source}:{blank}: a blank line before or within the table")
            else:
                yield line, row
    except csv.Error as error:
        raise DataError(f"{text.source}:{line + 1}: {error}") from None


def _refuse_headless(names: list[str], place: str, form: Form) -> None:
    if len(names) == 1:
        other = next((mark for mark in ";\t|" if mark in names[0] and mark != form.delimiter), None)
        if other is not None:
            raise DataError(f"{place}: the columns are parted by {other!r}, wanted {form.delimiter!r}")
        if form.delimiter != "," and "," in names[0]:
            raise DataError(f"{place}: the columns are parted by ',', wanted {form.delimiter!r}")
    if all(re.fullmatch(r"[\d.,:/ +TZ-]+", name.strip()) for name in names):
        raise DataError(
            f'{place}: "{names[0][:40]}" looks like data, wanted a header with the columns\' names'
        )


def _time_column(names: list[str], first: list[str], place: str) -> int:
    found = [k for k, name in enumerate(names) if name.strip().lower() in TIME_NAMES]
    if len(found) > 1:
        raise DataError(f"{place}: several columns of times: {', '.join(names[k] for k in found)}; keep one")
    if found:
        return found[0]
    if first and re.match(r"\d{4}-\d{2}|\d{8}$|\d{1,2}[/.-]\d{1,2}[/.-]\d{4}", first[0].strip()):
        return 0
    raise DataError(
        f'{place}: no column of times; the first is "{names[0]}", wanted one named {TIME_NAMES[0]}'
    )


def _number_columns(
    names: list[str], at: int, first: list[str], columns: Sequence[str], place: str, policies: list[str]
) -> list[int]:
    kept = [k for k in range(len(names)) if k != at]
    if 0 in kept and not names[0].strip() and first and first[0].strip() == "0":
        kept.remove(0)
        policies.append("unnamed column of row numbers left out")
    if columns:
        missing_columns([canonical(names[k]) for k in kept], columns, place)
        left = [k for k in kept if canonical(names[k]) not in columns]
        kept = [k for k in kept if k not in left]
        policies.append(f"columns left out: {', '.join(names[k] for k in left) or 'none'}")
    refuse_names([canonical(names[k]) for k in kept], place)
    return kept


def _draft(
    source: str,
    layout: tuple[list[str], int, list[int]],
    rows: Iterator[tuple[int, list[str]]],
    form: Form,
    policies: list[str],
) -> Draft:
    names, at, kept = layout
    stamps: list[str] = []
    lines, cells = array("q"), array("d")
    for line, fields in rows:
        if len(fields) != len(names):
            raise DataError(f"{source}:{line}: {len(fields)} cells, wanted {len(names)} ({', '.join(names)})")
        lines.append(line)
        stamps.append(fields[at])
        for k in kept:
            try:
                cells.append(number(fields[k] if form.decimal == "." else _pointed(fields[k], form.decimal)))
            except ValueError as error:
                raise DataError(f"{source}:{line}: {names[k].strip()} {error}") from None
    values = np.array(cells).reshape(len(stamps), len(kept))
    found = [canonical(names[k]) for k in kept]
    draft = Draft(source, found, values, np.zeros(0, dtype=np.int64), np.array(lines), form.zone, policies)
    times = read_times(stamps, form.date_format, draft.fault)
    draft.times, draft.zone = times.times, times.zone or form.zone
    policies.extend(times.policies)
    return draft


def _pointed(cell: str, decimal: str) -> str:
    if "." in cell:
        raise ValueError(f'"{cell[:40]}" has a point where "{decimal}" is declared as the decimal mark')
    return cell.replace(decimal, ".")
