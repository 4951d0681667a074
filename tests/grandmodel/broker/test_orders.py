"""Orders move only as they may, journals give back what was written."""

import json

import pytest

from fund.errors import ContractBroken, DataError, UnknownName
from fund.grandmodel.broker import Journal, Order, Report, Status
from fund.grandmodel.broker.orders import NEXT, Tracked

BUY = Order("a-1", "instrument_1", 500.0)


def told(*reports):
    tracked = Tracked(BUY)
    for k, (status, *fill) in enumerate(reports, 1):
        tracked.apply(Report(k, "a-1", Status(status), *fill))
    return tracked


def test_a_life_in_two_fills():
    tracked = told(("new",), ("partially_filled", 200.0, 10.0, 1.0), ("filled", 300.0, 11.0, 2.0))
    assert (tracked.status, tracked.filled, tracked.value, tracked.fees) == (
        Status.FILLED,
        500.0,
        5300.0,
        3.0,
    )
    assert tracked.open == 0.0
    assert told(("new",), ("partially_filled", 200.0, 10.0)).open == 300.0
    assert told(("new",), ("partially_filled", 200.0, 10.0), ("canceled",)).open == 0.0


@pytest.mark.parametrize(
    ("reports", "match"),
    [
        ([("new",), ("canceled",), ("filled", 500.0, 10.0)], "filled after canceled"),
        ([("rejected",), ("new",)], "new after rejected"),
        ([("new",), ("rejected",)], "rejected after new"),
        ([("new",), ("filled", 500.0, 10.0), ("expired",)], "expired after filled"),
        ([("new",), ("partially_filled", 600.0, 10.0)], "600.0 filled of 500.0"),
        ([("new",), ("partially_filled", -100.0, 10.0)], "-100.0 filled"),
        ([("canceled",)], "canceled after pending_new"),
    ],
)
def test_what_cannot_happen_is_refused(reports, match):
    with pytest.raises(ContractBroken, match=match):
        told(*reports)


def test_an_end_is_an_end():
    for status in Status:
        assert status.ended is (not NEXT[status])


def test_words_that_are_none():
    with pytest.raises(UnknownName, match='Did you mean "limit"'):
        Order("a", "x", 1.0, "limt")
    with pytest.raises(UnknownName, match='Did you mean "day"'):
        Order("a", "x", 1.0, time_in_force="days")


def test_a_journal_gives_back_what_was_written(tmp_path):
    journal = Journal(tmp_path / "orders.jsonl")
    report = Report(1, "a-1", Status.PARTIALLY_FILLED, 200.0, 0.1 + 0.2, -0.3)
    journal.sending(BUY)
    journal.heard(report)
    assert list(Journal(journal.path).entries()) == [BUY, report]


def test_a_line_that_a_crash_cut_off_is_left_out(tmp_path):
    journal = Journal(tmp_path / "orders.jsonl")
    journal.sending(BUY)
    whole = journal.path.read_text(encoding="utf-8")
    for cut in range(len(whole)):
        journal.path.write_text(whole + whole[:cut], encoding="utf-8")
        assert list(Journal(journal.path).entries()) == [BUY]
        assert journal.path.read_text(encoding="utf-8") == whole


@pytest.mark.parametrize(
    "line", ["", "3", '{"send": 1}', '{"heard": {"status": "gone"}}', json.dumps({"a": 1, "b": 2})]
)
def test_a_line_within_that_is_none_is_named(tmp_path, line):
    file = tmp_path / "orders.jsonl"
    file.write_text(f"{line}\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"orders.jsonl:1: no entry of a journal"):
        list(Journal(file).entries())
