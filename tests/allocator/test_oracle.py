"""The regime oracle bounds what an allocator can earn."""

import itertools

import numpy as np
import pytest

from allocator.cio import DESKS, ORACLE, CioAllocator
from allocator.oracle import best_weights, regime_moments
from allocator.streams import NavStreams, stand_in
from fund.envs.play import play
from fund.market.streams import Paths


def utility(w, mean, covariance, risk_aversion):
    return w @ mean - 0.5 * risk_aversion * w @ covariance @ w


@pytest.mark.parametrize("cash", [False, True])
def test_best_weights_beat_every_point_of_a_grid(cash):
    generator = np.random.default_rng(3)
    grid = np.arange(0.05, 0.601, 0.05)
    for _ in range(20):
        mean = generator.normal(0.0, 5e-4, 3)
        root = generator.normal(0.0, 0.01, (3, 3))
        covariance = root @ root.T
        found = best_weights(mean, covariance, 4.0, 0.05, 0.6, cash)
        assert found.min() >= 0.05 - 1e-9
        assert found.max() <= 0.6 + 1e-9
        assert found.sum() == pytest.approx(1.0) if not cash else found.sum() <= 1.0 + 1e-9
        fits = [
            w
            for w in itertools.product(grid, repeat=3)
            if abs(sum(w) - 1.0) < 1e-9 or (cash and sum(w) < 1.0)
        ]
        best = max(utility(np.array(w), mean, covariance, 4.0) for w in fits)
        assert utility(found, mean, covariance, 4.0) >= best - 1e-9


def test_moments_are_those_of_the_regime():
    streams = stand_in(DESKS, Paths.of(0, 20), 500, 1.0, 0.0)
    found = regime_moments(streams)
    days = [streams.returns[d, w] for d in range(500) for w in range(20) if streams.regime[d, w] == 3]
    np.testing.assert_allclose(found[3][0], np.mean(days, axis=0))
    np.testing.assert_allclose(found[3][1], np.cov(np.array(days).T))


def test_a_rare_regime_takes_the_moments_of_all_days():
    streams = NavStreams(
        ("a", "b"), np.random.default_rng(0).normal(0, 0.01, (100, 1, 2)), np.zeros((100, 1))
    )
    calm, normal, *_ = regime_moments(streams)
    np.testing.assert_array_equal(calm[0], normal[0])


def test_no_rule_earns_more_than_the_oracle():
    strategy = CioAllocator(n_steps=250)
    paths = Paths.of(500, 300)
    rewards = {name: play(strategy, rule(strategy), paths).reward for name, rule in strategy.rules.items()}
    oracle = rewards.pop(ORACLE)
    for name, reward in rewards.items():
        gap = oracle - reward
        assert gap.mean() > 3.0 * gap.std() / np.sqrt(len(gap)), name


def test_the_regime_is_told_to_nobody_else():
    assert not [name for name in CioAllocator.features if "regime" in name and "market" not in name]
