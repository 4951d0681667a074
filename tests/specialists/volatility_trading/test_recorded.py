"""Recorded volatilities: files of an index, its VIX and VIX3M; what is refused; what rows are read."""

import dataclasses
import math

import numpy as np
import pytest

from fund.envs.contract import CHECKS
from fund.envs.play import play
from fund.errors import DataError, UnknownName
from fund.market.draft import Rules
from fund.market.history import History
from fund.market.readers import bars, read_csv
from fund.market.streams import Paths
from specialists.volatility_trading import recorded
from specialists.volatility_trading.attribution import lines
from specialists.volatility_trading.strategy import VolatilityTrading


def table(rows=500, **columns):
    generator = np.random.default_rng(1)
    given = {
        "index": 100.0 * np.exp(np.cumsum(0.01 * generator.standard_normal(rows))),
        "iv_30": 0.18 + 0.04 * np.sin(np.arange(rows) / 30),
        **columns,
    }
    days = np.arange(rows) * 86_400_000_000
    return History(tuple(given), np.column_stack(list(given.values())), days, "local date", "table")


def test_windows_know_where_they_come_from():
    desk = VolatilityTrading(n_steps=50).on(table())
    tape = desk.record(Paths.of(0, 20))
    history = desk.history
    for i, first in enumerate(tape.rows):
        spot = history.column("index")[first : first + 51]
        np.testing.assert_allclose(tape["spot"][:, i], 100.0 * spot / spot[0], rtol=1e-12)
    assert len(set(tape.rows.tolist())) > 10


def test_the_future_of_a_record_is_unseen():
    whole = VolatilityTrading(n_steps=50).on(table())
    cut = dataclasses.replace(whole, history=whole.history.window(0, 300))
    ratio = recorded.at_the_money(-0.12, 0.02)
    long, short = (recorded.prepared(d.history, ratio, 6.0) for d in (whole, cut))
    assert np.array_equal(long.far[:, :300], short.far)


def test_volatility_at_the_money_is_below_the_swap_rate():
    assert recorded.at_the_money(0.0, 0.0) == pytest.approx(1.0, abs=1e-4)
    assert 0.9 < recorded.at_the_money(-0.12, 0.02) < 1.0


def test_bad_records_are_refused():
    with pytest.raises(DataError, match="30 rows, wanted 131"):
        VolatilityTrading(n_steps=50, history=table(30)).record(Paths.of(0, 2))
    low = np.full(500, 0.2)
    low[7] = 0.0
    with pytest.raises(DataError, match="row 7 .*iv_30 is 0, wanted above 0"):
        VolatilityTrading(n_steps=50, history=table(iv_30=low)).record(Paths.of(0, 2))
    with pytest.raises(UnknownName, match="iv_30"):
        VolatilityTrading(history=table().select(["index"])).record(Paths.of(0, 2))


@pytest.fixture(scope="module")
def history(request):
    folder = request.getfixturevalue("shared_data") / "vol"
    index = bars(folder / "sp500_daily.csv.gz")
    # originals of the exchange: highs below opens, flat bars before 1992
    month = read_csv(folder / "vix_daily.csv", rules=Rules(bars="repair"))
    quarter = read_csv(folder / "VIX3M_History.csv", rules=Rules(bars="repair"))
    return recorded.from_indices(index, month), recorded.from_indices(index, month, quarter)


def test_real_files(history):
    short, long = history
    assert short.names == ("index", "iv_30") and long.names == ("index", "iv_30", "iv_90")
    assert str(short.dates[0]) == "1999-01-04" and str(long.dates[0]) == "2009-09-18"
    assert str(long.dates[-1]) == "2018-12-31"
    for found in history:
        desk = VolatilityTrading.preset("history").on(found)
        for name in ("money_adds_up", "future_is_invisible", "limits_hold", "batch_is_singles"):
            CHECKS[name](desk)


def test_the_premium_of_the_record(history):
    # Cboe, 1990-2018: IV - RV 4.2 points; here since 1999
    desk = VolatilityTrading(n_steps=252).on(history[0])
    played = play(desk, desk.rules["always_short"](desk), Paths.of(0, 400))
    pnl = played.nav[-1] - played.nav[0]
    assert pnl.mean() > 0.0
    total = sum(lines(played).values())
    assert np.abs(total - pnl).max() < 1e-3
    iv, r = history[0].column("iv_30"), np.diff(np.log(history[0].column("index")))
    realised = np.array([math.sqrt((r[k : k + 21] ** 2).sum() * 12) for k in range(0, len(r) - 20, 21)])
    assert 0.025 < (iv[: 21 * len(realised) : 21] - realised).mean() < 0.05
