"""Covered parity: worked sums, and round trips that must leave nothing."""

import numpy as np
import pytest

from fund.errors import InvalidParameter, UnknownName
from fund.market.rates import (
    covered_pnl,
    day_count_of,
    forward,
    implied_differential,
    roll,
    swap_points,
    year_fraction,
)


def test_forward_worked_by_hand():
    # 1.10 x (1 + .05/2) / (1 + .03/2) = 1.110837438...
    assert forward(1.10, 0.03, 0.05, 0.5) == pytest.approx(1.10 * 1.025 / 1.015, rel=1e-15)
    assert swap_points(1.10, 0.03, 0.05, 0.5) == pytest.approx(0.0108374384, abs=1e-10)
    assert roll(0.03, 0.05, 0.5) == pytest.approx(-0.01 / 1.015, rel=1e-14)


def test_a_covered_trade_leaves_nothing_at_mid_and_the_spread_otherwise():
    # FX-4, over rates of both signs and any maturity
    generator = np.random.default_rng(0)
    spot, base, terms = np.exp(generator.normal(0, 2, 1000)), *generator.uniform(-0.02, 0.2, (2, 1000))
    years, half = generator.uniform(1 / 360, 2.0, 1000), generator.uniform(0, 0.01, 1000)
    assert np.abs(covered_pnl(spot, forward(spot, base, terms, years), base, terms, years)).max() < 1e-9
    bid, ask = spot * (1 - half), spot * (1 + half)
    pnl = covered_pnl(ask, forward(bid, base, terms, years), base, terms, years)
    np.testing.assert_allclose(pnl, bid - ask, atol=1e-9)


def test_differential_is_the_inverse_of_the_forward():
    outright = forward(1.3, 0.01, 0.045, 0.75)
    assert implied_differential(1.3, outright, 0.045, 0.75) == pytest.approx(0.01 - 0.045, abs=1e-14)


def test_day_counts():
    assert year_fraction("2024-01-31", "2024-03-01") == pytest.approx(30 / 360)
    assert year_fraction("2024-01-31", "2024-03-01", "act/365") == pytest.approx(30 / 365)
    assert year_fraction("2024-01-31", "2024-03-01", "30/360") == pytest.approx(31 / 360)
    assert year_fraction("2024-01-05T12:00", "2024-01-06") == pytest.approx(0.5 / 360)
    assert (day_count_of("gbp"), day_count_of("JPY")) == ("act/365", "act/360")
    with pytest.raises(UnknownName, match="act/360"):
        year_fraction("2024-01-31", "2024-03-01", "act/36")


def test_rates_in_percent_are_noticed():
    with pytest.raises(InvalidParameter, match="decimals"):
        forward(1.0, -300.0, 2.0, 1.0)
