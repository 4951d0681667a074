"""The dynamic programme against simulation, brute force, the continuous limit and its own bounds."""

import math
from dataclasses import replace

import numpy as np
import pytest
from numba import njit
from scipy.optimize import minimize_scalar

from fund.errors import InvalidParameter
from specialists.statistical_arbitrage import theory
from specialists.statistical_arbitrage.discrete_optimum import Grid, Problem, discrete_optimum, policy_worth

PAPER = Problem(horizon=1.0, n_steps=500, g=-1.0)


def closed_form(step, x):
    return theory.optimal_position(x, 1.0 - step / 500, -1.0)


def myopic(_, x):
    return theory.myopic_position(x, -1.0)


def kelly(_, x):
    return theory.kelly_position(x)


@njit
def final_wealth(multiples, paths, rng):  # position -multiples[k, t] x in each of k accounts, from x = 0
    accounts, steps = multiples.shape
    decay = math.exp(-1.0 / steps)
    noise = math.sqrt((1.0 - decay * decay) / 2.0)
    wealth = np.ones((accounts, paths))
    for i in range(paths):
        x = 0.0
        for t in range(steps):
            y = x * decay + noise * rng.standard_normal()
            for k in range(accounts):
                wealth[k, i] *= 1.0 - multiples[k, t] * x * (y - x)
            x = y
    return wealth


def simulated(paths, seed):
    # certainty equivalents and their standard errors: closed form, myopic and Kelly for g = -1, Kelly for log
    left = 1.0 - np.arange(500) / 500
    multiples = np.stack([theory.optimal_position(-1.0, left, -1.0), np.full(500, 0.5), np.ones(500)])
    wealth = final_wealth(multiples, paths, np.random.default_rng(seed))
    inverse, logs = 1.0 / wealth, np.log(wealth[2])
    means = np.append(1.0 / inverse.mean(axis=1), math.exp(logs.mean()))
    errors = np.append(inverse.std(axis=1) * means[:3] ** 2, logs.std() * means[3]) / math.sqrt(paths)
    return means, errors


def on_the_grid():
    log = replace(PAPER, g=0.0)
    worth = [policy_worth(PAPER, policy) for policy in (closed_form, myopic, kelly)]
    return np.array([w.certainty_equivalent() for w in (*worth, policy_worth(log, kelly))])


def test_table_of_the_continuous_optimum():  # section 4.3: closed form, myopic, Kelly; log
    means, errors = simulated(20_000, 1)
    printed = np.array([1.0917, 1.0895, 0.9966, 1.14906])  # from 100,000 paths
    assert np.all(np.abs(means - printed) < 4.0 * errors * math.sqrt(1.0 + 20_000 / 100_000))
    assert np.all(np.abs(means - on_the_grid()) < 4.0 * errors)


@pytest.mark.slow
def test_table_of_the_continuous_optimum_with_many_paths():
    means, errors = simulated(1_000_000, 2)
    assert np.all(np.abs(means - on_the_grid()) < 4.0 * errors)


def test_acceptance_band():  # SA-7
    closed, best = policy_worth(PAPER, closed_form), discrete_optimum(PAPER)
    assert closed.certainty_equivalent() == pytest.approx(1.092, abs=0.003)
    assert (
        closed.certainty_equivalent()
        <= best.certainty_equivalent()
        < theory.certainty_equivalent(1.0, -1.0)
        < 1.0955
    )
    assert policy_worth(PAPER, best.decide).certainty_equivalent() == pytest.approx(
        best.certainty_equivalent(), abs=1e-9
    )


@pytest.mark.parametrize("g", [-4.0, 0.0, 0.5])
def test_no_other_policy_is_worth_more(g):
    problem = Problem(horizon=1.5, n_steps=60, g=g)
    best = discrete_optimum(problem)
    inside = np.abs(best.x) < 2.0
    for factor, shift in ((0.95, 0.0), (1.05, 0.0), (1.0, 0.05)):
        other = policy_worth(problem, lambda t, x, f=factor, s=shift: f * best.decide(t, x) + s)
        assert np.all(other.certainty_equivalents[inside] < best.certainty_equivalents[inside])


@pytest.mark.parametrize("g", [-1.0, 0.0, 0.5])
def test_many_steps_approach_the_closed_form(g):
    coarse, fine = (discrete_optimum(Problem(1.0, n, g)) for n in (400, 800))
    x = fine.x[285]  # about 0.9
    limit = theory.certainty_equivalent(1.0, g, x)
    gaps = [limit - found.certainty_equivalent(x) for found in (coarse, fine)]
    assert gaps[0] / gaps[1] == pytest.approx(2.0, rel=0.02)  # of first order in the step
    held = theory.optimal_position(x, 1.0, g)
    assert fine.decide(0, x) == pytest.approx(held, rel=0.02)
    assert abs(fine.decide(0, x) - held) < abs(coarse.decide(0, x) - held)


@pytest.mark.parametrize("g", [-1.0, 0.0, 0.5])
def test_two_steps_by_brute_force(g):
    shocks, weights = np.polynomial.hermite_e.hermegauss(5)
    weights = weights / weights.sum()
    decay, noise = math.exp(-0.02), math.sqrt((1.0 - math.exp(-0.04)) / 2.0)

    def utility(growth):
        return np.log(growth) if g == 0.0 else growth**g / g

    def step(x, ahead):  # best position and its value, `ahead` giving the value function's factor or summand
        y = x * decay + noise * shocks
        moves, later = y - x, np.array([ahead(v) for v in y])

        def loss(a):
            gains = utility(1.0 + a * moves)
            return -float(weights @ (gains + later if g == 0.0 else gains * later))

        found = minimize_scalar(
            loss,
            bounds=(-0.999 / moves.max(), -0.999 / moves.min()),
            method="bounded",
            options={"xatol": 1e-10},
        )
        return float(found.x), -float(found.fun)

    def last(x):
        return step(x, lambda _: 0.0 if g == 0.0 else 1.0)[1] * (g or 1.0)

    found = discrete_optimum(Problem(0.04, 2, g), Grid(shocks=5))
    x = found.x[240]  # about 0.8
    held, value = step(x, last)
    assert found.decide(0, x) == pytest.approx(held, rel=1e-5)
    wanted = math.exp(value) if g == 0.0 else (g * value) ** (1.0 / g)
    assert found.certainty_equivalent(x) == pytest.approx(wanted, rel=1e-7)


def test_log_positions_look_one_step_ahead():
    best = discrete_optimum(Problem(1.0, 50, 0.0))
    assert np.all(np.abs(np.diff(best.position, axis=0)) < 1e-9)


def test_positions_are_odd_and_values_even():
    best = discrete_optimum(replace(PAPER, n_steps=20))
    np.testing.assert_allclose(best.position, -best.position[:, ::-1], atol=1e-9)
    np.testing.assert_allclose(best.certainty_equivalents, best.certainty_equivalents[::-1], rtol=1e-12)


def test_a_bound_costs_and_is_kept():
    worth = []
    for bound in (0.0, 0.3, 0.8, 5.0, math.inf):
        best = discrete_optimum(replace(PAPER, n_steps=100, max_position=bound))
        assert np.abs(best.position).max() <= bound + 1e-12
        worth.append(best.certainty_equivalent())
    assert worth[0] == pytest.approx(1.0, abs=1e-12)
    assert worth[0] < worth[1] < worth[2] < worth[3] <= worth[4]
    clipped = policy_worth(replace(PAPER, n_steps=100, max_position=0.3), closed_form)
    assert np.abs(clipped.position).max() == pytest.approx(0.3)


def test_general_spread_is_a_change_of_units():
    kappa, sigma = 12.0, 0.3
    unit = sigma / math.sqrt(kappa)
    plain = discrete_optimum(Problem(1.0, 30, -2.0, max_position=0.7))
    scaled = discrete_optimum(Problem(1.0 / kappa, 30, -2.0, kappa, sigma, max_position=0.7 / unit))
    np.testing.assert_allclose(scaled.x, plain.x * unit, rtol=1e-12)
    np.testing.assert_allclose(scaled.position * unit, plain.position, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(scaled.certainty_equivalents, plain.certainty_equivalents, rtol=1e-10)


def test_finer_grids_change_nothing():
    found = [
        discrete_optimum(replace(PAPER, n_steps=200), grid).certainty_equivalent(1.0)
        for grid in (Grid(), Grid(7.0, 601, 13), Grid(6.0, 301, 9))
    ]
    assert max(found) - min(found) < 1e-6


@pytest.mark.parametrize(
    "change", [{"g": 1.0}, {"n_steps": 0}, {"horizon": 0.0}, {"max_position": -1.0}, {"kappa": math.nan}]
)
def test_bad_problems_are_refused(change):
    with pytest.raises(InvalidParameter, match=next(iter(change))):
        replace(PAPER, **change)
