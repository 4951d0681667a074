"""The index's market recovered from its own tapes, and fitted to the S&P 500 and its VIX."""

import math

import numpy as np
import pytest

from fund.calibration.calibrate import fitted
from fund.calibration.calibration import calibration_of
from fund.calibration.matching import match
from fund.calibration.records import Files, recorded
from fund.market.streams import Paths
from fund.market.stylised_facts import returns_of
from specialists import ROSTER
from specialists.volatility_trading.calibration import jump_moments, moments, term_structure
from specialists.volatility_trading.features import WARM_UP
from specialists.volatility_trading.market import heston, sky_of
from tests.specialists.recovery import fit_of, recovered, within

SPEC = ROSTER["volatility_trading"]


def test_the_speed_of_variance_and_the_rate_of_jumps_are_recovered():
    # all else known; every try costs a table of prices, so three parameters are what a second can pay for
    calibration = calibration_of(SPEC)
    told = {"theta": "volatility", "kappa": "term_slope", "jump_rate": "large_falls"}

    def some(desk, tape):
        found = moments(desk, tape)
        return {name: found[name] for name in told.values()}

    truth = {"theta": 0.025, "kappa": 10.0, "jump_rate": 5.0}
    market = SPEC.cls(weather=False)
    tape = market.with_parameters(**truth).with_steps(1500).record(Paths.of(1, 1))
    fit = match(market, {name: calibration.bounds[name] for name in told}, some, tape, 16)
    within(fit, truth)
    assert fit.standard_errors["kappa"] < 0.4 * 10.0
    assert fit.standard_errors["jump_rate"] < 0.5 * 5.0


@pytest.mark.slow
def test_recovers_its_own_parameters():
    truth = {"theta": 0.03, "xi": 0.5, "rho": -0.6, "demand_deviation": 0.3, "kappa": 9.0, "jump_rate": 4.0}
    fit = recovered("volatility_trading", truth, 600, 8, weather=False)
    assert fit.standard_errors["theta"] < 0.5 * truth["theta"]


@pytest.mark.slow
@pytest.mark.acceptance
def test_recovers_them_under_the_weather():
    truth = {"theta": 0.025, "xi": 0.35, "rho": -0.75, "kappa": 9.0, "jump_rate": 4.0, "jump_mean": -0.03}
    within(fit_of("volatility_trading", truth, 2500, 16), truth)


def test_jump_moments_by_hand():
    # returns of one size but for one fall and one rise of ten; bipower variation of the window is pi/2
    r = np.ones((100, 1))
    r[::2] = -1.0
    r[40], r[80] = -10.0, 10.0
    found = jump_moments(r)
    assert math.exp(found["large_falls"][0]) == pytest.approx(1.5 / 83.0)
    assert math.exp(found["large_rises"][0]) == pytest.approx(1.5 / 83.0)
    square, bipower = (98.0 + 200.0) / 100.0, math.pi / 2.0 * (95.0 + 4.0 * 10.0) / 99.0
    assert math.exp(found["above_bipower"][0]) == pytest.approx(square / bipower)


def test_the_term_structure_is_that_of_the_quotes():
    desk = SPEC.cls(n_steps=20)
    tape = desk.record(Paths.of(3, 4))
    sky = desk.sky(Paths.of(3, 4), 21, None)
    far = heston(desk, Paths.of(3, 4), sky_of(desk, sky)).far[:, WARM_UP:]
    np.testing.assert_allclose(term_structure(desk, tape), np.log(far[1] / far[0]), atol=1e-5)


def test_a_record_without_three_months_says_nothing_of_the_speed(shared_data):
    calibration = calibration_of(SPEC)
    desk, _ = recorded(calibration, SPEC, SPEC.cls(), Files((str(shared_data / "vol"),)))
    assert calibration.untold(desk) == ()
    short = desk.on(desk.history.select(("index", "iv_30")))
    assert calibration.untold(short) == ("kappa",)


@pytest.mark.slow
@pytest.mark.acceptance
def test_an_index_and_its_vix(shared_data):
    calibration = calibration_of(SPEC)
    desk, tape = recorded(calibration, SPEC, SPEC.cls(), Files((str(shared_data / "vol"),)))
    _, fit = fitted(calibration, SPEC.cls(), desk, tape, 6)
    found = moments(desk, tape)
    # quoted volatilities rise when the index falls, and are above what is realised
    assert found["return_and_quote"][0] < -0.5
    assert found["implied_over_realised"][0] > 0.0
    assert math.exp(found["volatility"][0]) == pytest.approx(
        math.sqrt(float((returns_of(tape["spot"]) ** 2).mean()))
    )
    assert fit.parameters["rho"] < -0.3
    assert 0.005 < fit.parameters["theta"] < 0.06
    # variance goes back to its mean within months, and the index falls at once more often than it rises
    assert 2.5 < fit.parameters["kappa"] < 40.0
    assert fit.parameters["jump_mean"] < 0.0
