"""Surface against Heston, QuantLib's Bates and chains worked out; stylised facts; forecasts against what comes."""

import math

import numpy as np
import pytest
import QuantLib

from fund.market import black_scholes
from fund.market.heston import Heston, fair_variance, price
from fund.market.streams import Paths
from fund.training.evaluate import held_out
from specialists.volatility_trading import market, other_markets, surface
from specialists.volatility_trading.features import WARM_UP
from specialists.volatility_trading.strategy import VolatilityTrading
from specialists.volatility_trading.surface import Bates

DT = 1 / 252
ALONE = ((1.0,),)


def at(tables, d, v, y, regime=0):
    fair = tables.slope[d] * v + tables.level[d, regime]
    return math.sqrt(fair) * surface.at_moneyness(tables.ratio[d, regime], math.sqrt(v), y), fair


@pytest.mark.parametrize("d", [5, 21])
def test_one_regime_is_heston(d):
    tables = surface.surface(Bates(4.0, 0.5, -0.7, (0.03,), ALONE, DT), 5, 21)
    for v in (0.01, 0.0289, 0.09):
        h = Heston(v, 4.0, 0.03, 0.5, -0.7)
        for y in (-2.6, -1.1, 0.0, 0.4, 1.9):
            found, fair = at(tables, d, v, y)
            assert fair == pytest.approx(float(fair_variance(h, d * DT)), rel=1e-12)
            strike, sign = math.exp(y * math.sqrt(fair * d * DT)), 1 if y > 0 else -1
            exact = price(h, sign, 1.0, strike, d * DT)
            wanted = black_scholes.implied_volatilities(sign, exact, 1.0, strike, d * DT, 0.0, 0.0)
            assert found == pytest.approx(float(wanted), abs=3e-5)


def test_jumps_are_quantlibs():
    rate, mean, deviation, days = 2.0, -0.05, 0.03, 21
    # QuantLib counts days of 365: as many steps of that length
    tables = surface.surface(Bates(4.0, 0.4, -0.7, (0.03,), ALONE, 1 / 365, rate, mean, deviation), 5, days)
    today = QuantLib.Date(2, 1, 2025)
    QuantLib.Settings.instance().evaluationDate = today
    flat = QuantLib.YieldTermStructureHandle(QuantLib.FlatForward(today, 0.0, QuantLib.Actual365Fixed()))
    spot = QuantLib.QuoteHandle(QuantLib.SimpleQuote(1.0))
    process = QuantLib.BatesProcess(flat, flat, spot, 0.02, 4.0, 0.03, 0.4, -0.7, rate, mean, deviation)
    engine = QuantLib.BatesEngine(QuantLib.BatesModel(process), 144)
    for y in (-2.0, -0.5, 0.0, 1.0):
        found, fair = at(tables, days, 0.02, y)
        strike = math.exp(y * math.sqrt(fair * days / 365))
        kind = QuantLib.Option.Put if y <= 0 else QuantLib.Option.Call
        option = QuantLib.VanillaOption(
            QuantLib.PlainVanillaPayoff(kind, strike), QuantLib.EuropeanExercise(today + days)
        )
        option.setPricingEngine(engine)
        ours = black_scholes.values(-1 if y <= 0 else 1, 1.0, strike, days / 365, 0.0, 0.0, found)
        assert float(ours) == pytest.approx(option.NPV(), abs=3e-6)


def test_a_chain_that_stands_still_is_its_regime():
    still = surface.surface(Bates(4.0, 0.5, -0.7, (0.02, 0.09), ((1.0, 0.0), (0.0, 1.0)), DT), 5, 10)
    for k, theta in enumerate((0.02, 0.09)):
        alone = surface.surface(Bates(4.0, 0.5, -0.7, (theta,), ALONE, DT), 5, 10)
        np.testing.assert_allclose(still.ratio[5:, k, :, 6:25], alone.ratio[5:, 0, :, 6:25], rtol=1e-5)
        np.testing.assert_allclose(still.level[:, k], alone.level[:, 0], rtol=1e-12)


def test_fair_variance_of_a_chain_by_enumeration():
    chain = np.array([[0.7, 0.3], [0.2, 0.8]])
    m = Bates(4.0, 0.5, -0.7, (0.02, 0.09), tuple(map(tuple, chain)), DT)
    slope, level = surface.fair_variances(m, 3)
    for k in range(2):
        total = 0.0
        for path in ((a, b) for a in range(2) for b in range(2)):
            chance, v = chain[k, path[0]] * chain[path[0], path[1]], 0.05
            for regime in (k, *path):
                h = Heston(v, 4.0, m.thetas[regime], 0.5, -0.7)
                total += chance * float(fair_variance(h, DT)) / 3.0
                v = m.thetas[regime] + (v - m.thetas[regime]) * math.exp(-4.0 * DT)
        assert slope[3] * 0.05 + level[3, k] == pytest.approx(total, rel=1e-12)


def returns_of(desk, paths, days):
    return np.diff(np.log(desk.with_steps(days).record(paths)["spot"]), axis=0)


def acf(x, y, lag):
    n = len(x)
    products = (x[: n - lag] - x.mean(axis=0)) * (y[lag:] - y.mean(axis=0))
    return np.median(products.mean(axis=0) / x.std(axis=0) / y.std(axis=0))


def kurtosis(x):
    return ((x - x.mean(axis=0)) ** 4).mean(axis=0) / x.var(axis=0) ** 2


def hurst(x):
    sizes = 2 ** np.arange(1, 8)
    deviation = [x[: len(x) // m * m].reshape(-1, m, x.shape[1]).mean(axis=1).std(axis=0) for m in sizes]
    return np.median(1.0 + np.polyfit(np.log(sizes), np.log(deviation), 1)[0])


@pytest.mark.parametrize("preset", ["default", "gjr"])
def test_stylised_facts(preset):  # SF-1: medians of 40 paths of 5,000 days
    r = returns_of(VolatilityTrading.preset(preset), held_out(40), 5000)
    size = np.abs(r)
    top = np.sort(np.abs(r - r.mean(axis=0)), axis=0)[-100:]
    assert 5.0 < np.median(kurtosis(r)) < 25.0
    assert np.median(kurtosis(r.reshape(-1, 20, 40).sum(axis=1)) / kurtosis(r)) < 0.85
    assert max(abs(acf(r, r, 1)), abs(acf(r, r, 5))) < 0.05
    assert 0.10 < acf(size, size, 1) < 0.35
    assert 0.08 < acf(size, size, 10) < 0.30
    assert 0.03 < acf(size, size, 50) < 0.20
    assert acf(size, size, 100) > 0.01
    assert -0.15 < acf(r, r**2, 1) < -0.02
    assert -0.08 < acf(r, r**2, 20) < 0.0
    assert 2.5 < np.median(1.0 / np.log(top[1:] / top[0]).mean(axis=0)) < 5.0
    assert 0.68 < hurst(size) < 0.95
    assert 0.45 < hurst(r) < 0.55


@pytest.mark.parametrize("kind", ["gjr", "rough"])
def test_quotes_without_premium_are_forecasts(kind):
    fair = {"demand_mean": 0.0, "demand_deviation": 0.0, "premium": 0.0}
    desk, n = VolatilityTrading(market=kind, weather=kind == "gjr", n_steps=30, **fair), 3000
    paths = Paths.of(0, n)
    draw = getattr(other_markets, kind)
    found = draw(desk, paths, market.sky_of(desk, desk.sky(paths, 31, None)))
    squares = np.diff(found.log_spot[WARM_UP : WARM_UP + 22], axis=0) ** 2
    month = 21  # of 252: 30 days are 20.7 steps
    gap = squares.sum(axis=0) * 252 / month - found.far[0, WARM_UP] ** 2
    assert abs(gap.mean()) < 4.0 * gap.std() / math.sqrt(n)
    conditional = gap * (found.far[0, WARM_UP] > np.median(found.far[0, WARM_UP]))
    assert abs(conditional.mean()) < 4.0 * conditional.std() / math.sqrt(n)


def test_the_index_follows_the_weather():
    desk, paths = VolatilityTrading(jump_rate=0.0), Paths.of(1, 400)
    sky = desk.sky(paths, 253, None)
    r = np.diff(np.log(desk.record(paths, sky)["spot"]), axis=0)
    scaled = r / sky.volatility[:-1]
    assert np.corrcoef(scaled.ravel(), sky.market[:-1].ravel())[0, 1] > 0.8
    by_regime = [r[sky.regime[:-1] == k].std() for k in range(4)]
    assert (np.diff(by_regime) > 0).all()
