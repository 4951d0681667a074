"""Garleanu-Pedersen: published numbers of problem A, the Riccati solution, and slow plain twins."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import solve_discrete_lyapunov

from fund.errors import InvalidParameter
from specialists.factor_tracking.theory import (
    LinearPolicy,
    TradingProblem,
    aim_loadings,
    curvature,
    damped_loadings,
    evaluate,
    impulse_response,
    lyapunov,
    markowitz_policy,
    optimal_policy,
    optimal_value,
    partial_policy,
    riccati_policy,
    scalar_problem,
    static_policy,
    trading_rate,
)

PROBLEM_A = scalar_problem(2.0, 20.0, 0.01, 1.0, loadings=(0.05, 0.02), phi=(0.25, 0.01))
COMMODITY = scalar_problem(
    1e-9, 5e-7, 1.0 - np.exp(-0.02 / 260), 1.0, loadings=(10.32, 122.34, -205.59), phi=(0.2519, 0.0034, 0.001)
)


def several_assets(seed: int) -> TradingProblem:
    rng = np.random.default_rng(seed)
    n, k = 3, 4
    mix, shocks = rng.standard_normal((n, n)), rng.standard_normal((k, k))
    return TradingProblem(
        gamma=float(rng.uniform(0.5, 5.0)),
        lambda_=float(rng.uniform(0.1, 30.0)),
        rho=float(rng.uniform(0.005, 0.1)),
        sigma=mix @ mix.T + 0.2 * np.eye(n),
        loadings=0.05 * rng.standard_normal((n, k)),
        phi=np.diag(rng.uniform(0.05, 0.6, k)) + 0.03 * rng.standard_normal((k, k)),
        omega=shocks @ shocks.T,
    )


def simulate(problem: TradingProblem, policy: LinearPolicy, paths: int, steps: int, seed: int) -> np.ndarray:
    """The discounted objective of each path, step by step as the paper states it."""
    rng = np.random.default_rng(seed)
    n, k = problem.loadings.shape
    f = rng.multivariate_normal(np.zeros(k), problem.factor_covariance, size=paths)
    x, total = np.zeros((paths, n)), np.zeros(paths)
    for t in range(steps):
        trade = -x
        x = x @ policy.hold.T + f @ policy.respond.T
        trade = trade + x
        earned = np.sum(x * (f @ problem.loadings.T), 1)
        risk = np.sum(x * (x @ problem.sigma), 1)
        cost = 0.5 * problem.lambda_ * np.sum(trade * (trade @ problem.sigma), 1)
        total += (1 - problem.rho) ** (t + 1) * (earned - 0.5 * problem.gamma * risk)
        total -= (1 - problem.rho) ** t * cost
        f = f @ (np.eye(k) - problem.phi).T + rng.multivariate_normal(np.zeros(k), problem.omega, size=paths)
    return total


def test_problem_a_closed_form():
    assert curvature(PROBLEM_A) == pytest.approx(5.318665, abs=1e-6)
    assert trading_rate(PROBLEM_A) == pytest.approx(0.2659332, abs=1e-7)
    np.testing.assert_allclose(aim_loadings(PROBLEM_A), [[0.0150165, 0.0097410]], atol=1e-7)
    assert optimal_value(PROBLEM_A) == pytest.approx(0.0308658, abs=1e-7)


@pytest.mark.parametrize("problem", [PROBLEM_A, COMMODITY, *(several_assets(s) for s in range(5))])
def test_gain_is_that_of_the_riccati_recursion(problem):
    closed, numerical = optimal_policy(problem), riccati_policy(problem)
    np.testing.assert_allclose(closed.hold, numerical.hold, rtol=0, atol=1e-10)
    scale = np.abs(numerical.respond).max()
    np.testing.assert_allclose(closed.respond / scale, numerical.respond / scale, rtol=0, atol=1e-10)


@pytest.mark.parametrize("problem", [PROBLEM_A, COMMODITY, *(several_assets(s) for s in range(5))])
def test_closed_value_is_the_value_of_the_optimal_policy(problem):
    assert optimal_value(problem) == pytest.approx(
        evaluate(problem, optimal_policy(problem)).value, rel=1e-10
    )


def test_element_wise_aim_is_the_matrix_one_for_diagonal_phi():
    np.testing.assert_allclose(damped_loadings(COMMODITY), aim_loadings(COMMODITY), rtol=1e-13)
    with pytest.raises(InvalidParameter, match="not diagonal"):
        damped_loadings(several_assets(0))


@pytest.mark.parametrize(
    ("policy", "value"),
    [
        (optimal_policy(PROBLEM_A), 0.0308),
        (partial_policy(1.3 * 0.2659332, aim_loadings(PROBLEM_A)), 0.0296),
        (partial_policy(0.7 * 0.2659332, aim_loadings(PROBLEM_A)), 0.0293),
        (partial_policy(0.2659332, damped_loadings(PROBLEM_A, 1.5)), 0.0297),
        (partial_policy(0.2659332, damped_loadings(PROBLEM_A, 0.0)), 0.0212),
        (static_policy(PROBLEM_A, 0.05), 0.0190),
    ],
)
def test_table_of_policies(policy, value):
    # The table is Monte Carlo of 20,000 paths: standard error .0001, rounded to .0001.
    assert evaluate(PROBLEM_A, policy).value == pytest.approx(value, abs=0.0005)


@pytest.mark.parametrize(
    ("policy", "pnl", "cost"),
    [
        (optimal_policy(PROBLEM_A), 6e-4, 1e-4),
        (partial_policy(0.2659332, damped_loadings(PROBLEM_A, 0.0)), 9e-4, 3e-4),
        (static_policy(PROBLEM_A, 0.05), 4e-4, 0.0),
    ],
)
def test_table_of_earnings_per_step(policy, pnl, cost):
    outcome = evaluate(PROBLEM_A, policy)
    assert outcome.pnl == pytest.approx(pnl, abs=6e-5)
    assert outcome.cost == pytest.approx(cost, abs=6e-5)


def test_markowitz_by_hand():
    # x = .025 f1 + .01 f2, so E x^2 = .000725, E x'Bf = .00145, E dx^2 = 2 (.25 * .025^2 + .01 * .01^2) = .0003145;
    # a step is worth .99 (.00145 - .000725) - 10 * .0003145, and the first trade, from nothing, costs 10 * .000725.
    outcome = evaluate(PROBLEM_A, markowitz_policy(PROBLEM_A))
    by_hand = (0.99 * 0.000725 - 0.003145) / 0.01 + 0.003145 - 0.00725
    assert outcome.value == pytest.approx(by_hand, abs=1e-12)
    assert outcome.value == pytest.approx(-0.2465, abs=0.006)
    assert (outcome.pnl, outcome.cost) == pytest.approx((0.00145, 0.003145), abs=1e-12)
    assert outcome.variance == pytest.approx(0.000725, abs=1e-12)


def test_no_neighbouring_policy_is_better():
    best, problem = optimal_value(PROBLEM_A), PROBLEM_A
    policy, rng = optimal_policy(problem), np.random.default_rng(3)
    for _ in range(50):
        hold = policy.hold + 0.05 * rng.standard_normal(policy.hold.shape)
        respond = policy.respond * (1 + 0.2 * rng.standard_normal(policy.respond.shape))
        assert evaluate(problem, LinearPolicy(hold, respond)).value < best


@pytest.mark.parametrize("problem", [PROBLEM_A, several_assets(7)], ids=["A", "three assets"])
@pytest.mark.parametrize("make", [optimal_policy, lambda p: static_policy(p, 0.3)], ids=["optimal", "static"])
def test_exact_value_is_the_simulated_one(problem, make):
    policy, steps = make(problem), int(np.ceil(np.log(1e-4) / np.log(problem.delta)))
    worth = simulate(problem, policy, 2_000, steps, seed=11)
    exact = evaluate(problem, policy).value
    tolerance = 4 * worth.std() / np.sqrt(len(worth)) + 2e-4 * abs(exact)  # the second is the tail cut off
    assert worth.mean() == pytest.approx(exact, abs=tolerance)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "value", "tolerance"), [(optimal_policy, 0.0309, 0.0006), (markowitz_policy, -0.247, 0.006)]
)
def test_acceptance_of_factor_problem(make, value, tolerance):
    worth = simulate(PROBLEM_A, make(PROBLEM_A), 20_000, 1_500, seed=5)
    assert worth.mean() == pytest.approx(value, abs=tolerance)


def test_value_from_a_position_held():
    # With no factor, the optimum from x is -a/2 Sigma x^2: A_xx = a Sigma.
    idle = scalar_problem(2.0, 20.0, 0.01, 1.5, loadings=(0.0,), phi=(0.5,))
    assert evaluate(idle, optimal_policy(idle), np.array([0.3])).value == pytest.approx(
        -0.5 * 5.318665 * 1.5 * 0.09, abs=1e-6
    )


def test_cheap_trading_is_markowitz_and_dear_trading_is_slow():
    cheap = scalar_problem(2.0, 1e-9, 0.01, 1.0, loadings=(0.05, 0.02), phi=(0.25, 0.01))
    np.testing.assert_allclose(optimal_policy(cheap).respond, markowitz_policy(cheap).respond, rtol=1e-8)
    np.testing.assert_allclose(optimal_policy(cheap).hold, 0.0, atol=1e-8)
    dear = scalar_problem(2.0, 40.0, 0.01, 1.0, loadings=(0.05, 0.02), phi=(0.25, 0.01))
    assert trading_rate(dear) < trading_rate(PROBLEM_A)


def test_impulse_of_the_fast_factor():
    markowitz = impulse_response(COMMODITY, markowitz_policy(COMMODITY), factor=0, steps=40)[:, 0]
    optimum = impulse_response(COMMODITY, optimal_policy(COMMODITY), factor=0, steps=40)[:, 0]
    assert np.argmax(markowitz) == 0 and np.all(np.diff(markowitz) < 0)
    assert optimum[0] < markowitz[0]
    peak = int(np.argmax(optimum))
    assert 1 <= peak < 39 and np.all(np.diff(optimum)[:peak] > 0) and np.all(np.diff(optimum)[peak:] < 0)
    above = optimum > markowitz
    assert above.sum() > 0 and np.all(np.diff(above.astype(int)) >= 0), "one crossing, from below"


@pytest.mark.parametrize("seed", range(3))
def test_lyapunov_is_scipys(seed):
    rng = np.random.default_rng(seed)
    move, root = rng.standard_normal((4, 4)), rng.standard_normal((4, 4))
    move *= 0.97 / np.abs(np.linalg.eigvals(move)).max()
    np.testing.assert_allclose(
        lyapunov(move, root @ root.T), solve_discrete_lyapunov(move, root @ root.T), rtol=1e-9
    )


def test_what_cannot_be_used_is_refused():
    with pytest.raises(InvalidParameter, match="gamma"):
        scalar_problem(0.0, 20.0, 0.01, 1.0, (0.05,), (0.25,))
    with pytest.raises(InvalidParameter, match="explode"):
        evaluate(PROBLEM_A, partial_policy(-0.5, aim_loadings(PROBLEM_A)))
    with pytest.raises(InvalidParameter, match="phi"):
        TradingProblem(1.0, 1.0, 0.1, np.eye(2), np.ones((2, 2)), np.eye(3), np.eye(2))
    with pytest.raises(InvalidParameter, match="explode"):
        TradingProblem(1.0, 1.0, 0.1, np.eye(1), np.ones((1, 1)), np.zeros((1, 1)), np.eye(1))
