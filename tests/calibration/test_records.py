"""Records out of a user's files: which files feed which desk, and what is refused in one line."""

import numpy as np
import pytest

from fund.calibration.calibration import calibration_of
from fund.calibration.records import Files, once_a_day, recorded
from fund.errors import DataError, UnknownName
from fund.market.draft import DAY
from fund.market.history import History
from specialists import ROSTER


def table(path, rows=700, **columns):
    days = np.datetime64("2015-01-01") + np.arange(rows)
    lines = ["Date," + ",".join(columns)]
    lines += [
        ",".join([str(days[t]), *(f"{values[t]:.9g}" for values in columns.values())]) for t in range(rows)
    ]
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def walk(rows=700, seed=0, start=100.0):
    return start * np.exp(np.cumsum(0.01 * np.random.default_rng(seed).standard_normal(rows)))


def desk_on(name, *places, market="", **changes):
    spec = ROSTER[name]
    calibration = calibration_of(spec)
    return recorded(calibration, spec, spec.cls.preset(calibration.preset, **changes), Files(places, market))


def test_a_table_of_ones_own_is_read_whole(tmp_path):
    place = table(tmp_path / "own.csv", leg_1=walk(seed=1), leg_2=walk(seed=2))
    desk, tape = desk_on("statistical_arbitrage", place)
    assert tape.n == 1
    assert tape.steps == 700 - 1 - desk.warm_up
    np.testing.assert_allclose(tape["leg_2"][-1, 0], walk(seed=2)[-1], rtol=1e-8)


def test_legs_by_name_or_the_two_that_there_are(tmp_path):
    three = table(tmp_path / "panel.csv", KO=walk(seed=1), PEP=walk(seed=2), XOM=walk(seed=3))
    with pytest.raises(UnknownName, match="leg_1"):
        desk_on("statistical_arbitrage", three)
    _, tape = desk_on("statistical_arbitrage", three, leg_1="XOM", leg_2="PEP")
    np.testing.assert_allclose(tape["leg_1"][-1, 0], walk(seed=3)[-1], rtol=1e-8)
    two = [table(tmp_path / f"{name}.csv", Close=walk(seed=k)) for name, k in (("AA", 1), ("BB", 2))]
    _, tape = desk_on("statistical_arbitrage", *two)
    np.testing.assert_allclose(tape["leg_1"][-1, 0], walk(seed=1)[-1], rtol=1e-8)


def test_what_is_refused(tmp_path):
    low = walk()
    low[300] = -37.0
    vol = np.full(700, 0.2)
    with pytest.raises(DataError, match=r"row 300 \(2015-10-28\): spot is -37, wanted a price above 0"):
        desk_on("delta_hedging", table(tmp_path / "wti.csv", spot=low, implied_volatility=vol))
    with pytest.raises(UnknownName, match='column "implied_volatility"'):
        desk_on("delta_hedging", table(tmp_path / "bare.csv", spot=walk(), volatility=vol))
    with pytest.raises(DataError, match="300 rows make 279 steps after warming up, wanted 500"):
        desk_on("delta_hedging", table(tmp_path / "short.csv", 300, spot=walk(300), implied_volatility=vol))
    with pytest.raises(DataError, match="no such folder or file"):
        desk_on("delta_hedging", str(tmp_path / "gone.csv"))
    with pytest.raises(DataError, match="no record for market_making, wanted a LOBSTER day"):
        desk_on("market_making", table(tmp_path / "other.csv", Close=walk()))


def test_the_futures_desk_takes_negative_prices(tmp_path):
    near, far = walk(seed=4, start=20.0), walk(seed=4, start=21.0)
    near[500] = -37.0
    desk, tape = desk_on("futures_spreads", table(tmp_path / "oil.csv", near=near, far=far))
    assert tape["near_a"].min() == -37.0
    found = calibration_of(ROSTER["futures_spreads"]).moments(desk, tape)
    assert all(np.isfinite(value).all() for value in found.values())


def test_of_several_markets_one_is_named(tmp_path):
    for k, name in enumerate(("one", "two")):
        table(tmp_path / f"{name}.csv", near=walk(seed=k), far=walk(seed=k, start=101.0))
    with pytest.raises(DataError, match='several markets, "one", "two"; name one as --market'):
        desk_on("futures_spreads", str(tmp_path))
    _, tape = desk_on("futures_spreads", str(tmp_path), market="two")
    np.testing.assert_allclose(tape["near_a"][-1, 0], walk(seed=1)[-1], rtol=1e-8)
    with pytest.raises(UnknownName, match='Did you mean "two"'):
        desk_on("futures_spreads", str(tmp_path), market="twoo")


def hourly(days, rows_of):
    """A record of `rows_of` hours on each of these days, oldest first; the row number is the price of leg 1."""
    times = np.concatenate([np.arange(rows_of) * (DAY // 24) + day * DAY for day in days])
    values = np.column_stack([np.arange(1.0, len(times) + 1.0), np.full(len(times), 50.0)])
    return ROSTER["statistical_arbitrage"].cls().on(History(("leg_1", "leg_2"), values, times, source="made"))


def test_hours_are_not_days():
    monday = 4  # 1970-01-05
    week = [
        monday + day for day in (-1, 0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11)
    ]  # Sundays are traded, Saturdays not
    found = once_a_day(hourly(week, 5)).history
    assert ((found.times // DAY + 3) % 7 < 5).all()
    assert len(found) == 10
    assert found.column("leg_1")[:2].tolist() == [10.0, 15.0]  # Sunday's five rows are a part of Monday
    assert found.policies[-1] == "the last row of each trading day kept, 10 of 60"
    every_day = once_a_day(hourly(range(monday, monday + 14), 5)).history
    assert len(every_day) == 14  # a market without week-ends
    daily = hourly(range(monday, monday + 5), 1)
    assert once_a_day(daily) is daily


def test_a_record_of_hours_is_fitted_as_days(shared_data):
    pairs = tuple(str(shared_data / f"fx/hourly/{pair}h1.csv.gz") for pair in ("EURGBP", "EURJPY", "GBPJPY"))
    rates = str(shared_data / "rates/oecd_short_term_interest_4.csv.gz")
    desk, tape = desk_on("fx_arbitrage", *pairs, rates, currencies="EUR,GBP,JPY")
    assert desk.steps_per_day == 1
    volatility = np.sqrt(252.0 * (np.diff(np.log(tape["base"][:, 0])) ** 2).mean())
    assert 0.06 < volatility < 0.15  # of the euro in pounds, a year; of hours taken for days it was .02
