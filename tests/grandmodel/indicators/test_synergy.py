"""Synergies: the four orders of three signals, one direction, ten bars, a pause; and the plain search."""

import numpy as np
import pytest

from fund.grandmodel.indicators import synergy
from tests.grandmodel.indicators import twins


def test_synergies_are_the_plain_search():
    signals = np.random.default_rng(5).choice([-1.0, 0.0, 1.0], (3, 2, 600), p=[0.12, 0.76, 0.12])
    found = synergy.find_synergy(*signals)
    assert {1.0, 2.0, 3.0, 4.0} <= set(found.kind.ravel())
    for i in range(2):
        np.testing.assert_array_equal(
            [found.kind[i], found.direction[i]], twins.synergy(signals[:, i], 10, 5)
        )


@pytest.mark.parametrize(
    ("times", "kind"),
    [((1, 2, 3), 1), ((1, 3, 2), 2), ((3, 1, 2), 3), ((2, 1, 3), 4), ((2, 3, 1), 0), ((3, 2, 1), 0)],
)
def test_synergy_types_by_order(times, kind):
    signals = np.zeros((3, 1, 30))
    for k, t in enumerate(times):
        signals[k, 0, 5 + 3 * t] = -1.0
    found = synergy.find_synergy(*signals)
    assert found.kind[0, :14].max() == 0.0
    assert (found.kind[0, 14:19] == kind).all()
    assert (found.direction[0, 14:19] == (-1.0 if kind else 0.0)).all()
    assert (found.kind[0, 19:] == 0.0).all()  # the cooldown is over


def test_synergy_needs_one_direction_ten_bars_and_a_pause():
    signals = np.zeros((3, 1, 60))
    signals[0, 0, 5], signals[1, 0, 8], signals[2, 0, 15] = 1.0, 1.0, 1.0  # eleven bars from first to last
    assert not synergy.find_synergy(*signals).kind.any()
    signals[2, 0, 15], signals[2, 0, 14] = 0.0, -1.0
    assert not synergy.find_synergy(*signals).kind.any()
    signals[2, 0, 14] = 1.0
    signals[2, 0, 17] = 1.0  # within the cooldown, and again too late after it
    found = synergy.find_synergy(*signals)
    assert np.flatnonzero(found.kind[0]).tolist() == [14, 15, 16, 17, 18]
