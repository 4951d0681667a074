"""Bands: ends included, lines without a band not judged, unknown kinds named."""

import math

import numpy as np
import pytest

from fund.errors import UnknownName
from fund.market.stylised_bands import BANDS, EQUITY, Band, Line, Verdict, judge


def test_a_band_holds_its_ends():
    assert Band(0.1, 0.3).holds(np.array([0.1, 0.3, 0.0999, 0.3001])).tolist() == [True, True, False, False]
    assert Band(0.01, math.inf).holds(5.0)


def test_twelve_lines_of_equity():
    assert len(EQUITY) == 12
    assert EQUITY["kurtosis"] == (5.0, 25.0)
    assert EQUITY["size_autocorrelation_1"] == (0.10, 0.35)
    assert EQUITY["leverage_1"] == (-0.15, -0.02)
    assert BANDS["fx"]["kurtosis"] == (4.0, 10.0)
    assert BANDS["commodity"]["leverage_1"].holds(0.3)


def test_lines_without_a_band_are_shown_and_not_judged():
    verdict = judge(np.random.default_rng(0).standard_normal((3000, 4)), "portfolio")
    assert len(verdict.lines) == 12
    assert verdict.holds  # a random walk: nothing more is asked of a portfolio
    assert math.isnan(verdict.enough)
    assert next(line for line in verdict.lines if line.name == "kurtosis").within is None


def test_enough_paths_are_asked_of_many_and_not_of_one():
    line = Line("kurtosis", Band(5.0, 25.0), 9.0, 1.0)
    assert Verdict("equity", (line,), 1, 0.0).holds
    assert not Verdict("equity", (line,), 40, 0.5).holds
    assert Verdict("equity", (line,), 40, 0.6).holds


def test_an_unknown_kind_is_answered():
    with pytest.raises(UnknownName, match='Did you mean "equity"'):
        judge(np.zeros((300, 1)), "equiti")
