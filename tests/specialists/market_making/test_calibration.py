"""The order book's market recovered from its own tapes, and fitted to a day of LOBSTER."""

import math

import numpy as np
import pytest

from fund.calibration.calibrate import fitted
from fund.calibration.calibration import calibration_of
from fund.calibration.records import Files, recorded
from specialists import ROSTER
from tests.specialists.recovery import recovered

SPEC = ROSTER["market_making"]


def test_recovers_its_own_parameters():
    truth = {"sigma": 4.0, "arrival_rate": 5000.0, "depth_decay": 12.0, "flow_share": 0.3}
    fit = recovered("market_making", truth, 3000, tapes=12)
    assert fit.standard_errors["sigma"] < 0.05 * 4.0
    assert fit.standard_errors["arrival_rate"] < 0.3 * 5000.0


def test_a_day_of_an_order_book(shared_data):
    day = "AMZN_2012-06-21_34200000_57600000"
    files = Files(
        tuple(str(shared_data / f"lob/lobster/{day}_{part}_1.csv.gz") for part in ("message", "orderbook"))
    )
    calibration = calibration_of(SPEC)
    market = SPEC.cls.preset("history")
    desk, tape = recorded(calibration, SPEC, market, files)
    given, fit = fitted(calibration, market, desk, tape, 2)
    assert given["tick"] == pytest.approx(0.01)
    made = market.with_parameters(**given, **fit.parameters)
    assert made.dt == pytest.approx(1.0 / 23_400)
    # the sample's deviation a day; the market's smile over the day has mean one, its square not quite
    sample = float(np.diff(tape["mid"][:, 0]).std() * math.sqrt(23_400))
    assert made.sigma == pytest.approx(sample, rel=0.1)
    half = float(0.5 * (tape["best_ask"] - tape["best_bid"]).mean())
    assert 0.5 * half < made.half_spread < 1.1 * half  # quotes are rounded outward to the tick
