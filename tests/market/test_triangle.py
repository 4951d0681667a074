"""The identity of both ways round, and how long opportunities last."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fund.errors import InvalidParameter
from fund.market.streams import Paths
from fund.market.triangle import DRAWS, Durations, loops, most_opportunities, open_at

price = st.floats(1e-3, 1e3)
share = st.floats(0.0, 0.05)


@given(st.tuples(price, price, price), st.tuples(share, share, share))
def test_both_ways_lose_the_spreads(bids, spreads):
    # FX-1
    bid = np.array(bids)
    ask = bid * (1.0 + np.array(spreads))
    found = loops(bid, ask)
    total = np.log(found.clockwise) + np.log(found.anticlockwise)
    assert total == pytest.approx(-np.log(ask / bid).sum(), abs=1e-12)
    assert min(found) <= 1.0 + 1e-12


def test_crossed_quotes_are_refused():
    with pytest.raises(InvalidParameter, match="home_terms"):
        loops([1.1, 110.0, 121.0], [1.1, 109.9, 121.1])


def test_durations_have_the_published_quantiles():
    found = Durations().shorter_than([1.0, 5.0])
    assert found == pytest.approx([0.60, 0.95], abs=0.005)
    # no single exponential has both
    assert abs(np.log(1 - 0.6) / 1.0 - np.log(1 - 0.95) / 5.0) > 0.3


def test_generated_durations_and_sizes():
    n, seconds, rate, step = 50, 4_000, 0.05, 0.02
    most = most_opportunities(rate, seconds * step)
    rows = int(seconds)
    size, age = np.zeros((2, rows, n))
    uniforms = Paths.of(0, n).streams("triangle").uniform("opportunities", most, DRAWS)
    open_at(uniforms, rate, (0.454, 2.0, 0.478), 0.355e-4, step, size, age)
    twin = np.zeros((rows, n))
    for i in range(n):
        end, which = 0.0, 0
        while end < rows * step and which < most:
            wait, u, _, side = uniforms[i, which]
            start = end - np.log(wait) / rate
            long = u > 0.454
            end = start - (np.log((u - 0.454) / 0.546) / 0.478 if long else np.log(u / 0.454) / 2.0)
            inside = (np.arange(rows) * step >= start) & (np.arange(rows) * step < end)
            twin[inside, i] = 1.0 if side < 0.5 else -1.0
            which += 1
    assert np.array_equal(np.sign(size), twin)
    assert (age[size != 0.0] >= 0.0).all()
    assert np.mean(size != 0.0) == pytest.approx(Durations().time_open(rate), abs=0.02)
