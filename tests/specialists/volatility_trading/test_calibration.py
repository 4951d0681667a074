"""The index's market recovered from its own tapes, and fitted to the S&P 500 and its VIX."""

import math

import pytest

from fund.calibration.calibrate import fitted
from fund.calibration.calibration import calibration_of
from fund.calibration.records import Files, recorded
from fund.market.stylised_facts import returns_of
from specialists import ROSTER
from specialists.volatility_trading.calibration import moments
from tests.specialists.recovery import fit_of, recovered, within

SPEC = ROSTER["volatility_trading"]


def test_recovers_its_own_parameters():
    truth = {"theta": 0.03, "xi": 0.5, "rho": -0.6, "demand_deviation": 0.3}
    fit = recovered("volatility_trading", truth, 600, 8, weather=False)
    assert fit.standard_errors["theta"] < 0.5 * truth["theta"]


@pytest.mark.slow
def test_recovers_them_under_the_weather():
    truth = {"theta": 0.025, "xi": 0.35, "rho": -0.75}
    within(fit_of("volatility_trading", truth, 1500, 12), truth)


@pytest.mark.slow
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
