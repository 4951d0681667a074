"""Routing against Cont & Kukanov (PAPERS.md 8.4), grid search and quadratic programming."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import poisson

from fund.errors import DataError, InvalidParameter
from fund.grandmodel import order_routing as routing
from fund.grandmodel.order_routing import Placement, Split

ORDER = Placement()
REBATE, QUEUE = 0.002, 2000.0


def expected(market, posted):
    """Mean cost under Poisson(2200), by the probabilities of all outflows."""
    outflow = np.arange(3200.0)
    cost = routing.placement_cost(
        ORDER, Split(market, np.array([posted])), [QUEUE], [REBATE], outflow[:, None]
    )
    return float(cost @ poisson.pmf(outflow, 2200))


def test_single_venue():
    """EX-10."""
    assert routing.critical_fraction(ORDER, REBATE) == pytest.approx(0.625, abs=1e-12)
    split = routing.single_venue(ORDER, QUEUE, REBATE, poisson(2200).ppf)
    assert split.limits[0] == pytest.approx(215, abs=1)
    assert split.market == pytest.approx(785, abs=1)
    assert expected(split.market, split.limits[0]) == pytest.approx(15.30, rel=0.01)


def test_single_venue_is_the_best_of_the_grid():
    split = routing.single_venue(ORDER, QUEUE, REBATE, poisson(2200).ppf)
    grid = [expected(1000.0 - posted, posted) for posted in range(0, 1001, 5)]
    assert expected(split.market, split.limits[0]) <= min(grid) + 1e-9
    assert abs(5 * int(np.argmin(grid)) - 210) <= 5


@pytest.mark.parametrize(("penalty", "posted"), [(0.0, 1000.0), (0.02, 1000.0), (1e5, 0.0)])
def test_cheap_delay_posts_all_and_dear_delay_nothing(penalty, posted):
    split = routing.single_venue(Placement(under_fill=penalty), QUEUE, REBATE, poisson(2200).ppf)
    assert split.limits[0] == posted  # F^{-1} of a fraction near 0 is below the queue


def test_cost_worked_by_hand():
    # 500 at market: 11.5; 300 of 400 filled: -6.6; 200 open at .05: 10
    split = Split(500.0, np.array([400.0]))
    assert float(routing.placement_cost(ORDER, split, [QUEUE], [REBATE], [2300.0])) == pytest.approx(
        11.5 - 6.6 + 10.0, abs=1e-12
    )
    # 900 at market and 300 filled are 200 too many
    over = Split(900.0, np.array([300.0]))
    assert float(routing.placement_cost(ORDER, over, [QUEUE], [REBATE], [9000.0])) == pytest.approx(
        0.023 * 900 - 6.6 + 10.0, abs=1e-12
    )


def test_search_finds_the_single_venue():
    outflows = np.random.default_rng(0).poisson(2200, (20_000, 1)).astype(float)
    found = routing.several_venues(ORDER, [QUEUE], [REBATE], outflows)
    assert found.limits[0] == pytest.approx(215, abs=3)
    assert found.market + found.limits[0] == pytest.approx(1000.0, abs=1.0)


def test_search_is_no_worse_than_a_grid_over_two_venues():
    draws = np.random.default_rng(1)
    outflows = draws.exponential(1.0, (2000, 2)) * np.array([1000.0, 500.0])
    queues, rebates = [900.0, 300.0], [0.002, 0.001]

    def mean(market, one, two):
        split = Split(market, np.array([one, two]))
        return routing.placement_cost(ORDER, split, queues, rebates, outflows).mean()

    found = routing.several_venues(ORDER, queues, rebates, outflows)
    grid = range(0, 1001, 100)
    best = min(mean(m, one, two) for m in grid for one in grid for two in grid)
    assert mean(found.market, *found.limits) <= best
    # two venues are at least as good as the better one alone
    alone = routing.several_venues(ORDER, queues[:1], rebates[:1], outflows[:, :1])
    assert mean(found.market, *found.limits) <= mean(alone.market, alone.limits[0], 0.0) + 0.02


def test_quadratic_venues():
    """EX-12."""
    eta = [1.0, 2.0, 4.0]
    shares = routing.quadratic_shares(eta)
    assert shares == pytest.approx([0.5714, 0.2857, 0.1429], abs=5e-5)
    assert routing.quadratic_cost(eta, shares) == pytest.approx(0.5714, abs=5e-5)
    assert routing.quadratic_cost(eta, np.ones(3) / 3) == pytest.approx(0.7778, abs=5e-5)
    assert routing.quadratic_cost(eta, [1.0, 0.0, 0.0]) == 1.0
    found = minimize(
        lambda x: routing.quadratic_cost(eta, x), np.ones(3) / 3, method="SLSQP",
        constraints={"type": "eq", "fun": lambda x: x.sum() - 1.0},
    )  # fmt: skip
    np.testing.assert_allclose(found.x, shares, atol=1e-4)


def test_routing_refuses_what_has_no_meaning():
    with pytest.raises(InvalidParameter, match="size is -1"):
        Placement(size=-1.0)
    with pytest.raises(InvalidParameter, match="above 0"):
        routing.quadratic_shares([1.0, 0.0])
    with pytest.raises(DataError, match="2 venues"):
        routing.placement_cost(ORDER, Split(0.0, np.zeros(1)), [0.0], [0.0], np.zeros((5, 2)))
    with pytest.raises(DataError, match="scenarios"):
        routing.several_venues(ORDER, [0.0], [0.0], np.zeros(5))
