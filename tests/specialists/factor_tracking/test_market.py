"""The generated market: published premia, plain twins, crashes, and what can be foreseen."""

from __future__ import annotations

import math

import numpy as np
import pytest

from fund.errors import InvalidParameter
from fund.market.streams import Paths
from fund.market.weather import Weather
from specialists.factor_tracking import market
from specialists.factor_tracking.features import FEATURES, WARM_UP
from specialists.factor_tracking.strategy import FactorTracking

PUBLISHED = np.array([0.0037, 0.0095, 0.0025]) * 0.42  # a month
MONTHS = 606


def returns_of(desk, paths):
    tape = desk.record(paths)
    levels = np.stack([tape[name] for name in ("value", "momentum", "quality", "market")])
    return levels[:, 1:] / levels[:, :-1] - 1.0


@pytest.fixture(scope="module")
def months():
    """(4, 606, 60) sums of daily returns of months of 21 days."""
    daily = returns_of(FactorTracking(n_steps=MONTHS * 21), Paths.of(77, 60))
    return daily.reshape(4, MONTHS, 21, -1).sum(axis=2)


def test_means_of_606_months_are_the_published_premia(months):
    mean = months[:3].mean(axis=1)  # (3, paths)
    error = mean.std(axis=1) / math.sqrt(mean.shape[1])
    assert np.all(np.abs(mean.mean(axis=1) - PUBLISHED) < 4.0 * error)
    one = months[:3].std(axis=1) / math.sqrt(MONTHS)
    inside = np.abs(mean - PUBLISHED[:, None]) < 2.0 * one
    assert inside.mean() > 0.88  # 95 % if months were independent


def test_monthly_volatilities_are_those_of_the_t_statistics(months):
    # premium sqrt(months) / t
    wanted = [0.0037 * math.sqrt(606) / 3.20, 0.0095 * math.sqrt(300) / 3.07, 0.0025 * math.sqrt(606) / 2.92]
    np.testing.assert_allclose(months[:3].std(axis=(1, 2)), wanted, rtol=0.08)


def test_value_and_momentum_move_against_each_other(months):
    found = [np.corrcoef(months[0, :, i], months[1, :, i])[0, 1] for i in range(months.shape[2])]
    assert -0.4 < np.mean(found) < -0.1
    assert np.mean((np.array(found) > -0.4) & (np.array(found) < -0.1)) > 0.9


def test_momentum_crashes_when_a_fallen_market_rises(months):
    momentum, whole = months[1, 24:], months[3]
    past = np.stack([whole[t - 24 : t].sum(axis=0) for t in range(24, MONTHS)])
    worst = np.argsort(momentum.ravel())[: momentum.size // 200]
    negative, up = past.ravel() < 0.0, whole[24:].ravel() > 0.0
    assert negative[worst].mean() > 1.3 * negative.mean()
    assert up[worst].mean() > up[~negative].mean() - 0.1
    centred = momentum - momentum.mean()
    assert np.median((centred**3).mean(axis=0) / centred.std(axis=0) ** 3) < -0.2


def test_tails_are_heavy_and_volatility_clusters():
    daily = returns_of(FactorTracking(n_steps=5000), Paths.of(5, 20))[:3]
    centred = daily - daily.mean(axis=1, keepdims=True)
    kurtosis = np.median((centred**4).mean(axis=1) / centred.var(axis=1) ** 2, axis=1)
    assert np.all((kurtosis > 5.0) & (kurtosis < 25.0))
    size = np.abs(daily)
    for k in range(3):
        clustered = np.median([np.corrcoef(size[k, :-10, i], size[k, 10:, i])[0, 1] for i in range(20)])
        serial = np.median([np.corrcoef(daily[k, :-1, i], daily[k, 1:, i])[0, 1] for i in range(20)])
        assert 0.08 < clustered < 0.30 and abs(serial) < 0.05


def plain_walk(desk, noise, spread, start, earlier, sky):
    """The market of one path as one would write it on paper."""
    scale = math.sqrt(0.52117854 * 0.49 + 0.33645855 + 0.10993812 * 2.56 + 0.03242479 * 9.0)
    crash = desk.crash_beta * 0.16 / math.sqrt(252)
    half = 1.0 / math.sqrt(2 * math.pi)
    stress, stress_2 = 0.10993812 * 1.6 + 0.03242479 * 3.0, 0.10993812 * 2.56 + 0.03242479 * 9.0
    stress, stress_2 = 1.005 * stress, 1.17 * stress_2
    refund = crash * (1 - desk.crash_pay) * half * 0.5 * stress
    second = 0.5 - 2 * desk.crash_pay * half**2 + (desk.crash_pay * half) ** 2
    usual = np.array([desk.value_volatility, desk.momentum_volatility, desk.quality_volatility]) / math.sqrt(
        21
    )
    own = np.sqrt(usual**2 - np.array([0, crash**2 * second * 0.5 * stress_2 - refund**2, 0])) / scale
    mean = PUBLISHED / 21
    corr = np.array([[1, -0.3, 0.05], [-0.3, 1, 0.1], [0.05, 0.1, 1]])
    shocks = noise @ np.linalg.cholesky(corr).T
    returns, index, z, heat, fall, g = [], [], [start], np.ones(3), 0.0, 1.0
    for t in range(len(noise)):
        day = max(t - WARM_UP, 0)
        w = earlier[t] if t < WARM_UP else sky.market[day, 0]
        v, stressed = sky.volatility[day, 0], sky.regime[day, 0] >= 2
        last = np.array(returns[-60:]).reshape(-1, 3)
        m = (last - mean).sum(axis=0) / (usual * math.sqrt(60))
        timing = (desk.valuation_strength * z[-1] + desk.momentum_strength * m) / math.sqrt(252)
        r = mean + usual * timing + own * v * np.sqrt(heat) * shocks[t]
        r[1] += refund
        if stressed and fall < 0:
            r[1] -= crash * v * math.sqrt(g) * (max(w, 0.0) - desk.crash_pay * half)
        returns.append(r)
        index.append(sky.drift[day, 0] / 252 + 0.16 / math.sqrt(252) * v * math.sqrt(g) * w)
        heat = 0.03 + heat * (0.06 * shocks[t] ** 2 + 0.91)
        d = desk.valuation_decay
        push = math.sqrt(1 - 0.65**2) * spread[t] - 0.65 * shocks[t]
        z.append((1 - d) * z[-1] + math.sqrt(1 - (1 - d) ** 2) * push)
        fall = (1 - 1 / 60) * fall + v * math.sqrt(g) * w
        g = 0.01 + (0.005 + 0.07 * (w < 0)) * g * w**2 + 0.95 * g
    return np.array(returns), np.array(index), np.array(z)


def test_path_is_that_of_the_plain_twin():
    desk, n = FactorTracking(n_steps=400), 24
    paths = Paths.of(3, n)
    sky = desk.sky(paths, 400, None)
    assert (sky.regime >= 2).any()
    past = market.draw(desk, market.premia(desk), paths, sky)
    streams, rows = paths.streams("factor_tracking"), WARM_UP + 400
    noise, spread = streams.normal("returns", rows, 3), streams.normal("valuation", rows, 3)
    start, earlier = streams.normal("start", 3), streams.normal("market", WARM_UP)
    for i in range(n):
        one = Weather(*(getattr(sky, name)[:, i : i + 1] for name in Weather.__dataclass_fields__))
        returns, index, z = plain_walk(desk, noise[i], spread[i], start[i], earlier[i], one)
        np.testing.assert_allclose(past.returns[:, :, i], returns, rtol=0, atol=1e-8)
        np.testing.assert_allclose(past.market[:, i], index, rtol=0, atol=1e-12)
        np.testing.assert_allclose(past.valuation[:, :, i], z, rtol=0, atol=1e-9)


def test_the_market_without_clustering_is_the_weathers():
    desk, paths = FactorTracking(n_steps=200), Paths.of(9, 6)
    plain = desk.with_parameters(market_clustering=False)
    sky = desk.sky(paths, 200, None)
    one, other = (market.draw(some, market.premia(some), paths, sky) for some in (desk, plain))
    wanted = sky.drift / 252 + 0.16 / math.sqrt(252) * sky.volatility * sky.market
    np.testing.assert_allclose(other.market[WARM_UP:], wanted, rtol=0, atol=1e-15)
    assert not np.allclose(one.market, other.market, atol=1e-3)


def test_crashes_of_a_clustered_market_are_paid_back():
    # nothing but crashes: means over days before and after what panics pay, and the variance, as the closed forms say
    only = {"premium_scale": 0.0, "valuation_strength": 0.0, "momentum_strength": 0.0}
    desk = FactorTracking(**only, crash_pay=0.0, crash_beta=3.0, momentum_volatility=0.09, n_steps=1000)
    found = returns_of(desk, Paths.of(6000, 3000))[1]
    mean = found.mean(axis=0)
    assert abs(mean.mean()) < 4.0 * mean.std() / math.sqrt(3000)
    variance = (found**2).mean(axis=0)
    error = variance.std() / math.sqrt(3000)
    assert variance.mean() == pytest.approx(desk.momentum_volatility**2 / 21, abs=4.0 * error)


def test_valuation_spreads_are_stationary_of_unit_variance():
    tape = FactorTracking(n_steps=252).record(Paths.of(11, 2000))
    for row in (0, 252):
        for name in ("value_z", "momentum_z", "quality_z"):
            assert tape[name][row].std() == pytest.approx(1.0, abs=0.07)
            assert tape[name][row].mean() == pytest.approx(0.0, abs=0.09)
    first, last = tape["value_z"][0], tape["value_z"][50]
    assert np.corrcoef(first, last)[0, 1] == pytest.approx(0.996**50, abs=0.04)


def slope(desk, name, paths=600):
    """Regression of next-day returns, in usual volatilities, on a feature; and its standard error."""
    tape = desk.record(Paths.of(41, paths))
    usual = market.premia(desk).usual
    found = []
    for k, factor in enumerate(("value", "momentum", "quality")):
        r = (tape[factor][1:] / tape[factor][:-1] - 1.0) / usual[k]
        x = tape.features[:-1, :, FEATURES.index(f"{factor}_{name}")]
        x = x - x.mean()
        found.append(
            ((x * r).mean(axis=0).mean() / (x**2).mean(), (x * r).mean(axis=0).std() / (x**2).mean())
        )
    return np.mean([b for b, _ in found]), np.linalg.norm([s for _, s in found]) / 3 / math.sqrt(paths)


@pytest.mark.parametrize(
    ("name", "field"), [("valuation_z", "valuation_strength"), ("momentum_60", "momentum_strength")]
)
def test_signals_predict_as_much_as_they_say(name, field):
    only = {"valuation_strength": 0.0, "momentum_strength": 0.0} | {field: 3.0}
    desk = FactorTracking(**only, premium_scale=0.0, crash_beta=0.0, weather=False)
    found, error = slope(desk, name)
    assert found == pytest.approx(3.0 / math.sqrt(252), abs=4.0 * error)
    assert found > 8.0 * error


def test_null_has_nothing_to_foresee():
    desk = FactorTracking.preset("null")
    for name in ("valuation_z", "momentum_60", "return_20", "volatility_20"):
        found, error = slope(desk, name)
        assert abs(found) < 4.0 * error
    daily = returns_of(desk, Paths.of(5000, 1500))[:3].mean(axis=1)
    assert np.all(np.abs(daily.mean(axis=1)) < 4.0 * daily.std(axis=1) / math.sqrt(1500))


def test_given_weather_is_used():
    desk, paths = FactorTracking(n_steps=30), Paths.of(0, 4)
    one = desk.record(paths)
    same = desk.record(paths, desk.sky(paths, 30, None))
    np.testing.assert_array_equal(one.block, same.block)
    calm = desk.record(paths, desk.with_parameters(weather=False).sky(paths, 30, None))
    assert not np.array_equal(one.block, calm.block)


def test_impossible_markets_are_refused():
    with pytest.raises(InvalidParameter, match="correlations"):
        FactorTracking(value_momentum_correlation=-0.9, value_quality_correlation=0.9,
                       momentum_quality_correlation=0.9).record(Paths.of(0, 1))  # fmt: skip
    with pytest.raises(InvalidParameter, match="crash_beta"):
        FactorTracking(crash_beta=20.0).record(Paths.of(0, 1))


@pytest.mark.parametrize(
    "wrong", [{"trade_form": 3}, {"rebalance_days": 0}, {"cost_rate": -0.1}, {"crash_pay": 1.5},
              {"target_volatility": 0.0}, {"steps_per_day": 2}, {"valuation_decay": 0.0}, {"rho": 1.0},
              {"lambda_": -1.0}],
)  # fmt: skip
def test_numbers_without_sense_are_refused(wrong):
    with pytest.raises(InvalidParameter, match=next(iter(wrong))):
        FactorTracking.preset(**wrong)
