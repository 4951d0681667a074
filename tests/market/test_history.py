"""History: frozen, checked, split in time; frames of any unit give the same table."""

from __future__ import annotations

import hashlib
import pickle
import struct
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from fund.errors import DataError, InvalidParameter, UnknownName
from fund.market.draft import DAY, Rules
from fund.market.history import History, panel

NEW_YEAR = 18_262  # days from 1970-01-01 to 2020-01-01


def days(count: int, first: int = NEW_YEAR) -> np.ndarray:
    return (first + np.arange(count, dtype=np.int64)) * DAY


def table(rows: int = 20, names: tuple[str, ...] = ("open", "close"), **other: Any) -> History:
    values = 100.0 + np.arange(rows * len(names), dtype=np.float64).reshape(rows, len(names))
    return History(names, values, days(rows), source="test", **other)


def test_columns_by_name() -> None:
    history = table()
    assert history.column("close").tolist() == [101.0 + 2 * k for k in range(20)]
    assert history.select(["close", "open"]).values[0].tolist() == [101.0, 100.0]
    assert history.rename({"close": "KO"}).names == ("open", "KO")
    for ask in (
        history.column,
        lambda name: history.select([name]),
        lambda name: history.rename({name: "x"}),
    ):
        with pytest.raises(UnknownName, match='No column "clsoe". Did you mean "close"'):
            ask("clsoe")


def test_nothing_can_be_changed() -> None:
    values = np.ones((3, 1))
    times = days(3)
    history = History(("x",), values, times)
    values[0, 0] = 9.0
    times[0] = 0
    assert history.values[0, 0] == 1.0
    assert history.times[0] == NEW_YEAR * DAY
    for kept in (history, pickle.loads(pickle.dumps(history)), history.window(0, 2), history.select(["x"])):  # noqa: S301 - our own bytes
        with pytest.raises(ValueError, match="read-only"):
            kept.values[0, 0] = 2.0
        with pytest.raises(ValueError, match="read-only"):
            kept.times[0] = 2


def test_a_view_of_a_writable_array_is_copied() -> None:
    mine = np.ones((4, 2))
    view = mine[:3]
    view.setflags(write=False)
    history = History(("x", "y"), view, days(3))
    mine[:] = 7.0
    assert history.values.tolist() == [[1.0, 1.0]] * 3


def test_windows_share_memory() -> None:
    history = table(50)
    assert np.shares_memory(history.window(10, 20).values, history.values)


def test_pickle_keeps_everything() -> None:
    history = table(zone="UTC", policies=("one", "two")).window(3, 9)
    again = pickle.loads(pickle.dumps(history))  # noqa: S301 - our own bytes
    assert again == history
    assert (again.names, again.zone, again.source, again.policies, again.first_row) == (
        ("open", "close"),
        "UTC",
        "test",
        ("one", "two"),
        3,
    )
    assert len(pickle.dumps(history)) < 2000


def test_hash_is_of_the_content() -> None:
    history = History(("a", "b"), np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([10, 20]), zone="UTC")
    by_hand = b"a\0b\0UTC" + struct.pack("<2q", 10, 20) + struct.pack("<4d", 1, 2, 3, 4)
    assert history.sha256 == hashlib.sha256(by_hand).hexdigest()
    changed = History(("a", "b"), np.array([[1.0, 2.0], [3.0, 4.0000001]]), np.array([10, 20]), zone="UTC")
    assert changed.sha256 != history.sha256
    assert changed != history
    renamed = History(history.names, history.values, history.times, "UTC", "another file", ("a policy",))
    assert renamed == history
    assert hash(renamed) == hash(history)


def test_repr_is_one_short_line() -> None:
    wide = table(400, tuple(f"x{k}" for k in range(300)))
    assert len(repr(wide)) < 200
    assert "400 rows, 2020-01-01 to 2021-02-03" in repr(wide)


@pytest.mark.parametrize(
    ("names", "values", "times", "reason"),
    [
        (("a",), np.ones((3, 2)), days(3), "values (3, 2), times (3,), 1 names"),
        (("a",), np.ones((3, 1)), days(4), "values (3, 1), times (4,), 1 names"),
        (("a", "a"), np.ones((3, 2)), days(3), 'the column name "a" is empty or comes twice'),
        (("a",), np.array([[1.0], [np.nan], [1.0]]), days(3), "row 1: a is not a finite number"),
        (("a",), np.array([[1.0], [1.0], [np.inf]]), days(3), "row 2: a is not a finite number"),
        (("a",), np.ones((3, 1)), days(3)[[0, 2, 1]], "row 2: the stamp is not after the one before"),
        (("a",), np.ones((3, 1)), days(3)[[0, 1, 1]], "row 2: the stamp is not after the one before"),
    ],
)
def test_what_a_history_refuses(names: tuple[str, ...], values: Any, times: Any, reason: str) -> None:
    with pytest.raises(DataError) as refusal:
        History(names, values, times)
    assert reason in str(refusal.value)


def test_split_is_chronological_with_embargo() -> None:
    train, validation, test = table(100).split(0.6, 0.2, embargo=5)
    assert train.rows.tolist() == list(range(60))
    assert validation.rows.tolist() == list(range(65, 85))
    assert test.rows.tolist() == list(range(90, 100))
    assert test.column("open")[0] == 100.0 + 2 * 90
    assert train.times[-1] + 6 * DAY == validation.times[0]
    in_rows = table(100).split(60, 20, embargo=5)
    assert in_rows == (train, validation, test)


def test_row_ids_survive_a_split_of_a_split() -> None:
    _, _, test = table(100).split(0.5, 0.2, embargo=10)
    first, _, last = test.split(3, 3, embargo=1)
    assert first.rows.tolist() == [90, 91, 92]
    assert last.rows.tolist() == [98, 99]
    assert [window.rows.tolist() for window in last.windows(1, 1)] == [[98], [99]]


@pytest.mark.parametrize(("train", "validation", "embargo"), [(0.9, 0.1, 0), (0.5, 0.2, 15), (0.5, 0.2, -1)])
def test_split_without_room_is_refused(train: float, validation: float, embargo: int) -> None:
    with pytest.raises(InvalidParameter, match="each part needs two rows"):
        table(100).split(train, validation, embargo)


def test_windows_never_run_over_the_end() -> None:
    windows = list(table(10).windows(length=4, stride=3))
    assert [window.rows.tolist() for window in windows] == [[0, 1, 2, 3], [3, 4, 5, 6], [6, 7, 8, 9]]
    for start, length in ((7, 4), (-1, 4), (0, 0)):
        with pytest.raises(DataError, match="asked for, there are 10"):
            table(10).window(start, length)


def test_between_dates_includes_both_ends() -> None:
    part = table(20).between("2020-01-05", "2020-01-07")
    assert part.rows.tolist() == [4, 5, 6]
    evenings = History(("x",), np.ones((20, 1)), days(20) + DAY // 2)
    assert evenings.between("2020-01-05", "2020-01-07").rows.tolist() == [4, 5, 6]
    assert evenings.between("2020-01-05T13:00", "2020-01-07T11:00").rows.tolist() == [5]
    assert (evenings.step, evenings.window(0, 1).step) == (DAY, 0)
    with pytest.raises(DataError, match="no row between 2021-01-01"):
        table(20).between("2021-01-01", "2021-12-31")
    with pytest.raises(InvalidParameter, match="two ISO dates"):
        table(20).between("last year", "2021-12-31")


def test_join_takes_common_stamps_and_fills_nothing() -> None:
    left = History(("a",), np.array([[1.0], [2.0], [3.0]]), np.array([1, 2, 4]) * DAY, source="left")
    right = History(("b",), np.array([[20.0], [30.0], [40.0]]), np.array([2, 3, 4]) * DAY, source="right")
    both = left.join(right)
    assert both.values.tolist() == [[2.0, 20.0], [3.0, 40.0]]
    assert both.times.tolist() == [2 * DAY, 4 * DAY]
    assert both.policies == ("joined left and right on 2 stamps: 1 of 3 and 1 of 3 left out",)


def test_join_refuses_what_does_not_belong_together() -> None:
    clock = days(3) + DAY // 2
    one = History(("a",), np.ones((3, 1)), clock, zone="UTC", source="one")
    chicago = History(("b",), np.ones((3, 1)), clock, zone="America/Chicago", source="two")
    unknown = History(("b",), np.ones((3, 1)), clock, source="three")
    for other in (chicago, unknown):
        with pytest.raises(DataError, match="convert or declare one"):
            one.join(other)
    with pytest.raises(DataError, match='both one and one have a column "a"'):
        one.join(one)
    later = History(("b",), np.ones((3, 1)), clock + 30 * DAY, zone="UTC", source="later")
    with pytest.raises(DataError, match="0 stamps in common"):
        one.join(later)
    dates = History(("b",), np.ones((3, 1)), days(3), source="dates")
    named = History(("a",), np.ones((3, 1)), days(3), zone="America/New_York", source="named")
    assert len(named.join(dates)) == 3


def test_panel_of_one_column() -> None:
    first = History(("close", "volume"), np.array([[1.0, 9], [2.0, 9], [3.0, 9]]), np.array([1, 2, 4]) * DAY)
    second = History(("close",), np.array([[5.0], [6.0]]), np.array([2, 4]) * DAY, policies=("reversed",))
    out = panel({"KO": first, "PEP": second}, "close")
    assert out.names == ("KO", "PEP")
    assert out.values.tolist() == [[2.0, 5.0], [3.0, 6.0]]
    assert out.policies == ("PEP: reversed", "close on 2 common stamps; rows left out: KO 1")


@pytest.mark.parametrize(
    "wrong",
    [{"kind": "price"}, {"missing": "bfill"}, {"hold_limit": -1}, {"max_jump": 1.0}, {"max_gap": 0.0}],
)
def test_rules_without_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidParameter):
        Rules(**wrong)


def test_import_loads_no_heavy_library() -> None:
    code = (
        "import sys, fund.market.sources, fund.market.orderbook;"
        "print([name for name in ('pandas', 'arch', 'torch', 'matplotlib') if name in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
