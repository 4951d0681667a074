"""The paper broker against sums worked by hand."""

import dataclasses

import numpy as np
import pytest

from fund.errors import DataError, ResetNeeded
from fund.grandmodel.broker import Limits, Order, PaperBroker, Session, Status
from fund.grandmodel.execution.market import record
from fund.market.streams import Paths


def send(broker, quantity, kind="market", price=None, name="1", **given):
    return broker.submit(Order(name, given.pop("instrument", "instrument_1"), quantity, kind, price, **given))


def last(broker):
    return broker.reports[-1]


def test_a_market_order_pays_spread_concession_and_fee(quiet):
    broker = PaperBroker(quiet, 1e6)
    assert send(broker, 500.0) == Status.FILLED
    # 50 + .01 + 500 / 10,000 at the deepest venue, fee .003 a share
    assert last(broker).price == pytest.approx(50.06)
    assert last(broker).fee == pytest.approx(1.5)
    assert broker.statement().cash == pytest.approx(1e6 - 500 * 50.06 - 1.5)
    assert send(broker, -500.0, name="2", venue="venue_b") == Status.FILLED
    assert last(broker).price == pytest.approx(50.0 - 0.01 - 0.1)
    assert last(broker).fee == pytest.approx(1.0)
    assert broker.statement().positions == {"instrument_1": 0.0}


def test_a_market_order_is_filled_in_parts_where_the_venue_is_thin(quiet):
    # at most .25 x 12,000 x 2/3 = 2,000 shares a step at venue a
    broker = PaperBroker(quiet)
    assert send(broker, 4500.0) == Status.PARTIALLY_FILLED
    assert [r.quantity for r in broker.reports] == [0.0, 2000.0]
    broker.advance()
    broker.advance()
    assert [r.quantity for r in broker.reports] == [0.0, 2000.0, 2000.0, 500.0]
    assert last(broker).status == Status.FILLED
    assert sum(r.quantity for r in broker.reports) == 4500.0


def test_the_second_of_a_step_gets_what_the_first_left(quiet):
    broker = PaperBroker(quiet)
    send(broker, 1500.0)
    send(broker, 1500.0, name="2")
    assert last(broker).quantity == 500.0
    assert last(broker).price == pytest.approx(50.0 + 0.01 + 2000.0 / 10_000.0)


def test_at_once_or_not_at_all(quiet):
    broker = PaperBroker(quiet)
    assert send(broker, 3000.0, time_in_force="ioc") == Status.CANCELED
    assert sum(r.quantity for r in broker.reports) == 2000.0
    broker.advance()
    assert last(broker).status == Status.CANCELED


def test_a_posted_order_waits_behind_the_queue(quiet):
    broker = PaperBroker(quiet)
    assert send(broker, 600.0, "limit", 49.99) == Status.NEW
    broker.advance()  # 500 came, 300 stood before us
    assert (last(broker).quantity, last(broker).price) == (200.0, 49.99)
    assert last(broker).fee == pytest.approx(-0.002 * 200.0)
    broker.advance()  # and now we stand in front
    assert last(broker).quantity == 400.0
    assert last(broker).status == Status.FILLED


def test_a_posted_order_behind_the_touch_is_not_reached(quiet):
    broker = PaperBroker(quiet)
    send(broker, 600.0, "limit", 49.98)
    for _ in range(3):
        broker.advance()
    assert last(broker).status == Status.NEW
    broker.advance()
    assert last(broker).status == Status.EXPIRED
    assert not broker.statement().open


def test_a_queue_is_stood_in_again_when_the_touch_ran_away(quiet):
    mid = quiet.mid.copy()
    mid[1] += 0.05  # up and back
    broker = PaperBroker(dataclasses.replace(quiet, mid=mid))
    send(broker, 900.0, "limit", 49.99)
    for quantity in (200.0, 0.0, 200.0):
        before = sum(r.quantity for r in broker.reports)
        broker.advance()
        assert sum(r.quantity for r in broker.reports) - before == quantity


def test_a_limit_that_crosses_fills_at_the_limit(quiet):
    broker = PaperBroker(quiet)
    assert send(broker, 500.0, "limit", 50.03) == Status.FILLED
    assert last(broker).price == 50.03


def test_own_trades_move_the_price(quiet):
    market = dataclasses.replace(quiet.market, permanent=1e-5)
    broker = PaperBroker(dataclasses.replace(quiet, market=market))
    send(broker, 500.0)
    assert broker.mids.tolist() == pytest.approx([50.005, 50.0])
    send(broker, -500.0, name="2")
    assert last(broker).price == pytest.approx(50.005 - 0.01 - 1000.0 / 10_000.0)
    assert broker.mids[0] == pytest.approx(50.0)


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        (Order("x", "instrument_9", 500.0), 'no instrument "instrument_9"'),
        (Order("x", "instrument_1", 500.0, venue="venue_z"), 'no venue "venue_z"'),
        (Order("x", "instrument_1", 50.0), "100 to 10000 in steps of 100"),
        (Order("x", "instrument_1", 150.0), "100 to 10000 in steps of 100"),
        (Order("x", "instrument_1", -20_000.0), "100 to 10000 in steps of 100"),
        (Order("x", "instrument_1", float("nan")), "100 to 10000 in steps of 100"),
        (Order("x", "instrument_1", 500.0, "limit"), "finite limit price"),
        (Order("x", "instrument_1", 500.0, "limit", float("nan")), "finite limit price"),
        (Order("x", "instrument_1", 500.0, "market", 50.0), "no limit price"),
        (Order("x", "instrument_1", 500.0, "limit", 40.0), "beyond the collar"),
        (Order("x", "instrument_1", 5000.0), "margin"),
    ],
)
def test_rejects(quiet, order, reason):
    broker = PaperBroker(quiet, 1e5, Limits(leverage=2.0))
    assert broker.submit(order) == Status.REJECTED
    assert reason in last(broker).reason
    assert broker.statement().cash == 1e5
    assert not broker.statement().open


def test_open_orders_use_margin_too(quiet):
    broker = PaperBroker(quiet, 1e5, Limits(leverage=2.0))
    assert send(broker, 3000.0, "limit", 49.99) == Status.NEW
    assert send(broker, 3000.0, "limit", 49.99, name="2") == Status.REJECTED
    # the other side adds nothing: only one of them can be in the way
    assert send(broker, -3000.0, "limit", 50.01, name="3") == Status.NEW


def test_the_same_id_is_the_same_order(quiet):
    broker = PaperBroker(quiet)
    for _ in range(3):
        assert send(broker, 500.0) == Status.FILLED
    assert broker.statement().positions == {"instrument_1": 500.0}
    assert send(broker, 600.0) == Status.REJECTED  # another order under its id
    assert broker.statement().positions == {"instrument_1": 500.0}
    assert broker.status("1") == Status.FILLED


def test_orders_can_be_taken_back_once(quiet):
    broker = PaperBroker(quiet)
    send(broker, 600.0, "limit", 49.99)
    broker.advance()
    assert broker.cancel("1") == broker.cancel("1") == Status.CANCELED
    assert [r.status for r in broker.reports] == ["new", "partially_filled", "canceled"]
    assert broker.cancel("2") is None
    broker.advance()
    assert len(broker.reports) == 3


def test_after_the_close(quiet):
    broker = PaperBroker(quiet)
    for _ in range(quiet.steps):
        broker.advance()
    assert send(broker, 500.0) == Status.REJECTED
    assert "closed" in last(broker).reason
    with pytest.raises(ResetNeeded, match="open the next"):
        broker.advance()
    broker.open(quiet)
    assert send(broker, 500.0, name="2") == Status.FILLED


def test_a_session_is_the_tape(session):
    market, orders = session.market, np.array([[12_000.0, -8_000.0]] * 3)
    tape = record(market, Paths.of(0, 3), None, orders)
    two = Session.of(market, tape, (0, 2), (10.0, 20.0, 30.0, 40.0))
    np.testing.assert_array_equal(two.outflow[:, :2], session.outflow)
    np.testing.assert_array_equal(two.depth[:, 3, 1], tape["depth_b2"][:, 2])
    np.testing.assert_allclose(two.mid[:, 2], tape["mid_a"][:, 2] - 20.0, rtol=1e-14)
    with pytest.raises(DataError, match="3 prices, wanted one for each of 4"):
        Session.of(market, tape, (0, 1), (1.0, 2.0, 3.0))
