"""Heston against QuantLib, the printed numbers, a plain twin of the scheme, and the moments of the variance."""

import math

import numpy as np
import pytest
import QuantLib

from fund.errors import InvalidParameter
from fund.market import heston
from fund.market.heston import Heston

BROADIE_KAYA = Heston(v0=0.010201, kappa=6.21, theta=0.019, xi=0.61, rho=-0.70, rate=0.0319)
SETS = (BROADIE_KAYA, Heston(0.04, 5.0, 0.04, 0.5, -0.7, 0.02, 0.01), Heston(0.09, 1.5, 0.04, 1.0, -0.9),
        Heston(0.02, 3.0, 0.03, 0.3, 0.5))  # fmt: skip


def normals(steps, n, seed=0):
    return np.random.default_rng(seed).standard_normal((2, steps, n))


def quantlibs(h, sign, strike, days):
    today = QuantLib.Date(2, 1, 2025)
    QuantLib.Settings.instance().evaluationDate = today
    count = QuantLib.Actual365Fixed()
    curves = [
        QuantLib.YieldTermStructureHandle(QuantLib.FlatForward(today, r, count)) for r in (h.rate, h.dividend)
    ]
    spot = QuantLib.QuoteHandle(QuantLib.SimpleQuote(100.0))
    process = QuantLib.HestonProcess(*curves, spot, h.v0, h.kappa, h.theta, h.xi, h.rho)
    kind = QuantLib.Option.Call if sign > 0 else QuantLib.Option.Put
    option = QuantLib.VanillaOption(
        QuantLib.PlainVanillaPayoff(kind, strike), QuantLib.EuropeanExercise(today + days)
    )
    option.setPricingEngine(QuantLib.AnalyticHestonEngine(QuantLib.HestonModel(process), 1e-12, 100_000))
    return option.NPV()


def test_printed_price():  # VT-2: Broadie and Kaya (2006), set 1
    assert heston.price(BROADIE_KAYA, 1, 100.0, 100.0, 1.0) == pytest.approx(6.80611, abs=5e-6)


def test_buehlers_call():  # PAPERS 2.6: risk-neutral price 1.69; its 1.6921 is .0003 from QuantLib's figure
    h = Heston(0.04, 1.0, 0.04, 2.0, -0.7)
    found = heston.price(h, 1, 100.0, 100.0, 30 / 365)
    assert found == pytest.approx(1.69, abs=5e-3)
    assert found == pytest.approx(quantlibs(h, 1, 100.0, 30), abs=1e-9)


@pytest.mark.parametrize("h", SETS)
@pytest.mark.parametrize("days", [10, 91, 730])
def test_prices_are_quantlibs(h, days):
    strikes = np.array([75.0, 95.0, 100.0, 110.0, 135.0])
    for sign in (1, -1):
        found = heston.price(h, sign, 100.0, strikes, days / 365)
        wanted = [quantlibs(h, sign, strike, days) for strike in strikes]
        np.testing.assert_allclose(found, wanted, atol=1e-7)


def test_parity_and_shapes():
    strikes, h = np.array([[80.0], [120.0]]), SETS[1]
    call, put = (heston.price(h, sign, np.array([90.0, 100.0, 110.0]), strikes, 0.5) for sign in (1, -1))
    assert call.shape == (2, 3)
    forward = np.array([90.0, 100.0, 110.0]) * math.exp(-0.005) - strikes * math.exp(-0.01)
    np.testing.assert_allclose(call - put, forward, atol=1e-12)


def test_without_noise_or_time_it_is_black_scholes():
    still = Heston(0.04, 2.0, 0.04, 0.0, -0.5)
    assert heston.price(still, 1, 100.0, 100.0, 0.25) == pytest.approx(3.9878, abs=5e-5)
    assert heston.price(SETS[0], -1, 100.0, 110.0, 0.0) == 10.0


def test_fair_variance():  # VT-4
    assert heston.fair_variance(BROADIE_KAYA, 1.0) == pytest.approx(0.017586, abs=5e-7)
    assert heston.fair_variance(BROADIE_KAYA, 0.0) == BROADIE_KAYA.v0
    h, times = SETS[2], np.array([0.1, 1.0, 3.0])
    steps = np.linspace(0.0, 1.0, 20_001)
    for time, found in zip(times, heston.fair_variance(h, times), strict=True):
        curve = h.theta + (h.v0 - h.theta) * np.exp(-h.kappa * time * steps)
        assert found == pytest.approx(np.trapezoid(curve, steps), rel=1e-8)


def test_vix_squared_is_the_fair_variance_of_thirty_days():
    h = Heston(0.04, 5.0, 0.04, 0.5, -0.7).under_q(-2.0)
    assert heston.vix_squared(h) == heston.fair_variance(h, 30 / 365)
    curve = heston.vix_squared(h, np.array([30, 90, 180]) / 365)
    assert (np.diff(curve) > 0).all()  # a premium at the long-run level: the curve rises


@pytest.mark.parametrize(("lam", "log_ratio"), [(-2.0, -0.073)])
def test_premium_of_the_measure_change(lam, log_ratio):  # PAPERS 3.4
    p = Heston(0.04, 5.0, 0.04, 0.5, -0.7)
    q = p.under_q(lam)
    assert (q.kappa, q.theta) == pytest.approx((3.0, 0.2 / 3.0))
    ratio = heston.fair_variance(p, 30 / 365) / heston.fair_variance(q, 30 / 365)
    assert math.log(ratio) == pytest.approx(log_ratio, abs=2e-3)


def plain_qe(h, dt, v, shock, other):
    # Andersen (2008), section 3.2 and equations 33 and 41-44, written from the paper with his own symbols
    e = math.exp(-h.kappa * dt)
    m = h.theta + (v - h.theta) * e
    s2 = v * h.xi**2 * e / h.kappa * (1 - e) + h.theta * h.xi**2 / (2 * h.kappa) * (1 - e) ** 2
    psi = s2 / m**2
    k1 = 0.5 * dt * (h.kappa * h.rho / h.xi - 0.5) - h.rho / h.xi
    k2 = 0.5 * dt * (h.kappa * h.rho / h.xi - 0.5) + h.rho / h.xi
    k3 = k4 = 0.5 * dt * (1 - h.rho**2)
    a_ = k2 + 0.5 * k4
    if psi <= 1.5:
        b2 = 2 / psi - 1 + math.sqrt(2 / psi) * math.sqrt(2 / psi - 1)
        a = m / (1 + b2)
        v1 = a * (math.sqrt(b2) + shock) ** 2
        k0 = -a_ * b2 * a / (1 - 2 * a_ * a) + 0.5 * math.log(1 - 2 * a_ * a) - (k1 + 0.5 * k3) * v
    else:
        p = (psi - 1) / (psi + 1)
        beta = (1 - p) / m
        u = 0.5 * math.erfc(-shock / math.sqrt(2))
        v1 = 0.0 if u <= p else math.log((1 - p) / (1 - u)) / beta
        k0 = -math.log(p + beta * (1 - p) / (beta - a_)) - (k1 + 0.5 * k3) * v
    return v1, (h.rate - h.dividend) * dt + k0 + k1 * v + k2 * v1 + math.sqrt(k3 * v + k4 * v1) * other


@pytest.mark.parametrize("h", SETS)
def test_the_scheme_equals_its_plain_twin(h):
    shock, other = normals(40, 5, seed=1)
    for dt in (1 / 252, 1 / 12):
        spots, variances = heston.paths(h, dt, shock, other, spot=50.0)
        for i in range(5):
            v, log = h.v0, math.log(50.0)
            for t in range(40):
                v, move = plain_qe(h, dt, v, shock[t, i], other[t, i])
                log += move
                assert variances[t + 1, i] == pytest.approx(v, rel=1e-9, abs=1e-13)
                assert spots[t + 1, i] == pytest.approx(math.exp(log), rel=1e-9)


@pytest.mark.parametrize("h", SETS)
def test_moments_are_exact_at_any_step(h):
    n = 100_000
    spots, variances = heston.paths(h, 0.25, *normals(4, n, seed=2))
    grown = spots[-1] * math.exp(-(h.rate - h.dividend))
    assert abs(grown.mean() - 100.0) < 4.0 * grown.std() / math.sqrt(n)
    e = math.exp(-h.kappa)
    mean = h.theta + (h.v0 - h.theta) * e
    spread = h.v0 * h.xi**2 * e / h.kappa * (1 - e) + h.theta * h.xi**2 / (2 * h.kappa) * (1 - e) ** 2
    v = variances[-1]
    assert abs(v.mean() - mean) < 4.0 * v.std() / math.sqrt(n)
    fourth = np.mean((v - v.mean()) ** 4)
    assert abs(v.var() - spread) < 4.0 * math.sqrt((fourth - v.var() ** 2) / n)


def simulated(steps, n, seed):
    h = BROADIE_KAYA
    spots, _ = heston.paths(h, 1.0 / steps, *normals(steps, n, seed))
    paid = math.exp(-h.rate) * np.maximum(spots[-1] - 100.0, 0.0)
    realised = (np.diff(np.log(spots), axis=0) ** 2).sum(axis=0)
    return paid, realised


def test_simulated_price_and_realised_variance():  # VT-2 and VT-4; reflection gives 7.55 at 25 steps, 6.97 at 252
    n = 20_000
    paid, realised = simulated(52, n, seed=3)
    assert abs(paid.mean() - 6.80611) < 4.0 * paid.std() / math.sqrt(n)
    assert abs(realised.mean() - 0.017586) < 4.0 * realised.std() / math.sqrt(n) + 2e-4


@pytest.mark.slow
def test_simulated_price_and_realised_variance_of_many():  # VT-2 and VT-4 as printed
    paid, realised = simulated(252, 100_000, seed=4)
    assert abs(paid.mean() - 6.8061) < 0.07
    assert abs(realised.mean() - 0.0176) < 2e-4


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"kappa": 0.0}, "kappa"),
        ({"theta": -0.1}, "theta is -0.1"),
        ({"rho": 1.5}, "rho"),
        ({"v0": math.nan}, "v0"),
    ],
)
def test_bad_parameters_are_refused(changes, match):
    given = {"v0": 0.04, "kappa": 2.0, "theta": 0.04, "xi": 0.3, "rho": -0.5}
    with pytest.raises(InvalidParameter, match=match):
        Heston(**{**given, **changes})


def test_other_bad_input_is_refused():
    with pytest.raises(InvalidParameter, match="kappa under Q"):
        SETS[1].under_q(-5.0)
    with pytest.raises(InvalidParameter, match="time is -1"):
        heston.price(SETS[1], 1, 100.0, 100.0, -1.0)
    with pytest.raises(InvalidParameter, match="strike"):
        heston.price(SETS[1], 1, 100.0, 0.0, 1.0)
    with pytest.raises(InvalidParameter, match="shocks"):
        heston.paths(SETS[1], 0.1, np.zeros((3, 2)), np.zeros((2, 2)))
