"""The underlier's market recovered from its own tapes, against the sample's own estimates, and fitted to an index."""

import math

import numpy as np
import pytest

from fund.calibration.calibrate import fitted
from fund.calibration.calibration import calibration_of
from fund.calibration.records import Files, recorded
from fund.market.stylised_facts import returns_of
from specialists import ROSTER
from tests.specialists.recovery import fit_of, recovered

SPEC = ROSTER["delta_hedging"]


def test_recovers_its_own_parameters():
    fit = recovered("delta_hedging", {"sigma": 0.3, "volatility_premium": 0.2, "mu": 0.05}, 2000)
    assert fit.standard_errors["sigma"] < 0.2 * 0.3


def test_of_a_plain_walk_the_errors_are_the_textbook_ones():
    # constant volatility: sigma / sqrt(2 T), and sigma / sqrt(years) of the drift; 32 tapes tell a deviation to 12 %
    steps, tapes = 1000, 32
    plain = {"market": "gbm", "weather": False, "market_loading": 0.0}
    fit = fit_of("delta_hedging", {"sigma": 0.3}, steps, tapes, **plain)
    more = math.sqrt(1.0 + 1.0 / tapes)
    assert fit.standard_errors["sigma"] == pytest.approx(more * 0.3 / math.sqrt(2.0 * steps), rel=0.5)
    assert fit.standard_errors["mu"] == pytest.approx(more * 0.3 / math.sqrt(steps / 252.0), rel=0.5)
    assert abs(fit.parameters["sigma"] - 0.3) < 4.0 * fit.standard_errors["sigma"]


def test_an_index_and_its_vix(shared_data):
    calibration = calibration_of(SPEC)
    desk, tape = recorded(calibration, SPEC, SPEC.cls(), Files((str(shared_data / "vol"),)))
    _, fit = fitted(calibration, SPEC.cls(), desk, tape, 16)
    realised = math.sqrt(252.0 * float((returns_of(tape["spot"]) ** 2).mean()))
    premium = float(np.exp(np.log(tape["sigma"]).mean()) / realised)
    assert 0.8 < premium < 1.4
    assert 0.0 < fit.parameters["volatility_premium"] < 0.4  # implied is above realised
    assert fit.unmet == {}
