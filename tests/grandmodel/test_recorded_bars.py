"""Recorded minutes: which rows a session has, and what is refused."""

import gzip

import numpy as np
import pandas as pd
import pytest

from fund.errors import DataError, InvalidParameter, UnknownName
from fund.grandmodel.bars import aggregate
from fund.grandmodel.recorded_bars import clock, local_minutes, minutes_of
from fund.grandmodel.strategic import Strategic
from fund.grandmodel.tactical import Tactical
from fund.market.draft import Rules
from fund.market.history import History
from fund.market.readers import bars as read_bars

NEW_YORK = "America/New_York"


def frame(stamps, price=100.0):
    n = len(stamps)
    close = price + 0.01 * np.arange(n)
    data = {
        "open": close,
        "high": close + 0.1,
        "low": close - 0.1,
        "close": close,
        "volume": 10.0 + np.arange(n),
    }
    return pd.DataFrame(data, index=stamps)


def history(stamps):
    return History.from_frame(frame(stamps))


def test_a_session_is_cut_by_the_exchanges_clock():
    stamps = pd.date_range("2019-12-16 08:00", "2019-12-16 18:00", freq="min", tz=NEW_YORK)
    bars = minutes_of(history(stamps), NEW_YORK)
    assert bars.rows == 390
    assert bars.minute[[0, -1]].tolist() == [0, 389]
    assert aggregate(bars, 30).rows == 13


def test_daylight_saving_moves_no_session():
    days = [
        pd.date_range(f"2020-03-{d:02d} 09:30", periods=390, freq="min", tz=NEW_YORK) for d in (5, 6, 9, 10)
    ]
    stamps = days[0].append(days[1]).append(days[2]).append(days[3])  # the clock changed on March 8
    bars = minutes_of(history(stamps.tz_convert("UTC")), NEW_YORK)
    assert bars.rows == 4 * 390
    assert np.bincount(bars.session).tolist() == [390] * 4
    assert (bars.minute.reshape(4, 390) == np.arange(390)).all()


def test_a_wrong_zone_is_refused():
    stamps = pd.date_range("2019-12-16 14:30", periods=390, freq="min", tz="UTC")
    with pytest.raises(DataError, match="a wrong zone"):
        minutes_of(history(stamps), "Asia/Tokyo")
    with pytest.raises(InvalidParameter, match="America/Nowhere"):
        minutes_of(history(stamps), "America/Nowhere")


def test_wall_times_that_do_not_exist_or_come_twice_are_refused():
    spring = pd.date_range("2020-03-08 00:00", periods=300, freq="min")
    with pytest.raises(DataError, match="2020-03-08 02:00:00 does not exist"):
        local_minutes(history(spring), NEW_YORK)
    autumn = pd.date_range("2020-11-01 00:00", periods=300, freq="min")
    with pytest.raises(DataError, match="2020-11-01 01:00:00 comes twice"):
        local_minutes(history(autumn), NEW_YORK)


def test_an_overnight_session_is_one():
    stamps = pd.date_range("2021-06-01 17:00", periods=1800, freq="min")
    bars = minutes_of(history(stamps), "America/Chicago", "17:00", "16:00")
    assert bars.session_length == 23 * 60
    assert np.bincount(bars.session).tolist() == [1380, 360]


def test_times_of_day():
    assert clock("09:30") == 570
    assert clock("24:00") == 1440
    for wrong in ("930", "9:75", "x:10", "25:00"):
        with pytest.raises(InvalidParameter, match="HH:MM"):
            clock(wrong)


def test_a_missing_column_is_named():
    with pytest.raises(UnknownName, match="volume"):
        Strategic().on(frame(pd.date_range("2019-12-16", periods=500, freq="min")).drop(columns="volume"))


def test_too_short_a_record_is_named():
    stamps = pd.date_range("2019-12-16 09:30", periods=390, freq="min", tz=NEW_YORK)
    with pytest.raises(DataError, match="13 bars of 30 minutes, wanted"):
        Strategic(n_steps=10).on(history(stamps)).record(_paths(2))


def _paths(n):
    from fund.market.streams import Paths

    return Paths.of(0, n)


FILES = {
    "btc": ("btc_perp_1m_2022-01.csv.gz", "UTC", "00:00", "24:00"),
    "spy_2013": ("spy_1m_trades_2013-10.csv.gz", NEW_YORK, "09:30", "16:00"),
    "dia": ("us_etf_1m/DIA.csv.gz", NEW_YORK, "09:30", "16:00"),
    "xme": ("us_etf_1m/XME.csv.gz", NEW_YORK, "09:30", "16:00"),
}


@pytest.mark.parametrize("name", FILES)
def test_real_minutes(shared_data, name):
    """Real files, with missing minutes, idle minutes and hours before and after the session."""
    file, zone, opens, closes = FILES[name]
    read = read_bars(shared_data / "intraday" / file, rules=Rules(zero_volume="drop"))
    bars = minutes_of(read, zone, opens, closes)
    five = aggregate(bars, 5)
    assert five.rows > 250
    assert (five.high >= five.low).all()
    world = Tactical(n_steps=60, zone=zone, opens=opens, closes=closes).on(read)
    tape = world.record(_paths(8))
    assert tape.steps == 60
    assert np.isfinite(tape.features).all()
    prices = {round(float(x), 6) for x in five.close[0]}
    assert {round(float(x), 6) for x in tape["price"].ravel()} <= prices


def test_es_picks_its_contract(shared_data):
    """Several contracts in a file: the front one, by its own rows; stamps are UTC."""
    with gzip.open(shared_data / "intraday" / "es_1m_trades_2013-10.csv.gz", "rt") as file:
        table = pd.read_csv(file, parse_dates=["timestamp"])
    front = table[table.contract == 201312].drop(columns="contract").set_index("timestamp").tz_localize("UTC")
    read = History.from_frame(front, rules=Rules(zero_volume="drop"))
    bars = minutes_of(read, "America/Chicago", "17:00", "15:15")
    assert bars.session_length == 1335
    half = aggregate(bars, 30)
    assert half.rows > 200
    world = Strategic(n_steps=20, window=8, zone="America/Chicago", opens="17:00", closes="15:15").on(read)
    assert world.record(_paths(2)).steps == 20


def test_spy_with_its_duplicates_is_refused_by_row(shared_data):
    with pytest.raises(DataError, match=r"SPY.csv.gz:\d+"):
        read_bars(shared_data / "intraday" / "us_etf_1m" / "SPY.csv.gz")


def test_features_of_a_record_do_not_look_ahead(shared_data):
    """C1, C2 on a recorded market: a record cut short gives the same features up to there."""
    from fund.grandmodel.bar_strategy import recorded

    read = read_bars(shared_data / "intraday" / "us_etf_1m" / "DIA.csv.gz", rules=Rules(zero_volume="drop"))
    world = Tactical(n_steps=60)
    _, _, whole = recorded(world, read)
    _, _, part = recorded(world, read.window(0, 4000))
    for name, values in part.items():
        np.testing.assert_array_equal(values, whole[name][:, : values.shape[1]], err_msg=name)
