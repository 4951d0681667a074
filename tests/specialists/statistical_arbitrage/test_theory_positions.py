"""Continuous positions against the paper's numbers, the Bellman equation and moment equations."""

import math

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from fund.errors import InvalidParameter
from specialists.statistical_arbitrage import theory


def test_continuous_table():  # section 4.3
    assert theory.certainty_equivalent(1.0, 0.0) == pytest.approx(1.15248, abs=5e-6)
    assert theory.certainty_equivalent(1.0, -1.0) == pytest.approx(1.09376, abs=5e-6)
    assert theory.linear_certainty_equivalent(1.0, 1.0, -1.0) == pytest.approx(
        1.0, abs=1e-12
    )  # Kelly earns nothing


@pytest.mark.parametrize("g", [-4.0, -1.0, 0.0, 0.6])
def test_position_solves_the_reduced_equation(g):
    # y' = 1 - nu^2 y^2, y(0) = 1, position -x nu^2 y
    nu2 = 1.0 / (1.0 - g)
    path = solve_ivp(
        lambda _, y: 1.0 - nu2 * y * y, (0.0, 3.0), [1.0], t_eval=[0.0, 0.3, 1.0, 3.0], rtol=1e-10, atol=1e-12
    )
    held = theory.optimal_position(-1.0, path.t, g)
    np.testing.assert_allclose(held, nu2 * path.y[0], rtol=1e-8)
    assert held[0] == pytest.approx(theory.myopic_position(-1.0, g))


def test_general_spread_is_a_change_of_units():
    kappa, sigma, x, left, g = 12.0, 0.3, -0.07, 0.2, -2.0
    unit = sigma / math.sqrt(kappa)
    held = theory.optimal_position(x, left, g, kappa, sigma)
    assert held * unit == pytest.approx(theory.optimal_position(x / unit, left * kappa, g))
    assert theory.kelly_position(x, kappa, sigma) == pytest.approx(-kappa * x / sigma**2)
    ours = theory.certainty_equivalent(left, g, x, kappa, sigma)
    assert ours == pytest.approx(theory.certainty_equivalent(left * kappa, g, x / unit))


@pytest.mark.parametrize("g", [-3.0, -1.0, 0.4])
def test_value_solves_bellman(g):
    # J = W^g/g f(x, tau), f = CE^g: f_tau = max over a of g (-x a) f + g (g-1)/2 a^2 f + g a f_x - x f_x + f_xx/2
    def f(x, tau):
        return theory.certainty_equivalent(tau, g, x) ** g

    x, tau, h = 0.7, 0.8, 1e-3
    slope, bend = (
        (f(x + h, tau) - f(x - h, tau)) / (2 * h),
        (f(x + h, tau) - 2 * f(x, tau) + f(x - h, tau)) / h**2,
    )
    a = float(theory.optimal_position(x, tau, g))
    right = g * a * (-x * f(x, tau) + slope) + g * (g - 1) / 2 * a * a * f(x, tau) - x * slope + bend / 2
    assert (f(x, tau + h) - f(x, tau - h)) / (2 * h) == pytest.approx(right, rel=1e-5)
    assert a == pytest.approx(-(-x * f(x, tau) + slope) / ((g - 1) * f(x, tau)), rel=1e-5)


def test_log_growth_tends_to_a_quarter_of_the_speed():
    long = math.log(
        theory.certainty_equivalent(50.0, 0.0, kappa=2.0) / theory.certainty_equivalent(40.0, 0.0, kappa=2.0)
    )
    assert long / 10.0 == pytest.approx(theory.stationary_log_growth(2.0), rel=1e-9)


@pytest.mark.parametrize("g", [-2.0, 0.0, 0.5])
@pytest.mark.parametrize("multiple", [0.3, 1.0, 1.3])
def test_linear_policies_against_their_moment_equation(g, multiple):
    k, y0, tau = multiple, 0.4, 0.6
    if g == 0.0:  # growth (k - k^2/2) int E[x^2]
        path = solve_ivp(lambda _, m: [1 - 2 * m[0], m[0]], (0, tau), [y0**2, 0.0], rtol=1e-10, atol=1e-12)
        area = path.y[1, -1]
        expected = math.exp((k - k * k / 2) * area)
    else:
        p, q = solve_ivp(
            lambda _, m: [k * g * (1 + (g - 1) * k / 2) - 2 * (1 + g * k) * m[0] + 2 * m[0] ** 2, m[0]],
            (0, tau), [0.0, 0.0], rtol=1e-10, atol=1e-12,
        ).y[:, -1]  # fmt: skip
        expected = math.exp((p * y0**2 + q) / g)
    assert theory.linear_certainty_equivalent(k, tau, g, y0) == pytest.approx(expected, rel=1e-8)
    assert theory.linear_certainty_equivalent(k, tau, g, y0) <= theory.certainty_equivalent(tau, g, y0)


def test_too_bold_a_multiple_is_worth_nothing_in_the_long_run():
    assert theory.linear_certainty_equivalent(2.0, 0.5, -1.0) > 0.0
    assert theory.linear_certainty_equivalent(2.0, 5.0, -1.0) == 0.0


def test_risk_aversion_must_be_below_one():
    with pytest.raises(InvalidParameter, match=r"g = 1\.0: wanted"):
        theory.optimal_position(0.1, 1.0, 1.0)
