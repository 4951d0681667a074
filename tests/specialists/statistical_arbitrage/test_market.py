"""The drawn worlds: plain twins of the recursions, moments that are known, stylised facts."""

import math

import numpy as np
import pytest

from fund.market import weather
from fund.market.streams import Paths
from specialists.statistical_arbitrage import market
from specialists.statistical_arbitrage.cointegration import engle_granger_statistics
from specialists.statistical_arbitrage.features import WARM_UP
from specialists.statistical_arbitrage.strategy import StatisticalArbitrage

YEAR = 252
STILL = {"hedge_drift": 0.0, "break_rate": 0.0}


def drawn(desk, paths, warm_up=WARM_UP):
    return market.pair(desk, paths.streams(desk.name), desk.sky(paths, desk.days, None), warm_up)


def twin_of_leg_2(desk, streams, sky, warm_up, i):
    own = streams.normal("leg_2", warm_up + desk.n_steps)[i]
    heat, level, day_vol = 1.0, [0.0], desk.leg_volatility / math.sqrt(YEAR)
    for t, shock in enumerate(own):
        day = max(t - warm_up, 0)
        if t >= warm_up:
            shock = desk.market_loading * sky.market[day, i] + math.sqrt(1 - desk.market_loading**2) * shock
        z = math.sqrt(heat) * shock
        scale = day_vol * sky.volatility[day, i]
        level.append(level[-1] + scale * z + desk.premium * sky.drift[day, i] / YEAR - scale**2 * heat / 2)
        heat = (1 - 0.005 - 0.07 / 2 - 0.95) + 0.005 * z**2 + 0.07 * z**2 * (z < 0) + 0.95 * heat
    return np.array(level)


def twin_of_leg_1(desk, streams, sky, warm_up, i, leg_2):
    rows = warm_up + desk.n_steps
    noise, months = streams.normal("residual", rows)[i], streams.uniform("months", -(-rows // 21), 3)[i]
    residual = desk.eta / math.sqrt(2 * desk.alpha) * streams.normal("start", 1)[i, 0]
    chance, beta, level = desk.break_rate / 12.0, desk.hedge_ratio, [0.0]
    for t in range(rows):
        step, when, size = months[t // 21]
        if t % 21 == 0 and t > 0:
            beta += desk.hedge_drift * math.sqrt(12) * (step - 0.5)
        day = max(t - warm_up, 0)
        speed = desk.alpha * (1.2, 1.0, 0.7, 0.4)[sky.regime[day, i]]
        deviation = desk.eta * math.sqrt((1 - math.exp(-2 * speed / YEAR)) / (2 * speed))
        after = residual * math.exp(-speed / YEAR) + sky.volatility[day, i] * deviation * noise[t]
        broken = when < chance and t % 21 == int(21 * when / chance)
        jump = desk.break_size * math.sqrt(12) * (size - 0.5) if broken else 0.0
        level.append(level[-1] + beta * (leg_2[t + 1] - leg_2[t]) + after - residual + jump)
        residual = after
    return np.array(level)


def test_pair_is_its_plain_twin():
    desk, paths = StatisticalArbitrage(n_steps=150, break_rate=6.0), Paths.of(3, 4)
    sky, streams = desk.sky(paths, 150, None), paths.streams(desk.name)
    legs = market.pair(desk, streams, sky, 30)
    for i in range(4):
        leg_2 = twin_of_leg_2(desk, streams, sky, 30, i)
        np.testing.assert_allclose(legs.level_2[:, i], leg_2, atol=1e-12)
        leg_1 = twin_of_leg_1(desk, streams, sky, 30, i, leg_2)
        np.testing.assert_allclose(legs.level_1[:, i], leg_1, atol=1e-12)
        np.testing.assert_allclose(legs.price_1[:, i], 100.0 * np.exp(leg_1[30:] - leg_1[30]), rtol=1e-12)


def test_the_given_weather_is_used():
    desk, paths = StatisticalArbitrage(n_steps=40), Paths.of(1, 3)
    own, fair = weather.draw(paths, 40), weather.fair(paths, 40)
    assert np.array_equal(desk.record(paths).block, desk.record(paths, own).block)
    assert not np.array_equal(desk.record(paths).block, desk.record(paths, fair).block)
    assert desk.record(paths, own)["borrow"][:40] == pytest.approx(0.0025 + own.funding)


def test_residual_is_stationary_with_the_stated_moments():
    desk = StatisticalArbitrage(n_steps=200, weather=False, alpha=60.0, eta=0.12, **STILL)
    legs = drawn(desk, Paths.of(0, 4000))
    spread = legs.level_1 - legs.level_2
    step = np.diff(spread, axis=0)
    # the residual's stationary variance is eta^2 / 2 alpha; a step's variance twice that times 1 - kept
    kept = math.exp(-60.0 / YEAR)
    variance = 0.12**2 / 120.0
    assert step.var() == pytest.approx(2.0 * variance * (1.0 - kept), rel=0.01)
    far = spread[-1] - spread[0]  # 320 rows apart, two independent draws
    assert far.var() == pytest.approx(2.0 * variance, rel=4.0 * math.sqrt(2.0 / 4000))


def test_bad_weather_is_louder_and_slower():
    desk, n = StatisticalArbitrage(n_steps=40, **STILL), 1500
    paths = Paths.of(0, n)
    loud = {}
    for regime in (0, 3):
        sky = weather.fair(paths, 40)
        for name, values in (("volatility", weather.VOLATILITY), ("regime", np.arange(4))):
            getattr(sky, name)[:] = values[regime]
        legs = market.pair(desk, paths.streams(desk.name), sky, 60)
        spread = legs.level_1 - legs.level_2
        step = np.diff(spread, axis=0)
        loud[regime] = step[70:].var(), np.mean(step[71:] * step[70:-1]) / step[70:].var()
    assert loud[3][0] > 10.0 * loud[0][0]
    # neighbouring steps of an autoregression correlate by -(1 - kept)/2
    for regime, speed in ((0, 1.2), (3, 0.4)):
        assert loud[regime][1] == pytest.approx(-(1.0 - math.exp(-60.0 * speed / YEAR)) / 2.0, abs=0.015)


def test_breaks_come_as_often_and_as_large_as_stated():
    desk = StatisticalArbitrage(n_steps=YEAR, eta=1e-9, hedge_drift=0.0, break_rate=4.0, break_size=0.04)
    legs = drawn(desk, Paths.of(0, 2000), warm_up=0)
    jumps = np.diff(legs.level_1 - legs.level_2, axis=0)
    broken = np.abs(jumps) > 1e-6
    years = 2000.0
    assert broken.sum() / years == pytest.approx(4.0, abs=4.0 * math.sqrt(12.0 * (1 / 3) * (2 / 3) / years))
    sizes = jumps[broken]
    assert sizes.std() == pytest.approx(0.04, rel=0.03)
    assert abs(sizes.mean()) < 4.0 * 0.04 / math.sqrt(len(sizes))
    days = np.flatnonzero(broken.any(axis=1)) % 21
    assert set(days) == set(range(21))  # nobody can wait for the day


def test_hedge_ratio_drifts_month_by_month():
    desk = StatisticalArbitrage(n_steps=YEAR, eta=1e-9, break_rate=0.0, hedge_ratio=1.2, hedge_drift=0.05)
    legs = drawn(desk, Paths.of(0, 2000), warm_up=0)
    beta = np.diff(legs.level_1, axis=0) / np.diff(legs.level_2, axis=0)
    monthly = np.median(beta.reshape(12, 21, -1), axis=1)
    assert monthly[0] == pytest.approx(np.full(2000, 1.2), abs=1e-3)
    assert np.diff(monthly, axis=0).std() == pytest.approx(0.05, rel=0.03)


def test_pairs_are_cointegrated_and_walks_are_not():
    # Engle-Granger without lags at 5%: -3.3607 for 250 rows, -3.34 for more (MacKinnon 2010)
    desk = StatisticalArbitrage(n_steps=380, **STILL)
    legs = drawn(desk, Paths.of(0, 300))
    assert np.mean(engle_granger_statistics(legs.level_1, legs.level_2) < -3.35) > 0.97
    paths = Paths.of(0, 400)
    calm = StatisticalArbitrage(market="walks", n_steps=380, weather=False)
    legs = market.walks(calm, paths.streams(calm.name), calm.sky(paths, 380, None), WARM_UP)
    found = np.mean(engle_granger_statistics(legs.level_1, legs.level_2) < -3.35)
    assert found == pytest.approx(0.05, abs=0.05)


def test_walks_are_independent_martingales():
    n = 4000
    tape = StatisticalArbitrage.preset("null").record(Paths.of(0, n))
    for leg in ("leg_1", "leg_2"):
        growth = tape[leg][-1] / 100.0
        assert abs(growth.mean() - 1.0) < 4.0 * growth.std() / math.sqrt(n)
    r_1, r_2 = (np.diff(np.log(tape[leg]), axis=0) for leg in ("leg_1", "leg_2"))
    pooled = (r_1 * r_2).sum(axis=0) / np.sqrt((r_1**2).sum(axis=0) * (r_2**2).sum(axis=0))
    assert abs(pooled.mean()) < 4.0 * pooled.std() / math.sqrt(n)


def test_spread_alone_is_exact_in_both_directions():
    n = 20_000
    desk = StatisticalArbitrage.preset("boguslavsky", n_steps=500)
    legs = market.ornstein_uhlenbeck(desk, Paths.of(0, n).streams(desk.name), 500)
    spread = legs.level_1 - 100.0
    assert (spread[500] == 0.0).all()
    wanted = (1.0 - math.exp(-2.0)) / 2.0  # variance one unit of time from a fixed start
    for row in (0, 1000):
        assert spread[row].var() == pytest.approx(wanted, rel=4.0 * math.sqrt(2.0 / n))
    # through the start: X_{t+1} - kept X_t has variance (1 - kept^2)/2 everywhere
    kept = math.exp(-0.002)
    noise = spread[501:] - kept * spread[500:-1]
    assert noise.var() == pytest.approx((1.0 - kept**2) / 2.0, rel=0.005)
    assert np.mean(noise[0] * spread[499]) == pytest.approx(0.0, abs=4.0 * 0.002 / math.sqrt(n))


def test_random_start_is_stationary():
    desk = StatisticalArbitrage.preset("bertram", n_steps=300)
    spread = desk.record(Paths.of(0, 8000))["leg_1"] - 1.0
    for row in (0, 300):
        assert spread[row].std() == pytest.approx(
            0.1538 / math.sqrt(2 * 180.967), rel=4.0 / math.sqrt(16_000)
        )
    fixed = StatisticalArbitrage.preset("bertram", n_steps=3, random_start=False, start=0.01).record(
        Paths.of(0, 4)
    )
    assert fixed["leg_1"][0] == pytest.approx(np.full(4, 1.01))


def stylised_facts(r):
    # the lines of Cont (2001), of one path of returns
    r = r - r.mean()
    size = np.abs(r)

    def correlation(a, b):
        return np.corrcoef(a, b)[0, 1]

    def hurst(x):
        lengths = 2 ** np.arange(1, 8)
        spreads = [np.log(x[: len(x) // m * m].reshape(-1, m).mean(axis=1).var()) for m in lengths]
        return 1.0 + np.polyfit(np.log(lengths), spreads, 1)[0] / 2.0

    def kurtosis(x):
        return np.mean((x - x.mean()) ** 4) / x.var() ** 2

    largest = np.sort(size)[::-1][: len(r) // 50 + 1]
    sums = r[: len(r) // 20 * 20].reshape(-1, 20).sum(axis=1)
    return [
        kurtosis(r),
        kurtosis(sums) / kurtosis(r),
        max(abs(correlation(r[1:], r[:-1])), abs(correlation(r[5:], r[:-5]))),
        correlation(size[1:], size[:-1]),
        correlation(size[10:], size[:-10]),
        correlation(size[50:], size[:-50]),
        correlation(size[100:], size[:-100]),
        correlation(r[:-1], r[1:] ** 2),
        correlation(r[:-20], r[20:] ** 2),
        1.0 / np.mean(np.log(largest[:-1] / largest[-1])),
        hurst(size),
        hurst(r),
    ]


BANDS = np.array(
    [
        (5.0, 25.0), (0.0, 0.85), (0.0, 0.05), (0.10, 0.35), (0.08, 0.30), (0.03, 0.20), (0.01, 1.0),
        (-0.15, -0.02), (-0.08, 0.0), (2.5, 5.0), (0.68, 0.95), (0.45, 0.55),
    ]
)  # fmt: skip


def test_prices_have_the_stylised_facts():
    # bands of PAPERS 11.2 for 5,000 daily equity returns; SF-1
    tape = StatisticalArbitrage(n_steps=5000).record(Paths.of(0, 40))
    for leg in ("leg_1", "leg_2"):
        returns = np.diff(np.log(tape[leg]), axis=0)
        facts = np.array([stylised_facts(returns[:, i]) for i in range(40)])
        inside = (facts >= BANDS[:, 0]) & (facts <= BANDS[:, 1])
        middle = np.median(facts, axis=0)
        assert ((middle >= BANDS[:, 0]) & (middle <= BANDS[:, 1])).all(), (leg, middle)
        assert np.mean(inside.sum(axis=1) >= 10) >= 0.6, leg
