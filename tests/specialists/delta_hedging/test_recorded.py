"""Recorded markets: hand-made records, real files, and what is refused."""

import numpy as np
import pytest

from fund.envs.contract import CHECKS
from fund.envs.play import play
from fund.errors import DataError
from fund.market.draft import Rules
from fund.market.history import History
from fund.market.readers import alpha_vantage_daily, read_csv
from fund.market.streams import Paths
from specialists.delta_hedging import chains, recorded
from specialists.delta_hedging.strategy import DeltaHedging

DAY = 86_400_000_000
MONEY = (
    "batch_is_singles",
    "future_is_invisible",
    "money_adds_up",
    "limits_hold",
    "flat_earns_its_financing",
)


def walk(rows=120, **columns):
    spot = 50.0 * np.exp(np.cumsum(np.random.default_rng(0).normal(0, 0.01, rows)))
    found = {"spot": spot, "implied_volatility": np.full(rows, 0.18), **columns}
    return History(tuple(found), np.column_stack(list(found.values())), np.arange(rows) * DAY, "", "walk")


def test_a_window_is_sold_at_the_money_and_marked_at_the_quoted_volatility():
    history = walk()
    strategy = DeltaHedging.preset("history").on(history)
    tape = strategy.record(Paths.of(0, 16))
    spot = history.column("spot")
    for i, first in enumerate(tape.rows):
        np.testing.assert_array_equal(tape["spot"][:, i], spot[first : first + 22])
    np.testing.assert_array_equal(tape["strike"][:21], np.tile(tape["spot"][0], (21, 1)))
    assert (tape["sigma"] == 0.18).all()
    np.testing.assert_allclose(tape["option"][21], np.maximum(tape["spot"][21] - tape["strike"][20], 0.0))
    past = np.diff(np.log(spot))[tape.rows[0] - 20 : tape.rows[0]]
    heat = np.sqrt((past**2).mean() * 252) / 0.2 - 1
    assert tape.features[0, 0, strategy.features.index("realised_vol")] == pytest.approx(heat, rel=1e-4)


def test_a_smile_bends_the_quoted_volatility():
    history = walk(skew=np.full(120, -0.02), curvature=np.full(120, 0.005))
    tape = DeltaHedging.preset("history").on(history).record(Paths.of(0, 8))
    t = 12
    x = np.log(tape["strike"][t] / tape["spot"][t]) / (0.18 * np.sqrt(9 / 252))
    x = np.clip(x, -3.0, 3.0)
    np.testing.assert_allclose(tape["sigma"][t], np.maximum(0.18 - 0.02 * x + 0.005 * x * x, 0.036))


@pytest.mark.parametrize("name", MONEY)
def test_contract_on_a_record(name):
    CHECKS[name](DeltaHedging.preset("history").on(walk()))


def test_a_short_record_is_refused():
    with pytest.raises(DataError, match="walk: 41 rows, wanted 42 "):
        DeltaHedging.preset("history").on(walk(41)).record(Paths.of(0, 1))


def test_a_price_that_is_not_positive_is_refused_with_its_date():
    spot = np.full(120, 50.0)
    spot[77] = -37.0
    with pytest.raises(DataError, match=r"row 77 \(1970-03-19\): spot is -37, wanted above 0"):
        DeltaHedging.preset("history").on(walk(spot=spot)).record(Paths.of(0, 1))
    volatility = np.full(120, 0.2)
    volatility[3] = 0.0
    with pytest.raises(DataError, match="implied_volatility is 0, wanted"):
        DeltaHedging.preset("history").on(walk(implied_volatility=volatility)).record(Paths.of(0, 1))


def contract(left, **changes):
    rows = len(left)
    columns = {
        "quote": np.full(rows, 2.0),
        "strike": np.full(rows, 50.0),
        "time_to_expiry": left,
        "sign": np.ones(rows),
    }
    return walk(rows, **{**columns, **changes})


def test_quotes_of_an_option_are_its_marks():
    left = np.maximum(np.arange(59, -1, -1) / 365.0, 0.0)
    quote = np.linspace(3.0, 1.0, 60)
    strategy = DeltaHedging.preset("history").on(contract(left, quote=quote))
    assert strategy.n_steps == 60 - 20 - 1
    tape = strategy.record(Paths.of(0, 2))
    np.testing.assert_array_equal(tape["premium"][:39, 0], quote[20:59])
    spot = tape["spot"][-1]
    np.testing.assert_allclose(
        tape["option"][-1], np.maximum(spot - 50.0, 0.0)
    )  # the payoff, not the last quote
    result = play(strategy, strategy.rules["none"](strategy), Paths.of(0, 2))
    np.testing.assert_allclose(
        result.nav[-1] - result.nav[0], (quote[20] - tape["option"][-1]) * tape["units"][0]
    )


@pytest.mark.parametrize(
    ("history", "text"),
    [
        (contract(np.linspace(0.0, 0.0, 60)), "the option has expired, wanted one alive"),
        (contract(np.linspace(0.2, 0.1, 60), sign=-np.ones(60)), "not quotes of a call"),
        (contract(np.linspace(0.2, 0.1, 60), quote=np.zeros(60)), "quote is 0, wanted above 0"),
    ],
)
def test_quotes_that_are_refused(history, text):
    strategy = DeltaHedging.preset("history", history=history).with_steps(10)
    with pytest.raises(DataError, match=text):
        recorded.record(strategy, history, Paths.of(0, 1))


@pytest.mark.parametrize(
    ("bid", "ask", "wrong"),
    [
        ("1", "2", ""),
        ("", "2", "one-sided"),
        ("1", "", "one-sided"),
        ("0", "2", "zero bid"),
        ("3", "2", "crossed"),
        ("x", "2", "no number"),
    ],
)
def test_faults_of_a_quote(bid, ask, wrong):
    assert chains.fault(bid, ask) == wrong


def test_a_smile_is_read_back_from_its_own_quotes(tmp_path):
    from fund.market.black_scholes import values

    strikes = np.arange(80.0, 121.0, 2.0)
    time = 30 / 365
    x = np.log(strikes / 100.0) / (0.2 * np.sqrt(time))
    sigma = 0.2 - 0.01 * x + 0.004 * x * x
    lines = ["date,expiry,strike,right,bid_c,ask_c"]
    for right, sign in (("call", 1.0), ("put", -1.0)):
        price = values(sign, 100.0, strikes, time, 0.0, 0.0, sigma)
        lines += [f"20240102,20240201,{k},{right},{p},{p}" for k, p in zip(strikes, price, strict=True)]
    lines += [
        "20240102,20240201,100,call,,1.0",
        "20240102,20240201,100,call,3.0,1.0",
        "20240102,20240102,100,call,1,1",
    ]
    file = tmp_path / "chain.csv"
    file.write_text("\n".join(lines))
    chain = chains.read_chain(file, "2024-01-02")
    assert chain.policies == (
        "1 quotes left out: crossed",
        "1 quotes left out: expired",
        "1 quotes left out: one-sided",
    )
    found = chains.smile(chain, 100.0, 30)
    np.testing.assert_allclose(found, (0.2, -0.01, 0.004), atol=2e-3)
    with pytest.raises(DataError, match="no usable quote of 2024-01-03"):
        chains.read_chain(file, "2024-01-03")


def test_minute_quotes_of_an_index_option(shared_data):
    folder = shared_data / "options"
    history = chains.minute_contract(
        folder / "lean_spxw_minute_quotes_2021-01-04_06.csv.gz",
        folder / "lean_spx_index_minute_2021-01-04.csv.gz",
        "2021-01-04", 3700.0, "call",
    )  # fmt: skip
    # the index's stamps are an hour behind; at the close the index stood at 3,701.38
    assert history.column("spot")[-1] == pytest.approx(3701.38)
    assert history.column("quote")[-1] == pytest.approx(1.38)
    assert history.column("time_to_expiry")[-1] == 0.0
    assert any("left out" in policy for policy in history.policies)
    strategy = DeltaHedging.preset("history", cost_rate=0.0).on(history)
    assert strategy.steps_per_day == 390
    for name in ("money_adds_up", "future_is_invisible"):
        CHECKS[name](strategy)
    pnl = {}
    for rule in ("none", "black_scholes"):
        result = play(strategy, strategy.rules[rule](strategy), Paths.of(0, 1))
        pnl[rule] = result.nav[-1, 0] - result.nav[0, 0]
    first = history.column("quote")[recorded.WARM_UP]
    units = strategy.notional / history.column("spot")[recorded.WARM_UP]
    assert pnl["none"] == pytest.approx((first - 1.38) * units, rel=1e-3)
    # the index fell 65 points that day: a hedged writer of a call in the money makes far less than a naked one
    assert abs(pnl["black_scholes"]) < 0.35 * abs(pnl["none"])


def test_chains_and_volatility_indices_of_real_days(shared_data):
    options = shared_data / "options"
    apple = chains.read_chain(options / "lean_aapl_2014_daily_chain.csv.gz", "2014-06-06")
    assert any("one-sided" in policy for policy in apple.policies)
    assert chains.smile(apple, 645.57, 30).level == pytest.approx(0.22, abs=0.03)
    spy = chains.read_chain(options / "spy_chain_2026-05-01.csv.gz", "2026-05-01")
    assert "263 quotes left out: zero bid" in spy.policies
    smile = chains.smile(spy, 720.65, 30)
    assert 0.1 < smile.level < 0.2
    assert smile.skew < 0.0  # puts are dearer
    prices = alpha_vantage_daily(shared_data / "equity_daily/av/SPY.csv.gz")
    vix = read_csv(shared_data / "vol/vix_daily.csv", rules=Rules(bars="repair", zero_volume="keep"))
    costs = {}
    for name, quotes in (("smile", smile), ("vix", vix)):
        strategy = DeltaHedging.preset("history").on(chains.quoted(prices, "close", quotes))
        result = play(strategy, strategy.rules["black_scholes"](strategy), Paths.of(0, 500))
        naked = play(strategy, strategy.rules["none"](strategy), Paths.of(0, 500))
        assert (
            strategy.statistics(result)["hedge_error_std"]
            < 0.6 * strategy.statistics(naked)["hedge_error_std"]
        )
        costs[name] = strategy.statistics(result)["cost_mean_pct"]
    # who sold at the VIX earned the variance premium
    assert costs["vix"] < 0.0


def test_a_tuned_band_knows_nothing_of_the_record_it_is_played_on(monkeypatch):
    from specialists.delta_hedging import tuning

    seen = []
    monkeypatch.setattr(
        tuning, "tune", lambda s, episodes: (seen.append(s), (tuning.Width(1.0, 1.0, 1.0, 0.0), 0.0))[1]
    )
    tuning.tuned.cache_clear()
    desk = DeltaHedging.preset("history", cost_rate=7e-4).on(walk())
    assert tuning.tuned(desk.with_steps(60)) == tuning.tuned(desk) == tuning.Width(1.0, 1.0, 1.0, 0.0)
    tuning.tuned.cache_clear()
    (world,) = seen
    assert world.history is None
    assert (world.n_steps, world.maturity_days, world.cost_rate) == (21, 21.0, 7e-4)
