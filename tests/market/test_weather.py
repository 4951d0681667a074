"""One weather for all."""

import numpy as np

from fund.market import weather
from fund.market.streams import Paths


def test_rows_of_the_chain_are_probabilities():
    assert np.allclose(weather.TRANSITION.sum(axis=1), 1.0, atol=1e-15)
    share = weather.stationary()
    assert np.allclose(share @ weather.TRANSITION, share, atol=1e-14)


def test_the_walk_equals_its_plain_twin():
    uniform = np.random.default_rng(0).random((60, 5))
    cumulative, start = np.cumsum(weather.TRANSITION, axis=1), np.cumsum(weather.stationary())
    states = weather.walk(uniform, cumulative, start)
    for i in range(5):
        row = start
        for day in range(60):
            expected = min(int(np.searchsorted(row, uniform[day, i], side="left")), 3)
            assert states[day, i] == expected
            row = cumulative[expected]


def test_time_spent_in_each_regime_is_the_stationary_share():
    regime = weather.draw(Paths.of(0, 600), 300).regime
    for k, share in enumerate(weather.stationary()):
        by_path = (regime == k).mean(axis=0)
        assert abs(by_path.mean() - share) < 4 * by_path.std() / np.sqrt(600)


def test_equal_seeds_stand_under_equal_weather_and_it_is_causal():
    long, short = weather.draw(Paths.of(3, 4), 90), weather.draw(Paths.of(3, 4), 40)
    assert np.array_equal(long.regime[:40], short.regime)
    assert np.array_equal(long.market[:40], short.market)


def test_fair_weather_is_normal_every_day_with_the_same_shocks():
    fair, drawn = weather.fair(Paths.of(3, 4), 40), weather.draw(Paths.of(3, 4), 40)
    assert (fair.regime == 1).all()
    assert (fair.volatility == 1.0).all()
    assert np.array_equal(fair.market, drawn.market)


def test_a_crisis_is_worse_in_every_way():
    assert (np.diff(weather.VOLATILITY) > 0).all()
    assert (np.diff(weather.CORRELATION) > 0).all()
    assert (np.diff(weather.LIQUIDITY) < 0).all()
    assert (np.diff(weather.MARKET_DRIFT) < 0).all()
