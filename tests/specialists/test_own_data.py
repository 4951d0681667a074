"""A user's own data at every desk: a DataFrame, a file, the command line; what is wrong with them, and on which day."""

from __future__ import annotations

import json

import numpy as np
import pytest

import fund
from fund.__main__ import main
from fund.envs.play import flat, play
from fund.errors import DataError, UnknownName
from fund.market.streams import Paths
from specialists import ROSTER
from tests.specialists.records import DAYS, frame, stamps, table

DESKS = tuple(ROSTER)
LOGARITHMS = {
    "statistical_arbitrage": "leg_2", "volatility_trading": "index", "delta_hedging": "spot",
    "factor_tracking": "momentum", "fx_arbitrage": "USDJPY",
}  # fmt: skip
WTI = -37.63  # settlement of 2020-04-20


def history_preset(name):
    return "history" if "history" in ROSTER[name].cls.presets else "default"


@pytest.mark.parametrize("name", DESKS)
def test_the_columns_that_a_desk_needs_are_what_its_table_has(name):
    assert set(ROSTER[name].cls.needs()) == set(table(name))


@pytest.mark.parametrize("name", DESKS)
def test_a_frame_is_an_environment(name):
    env = fund.make(name, data=frame(name), preset=history_preset(name))
    observation, _ = env.reset(seed=3)
    assert env.observation_space.contains(observation)
    for _ in range(5):
        observation, reward, terminated, _, _ = env.step(env.action_space.sample())
        assert env.observation_space.contains(observation) and np.isfinite(reward) and not terminated


@pytest.mark.parametrize("name", DESKS)
def test_a_missing_column_is_named(name):
    last = list(table(name))[-1]
    said = "no interest rates for JPY" if name == "fx_arbitrage" else f'No column "{last}"'
    with pytest.raises((UnknownName, DataError), match=said):
        ROSTER[name].cls.preset(history_preset(name)).on(frame(name, **{last: None}))


@pytest.mark.parametrize("name", DESKS)
def test_a_file_is_evaluated_from_the_command_line(name, tmp_path, capsys):
    path = tmp_path / "mine.csv"
    frame(name).to_csv(path)
    rule = next(iter(ROSTER[name].cls.rules))
    words = ["evaluate", name, "--policy", rule, "--preset", history_preset(name), "--data", str(path)]
    assert main([*words, "--episodes", "16", "--json"]) == 0
    told = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    assert told["name"] == name
    assert np.isfinite(told["pnl"]["mean"])
    wanted = ROSTER[name].cls.preset(history_preset(name)).on(frame(name))
    assert wanted.needs() == ROSTER[name].cls.needs()


def test_a_folder_with_several_markets_asks_which(tmp_path, capsys):
    for k in range(2):
        frame("futures_spreads", seed=k).to_csv(tmp_path / f"curve_{k}.csv")
    words = [
        "evaluate",
        "futures_spreads",
        "--policy",
        "flat",
        "--preset",
        "history",
        "--data",
        str(tmp_path),
    ]
    assert main(words) == 2
    assert 'name one as --market: "curve_0", "curve_1"' in capsys.readouterr().err
    assert main([*words, "--market", "curve_2"]) == 2
    assert 'Did you mean "curve_' in capsys.readouterr().err
    assert main([*words, "--market", "curve_1", "--episodes", "4"]) == 0
    assert main(["evaluate", "fx_arbitrage", "--policy", "flat", "--data", str(tmp_path)]) == 1
    err = capsys.readouterr().err
    assert "no market of fx_arbitrage; wanted a vendor's files, or a table with the columns EURUSD" in err
    assert len(err.strip().splitlines()) == 1


@pytest.mark.parametrize(("name", "column"), LOGARITHMS.items())
def test_the_log_desks_refuse_the_day_on_which_oil_was_negative(name, column, tmp_path, capsys):
    days = stamps(name)
    row = int(np.flatnonzero(days == np.datetime64("2018-04-20"))[0])
    values = table(name)[column].copy()
    values[row] = WTI
    path = tmp_path / "mine.csv"
    frame(name, **{column: values}).to_csv(path)
    words = [
        "evaluate",
        name,
        "--policy",
        next(iter(ROSTER[name].cls.rules)),
        "--preset",
        history_preset(name),
    ]
    assert main([*words, "--data", str(path)]) == 1
    err = capsys.readouterr().err.strip()
    assert f"mine.csv:row {row} (2018-04-20): {column} is {WTI}, wanted above 0" in err
    assert len(err.splitlines()) == 1


def test_the_futures_desk_trades_on_the_day_on_which_oil_was_negative():
    near = table("futures_spreads")["near"].copy()
    near[400] = WTI
    desk = ROSTER["futures_spreads"].cls.preset("history").on(frame("futures_spreads", near=near))
    desk = desk.with_steps(DAYS - 1 - desk.warm_up)
    played = play(desk, desk.rules["zscore_threshold"](desk), Paths.of(0, 1))
    assert WTI in played.tape["near_a"]
    assert np.isfinite(played.nav).all()


@pytest.mark.parametrize(
    ("name", "bid", "ask"), [("market_making", "bid", "ask"), ("fx_arbitrage", "EURUSD_bid", "EURUSD_ask")]
)
def test_crossed_quotes_are_refused_with_their_time(name, bid, ask):
    columns = table(name)
    if name == "fx_arbitrage":
        columns |= {bid: columns["EURUSD"] - 1e-4, ask: columns["EURUSD"] + 1e-4, "EURUSD": None}
    columns[ask] = np.where(np.arange(DAYS) == 500, columns[bid] - 1e-3, columns[ask])
    with pytest.raises(
        DataError, match=rf"row 500 \(20.*\): crossed quotes, {bid} .* above {ask} .*\(1 such rows\)"
    ):
        fund.make(name, preset="history", data=frame(name, **columns)).reset(seed=0)


@pytest.mark.parametrize(("name", "column"), [*LOGARITHMS.items(), ("market_making", "ask")])
def test_a_bad_print_or_a_raw_split_is_refused_with_its_day(name, column):
    values = table(name)[column].copy()
    values[700] *= 11.0
    with pytest.raises(DataError, match=rf"row 700.*: {column} goes from .*more than 10-fold in one row"):
        fund.make(name, preset=history_preset(name), data=frame(name, **{column: values})).reset(seed=0)


def test_a_table_that_nearly_fits_is_told_what_it_lacks(tmp_path, capsys):
    path = tmp_path / "mine.csv"
    frame("statistical_arbitrage").rename(columns={"leg_2": "leg2"}).to_csv(path)
    assert main(["evaluate", "statistical_arbitrage", "--policy", "flat", "--data", str(path)]) == 1
    err = capsys.readouterr().err.strip()
    assert f'{path} has no column "leg_2", but "leg2"' in err
    assert len(err.splitlines()) == 1


def test_what_was_put_right_is_told(tmp_path, capsys):
    path = tmp_path / "mine.csv"
    frame("statistical_arbitrage").to_csv(path)
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:300], lines[299], *lines[300:]]) + "\n")
    words = ["evaluate", "statistical_arbitrage", "--policy", "flat", "--data", str(path), "--episodes", "2"]
    assert main([*words, "--json"]) == 0
    told = json.loads(capsys.readouterr().out.strip().splitlines()[-1])["data"]
    assert (told["source"], told["rows"]) == (str(path), DAYS)
    assert any("exact duplicates" in policy and "1 rows dropped" in policy for policy in told["policies"])
    assert main(words) == 0
    assert "exact duplicates" in capsys.readouterr().out


def test_missing_interest_rates_are_refused_or_a_named_policy():
    bare = frame("fx_arbitrage", USD_rate=None, JPY_rate=None)
    desk = ROSTER["fx_arbitrage"].cls.preset("history")
    with pytest.raises(
        DataError, match="no interest rates for USD, JPY; wanted the column USD_rate .*missing_rates=zero"
    ):
        desk.on(bare)
    taken = desk.with_parameters(missing_rates="zero").on(bare)
    assert "no interest rates for USD, JPY: taken as zero" in taken.history.policies


def test_an_option_that_has_expired_is_refused():
    left = np.arange(DAYS)[::-1] / 365.0
    option = {
        "quote": np.full(DAYS, 5.0) + np.arange(DAYS) / DAYS,
        "strike": np.full(DAYS, 100.0),
        "sign": np.ones(DAYS),
    }
    cls = ROSTER["delta_hedging"].cls
    over = frame("delta_hedging", time_to_expiry=np.minimum(left - left[0], 0.0), **option)
    with pytest.raises(DataError, match=r"row 0 \(2015-01-01\): the option has expired, wanted one alive"):
        cls.preset("history").on(over).record(Paths.of(0, 1))
    alive = cls.preset("history").on(frame("delta_hedging", time_to_expiry=left, **option))
    assert alive.n_steps == DAYS - 1 - alive.warm_up
    assert np.isfinite(play(alive, flat(alive), Paths.of(0, 1)).nav).all()


def test_a_curve_with_one_contract_is_refused(tmp_path, capsys):
    rows = "".join(f"2020-01-{d:02d} 23:00:00,,,{50 + d},20200300,,\n" for d in range(1, 29))
    header = "DATETIME,CARRY,CARRY_CONTRACT,PRICE,PRICE_CONTRACT,FORWARD,FORWARD_CONTRACT\n"
    (tmp_path / "OIL.csv").write_text(header + rows)
    words = [
        "evaluate",
        "futures_spreads",
        "--policy",
        "flat",
        "--preset",
        "history",
        "--data",
        str(tmp_path),
    ]
    assert main(words) == 1
    assert (
        "OIL.csv: a curve with one contract: PRICE and CARRY have no price on any common row"
        in capsys.readouterr().err
    )
