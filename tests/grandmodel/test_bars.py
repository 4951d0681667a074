"""The market by the minute: its shape, its martingales, its gaps; and the longer bars that it makes."""

import math
from dataclasses import replace

import numpy as np
import pytest

from fund.errors import InvalidParameter
from fund.grandmodel.bar_draw import draw_bars
from fund.grandmodel.bar_market import BarMarket, day_shape, without_edges
from fund.grandmodel.bars import SESSION, Bars, aggregate
from fund.market.streams import Paths
from fund.market.stylised_bands import judge
from fund.market.weather import draw, fair

NULL = without_edges(BarMarket())
STEADY = replace(NULL, clustering=False)


def minutes(market=NULL, n=32, days=20, warm_up=1, weather=fair):
    paths = Paths.of(0, n)
    return draw_bars(market, paths, weather(paths, days), days, warm_up, "test")[:2]


def by_hand(closes, minute, session, length=SESSION, every=1):
    close = np.array([closes], dtype=float)
    opened = np.concatenate([close[:, :1], close[:, :-1]], axis=1)
    high, low = np.maximum(opened, close) + 1.0, np.minimum(opened, close) - 1.0
    volume = np.ones_like(close)
    return Bars(opened, high, low, close, volume, np.array(minute), np.array(session), every, length)


def test_bars_bracket_and_join():
    bars, _ = minutes()
    assert (bars.high >= np.maximum(bars.open, bars.close) * (1 - 1e-12)).all()
    assert (bars.low <= np.minimum(bars.open, bars.close) * (1 + 1e-12)).all()
    inside = np.diff(bars.session) == 0
    np.testing.assert_allclose(bars.open[:, 1:][:, inside], bars.close[:, :-1][:, inside], rtol=1e-12)
    assert (bars.volume > 0.0).all()


def test_the_shape_of_a_day_is_a_u():
    bars, _ = minutes(n=64, days=30)
    moves = np.log(bars.close / bars.open)
    volatility = np.array([moves[:, bars.minute // 30 == k].std() for k in range(13)])
    volume = np.array([bars.volume[:, bars.minute // 30 == k].mean() for k in range(13)])
    for u in (volatility, volume):
        assert u[0] > 1.5 * u[6]
        assert u[12] > 1.5 * u[6]
        assert np.argmin(u) in (5, 6, 7)
    wanted = np.sqrt((day_shape(1.2).reshape(13, 30) ** 2).mean(axis=1))
    quiet = replace(STEADY, jump_rate=0.0)
    bars, _ = minutes(quiet, n=64, days=30)
    moves = np.log(bars.close / bars.open)
    found = np.array([moves[:, bars.minute // 30 == k].std() for k in range(13)]) * math.sqrt(SESSION) / 0.010
    np.testing.assert_allclose(found, wanted, rtol=0.03)
    assert np.mean(day_shape(1.2) ** 2) == pytest.approx(1.0)
    assert np.mean(day_shape(1.2, 0.5)) == pytest.approx(1.0)


def test_activity_ties_volume_and_volatility_and_fattens_the_tails():
    bars, _ = minutes(replace(STEADY, jump_rate=0.0), n=64)
    moves = np.log(bars.close / bars.open) / day_shape(1.2)[bars.minute]
    kurtosis = (moves**4).mean() / (moves**2).mean() ** 2
    # of a normal with lognormal variance: 3 exp(c^2), c = activity
    assert kurtosis == pytest.approx(3.0 * math.exp(0.25), rel=0.03)
    assert np.corrcoef(np.abs(moves).ravel(), np.log(bars.volume).ravel())[0, 1] > 0.3


def test_without_edges_the_price_is_a_martingale():
    n = 4000
    bars, _ = minutes(NULL, n=n, days=4, weather=draw)
    total = bars.close[:, -1] / 100.0 - 1.0
    assert abs(total.mean()) < 4.0 * total.std() / math.sqrt(n)
    bars, _ = minutes(replace(NULL, jump_rate=1.0, jump_size=0.05), n=n, days=4)
    total = bars.close[:, -1] / 100.0 - 1.0
    assert abs(total.mean()) < 4.0 * total.std() / math.sqrt(n)


def test_extremes_are_those_of_a_bridge():
    # E max of a Brownian bridge from 0 to 0 of deviation s is s sqrt(pi/8); seen at minutes that hardly moved
    flat = replace(STEADY, activity=0.0, u_shape=0.0, jump_rate=0.0, overnight_volatility=0.0)
    bars, _ = minutes(flat, n=64)
    s = 0.010 / math.sqrt(SESSION)
    r = np.log(bars.close / bars.open)
    still = np.abs(r) < 0.05 * s
    reach = np.log(bars.high / bars.open)[still]
    assert reach.mean() == pytest.approx(s * math.sqrt(math.pi / 8.0), rel=0.03)


def test_the_weather_makes_the_volatility():
    paths = Paths.of(5, 64)
    sky = draw(paths, 40)
    bars, _, _ = draw_bars(replace(STEADY, jump_rate=0.0), paths, sky, 40, 0, "test")
    moves = np.log(bars.close / bars.open).reshape(64, 40, SESSION).std(axis=2)
    ratio = moves / sky.volatility.T
    assert ratio.std() / ratio.mean() < 0.1


def test_the_days_variance_remembers_and_falls_raise_it():
    # a day's move feeds the next day's variance: g' = .01 + .1 g z^2 [z < 0] + .94 g, here read back from the bars
    market = replace(NULL, jump_rate=0.0, activity=0.0, u_shape=0.0)
    days, n = 60, 400
    bars, _ = minutes(market, n=n, days=days, warm_up=0)
    opened, closed = bars.open.reshape(n, days, SESSION), bars.close.reshape(n, days, SESSION)
    moves = np.log(closed / opened)
    seen = (moves**2).mean(axis=2) * SESSION / 0.010**2  # each day's g, within 7 %
    last = np.concatenate([opened[:, :1, 0], closed[:, :-1, -1]], axis=1)
    whole = np.log(closed[:, :, -1] / last) + 0.5 * (0.010**2 + 0.005**2) * seen
    square = whole**2 / (0.010**2 + 0.005**2) * (whole < 0.0)
    wanted = 0.01 + 0.1 * square[:, :-1] + 0.94 * seen[:, :-1]
    np.testing.assert_allclose(seen[:, 0], 1.0, atol=0.35)
    ratio = seen[:, 1:] / wanted
    assert ratio.mean() == pytest.approx(1.0, abs=0.01)
    assert ratio.std() < 0.12  # two readings of 390 minutes: sqrt(2 (1 + .94^2) / 390) = .098
    steady, _ = minutes(replace(market, clustering=False), n=8, days=days, warm_up=0)
    variance = (np.log(steady.close / steady.open).reshape(8, days, SESSION) ** 2).mean(axis=2)
    assert variance.std() / variance.mean() == pytest.approx(math.sqrt(2.0 / SESSION), rel=0.2)


def test_a_signal_is_the_drift_of_the_half_hour_that_follows():
    market = replace(NULL, edge=0.5, jump_rate=0.0, overnight_volatility=0.0)
    bars, signal = minutes(market, n=128)
    half = aggregate(bars, 30)
    moves = np.log(half.close / half.open)
    slope = (moves * signal[:, : half.rows]).sum() / (signal[:, : half.rows] ** 2).sum()
    assert slope == pytest.approx(0.5 * market.half_hour_deviation, rel=0.05)


def test_gaps_run_or_are_filled():
    from fund.grandmodel.indicators.gaps import fair_value_gaps

    def after(share):
        market = replace(NULL, gap_edge=0.5, gap_run=share, jump_rate=0.0)
        five = aggregate(minutes(market, n=32, days=10)[0], 5)
        gaps = fair_value_gaps(five.open, five.high, five.low, five.close, five.session)
        moves = np.log(five.close / five.open)
        same = np.diff(five.session) == 0
        sides, next_moves = gaps.signal[:, :-1][:, same], moves[:, 1:][:, same]
        return (sides * next_moves).sum() / np.abs(sides).sum()

    size = 0.5 * 0.010 * math.sqrt(5 / SESSION)
    assert after(1.0) == pytest.approx(size, rel=0.15)
    assert after(0.0) == pytest.approx(-size, rel=0.15)


def test_draws_do_not_depend_on_the_company_or_the_length():
    long, _ = minutes(BarMarket(), n=5, days=6)
    short, _ = minutes(BarMarket(), n=5, days=3)
    np.testing.assert_array_equal(long.close[:, : short.rows], short.close)
    paths = Paths.of(3, 1)
    alone, _, _ = draw_bars(BarMarket(), paths, fair(paths, 6), 6, 1, "test")
    np.testing.assert_array_equal(alone.close[0], long.close[3])
    np.testing.assert_array_equal(alone.volume[0], long.volume[3])


def test_longer_bars_by_hand():
    bars = by_hand([10, 11, 9, 12, 13, 14], [0, 1, 2, 3, 4, 5], [0] * 6)
    three = aggregate(bars, 3)
    assert three.rows == 2
    assert three.open[0].tolist() == [10.0, 9.0]
    assert three.close[0].tolist() == [9.0, 14.0]
    assert three.high[0].tolist() == [12.0, 15.0]
    assert three.low[0].tolist() == [8.0, 8.0]
    assert three.volume[0].tolist() == [3.0, 3.0]
    assert three.minute.tolist() == [0, 3]


def test_no_bar_across_a_night_and_none_before_its_time():
    bars = by_hand([10, 11, 12, 13, 14, 15], [386, 387, 389, 0, 1, 2], [0, 0, 0, 1, 1, 1])
    five = aggregate(bars, 5)
    assert five.close[0].tolist() == [12.0]  # the bucket of the next morning is not over
    assert five.volume[0].tolist() == [3.0]  # 386, 387 and 389: minutes that are missing make no difference
    assert five.minute.tolist() == [385]
    cut = by_hand([10, 11], [386, 387], [0, 0])
    assert aggregate(cut, 5).rows == 0


def test_a_short_day_ends_its_last_bar_when_the_next_begins():
    bars = by_hand([10, 11, 12, 13, 14, 15, 16], [0, 1, 2, 0, 1, 2, 3], [0, 0, 0, 1, 1, 1, 1])
    found = aggregate(bars, 4)
    assert found.close[0].tolist() == [12.0, 16.0]
    assert found.session.tolist() == [0, 1]


@pytest.mark.parametrize("every", [5, 30])
def test_the_future_does_not_reach_a_finished_bar(every):
    bars, _ = minutes(BarMarket(), n=3, days=2)
    whole = aggregate(bars, every)
    for cut in (37, 400, 555):
        prefix = aggregate(bars.cut(slice(0, cut)), every)
        assert prefix.rows == (cut // SESSION) * (SESSION // every) + cut % SESSION // every
        for name in ("open", "high", "low", "close", "volume"):
            np.testing.assert_array_equal(getattr(prefix, name), getattr(whole, name)[:, : prefix.rows])


def test_five_in_thirty_is_thirty():
    bars, _ = minutes(BarMarket(), n=2, days=2)
    direct, by_way = aggregate(bars, 30), aggregate(aggregate(bars, 5), 30)
    for name in ("open", "high", "low", "close"):
        np.testing.assert_array_equal(getattr(direct, name), getattr(by_way, name))
    np.testing.assert_allclose(direct.volume, by_way.volume, rtol=1e-12)


@pytest.mark.parametrize("every", [5, 7, 30])
def test_longer_bars_drawn_are_those_that_minutes_make(every):
    paths = Paths.of(4, 3)
    drawn = [
        draw_bars(BarMarket(edge=0.3), paths, draw(paths, 30), 30, 2, "test", minutes)
        for minutes in (1, every)
    ]
    wanted = aggregate(drawn[0][0], every)
    for name in ("open", "high", "low", "close", "volume", "minute", "session"):
        np.testing.assert_array_equal(getattr(drawn[1][0], name), getattr(wanted, name))
    np.testing.assert_array_equal(drawn[0][1], drawn[1][1])


def test_what_can_be_foreseen_leaves_a_martingale():
    """The close less the expected moves: mean 0 also where the drift is known, and that is most of the trend's gain."""
    paths = Paths.of(2, 400)
    market = BarMarket(edge=0.5, trend_ratio=9.0, gap_edge=0.5)
    bars, _, foreseen = draw_bars(market, paths, fair(paths, 10), 10, 1, "test", 5)
    left, told = np.diff(bars.close - foreseen), np.diff(foreseen)
    for known in (np.sign(told), np.ones(left.shape)):
        gain = (known * left).mean(axis=1)
        assert abs(gain.mean()) < 4.0 * gain.std() / 20.0
    assert (np.sign(told) * np.diff(bars.close)).mean() == pytest.approx(np.abs(told).mean(), rel=0.1)
    quiet = draw_bars(NULL, paths, fair(paths, 2), 2, 1, "test", 5)[2]
    assert not quiet.any()


@pytest.mark.slow
def test_sf_1_closes_of_sessions_look_like_an_equity_index():
    parts = []
    for first in range(0, 40, 8):
        paths = Paths.of(8 * 10**8 + first, 8)
        bars, _, _ = draw_bars(BarMarket(), paths, draw(paths, 5000), 5000, 1, "strategic", 30)
        parts.append(np.diff(np.log(bars.close[:, 12::13]), axis=1).T)
    verdict = judge(np.hstack(parts), "equity")
    assert verdict.outside == ()
    assert verdict.holds


def test_wrong_numbers_are_refused():
    bars, _ = minutes(n=1, days=1)
    with pytest.raises(InvalidParameter, match="bars of 7 minutes from bars of 5"):
        aggregate(aggregate(bars, 5), 7)
    with pytest.raises(InvalidParameter, match="daily_volatility"):
        BarMarket(daily_volatility=0.0)
    with pytest.raises(InvalidParameter, match="gap_run"):
        BarMarket(gap_run=1.5)
