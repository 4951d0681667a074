"""The curve recovered from its own tapes, moves over rolls worked by hand, and fitted to crude oil."""

import numpy as np
import pytest

from fund.calibration.calibrate import fitted
from fund.calibration.calibration import calibration_of
from fund.calibration.records import Files, recorded
from fund.market.tape import write_tape
from specialists import ROSTER
from specialists.futures_spreads.calibration import CURVE, moves, usual
from tests.specialists.recovery import recovered

SPEC = ROSTER["futures_spreads"]


def test_recovers_its_own_parameters():
    fit = recovered("futures_spreads", {"sigma_chi": 0.35, "sigma_xi": 0.2, "mispricing_sigma": 0.15}, 2000)
    assert fit.standard_errors["sigma_xi"] < 0.5 * 0.2
    assert fit.standard_errors["rho"] > 0.1  # two contracts tell it badly, and the error says so


def test_nobody_earns_a_roll():
    # near: contract a at 10, 11, then b is held from row 1 on at 20, 18; far never rolls
    rows = {
        "near_a": [10.0, 11.0, 11.0], "near_b": [20.0, 20.0, 18.0], "far_a": [30.0, 33.0, 33.0],
        "far_b": [30.0, 33.0, 33.0], "slot": [0.0, 1.0, 1.0],
    }  # fmt: skip
    tape = write_tape({name: np.array(values)[:, None] for name, values in rows.items()}, {}, ("pad",))
    near, far = moves(tape)
    assert near.ravel().tolist() == pytest.approx([1.0 / 10.0, -2.0 / 15.0])  # over the mean of 10 and 20
    assert far.ravel().tolist() == pytest.approx([3.0 / 30.0, 0.0])


def test_the_usual_level_of_negative_prices():
    found = usual(np.array([20.0, -40.0, 0.0])[:, None])
    assert found.ravel().tolist() == [20.0, 30.0, 20.0]
    assert usual(np.arange(1.0, 101.0)[:, None])[-1, 0] == pytest.approx(np.mean(np.arange(41.0, 101.0)))


@pytest.mark.slow
def test_crude_oil(shared_data):
    calibration = calibration_of(SPEC)
    files = Files((str(shared_data / "futures/multiple_prices/CRUDE_W.csv.gz"),))
    desk, tape = recorded(calibration, SPEC, SPEC.cls(), files)
    given, fit = fitted(calibration, SPEC.cls(), desk, tape, 16)
    assert given["far_contract"] > given["near_contract"] >= 1
    market = SPEC.cls().with_parameters(**given, **fit.parameters)  # a market that can be drawn
    # two half-lives a year at most, and a premium that ten years cannot tell from none
    assert set(fit.estimated) == set(CURVE)
    assert 0.02 < fit.parameters["kappa"] < 4.0 * fit.standard_errors["kappa"] + 2.0
    assert abs(fit.parameters["lambda_chi"]) < 4.0 * fit.standard_errors["lambda_chi"]
    near, _ = moves(tape)
    volatility = float(np.sqrt(252.0 * (near**2).mean()))
    assert 0.1 < market.near_volatility < 1.5 * volatility
