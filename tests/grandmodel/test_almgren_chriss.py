"""Almgren & Chriss against their own example (PAPERS.md 8.1), numerical optimisation and simulation."""

import numpy as np
import pytest
from scipy.optimize import minimize

from fund.errors import DataError, InvalidParameter
from fund.grandmodel import almgren_chriss as ac
from fund.grandmodel.almgren_chriss import Liquidation

ORDER = Liquidation()


def test_printed_row_of_risk_aversion_one_millionth():
    """EX-1."""
    held = ac.holdings(ORDER, 1e-6)
    found = ac.outlook(ORDER, held, 1e-6)
    assert np.rint(held).tolist() == [1_000_000, 541_956, 289_854, 147_897, 62_142, 0]
    assert (round(found.cost), round(found.deviation), round(found.objective)) == (
        911_227,
        603_431,
        1_275_356,
    )
    assert round(ac.kappa(ORDER, 1e-6), 4) == 0.6071


def test_printed_row_of_no_risk_aversion():
    """EX-1."""
    held = ac.holdings(ORDER, 0.0)
    found = ac.outlook(ORDER, held)
    np.testing.assert_allclose(held, [1e6, 8e5, 6e5, 4e5, 2e5, 0.0], rtol=1e-12)
    assert (round(found.cost), round(found.deviation)) == (662_500, 1_040_673)
    np.testing.assert_array_equal(held, ac.straight(ORDER))


def test_the_ends_of_the_frontier():
    all_now = ac.outlook(ORDER, ac.at_once(ORDER))
    assert (round(all_now.cost), all_now.deviation) == (2_562_500, 0.0)
    assert round(ac.outlook(ORDER, ac.straight(ORDER), 1e-6).objective) == 1_745_500


def test_frontier():
    found = ac.frontier(ORDER, [1e-7, 3e-7, 3e-6, 1e-5])
    assert [round(f.cost) for f in found] == [670_057, 712_166, 1_307_058, 1_845_211]
    assert [round(f.deviation) for f in found] == [961_623, 840_028, 365_803, 171_712]


def test_continuous_approximation_of_kappa():
    """Sqrt(lambda sigma^2 / eta), the limit of small slices."""
    fine = Liquidation(slices=100_000)
    assert ac.kappa(fine, 1e-6) == pytest.approx((1e-6 * 0.95**2 / 2.5e-6) ** 0.5, rel=1e-4)
    assert round(ac.kappa(fine, 1e-6), 4) == 0.6008


@pytest.mark.parametrize("risk_aversion", [-2e-7, 1e-8, 1e-6, 2e-6])
def test_holdings_are_the_minimum(risk_aversion):
    """A quasi-Newton search over the inner holdings ends where the closed form is."""

    def objective(inner):
        held = np.concatenate([[1.0], inner, [0.0]]) * ORDER.shares
        return ac.outlook(ORDER, held, risk_aversion).objective / 1e6

    found = minimize(objective, np.linspace(0.8, 0.2, 4), method="BFGS", options={"gtol": 1e-9})
    np.testing.assert_allclose(found.x * 1e6, ac.holdings(ORDER, risk_aversion)[1:-1], rtol=2e-4)


def test_extreme_urgency_neither_overflows_nor_turns():
    held = ac.holdings(Liquidation(slices=200, horizon=200.0), 1e3)
    assert np.isfinite(held).all()
    assert (np.diff(held) <= 0.0).all()
    assert held[1] < 1.0


def plain_shortfall(order, held, noise):
    price, received = order.price, 0.0
    for k, xi in enumerate(noise):
        sold = held[k] - held[k + 1]
        received += sold * (price - order.half_spread * np.sign(sold) - order.temporary * sold / order.tau)
        price += order.volatility * order.tau**0.5 * xi - order.permanent * sold
    return held[0] * order.price - received - held[-1] * price


@pytest.mark.parametrize("last", [0.0, 2.5e5])
def test_shortfall_is_that_of_prices_walked_by_hand(last):
    held = np.array([1e6, 7e5, 7.5e5, 2e5, 1e5, last])
    noise = np.random.default_rng(0).standard_normal((20, 5))
    wanted = [plain_shortfall(ORDER, held, row) for row in noise]
    np.testing.assert_allclose(ac.shortfall(ORDER, held, noise), wanted, rtol=1e-9)
    calm = ac.shortfall(ORDER, held, np.zeros(5))
    assert float(calm) == pytest.approx(ac.expected_cost(ORDER, held), rel=1e-12)


def test_simulated_moments():
    """EX-1, 200,000 worlds."""
    noise = np.random.default_rng(1).standard_normal((200_000, 5))
    cost = ac.shortfall(ORDER, ac.holdings(ORDER, 1e-6), noise)
    assert cost.mean() == pytest.approx(911_227, abs=6_000)
    assert cost.std() == pytest.approx(603_431, abs=5_000)


def test_a_purchase_costs_what_a_sale_costs():
    held = ac.holdings(ORDER, 1e-6)
    noise = np.random.default_rng(2).standard_normal(5)
    bought = ac.shortfall(ORDER, -held, -noise)
    assert float(bought) == pytest.approx(float(ac.shortfall(ORDER, held, noise)), rel=1e-12)
    assert ac.expected_cost(ORDER, np.zeros(6)) == 0.0


def test_no_policy_beats_the_optimum_in_its_world():
    """Ten thousand random schedules: none below 1,275,356."""
    cuts = np.sort(np.random.default_rng(3).random((10_000, 4)), axis=1)[:, ::-1] * 1e6
    least = min(ac.outlook(ORDER, np.concatenate([[1e6], row, [0.0]]), 1e-6).objective for row in cuts)
    assert least > 1_275_355.5


def test_what_cannot_be_sold_is_refused():
    with pytest.raises(InvalidParameter, match="temporary impact"):
        Liquidation(permanent=1e-4)
    with pytest.raises(InvalidParameter, match="0 slices"):
        Liquidation(slices=0)
    with pytest.raises(InvalidParameter, match="nearer to 0"):
        ac.holdings(ORDER, -1e-4)
    with pytest.raises(DataError, match=r"\(6,\)"):
        ac.expected_cost(ORDER, [1e6, 0.0])
