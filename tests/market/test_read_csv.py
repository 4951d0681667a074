"""read_csv: what is repaired on request, how times may be written, how far a file may unfold."""

from __future__ import annotations

import gzip
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from fund.errors import DataError
from fund.market.draft import Rules
from fund.market.readers import read_csv
from fund.market.table import Form

HEADER = "Date,Open,High,Low,Close,Volume"


def good_lines() -> list[str]:
    """Header and 30 days, 1 to 30 January 2020; line k + 1 of the file holds day k."""
    return [
        HEADER,
        *(f"2020-01-{k:02d},{100 + k},{102 + k},{99 + k},{101 + k},{1000 + k}" for k in range(1, 31)),
    ]


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
    lines = good_lines()
    lines[7] = "2020-01-07,107,107.5,106,108,1007"  # the high is below the close
    lines[8] = "2020-01-08,108,110,1.08,109,1008"  # the low is a hundredth of the price
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
    ("form", "first", "second", "day"),
    [
        (Form("epoch_s"), "1577836800", "1577923200", "2020-01-01"),
        (Form("epoch_ms"), "1577836800000", "1577923200000", "2020-01-01"),
        (Form("epoch_us"), "1577836800000000", "1577923200000000", "2020-01-01"),
        (Form("epoch_ns"), "1577836800000000000", "1577923200000000000", "2020-01-01"),
        (Form("%m/%d/%Y"), "1/2/2020", "2/1/2020", "2020-01-02"),
        (Form("%d/%m/%Y"), "02/01/2020", "01/02/2020", "2020-01-02"),
        (Form("%Y%m%d %H:%M"), "20200101 00:00", "20200102 00:00", "2020-01-01"),
        (Form("%Y%m"), "201912", "202001", "2019-12-31"),  # a month is known when it is over
        (Form(), "2020-01-01T00:00:00Z", "2020-01-02T00:00:00Z", "2020-01-01"),
        (Form(), "2020-01-01 00:00:00-05:00", "2020-01-02 00:00:00-05:00", "2020-01-01"),
    ],
)
def test_formats_of_time(form: Form, first: str, second: str, day: str, tmp_path: Path) -> None:
    path = tmp_path / "stamps.csv"
    path.write_text(f"time,close\n{first},1\n{second},2\n")
    history = read_csv(path, rules=Rules(max_gap=40), form=form)
    assert history.dates[0] == np.datetime64(day)
    assert history.dates.dtype == np.dtype("datetime64[D]")


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


# ------------------------------------------------------------------------------------- packing

TABLE = b"Date,Close\n2020-01-01,1\n2020-01-02,2\n"


def test_plain_gzip_and_zip_are_one(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(TABLE)
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(TABLE))
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", TABLE)
    hashes = {read_csv(tmp_path / name).sha256 for name in ("a.csv", "a.csv.gz", "a.zip")}
    assert len(hashes) == 1


def packed(path: Path, *members: tuple[str, bytes], link: bool = False) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            info = zipfile.ZipInfo(name)
            info.external_attr = (0o120777 if link else 0o100644) << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return path


def bomb(path: Path) -> Path:
    path.write_bytes(gzip.compress(b"0" * (20 * 2**20)))
    return path


def lying(path: Path) -> Path:
    # the header claims ten bytes, the member holds more
    raw = packed(path, ("a.csv", TABLE)).read_bytes()
    path.write_bytes(raw.replace(struct.pack("<L", len(TABLE)), struct.pack("<L", 10)))
    return path


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda p: packed(p, ("a.csv", TABLE), ("b.csv", TABLE)), "2 members, wanted exactly one"),
        (lambda p: packed(p), "0 members"),
        (lambda p: packed(p, ("../a.csv", TABLE)), "points outside the archive"),
        (lambda p: packed(p, ("/etc/a.csv", TABLE)), "points outside the archive"),
        (lambda p: packed(p, ("a.csv", b"/etc/passwd"), link=True), "a folder or a link"),
        (lambda p: packed(p, ("a/", b"")), "a folder or a link"),
        (lambda p: packed(p, ("a.csv", b"0" * (20 * 2**20))), "unfold to more than"),
        (bomb, "unfold to more than"),
        (lying, "cannot be read"),
    ],
)
def test_archives_that_are_refused(make, reason: str, tmp_path: Path) -> None:
    path = make(tmp_path / "a.zip")
    with pytest.raises(DataError) as refusal:
        read_csv(path)
    assert reason in str(refusal.value)
    assert str(refusal.value).startswith(str(path))


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (gzip.compress(TABLE * 99, mtime=0)[:-20], "the compressed file ends early"),
        (gzip.compress(TABLE, mtime=0)[:-8] + b"12345678", "cannot be read"),
        (TABLE.decode().encode("utf-16"), ":1: the text is UTF-16"),
        (TABLE + b"2020-01-03,\xff\n", ":4: byte 0xff is no UTF-8"),
    ],
)
def test_damaged_bytes_are_refused(raw: bytes, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(raw)
    with pytest.raises(DataError) as refusal:
        read_csv(path)
    assert reason in str(refusal.value)


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        read_csv(tmp_path / "none.csv")
    with pytest.raises(DataError, match="found a folder"):
        read_csv(tmp_path)
