"""The optimum on a grid of positions: the chain's moments, a plain twin, bounds, and play on true factors."""

from __future__ import annotations

import numpy as np
import pytest

from fund.errors import InvalidParameter
from specialists.factor_tracking.discrete_optimum import (
    all_moves,
    discrete_optimum,
    limited_moves,
    rouwenhorst,
)
from specialists.factor_tracking.theory import optimal_policy, scalar_problem

PROBLEM_A = scalar_problem(2.0, 20.0, 0.01, 1.0, loadings=(0.05, 0.02), phi=(0.25, 0.01))
OPTIMAL_VALUE = 0.0308658


@pytest.mark.parametrize("persistence", [-0.4, 0.0, 0.75, 0.99])
@pytest.mark.parametrize("n_nodes", [2, 5, 15])
def test_chain_has_the_moments_of_the_autoregression(persistence, n_nodes):
    nodes, chain = rouwenhorst(persistence, 1.7, n_nodes)
    np.testing.assert_allclose(chain.sum(axis=1), 1.0, atol=1e-13)
    assert chain.min() >= 0.0
    np.testing.assert_allclose(chain @ nodes, persistence * nodes, atol=1e-12)
    long_run = np.linalg.matrix_power(chain, 2**14)[0]
    assert long_run @ nodes**2 == pytest.approx(1.7**2, rel=1e-9)


def plain_value(problem, levels, moves, n_nodes, sweeps):
    """Value iteration as one would write it on paper."""
    factors = [rouwenhorst(1 - problem.phi[j, j], 1.0, n) for j, n in enumerate(n_nodes)]
    (f1, p1), (f2, p2) = factors
    value = np.zeros((len(levels), len(f1), len(f2)))
    for _ in range(sweeps):
        new = np.empty_like(value)
        for i, held in enumerate(levels):
            for a in range(len(f1)):
                for b in range(len(f2)):
                    offers = []
                    for j, level in enumerate(levels):
                        if not moves[i, j]:
                            continue
                        premium = problem.loadings[0, 0] * f1[a] + problem.loadings[0, 1] * f2[b]
                        ahead = p1[a] @ value[j] @ p2[b]
                        earned = level * premium - 0.5 * problem.gamma * level**2 + ahead
                        offers.append(problem.delta * earned - 0.5 * problem.lambda_ * (level - held) ** 2)
                    new[i, a, b] = max(offers)
        value = new
    long_run = [np.linalg.matrix_power(p, 2**14)[0] for p in (p1, p2)]
    return long_run[0] @ value[list(levels).index(0.0)] @ long_run[1]


@pytest.mark.parametrize("reach", [1, 2])
def test_value_is_that_of_the_plain_twin(reach):
    problem = scalar_problem(2.0, 20.0, 0.1, 1.0, loadings=(0.05, 0.02), phi=(0.25, 0.01))
    levels, moves = np.array([-0.01, 0.0, 0.01]), limited_moves(3, reach)
    fast = discrete_optimum(problem, levels, moves, n_nodes=(3, 4), tolerance=1e-10)
    assert fast.value == pytest.approx(plain_value(problem, levels, moves, (3, 4), 180), abs=1e-8)


def test_fine_grid_approaches_the_closed_form_from_below():
    coarse, fine = (
        discrete_optimum(PROBLEM_A, np.linspace(-0.06, 0.06, n), n_nodes=(3, 7), tolerance=1e-6).value
        for n in (61, 151)
    )
    assert coarse < fine <= OPTIMAL_VALUE
    assert fine > OPTIMAL_VALUE - 1.5e-4


def test_less_freedom_is_never_better():
    levels = np.arange(-6, 7) * 0.004
    values = [
        discrete_optimum(PROBLEM_A, levels, limited_moves(13, reach), (5, 11), 1e-7).value
        for reach in (1, 2, 12)
    ]
    assert values[0] < values[1] < values[2] < OPTIMAL_VALUE
    free = discrete_optimum(PROBLEM_A, levels, all_moves(13), (5, 11), 1e-7).value
    assert free == pytest.approx(values[2], abs=1e-7)
    every_other = discrete_optimum(PROBLEM_A, levels[::2], None, (5, 11), 1e-7).value
    assert every_other < free


def test_nothing_to_earn_is_nothing_held():
    null = scalar_problem(2.0, 20.0, 0.01, 1.0, loadings=(0.0, 0.0), phi=(0.25, 0.01))
    optimum = discrete_optimum(null, np.array([-0.01, 0.0, 0.01]), n_nodes=(3, 5))
    assert optimum.value == pytest.approx(0.0, abs=1e-9)
    assert np.all(optimum.policy[1] == 1)


def test_one_level_by_hand():
    # Always .02: each step costs .99 * .02^2 of risk for ever, the first trade 10 * .02^2; the premium has mean zero.
    optimum = discrete_optimum(PROBLEM_A, np.array([0.02]), n_nodes=(3, 5))
    assert optimum.value == pytest.approx(-0.0004 * 0.99 / 0.01 - 0.004, abs=2e-9)


def test_decision_on_a_node_is_the_policy():
    optimum = discrete_optimum(PROBLEM_A, np.arange(-5, 6) * 0.005, limited_moves(11, 2), (5, 9), 1e-8)
    a, b = np.meshgrid(*optimum.nodes, indexing="ij")
    factors = np.column_stack([a.ravel(), b.ravel()])
    for held in range(11):
        chosen = optimum.decide(np.full(len(factors), held), factors)
        np.testing.assert_array_equal(chosen, optimum.policy[held].ravel())


def test_played_on_true_factors_it_earns_its_value():
    optimum = discrete_optimum(PROBLEM_A, np.arange(-20, 21) * 0.00225, limited_moves(41, 3), (9, 25), 1e-6)
    gp, rng = optimal_policy(PROBLEM_A), np.random.default_rng(2)
    paths, shortfall = 600, np.zeros(600)
    f, held, y = rng.standard_normal((paths, 2)), np.full(paths, 20), np.zeros((paths, 1))
    phi = np.diag(PROBLEM_A.phi)
    for t in range(500):
        held_before, y_before = held, y
        held, y = optimum.decide(held, f), gp.position(y, f)
        premium = f @ PROBLEM_A.loadings[0]
        worth = []
        for x, before in ((y[:, 0], y_before[:, 0]), (optimum.levels[held], optimum.levels[held_before])):
            worth.append(0.99 * (x * premium - x**2) - 10.0 * (x - before) ** 2)
        shortfall += 0.99**t * (worth[0] - worth[1])
        f = f * (1 - phi) + np.sqrt(1 - (1 - phi) ** 2) * rng.standard_normal((paths, 2))
    error = shortfall.std() / np.sqrt(paths)
    assert error < 5e-5
    assert shortfall.mean() == pytest.approx(
        OPTIMAL_VALUE - optimum.value, abs=4 * error + 3e-5
    )  # chain, tail


def test_what_cannot_be_used_is_refused():
    with pytest.raises(InvalidParameter, match="n_nodes"):
        discrete_optimum(PROBLEM_A, np.array([0.0]), n_nodes=(3,))
    with pytest.raises(InvalidParameter, match="moves"):
        discrete_optimum(PROBLEM_A, np.array([0.0, 1.0]), all_moves(3), (3, 3))
    with pytest.raises(InvalidParameter, match="nowhere"):
        discrete_optimum(PROBLEM_A, np.array([0.0, 1.0]), np.zeros((2, 2), dtype=bool), (3, 3))
    with pytest.raises(InvalidParameter, match="persistence"):
        rouwenhorst(1.0, 1.0, 5)
