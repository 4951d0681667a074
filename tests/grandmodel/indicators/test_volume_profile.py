"""The low volume node by hand and against its plain twin."""

import numpy as np
import pytest

from fund.grandmodel.indicators import volume_profile
from tests.grandmodel.indicators import twins
from tests.grandmodel.indicators.bars import walk


def test_low_volume_node():
    _, high, low, close, volume, _ = walk()
    found = volume_profile.low_volume_node(high, low, close, volume)
    for t in (99, *range(100, 420, 9), 419):
        wanted = twins.low_volume_node(high[0], low[0], close[0], volume[0], 100, t)
        assert (found.distance[0, t], found.strength[0, t]) == pytest.approx(wanted, abs=1e-12)


def test_no_node_where_nothing_was_traded_any_more():
    low = 100.0 + np.random.default_rng(0).integers(0, 30, (1, 300))
    low[0, ::25], low[0, 1::25] = 100.0, 129.0  # the range stays
    volume = np.where(np.arange(300) < 150, 0.1, 0.0)[None]
    found = volume_profile.low_volume_node(low + 1.0, low, low + 0.5, volume)
    assert found.strength[0, 99:249].all()
    assert not found.strength[0, 249:].any()
    assert not found.distance[0, 249:].any()


def test_low_volume_node_by_hand():
    # nine bars at 100 to 101, one at 139 to 140: between them 38 bins in which nothing was traded
    low = np.array([[100.0] * 9 + [139.0]])
    close = np.array([[100.5] * 9 + [139.9]])
    found = volume_profile.low_volume_node(low + 1.0, low, close, np.ones((1, 10)), 10)
    # bins of width 1; the bar at 139 to 140 fills bins 39 alone (of one volume, under 30% of 9): itself a node
    assert found.distance[0, -1] == pytest.approx((139.5 - 139.9) / 40.0)
    assert found.strength[0, -1] == pytest.approx(1.0 - 1.0 / (0.3 * 4.5))
