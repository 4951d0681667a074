"""Fair value gaps by hand and against the plain list of open gaps."""

import numpy as np
import pytest

from fund.grandmodel.indicators import gaps
from tests.grandmodel.indicators import twins
from tests.grandmodel.indicators.bars import walk


def flat_bars(rows=30):
    """Bars around 100 with bodies of 0.1."""
    opened = np.full((1, rows), 100.0)
    close = opened + 0.1 * np.where(np.arange(rows) % 2, 1.0, -1.0)
    return opened, np.maximum(opened, close) + 0.05, np.minimum(opened, close) - 0.05, close


def test_gap_by_hand():
    opened, high, low, close = flat_bars()
    opened[0, 15], high[0, 15], low[0, 15], close[0, 15] = 100.0, 101.05, 99.95, 101.0  # body 1 > 1.5 x 0.1
    opened[0, 16:], high[0, 16:], low[0, 16:], close[0, 16:] = 101.0, 101.2, 100.9, 101.1
    low[0, 22] = high[0, 14]  # reaches the far edge
    found = gaps.fair_value_gaps(opened, high, low, close, np.zeros(30, dtype=np.int64))
    assert found.signal[0, 16] == 1.0
    assert np.abs(found.signal[0]).sum() == 1.0
    np.testing.assert_allclose(found.bullish[0, 16:22], 1.0 - np.arange(6) / 50.0)
    assert (found.bullish[0, 22:] == 0.0).all()
    assert (found.bearish == 0.0).all()
    middle = 0.5 * (high[0, 14] + low[0, 16])
    assert found.level[0, 17] == pytest.approx(middle - close[0, 17])


def test_no_gap_across_a_night_and_none_after_a_small_body():
    opened, high, low, close = flat_bars()
    for field in (opened, high, low, close):
        field[0, 15:] += 1.0  # a jump between sessions, bodies as before
    sessions = (np.arange(30) >= 15).astype(np.int64)
    assert not gaps.fair_value_gaps(opened, high, low, close, sessions).signal.any()
    assert not gaps.fair_value_gaps(opened, high, low, close, 0 * sessions).signal.any()  # body[t-1] is small


def test_gaps_are_the_plain_list():
    o, h, lo, c, _, s = walk(rows=600)
    squeeze = 0.1  # narrow bars leave gaps often
    h, lo = (
        np.maximum(o, c) + squeeze * (h - np.maximum(o, c)),
        np.minimum(o, c) - squeeze * (np.minimum(o, c) - lo),
    )
    found = gaps.fair_value_gaps(o, h, lo, c, s)
    assert np.abs(found.signal).sum() > 20
    for i in range(2):
        wanted = twins.gaps(o[i], h[i], lo[i], c[i], s, 1.5)
        np.testing.assert_allclose(np.array([field[i] for field in found[:4]]), wanted, atol=1e-12)
