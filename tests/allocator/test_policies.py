"""Rules as policies of the CIO: a sleeve that lies in cash gets nothing."""

import numpy as np
import pytest

from allocator import policies, rules


def test_a_sleeve_in_cash_is_not_weighed():
    covariance = np.diag([0.04, 0.0, 0.01, 0.0])[None]
    mean = np.zeros((1, 4))
    weights = policies.weights_of_moving(lambda _, c: rules.inverse_volatility(c), mean, covariance)
    assert weights == pytest.approx(np.array([[1 / 3, 0.0, 2 / 3, 0.0]]))
    assert policies.weights_of_moving(policies.equal, mean, covariance) == pytest.approx(
        np.array([[0.5, 0, 0.5, 0]])
    )
    assert policies.weights_of_moving(policies.equal, mean, 0.0 * covariance) == pytest.approx(0.25)
