"""Features of the CIO against slow twins."""

import numpy as np
import pytest

from allocator import features as seen

DESKS = ("a", "b", "c")


@pytest.fixture(scope="module")
def returns():
    return np.random.default_rng(0).normal(0.0002, 0.01, (seen.WARM_UP + 12, 2, 3))


@pytest.fixture(scope="module")
def told(returns):
    return seen.desk_features(returns, DESKS)


def window(returns, t, length, path=1, desk=2):
    """The days before row t, newest last."""
    end = seen.WARM_UP + t
    return returns[end - length : end, path, desk]


@pytest.mark.parametrize("t", [0, 5, 12])
def test_desk_statistics_by_hand(returns, told, t):
    sixty, twenty = window(returns, t, 60), window(returns, t, 20)
    at = {name: told[f"c_{name}"][t, 1] for name in seen.PER_DESK}
    assert at["mean"] == pytest.approx(sixty.mean() * 1e3)
    assert at["volatility"] == pytest.approx(twenty.std(ddof=1) * 1e2)
    assert at["sharpe"] == pytest.approx(sixty.mean() / sixty.std(ddof=1) * np.sqrt(60) / 2, rel=1e-6)
    levels = np.concatenate([[1.0], np.cumprod(1 + sixty)])
    worst = (1 - levels / np.maximum.accumulate(levels)).max()
    assert at["max_drawdown"] == pytest.approx(worst * 10)
    assert at["return_5"] == pytest.approx(
        window(returns, t, 5).sum() / (sixty.std(ddof=1) * np.sqrt(5)), rel=1e-6
    )
    assert at["return_21"] == pytest.approx(
        window(returns, t, 21).sum() / (sixty.std(ddof=1) * np.sqrt(21)), rel=1e-6
    )
    assert at["momentum"] == pytest.approx(sixty[:-5].sum() / (sixty.std(ddof=1) * np.sqrt(55)), rel=1e-6)
    assert at["win_rate"] == pytest.approx((twenty > 0).mean() * 2 - 1)
    assert at["volatility_change"] == pytest.approx(twenty.std(ddof=1) / sixty.std(ddof=1) - 1, rel=1e-6)


def test_moments_are_those_of_the_last_sixty_days(returns):
    mean, covariance = seen.moments(returns)
    block = returns[seen.WARM_UP + 4 - 60 : seen.WARM_UP + 4, 1]
    assert mean[4, 1] == pytest.approx(block.mean(axis=0))
    assert covariance[4, 1] == pytest.approx(np.cov(block.T))


def test_names_count_as_the_specification_says():
    assert len(seen.feature_names(tuple("abcdefg"))) == 130
    assert len(set(seen.feature_names(tuple("abcdefg")))) == 130


def test_the_future_is_invisible(returns, told):
    changed = returns.copy()
    changed[seen.WARM_UP + 6 :] *= -3.0
    again = seen.desk_features(changed, DESKS)
    for name, values in told.items():
        assert np.array_equal(values[:7], again[name][:7]), name


def test_market_features_are_named_and_causal(returns):
    market = returns[:, :, 0]
    _, covariance = seen.moments(returns)
    told = seen.market_features(returns, market, covariance)
    assert tuple(told) == seen.MARKET
    changed = market.copy()
    changed[seen.WARM_UP + 6 :] += 1.0
    again = seen.market_features(returns, changed, covariance)
    assert all(np.array_equal(told[name][:7], again[name][:7]) for name in told)
