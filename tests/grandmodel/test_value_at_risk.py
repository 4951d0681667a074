"""VaR, ES and EWMA against closed forms (PAPERS.md 12), plain twins and simulation."""

import math

import numpy as np
import pytest

from fund.account import tail_risk
from fund.errors import DataError, InvalidParameter
from fund.grandmodel import value_at_risk as risk

WEIGHTS = np.array([0.5, -0.2, 0.3])
COVARIANCE = np.array([[0.04, 0.01, 0.0], [0.01, 0.09, -0.02], [0.0, -0.02, 0.0225]])
DEVIATION = math.sqrt(0.25 * 0.04 + 0.04 * 0.09 + 0.09 * 0.0225 - 0.2 * 0.01 + 2 * 0.06 * 0.02)


def test_parametric_by_hand():
    found = risk.parametric(WEIGHTS, COVARIANCE, 0.99)
    assert float(found.var) == pytest.approx(2.3263 * DEVIATION, rel=1e-4)
    assert float(found.es) == pytest.approx(2.6652 * DEVIATION, rel=1e-4)
    student = risk.parametric(WEIGHTS, COVARIANCE, 0.99, freedom=4)
    assert float(student.var) == pytest.approx(2.6495 * DEVIATION, rel=1e-4)
    assert float(student.es) == pytest.approx(3.6915 * DEVIATION, rel=1e-4)
    with_mean = risk.parametric(WEIGHTS, COVARIANCE, 0.99, mean=[0.1, 0.0, 0.0])
    assert float(found.var - with_mean.var) == pytest.approx(0.05, abs=1e-12)


def test_historical_by_hand():
    # losses 1 ... 100: 95 % VaR is 95, ES the mean of 96 ... 100
    returns = -np.random.default_rng(0).permutation(np.arange(1.0, 101.0))
    assert risk.historical(returns, 0.95) == pytest.approx((95.0, 98.0), abs=1e-9)
    # .9 of 5 losses: the fifth
    assert risk.historical([-1.0, -2.0, -3.0, -4.0, -5.0], 0.9) == pytest.approx((5.0, 5.0))


def test_rockafellar_uryasev():
    """The ES is the least value of z + E(L - z)^+ / (1 - c)."""
    loss = np.random.default_rng(1).standard_t(4, 997)
    found = risk.historical(-loss, 0.9)
    least = min(z + np.maximum(loss - z, 0.0).mean() / 0.1 for z in loss)
    assert float(found.es) == pytest.approx(least, abs=1e-12)


def test_empirical_shortfall_of_normals():
    """RK-5."""
    found = risk.historical(np.random.default_rng(2).standard_normal(1_000_000), 0.975)
    assert float(found.es) == pytest.approx(2.338, abs=0.012)
    assert float(found.var) == pytest.approx(1.960, abs=0.012)


def test_monte_carlo_meets_the_closed_form():
    shocks = np.random.default_rng(3).standard_normal((200_000, 3))
    found, wanted = (
        risk.monte_carlo(WEIGHTS, COVARIANCE, shocks, 0.95),
        risk.parametric(WEIGHTS, COVARIANCE, 0.95),
    )
    assert found == pytest.approx((float(wanted.var), float(wanted.es)), rel=0.02)
    one = np.ones((2, 2)) * 0.04  # two assets that move as one: no Cholesky root
    assert risk.monte_carlo([1.0, -1.0], one, shocks[:, :2], 0.95) == pytest.approx((0.0, 0.0), abs=1e-9)


def test_ewma_is_the_direct_weighted_sum():
    """RK-7."""
    r = np.random.default_rng(4).normal(size=300)
    found = risk.ewma_variance(r, start=0.7)
    for t in (0, 1, 2, 50, 300):
        direct = 0.94**t * 0.7 + sum(0.06 * 0.94 ** (t - 1 - s) * r[s] ** 2 for s in range(t))
        assert found[t] == pytest.approx(direct, rel=1e-12)


def test_ewma_does_not_know_its_own_day():
    """RK-7."""
    r = np.random.default_rng(5).normal(size=(3, 100))
    changed = r.copy()
    changed[:, 60:] *= 7.0
    one, two = risk.ewma(r, start=1.0), risk.ewma(changed, start=1.0)
    assert np.array_equal(one.var[:, :61], two.var[:, :61])
    assert (one.var[:, 61:] < two.var[:, 61:]).all()


def test_ewma_weights():
    """99 % of the weight in 74 days, half-life 11.2 days."""
    assert math.ceil(math.log(0.01) / math.log(risk.DECAY) - 1e-9) in (74, 75)
    assert pytest.approx(0.99, abs=1e-3) == 1.0 - risk.DECAY**74
    assert math.log(0.5) / math.log(risk.DECAY) == pytest.approx(11.2, abs=0.05)


def test_ewma_covariance_is_the_direct_sum():
    r = np.random.default_rng(6).normal(size=(40, 3))
    before = np.eye(3)
    recursion = before
    for row in r:
        recursion = 0.94 * recursion + 0.06 * np.outer(row, row)
    np.testing.assert_allclose(risk.ewma_covariance(r, start=before), recursion, rtol=1e-11, atol=1e-14)
    weights = 0.94 ** np.arange(39, -1, -1.0)
    np.testing.assert_allclose(
        risk.ewma_covariance(r), (r.T * weights / weights.sum()) @ r, rtol=1e-11, atol=1e-14
    )


def test_ewma_var_is_exceeded_more_often_than_it_says():
    """1.33 % of days at nominal 1 % on iid normal data: estimation noise alone."""
    r = np.random.default_rng(7).standard_normal((400, 1000))
    hits = risk.exceptions(r, risk.ewma(r, 0.99, start=1.0).var)[:, 200:]
    assert hits.mean() == pytest.approx(0.0133, abs=0.001)


def test_coverage_of_the_right_model():
    """F6: exceptions of 10,000 days within the 95 % Kupiec region, and independent."""
    r = np.random.default_rng(8).standard_normal(10_000) * DEVIATION
    for confidence, low, high in ((0.99, 82, 120), (0.95, 458, 543)):
        var = risk.parametric(WEIGHTS, COVARIANCE, confidence).var
        hits = risk.exceptions(r, var)
        assert low <= hits.sum() <= high
        assert tail_risk.christoffersen(hits, 1.0 - confidence).independence.p_value > 0.01


def test_loss_from_the_start():
    """RK-9: 50 years, monitored daily; exp(-1) in continuous time, .358 daily."""
    assert risk.ever_loses(0.2, 0.1, 0.2) == pytest.approx(math.exp(-1.0), abs=1e-12)
    assert risk.ever_loses(0.2, 0.0, 0.2) == 1.0
    draws, lost = np.random.default_rng(9), 0
    paths, step = 20_000, 1 / 252
    for _ in range(paths // 500):
        level, alive = np.zeros(500), np.ones(500, dtype=bool)
        for _ in range(50):
            year = draws.standard_normal((252, 500), dtype=np.float32) * (0.2 * step**0.5) + 0.1 * step
            walk = level + np.cumsum(year, axis=0)
            alive &= walk.min(axis=0) >= -0.2
            level = walk[-1]
        lost += int((~alive).sum())
    assert lost / paths == pytest.approx(0.358, abs=0.014)


def test_expected_drawdown():
    draws = np.random.default_rng(10).standard_normal((4_000, 1_000)) * 0.2 / 1_000**0.5
    walk = np.concatenate([np.zeros((4_000, 1)), np.cumsum(draws, axis=1)], axis=1)
    worst = (np.maximum.accumulate(walk, axis=1) - walk).max(axis=1)
    # monitoring 1,000 times instead of always sees about .58 of a step's deviation less
    assert worst.mean() == pytest.approx(
        risk.expected_drawdown(0.2, 1.0) - 2 * 0.5826 * 0.2 / 1_000**0.5, abs=0.006
    )


def test_risk_refuses_what_has_no_meaning():
    with pytest.raises(InvalidParameter, match=r"1\.5"):
        risk.historical([1.0], 1.5)
    with pytest.raises(DataError, match="at least one"):
        risk.historical([])
    with pytest.raises(DataError, match=r"\(\.\.\., 2, 2\)"):
        risk.parametric([1.0, 2.0], COVARIANCE)
    with pytest.raises(DataError, match=r"\(m, 3\)"):
        risk.monte_carlo(WEIGHTS, COVARIANCE, np.zeros((5, 2)))
    with pytest.raises(DataError, match="EWMA"):
        risk.ewma_variance([])
