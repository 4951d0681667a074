"""Evaluation: the numbers, recomputed by hand."""

import numpy as np
import pytest
from trend_following import TrendFollowing

from fund.envs.play import constant, flat, lagged, play, random
from fund.errors import UnknownName
from fund.market.streams import Paths
from fund.training.evaluate import (
    TEST_SEEDS,
    Spread,
    daily_returns,
    evaluate,
    held_out,
    policy_named,
    statistics,
)

STRATEGY = TrendFollowing(n_steps=60)


def test_spread_by_hand():
    spread = Spread.of(np.array([1.0, 2.0, 6.0]))
    assert spread.mean == 3.0
    assert spread.std == pytest.approx(np.sqrt((4 + 1 + 9) / 2))
    assert spread.se == pytest.approx(spread.std / np.sqrt(3))


def test_evaluation_paths_are_nobodys():
    assert min(held_out(10).seeds) >= TEST_SEEDS
    assert set(held_out(10, 0).seeds).isdisjoint(held_out(10, 1).seeds)


def test_statistics_by_hand():
    played = play(STRATEGY, policy_named(STRATEGY, "long"), held_out(40))
    told = statistics(played)
    r = (played.nav[1:] / played.nav[:-1] - 1.0).T
    assert daily_returns(played) == pytest.approx(r)
    assert told["sharpe"] == pytest.approx(r.mean() / r.std() * np.sqrt(252))
    peaks = np.maximum.accumulate(played.nav, axis=0)
    assert told["max_drawdown"] == pytest.approx(((peaks - played.nav) / peaks).max(axis=0).mean())
    assert told["costs"] == pytest.approx(-played.lines["fees"].mean())
    # sixty steps are 60/252 of a year
    assert told["turnover"] == pytest.approx(played.traded.mean() / STRATEGY.capital / (60 / 252))
    assert told["costs"] > 0


def test_daily_returns_of_a_desk_with_many_steps_a_day():
    strategy = TrendFollowing(n_steps=60, steps_per_day=20)
    played = play(strategy, policy_named(strategy, "long"), held_out(5))
    assert daily_returns(played).shape == (5, 3)
    assert daily_returns(played)[2, 1] == pytest.approx(played.nav[40, 2] / played.nav[20, 2] - 1)


def test_an_evaluation_is_json_and_repeats():
    policy = policy_named(STRATEGY, "momentum")
    first = evaluate(STRATEGY, policy, "momentum", episodes=30).plain()
    assert first == evaluate(STRATEGY, policy, "momentum", episodes=30).plain()
    assert evaluate(STRATEGY, flat(STRATEGY), "flat", episodes=10).plain()["statistics"]["sharpe"] is None


def test_playing_in_turns_changes_nothing(monkeypatch):
    whole = play(STRATEGY, policy_named(STRATEGY, "momentum"), held_out(10))
    monkeypatch.setattr("fund.envs.play.CHUNK", 4)
    parts = play(STRATEGY, policy_named(STRATEGY, "momentum"), held_out(10))
    assert np.array_equal(whole.nav, parts.nav)
    assert np.array_equal(whole.reward, parts.reward)


def test_policies_by_name():
    paths = Paths.of(1, 6)
    assert not play(STRATEGY, policy_named(STRATEGY, "flat"), paths).traded.any()
    same = [play(STRATEGY, random(STRATEGY, 3), paths).nav for _ in range(2)]
    assert np.array_equal(*same)
    held = play(STRATEGY, constant(STRATEGY, 1.0), paths).nav
    assert np.array_equal(held, play(STRATEGY, policy_named(STRATEGY, "long"), paths).nav)
    with pytest.raises(UnknownName, match='Did you mean "momentum"'):
        policy_named(STRATEGY, "momentun")


def test_a_lagged_policy_decides_one_bar_late():
    paths = Paths.of(1, 4)
    seen = []

    def spy(view):
        seen.append(view.observation[:, [1]].copy())
        return np.sign(view.observation[:, [1]])

    late = lagged(spy, STRATEGY)
    given = []

    def recorded(view):
        given.append(np.array(late(view)))
        return given[-1]

    play(STRATEGY, recorded, paths)
    assert not given[0].any()
    for t in range(1, 60):
        assert np.array_equal(given[t], np.sign(seen[t - 1]))
