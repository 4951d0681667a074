"""Markets, values and the observation: closed forms, independent sums, and hand work."""

import dataclasses
import math

import numpy as np
import pytest

from fund.errors import InvalidParameter, UnknownName
from fund.market import garch, heston
from fund.market.heston import Heston
from fund.market.streams import Paths
from fund.market.weather import TRANSITION, VOLATILITY
from specialists.delta_hedging import market, moments
from specialists.delta_hedging.strategy import DeltaHedging


def tape_of(preset="null", n=2_000, **changes):
    strategy = DeltaHedging.preset(preset, **changes)
    return strategy, strategy.record(Paths.of(0, n))


@pytest.mark.parametrize("name", market.MARKETS)
def test_spot_grows_by_its_drift_and_no_more(name):
    strategy, tape = tape_of(market=name, mu=0.3, dividend=0.1, n=8_000)
    growth = tape["spot"][-1] / 100.0
    wanted = math.exp(0.2 * strategy.life)
    assert growth.mean() == pytest.approx(wanted, abs=4 * growth.std() / math.sqrt(8_000))


@pytest.mark.parametrize("name", ["gbm", "binomial"])
def test_volatility_is_sigma(name):
    strategy, tape = tape_of(market=name, sigma=0.3)
    returns = np.diff(np.log(tape["spot"]), axis=0)
    assert returns.std() / math.sqrt(strategy.dt) == pytest.approx(0.3, rel=0.02)
    if name == "binomial":
        assert np.unique(np.round(np.abs(returns), 9)).size == 1


def test_momentum_is_the_correlation_of_returns():
    _, tape = tape_of("planted")
    returns = np.diff(np.log(tape["spot"]), axis=0)
    assert np.corrcoef(returns[:-1].ravel(), returns[1:].ravel())[0, 1] == pytest.approx(0.5, abs=0.03)


def test_expected_variance_by_simulation():
    # sums over m days, by hand for two of them
    chain = TRANSITION.tobytes()
    sums = market.expected_variance(chain, 2)
    v2 = VOLATILITY**2
    np.testing.assert_allclose(sums[0, 0, 2], v2 + TRANSITION @ v2)
    np.testing.assert_allclose(sums[1, 0, 2], TRANSITION @ v2 + TRANSITION @ TRANSITION @ v2)
    np.testing.assert_allclose(sums[0, 1, 2], v2 + garch.PERSISTENCE * (TRANSITION @ v2))


def test_the_fair_volatility_is_what_is_realised():
    # variance swaps on the weather's market cost what they pay
    strategy, tape = tape_of("default", n=6_000, volatility_premium=0.0)
    returns = np.diff(np.log(tape["spot"]), axis=0)
    realised = (returns**2).sum(axis=0) / strategy.life
    fair = tape["sigma"][0] ** 2
    gap = realised - fair
    assert abs(gap.mean()) < 4 * gap.std() / math.sqrt(len(gap))
    assert np.corrcoef(fair, realised)[0, 1] > 0.4


@pytest.mark.parametrize("name", ["heston", "sabr"])
def test_options_on_stochastic_volatility_are_fair(name):
    # model prices discount the mean payoff: a writer who does nothing earns nothing, at any strike
    for strike in (92.0, 100.0, 108.0):
        _, tape = tape_of(market=name, strike=strike, n=20_000)
        gap = np.maximum(tape["spot"][-1] - strike, 0.0) - tape["premium"][0]
        assert abs(gap.mean()) < 4 * gap.std() / math.sqrt(len(gap)) + 0.01
    # and what is left to run is priced the same: the option is a martingale
    change = tape["option"][10] - tape["option"][0]
    assert abs(change.mean()) < 4 * change.std() / math.sqrt(len(change)) + 0.01


def test_hestons_options_are_worth_their_integrals():
    # VT-2's price; and any row of any path, within three thousandths of the value at the money of the integral
    broadie_kaya = {
        "sigma": 0.101,
        "kappa": 6.21,
        "theta": 0.019,
        "xi": 0.61,
        "rho": -0.7,
        "rate": 0.0319,
        "mu": 0.0319,
    }
    strategy, tape = tape_of(
        "derman_kamal", market="heston", maturity_days=252, n_steps=12, n=4, **broadie_kaya
    )
    assert tape["premium"][0, 0] == pytest.approx(6.80611, abs=0.004)
    strategy, tape = tape_of(
        "derman_kamal", market="heston", strike=104.0, maturity_days=63, n_steps=21, n=20
    )
    streams = Paths.of(0, 20).streams(strategy.name)
    shock, other = (streams.normal(name, 21).T.copy() for name in ("volatility", "spot"))
    real = Heston(strategy.sigma**2, strategy.kappa, strategy.theta, strategy.xi, strategy.rho)
    _, variance = heston.paths(real, strategy.dt, shock, other, 100.0)
    for t in range(0, 20, 3):
        time = (21 - t) / 84
        for i in range(20):
            model = dataclasses.replace(real, v0=float(variance[t, i]))
            wanted = heston.price(model, 1, tape["spot"][t, i], 104.0, time)
            at_the_money = 40.0 * math.sqrt(heston.fair_variance(model, time) * time)
            assert tape["premium"][t, i] == pytest.approx(float(wanted), abs=3e-3 * at_the_money)


def test_values_and_greeks_against_quantlib():
    ql = pytest.importorskip("QuantLib")
    for option, kind in (("call", ql.Option.Call), ("put", ql.Option.Put)):
        strategy, tape = tape_of(option=option, rate=0.04, dividend=0.02, mu=0.04, n=3, strike=104.0)
        for t, i in ((0, 0), (7, 1), (20, 2)):
            at = {name: tape[name][t, i] for name in ("spot", "strike", "time", "sigma")}
            deviation = at["sigma"] * math.sqrt(at["time"])
            forward = at["spot"] * math.exp(0.02 * at["time"])
            black = ql.BlackCalculator(
                ql.PlainVanillaPayoff(kind, at["strike"]), forward, deviation, math.exp(-0.04 * at["time"])
            )
            assert tape["premium"][t, i] == pytest.approx(black.value(), abs=1e-12)
            assert tape["delta"][t, i] == pytest.approx(black.delta(at["spot"]), abs=1e-12)
            assert tape["gamma"][t, i] == pytest.approx(black.gamma(at["spot"]), abs=1e-12)
            features = dict(zip(strategy.features, tape.features[t, i], strict=True))
            scale = strategy.sigma * math.sqrt(strategy.life)
            assert features["gamma"] == pytest.approx(black.gamma(at["spot"]) * at["spot"] * scale, rel=1e-5)
            vega = black.vega(at["time"]) / (at["spot"] * math.sqrt(strategy.life))
            assert features["vega"] == pytest.approx(vega, rel=1e-5, abs=1e-7)
            theta = (
                black.theta(at["spot"], at["time"]) * math.sqrt(strategy.life) / (at["spot"] * strategy.sigma)
            )
            assert features["theta"] == pytest.approx(theta, rel=1e-4, abs=1e-6)


def test_other_features_by_hand():
    strategy, tape = tape_of("cao_2021", n=4, risk_aversion=2.0)
    features = {name: tape.features[:, :, k] for k, name in enumerate(strategy.features)}
    move = 0.2 * math.sqrt(1 / 250)
    np.testing.assert_allclose(
        features["last_return"][5], (tape["spot"][5] / tape["spot"][4] - 1) / move, rtol=1e-4
    )
    money = np.log(tape["spot"][5] / 100.0) / (0.2 * math.sqrt(15 / 250))
    np.testing.assert_allclose(features["log_forward_moneyness"][5], money, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(
        features["moneyness"][5],
        (tape["spot"][5] / 100 - 1) / (0.2 * math.sqrt(20 / 250)),
        rtol=1e-4,
        atol=1e-6,
    )
    np.testing.assert_allclose(features["time_to_expiry"][5], 0.75)
    width = np.cbrt(1.5 * 0.01 * tape["spot"][5] * tape["gamma"][5] ** 2 / 2.0)
    np.testing.assert_allclose(features["band_width"][5], width, rtol=1e-5)
    returns = tape["spot"][1] / tape["spot"][0] - 1
    variance = 0.9 * 0.2**2 / 250 + 0.1 * returns**2
    np.testing.assert_allclose(
        features["realised_vol"][1], np.sqrt(variance * 250) / 0.2 - 1, rtol=1e-3, atol=1e-6
    )


def test_moments_of_a_step_by_hand():
    strategy, tape = tape_of("hodges_neuberger", n=2, control_variate=True, maturity_days=5)
    t, i = 4, 1
    spot, up = tape["spot"][t, i], strategy.up_probability
    ends = spot * np.exp(strategy.move * np.array([1.0, -1.0]))
    weights = np.array([up, 1 - up])
    pays = np.maximum(ends - 100.0, 0.0) - tape["premium"][t, i]
    moves = ends - spot
    assert tape["move"][t, i] == pytest.approx(weights @ moves**2)
    assert tape["ideal"][t, i] == pytest.approx(weights @ (moves * pays) / (weights @ moves**2))
    assert tape["spot_drift"][t, i] == pytest.approx(0.0, abs=1e-12)
    assert tape["option_drift"][t, i] == pytest.approx(weights @ pays)
    h = 0.3
    error = weights @ (h * moves - pays) ** 2
    assert tape["move"][t, i] * (h - tape["ideal"][t, i]) ** 2 + tape["rest"][t, i] == pytest.approx(error)


def test_growth_of_a_step_has_its_moments():
    for name in ("gbm", "binomial"):
        strategy = DeltaHedging.preset("null", market=name, mu=0.1)
        growths, weights = moments.growth(strategy)
        assert weights.sum() == pytest.approx(1.0)
        assert weights @ growths == pytest.approx(math.exp(0.1 * strategy.dt))


def test_parameters_hang_together():
    def grid(preset="cao_2021", **changes):
        s = DeltaHedging.preset(preset, **changes)
        return s.n_steps, s.option_steps, s.rebalance_steps, s.steps_per_day

    assert grid() == (20, 20, 1, 1)
    assert grid(maturity_days=60) == (60, 60, 1, 1)
    assert grid(rebalance_days=5) == (20, 20, 5, 1)
    assert grid(rebalance_days=3, maturity_days=21) == (21, 21, 3, 1)
    assert grid(rebalance_days=0.25) == (80, 80, 1, 4)
    assert grid(n_steps=80) == (80, 80, 1, 4)
    assert grid(steps_per_day=4) == (80, 80, 1, 4)
    assert grid("derman_kamal", n_steps=4) == (4, 4, 1, 1)
    assert grid("leland") == (260, 260, 5, 1)
    assert DeltaHedging.preset("derman_kamal", n_steps=250).life == pytest.approx(21 / 252)


@pytest.mark.parametrize(
    ("changes", "error", "text"),
    [
        ({"market": "hesten"}, UnknownName, 'Did you mean "heston"'),
        ({"action_form": "bands"}, UnknownName, 'Did you mean "band"'),
        ({"strike": 0.0}, InvalidParameter, "strike is 0.0, wanted above 0"),
        ({"cost_rate": -0.1}, InvalidParameter, "cost_rate is -0.1, wanted at least 0"),
        ({"rho": -1.0}, InvalidParameter, "rho is -1.0"),
        ({"rebalance_days": 4}, InvalidParameter, "maturity_days|rebalance_days"),
        ({"steps_per_day": 2}, InvalidParameter, "moves by the day"),
        ({"control_variate": True, "market": "sabr"}, InvalidParameter, "control_variate is True"),
        ({"market": "binomial", "mu": 9.0}, InvalidParameter, "enough for the drift"),
    ],
)
def test_parameters_that_make_no_world(changes, error, text):
    if changes == {"rebalance_days": 4}:
        changes = {"rebalance_days": 0.3, "market": "gbm", "maturity_days": 1.0}
    with pytest.raises(error, match=text):
        DeltaHedging.preset("default", **changes)
