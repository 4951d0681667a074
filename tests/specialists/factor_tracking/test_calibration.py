"""The factors' market recovered from its own tapes, and fitted to Kenneth French's factors."""

import math

import numpy as np
import pytest

from fund.calibration.calibrate import fitted
from fund.calibration.calibration import calibration_of
from fund.calibration.records import Files, recorded
from specialists import ROSTER
from tests.specialists.recovery import recovered

SPEC = ROSTER["factor_tracking"]


def test_recovers_its_own_parameters():
    truth = {"value_premium": 0.006, "momentum_volatility": 0.07, "value_momentum_correlation": 0.2}
    fit = recovered("factor_tracking", truth, 1500, premium_scale=1.0)
    assert fit.standard_errors["momentum_volatility"] < 0.25 * 0.07
    assert fit.standard_errors["value_momentum_correlation"] < 0.1


def test_published_factors(shared_data):
    calibration = calibration_of(SPEC)
    places = [
        str(shared_data / f"factors/{name}")
        for name in ("F-F_Research_Data_5_Factors_2x3_daily.CSV.gz", "F-F_Momentum_Factor_daily.CSV.gz")
    ]
    desk, tape = recorded(calibration, SPEC, SPEC.cls(), Files(tuple(places)))
    given, fit = fitted(calibration, SPEC.cls(), desk, tape, 16)
    assert given == {"premium_scale": 1.0}
    for factor in ("value", "momentum", "quality"):
        r = tape[factor][1:, 0] / tape[factor][:-1, 0] - 1.0
        # the market's mean and deviation are those of the record, a month of 21 days
        assert (
            abs(fit.parameters[f"{factor}_premium"] - 21.0 * r.mean())
            < 2.0 * fit.standard_errors[f"{factor}_premium"]
        )
        assert fit.parameters[f"{factor}_volatility"] == pytest.approx(math.sqrt(21.0) * r.std(), rel=0.2)
    assert (
        np.sign(fit.parameters["value_momentum_correlation"]) == -1.0
    )  # Asness, Moskowitz & Pedersen (2013)
