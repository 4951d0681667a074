"""The thirty bad tables of the fault table, row 14: each refused with file, line and reason, or put right by name."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fund.errors import DataError
from fund.market.draft import Rules
from fund.market.history import History
from fund.market.readers import read_csv
from fund.market.table import Form

HEADER = "Date,Open,High,Low,Close,Volume"


def good_lines() -> list[str]:
    """Header and 30 days, 1 to 30 January 2020; line k + 1 of the file holds day k."""
    rows = [f"2020-01-{day:02d},{100 + day},{102 + day},{99 + day},{101 + day},{1000 + day}" for day in range(1, 31)]
    return [HEADER, *rows]


def cell(line: int, column: int, text: str) -> Callable[[list[str]], list[str]]:
    """Replace one cell; lines from 1 as in the file."""

    def change(lines: list[str]) -> list[str]:
        fields = lines[line - 1].split(",")
        fields[column] = text
        return [*lines[: line - 1], ",".join(fields), *lines[line:]]

    return change


def line(number: int, text: str) -> Callable[[list[str]], list[str]]:
    """Replace one line."""
    return lambda lines: [*lines[: number - 1], text, *lines[number:]]


def day_first(lines: list[str]) -> list[str]:
    return [lines[0], *(f"{row[8:10]}/{row[5:7]}/{row[:4]}{row[10:]}" for row in lines[1:])]


def without_column(lines: list[str]) -> list[str]:
    return [",".join(row.split(",")[:4] + row.split(",")[5:]) for row in lines]


def constant(lines: list[str]) -> list[str]:
    return [lines[0], *(row[:10] + ",5,5,5,5,1000" for row in lines[1:])]


def in_epochs(lines: list[str]) -> list[str]:
    return [lines[0], *(f"{1577836800 + 86400 * k}{row[10:]}" for k, row in enumerate(lines[1:]))]


def in_zones(lines: list[str]) -> list[str]:
    zones = ["+00:00"] * 9 + ["-05:00"] + ["+00:00"] * 20
    return [lines[0], *(f"{row[:10]} 16:00:00{zone}{row[10:]}" for row, zone in zip(lines[1:], zones, strict=True))]


REFUSED: dict[str, tuple[Callable[[list[str]], list[str]], int, str]] = {
    "nan": (cell(8, 4, "nan"), 8, 'no value in column "close"'),
    "inf": (cell(8, 4, "inf"), 8, 'Close "inf" is not a number'),
    "negative": (cell(8, 3, "-106"), 8, "low -106 is not positive"),
    "high below low": (cell(8, 2, "90"), 8, "high 90 is below low 106"),
    "close outside range": (cell(8, 4, "120"), 8, "close 120 is outside low 106 to high 109"),
    "conflicting duplicate": (cell(8, 0, "2020-01-06"), 8, "2020-01-06 again, with other numbers than line 7"),
    "unsorted": (lambda rows: [*rows[:7], rows[8], rows[7], *rows[9:]], 9, "2020-01-07 comes after 2020-01-08"),
    "gap": (lambda rows: rows[:5] + rows[20:], 6, "a gap of 16.0 days"),
    "zones mixed": (in_zones, 11, "of another zone than the first row"),
    "day first, not provable": (lambda rows: day_first(rows)[:13], 2, "day first or month first"),
    "day first among others": (line(9, "08/01/2020,108,110,107,109,1008"), 9, "is not an ISO date"),
    "epoch": (in_epochs, 2, 'declare date_format="epoch_s"'),
    "decimal comma": (line(8, '2020-01-07,107,109,106,"108,5",1007'), 8, "decimal comma"),
    "decimal comma, unquoted": (line(8, "2020-01-07,107,109,106,108,5,1007"), 8, "7 cells, wanted 6"),
    "wrong column": (line(1, HEADER.replace("Close", "Clsoe")), 1, 'no column "close"; is it "Clsoe"?'),
    "duplicate column": (line(1, HEADER.replace("Low", "High")), 1, 'the column "high" comes twice'),
    "missing column": (without_column, 1, 'no column "close"'),
    "long row": (line(8, "2020-01-07,107,109,106,108,1007,7"), 8, "7 cells, wanted 6"),
    "short row": (line(8, "2020-01-07,107,109,106,108"), 8, "5 cells, wanted 6"),
    "100x spike": (line(8, "2020-01-07,10700,10900,10600,10800,1007"), 8, "open goes from 106 to 10700"),
    "100x spike of a high": (cell(8, 2, "10900"), 8, "high 10900 is far from open 107 and close 108"),
    "year 2999": (cell(31, 0, "2999-01-30"), 31, "the year of 2999-01-30"),
    "header only": (lambda rows: rows[:1], 1, "a header and no rows"),
    "truncated row": (line(31, "2020-01-30,130,13"), 31, "3 cells, wanted 6"),
    "NUL": (cell(8, 4, "10\0"), 8, "a NUL byte"),
    "formula": (cell(8, 4, "=E7+1"), 8, "a spreadsheet formula?"),
    "N/A": (cell(8, 4, "N/A"), 8, 'no value in column "close"'),
    "1e400": (cell(8, 5, "1e400"), 8, "beyond what a float64 holds"),
    "constant": (constant, 31, "open is 5 on all 30 rows: a dead feed?"),
    "blank line": (line(8, ""), 8, "a blank line"),
    "no such day": (cell(8, 0, "2020-02-30"), 8, "does not exist in the calendar"),
    "text in a column": (cell(8, 5, "about 1000"), 8, "is not a number"),
    "underscored": (cell(8, 5, "1_007"), 8, "is not a number"),
    "no header": (lambda rows: rows[1:], 1, "looks like data"),
    "other delimiter": (lambda rows: [row.replace(",", ";") for row in rows], 1, "parted by ';'"),
    "stray quote": (line(8, '2020-01-07,"107"x,109,106,108,1007'), 8, "expected after"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_file_line_and_reason(name: str, tmp_path: Path) -> None:
    change, number, reason = REFUSED[name]
    path = tmp_path / "bad.csv"
    path.write_text("\n".join(change(good_lines())) + "\n")
    with pytest.raises(DataError) as refusal:
        read_csv(path)
    text = str(refusal.value)
    assert text.startswith(f"{path}:{number}: ")
    assert reason in text
    assert "\n" not in text


def test_empty_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_bytes(b"")
    with pytest.raises(DataError, match=re.escape(f"{path}:1: the file is empty")):
        read_csv(path)


def test_required_column_is_asked_for_with_the_nearest(tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text("Date,KO,PPE\n2020-01-01,1,2\n2020-01-02,1.1,2.1\n")
    with pytest.raises(DataError, match=r':1: no column "PEP"; is it "PPE"\?; found: KO, PPE'):
        read_csv(path, required=("KO", "PEP"))


REPAIRED: dict[str, tuple[Callable[[list[str]], list[str]], str, int]] = {
    "zero volume": (cell(8, 5, "0"), "zero volume: 1 rows dropped (first at line 8)", 29),
    "exact duplicate": (
        lambda rows: [*rows[:8], rows[7], *rows[8:]],
        "exact duplicates: 1 rows dropped (first at line 9)",
        30,
    ),
    "newest first": (lambda rows: [rows[0], *rows[:0:-1]], "newest-first order of 30 rows reversed", 30),
    "day first": (day_first, 'dates read as day/month/year: proven by "13/01/2020"', 30),
    "eight digits": (
        lambda rows: [rows[0], *(row[:10].replace("-", "") + row[10:] for row in rows[1:])],
        "dates read as YYYYMMDD: all 30 rows are calendar dates",
        30,
    ),
    "byte order mark": (lambda rows: ["\ufeff" + rows[0], *rows[1:]], "byte order mark removed", 30),
    "row numbers": (
        lambda rows: ["," + rows[0], *(f"{k},{row}" for k, row in enumerate(rows[1:]))],
        "unnamed column of row numbers left out",
        30,
    ),
    "all volumes zero": (
        lambda rows: [rows[0], *(row.rsplit(",", 1)[0] + ",0" for row in rows[1:])],
        "volume is 0 on every row: column left out",
        30,
    ),
}


@pytest.mark.parametrize("name", REPAIRED)
def test_repaired_by_a_named_policy(name: str, tmp_path: Path) -> None:
    change, policy, rows = REPAIRED[name]
    path = tmp_path / "bad.csv"
    path.write_text("\n".join(change(good_lines())) + "\n", encoding="utf-8")
    history = read_csv(path)
    assert history.policies == (policy,)
    assert len(history) == rows
    kept = [k for k in range(30) if rows == 30 or k != 6]
    assert history.column("close").tolist() == [102.0 + k for k in kept]
    assert history.dates.astype(str).tolist() == [f"2020-01-{k + 1:02d}" for k in kept]


def test_good_table_needs_no_policy(tmp_path: Path) -> None:
    path = tmp_path / "good.csv"
    path.write_text("\r\n".join(good_lines()) + "\r\n")
    history = read_csv(path)
    assert history.policies == ()
    assert history.names == ("open", "high", "low", "close", "volume")
    assert history.values[0].tolist() == [101.0, 103.0, 100.0, 102.0, 1001.0]
    assert history.values[-1].tolist() == [130.0, 132.0, 129.0, 131.0, 1030.0]


def test_missing_end_of_the_last_line_is_recorded(tmp_path: Path) -> None:
    path = tmp_path / "cut.csv"
    path.write_text("\n".join(good_lines()))
    assert read_csv(path).policies == ("last line has no line end: kept, as all its cells are there",)


def holes(path: Path, days: range) -> None:
    rows = [row if int(row[8:10]) not in days else f"{row[:10]},,,,," for row in good_lines()[1:]]
    path.write_text("\n".join([HEADER, *rows]) + "\n")


def test_missing_values_are_held_only_within_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "holes.csv"
    holes(path, range(10, 12))
    rules = Rules(missing="hold", hold_limit=2)
    history = read_csv(path, rules=rules)
    assert history.column("close")[8:12].tolist() == [110.0, 110.0, 110.0, 113.0]
    assert history.policies == ("missing values: 10 held at the last known value (at most 2 rows on end)",)
    holes(path, range(10, 13))
    with pytest.raises(DataError, match=r':13: no value in column "open" and none within 2 rows before'):
        read_csv(path, rules=rules)


def test_nothing_is_filled_backwards(tmp_path: Path) -> None:
    path = tmp_path / "holes.csv"
    holes(path, range(1, 2))
    with pytest.raises(DataError, match=r':2: no value in column "open"'):
        read_csv(path, rules=Rules(missing="hold"))
    dropped = read_csv(path, rules=Rules(missing="drop"))
    assert len(dropped) == 29
    assert dropped.policies == ("missing values: 1 rows dropped (first at line 2)",)


def test_bars_are_repaired_on_request(tmp_path: Path) -> None:
    path = tmp_path / "bars.csv"
    lines = cell(8, 2, "107.5")(good_lines())  # day 7: high 107.5 below close 108
    lines = cell(9, 3, "1.08")(lines)  # day 8: low a hundredth of the price
    path.write_text("\n".join(lines) + "\n")
    history = read_csv(path, rules=Rules(bars="repair"))
    assert history.column("high")[6] == 108.0
    assert history.column("low")[7] == 108.0
    assert history.policies == (
        "bars: high and low of 1 rows widened to contain open and close (first at line 8)",
        "bars: high and low of 1 rows pulled in from a bad print (first at line 9)",
    )


def test_accepted_gap_is_recorded(tmp_path: Path) -> None:
    path = tmp_path / "gap.csv"
    lines = good_lines()
    path.write_text("\n".join(lines[:5] + lines[20:]) + "\n")
    history = read_csv(path, rules=Rules(max_gap=20))
    assert history.policies == ("1 gaps above 10.0 days kept (longest 16.0)",)


def test_missing_month_is_a_gap(tmp_path: Path) -> None:
    months = [f"2020-{month:02d}-01,{100 + month}" for month in range(1, 13) if month != 10]
    path = tmp_path / "monthly.csv"
    path.write_text("\n".join(["Date,Index", *months]) + "\n")
    with pytest.raises(DataError, match=r":11: 2020-11-01 follows 2020-09-01: a gap of 61.0 days"):
        read_csv(path)


@pytest.mark.parametrize(
    ("form", "stamp"),
    [
        (Form("epoch_s"), "1577836800"),
        (Form("epoch_ms"), "1577836800000"),
        (Form("epoch_us"), "1577836800000000"),
        (Form("epoch_ns"), "1577836800000000000"),
        (Form("%m/%d/%Y"), "1/1/2020"),
        (Form("%d/%m/%Y"), "01/01/2020"),
        (Form("%Y%m%d %H:%M"), "20200101 00:00"),
        (Form(), "2020-01-01T00:00:00Z"),
        (Form(), "2019-12-31 19:00:00-05:00"),
        (Form("%Y%m"), "201912"),
    ],
)
def test_declared_formats(form: Form, stamp: str, tmp_path: Path) -> None:
    later = {"%Y%m": "202001", "": "2020-01-02 10:00:00-05:00"}.get(form.date_format or "", "")
    if form.date_format and not later:
        later = stamp.replace("157783680", "157792320") if "epoch" in form.date_format else ""
    later = later or {"1/1/2020": "1/2/2020", "01/01/2020": "02/01/2020"}.get(stamp, "20200102 00:00")
    if stamp.endswith("Z"):
        later = "2020-01-02T00:00:00Z"
    path = tmp_path / "stamps.csv"
    path.write_text(f"time,close\n{stamp},1\n{later},2\n")
    history = read_csv(path, form=form)
    first = np.datetime64("2019-12-31" if form.date_format == "%Y%m" else "2020-01-01", "us").astype(int)
    assert history.times[0] == first
    assert history.times[1] > history.times[0]


def test_daylight_saving_offsets_meet_in_utc(tmp_path: Path) -> None:
    path = tmp_path / "stamps.csv"
    path.write_text("time,close\n2020-03-06 16:00:00-05:00,1\n2020-03-09 16:00:00-04:00,2\n")
    history = read_csv(path)
    assert history.dates.astype(str).tolist() == ["2020-03-06T21:00:00.000000", "2020-03-09T20:00:00.000000"]
    assert history.zone == "UTC"
    assert history.policies == ("offsets -04:00, -05:00 converted to UTC",)


def test_seven_digits_are_no_date(tmp_path: Path) -> None:
    path = tmp_path / "stamps.csv"
    path.write_text("time,close\n20200101,1\n2020102,2\n")  # strptime alone reads 10 February or 2 October
    with pytest.raises(DataError, match=r":3: .*digits are missing"):
        read_csv(path)


def test_declared_decimal_comma(tmp_path: Path) -> None:
    path = tmp_path / "comma.csv"
    path.write_text("Date;Close\n2020-01-01;1,5\n2020-01-02;1,75\n")
    assert read_csv(path, form=Form(delimiter=";", decimal=",")).column("close").tolist() == [1.5, 1.75]
    path.write_text("Date;Close\n2020-01-01;1.500,5\n2020-01-02;1,75\n")
    with pytest.raises(DataError, match=":2: "):
        read_csv(path, form=Form(delimiter=";", decimal=","))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_damage_is_refused_in_one_line_or_read_whole(tmp_path: Path, data: st.DataObject) -> None:
    raw = bytearray("\n".join(good_lines()).encode() + b"\n")
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw) - 1))
        piece = data.draw(st.sampled_from([b"", b",", b"\n", b"\0", b'"', b"-", b"9e999", b"\xff", b"nan", b";"]))
        raw[at : at + data.draw(st.integers(0, 12))] = piece
    path = tmp_path / "fuzz.csv"
    path.write_bytes(bytes(raw))
    try:
        history = read_csv(path)
    except DataError as refusal:
        assert str(refusal).startswith(str(path))
        assert "\n" not in str(refusal)
    else:
        assert isinstance(history, History)
        assert np.isfinite(history.values).all()
        assert (np.diff(history.times) > 0).all()
