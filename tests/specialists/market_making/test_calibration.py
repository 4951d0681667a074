"""The order book's market recovered from its own tapes, and fitted to a day of LOBSTER."""

import math

import numpy as np
import pytest

from fund.calibration.calibrate import fitted
from fund.calibration.calibration import calibration_of
from fund.calibration.records import Files, recorded
from fund.market.tape import write_tape
from specialists import ROSTER
from specialists.market_making.calibration import details
from specialists.market_making.market import NEVER
from tests.specialists.recovery import recovered

SPEC = ROSTER["market_making"]


def test_recovers_its_own_parameters():
    truth = {"sigma": 4.0, "arrival_rate": 5000.0, "depth_decay": 12.0, "flow_share": 0.3, "excitation": 0.7}
    fit = recovered("market_making", truth, 3000, tapes=12)
    assert fit.standard_errors["sigma"] < 0.05 * 4.0
    assert fit.standard_errors["arrival_rate"] < 0.3 * 5000.0
    assert fit.standard_errors["excitation"] < 0.15


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
    # flow brings flow: signs are positively correlated, in the record and in the market that is fitted
    assert 0.2 < fit.parameters["excitation"] < 0.9
    assert fit.drawn["signs"] == pytest.approx(fit.recorded["signs"], abs=0.03)
    half = float(0.5 * (tape["best_ask"] - tape["best_bid"]).mean())
    assert 0.5 * half < made.half_spread < 1.1 * half  # quotes are rounded outward to the tick


def test_facts_of_a_book_by_hand():
    # every step either side comes alone, its volume moves the mid by its root: an impact of exponent one half
    generator = np.random.default_rng(0)
    n = 4000
    volume, side = generator.integers(1, 400, n).astype(float), np.where(generator.random(n) < 0.5, 1.0, -1.0)
    mid = 100.0 + np.concatenate([[0.0], np.cumsum(0.001 * side * np.sqrt(volume))])
    columns = {"mid": mid, "best_bid": mid - 0.05, "best_ask": mid + 0.05 * (1.0 + np.arange(n + 1) / n)}
    for name, mine in (("buy", side > 0), ("sell", side < 0)):
        came = np.concatenate([[False], mine])
        columns[f"{name}_reach_1"] = np.where(came, 0.1, NEVER)
        columns[f"{name}_reach_2"] = columns[f"{name}_reach_3"] = np.full(n + 1, NEVER)
        columns[f"{name}_volume"] = np.concatenate([[0.0], volume])
    tape = write_tape({name: values[:, None] for name, values in columns.items()}, {}, ("pad",))
    found = details(SPEC.cls.preset("history"), tape)
    # fifths of a uniform volume: the mean of its root is known in each, and below the root of its mean in the first
    ends = 80.0 * np.arange(6)
    roots = 2.0 / 3.0 * np.diff(ends**1.5) / 80.0
    wanted = np.polyfit(np.log(0.5 * (ends[1:] + ends[:-1])), np.log(roots), 1)[0]
    assert found["impact_exponent"][0] == pytest.approx(wanted, abs=0.02)
    assert found["flow_r2"][0] > 0.8  # a root is nearly a line
    assert abs(found["sign_autocorrelation_1"][0]) < 4.0 / math.sqrt(n)
    assert "volume_u" not in found  # 4,000 seconds are no day
