"""SABR against QuantLib's formula, the simulation against both, Bartlett's delta against a regression."""

import math

import numpy as np
import pytest
import QuantLib

from fund.errors import InvalidParameter
from fund.market import black_scholes, sabr
from fund.market.sabr import Sabr

CAO = Sabr(nu=0.6, rho=-0.4)  # PAPERS 2.5


def walks(h, steps, n, dt, seed=0):
    return sabr.paths(h, 0.2, dt, *np.random.default_rng(seed).standard_normal((2, steps, n)))


@pytest.mark.parametrize("h", [CAO, Sabr(0.3, 0.5), Sabr(1.2, 0.0)])
def test_implied_volatilities_are_quantlibs(h):
    strikes, times = np.array([60.0, 90.0, 100.0, 101.0, 150.0]), np.array([[0.08], [1.0]])
    found = sabr.implied_volatility(h, 100.0, strikes, times, 0.2)
    assert found.shape == (2, 5)
    for row, time in zip(found, times[:, 0], strict=True):
        wanted = [QuantLib.sabrVolatility(k, 100.0, time, 0.2, 1.0, h.nu, h.rho) for k in strikes]
        np.testing.assert_allclose(row, wanted, rtol=1e-9)


def test_without_noise_it_is_flat():
    assert sabr.implied_volatility(Sabr(1e-9, -0.4), 100.0, 80.0, 1.0, 0.3) == pytest.approx(0.3, rel=1e-8)


def test_simulated_prices_have_these_volatilities():
    n = 100_000
    spots, _ = walks(CAO, 21, n, 1 / 252)
    for strike in (95.0, 100.0, 105.0):
        paid = np.maximum(spots[-1] - strike, 0.0)
        sigma = float(sabr.implied_volatility(CAO, 100.0, strike, 21 / 252, 0.2))
        exact = float(black_scholes.values(1, 100.0, strike, 21 / 252, 0.0, 0.0, sigma))
        # Hagan's expansion is good to a tenth of a volatility point here
        vega = float(black_scholes.greeks(1, 100.0, strike, 21 / 252, 0.0, 0.0, sigma).vega)
        assert abs(paid.mean() - exact) < 4.0 * paid.std() / math.sqrt(n) + 1e-3 * vega


def test_moments_and_plain_twin():
    n, dt = 50_000, 1 / 50
    shock, other = np.random.default_rng(1).standard_normal((2, 20, n))
    spots, alphas = sabr.paths(CAO, 0.2, dt, shock, other, spot=50.0, drift=0.1)
    assert abs(spots[-1].mean() - 50.0 * math.exp(0.04)) < 4.0 * spots[-1].std() / math.sqrt(n)
    assert abs(alphas[-1].mean() - 0.2) < 4.0 * alphas[-1].std() / math.sqrt(n)
    for i in range(3):
        spot, alpha = 50.0, 0.2
        for t in range(20):
            w = -0.4 * shock[t, i] + math.sqrt(1 - 0.16) * other[t, i]
            spot *= math.exp((0.1 - alpha**2 / 2) * dt + alpha * math.sqrt(dt) * w)
            alpha *= math.exp(0.6 * math.sqrt(dt) * shock[t, i] - 0.18 * dt)
            assert (spots[t + 1, i], alphas[t + 1, i]) == pytest.approx((spot, alpha), rel=1e-12)


def test_bartletts_delta_is_the_slope_of_price_on_forward():
    # the regression of the option's change on the forward's over a short step
    n, dt, time, strike = 20_000, 1e-5, 0.25, 103.0
    spots, alphas = walks(CAO, 1, n, dt, seed=2)
    sigma = sabr.implied_volatility(CAO, spots[1], strike, time, alphas[1])
    worth = black_scholes.values(1, spots[1], strike, time, 0.0, 0.0, sigma)
    slope, _ = np.polyfit(spots[1] - 100.0, worth, 1)
    found = sabr.bartlett_delta(1.0, 100.0, strike, time, 0.2, CAO.nu, CAO.rho)
    # what is left is the volatility's own noise: vega nu alpha sqrt(1 - rho^2) against alpha F
    vega = float(black_scholes.greeks(1, 100.0, strike, time, 0.0, 0.0, 0.2).vega)
    error = vega * CAO.nu * math.sqrt(1 - 0.16) / 100.0 / math.sqrt(n)
    assert abs(found - slope) < 4.0 * error
    plain = sabr.bartlett_delta.py_func if hasattr(sabr.bartlett_delta, "py_func") else sabr.bartlett_delta
    assert plain(1.0, 100.0, strike, time, 0.2, CAO.nu, CAO.rho) == pytest.approx(found, rel=1e-12)


def test_bad_input_is_refused():
    with pytest.raises(InvalidParameter, match="strike"):
        sabr.implied_volatility(CAO, 100.0, -1.0, 1.0, 0.2)
    with pytest.raises(InvalidParameter, match="shocks"):
        sabr.paths(CAO, 0.2, 0.1, np.zeros((2, 2)), np.zeros((3, 2)))
    with pytest.raises(InvalidParameter, match="alpha"):
        sabr.paths(CAO, 0.0, 0.1, np.zeros((2, 2)), np.zeros((2, 2)))
