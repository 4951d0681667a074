"""Whatever the line does: no order twice, no fill lost or counted twice, two books that agree."""

import dataclasses

import numpy as np
import pytest

from fund.errors import BrokerUnavailable, ContractBroken, DataError, InvalidParameter, UnknownName
from fund.grandmodel.almgren_chriss import Liquidation, holdings
from fund.grandmodel.broker import (
    Difference,
    Journal,
    Link,
    Order,
    OrderGateway,
    PaperBroker,
    Report,
    Status,
    draw_faults,
    reconcile,
    work_parents,
)
from fund.grandmodel.broker.link import LOST, OK, TWICE, UNANSWERED

PARENTS = np.array([12_000.0, -8_000.0])
BUY = Order("a-1", "instrument_1", 500.0)


def connected(session, faults=(), **given):
    broker = PaperBroker(session)
    return broker, OrderGateway(Link(broker, faults), session.instruments, prices=session.mid[0], **given)


def test_fills_are_booked(quiet):
    broker, gateway = connected(quiet)
    assert gateway.submit(BUY) == Status.FILLED
    assert gateway.position("instrument_1") == 500.0
    assert float(gateway.ledger.books.cash[0]) == pytest.approx(1e7 - 500 * 50.06 - 1.5)
    # bought at 50.06 what is marked at 50, and paid 1.50
    gateway.mark([50.0, 50.0])
    assert float(gateway.ledger.books.nav[0]) == pytest.approx(1e7 - 30.0 - 1.5)
    assert reconcile(gateway, broker.statement()) == []


@pytest.mark.parametrize("fault", [LOST, UNANSWERED])
def test_an_order_without_an_answer_is_unknown_and_sent_once(quiet, fault):
    broker, gateway = connected(quiet, [fault])
    assert gateway.submit(BUY) == Status.UNKNOWN
    assert gateway.open_quantity("instrument_1") == 500.0
    with pytest.raises(BrokerUnavailable, match="held"):
        gateway.submit(dataclasses.replace(BUY, client_order_id="a-2"))
    assert gateway.submit(BUY) == Status.UNKNOWN
    assert gateway.reconnect()
    assert gateway.orders["a-1"].status == Status.FILLED
    assert broker.statement().positions == {"instrument_1": 500.0}
    assert list(gateway.orders) == ["a-1"]
    assert reconcile(gateway, broker.statement()) == []


def test_a_call_that_arrives_twice_changes_nothing(quiet):
    broker, gateway = connected(quiet, [TWICE, TWICE])
    assert gateway.submit(BUY) == Status.FILLED
    assert gateway.position("instrument_1") == 500.0
    assert len(gateway.orders["a-1"].reports) == 2
    assert reconcile(gateway, broker.statement()) == []


def test_waiting_doubles_and_ends(quiet):
    # down for seven tries: 1 + 2 + 4 + 8 + 16 = 31 s, and 32 more are more than a minute
    _, gateway = connected(quiet, [LOST] * 8)
    gateway.submit(BUY)
    assert not gateway.reconnect(60.0)
    assert gateway.waited == 31.0
    assert gateway.reconnect(60.0)
    assert gateway.waited == 32.0


def test_a_hole_in_the_reports_is_asked_for_again(quiet):
    _, gateway = connected(quiet)
    gateway.journal.sending(BUY)
    gateway.submit(BUY)
    reports = list(gateway.orders["a-1"].reports)
    _, other = connected(quiet)
    other.submit(dataclasses.replace(BUY, quantity=600.0, kind="limit", limit_price=49.99))
    late = Report(5, "a-1", Status.CANCELED)
    other._hear([late])
    assert other.last_report == 1
    assert other.orders["a-1"].status == Status.NEW
    assert reports[0].sequence == 1


def test_wrong_use_is_named(quiet):
    _, gateway = connected(quiet)
    gateway.submit(BUY)
    with pytest.raises(ContractBroken, match="another order"):
        gateway.submit(dataclasses.replace(BUY, quantity=600.0))
    with pytest.raises(UnknownName, match='Did you mean "instrument_1"'):
        gateway.submit(Order("b", "instrumnt_1", 500.0))
    with pytest.raises(UnknownName, match="a-1"):
        gateway.cancel("a-9")
    with pytest.raises(ContractBroken, match="never sent"):
        gateway._hear([Report(gateway.last_report + 1, "b", Status.NEW)])
    with pytest.raises(InvalidParameter, match="probabilities"):
        draw_faults(0, 5, 0.9, 0.9)


def test_books_that_differ_are_told(quiet):
    broker, gateway = connected(quiet)
    gateway.submit(BUY)
    broker.submit(Order("by-hand", "instrument_2", -300.0))  # somebody else traded on the account
    found = reconcile(gateway, broker.statement())
    assert Difference("position instrument_2", 0.0, -300.0) in found
    assert [d.what for d in found] == ["cash", "fees", "position instrument_2", "reports"]


def test_faults_come_as_often_as_they_should():
    drawn = draw_faults(3, 40_000, 0.1, 0.2, 0.3)
    share = np.bincount(drawn, minlength=4) / len(drawn)
    se = np.sqrt(0.25 / len(drawn))
    np.testing.assert_allclose(share, [0.4, 0.1, 0.2, 0.3], atol=4 * se)
    assert not draw_faults(3, 100).any()
    np.testing.assert_array_equal(draw_faults(3, 100, 0.1, 0.2), draw_faults(3, 100, 0.1, 0.2))


# ---------------------------------------------------------------- a day's parents


def test_parents_are_worked_to_the_end(session):
    broker, gateway = connected(session)
    done = work_parents(gateway, broker, PARENTS)
    np.testing.assert_array_equal(done.filled, PARENTS)
    assert not done.open.any()
    assert reconcile(gateway, broker.statement()) == []
    # the shortfall is what the account lost against the open
    gateway.mark(session.mid[-1])
    paper = float((PARENTS * (session.mid[-1] - session.mid[0])).sum())
    lost = 1e7 + paper - float(gateway.ledger.books.nav[0])
    assert float(done.shortfall(session.mid[0], session.mid[-1]).sum()) == pytest.approx(lost, abs=1e-6)
    assert lost > 0.0


def test_a_schedule_is_followed(quiet):
    """All by market orders: what is held after each row is the schedule of Almgren and Chriss, in lots."""

    def urgent(shares, steps):
        return holdings(Liquidation(shares, float(steps), steps, 0.5, 0.01, 0.0, 1e-4), 2e-4)

    broker, gateway = connected(quiet)
    work_parents(gateway, broker, np.array([4000.0, 0.0]), urgent, posted=0.0)
    sizes = [t.order.quantity for t in gateway.orders.values()]
    left = urgent(4000.0, 4)
    wanted = np.diff(np.rint((4000.0 - left) / 100.0) * 100.0)
    assert sizes == wanted.tolist()
    assert sizes[0] > sizes[-1]


def test_posting_is_cheaper_than_taking(session):
    cost = {}
    for posted in (0.0, 0.5):
        broker, gateway = connected(session)
        done = work_parents(gateway, broker, PARENTS, posted=posted)
        spread = done.paid - (done.filled * session.mid[0])
        cost[posted] = float((spread + done.fees).sum())
    assert cost[0.5] < cost[0.0]


def test_two_days_are_one_account(session):
    broker, gateway = connected(session)
    work_parents(gateway, broker, PARENTS, label="day-1")
    broker.open(session)
    work_parents(gateway, broker, -PARENTS, label="day-2")
    assert broker.statement().positions == {"instrument_1": 0.0, "instrument_2": 0.0}
    assert reconcile(gateway, broker.statement()) == []


def test_parents_of_a_wrong_shape(session):
    broker, gateway = connected(session)
    with pytest.raises(DataError, match="wanted 2 finite numbers"):
        work_parents(gateway, broker, PARENTS[:1])


def executions(broker):
    filled = {}
    for report in broker.reports:
        filled[report.client_order_id] = filled.get(report.client_order_id, 0.0) + report.quantity
    return filled


@pytest.mark.parametrize("block", range(4))
def test_nothing_is_lost_or_doubled_whatever_the_line_does(session, block):
    """Faults 15, 16, 21: 200 seeds; conservation, ids filled at most once, both books alike to 1e-9."""
    for seed in range(50 * block, 50 * block + 50):
        odds = np.random.default_rng(seed).uniform(0.0, 0.2, 3)
        broker, gateway = connected(session, draw_faults(seed, 300, *odds))
        done = work_parents(gateway, broker, PARENTS)
        assert np.array_equal(done.filled + done.open, PARENTS)
        assert (done.filled * PARENTS >= 0.0).all()
        assert (np.abs(done.filled) <= np.abs(PARENTS)).all()
        theirs = executions(broker)
        for name, tracked in gateway.orders.items():
            assert theirs.get(name, 0.0) == tracked.filled
            assert abs(tracked.filled) <= abs(tracked.order.quantity)
            assert tracked.status.ended
        gateway.mark(session.mid[-1])
        assert reconcile(gateway, broker.statement()) == []


def test_a_line_without_faults_costs_no_time(session):
    broker, gateway = connected(session, draw_faults(0, 300))
    work_parents(gateway, broker, PARENTS)
    assert gateway.waited == 0.0


class Crash(Exception):
    """The process dies."""


class Dying(Journal):
    """A journal whose process dies before or after its k-th line is on the disk."""

    last, written = 0, True

    def _append(self, entry):
        if len(self.lines) == self.last and not self.written:
            raise Crash
        super()._append(entry)
        if len(self.lines) == self.last + 1 and self.written:
            raise Crash


def left(journal):
    """What the next process finds."""
    found = Journal()
    found.lines = list(journal.lines)
    return found


@pytest.mark.parametrize("written", [True, False], ids=["line written", "line lost"])
@pytest.mark.parametrize("odds", [(), (0.05, 0.05, 0.05)], ids=["sound", "faulty"])
def test_a_crash_anywhere_loses_nothing(session, odds, written):
    """Fault 22, A13: dead at any line of the journal, a new process has the broker's books and ends the day."""
    faults = draw_faults(7, 400, *odds)
    broker, gateway = connected(session, faults)
    work_parents(gateway, broker, PARENTS)
    lines = len(gateway.journal.lines)
    assert lines > 40
    for k in range(0, lines, 2):
        journal = Dying()
        journal.last, journal.written = k, written
        broker, gateway = connected(session, faults, journal=journal)
        with pytest.raises(Crash):
            work_parents(gateway, broker, PARENTS)
        link = Link(broker, faults[gateway.link.calls :])
        again = OrderGateway(link, session.instruments, journal=left(journal), prices=session.mid[0])
        done = work_parents(again, broker, PARENTS)
        assert np.array_equal(done.filled + done.open, PARENTS)
        assert (np.abs(done.filled) <= np.abs(PARENTS)).all()
        assert reconcile(again, broker.statement()) == []
        replayed = OrderGateway(
            Link(broker), session.instruments, journal=left(again.journal), prices=session.mid[0]
        )
        np.testing.assert_array_equal(replayed.ledger.block, again.ledger.block)


@pytest.mark.parametrize("when", ["before it came", "after it came"])
def test_a_crash_while_an_order_is_on_its_way(quiet, when, tmp_path):
    journal = Journal(tmp_path / "orders.jsonl")
    journal.sending(BUY)
    broker = PaperBroker(quiet)
    if when == "after it came":
        broker.submit(BUY)
    gateway = OrderGateway(Link(broker, [OK]), quiet.instruments, journal=Journal(journal.path))
    assert gateway.orders["a-1"].status == Status.UNKNOWN
    assert gateway.reconnect()
    assert broker.statement().positions == {"instrument_1": 500.0}
    assert reconcile(gateway, broker.statement()) == []
