"""Printed curves and volatilities, the map between the two models, simulation under Q and P."""

import math

import numpy as np
import pytest

from fund.errors import InvalidParameter
from fund.market.term_structure import GibsonSchwartz, SchwartzSmith, Seasonality, _walk, roll_yield

OIL = SchwartzSmith(
    kappa=1.49, sigma_chi=0.286, lambda_chi=0.157, mu_xi=-0.0125, sigma_xi=0.145, mu_xi_star=0.0115, rho=0.3
)
OIL_1985 = GibsonSchwartz(
    kappa=1.876, alpha=0.106, s1=0.393, s2=0.527, rho=0.766, lambda_=0.198, r=0.06, mu=0.142
)


def test_fs_1_schwartz_curve_and_volatilities():
    # PAPERS 5.1, S = 20, delta = .10
    months = np.array([1.0, 3.0, 6.0, 12.0, 24.0, 60.0]) / 12.0
    printed = [19.9358, 19.8262, 19.7153, 19.6496, 19.8110, 20.6636]
    assert OIL_1985.futures(20.0, 0.10, months) == pytest.approx(printed, abs=1e-4)
    printed = [0.3930, 0.3628, 0.3197, 0.2842, 0.2604, 0.2540]
    assert OIL_1985.volatility(np.r_[0.0, months[:5]]) == pytest.approx(printed, abs=1e-4)
    assert OIL_1985.volatility(1e4) == pytest.approx(0.2534, abs=1e-4)
    assert OIL_1985.long_growth == pytest.approx(0.01443, abs=1e-5)
    slope = (OIL_1985.log_futures(3.0, 0.1, 41.0) - OIL_1985.log_futures(3.0, 0.1, 40.0)) / 1.0
    assert slope == pytest.approx(OIL_1985.long_growth, abs=1e-12)


def test_fs_1_mean_spot_under_q_is_the_future():
    n, steps = 40_000, 12
    chi, xi = OIL_1985.states(math.log(20.0), 0.10)
    shocks = np.random.default_rng(1).standard_normal((steps, 2, n))
    end = OIL_1985.schwartz_smith().paths(shocks, 1.0 / steps, chi, xi, risk_neutral=True)
    spot = np.exp(end[0][-1] + end[1][-1])
    assert abs(spot.mean() - 19.64956) < 4.0 * spot.std() / math.sqrt(n)


def test_fs_3_schwartz_smith_curve_and_volatilities():
    # PAPERS 5.2, chi = 0, xi = ln 20
    years = np.array([0, 1, 5, 9, 13, 17, 36, 60]) / 12.0
    printed = [20.0, 19.8709, 19.4879, 19.2828, 19.2027, 19.2050, 19.6796, 20.5437]
    assert OIL.futures(0.0, math.log(20.0), years) == pytest.approx(printed, abs=1e-4)
    printed = [0.3574, 0.3268, 0.2409, 0.1947, 0.1709, 0.1589, 0.1460, 0.1450]
    assert OIL.volatility(years) == pytest.approx(printed, abs=1e-4)
    assert 12.0 * OIL.half_life == pytest.approx(5.58, abs=0.005)


def test_what_can_be_earned():
    # PAPERS 5.3
    assert OIL.largest_sharpe == pytest.approx(0.649, abs=5e-4)
    assert 0.5 * OIL.largest_sharpe**2 == pytest.approx(0.2106, abs=1e-4)
    assert OIL.lambda_chi / OIL.sigma_chi == pytest.approx(0.549, abs=5e-4)
    assert (OIL.mu_xi - OIL.mu_xi_star) / OIL.sigma_xi == pytest.approx(-0.166, abs=5e-4)
    for near, far, drift, volatility in ((1, 5, 0.0543, 0.0989), (1, 13, 0.1074, 0.1957)):
        assert OIL.spread_drift(near / 12, far / 12) == pytest.approx(drift, abs=1e-4)
        assert OIL.spread_volatility(near / 12, far / 12) == pytest.approx(volatility, abs=1e-4)
    for month, sharpe in ((1, 0.351), (5, 0.251), (13, 0.042)):
        assert OIL.drift(month / 12) / OIL.volatility(month / 12) == pytest.approx(sharpe, abs=1e-3)
    assert OIL.drift(1 / 12, chi=0.5) == OIL.drift(1 / 12, chi=-0.5)


def test_the_two_models_are_one():
    # PAPERS 5.2: s2 = .4261, s1 = .3574, rho = .9221
    other = OIL.gibson_schwartz(0.06)
    assert (other.s2, other.s1, other.rho) == pytest.approx((0.4261, 0.3574, 0.9221), abs=1e-4)
    for field in ("kappa", "sigma_chi", "lambda_chi", "mu_xi", "sigma_xi", "mu_xi_star", "rho"):
        assert getattr(other.schwartz_smith(), field) == pytest.approx(getattr(OIL, field), abs=1e-12)
    years = np.linspace(0.0, 7.0, 29)
    for delta in (-0.2, 0.1, 0.6):
        chi, xi = OIL_1985.states(math.log(31.0), delta)
        same = OIL_1985.schwartz_smith().futures(chi, xi, years)
        assert same == pytest.approx(OIL_1985.futures(31.0, delta, years), rel=1e-12)


def test_fs_4_futures_converge_to_the_spot():
    for chi in (-0.4, 0.0, 0.7):
        assert abs(OIL.futures(chi, 3.0, 1e-12) / math.exp(chi + 3.0) - 1.0) < 1e-9
        assert abs(OIL_1985.futures(20.0, chi, 1e-12) / 20.0 - 1.0) < 1e-9


def test_fs_10_the_season_does_not_decay():
    season = Seasonality((0.05,), (0.0,))
    delivery = np.arange(0.0, 12.0, 0.5)  # turns of the year and of the half-year, for twelve years
    with_season = np.exp(OIL.log_futures(0.2, 3.0, delivery) + season(delivery))
    swing = with_season / OIL.futures(0.2, 3.0, delivery)
    assert swing == pytest.approx(np.exp(0.05 * (-1.0) ** np.arange(24)), abs=1e-12)


def test_a_premium_with_a_slope_is_earned_whatever_chi_is():
    # the mean of F over a short step, by the exact law of the states, against the drift of the closed form
    model = SchwartzSmith(0.9, 0.286, 0.05, -0.01, 0.145, 0.0, 0.3, premium_slope=0.6)
    dt, t = 1e-5, 0.4
    step = model.transition(dt)
    for chi in (-0.3, 0.0, 0.5):
        e = float(model.loading(t - dt))
        variance = (e * step.chi_deviation) ** 2 + step.xi_deviation**2
        variance += 2.0 * e * step.correlation * step.chi_deviation * step.xi_deviation
        mean = model.log_futures(step.kept * chi, step.xi_shift, t - dt) + 0.5 * variance
        drift = (mean - model.log_futures(chi, 0.0, t)) / dt
        assert drift == pytest.approx(float(model.drift(t, chi)), abs=2e-5)


def test_exact_steps_do_not_depend_on_their_length():
    one, many = OIL.transition(0.5), OIL.transition(0.5 / 64)
    assert one.kept == pytest.approx(many.kept**64, rel=1e-12)
    variance = many.chi_deviation**2 * sum(many.kept ** (2 * k) for k in range(64))
    assert one.chi_deviation**2 == pytest.approx(variance, rel=1e-12)
    cross = many.correlation * many.chi_deviation * many.xi_deviation * sum(many.kept**k for k in range(64))
    assert one.correlation * one.chi_deviation * one.xi_deviation == pytest.approx(cross, rel=1e-12)


def test_compiled_paths_are_their_plain_twin():
    shocks = np.random.default_rng(2).standard_normal((30, 2, 5))
    step, plain = OIL.transition(0.01), np.zeros((2, 31, 5))
    plain[1] = 3.0
    getattr(_walk, "py_func", _walk)(shocks, step, plain)
    chi, xi = OIL.paths(shocks, 0.01, 0.0, 3.0)
    assert np.allclose(chi, plain[0], rtol=1e-13) and np.allclose(xi, plain[1], rtol=1e-13)


def test_roll_yield_and_what_is_refused():
    assert roll_yield(102.0, 100.0, 0.25) == pytest.approx(0.08)
    for wrong in ({"kappa": 0.0}, {"rho": 1.5}, {"sigma_xi": -0.1}):
        with pytest.raises(InvalidParameter, match=next(iter(wrong))):
            SchwartzSmith(**{**vars(OIL), **wrong})
    with pytest.raises(InvalidParameter, match="premium_slope"):
        SchwartzSmith(**{**vars(OIL), "premium_slope": 0.1}).gibson_schwartz(0.05)
