"""Jurek & Yang's position against the differential equations, a published run and the problem without interest."""

import math

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from fund.errors import InvalidParameter
from specialists.statistical_arbitrage import theory
from specialists.statistical_arbitrage.jurek_yang import jurek_yang_critical_levels, jurek_yang_position
from specialists.statistical_arbitrage.riccati import Riccati

GOLD = {
    "kappa": 10.2728,
    "mean": 0.532823,
    "sigma": 0.0743999,
    "rate": 0.05,
}  # fit of arbitragelab's tests, 75 days


@pytest.mark.parametrize(
    ("gamma", "kappa", "mean", "sigma", "rate", "horizon"),
    [
        (2.0, 10.0, 0.5, 0.07, 0.05, 0.3),
        (0.5, 10.0, 0.5, 0.07, 0.05, 0.1),
        (0.5, 1.0, -0.5, 0.3, 0.9, 0.2),
        (0.2, 1.0, 0.5, 0.3, 2.0, 0.1),  # the discriminant is negative
        (3.0, 0.01, 0.2, 0.3, 0.5, 2.0),  # the pull is weaker than the interest
        (1.0, 4.0, 0.2, 0.3, 0.1, 2.0),
    ],
)
def test_position_solves_the_equations(gamma, kappa, mean, sigma, rate, horizon):
    push, pull, left = kappa * mean, -(kappa + rate), (1.0 - gamma) / gamma

    def coefficients(
        _, y
    ):  # of ln(value) = A S^2 + B S + C, from the Bellman equation before any simplification
        a, b = y
        bold, plain = pull + 2.0 * sigma**2 * a, push + sigma**2 * b
        return [
            left / (2.0 * sigma**2) * bold**2 - 2.0 * kappa * a + 2.0 * sigma**2 * a * a,
            left / sigma**2 * bold * plain - kappa * b + 2.0 * a * push + 2.0 * sigma**2 * a * b,
        ]

    a, b = solve_ivp(coefficients, (0.0, horizon), [0.0, 0.0], rtol=1e-11, atol=1e-12).y[:, -1]
    spread = 0.6
    wanted = (push + pull * spread) / (gamma * sigma**2) + (2.0 * a * spread + b) / gamma
    assert jurek_yang_position(spread, horizon, gamma, kappa, mean, sigma, rate) == pytest.approx(
        wanted, rel=1e-8
    )


def test_published_weights():
    spread, left = np.array([0.5532053519, 0.5423901587, 0.5054215932]), np.array([67, 46, 0]) / 252
    for gamma, weights in (
        (1.0, (-42.82308043, -22.6539479, 46.28831581)),
        (0.5, (-58.5665057992, -30.3169549896, 92.5766316230)),
        (2.0, (-31.15603589, -16.4211391034, 23.14415791)),
    ):
        held = jurek_yang_position(spread, left, gamma, **GOLD)
        np.testing.assert_allclose(held, weights, rtol=5e-4)  # the parameters are printed to six digits


def test_without_interest_it_is_boguslavsky():
    x, left, kappa, sigma = np.array([-0.2, 0.05]), np.array([0.1, 2.0]), 3.0, 0.25
    for g in (-2.0, 0.0, 0.3):
        ours = jurek_yang_position(x, left, 1.0 - g, kappa, 0.0, sigma, 0.0)
        np.testing.assert_allclose(ours, theory.optimal_position(x, left, g, kappa, sigma), rtol=1e-12)
        shifted = jurek_yang_position(x + 0.7, left, 1.0 - g, kappa, 0.7, sigma, 0.0)
        np.testing.assert_allclose(shifted, ours, rtol=1e-11)


@pytest.mark.parametrize("gamma", [0.5, 3.0])
def test_beyond_the_critical_level_exposure_is_cut(gamma):
    # the spread rises by dS, wealth by N dS: inside the levels he sells more, beyond them he buys back
    lower, upper = jurek_yang_critical_levels(0.2, gamma, **GOLD)

    def change(spread):
        step = 1e-7
        before, after = (jurek_yang_position(s, 0.2, gamma, **GOLD) for s in (spread, spread + step))
        return float((1.0 + before * step) * after - before)

    width = upper - lower
    assert change(upper - 0.01 * width) < 0.0 < change(upper + 0.01 * width)
    assert change(lower + 0.01 * width) < 0.0 < change(lower - 0.01 * width)


def test_an_infinite_utility_is_refused():
    with pytest.raises(InvalidParameter, match="utility is infinite"):
        jurek_yang_position(0.6, 50.0, 0.2, 1.0, 0.5, 0.3, 2.0)


@pytest.mark.parametrize(
    "riccati",
    [Riccati(1.0, 0.5, 2.0), Riccati(0.1, 2.0, 1.0), Riccati(0.5, 2.0, 2.0), Riccati(1.0, -1.0, 2.0)],
)
def test_explosion_of_the_riccati_equation(riccati):
    # time = int_0^inf dA / (c1 + c2 A + c3 A^2)
    latest = riccati.explosion()
    angle = np.linspace(0.0, math.pi / 2, 400_001)[:-1]
    slope = 1.0 / (
        riccati.c1 * np.cos(angle) ** 2
        + riccati.c2 * np.sin(angle) * np.cos(angle)
        + riccati.c3 * np.sin(angle) ** 2
    )
    assert latest == pytest.approx(np.trapezoid(slope, angle), rel=1e-4)
    assert riccati.solve(np.array(latest * 0.9999)).a > 1e3


def test_riccati_without_explosion():
    assert Riccati(0.1, -2.0, 1.0).explosion() == math.inf
    resting = (-0.5 - math.sqrt(8.25)) / 4.0  # root of -1 + A/2 + 2 A^2 to which it tends
    assert Riccati(-1.0, 0.5, 2.0).solve(np.array(1e4)).a == pytest.approx(resting, rel=1e-12)
