"""Returns of a test on a record, compounded, and the error of their difference."""

import numpy as np
import pytest

from allocator.recorded_tests import compound, compound_difference


def test_returns_are_compounded_a_year_or_over_the_days_there_are():
    doubled = np.full(504, 4.0 ** (1.0 / 504.0) - 1.0)  # fourfold in two years
    assert compound(doubled) == pytest.approx(100.0)
    assert compound(np.full(100, 0.01)) == pytest.approx(100.0 * (1.01**100 - 1.0))
    # a desk that pays 1.5 % of what it has every day keeps 2 % after a year; the sum of its returns is -382 %
    assert compound(np.full(300, -0.0151)) == pytest.approx(100.0 * (0.9849**252 - 1.0))
    assert compound(np.array([0.5, -1.2, 0.3])) == -100.0


def test_the_error_of_a_difference_of_compounded_returns_is_that_of_many_such_years():
    generator = np.random.default_rng(5)
    ours, theirs = generator.normal((0.002, 0.001), 0.01, (2000, 504, 2)).transpose(2, 0, 1)
    found = [compound_difference(a, b) for a, b in zip(ours, theirs, strict=True)]
    assert found[0].mean == pytest.approx(compound(ours[0]) - compound(theirs[0]))
    told = np.sqrt(np.mean([one.se**2 for one in found]))
    # that of 2,000 spreads is known to 1.6 %; the delta method leaves out what is of second order
    assert told == pytest.approx(np.std([one.mean for one in found]), rel=0.1)
    ruined = compound_difference(np.array([0.1, -1.0, 0.0, 0.0]), np.zeros(4))
    assert ruined.mean == pytest.approx(-100.0)
