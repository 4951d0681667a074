"""NAV streams: one weather for all desks, nothing lost, nothing invented."""

import numpy as np
import pytest
from trend_following import TrendFollowing, long

from allocator.streams import COSTS, NavStreams, desk_days, market_returns, play_desks, stand_in
from fund.envs.play import flat
from fund.errors import DataError
from fund.market import weather as sky
from fund.market.streams import Paths


def test_shapes_and_refusals():
    good = NavStreams(("a", "b"), np.zeros((5, 2, 2)), np.zeros((5, 2)))
    assert (good.days, good.worlds) == (5, 2)
    assert good.between(1, 3).days == 2
    assert good.sha256 != good.between(1, 3).sha256
    with pytest.raises(DataError, match="2 desks"):
        NavStreams(("a", "b"), np.zeros((5, 2, 3)), np.zeros((5, 2)))
    broken = np.zeros((5, 2, 2))
    broken[3, 1, 0] = -1.0
    with pytest.raises(DataError, match="a loses all on day 3 of world 1"):
        NavStreams(("a", "b"), broken, np.zeros((5, 2)))
    broken[3, 1, 0] = np.nan
    with pytest.raises(DataError, match="not finite"):
        NavStreams(("a", "b"), broken, np.zeros((5, 2)))


def test_a_desk_over_many_days_gives_its_own_nav():
    strategy = TrendFollowing()
    paths = Paths.of(50, 3)
    returns, costs = desk_days(strategy, long(strategy), paths, sky.draw(paths, 30))
    tape = strategy.with_steps(30).record(paths)
    price = tape["price"]
    by_hand = price[1:] / price[:-1] - 1.0
    # always long with weights reset daily: the price's return less the fee of the first purchase and small resets
    assert np.abs(returns[1:] - by_hand[1:]).max() < 2e-5
    assert np.abs(returns[0] - by_hand[0] + strategy.cost_rate).max() < 2e-5
    fees = costs[COSTS.index("fees")]
    assert np.allclose(
        fees[0], strategy.cost_rate, rtol=0.01
    )  # the first purchase; resets are a thousandth of it
    assert (fees[1:] < 0.1 * fees[0]).all()
    assert not np.delete(costs, COSTS.index("fees"), axis=0).any()


def test_a_flat_desk_returns_nothing():
    strategy = TrendFollowing()
    paths = Paths.of(50, 3)
    flat_days = desk_days(strategy, flat(strategy), paths, sky.draw(paths, 30))
    assert not flat_days.returns.any()
    assert not flat_days.costs.any()


def test_a_desk_of_single_days_is_played_day_by_day():
    strategy = TrendFollowing(n_steps=20, steps_per_day=20)
    paths = Paths.of(9, 2)
    returns = desk_days(strategy, long(strategy), paths, sky.draw(paths, 6)).returns
    assert returns.shape == (6, 2)
    again = strategy.record(Paths((10,), (4,)))["price"]  # world 1, day 4
    assert abs(returns[4, 1] - (again[-1, 0] / again[0, 0] - 1.0)) < 1e-3


def test_desks_of_one_seed_share_the_weather_and_nothing_else():
    strategy = TrendFollowing()
    desks = {"one": (strategy, long(strategy)), "two": (strategy, flat(strategy))}
    streams = play_desks(desks, seed=5, worlds=4, days=40)
    assert streams.desks == ("one", "two")
    assert np.array_equal(streams.market, market_returns(sky.draw(Paths.of(5, 4), 40)))
    assert not streams.returns[:, :, 1].any()


def test_the_stand_in_has_the_sharpe_ratio_it_says():
    streams = stand_in(("statistical_arbitrage", "x"), Paths.of(0, 400), 250, sharpe_scale=0.0, edge=2.0)
    returns = streams.returns
    sharpe = returns.mean(axis=(0, 1)) / returns.std(axis=(0, 1)) * np.sqrt(252)
    # the volatility factor scales mean and risk alike; 400 years of days, SE of a Sharpe ratio .05 and more
    assert abs(sharpe[0] - 2.0) < 0.3
    assert abs(sharpe[1]) < 0.3


def test_the_stand_in_is_causal_and_seeded():
    long_one = stand_in(("a", "b"), Paths.of(3, 2), 60, 1.0, 0.0)
    short_one = stand_in(("a", "b"), Paths.of(3, 2), 25, 1.0, 0.0)
    assert np.array_equal(long_one.returns[:25], short_one.returns)
