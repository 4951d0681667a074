"""The fund on recorded markets: what feeds a desk, how records are cut, what is said of the rest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from allocator.recorded_desks import cuts, recorded_desks
from allocator.recorded_fund import compounded, fragile, streams, table
from allocator.recorded_parts import (
    EMBARGO,
    TRAINING_STEPS,
    days_of,
    history_of,
    named,
    once_a_day,
    one_by_one,
)
from allocator.recorded_play import Daily, by_day, daily, together
from allocator.run import SIZES
from allocator.run_fund import run_fund
from fund.envs import play as players
from fund.errors import DataError, UnknownName
from fund.market.history import History
from fund.market.streams import Paths
from specialists import ROSTER
from specialists.futures_spreads.strategy import FuturesSpreads
from specialists.fx_arbitrage.strategy import FxArbitrage
from tests.specialists.records import frame

ROOT = Path(__file__).parents[2]
DAY = 86_400_000_000


@pytest.fixture(scope="module")
def own_folder(tmp_path_factory):
    """A user's folder: one table a desk, with the desk's columns."""
    folder = tmp_path_factory.mktemp("own")
    for name in ROSTER:
        rows = 6000 if name == "market_making" else 1500
        frame(name, rows).to_csv(folder / f"my_{name}.csv")
    return folder


def test_a_users_own_tables_feed_all_seven_desks(own_folder):
    gathered = recorded_desks(str(own_folder))
    assert set(gathered.desks) == set(ROSTER)
    assert gathered.notes == ()
    for name, desk in gathered.desks.items():
        train, chosen = history_of(desk.training), history_of(desk.selection)
        assert train.times.max() < chosen.times.min()
        for test in desk.tests.values():
            assert chosen.times.max() < history_of(test).times.min()
            assert test.n_steps == len(history_of(test)) - 1 - test.warm_up
        assert desk.training.n_steps <= (390 if name == "market_making" else TRAINING_STEPS)
    days = {name: days_of(desk.training)[-1] for name, desk in gathered.desks.items() if desk.learning}
    assert len(set(days.values())) == 1  # one cut by date


def test_desks_without_data_are_named(own_folder, tmp_path):
    for name in ("volatility_trading", "futures_spreads"):
        (tmp_path / f"{name}.csv").write_bytes((own_folder / f"my_{name}.csv").read_bytes())
    gathered = recorded_desks(str(tmp_path))
    assert set(gathered.desks) == {"volatility_trading", "futures_spreads"}
    assert "no data for fx_arbitrage: its sleeve lies in cash" in gathered.notes
    assert len(gathered.notes) == len(ROSTER) - 2


def test_data_that_feed_no_desk_are_refused(tmp_path):
    with pytest.raises(DataError, match="no such folder"):
        recorded_desks(str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match="feeds no desk.*futures_spreads: near, far"):
        recorded_desks(str(tmp_path))
    with pytest.raises(UnknownName, match='Did you mean "PEP"'):
        named("KO/PEPP", ["KO", "PEP"])


def test_days_too_few_for_a_fund_are_refused_before_anything_is_trained(tmp_path):
    frame("market_making", 6000).to_csv(tmp_path / "book.csv")
    frame("fx_arbitrage", 300).to_csv(tmp_path / "rates.csv")
    with pytest.raises(DataError, match="no desk has 700 days.*found market_making, fx_arbitrage"):
        recorded_desks(str(tmp_path))


def test_a_damaged_table_is_refused_with_its_line(own_folder, tmp_path):
    text = (own_folder / "my_futures_spreads.csv").read_text().splitlines()
    text[7] = text[7].replace(",", ",x", 1)
    (tmp_path / "mine.csv").write_text("\n".join(text) + "\n")
    with pytest.raises(DataError, match="mine.csv:8: near"):
        recorded_desks(str(tmp_path))


def test_real_files_feed_all_seven_desks(shared_data):
    gathered = recorded_desks(str(shared_data), ["KO/PEP"])
    assert set(gathered.desks) == set(ROSTER)
    tests = {name: list(desk.tests) for name, desk in gathered.desks.items()}
    assert tests["statistical_arbitrage"] == ["KO/PEP"]
    assert tests["volatility_trading"] == ["SP500"]
    assert tests["delta_hedging"][:2] == ["SP500 at VIX", "AAPL, smile of 2014-06-06"]
    assert any("SPXW" in label for label in tests["delta_hedging"])
    assert {"CRUDE_W", "GOLD", "VIX", "EDOLLAR"} <= set(tests["futures_spreads"])
    assert tests["factor_tracking"] == ["factors"]
    assert tests["fx_arbitrage"] == [
        "EUR,USD,GBP daily",
        "EUR,USD,JPY daily",
        "EUR,GBP,JPY hourly, once a day",
    ]
    for desk in gathered.desks.values():
        train, chosen = history_of(desk.training), history_of(desk.selection)
        assert train.times.max() < chosen.times.min()
        assert all(chosen.times.max() < history_of(test).times.min() for test in desk.tests.values())
        for label, seen in desk.learning.items():
            assert (
                label not in desk.tests
                or history_of(seen).times.max() < history_of(desk.tests[label]).times.min()
            )
    assert history_of(gathered.desks["volatility_trading"].training).names == ("index", "iv_30", "iv_90")
    assert len(gathered.desks["futures_spreads"].training.history.parts) > 8
    assert any("spy_chain" in note for note in gathered.notes)  # quotes of 2026, prices until 2020
    put_right = [line for line in gathered.repairs if "crossed quotes: 142 rows dropped" in line]
    assert put_right and all(line.startswith("fx_arbitrage ") for line in put_right)


def test_what_arch_ships_feeds_three_desks():
    pytest.importorskip("arch")
    gathered = recorded_desks("builtin")
    assert set(gathered.desks) == {"statistical_arbitrage", "volatility_trading", "delta_hedging"}
    assert "no data for factor_tracking: its sleeve lies in cash" in gathered.notes
    assert list(gathered.desks["statistical_arbitrage"].tests) in (["NASDAQ/SP500"], ["SP500/NASDAQ"])


def test_one_cut_for_all_that_share_days_and_its_own_for_the_odd_one():
    notes: list[str] = []
    days = {"a": np.arange(0, 2000), "b": np.arange(500, 1500), "c": np.arange(5000, 6000)}
    ends = cuts(days, notes)
    assert ends["a"] == ends["b"] == (950, 1150)  # 45 % and 65 % of the thousand days that both have
    assert ends["c"] == (5450, 5650)
    assert notes == ["c shares too few days with the other desks: its test is another time"]


def curve(rows: int, seed: int, half_days: bool = False) -> FuturesSpreads:
    """The futures desk on a made curve, over all its rows."""
    near = 50.0 + np.random.default_rng(seed).normal(0.0, 0.5, rows).cumsum()
    times = np.arange(rows) * (DAY // 2 if half_days else DAY)
    source = History(("near", "far"), np.column_stack([near, np.full(rows, 50.0)]), times, source="made")
    desk = FuturesSpreads.preset("history").on(source)
    return desk.with_steps(rows - 1 - desk.warm_up)


def test_a_days_return_is_from_its_last_row_to_the_next_days():
    desk = curve(150, 0, half_days=True)
    nav = np.linspace(1.0, 2.0, desk.n_steps + 1)
    found = daily(desk, nav)
    rows = np.arange(150)[150 - len(nav) :]
    last = np.flatnonzero(rows % 2 == 1)  # the second row of a day
    assert found.days.tolist() == (rows[last][1:] // 2).tolist()
    assert found.returns == pytest.approx(nav[last][1:] / nav[last][:-1] - 1.0)
    assert daily(curve(150, 0), np.array([1.0, 0.0, 0.0])).returns.tolist() == [
        -1.0,
        0.0,
    ]  # nothing follows ruin


def test_side_by_side_is_one_after_the_other():
    markets = {"short": curve(200, 1), "long": curve(260, 2), "middle": curve(230, 3)}
    makers = [
        lambda market: players.constant(market, [0.5]),
        lambda market: market.rules["zscore_threshold"](market),
    ]
    found = by_day(markets, [*makers, lambda market: players.lagged(makers[1](market), market)])
    for label, market in markets.items():
        for one, make in zip(found, makers, strict=False):
            alone = players.play(market, make(market), Paths.of(0, 1)).nav[:, 0]
            np.testing.assert_array_equal(one[label].returns, alone[1:] / alone[:-1] - 1.0)
        late = players.play(market, players.lagged(makers[1](market), market), Paths.of(0, 1)).nav[:, 0]
        np.testing.assert_array_equal(found[2][label].returns, late[1:] / late[:-1] - 1.0)


def test_a_desk_that_learns_on_days_looks_once_a_day_at_an_hourly_record():
    rows = 24 * 200
    euro = 1.1 + 0.001 * np.random.default_rng(3).normal(0.0, 1.0, rows)
    values = np.column_stack([euro, np.full(rows, 110.0)])
    hours = History(("EURUSD", "USDJPY"), values, np.arange(rows) * (DAY // 24), source="made")
    desk = FxArbitrage.preset("history", missing_rates="zero")
    name, found = once_a_day("EUR,USD,JPY hourly", desk.on(hours))
    assert (name, found.steps_per_day) == ("EUR,USD,JPY hourly, once a day", 1)
    kept = history_of(found)
    np.testing.assert_array_equal(kept.times, hours.times[23::24])
    np.testing.assert_array_equal(kept.values, values[23::24])
    assert "the last row of each day kept, 200 of 4800" in kept.policies
    daily_rows = desk.on(kept)
    assert once_a_day("daily", daily_rows) == ("daily", daily_rows)
    within = desk.on(hours.window(0, 24 * 50))  # fewer days than the features look back: played as it is
    assert once_a_day("hourly", within) == ("hourly", within)


def test_a_mean_over_the_markets_that_have_begun_and_not_ended():
    one = Daily(np.arange(10, 20), np.full(10, 0.02))
    two = Daily(np.array([15, 16, 18, 22, 24, 25]), np.full(6, 0.04))
    window = Daily(np.array([90]), np.array([5.0]))  # of one day: told beside, not in the mean
    found = together({"one": one, "two": two, "window": window}, 2)
    assert found.days.tolist() == [*range(10, 20), 22, 24, 25]
    wanted = [0.02] * 5 + [0.03, 0.03, 0.01, 0.03, 0.01] + [0.04] * 3
    assert found.returns == pytest.approx(wanted)


def test_days_that_not_all_have_count_with_the_day_after_them():
    one = Daily(np.array([1, 2, 3, 5]), np.array([0.5, 0.1, -0.5, 1.0]))
    assert compounded(one, np.array([2, 5])) == pytest.approx([0.1, 0.0])
    assert compounded(one, np.array([1, 2, 3])) == pytest.approx([0.5, 0.1, -0.5])


def test_absent_desks_have_a_still_stream_and_too_few_days_are_refused():
    none = Daily(np.zeros(0), np.zeros(0))
    daily = {"fx_arbitrage": Daily(np.arange(300), np.full(300, 0.001)), "market_making": none}
    found, dates = streams(daily)
    at = found.desks.index("fx_arbitrage")
    assert (found.returns[:, 0, at] == pytest.approx(0.001)) and not np.delete(
        found.returns[:, 0], at, axis=1
    ).any()
    assert len(dates) == 300 - 120 + 1
    with pytest.raises(
        DataError, match="100 in common, wanted at least 180: fx_arbitrage 1970-01-01 to 1970-04-10"
    ):
        streams({"fx_arbitrage": Daily(np.arange(100), np.zeros(100))})
    with pytest.raises(DataError, match="no desk has daily returns"):
        streams({"market_making": none})


def test_pairs_of_several_tables_do_not_meet_under_one_name():
    desk = ROSTER["statistical_arbitrage"].cls(leg_1="KO,XOM", leg_2="PEP,CVX")
    assert list(one_by_one("a", desk, False)) == ["KO/PEP", "XOM/CVX"]
    assert list(one_by_one("a", desk, True)) == ["a KO/PEP", "a XOM/CVX"]
    assert list(one_by_one("GOLD", curve(200, 1), True)) == ["GOLD"]


def test_the_table_says_who_played():
    row = {"desk": "d", "test": "KO/PEP", "agent": 1.0, "rule_score": -2.0, "one_row_late": 0.5, "player": "agent",
           "rule": "flat", "days": 300}  # fmt: skip
    assert table([row]).splitlines()[1].split() == [
        "d",
        "KO/PEP",
        "300",
        "1.00",
        "-2.00",
        "0.50",
        "agent",
        "/",
        "flat",
    ]


def test_what_is_gone_a_row_late_is_named():
    rows = [
        {"test": "CRUDE", "agent": 0.0, "rule_score": 22.8, "one_row_late": 2.6, "player": "zscore"},
        {"test": "SP500", "agent": 5.98, "rule_score": 5.94, "one_row_late": 5.93, "player": "agent"},
        {"test": "KO/PEP", "agent": -1.0, "rule_score": -0.8, "one_row_late": -3.0, "player": "agent"},
    ]
    assert fragile(rows) == "CRUDE (22.8 % to 2.6 %)"


def test_embargo_lies_between_the_parts(own_folder):
    desk = recorded_desks(str(own_folder)).desks["volatility_trading"]
    train, chosen = history_of(desk.training), history_of(desk.selection)
    assert chosen.first_row - (train.first_row + len(train)) == EMBARGO
    (test,) = desk.tests.values()
    assert history_of(test).first_row - (chosen.first_row + len(chosen)) == EMBARGO


@pytest.mark.slow
def test_the_main_job_on_a_users_own_tables(own_folder, tmp_path):
    done = run_fund(SIZES["smoke"], str(own_folder), tmp_path / "out", 0, str(tmp_path / "models"))
    assert {row["desk"] for row in done["tests"]} == set(ROSTER)
    assert all(
        np.isfinite([row["agent"], row["rule_score"], row["one_row_late"]]).all() for row in done["tests"]
    )
    assert {"CIO agent", "equal_weight"} <= set(done["fund"])
    page = (tmp_path / "out" / "report.html").read_text()
    assert (tmp_path / "out" / "data.txt").is_file() and "data.txt" in done["text"]
    assert "recorded markets, 20" in page
    assert "Within the day, so that the sleeve lies in cash: market_making." in page
    assert sorted(path.name for path in (tmp_path / "models").rglob("*_best.zip"))[0].startswith(
        "cio_allocator"
    )
