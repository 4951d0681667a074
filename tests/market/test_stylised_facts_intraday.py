"""Within the day: a U worked by hand, a flat day, times of day."""

import numpy as np
import pytest

from fund.errors import DataError
from fund.market.stylised_facts_intraday import time_of_day, u_shape


def test_times_of_day():
    assert time_of_day(5, 4).tolist() == [0.125, 0.375, 0.625, 0.875, 0.125]
    assert time_of_day(2, 4, first=3).tolist() == [0.875, 0.125]


def test_u_by_hand():
    # of ten steps a day the first and the last are the ends, the two in the middle noon
    day = np.array([6.0, 9.0, 9.0, 9.0, 1.0, 3.0, 9.0, 9.0, 9.0, 2.0])
    values = np.tile(day, 3)[:, None]
    assert u_shape(values, time_of_day(30, 10))[0] == pytest.approx(4.0 / 2.0)
    assert u_shape(np.ones((30, 2)), time_of_day(30, 10)).tolist() == [1.0, 1.0]


def test_a_part_of_a_day_is_refused():
    with pytest.raises(DataError, match="2 rows without both an end and the middle"):
        u_shape(np.ones((2, 1)), time_of_day(2, 10))
