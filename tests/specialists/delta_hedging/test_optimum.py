"""The dynamic programme against PAPERS.md, against a plain twin and against what must hold."""

import itertools
import math

import numpy as np
import pytest

from fund.errors import InvalidParameter
from specialists.delta_hedging import optimum, rules, theory
from specialists.delta_hedging.strategy import DeltaHedging
from specialists.delta_hedging.theory import Band


def tree(**changes):
    return optimum.tree_of(DeltaHedging.preset("hodges_neuberger", **changes))


def greeks_on(t):
    from fund.market.black_scholes import greeks

    spot = optimum.spots(t)
    left = (t.steps - np.arange(t.steps))[:, None] * 0.25 / t.steps * np.ones_like(spot)
    return spot, left, greeks(1.0, spot, t.strike, left, 0.0, 0.0, 0.2)


def test_price_of_the_optimum():
    # DH-7
    assert optimum.optimum(tree()).price == pytest.approx(6.0444, abs=1e-3)


def test_prices_of_the_ladder_without_simulation():
    # DH-7: 8.837, 7.683, 6.395 and 6.208 by simulation of 200,000 paths
    t = tree()
    spot, left, found = greeks_on(t)
    width = theory.whalley_wilmott_width(spot, found.gamma, left, 0.0, 0.01, 1.0)
    band = theory.zakamouline(spot, found.gamma, left, 0.0, 0.2, 0.01, 1.0)
    from fund.market.black_scholes import greeks

    centre = greeks(1.0, spot, 100.0, left, 0.0, 0.0, band.volatility).delta
    leland = greeks(1.0, spot, 100.0, left, 0.0, 0.0, theory.leland_volatility(0.2, 0.01, 1 / 252)).delta
    prices = {
        8.837: Band(found.delta, found.delta),
        7.683: Band(leland, leland),
        6.395: Band(found.delta - width, found.delta + width),
        6.208: Band(centre - band.width, centre + band.width),
    }
    for wanted, edges in prices.items():
        assert optimum.price_of(t, edges) == pytest.approx(wanted, abs=0.02)


def test_its_own_band_has_its_own_price():
    t = tree()
    found = optimum.optimum(t)
    assert optimum.price_of(t, found.band) == pytest.approx(found.price, abs=1e-9)
    shifted = Band(found.band.lower + 0.03, found.band.upper + 0.03)
    assert optimum.price_of(t, shifted) > found.price


def plain(t, y, step, ups, grid):
    """Liability by brute force: every hedge of the grid tried at every node; t.aversion is of terminal money."""
    spot = t.spot * math.exp(t.move * (2 * ups - step))
    if step == t.steps:
        payoff = max(t.sign * (spot - t.strike), 0.0)
        delivered = t.sign if t.delivery and payoff > 0 else 0.0
        return payoff - y * spot + t.unwind * spot * abs(y - delivered)
    g = t.aversion * t.growth ** (t.steps - step - 1)
    best = math.inf
    for z in grid:
        up, down = plain(t, z, step + 1, ups + 1, grid), plain(t, z, step + 1, ups, grid)
        held = math.log(t.up * math.exp(g * up) + (1 - t.up) * math.exp(g * down)) / (g * t.growth)
        rate = t.set_up if step == 0 else t.cost
        best = min(best, held + (z - y) * spot + rate * abs(z - y) * spot)
    return best


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"rate": 0.1, "mu": 0.15},
        {"option": "put"},
        {"settlement": "stock"},
        {"unwind_cost": False, "set_up_cost": False},
    ],
)
def test_plain_twin(changes):
    t = tree(maturity_days=3, strike=101.0, **changes)
    width = 0.1
    grid = optimum.hedges(t.sign, width)
    assert optimum.optimum(t, width).price == pytest.approx(plain(t, 0.0, 0, 0, grid), abs=1e-10)


def test_without_costs_it_replicates():
    # on a binomial tree at no cost the writer asks for the replication price, whatever his risk aversion
    t = tree(cost_rate=0.0, maturity_days=9)
    up, down = math.exp(t.move), math.exp(-t.move)
    q = (1 - down) / (up - down)
    ends = [
        (math.prod(q if x else 1 - q for x in path), sum(path))
        for path in itertools.product((0, 1), repeat=9)
    ]
    price = sum(chance * max(100 * math.exp(t.move * (2 * ups - 9)) - 100, 0) for chance, ups in ends)
    for aversion in (0.1, 1.0):
        found = optimum.optimum(t._replace(aversion=aversion))
        assert found.price == pytest.approx(price, abs=1e-3)


def test_the_band_widens_with_costs_and_narrows_with_risk_aversion():
    def width(**changes):
        band = optimum.optimum(tree(maturity_days=21, **changes), 0.005).band
        return band.upper[10, 5] - band.lower[10, 5]

    assert width(cost_rate=0.001) < width(cost_rate=0.01) < width(cost_rate=0.03)
    assert width(risk_aversion=3.0) < width(risk_aversion=1.0) < width(risk_aversion=0.3)


def test_trading_is_closed_between_rebalancings():
    band = optimum.optimum(tree(maturity_days=20, rebalance_days=5), 0.01).band
    assert np.isfinite(band.lower[5, :6]).all()
    assert np.isinf(band.lower[6]).all()
    dear = optimum.optimum(tree(maturity_days=20, rebalance_days=5), 0.01).price
    assert dear > optimum.optimum(tree(maturity_days=20), 0.01).price


def test_elsewhere_there_is_none():
    for changes in ({"market": "gbm"}, {"objective": "mean_std"}, {"risk_aversion": 0.0}, {"dividend": 0.01}):
        strategy = DeltaHedging.preset("hodges_neuberger", **changes)
        with pytest.raises(InvalidParameter, match="no optimum is known with"):
            rules.optimum(strategy)
