"""Vendors' formats: hand-worked rows, the defects their README names, and every relevant file of ../shared/data."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import numpy as np
import pytest

from fund.errors import DataError
from fund.market.draft import Rules
from fund.market.history import panel
from fund.market.readers import (
    ALPHA_VANTAGE,
    alpha_vantage_daily,
    bars,
    french_factors,
    lean_daily,
    skfolio_prices,
)

AV_ROWS = [
    "2020-01-06,51,52,49,50,50,300,0.0000,2.0",  # two for one: (50 + 0) * 2 / 99 = 1.0101
    "2020-01-03,100,101,98,99,49.5,200,1.0000,1.0",  # one dollar paid: (99 + 1) * 1 / 100 = 1
    "2020-01-02,98,103,97,100,49.5,100,0.0000,1.0",
]


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n")
    return path


# ------------------------------------------------------------------------------- Alpha Vantage


def test_alpha_vantage_by_hand(tmp_path: Path) -> None:
    history = alpha_vantage_daily(write(tmp_path / "KO.csv", ALPHA_VANTAGE, *AV_ROWS))
    assert history.dates.astype(str).tolist() == ["2020-01-02", "2020-01-03", "2020-01-06"]
    expected = {
        "open": [98 * 0.495, 100 * 0.5, 51],
        "high": [103 * 0.495, 101 * 0.5, 52],
        "low": [97 * 0.495, 98 * 0.5, 49],
        "close": [49.5, 49.5, 50],
        "raw_close": [100, 99, 50],
        "volume": [100, 200, 300],
        "dividend": [0, 1, 0],
        "split": [1, 1, 2],
    }
    assert set(history.names) == set(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(history.column(name), values, rtol=1e-14)
    assert history.policies[0] == "newest-first order of 3 rows reversed"
    assert history.zone == "America/New_York"


@pytest.mark.parametrize(
    ("row", "text", "line"),
    [
        (0, AV_ROWS[0].replace("2.0", "1.0"), 2),  # the split was forgotten
        (1, AV_ROWS[1].replace("1.0000", "3.0000"), 3),  # a dividend too large by 2 %
        (1, AV_ROWS[1].replace("49.5", "50.1"), 3),  # an adjusted close off by 1.2 %
    ],
)
def test_alpha_vantage_adjustment_must_add_up(row: int, text: str, line: int, tmp_path: Path) -> None:
    rows = [*AV_ROWS[:row], text, *AV_ROWS[row + 1 :]]
    path = write(tmp_path / "KO.csv", ALPHA_VANTAGE, *rows)
    with pytest.raises(
        DataError, match=rf"KO.csv:{line}: adjusted_close returns .* wanted the same within 1%"
    ):
        alpha_vantage_daily(path)


def test_alpha_vantage_within_one_percent_is_accepted(tmp_path: Path) -> None:
    rows = [AV_ROWS[0], AV_ROWS[1].replace("49.5", "49.9"), AV_ROWS[2]]  # 0.8 %
    assert len(alpha_vantage_daily(write(tmp_path / "KO.csv", ALPHA_VANTAGE, *rows))) == 3


def test_alpha_vantage_needs_its_own_header(tmp_path: Path) -> None:
    path = write(tmp_path / "KO.csv", ALPHA_VANTAGE.replace("adjusted_close", "adj_close"), *AV_ROWS)
    with pytest.raises(DataError, match="KO.csv:1: found the header"):
        alpha_vantage_daily(path)


def test_a_raw_split_of_twenty_is_no_bad_print(tmp_path: Path) -> None:
    rows = ["2020-01-03,5,5.2,4.9,5,5,300,0.0,20.0", "2020-01-02,100,101,98,100,5,200,0.0,1.0"]
    history = alpha_vantage_daily(write(tmp_path / "KO.csv", ALPHA_VANTAGE, *rows))
    assert history.column("close").tolist() == [5.0, 5.0]


def test_all_alpha_vantage_files(shared_data: Path) -> None:
    files = sorted((shared_data / "equity_daily" / "av").glob("*.csv.gz"))
    assert len(files) == 26
    for path in files:
        history = alpha_vantage_daily(path)
        close = history.column("close")
        change = close[1:] / close[:-1] - 1
        assert len(history) == (3667 if path.name.startswith("GDX") else 4015)
        assert -0.30 < change.min() < change.max() < 0.36  # README: BAC -29 %, +35 % are the largest
        assert str(history.dates[-1]) == "2020-12-11"
    apple = alpha_vantage_daily(shared_data / "equity_daily" / "av" / "AAPL.csv.gz")
    splits = apple.column("split")
    assert apple.dates[splits != 1].astype(str).tolist() == ["2005-02-28", "2014-06-09", "2020-08-31"]
    assert np.rint(splits[splits != 1]).tolist() == [2, 7, 4]


# ------------------------------------------------------------------------------- bars with Adj Close


def test_bars_are_scaled_to_the_adjusted_close(tmp_path: Path) -> None:
    path = write(
        tmp_path / "x.csv",
        "Date,Open,High,Low,Close,Adj Close,Volume",
        "2020-01-02,98,104,96,100,50,10",
        "2020-01-03,49,53,47,52,52,20",
    )
    history = bars(path)
    assert history.names == ("open", "high", "low", "close", "raw_close", "volume")
    assert history.values.tolist() == [[49, 52, 48, 50, 100, 10], [49, 53, 47, 52, 52, 20]]


def test_bars_without_adjustment_say_so(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", "Date,Close", "2020-01-02,98", "2020-01-03,49")
    assert bars(path).policies == (
        "no adjusted close beside the close: splits and dividends would show as returns",
    )


def test_index_bars_with_american_dates(shared_data: Path) -> None:
    history = bars(shared_data / "vol" / "sp500_daily.csv.gz")
    assert len(history) == 5031
    assert [str(history.dates[k]) for k in (0, -1)] == ["1999-01-04", "2018-12-31"]
    assert history.column("close")[-1] == 2506.850098


def test_vix_has_47_bars_that_do_not_bracket(shared_data: Path) -> None:
    with pytest.raises(DataError, match=r"vix_daily.csv:\d+: open .* is outside low"):
        bars(shared_data / "vol" / "vix_daily.csv")
    repaired = bars(shared_data / "vol" / "vix_daily.csv", Rules(bars="repair"))
    assert "bars: high and low of 47 rows widened to contain open and close" in repaired.policies[1]


# ------------------------------------------------------------------------------- Kenneth French

FRENCH = [
    "This file was created using the 202407 CRSP database.",
    "Missing data are indicated by -99.99 or -999.",
    "",
    ",Mkt-RF,SMB,HML,RF   ",
    "20200102,    1.44,   -0.67,   -0.07,   0.026",
    "20200103,   -0.06,    0.72,  -99.99,   0.026",
    "20200106,   -0.71,    0.44,   -0.22,   0.026",
    "",
    "Copyright 2024 Kenneth R. French",
]


def test_french_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "ff.CSV.gz"
    path.write_bytes(gzip.compress("\r\n".join(FRENCH).encode() + b"\r\n"))
    history = french_factors(path)
    assert history.names == ("Mkt-RF", "SMB", "HML", "RF")
    np.testing.assert_allclose(
        history.values, [[0.0144, -0.0067, -0.0007, 0.00026], [-0.0071, 0.0044, -0.0022, 0.00026]]
    )
    assert history.dates.astype(str).tolist() == ["2020-01-02", "2020-01-06"]
    assert history.policies == (
        "3 lines of preamble and 1 of footer skipped",
        "rows with -99.99 or -999 for missing: 1 rows dropped (first at line 6)",
        "percent converted to decimals",
    )


def test_french_months_are_known_at_their_end(tmp_path: Path) -> None:
    rows = ["202001,1,2", "202002,2,3", "202003,3,4"]
    history = french_factors(
        write(tmp_path / "ff.csv", "text", ",Mkt-RF,RF", *rows, "", " Annual", "2020,1,2")
    )
    assert history.dates.astype(str).tolist() == ["2020-01-31", "2020-02-29", "2020-03-31"]


@pytest.mark.parametrize(
    ("line", "text", "reason"),
    [
        (6, "20200103,   -0.06,    0.72,   -0.07", "ff.csv:6: 4 cells, wanted 5"),
        (6, "2020x103,   -0.06,    0.72,   -0.07,   0.026", "ff.csv:6: .* within the table"),
        (6, "20200103,   -0.06,    0.72,   -0.07,   ", 'ff.csv:6: no value in column "RF"'),
        (6, "20200103,   -0.06,  144.00,   -0.07,   0.026", "ff.csv:6: SMB 1.44 is no return in decimals"),
        (6, "", "ff.csv:7: a second table"),
        (4, "Mkt-RF,SMB,HML,RF", "ff.csv:1: no header such as"),
    ],
)
def test_french_is_never_half_read(line: int, text: str, reason: str, tmp_path: Path) -> None:
    path = write(tmp_path / "ff.csv", *FRENCH[: line - 1], text, *FRENCH[line:])
    with pytest.raises(DataError, match=reason):
        french_factors(path)


def test_french_files(shared_data: Path) -> None:
    folder = shared_data / "factors"
    five = french_factors(folder / "F-F_Research_Data_5_Factors_2x3_daily.CSV.gz")
    three = french_factors(folder / "F-F_Research_Data_Factors_daily.CSV.gz")
    momentum = french_factors(folder / "F-F_Momentum_Factor_daily.CSV.gz")
    assert five.names == ("Mkt-RF", "SMB", "HML", "RMW", "CMA", "RF")
    assert [len(table) for table in (five, three, momentum)] == [6553] * 3
    np.testing.assert_allclose(
        five.values[0], [0.0144, -0.0067, -0.0007, 0.0019, -0.0044, 0.00026], rtol=1e-12
    )
    assert momentum.column("Mom")[-1] == pytest.approx(-0.0097, rel=1e-12)
    assert np.array_equal(five.column("HML"), three.column("HML"))  # the same factor in both files
    assert len(five.join(momentum)) == 6553


# ------------------------------------------------------------------------------- skfolio and LEAN


def test_skfolio_files(shared_data: Path) -> None:
    stocks = skfolio_prices(shared_data / "equity_daily" / "skfolio_sp500_10stocks.csv.gz")
    assert stocks.names == ("KO", "PEP", "XOM", "CVX", "PG", "WMT", "HD", "BAC", "JPM", "AAPL")
    assert stocks.values[0].tolist() == [2.235, 4.738, 4.068, 4.991, 3.86, 3.653, 1.117, 4.599, 3.394, 0.264]
    assert (len(stocks), stocks.policies) == (8313, ())
    funds = skfolio_prices(shared_data / "factors" / "skfolio_factor_etfs.csv.gz")
    assert (funds.names, len(funds)) == (("MTUM", "QUAL", "SIZE", "USMV", "VLUE"), 2264)


def lean(folder: Path, maps: bool = True, factors: bool = True) -> Path:
    for name in ("daily", "map_files", "factor_files"):
        (folder / name).mkdir(exist_ok=True)
    rows = [
        "20200102 00:00,1000,1100,900,1000,100",  # ten cents: another company
        "20200103 00:00,1990000,2020000,1980000,2000000,200",
        "20200106 00:00,1000000,1020000,990000,1010000,300",  # two for one
    ]
    with zipfile.ZipFile(folder / "daily" / "uso.zip", "w") as archive:
        archive.writestr("uso.csv", "\n".join(rows) + "\n")
    if maps:
        write(folder / "map_files" / "uso.csv", "20200103,uso,P", "20501231,uso,P")
    if factors:
        write(folder / "factor_files" / "uso.csv", "20200103,0.99,0.5,200", "20501231,1,1,0")
    return folder / "daily" / "uso.zip"


def test_lean_by_hand(tmp_path: Path) -> None:
    history = lean_daily(lean(tmp_path))
    assert history.names == ("open", "high", "low", "close", "volume", "raw_close")
    first = [199 * 0.495, 202 * 0.495, 198 * 0.495, 200 * 0.495, 200, 200]
    np.testing.assert_allclose(history.values, [first, [100, 102, 99, 101, 300, 101]], rtol=1e-14)
    assert history.policies[0] == (
        "rows before the first date of the map file (another company's): 1 rows dropped (first at line 1)"
    )


def test_lean_without_its_companions(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"uso.zip:2: open goes from 0.0495 to 98.505, more than 10-fold"):
        lean_daily(lean(tmp_path, maps=False))
    (tmp_path / "map_files" / "uso.csv").write_text("20200103,uso,P\n20501231,uso,P\n")
    (tmp_path / "factor_files" / "uso.csv").unlink()
    history = lean_daily(tmp_path / "daily" / "uso.zip")
    assert history.column("close").tolist() == [200.0, 101.0]
    assert history.policies[-1] == "no factor file: prices are raw, splits and dividends show as returns"


@pytest.mark.parametrize(
    "rows", ["20200102,0.99,0.5,200", "20200103,0.99", "2020010x,1,1,1", "20200103,0,1,1", ""]
)
def test_lean_factor_files_that_are_refused(rows: str, tmp_path: Path) -> None:
    path = lean(tmp_path)
    (tmp_path / "factor_files" / "uso.csv").write_text(rows)
    with pytest.raises(DataError, match=r"uso.csv:1: "):
        lean_daily(path)


def test_lean_files(shared_data: Path) -> None:
    folder = shared_data / "equity_daily" / "lean" / "daily"
    oil = lean_daily(folder / "uso.zip")
    assert str(oil.dates[0]) == "2006-04-10"  # 140 rows of a penny stock before
    change = oil.column("close")[1:] / oil.column("close")[:-1] - 1
    assert -0.26 < change.min() < change.max() < 0.17  # raw: -68 % and +113,233 %
    apple = lean_daily(folder / "aapl.zip")
    assert any("high and low of 3 rows pulled in from a bad print" in policy for policy in apple.policies)
    other = alpha_vantage_daily(shared_data / "equity_daily" / "av" / "AAPL.csv.gz")
    both = np.diff(np.log(panel({"lean": apple, "av": other}, "close").values), axis=0)
    assert np.corrcoef(both.T)[0, 1] > 0.999  # two vendors, two ways of adjusting
    assert np.abs(both[:, 0] - both[:, 1]).max() < 0.02
