"""Records: real files where they are there, defects refused with their row."""

import dataclasses

import numpy as np
import pytest

from fund.envs import play as players
from fund.envs.play import play
from fund.errors import DataError, UnknownName
from fund.market.fx_files import broker_bars, dollar_prices, oecd_rates, quote_bars, two_files
from fund.market.history import History
from fund.market.streams import Paths
from specialists.fx_arbitrage.files import joined, with_rates
from specialists.fx_arbitrage.strategy import FxArbitrage


def history(rows=120, **changes):
    days = np.arange(rows) * 86_400_000_000
    columns = {
        "EURUSD": np.linspace(1.1, 1.2, rows),
        "USDJPY": np.linspace(110.0, 100.0, rows),
        "EUR_rate": np.full(rows, -0.005),
        "USD_rate": np.full(rows, 0.02),
        "JPY_rate": np.full(rows, 0.0),
        **changes,
    }
    columns = {name: values for name, values in columns.items() if values is not None}
    return History(tuple(columns), np.column_stack(list(columns.values())), days, "local date", "made")


def desk(**changes):
    return FxArbitrage.preset("history", **{"n_steps": 20, **changes})


def test_interest_accrues_by_calendar_days():
    tape = desk().on(history()).record(Paths.of(0, 4))
    wanted = (-0.005 - 0.02) / 360.0 / (1.0 - 0.005 / 360.0)
    np.testing.assert_allclose(tape["base_roll"], wanted, rtol=1e-12)
    np.testing.assert_allclose(tape["cross"], tape["base"] / tape["terms"], rtol=1e-15)


def test_the_carry_that_is_seen_is_a_years_whatever_the_step():
    """Over a weekend three days' interest accrues; the rule of a rate does not treble on Fridays."""
    days = np.array([day for day in range(170) if day % 7 < 5])
    weekdays = dataclasses.replace(history(len(days)), times=days * 86_400_000_000)
    hours = dataclasses.replace(history(3000), times=np.arange(3000) * 3_600_000_000)
    for record in (weekdays, hours):
        strategy = desk().on(record)
        tape = strategy.record(Paths.of(0, 4))
        assert record is hours or tape["base_roll"].min() < 2.9 * tape["base_roll"].max()  # both below zero
        seen = tape.features[:, :, strategy.features.index("base_home_carry")]
        # the difference of the rates as they are quoted, in units of 2 %; discounting a few days is less than 1e-3
        np.testing.assert_allclose(seen, (-0.005 - 0.02) / 0.02, rtol=1e-3)


def mids_of_no_moment(rows=120):
    """Mids whose cross is off by 50 bp now and then, and by 1 bp else, which half-spreads cover."""
    plain = history(rows)
    off = np.where(np.arange(rows) % 7 == 0, 5e-3, np.where(np.arange(rows) % 7 == 3, -5e-3, 1e-4))
    return history(rows, EURJPY=plain.column("EURUSD") * plain.column("USDJPY") * (1.0 + off))


def test_mids_that_nobody_quoted_show_no_way_round_the_triangle():
    strategy = desk(n_steps=50).on(mids_of_no_moment())
    assert any(
        "35 rows whose mids would pay a way round the triangle" in n for n in strategy.history.policies
    )
    tape = strategy.record(Paths.of(0, 4))
    over = tape["cross"] * tape["terms"] / tape["base"]
    one, two, three = (tape[f"{pair}_spread"] for pair in ("base_home", "home_terms", "cross"))
    assert (over * (1.0 - three) * (1.0 - two) <= 1.0 + one).all()
    assert (over * (1.0 + three) * (1.0 + two) >= 1.0 - one).all()
    apart = np.abs(over - 1.0) > 1e-3
    np.testing.assert_allclose(one[~apart], strategy.base_home_half_spread)
    assert (one[apart] < 2e-3).all()  # a third of the deviation, no more
    played = play(strategy, strategy.rules["executable_triangle"](strategy), Paths.of(0, 4))
    assert not played.traded.any()


def test_quotes_that_were_there_stay_as_they_were():
    mids = mids_of_no_moment()
    quoted = {"EURUSD": None, "USDJPY": None, "EURJPY": None}
    sides = {
        f"{name}_{side}": mids.column(name) * (1.0 + sign * 1e-5)
        for name in quoted for side, sign in (("bid", -1.0), ("ask", 1.0))
    }  # fmt: skip
    strategy = desk(n_steps=50).on(history(**quoted, **sides))
    np.testing.assert_allclose(strategy.record(Paths.of(0, 4))["cross_spread"], 1e-5, rtol=1e-9)
    played = play(strategy, strategy.rules["executable_triangle"](strategy), Paths.of(0, 4))
    assert (played.nav[-1] > played.nav[0]).all()


@pytest.mark.parametrize(("fall", "owed"), [(0.08, False), (0.2, True)])
def test_a_record_that_jumps_ends_an_account_beyond_its_margin(fall, owed):
    """Ten times the NAV long: 8 % down leaves 2 of 92, below half of the initial tenth; 20 % down is a debt."""
    euro = np.where(np.arange(120) < 70, 1.1, 1.1 * (1.0 - fall))
    strategy = desk(n_steps=40, position_limit=10.0, cost_scale=0.0).on(history(EURUSD=euro))
    played = play(strategy, players.constant(strategy, [1.0, 0.0, 0.0]), Paths.of(0, 64))
    tape = strategy.record(Paths.of(0, 64))
    fell = (tape["base"][0] > 1.05) & (tape["base"][-1] < 1.05)
    at = np.argmax(np.diff(tape["base"], axis=0) < -0.05, axis=0) + 1  # first row after the jump
    assert fell.any()
    for i in np.flatnonzero(fell & (at < 39)):
        assert played.length[i] == at[i] + (0 if owed else 1)
        assert (played.nav[-1, i] < 0.0) == owed
        assert played.nav[-1, i] == pytest.approx(1e6 * (1.0 - 10.0 * fall), abs=3e4)


def test_a_pair_the_other_way_round_is_turned_over():
    plain = history()
    turned = history(USDJPY=None, JPYUSD=1.0 / plain.column("USDJPY"))
    one, two = (desk().on(h).record(Paths.of(0, 4)) for h in (plain, turned))
    np.testing.assert_allclose(one.block, two.block, rtol=1e-12)


def test_missing_rates_are_refused_or_named():
    bare = history(JPY_rate=None)
    with pytest.raises(DataError, match="no interest rates for JPY.*JPY_rate.*missing_rates=zero"):
        desk().on(bare)
    found = desk(missing_rates="zero").on(bare)
    assert any("JPY: taken as zero" in note for note in found.history.policies)
    found.record(Paths.of(0, 2))


def test_defects_are_refused_with_their_row():
    mid = np.linspace(1.1, 1.2, 120)
    crossed = np.where(np.arange(120) == 7, mid - 0.01, mid + 0.01)
    for wrong, said in (
        (
            {"EURUSD": None, "EURUSD_bid": mid, "EURUSD_ask": crossed},
            r"row 7 \(1970-01-08\): crossed quotes, EURUSD_bid",
        ),
        ({"EURUSD": mid - 1.15}, "EURUSD is -0.05, wanted above 0"),
        ({"EUR_rate": np.full(120, 3.0)}, "percent"),
        ({"EURJPY": np.full(120, 90.0)}, "the other pairs imply"),
    ):
        with pytest.raises(DataError, match=said):
            desk().on(history(**wrong))
    with pytest.raises(UnknownName, match="EURUSD"):
        desk().on(history(EURUSD=None))
    with pytest.raises(DataError, match="60 rows, wanted 81"):
        desk().on(history(60)).record(Paths.of(0, 1))


def test_rates_are_held_no_longer_than_they_are_good():
    day = 86_400_000_000
    published = np.array([[0.01], [0.02]])
    rates = {"USD": History(("rate",), published, np.array([10, 40]) * day, "local date", "rates")}
    found = with_rates(history(USD_rate=None), rates, most_days=50)
    assert found.times[0] == 10 * day
    assert found.times[-1] == 90 * day
    assert any("39 rows without interest rates left out" in note for note in found.policies)
    assert (found.column("USD_rate")[29], found.column("USD_rate")[30]) == (0.01, 0.02)
    with pytest.raises(DataError, match="row 21"):
        with_rates(history(USD_rate=None), rates, most_days=10)


def test_daily_bars_and_oecd_rates(shared_data):
    pairs = {
        pair: broker_bars(shared_data / f"fx/daily/{pair}d1.csv.gz", 1e3 if "JPY" in pair else 1e5)
        for pair in ("EURUSD", "USDJPY", "EURJPY")
    }
    rates = oecd_rates(shared_data / "rates/oecd_short_term_interest_4.csv.gz")
    assert rates["JPY"].dates[0] == np.datetime64("2002-05-01")
    found = with_rates(joined(pairs), {c: rates[c] for c in ("EUR", "USD", "JPY")})
    assert len(found) == 1987
    strategy = FxArbitrage.preset("history").on(found)
    assert strategy.steps_per_day == 1
    for rule in ("carry", "merton", "no_trade_band", "executable_triangle"):
        played = play(strategy, strategy.rules[rule](strategy), Paths.of(0, 16))
        assert np.isfinite(played.nav).all()


def test_hourly_triangle_in_sterling(shared_data):
    pairs = {
        pair: broker_bars(shared_data / f"fx/hourly/{pair}h1.csv.gz", 1e3 if "JPY" in pair else 1e5)
        for pair in ("EURGBP", "GBPJPY", "EURJPY")
    }
    rates = oecd_rates(shared_data / "rates/oecd_short_term_interest_4.csv.gz")
    found = with_rates(joined(pairs), {c: rates[c] for c in ("EUR", "GBP", "JPY")})
    strategy = FxArbitrage.preset("history", currencies="EUR,GBP,JPY").on(found)
    assert strategy.steps_per_day == 24
    assert np.isfinite(strategy.record(Paths.of(0, 8)).block).all()


def test_five_minute_quotes_with_spreads(shared_data):
    pairs = {
        p: broker_bars(shared_data / f"fx/m5_spread/{p}_M5.csv.gz") for p in ("EURUSD", "GBPUSD", "EURGBP")
    }
    assert any("taken for that many" in note for note in pairs["EURUSD"].policies)
    strategy = FxArbitrage.preset("history", currencies="EUR,USD,GBP", missing_rates="zero").on(joined(pairs))
    assert strategy.steps_per_day == 288
    tape = strategy.record(Paths.of(0, 8))
    assert (tape["base_home_spread"] > 0.0).all()


def test_quotes_that_cross_are_refused_or_dropped(shared_data):
    path = shared_data / "fx/lean_fxcm_daily/eurusd.zip"
    with pytest.raises(DataError, match="eurusd.zip:1: bid 1.33581, ask 1.33579 on 2007-03-30"):
        quote_bars(path)
    assert len(quote_bars(path, "drop")) == 3487 - 123
    folder = shared_data / "fx/fxcm_m1"
    both = two_files(folder / "gbpusd-m1-bid-2012.csv.gz", folder / "gbpusd-m1-ask-2012.csv.gz", "drop")
    assert len(both) == 30117 - 347
    minutes = quote_bars(shared_data / "fx/lean_fxcm_eurusd_minute_quotes_2014-05.csv.gz", "drop")
    assert len(minutes) == 15857 - 374


def test_dollar_prices_and_a_made_cross(shared_data):
    pairs = {p: dollar_prices(shared_data / f"fx/pst/{p}.csv.gz") for p in ("EURUSD", "JPYUSD")}
    strategy = FxArbitrage.preset("history", missing_rates="zero").on(joined(pairs))
    assert any("made of the other two pairs" in note for note in strategy.history.policies)
    seen = strategy.record(Paths.of(0, 4)).features[:, :, strategy.features.index("deviation")]
    assert np.abs(seen).max() < 1e-6


def test_windows_say_which_rows_they_read():
    tape = desk().on(history()).record(Paths.of(0, 8))
    assert ((tape.rows >= 60) & (tape.rows <= 120 - 21)).all()
    later = dataclasses.replace(history(), first_row=1000)
    assert (desk().on(later).record(Paths.of(0, 8)).rows == tape.rows + 1000).all()
