"""The regression against ordinary least squares; half-lives against their definition."""

from __future__ import annotations

import math

import numpy as np
import pytest
from statsmodels.api import OLS, add_constant

from fund.market.dickey_fuller import dickey_fuller, half_life


@pytest.mark.parametrize("kept", [0.0, 0.7, 0.98])
def test_slope_and_statistic_are_those_of_least_squares(kept):
    noise, x = np.random.default_rng(4).standard_normal(121), np.zeros(121)
    for t in range(120):
        x[t + 1] = kept * x[t] + noise[t]
    level, change = x[:-1] - x[:-1].mean(), np.diff(x) - np.diff(x).mean()
    found = dickey_fuller(level @ level, level @ change, change @ change, 120)
    wanted = OLS(np.diff(x), add_constant(x[:-1])).fit()
    assert found == pytest.approx((wanted.params[1], wanted.tvalues[1]), rel=1e-9)


def test_what_never_moves_has_no_slope():
    assert dickey_fuller(0.0, 0.0, 0.0, 120) == (0.0, 0.0)


def test_half_life():
    assert half_life(-0.5) == pytest.approx(1.0)
    assert half_life(math.sqrt(0.5) - 1.0) == pytest.approx(2.0)
    assert half_life(0.3) == half_life(-0.001) == pytest.approx(-math.log(2.0) / math.log(0.995))  # a walk
    assert half_life(-1.5) == pytest.approx(-math.log(2.0) / math.log(0.05))  # gone at once
