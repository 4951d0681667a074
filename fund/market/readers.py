"""Readers of known files: a user's own table, and the vendors' formats, each to a checked History.

| reader | what the file holds | what comes out |
|---|---|---|
| `read_csv` | any table of times and numbers | its columns |
| `bars` | bars, perhaps with an adjusted close | open, high, low, close (adjusted), volume, ... |
| `alpha_vantage_daily` | raw bars, adjusted close, dividend, split; newest first | the same, bars adjusted |
| `french_factors` | returns in percent, preamble, footer | returns in decimals, `RF` among them |
| `skfolio_prices` | adjusted closes, a column a ticker | the same |
| `lean_daily` | raw bars x 10,000 in a zip, map and factor files beside | bars adjusted, one company only |

Adjustment: open, high and low are scaled by adjusted close / close; `raw_close` keeps what was traded. A row
of Alpha Vantage holds when (close + dividend) x split / previous close is the return of the adjusted close.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fund.errors import DataError
from fund.market.cells import number
from fund.market.checks import put_right
from fund.market.draft import Draft, Rules
from fund.market.history import History, freeze, from_draft
from fund.market.price_checks import check_jumps
from fund.market.table import Form, parse_table
from fund.market.textfile import Text, read_text

Floats = NDArray[np.float64]

ALPHA_VANTAGE = "timestamp,open,high,low,close,adjusted_close,volume,dividend_amount,split_coefficient"
_ADJUSTMENT = 0.01  # relative difference of the two returns
_LEAN = Form(date_format="%Y%m%d %H:%M", header=("time", "open", "high", "low", "close", "volume"))
_LEAN_PRICE = 10_000.0  # integers a US dollar
_FRENCH_MISSING = (-99.99, -999.0)
_FRENCH_ROW = re.compile(r"\s*(\d{8}|\d{6})\s*,")


def read_csv(
    path: str | Path,
    required: Sequence[str] = (),
    columns: Sequence[str] = (),
    rules: Rules | None = None,
    form: Form | None = None,
) -> History:
    """A table of times and numbers: plain, .gz or a .zip with one member.

    `columns` reads some columns only; `required` names those that must be there; `rules` says what is checked
    and repaired, `form` how the table is written. Raises DataError as file:line: reason.
    """
    draft = parse_table(read_text(path), form or Form(), columns, required)
    return from_draft(draft, rules or Rules())


def bars(path: str | Path, rules: Rules | None = None, form: Form | None = None) -> History:
    """Bars with a close; where there is an adjusted close, the bars are scaled to it, `raw_close` kept."""
    draft = parse_table(read_text(path), form or Form(), required=())
    rules = rules or Rules()
    if "close" not in draft.names and "adjusted_close" in draft.names:
        draft.names[draft.names.index("adjusted_close")] = "close"
        return from_draft(draft, rules)
    if "adjusted_close" not in draft.names:
        draft.policies.append(
            "no adjusted close beside the close: splits and dividends would show as returns"
        )
        return from_draft(draft, rules, ("close",))
    put_right(draft, _without_jumps(rules))
    _adjust(draft, _column(draft, "adjusted_close") / _column(draft, "close"))
    check_jumps(draft, rules.max_jump, ("open", "high", "low", "close"))
    return freeze(draft)


def alpha_vantage_daily(path: str | Path) -> History:
    """Alpha Vantage TIME_SERIES_DAILY_ADJUSTED: open, high, low, close (all adjusted), raw_close, volume (raw).

    Also dividend (per raw share, on the ex-date) and split (new per old share). Raises DataError with the
    line where the adjusted return is not that of (close + dividend) x split within 1 %.
    """
    text = read_text(path)
    header = text.text.split("\n", 1)[0].strip()
    if header != ALPHA_VANTAGE:
        raise DataError(f'{path}:1: found the header "{header[:80]}", wanted "{ALPHA_VANTAGE}"')
    draft = parse_table(text, Form(zone="America/New_York"))
    rules = Rules()
    put_right(draft, _without_jumps(rules))
    close, adjusted = _column(draft, "close"), _column(draft, "adjusted_close")
    if not {"volume", "dividend", "split"} <= set(draft.names):
        draft.refuse("the volume is 0 on every row")
    _check_adjustment(draft, close, adjusted, _column(draft, "dividend"), _column(draft, "split"))
    _adjust(draft, adjusted / close)
    check_jumps(draft, rules.max_jump, ("open", "high", "low", "close"))
    return freeze(draft)


def _without_jumps(rules: Rules) -> Rules:
    # raw prices jump at every split; the adjusted ones are checked afterwards
    return replace(rules, max_jump=float("inf"))


def _column(draft: Draft, name: str) -> Floats:
    return draft.values[:, draft.names.index(name)]


def _check_adjustment(draft: Draft, close: Floats, adjusted: Floats, dividend: Floats, split: Floats) -> None:
    total = (close[1:] + dividend[1:]) * split[1:] / close[:-1]
    shown = adjusted[1:] / adjusted[:-1]
    for row in np.flatnonzero(np.abs(shown / total - 1) > _ADJUSTMENT) + 1:
        found = f"adjusted_close returns {shown[row - 1] - 1:+.4%}"
        wanted = f"(close + dividend) * split / previous close {total[row - 1] - 1:+.4%}"
        draft.fault(int(row), f"{found}, {wanted}: wanted the same within {_ADJUSTMENT:.0%}")


def _adjust(draft: Draft, factor: Floats) -> None:
    raw = _column(draft, "close").copy()
    draft.values = draft.values.copy()
    for name in ("open", "high", "low", "close"):
        if name in draft.names:
            draft.values[:, draft.names.index(name)] *= factor
    spare = "adjusted_close"
    if spare in draft.names:
        draft.values[:, draft.names.index(spare)] = raw
        draft.names[draft.names.index(spare)] = "raw_close"
    else:
        draft.values, draft.names = np.column_stack([draft.values, raw]), [*draft.names, "raw_close"]
    draft.policies.append("open, high, low and close adjusted for splits and dividends; volume as traded")


def skfolio_prices(path: str | Path) -> History:
    """Adjusted closes, one column a ticker, as in skfolio's data sets."""
    return read_csv(path)


def lean_daily(
    path: str | Path, map_file: str | Path | None = None, factor_file: str | Path | None = None
) -> History:
    """A LEAN daily equity zip: bars adjusted by the factor file, rows of an earlier company dropped.

    Without the two files named, those of LEAN's folder layout are taken where they exist:
    ../map_files/<ticker>.csv and ../factor_files/<ticker>.csv. What was not found is recorded.
    """
    path = Path(path)
    draft = parse_table(read_text(path), _LEAN)
    draft.zone = "America/New_York"
    draft.values[:, :4] /= _LEAN_PRICE
    _map(draft, _beside(path, "map_files", map_file))
    put_right(draft, _without_jumps(Rules(bars="repair")))  # AAPL has three lows at a tenth of the price
    factors = _beside(path, "factor_files", factor_file)
    if factors is None:
        draft.policies.append("no factor file: prices are raw, splits and dividends show as returns")
    else:
        _adjust(draft, _lean_factors(draft, factors))
    check_jumps(draft, Rules().max_jump, ("open", "high", "low", "close"))
    return freeze(draft)


def _beside(path: Path, folder: str, given: str | Path | None) -> Path | None:
    found = Path(given) if given is not None else path.parent.parent / folder / f"{path.stem}.csv"
    return found if given is not None or found.is_file() else None


def _lean_rows(path: Path, numbers: int) -> tuple[NDArray[np.int64], Floats]:
    # rows of "YYYYMMDD,..." without header: the dates in microseconds and the first numbers
    text = read_text(path)
    days: list[np.datetime64] = []
    cells: list[list[float]] = []
    for line, row in enumerate(text.text.split(), start=1):
        fields = row.split(",")
        try:
            day = fields[0]
            days.append(np.datetime64(f"{day[:4]}-{day[4:6]}-{day[6:]}", "us"))
            cells.append([number(cell) for cell in fields[1 : 1 + numbers]])
        except ValueError as error:
            raise DataError(f"{path}:{line}: {error}") from None
        if len(fields) < 1 + numbers or not np.isfinite(cells[-1]).all():
            raise DataError(f"{path}:{line}: {len(fields)} cells, wanted a date and {numbers} numbers")
    if not days:
        raise DataError(f"{path}:1: the file is empty")
    return np.array(days).astype(np.int64), np.array(cells)


def _map(draft: Draft, path: Path | None) -> None:
    if path is None:
        draft.policies.append(
            "no map file: rows of an earlier company under this ticker cannot be told apart"
        )
        return
    dates, _ = _lean_rows(path, 0)
    draft.drop(draft.times < dates[0], "rows before the first date of the map file (another company's)")
    draft.drop(draft.times > dates[-1], "rows after the last date of the map file")


def _lean_factors(draft: Draft, path: Path) -> Floats:
    # a row (date, price factor, split factor) holds for all days up to and including its date
    dates, factors = _lean_rows(path, 2)
    if (np.diff(dates) <= 0).any() or (factors <= 0).any():
        raise DataError(f"{path}:1: wanted ascending dates and positive factors")
    at = np.searchsorted(dates, draft.times, side="left")
    if (at == len(dates)).any():
        raise DataError(f"{path}:{len(dates)}: the factors end before the prices of {draft.source} do")
    chosen: Floats = factors[at, 0] * factors[at, 1]
    return chosen


def french_factors(path: str | Path) -> History:
    """Kenneth French's factor files, daily or monthly: returns in decimals, columns named as in the file.

    Preamble and footer are skipped, rows with -99.99 or -999 dropped by policy; a month is stamped on its
    last day. Raises DataError where the table breaks off in the middle or a second table of its kind follows.
    """
    text = read_text(path)
    start, stop, notes = _french_table(text)
    lines = text.text.splitlines()
    names = [cell.strip() for cell in lines[start].split(",")]
    digits = len(lines[start + 1].split(",")[0].strip())
    rows = "\n".join(lines[start + 1 : stop]) + "\n"
    table = Text(text.source, rows, (*text.policies, *notes), start + 2)
    form = Form("%Y%m%d" if digits == 8 else "%Y%m", "America/New_York", header=("date", *names[1:]))
    draft = parse_table(table, form)
    missing = np.logical_or.reduce(np.isin(draft.values, _FRENCH_MISSING), axis=1)
    draft.drop(missing, "rows with -99.99 or -999 for missing")
    draft.values = draft.values / 100.0
    draft.policies.append("percent converted to decimals")
    return from_draft(draft, Rules(kind="returns"))


def _french_table(text: Text) -> tuple[int, int, list[str]]:
    # header line, first line after the table (both from 0), and what was left out
    lines = text.text.splitlines()
    start = next((k for k, line in enumerate(lines) if re.match(r"\s*,\s*[A-Za-z]", line)), None)
    if start is None or start + 1 >= len(lines) or not _FRENCH_ROW.match(lines[start + 1]):
        raise DataError(
            f"{text.source}:{(start or 0) + 1}: no header such as ,Mkt-RF,SMB,HML,RF with rows below it"
        )
    stop = next((k for k in range(start + 1, len(lines)) if not lines[k].strip()), len(lines))
    for k in range(start + 1, stop):
        if not _FRENCH_ROW.match(lines[k]):
            raise DataError(
                f'{text.source}:{k + 1}: "{lines[k].strip()[:40]}" within the table is no row of it'
            )
    for k in range(stop, len(lines)):
        if _FRENCH_ROW.match(lines[k]):
            raise DataError(f"{text.source}:{k + 1}: a second table; cut the file to one")
    footer = sum(bool(line.strip()) for line in lines[stop:])
    return start, stop, [f"{start} lines of preamble and {footer} of footer skipped"]
