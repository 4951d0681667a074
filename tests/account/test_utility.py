"""Utility of wealth against its definition, certainty equivalents against samples whose answer is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from fund.account.utility import LEAST_WEALTH, cara_equivalent, power_equivalent, power_utility


@pytest.mark.parametrize("power", [-3.0, -1.0, 0.0, 0.5])
def test_utility_has_slope_one_and_value_zero_where_nothing_is_won_or_lost(power):
    assert power_utility(1.0, power) == 0.0
    assert (power_utility(1.0 + 1e-6, power) - power_utility(1.0 - 1e-6, power)) / 2e-6 == pytest.approx(1.0)
    assert power_utility(-5.0, power) == power_utility(LEAST_WEALTH, power)


def test_power_equivalents_are_generalised_means():
    wealth = np.array([0.5, 2.0, 4.0])
    assert power_equivalent(wealth, 1.0) is None
    assert power_equivalent(wealth, 0.0) == pytest.approx(math.cbrt(4.0))  # geometric
    assert power_equivalent(wealth, -1.0) == pytest.approx(3.0 / 2.75)  # harmonic
    assert power_equivalent(np.array([1.0, 0.0]), -1.0) == pytest.approx(2.0 * LEAST_WEALTH, rel=1e-5)


def test_cara_equivalent_of_a_coin():
    # -ln((e^-1 + e) / 2) of +-1 at risk aversion 1; a sure amount is worth itself, however large
    assert cara_equivalent(np.array([1.0, -1.0]), 1.0) == pytest.approx(-math.log(math.cosh(1.0)))
    assert cara_equivalent(np.full(3, -5e4), 2.0) == pytest.approx(-5e4)
