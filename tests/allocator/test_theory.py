"""Merton, Kelly and Kan-Zhou: known numbers, and the world simulated."""

from __future__ import annotations

import numpy as np
import pytest

from allocator.theory import (
    chance_of_falling_to,
    kelly_growth,
    merton_certainty_equivalent,
    plug_in_loss,
    sharpe_of_equals,
)
from fund.errors import InvalidParameter

RATE, DRIFT, VOLATILITY = 0.02, 0.08, 0.20
SHARPE = (DRIFT - RATE) / VOLATILITY


def test_merton_certainty_equivalent():
    assert merton_certainty_equivalent(RATE, SHARPE, 3.0) == pytest.approx(0.035, abs=1e-12)


@pytest.mark.parametrize(("multiple", "growth"), [(1.0, 0.065), (0.5, 0.05375), (2.0, 0.02), (3.0, -0.115)])
def test_kelly_growth(multiple, growth):
    assert kelly_growth(RATE, SHARPE, multiple) == pytest.approx(growth, abs=1e-12)


@pytest.mark.parametrize(("multiple", "growth"), [(1.0, 0.065), (0.5, 0.054), (2.0, 0.020)])
def test_growth_of_simulated_wealth(multiple, growth):
    rng, years, paths, step = np.random.default_rng(8), 40, 20_000, 1 / 12
    weight, log_wealth = multiple * 1.5, np.zeros(paths)
    for _ in range(years * 12):
        shock = VOLATILITY * np.sqrt(step) * rng.standard_normal(paths)
        asset = np.exp((DRIFT - 0.5 * VOLATILITY**2) * step + shock)
        log_wealth += np.log(weight * asset + (1 - weight) * np.exp(RATE * step))
    assert log_wealth.mean() / years == pytest.approx(growth, abs=0.003)


def test_chance_of_falling():
    assert chance_of_falling_to(0.5, 1.0) == pytest.approx(0.5, abs=1e-12)
    assert chance_of_falling_to(0.5, 0.5) == pytest.approx(0.125, abs=1e-12)
    assert chance_of_falling_to(1.0, 1.3) == 1.0
    with pytest.raises(InvalidParameter, match="fraction"):
        chance_of_falling_to(0.5, 2.0)


@pytest.mark.parametrize(("fraction", "seen"), [(1.0, 0.482), (0.5, 0.119)])
def test_chance_of_falling_simulated(fraction, seen):
    # Observed twice a month for 200 years the chance is a little below the continuous one.
    rng, paths, step = np.random.default_rng(4), 4_000, 1 / 24
    log_wealth, lowest = np.zeros(paths), np.zeros(paths)
    drift = SHARPE**2 * (fraction - 0.5 * fraction**2) * step
    for _ in range(200 * 24):
        log_wealth += drift + fraction * SHARPE * np.sqrt(step) * rng.standard_normal(paths)
        np.minimum(lowest, log_wealth, out=lowest)
    share = np.mean(lowest <= np.log(0.5))
    assert share == pytest.approx(seen, abs=4 * np.sqrt(seen * (1 - seen) / paths))
    assert share < chance_of_falling_to(0.5, fraction) + 0.01


def test_sharpe_of_equals():
    assert sharpe_of_equals(0.5, 7) == pytest.approx(1.3229, abs=1e-4)
    assert sharpe_of_equals(0.5, 7, 1.0) == pytest.approx(0.5, abs=1e-12)
    covariance = 0.3 * np.ones((4, 4)) + 0.7 * np.eye(4)
    best = np.sqrt(0.4 * np.ones(4) @ np.linalg.solve(covariance, 0.4 * np.ones(4)))
    assert sharpe_of_equals(0.4, 4, 0.3) == pytest.approx(best, abs=1e-12)
    with pytest.raises(InvalidParameter, match="correlation"):
        sharpe_of_equals(0.5, 3, -0.5)


@pytest.mark.parametrize(("n", "t", "loss"), [(5, 60, 0.06293), (25, 120, 0.23360)])
def test_plug_in_loss(n, t, loss):
    assert plug_in_loss(0.2, 1.0, n, t) == pytest.approx(loss, abs=1e-5)


@pytest.mark.parametrize(("n", "t", "loss"), [(5, 60, 0.0629), (25, 120, 0.2336)])
def test_plug_in_loss_simulated(n, t, loss):
    rng, draws = np.random.default_rng(6), 4_000
    mean = np.full(n, 0.2 / np.sqrt(n))
    lost = np.empty(draws)
    for i in range(draws):
        sample = mean + rng.standard_normal((t, n))
        gap = sample - sample.mean(axis=0)
        weights = np.linalg.solve(gap.T @ gap / t, sample.mean(axis=0))
        lost[i] = 0.2**2 / 2 - (weights @ mean - 0.5 * weights @ weights)
    assert lost.mean() == pytest.approx(loss, abs=max(0.004, 4 * lost.std() / np.sqrt(draws)))


def test_loss_scales_with_risk_aversion_and_needs_data():
    assert plug_in_loss(0.2, 4.0, 5, 60) == pytest.approx(0.06293 / 4, abs=1e-5)
    with pytest.raises(InvalidParameter, match="t=9"):
        plug_in_loss(0.2, 1.0, 5, 9)
