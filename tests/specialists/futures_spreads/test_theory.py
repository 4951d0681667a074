"""The optimum on a mispricing against the continuous closed form; moments of directions."""

import math

import pytest

from specialists.futures_spreads.strategy import FuturesSpreads
from specialists.futures_spreads.theory import grid_optimum, merton_size, usual_moments


def test_many_small_steps_are_boguslavsky_and_boguslavskaya():
    # PAPERS 4.3, g = -1, tau = 1, x = 0: certainty equivalent 1.09376; first multiple D(1) = C'/C
    found = grid_optimum(1.0, 1.0, 1.0 / 20_000, 20_000, -1.0)
    assert found.certainty_equivalent() == pytest.approx(1.09376, abs=2e-5)
    nu = math.sqrt(0.5)
    t = math.tanh(nu)
    assert found.multiple[0] == pytest.approx(nu * (nu + t) / (1.0 + nu * t), rel=2e-4)
    assert found.multiple[-1] == pytest.approx(0.5, rel=1e-3)


def test_log_utility_is_myopic():
    found = grid_optimum(8.0, 0.1, 1.0 / 252, 252, 0.0)
    kept = math.exp(-8.0 / 252)
    variance = 0.01 * (1.0 - kept**2) / 16.0
    assert found.multiple == pytest.approx((1.0 - kept) / variance)


def test_moments_of_calendar_spreads_and_the_merton_position():
    world = FuturesSpreads.preset(
        "schwartz_smith", legs="dollars", contract_days=1, roll_days=0, near_contract=21, far_contract=105
    )
    found = usual_moments(world)
    assert 2.0 * found.mean == pytest.approx(0.0543, abs=1e-4)
    assert 2.0 * math.sqrt(found.variance) == pytest.approx(0.0989, abs=1e-4)
    # the log-optimal portfolio is one unit of itself, less what daily trading takes
    tangency = FuturesSpreads.preset("schwartz_smith")
    assert merton_size(usual_moments(tangency), 1.0) == pytest.approx(1.0, abs=0.002)
    assert merton_size(usual_moments(tangency), 4.0) == pytest.approx(0.25, abs=0.002)
