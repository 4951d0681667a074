"""The tape holds what it was given, and nothing that is not a number."""

import numpy as np
import pytest

from fund.errors import DataError, UnknownName
from fund.market.tape import places, write_tape


def tape(n=4, steps=3):
    rows = np.arange((steps + 1) * n, dtype=float).reshape(steps + 1, n)
    return write_tape({"mid": rows, "rate": rows / 10}, {"zscore": rows - 5}, ("zscore", "position"))


def test_shapes_and_names():
    drawn = tape()
    assert (drawn.n, drawn.steps) == (4, 3)
    assert drawn.block.shape == (4, 2, 4)
    assert drawn.features.shape == (4, 4, 2)
    assert drawn["rate"][2, 1] == pytest.approx(0.9)
    assert drawn.features[2, 1, 0] == 4.0
    assert not drawn.features[:, :, 1].any()


def test_places_are_those_of_the_names():
    at = places(("bid", "ask", "bid_size"))
    assert (at.bid, at.ask, at.bid_size, len(at)) == (0, 1, 2, 3)


def test_an_unknown_column_is_answered_with_the_nearest():
    with pytest.raises(UnknownName, match='Did you mean "rate"'):
        tape()["rat"]


def test_an_unknown_feature_is_refused():
    rows = np.zeros((2, 1))
    with pytest.raises(UnknownName, match='No feature "zscor"'):
        write_tape({"mid": rows}, {"zscor": rows}, ("zscore",))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_number_that_is_not_finite_is_named(bad):
    rows = np.zeros((4, 2))
    rows[2, 1] = bad
    with pytest.raises(DataError, match='"mid", row 2, path 1'):
        write_tape({"mid": rows}, {}, ("position",))


def test_some_paths_can_be_replaced():
    drawn, other = tape(), tape(n=2)
    drawn.put(np.array([1, 3]), other)
    assert np.array_equal(drawn["mid"][:, [1, 3]], other["mid"])
    assert drawn["mid"][0, 0] == 0.0
    assert drawn["mid"][0, 2] == 2.0
