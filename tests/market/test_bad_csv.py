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
from fund.market.history import History
from fund.market.readers import read_csv

HEADER = "Date,Open,High,Low,Close,Volume"


def good_lines() -> list[str]:
    """Header and 30 days, 1 to 30 January 2020; line k + 1 of the file holds day k."""
    rows = [
        f"2020-01-{day:02d},{100 + day},{102 + day},{99 + day},{101 + day},{1000 + day}"
        for day in range(1, 31)
    ]
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
    return [
        lines[0],
        *(f"{row[:10]} 16:00:00{zone}{row[10:]}" for row, zone in zip(lines[1:], zones, strict=True)),
    ]


REFUSED: dict[str, tuple[Callable[[list[str]], list[str]], int, str]] = {
    "nan": (cell(8, 4, "nan"), 8, 'no value in column "close"'),
    "inf": (cell(8, 4, "inf"), 8, 'Close "inf" is not a number'),
    "negative": (cell(8, 3, "-106"), 8, "low -106 is not positive"),
    "high below low": (cell(8, 2, "90"), 8, "high 90 is below low 106"),
    "close outside range": (cell(8, 4, "120"), 8, "close 120 is outside low 106 to high 109"),
    "conflicting duplicate": (
        cell(8, 0, "2020-01-06"),
        8,
        "2020-01-06 again, with other numbers than line 7",
    ),
    "unsorted": (
        lambda rows: [*rows[:7], rows[8], rows[7], *rows[9:]],
        9,
        "2020-01-07 comes after 2020-01-08",
    ),
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
    "100x spike down": (line(8, "2020-01-07,1.07,1.09,1.06,1.08,1007"), 8, "open goes from 106 to 1.07"),
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
    "open quote": (line(8, '2020-01-07,"107,109,106,108,1007'), 8, "unexpected end of data"),
    "two open quotes": (
        lambda rows: line(9, '2020-01-08,108",110,107,109,1008')(
            line(8, '2020-01-07,"107,109,106,108,1007')(rows)
        ),
        8,
        "not closed on its line",
    ),
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


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_damage_is_refused_in_one_line_or_read_whole(tmp_path: Path, data: st.DataObject) -> None:
    raw = bytearray("\n".join(good_lines()).encode() + b"\n")
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw) - 1))
        piece = data.draw(
            st.sampled_from([b"", b",", b"\n", b"\0", b'"', b"-", b"9e999", b"\xff", b"nan", b";"])
        )
        raw[at : at + data.draw(st.integers(0, 12))] = piece
    path = tmp_path / "fuzz.csv"
    path.write_bytes(bytes(raw))
    found = outcome(path)
    if isinstance(found, str):
        assert found.startswith(str(path))
        assert "\n" not in found
    else:
        assert np.isfinite(found.values).all()
        assert (np.diff(found.times) > 0).all()


def outcome(path: Path) -> History | str:
    try:
        return read_csv(path)
    except DataError as refusal:
        return str(refusal)
