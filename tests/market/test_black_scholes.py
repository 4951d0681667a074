"""The formula against QuantLib, parity, bounds, limits, differences, a tree, a simulation; printed numbers."""

import math

import numpy as np
import pytest
import QuantLib

from fund.errors import InvalidParameter
from fund.market import black_scholes as bs

N = 20_000


def options(n=N, seed=0):
    rng = np.random.default_rng(seed)
    spot = np.exp(rng.normal(4.0, 1.0, n))
    strike = spot * np.exp(rng.normal(0.0, 0.4, n))
    rates = rng.uniform(-0.02, 0.1, (2, n))
    return spot, strike, rng.uniform(1e-3, 3.0, n), *rates, rng.uniform(0.01, 1.5, n)


def test_printed_prices():
    # PAPERS 2.4 and 2.1 print 3.9878 and 2.3030; Garman and Kohlhagen (FX-9): .042958, Hull's text book .043
    assert bs.values(1, 100, 100, 0.25, 0, 0, 0.2) == pytest.approx(3.9878, abs=5e-5)
    assert bs.values(1, 100, 100, 1 / 12, 0, 0, 0.2) == pytest.approx(2.3030, abs=5e-5)
    assert bs.greeks(1, 100, 100, 1 / 12, 0, 0, 0.2).vega / 100 == pytest.approx(0.1151, abs=5e-5)
    assert bs.values(1, 1.60, 1.60, 4 / 12, 0.08, 0.11, 0.141) == pytest.approx(0.042958, abs=1e-6)


def test_prices_and_greeks_are_quantlibs():
    for sign, kind in ((1, QuantLib.Option.Call), (-1, QuantLib.Option.Put)):
        spot, strike, time, rate, dividend, sigma = options(300, seed=3)
        found = bs.greeks(sign, spot, strike, time, rate, dividend, sigma)
        for i in range(300):
            growth, discount = math.exp(-dividend[i] * time[i]), math.exp(-rate[i] * time[i])
            deviation = sigma[i] * math.sqrt(time[i])
            other = QuantLib.BlackCalculator(
                QuantLib.PlainVanillaPayoff(kind, strike[i]), spot[i] * growth / discount, deviation, discount
            )
            scale = {"rel": 1e-10, "abs": 1e-12 * max(spot[i], strike[i])}
            assert found.value[i] == pytest.approx(other.value(), **scale)
            assert found.delta[i] == pytest.approx(other.delta(spot[i]), **scale)
            assert found.gamma[i] == pytest.approx(other.gamma(spot[i]), **scale)
            assert found.vega[i] == pytest.approx(other.vega(time[i]), **scale)
            assert found.theta[i] == pytest.approx(other.theta(spot[i], time[i]), **scale)


def test_parity():  # B1
    spot, strike, time, rate, dividend, sigma = options(200_000)
    call, put = (bs.values(sign, spot, strike, time, rate, dividend, sigma) for sign in (1, -1))
    forward = spot * np.exp(-dividend * time) - strike * np.exp(-rate * time)
    assert np.max(np.abs(call - put - forward) / np.maximum(spot, strike)) < 1e-12


def test_bounds_monotone_and_convex():  # B2
    spot, strike, time, rate, dividend, sigma = options()
    tiny = 1e-12 * np.maximum(spot, strike)
    call = bs.values(1, spot, strike, time, rate, dividend, sigma)
    received, paid = spot * np.exp(-dividend * time), strike * np.exp(-rate * time)
    assert (call >= np.maximum(received - paid, 0.0) - tiny).all()
    assert (call <= received + tiny).all()
    up = [
        bs.values(1, spot * a, strike * b, time, rate, dividend, sigma * c)
        for a, b, c in ((1.01, 1, 1), (1, 1 / 1.01, 1), (1, 1, 1.01))
    ]
    assert all((more >= call - tiny).all() for more in up)
    around = [bs.values(1, spot, strike * k, time, rate, dividend, sigma) for k in (0.99, 1.01)]
    assert (around[0] + around[1] - 2.0 * call >= -tiny).all()


@pytest.mark.parametrize("sign", [1, -1])
def test_greeks_are_differences_of_prices(sign):  # B3
    rng = np.random.default_rng(5)
    strike, time = rng.uniform(70.0, 140.0, N), rng.uniform(0.05, 2.0, N)
    sigma, rate, dividend = rng.uniform(0.1, 0.8, N), 0.03, 0.01

    def priced(spot=100.0, later=0.0, more=0.0):
        return bs.greeks(sign, spot, strike, time - later, rate, dividend, sigma + more)

    found, h = priced(), 1e-4
    for name, by, step in (
        ("delta", "spot", 100.0 * h),
        ("vega", "more", h),
        ("theta", "later", h * 0.1),
    ):
        base = 100.0 if by == "spot" else 0.0
        up, down = priced(**{by: base + step}).value, priced(**{by: base - step}).value
        difference = (up - down) / (2.0 * step)
        assert np.max(np.abs(getattr(found, name) - difference) / (1.0 + np.abs(difference))) < 1e-5
    for name, of, by, step in (
        ("gamma", "delta", "spot", 0.01),
        ("vanna", "delta", "more", h / 10),
        ("volga", "vega", "more", h / 10),
    ):
        base = 100.0 if by == "spot" else 0.0
        up, down = (getattr(priced(**{by: base + s}), of) for s in (step, -step))
        difference = (up - down) / (2.0 * step)
        assert np.max(np.abs(getattr(found, name) - difference) / (1.0 + np.abs(difference))) < 1e-5


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(("time", "sigma"), [(0.0, 0.2), (0.5, 0.0), (0.0, 0.0), (1e-300, 1e-300)])
def test_limits(sign, time, sigma):  # B4
    strike = np.array([50.0, 99.0, 100.0, 101.0, 200.0])
    found = bs.greeks(sign, 100.0, strike, time, 0.0, 0.0, sigma)
    assert np.array_equal(found.value, np.maximum(sign * (100.0 - strike), 0.0))
    assert np.array_equal(found.delta, sign * np.where(strike == 100.0, 0.5, sign * (100.0 - strike) > 0))
    assert all(np.isfinite(greek).all() for greek in found)
    assert found.vega[2] == pytest.approx(100.0 * math.sqrt(time / (2.0 * math.pi)), rel=1e-12)


def test_limits_of_the_forward_and_far_strikes():  # B4
    assert bs.values(1, 100, 90, 2.0, 0.05, 0.02, 0.0) == pytest.approx(
        100 * math.exp(-0.04) - 90 * math.exp(-0.1), abs=1e-12
    )
    far = bs.greeks([1, 1, -1, -1], 100.0, [1e-6, 1e9, 1e-6, 1e9], 0.5, 0.0, 0.0, 0.2)
    np.testing.assert_allclose(far.value, [100.0 - 1e-6, 0.0, 0.0, 1e9 - 100.0], atol=1e-10)
    assert all(np.isfinite(greek).all() for greek in far)


@pytest.mark.parametrize("sign", [1, -1])
def test_implied_volatility_round_trip(sign):  # B5
    spot, strike, time, rate, dividend, sigma = options(100_000, seed=2)
    price = bs.values(sign, spot, strike, time, rate, dividend, sigma)
    found = bs.implied_volatilities(sign, price, spot, strike, time, rate, dividend)
    seen = bs.greeks(sign, spot, strike, time, rate, dividend, sigma).vega > 1e-8 * spot
    assert np.max(np.abs(found - sigma)[seen]) < 1e-6
    assert np.isfinite(found).all()


@pytest.mark.parametrize("money", [-0.5, -2.0, -10.0])
def test_implied_volatility_of_far_options(money):
    sigma = np.array([0.1, 0.3, 0.6, 1.0, 2.0, 4.0])
    price = bs.values(1, math.exp(money), 1.0, 1.0, 0.0, 0.0, sigma)
    seen = price > 1e-290
    found = bs.implied_volatilities(1, price[seen], math.exp(money), 1.0, 1.0, 0.0, 0.0)
    np.testing.assert_allclose(found, sigma[seen], rtol=1e-10)


def test_prices_outside_the_bounds_have_no_volatility():
    found = bs.implied_volatilities(1, [9.99, 10.0, 100.0, 101.0], 100.0, 90.0, 0.5, 0.0, 0.0)
    assert found[1] == 0.0
    assert np.isnan(found[[0, 2, 3]]).all()
    assert np.isnan(bs.implied_volatilities(1, 10.0, 100.0, 90.0, 0.0, 0.0, 0.0))


def test_a_tree_and_a_simulation_agree():  # B6
    spot, strike, time, rate, sigma, steps = 100.0, 105.0, 0.75, 0.04, 0.3, 1000
    up = math.exp(sigma * math.sqrt(time / steps))
    chance = (math.exp(rate * time / steps) - 1 / up) / (up - 1 / up)
    worth = np.maximum(spot * up ** np.arange(-steps, steps + 1, 2.0) - strike, 0.0)
    for _ in range(steps):
        worth = math.exp(-rate * time / steps) * (chance * worth[1:] + (1 - chance) * worth[:-1])
    exact = float(bs.values(1, spot, strike, time, rate, 0.0, sigma))
    assert abs(worth[0] - exact) < 1e-3 * spot
    z = np.random.default_rng(0).standard_normal(10**6)
    final = spot * np.exp((rate - sigma**2 / 2) * time + sigma * math.sqrt(time) * z)
    paid = math.exp(-rate * time) * np.maximum(final - strike, 0.0)
    assert abs(paid.mean() - exact) < 4.0 * paid.std() / 1000.0


def test_the_scalar_functions_run_uncompiled():
    arguments = (100.0, 95.0, 0.5, 0.03, 0.01, 0.25)
    found = bs.greeks(-1, *arguments)
    for name, sign in (("value", (-1.0,)), ("delta", (-1.0,)), ("theta", (-1.0,)), ("gamma", ()),
                       ("vega", ()), ("vanna", ()), ("volga", ())):  # fmt: skip
        compiled_function = getattr(bs, name)
        plain = getattr(compiled_function, "py_func", compiled_function)
        assert plain(*sign, *arguments) == pytest.approx(float(getattr(found, name)), rel=1e-13)


def test_arrays_broadcast():
    found = bs.values([[1], [-1]], 100.0, np.array([90.0, 100.0, 110.0]), 0.5, 0.0, 0.0, 0.2)
    assert found.shape == (2, 3)
    assert bs.greeks(1, 100, 100, 1, 0, 0, 0.2).delta.shape == ()


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"strike": [100.0, -37.0]}, "strike: found -37.0, wanted above zero"),
        ({"spot": 0.0}, "spot: found 0.0, wanted above zero"),
        ({"time": -0.1}, "time: found -0.1"),
        ({"sigma": math.nan}, "sigma: found nan"),
        ({"rate": math.inf}, "rate: found inf"),
        ({"sign": 0}, "sign: found 0.0, wanted"),
        ({"spot": [1.0, 2.0], "strike": [1.0, 2.0, 3.0]}, "do not broadcast"),
    ],
)
def test_bad_input_is_named(change, match):
    given = {
        "sign": 1,
        "spot": 100.0,
        "strike": 100.0,
        "time": 1.0,
        "rate": 0.0,
        "dividend": 0.0,
        "sigma": 0.2,
    }
    with pytest.raises(InvalidParameter, match=match):
        bs.values(**{**given, **change})
