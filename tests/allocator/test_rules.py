"""Allocation rules: published examples, optimality conditions, plain twins, and what cannot be used."""

from __future__ import annotations

import numpy as np
import pytest

from allocator.rules import (
    RULES,
    equal_risk_contribution,
    equal_weight,
    hierarchical_risk_parity,
    inverse_volatility,
    kelly,
    merton,
    minimum_variance,
    risk_contributions,
    shrunk_covariance,
    shrunk_mean,
    usable,
)
from fund.errors import InvalidParameter
from tests.allocator.covariances import maillard, random_covariance

ON_COVARIANCE = (inverse_volatility, equal_risk_contribution, hierarchical_risk_parity, minimum_variance)


@pytest.mark.parametrize(
    ("rule", "weights", "volatility"),
    [
        (equal_risk_contribution, [0.3836, 0.1918, 0.2426, 0.1820], 0.1029),
        (minimum_variance, [0.745, 0.0, 0.152, 0.103], 0.0863),
        (lambda covariance: equal_weight(4), [0.25] * 4, 0.1151),
    ],
)
def test_example_of_maillard_roncalli_teiletche(rule, weights, volatility):
    found = rule(maillard())
    np.testing.assert_allclose(found, weights, atol=1e-3)
    assert np.sqrt(found @ maillard() @ found) == pytest.approx(volatility, abs=1e-4)


@pytest.mark.parametrize(
    "covariance", [maillard(), *(random_covariance(s, n) for s, n in enumerate((2, 5, 7, 20)))]
)
def test_risk_contributions_are_equal(covariance):
    weights = equal_risk_contribution(covariance)
    assert weights.min() > 0.0 and weights.sum() == pytest.approx(1.0, abs=1e-12)
    part = weights * (covariance @ weights)
    np.testing.assert_allclose(part / part.sum(), 1.0 / len(weights), rtol=0, atol=1e-8)
    np.testing.assert_allclose(risk_contributions(weights, covariance), part / part.sum(), atol=1e-14)


def test_two_assets_by_hand():
    covariance = np.array([[0.01, 0.006], [0.006, 0.04]])
    np.testing.assert_allclose(inverse_volatility(covariance), [2 / 3, 1 / 3], atol=1e-9)
    np.testing.assert_allclose(equal_risk_contribution(covariance), [2 / 3, 1 / 3], atol=1e-9)
    np.testing.assert_allclose(hierarchical_risk_parity(covariance), [0.8, 0.2], atol=1e-9)
    np.testing.assert_allclose(minimum_variance(covariance), [34 / 38, 4 / 38], atol=1e-9)


@pytest.mark.parametrize("seed", range(6))
def test_least_variance_satisfies_the_conditions_of_optimality(seed):
    covariance = random_covariance(seed, 6)
    weights = minimum_variance(covariance)
    assert weights.min() >= 0.0 and weights.sum() == pytest.approx(1.0, abs=1e-12)
    marginal = covariance @ weights
    variance = weights @ marginal
    assert np.all(marginal >= variance * (1 - 1e-7))
    np.testing.assert_allclose(marginal[weights > 0], variance, rtol=1e-7)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("max_leverage", [0.5, 2.0, 1e6])
def test_kelly_satisfies_the_conditions_of_optimality(seed, max_leverage):
    covariance = random_covariance(seed, 6)
    mean = 0.05 * np.random.default_rng(100 + seed).standard_normal(6)
    weights = kelly(mean, covariance, fraction=0.5, max_leverage=max_leverage)
    gain = mean - covariance @ weights / 0.5
    price = gain[weights > 0].max(initial=0.0)
    assert weights.min() >= 0.0 and weights.sum() <= max_leverage * (1 + 1e-12)
    assert price >= -1e-9 and np.all(gain <= price + 1e-8)
    np.testing.assert_allclose(gain[weights > 0], price, atol=1e-8)
    if weights.sum() < max_leverage * (1 - 1e-9):
        assert price == pytest.approx(0.0, abs=1e-8)


def test_kelly_and_merton_by_hand():
    assert kelly([0.06], [[0.04]], max_leverage=2.0) == pytest.approx([1.5])
    assert kelly([0.06], [[0.04]], fraction=0.5) == pytest.approx([0.75])
    assert kelly([0.06], [[0.04]]) == pytest.approx([1.0])
    assert kelly([-0.06], [[0.04]]) == pytest.approx([0.0])
    assert merton([0.06], [[0.04]], gamma=3.0) == pytest.approx([0.5])
    # Long only: the second asset is worth shorting against the first, so it is left out.
    np.testing.assert_allclose(
        kelly([0.06, 0.01], [[0.04, 0.03], [0.03, 0.04]], max_leverage=5.0), [1.5, 0.0], atol=1e-8
    )


def test_merton_of_two_nearly_equal_assets():
    # DeMiguel, Garlappi & Uppal (2009): means 8 and 9 %, volatilities 20 %, correlation .99.
    weights = merton([0.08, 0.09], 0.04 * np.array([[1.0, 0.99], [0.99, 1.0]]), gamma=1.0)
    np.testing.assert_allclose(weights / weights.sum(), [-5.35, 6.35], atol=0.005)


def test_merton_of_equal_independent_strategies():
    mean, covariance = np.full(7, 0.05), 0.01 * np.eye(7)
    weights = merton(mean, covariance, gamma=2.0)
    assert mean @ weights / np.sqrt(weights @ covariance @ weights) == pytest.approx(1.3229, abs=1e-4)


def shrunk_covariance_plainly(returns):
    t, n = returns.shape
    z = (returns - returns.mean(0)) / returns.std(0, ddof=1)
    correlation, scatter = np.zeros((n, n)), np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            w = z[:, i] * z[:, j]
            correlation[i, j] = t / (t - 1) * w.mean()
            scatter[i, j] = t / (t - 1) ** 3 * np.sum((w - w.mean()) ** 2)
    off = ~np.eye(n, dtype=bool)
    share = min(1.0, scatter[off].sum() / (correlation[off] ** 2).sum())
    shrunk = np.where(off, (1 - share) * correlation, 1.0)
    return shrunk * np.outer(returns.std(0, ddof=1), returns.std(0, ddof=1))


@pytest.mark.parametrize("t", [3, 6, 60])
def test_shrunk_covariance_is_that_of_the_plain_twin(t):
    rng = np.random.default_rng(t)
    returns = rng.standard_normal((t, 4)) @ rng.standard_normal((4, 4))
    np.testing.assert_allclose(shrunk_covariance(returns), shrunk_covariance_plainly(returns), rtol=1e-10)


def test_shrinkage_fades_with_data_and_rescues_short_windows():
    rng = np.random.default_rng(0)
    root = np.linalg.cholesky(random_covariance(1, 4))
    long = rng.standard_normal((20_000, 4)) @ root.T
    np.testing.assert_allclose(shrunk_covariance(long), np.cov(long.T), atol=2e-3 * np.cov(long.T).max())
    short = rng.standard_normal((4, 7))
    assert np.linalg.eigvalsh(np.cov(short.T))[0] < 1e-12
    assert np.linalg.eigvalsh(shrunk_covariance(short))[0] > 1e-3


def test_shrunk_mean_by_hand():
    # Two uncorrelated columns of variance 4/3, means 0.5 and -0.5 (their grand mean is 0), T = 4:
    # distance 2 * .25 * .75 = .375, so the share is 4 / (4 + 4 * .375) = 8/11.
    noise = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    np.testing.assert_allclose(
        shrunk_mean(noise + np.array([0.5, -0.5])), np.array([1.5, -1.5]) / 11, rtol=1e-8
    )
    np.testing.assert_allclose(shrunk_mean(noise + 0.3), [0.3, 0.3], rtol=1e-8)


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("t", [3, 5, 60])
def test_paths_together_are_paths_apart(name, t):
    returns = 0.01 * np.random.default_rng(9).standard_normal((2, 3, t, 7))
    together = RULES[name](returns)
    assert together.shape == (2, 3, 7)
    for i in range(2):
        for j in range(3):
            np.testing.assert_allclose(RULES[name](returns[i, j]), together[i, j], rtol=0, atol=1e-9)
    assert together.min() >= 0.0
    total = together.sum(axis=-1)
    assert np.all(total <= 1.0 + 1e-12)
    if name != "shrunk_kelly":
        np.testing.assert_allclose(total, 1.0, atol=1e-12)


@pytest.mark.parametrize("rule", [inverse_volatility, equal_risk_contribution, minimum_variance])
def test_order_of_strategies_does_not_matter(rule):
    covariance, order = random_covariance(3, 6), np.random.default_rng(0).permutation(6)
    np.testing.assert_allclose(rule(covariance[np.ix_(order, order)]), rule(covariance)[order], atol=1e-8)


@pytest.mark.parametrize("rule", ON_COVARIANCE)
@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e6])
def test_units_do_not_matter(rule, scale):
    np.testing.assert_allclose(rule(scale * maillard()), rule(maillard()), atol=1e-8)


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("spoil", [np.nan, np.inf, -np.inf, "constant", "two rows"])
def test_windows_that_cannot_be_used_get_equal_weights(name, spoil):
    returns = 0.01 * np.random.default_rng(1).standard_normal((3, 30, 5))
    good = RULES[name](returns)
    if spoil == "two rows":
        np.testing.assert_allclose(RULES[name](returns[:, :2]), 0.2, atol=1e-15)
        return
    if spoil == "constant":
        returns[1, :, 2] = 0.1
    else:
        returns[1, 4, 2] = spoil
    weights = RULES[name](returns)
    np.testing.assert_allclose(weights[1], 0.2, atol=1e-15)
    np.testing.assert_array_equal(weights[[0, 2]], good[[0, 2]])


@pytest.mark.parametrize("rule", ON_COVARIANCE)
def test_singular_covariances_give_weights(rule):
    for covariance in (
        np.ones((3, 3)),
        np.array([[1.0, -1.0], [-1.0, 1.0]]),
        np.array([[4.0, 2.0], [2.0, 1.0]]),
    ):
        weights = rule(covariance)
        assert weights.min() >= 0.0 and weights.sum() == pytest.approx(1.0, abs=1e-12)
    assert rule(np.array([[0.3]])) == pytest.approx([1.0])


def test_indefinite_covariance_is_not_usable():
    indefinite = np.array([[1.0, 0.9, -0.9], [0.9, 1.0, 0.9], [-0.9, 0.9, 1.0]])
    np.testing.assert_array_equal(
        usable(np.stack([indefinite, np.eye(3), np.zeros((3, 3))])), [False, True, False]
    )
    for rule in ON_COVARIANCE:
        np.testing.assert_allclose(rule(indefinite), 1 / 3, atol=1e-15)
    np.testing.assert_allclose(kelly(np.ones(3), indefinite, max_leverage=0.6), 0.2, atol=1e-15)
    with pytest.raises(InvalidParameter, match="usable"):
        merton(np.ones(3), indefinite, 1.0)
    with pytest.raises(InvalidParameter, match="singular"):
        merton(np.ones(3), np.ones((3, 3)), 1.0)
    with pytest.raises(InvalidParameter, match="gamma"):
        merton(np.ones(3), np.eye(3), 0.0)


def test_shapes_and_parameters_are_checked():
    with pytest.raises(InvalidParameter, match="shape"):
        inverse_volatility(np.ones((2, 3)))
    with pytest.raises(InvalidParameter, match="max_leverage"):
        kelly([0.1], [[1.0]], max_leverage=0.0)
    with pytest.raises(InvalidParameter, match="fraction"):
        kelly([0.1], [[1.0]], fraction=-1.0)
