"""What a trade costs."""

import pytest

from fund.account.costs import make, take
from fund.account.limits import exposure_limit, scale_to, within


def test_a_taker_pays_half_the_spread_and_the_fee_on_each_side():
    assert take(2.0, 100.0, 0.01, 0.001) == (101.0, pytest.approx(0.202))
    assert take(-2.0, 100.0, 0.01, 0.001) == (99.0, pytest.approx(0.198))


def test_a_round_trip_costs_twice_the_fee_and_the_half_spread():
    bought, fee_in = take(5.0, 100.0, 0.002, 0.001)
    sold, fee_out = take(-5.0, 100.0, 0.002, 0.001)
    cost = 5.0 * (bought - sold) + fee_in + fee_out
    assert cost == pytest.approx(2 * 5.0 * 100.0 * (0.002 + 0.001), abs=1e-9)


def test_no_trade_costs_nothing():
    assert take(0.0, 100.0, 0.01, 0.5)[1] == 0.0
    assert make(0.0, 100.0, 0.5)[1] == 0.0


def test_a_maker_trades_at_his_quote_and_is_paid_the_rebate():
    assert make(-3.0, 50.0, 0.0002) == (50.0, pytest.approx(-0.03))


def test_a_negative_price_still_costs_a_positive_fee():
    assert take(2.0, -37.0, 0.0, 0.001)[1] == pytest.approx(0.074)


def test_limits():
    assert within(3.0, -1.0, 1.0) == 1.0
    assert within(-3.0, -1.0, 1.0) == -1.0
    assert exposure_limit(-5.0, 2.0) == 0.0
    assert exposure_limit(5.0, 2.0) == 10.0
    assert scale_to(20.0, 10.0) == 0.5
    assert scale_to(5.0, 10.0) == 1.0
