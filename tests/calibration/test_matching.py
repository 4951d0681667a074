"""Simulated moments: against closed forms of a Gaussian market, its standard errors, and what it refuses."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import numpy as np
import pytest

from fund.calibration.matching import match
from fund.errors import DataError, InvalidParameter
from fund.market.streams import Paths
from fund.market.tape import Tape, write_tape

BOUNDS = {"mu": (-1.0, 1.0), "sigma": (0.01, 10.0)}
STEPS = 400


@dataclass(frozen=True)
class Gaussian:
    """A market of independent normal numbers: what a fit sees of a strategy, and no more."""

    mu: float = 0.0
    sigma: float = 1.0
    unused: float = 1.0
    steps: int = 10
    name: str = "gaussian"

    def with_steps(self, steps):
        return dataclasses.replace(self, steps=steps)

    def with_parameters(self, **changes):
        return dataclasses.replace(self, **changes)

    def record(self, paths: Paths) -> Tape:
        z = paths.streams("gaussian").normal("z", self.steps + 1).T
        return write_tape({"x": self.mu + self.sigma * z}, {}, ("pad",))


def moments(market, tape):
    x = tape["x"]
    return {"mean": x.mean(axis=0), "log_deviation": np.log(x.std(axis=0))}


def record(mu=0.3, sigma=2.0, seed=0):
    return Gaussian(mu, sigma, steps=STEPS).record(Paths.of(seed, 1))


def test_gaussian_moments_are_met_and_errors_are_the_closed_forms():
    tape = record()
    found = match(Gaussian(), BOUNDS, moments, tape, tapes=64)
    x = tape["x"][:, 0]
    # the mean of 64 tapes is what the record is held against: an error of 1 / 8 of one record's beside it
    assert found.parameters["mu"] == pytest.approx(x.mean(), abs=4 * 2.0 / math.sqrt(STEPS * 64))
    assert found.parameters["sigma"] == pytest.approx(x.std(), rel=4 / math.sqrt(2 * STEPS * 64))
    more = math.sqrt(1.0 + 1.0 / 64.0)
    # a standard deviation over 64 tapes is known to 9 %
    assert found.standard_errors["mu"] == pytest.approx(more * x.std() / math.sqrt(STEPS), rel=0.36)
    assert found.standard_errors["sigma"] == pytest.approx(more * x.std() / math.sqrt(2 * STEPS), rel=0.36)
    assert found.unmet == {}
    assert found.at_bound == ()


def test_errors_are_what_estimates_scatter_by():
    z = []
    for seed in range(40):
        found = match(Gaussian(), BOUNDS, moments, record(seed=seed), tapes=16)
        z.append(
            [(found.parameters[k] - v) / found.standard_errors[k] for k, v in (("mu", 0.3), ("sigma", 2.0))]
        )
    scatter = np.std(z, axis=0)
    # a deviation over 40 is known to 11 %, the errors of 16 tapes to 18 %
    assert (scatter > 0.5).all() and (scatter < 1.6).all()


def test_what_the_record_does_not_tell_stays_where_it_was():
    def blind(market, tape):
        return {**moments(market, tape), "noise": tape["x"].mean(axis=0) * 0.0 + 1.0}

    found = match(Gaussian(unused=3.0), {**BOUNDS, "unused": (1.0, 9.0)}, blind, record(), tapes=8)
    assert found.parameters["unused"] == pytest.approx(3.0, rel=1e-6)
    assert found.standard_errors["unused"] == pytest.approx(3.0, rel=1e-6)  # what was believed beforehand


def test_an_end_is_named_and_the_moment_told():
    found = match(Gaussian(), {"mu": (-0.1, 0.1), "sigma": (0.01, 10.0)}, moments, record(mu=2.0), tapes=8)
    assert found.at_bound == ("mu",)
    assert found.parameters["mu"] == 0.1
    assert found.unmet["mean"] < -0.5


def test_refusals():
    still = record(mu=0.0, sigma=0.0)
    with np.errstate(divide="ignore"), pytest.raises(DataError, match="log_deviation is not finite"):
        match(Gaussian(), BOUNDS, moments, still)
    with pytest.raises(InvalidParameter, match="1 parameters and 2 moments"):
        match(Gaussian(), {"mu": (-1.0, 1.0)}, moments, record())
