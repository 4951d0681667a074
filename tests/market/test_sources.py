"""Folders: every format known by its content, in one order, pairs found, nothing taken for what it is not."""

from __future__ import annotations

import gzip
import importlib.util
from pathlib import Path

import numpy as np
import pytest

from fund.errors import DataError
from fund.market import sources
from fund.market.readers import ALPHA_VANTAGE
from fund.market.sources import builtin, discover, load, sniff, tables

HEADS = {
    "alpha_vantage": f"{ALPHA_VANTAGE}\n2020-12-11,52.8,53.54,52.78,53.35,53.35,10638103,0.0000,1.0\n",
    "bars": "Date,Open,High,Low,Close,Adj Close,Volume\n2020-01-02,1,1,1,1,1,5\n2020-01-03,1,1,1,1,1,5\n",
    "bars_intraday": "Datetime,Open,High,Low,Close,Volume\n2020-01-02 09:30,1,1,1,1,5\n2020-01-02 09:31,1,1,1,1,5\n",
    "bars_untraded": "DATE,OPEN,HIGH,LOW,CLOSE\n1990-01-02,17.2,17.2,17.2,17.2\n",
    "closes": "date,close\n2020-01-02,1\n2020-01-03,2\n",
    "tickers": "Date,KO,BRK.B\n1990-01-02,2.235,4.738\n",
    "french": "This file was created\n\n,Mkt-RF,SMB,HML,RF\n19900102,    1.44,   -0.68,   -0.07,   0.026\n",
    "lean_equity": "20200102 00:00,1000,1100,900,1000,100\n",
    "lean_quotes": "20070330 00:00,1.33141,1.34001,1.32881,1.33581,0,1.33149,1.34009,1.32879,1.33579,0\n",
    "lean_map": "19980102,aapl,Q\n20501231,aapl,Q\n",
    "lean_factor": "20060410,1,8,1\n",
    "lobster_message": "34200.017459617,5,0,1,2238200,-1\n",
    "lobster_book": "2239500,100,2231800,100\n",
    "contracts": "DATETIME,CARRY,CARRY_CONTRACT,PRICE,PRICE_CONTRACT,FORWARD,FORWARD_CONTRACT\n"
    "2010-01-04 23:00:00,9.0,20100200,10.0,20100300,11.0,20100400\n",
    "rates": '"LOCATION","INDICATOR","FREQUENCY","TIME","Value"\n"USA","STINT","M","1999-01",4.9\n',
    "chain": "ticker,expiry,option_type,strike,bid,ask,spot_date\nSPY,2026-05-08,call,435.0,1,2,2026-05-01\n",
    "option_quotes": "timestamp,expiry,strike,right,bid_c,ask_c\n2021-01-04 09:30:00,2021-01-15,3700,call,1,2\n",
    "quotes": "timestamp,bid_o,bid_c,ask_o,ask_c\n2014-05-01 00:00,1,1,1,1\n2014-05-01 00:01,1,1,1,1\n",
    "price": "DATETIME,PRICE\n1999-09-06,1.0\n",
    "unknown": "Instrument,Pointsize\nAEX,200\n",
}
UNKNOWN = [
    "DATETIME,CARRY,PRICE\n2010-01-04 23:00:00,1119.6,1118.3\n",
    "DATE,PCREDIT8\n2003-01-09,2.25\n",
    "Time Period,1month,3month\n1990-01-02 00:00:00+00:00,,0.0783\n",
    "id,timestamp,price\n1,1430438404518,236.47\n",
    "ticker,expiry,strike\nSPY,2026-05-08,435.0\n",
    "Some words\n",
]


@pytest.mark.parametrize("kind", HEADS)
def test_each_format_is_known_by_its_first_lines(kind: str, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text(HEADS[kind])
    (tmp_path / "y").write_bytes(gzip.compress(HEADS[kind].replace("\n", "\r\n").encode()))
    assert sniff(tmp_path / "x.csv") == kind
    assert sniff(tmp_path / "y") == kind


@pytest.mark.parametrize("text", UNKNOWN)
def test_other_tables_are_unknown(text: str, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text(text)
    assert sniff(tmp_path / "x.csv") == "unknown"
    with pytest.raises(
        DataError, match='x.csv:1: found the format "unknown", wanted one of alpha_vantage, bars'
    ):
        load(tmp_path / "x.csv")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "Date,Open,High,Low,Clsoe,Volume\n2020-01-02,1,1,1,1,5\n",
            'x.csv:1: no column "close"|no column "close"',
        ),
        ("Date;Open;High;Low;Close;Volume\n2020-01-02;1;1;1;1;5\n", "parted by ';'"),
        ("Open,High,Low,Close,Volume\n1,1,1,1,5\n", "no column of times"),
        ("Date,Open,High,Low,Close,Volume\n2020-01-02,1,1,1,x,5\n", 'x.csv:2: Close "x" is not a number'),
    ],
)
def test_a_damaged_table_is_known_and_refused_when_read(text: str, reason: str, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text(text)
    assert discover(tmp_path)["prices"] == [tmp_path / "x.csv"]
    with pytest.raises(DataError, match=reason):
        load(tmp_path / "x.csv")


@pytest.mark.parametrize(
    ("raw", "reason"), [(b"", "x.csv:1: the file is empty"), (b"Date,\0", "x.csv:1: a NUL byte")]
)
def test_an_empty_or_binary_csv_is_refused_at_once(raw: bytes, reason: str, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(raw)
    with pytest.raises(DataError, match=reason):
        discover(tmp_path)


def test_only_the_head_is_read(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text(HEADS["closes"] + "rubbish\n" * 100_000)
    assert sniff(path) == "closes"
    cut = gzip.compress((HEADS["closes"] + "".join(f"2021,{k * k}\n" for k in range(50_000))).encode())
    (tmp_path / "cut.csv.gz").write_bytes(cut[: len(cut) // 2])
    assert sniff(tmp_path / "cut.csv.gz") == "closes"


TREE = {  # kind of each file
    "b/KO.csv": "alpha_vantage",
    "a/z.csv": "tickers",
    "a/vix.csv": "bars_untraded",
    "a/index.csv": "bars_untraded",
    "x/CRUDE.csv": "contracts",
    "x/eurusd.zip": "lean_quotes",
    "x/GBPJPYh1.csv": "bars_intraday",
    "x/JPYUSD.csv": "price",
    "x/rates.csv": "rates",
    "o/chain.csv": "chain",
    "o/quotes.csv": "option_quotes",
    "f/ff.csv": "french",
    "daily/x": "lean_equity",
    "map_files/x.csv": "lean_map",
    "notes.csv": "unknown",
    ".hidden/KO.csv": "alpha_vantage",
    "l/A_2012-06-21_1_2_message_1.csv": "lobster_message",
    "l/A_2012-06-21_1_2_orderbook_1.csv": "lobster_book",
    "l/B_2012-06-21_1_2_message_1.csv": "lobster_message",
}


def test_discover_sorts_a_tree(tmp_path: Path) -> None:
    for name, kind in TREE.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(HEADS[kind])
    assert discover(tmp_path) == {
        "prices": [tmp_path / "a/z.csv", tmp_path / "b/KO.csv", tmp_path / "daily/x"],
        "factors": [tmp_path / "f/ff.csv"],
        "order_book": [
            (tmp_path / "l/A_2012-06-21_1_2_message_1.csv", tmp_path / "l/A_2012-06-21_1_2_orderbook_1.csv")
        ],
        "contracts": [tmp_path / "x/CRUDE.csv"],
        "chains": [tmp_path / "o/chain.csv"],
        "option_quotes": [tmp_path / "o/quotes.csv"],
        "rates": [tmp_path / "x/rates.csv"],
        "volatility": [tmp_path / "a/vix.csv"],
        "currencies": [tmp_path / "x/GBPJPYh1.csv", tmp_path / "x/JPYUSD.csv", tmp_path / "x/eurusd.zip"],
        "other": [tmp_path / "a/index.csv"],
        "unknown": [tmp_path / "l/B_2012-06-21_1_2_message_1.csv", tmp_path / "notes.csv"],
    }
    assert discover(tmp_path / "x/CRUDE.csv")["contracts"] == [tmp_path / "x/CRUDE.csv"]
    with pytest.raises(DataError, match="no such folder"):
        discover(tmp_path / "none")


def test_a_desks_own_table_is_known_by_its_columns(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text(
        "date,near,far,note\n2020-01-02,-37.0,20.0,1\n2020-01-03,10.0,21.0,0\n"
    )
    (tmp_path / "other.csv").write_text("date,near\n2020-01-02,1\n")
    found = tables(discover(tmp_path), ("near", "far"))
    assert list(found) == ["mine"]
    assert found["mine"].column("near").tolist() == [-37.0, 10.0]
    assert tables(discover(tmp_path), ()) == {}


def test_discover_on_the_shared_data(shared_data: Path) -> None:
    found = discover(shared_data)
    names = {
        group: [path.relative_to(shared_data).as_posix() for path in found[group]]
        for group in ("prices", "factors")
    }
    assert len([name for name in names["prices"] if name.startswith("equity_daily/av/")]) == 26
    assert [name for name in names["prices"] if "/av/" not in name] == [
        "equity_daily/lean/daily/aapl.zip",
        "equity_daily/lean/daily/ibm.zip",
        "equity_daily/lean/daily/spy.zip",
        "equity_daily/lean/daily/uso.zip",
        "equity_daily/skfolio_sp500_10stocks.csv.gz",
        "factors/skfolio_factor_etfs.csv.gz",
        "vol/sp500_daily.csv.gz",
    ]
    assert names["factors"] == [
        "factors/F-F_Momentum_Factor_daily.CSV.gz",
        "factors/F-F_Research_Data_5_Factors_2x3_daily.CSV.gz",
        "factors/F-F_Research_Data_Factors_daily.CSV.gz",
    ]
    assert [message.name[:4] for message, _ in found["order_book"]] == ["AAPL", "AMZN"]
    for path in [*found["prices"][25:], *found["factors"]]:  # test_readers reads the others
        assert len(load(path)) > 2000


# ------------------------------------------------------------------------------- builtin


def test_builtin_has_the_shape_of_discover() -> None:
    if importlib.util.find_spec("arch") is None:
        pytest.skip("needs the extra research (arch)")
    found = builtin()
    assert set(found) == set(discover(Path(__file__).parent))
    index, technology = found["prices"]
    assert (len(index), len(technology)) == (5031, 5029)  # two NASDAQ rows without volume
    assert index.column("close")[-1] == 2506.850098
    assert len(index.select(["close"]).join(technology.select(["close"]).rename({"close": "nasdaq"}))) == 5029
    factors = found["factors"][0]
    assert factors.names == ("Mkt-RF", "SMB", "HML", "RF")
    assert [str(factors.dates[k]) for k in (0, -1)] == ["1926-07-31", "2018-11-30"]
    np.testing.assert_allclose(factors.values[0], [0.0296, -0.023, -0.0287, 0.0022])
    assert [len(history) for history in found["volatility"]] == [1305 - 46]
    assert found["volatility"][0].names == ("close",)
    assert [len(history) for history in found["other"]] == [8611 - 290]


def test_builtin_says_how_to_get_the_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DataError, match=r'pip install arch \(extra "research"\)'):
        builtin()
