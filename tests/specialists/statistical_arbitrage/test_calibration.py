"""The pair's market recovered from its own tapes, and fitted to real stocks."""

import math

import numpy as np
import pytest

from fund.calibration.calibrate import fitted
from fund.calibration.calibration import calibration_of
from fund.calibration.records import Files, recorded
from fund.market.stylised_facts import returns_of
from fund.market.tape import write_tape
from fund.market.weather import VOLATILITY, stationary
from specialists import ROSTER
from specialists.statistical_arbitrage.calibration import forgotten, moments
from tests.specialists.recovery import recovered

SPEC = ROSTER["statistical_arbitrage"]


def test_recovers_its_own_parameters():
    truth = {"alpha": 90.0, "eta": 0.16, "hedge_ratio": 0.8, "leg_volatility": 0.3, "break_size": 0.03}
    fit = recovered("statistical_arbitrage", truth, 1500)
    # a record of six years tells these to a fifth
    for key in ("eta", "leg_volatility"):
        assert fit.standard_errors[key] < 0.25 * truth[key]
    assert fit.standard_errors["alpha"] < 0.6 * truth["alpha"]


def test_moments_by_hand():
    # leg 1 moves by half of leg 2's moves, plus a residual at right angles to them
    two, rest = np.array([0.01, 0.01, -0.01, -0.01]), np.array([0.002, -0.002, 0.002, -0.002])
    levels = [
        np.concatenate([[0.0], np.cumsum(r)])
        for r in (0.5 * np.tile(two, 40) + np.tile(rest, 40), np.tile(two, 40))
    ]
    tape = write_tape(
        {"leg_1": np.exp(levels[0])[:, None], "leg_2": np.exp(levels[1])[:, None]}, {}, ("pad",)
    )
    with np.errstate(divide="ignore"):  # sixty of them sum to nothing
        found = moments(SPEC.cls(), tape)
    assert found["slope"][0] == pytest.approx(0.5)
    assert found["leg_2_volatility"][0] == pytest.approx(math.log(0.01))
    assert found["residual_volatility"][0] == pytest.approx(math.log(0.002))
    # the level of the residual goes up and down: of thirty values, 29 products are minus a square
    assert found["forgotten_in_a_day"][0] == pytest.approx(math.log(1.0 + 29.0 / 30.0), abs=0.01)


def test_what_a_window_forgets_is_that_of_its_regression():
    generator = np.random.default_rng(0)
    one, two = np.cumsum(generator.standard_normal((2, 70, 3)), axis=1)
    found = forgotten(one, two)
    assert found.shape == (2, 3)  # ten rows are left over
    for window in range(2):
        rows = slice(30 * window, 30 * window + 30)
        slope, level = np.polyfit(two[rows, 1], one[rows, 1], 1)
        rest = one[rows, 1] - slope * two[rows, 1] - level
        assert found[window, 1] == pytest.approx(1.0 - rest[1:] @ rest[:-1] / (rest @ rest))


def test_real_stocks(shared_data):
    files = Files(tuple(str(shared_data / f"equity_daily/av/{name}.csv.gz") for name in ("KO", "PEP")))
    calibration = calibration_of(SPEC)
    desk, tape = recorded(calibration, SPEC, SPEC.cls(), files)
    _, fit = fitted(calibration, SPEC.cls(), desk, tape, 32)
    # the normal regime's volatility is the sample's over the root of the weather's mean square
    sample = math.sqrt(252.0 * float((returns_of(tape["leg_2"]) ** 2).mean()))
    normal = sample / math.sqrt(float(stationary() @ VOLATILITY**2))
    assert fit.parameters["leg_volatility"] == pytest.approx(normal, rel=0.15)
    assert 0.3 < fit.parameters["hedge_ratio"] < 1.2
    assert fit.unmet == {}
