"""Impact models against their papers (PAPERS.md 8.2, 8.3) and the absence of free money."""

import numpy as np
import pytest
from scipy.optimize import minimize

from fund.errors import DataError, InvalidParameter
from fund.grandmodel import market_impact as impact
from fund.grandmodel.market_impact import BlockBook

BOOK = BlockBook()


@pytest.mark.parametrize(("days", "temporary", "realised"), [(0.1, 22, 32), (0.2, 15, 25), (0.5, 8, 18)])
def test_ibm_row(days, temporary, realised):
    """EX-6: 10 % of a day's volume of IBM, Theta/V = 263, sigma = 1.57 %; to one basis point."""
    found = impact.almgren_2005(0.1, 1.0, 263.0, 0.0157, days)
    assert found.permanent * 1e4 == pytest.approx(20, abs=1)
    assert found.temporary * 1e4 == pytest.approx(temporary, abs=1)
    assert found.realised * 1e4 == pytest.approx(realised, abs=1)


def test_a_sale_pushes_the_other_way():
    bought, sold = (impact.almgren_2005(x, 1.0, 100.0, 0.02, 0.3) for x in (0.1, -0.1))
    assert sold == tuple(-value for value in bought)
    assert impact.almgren_2005(0.0, 1.0, 100.0, 0.02, 0.3) == (0.0, 0.0, 0.0)
    assert impact.square_root(-4.0, 100.0, 0.02) == -0.02 * 0.2
    assert impact.square_root(1.0, 100.0, 0.02, 0.5) == pytest.approx(0.001)


def test_blocks_in_continuous_time():
    block, rate, cost = impact.continuous_schedule(BOOK, 1e5)
    assert (round(block), round(rate)) == (23_635, 52_730)
    assert cost == pytest.approx(1e-4 * 1e10 / 4.231, rel=1e-12)


def test_ten_intervals():
    """EX-8."""
    best = impact.discrete_schedule(BOOK, 1e5, 10)
    assert best[[0, -1]] == pytest.approx(26_318, abs=5)
    assert best[1:-1] == pytest.approx(5_263, abs=1)
    assert impact.transient_cost(BOOK, best) == pytest.approx(236_866, abs=5)
    assert impact.transient_cost(BOOK, np.full(11, 1e5 / 11)) == pytest.approx(258_027, abs=5)


def test_schedule_is_the_minimum():
    def cost(inner):
        return impact.transient_cost(BOOK, np.append(inner, 1.0 - inner.sum()) * 1e5) / 1e5

    found = minimize(cost, np.full(5, 1 / 6), method="BFGS", options={"gtol": 1e-10})
    np.testing.assert_allclose(found.x, impact.discrete_schedule(BOOK, 1.0, 5)[:-1], atol=1e-6)


def plain_cost(book, trades):
    # the book walked: each trade eats from the displaced price upwards, and the displacement decays
    displaced, cost, step = 0.0, 0.0, book.horizon / (len(trades) - 1)
    for x in trades:
        cost += x * displaced + 0.5 * book.transient * x * x
        displaced = (displaced + book.transient * x) * np.exp(-book.resilience * step)
    return cost


def test_cost_is_that_of_the_book_walked_by_hand():
    trades = np.random.default_rng(0).normal(size=8) * 1e4
    assert impact.transient_cost(BOOK, trades) == pytest.approx(plain_cost(BOOK, trades), rel=1e-10)


def round_trips(count, trades=6):
    n = np.random.default_rng(4).standard_normal((count, trades)) * 1e4
    n[:, -1] = -n[:, :-1].sum(axis=1)
    return n


def test_no_round_trip_pays_with_linear_permanent_impact():
    """EX-14: 10,000 random round trips; permanent impact alone gives back exactly what it took."""
    trips = round_trips(10_000)
    assert (impact.trading_cost(trips, 2.5e-7, 2.5e-6, 0.0625) > 0.0).all()
    np.testing.assert_allclose(impact.trading_cost(trips, 2.5e-7), 0.0, atol=1e-6)


def test_transient_impact_cannot_be_pumped():
    """Gatheral (2010): exponential decay of linear impact is free of manipulation."""
    assert min(impact.transient_cost(BOOK, trip) for trip in round_trips(2_000)) > 0.0


def test_concave_permanent_impact_can_be_pumped():
    """The control: Huberman and Stanzl (2004) show that no other power is free of manipulation."""
    slowly_in_at_once_out = np.array([1.0] * 10 + [-10.0])
    assert impact.trading_cost(slowly_in_at_once_out, 1.0, power=0.5) < 0.0


def test_impact_refuses_what_has_no_meaning():
    with pytest.raises(InvalidParameter, match="daily_volume"):
        impact.almgren_2005(1.0, 0.0, 1.0, 0.1, 1.0)
    with pytest.raises(InvalidParameter, match="1/q"):
        BlockBook(permanent=1.0)
    with pytest.raises(DataError, match="finite"):
        impact.trading_cost([1.0, np.nan], 1.0)
