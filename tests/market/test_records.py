"""Several records as one: each path's window lies in one of them, and row ids tell which."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from fund.envs.contract import CHECKS
from fund.errors import DataError
from fund.market.history import History
from fund.market.records import together, without_holes
from fund.market.streams import Paths
from specialists.futures_spreads.strategy import FuturesSpreads

DAY = 86_400_000_000


def curve(first: int, rows: int, level: float, extra: bool = False) -> History:
    steps = np.random.default_rng(first).normal(0, 0.3, (rows, 2)).cumsum(axis=0)
    values = np.column_stack([level + steps, np.ones(rows)]) if extra else level + steps
    names = ("near", "far", "note") if extra else ("near", "far")
    return History(names, values, (first + np.arange(rows)) * DAY, "", f"from {first}", ("read",))


def test_parts_are_what_went_in_and_rows_count_on() -> None:
    parts = {"oil": curve(0, 300, 50.0, extra=True), "gas": curve(100, 400, 900.0)}
    whole = together(parts)
    assert whole.names == ("near", "far")
    assert len(whole) == 700
    assert whole.policies == ("oil: read", "gas: read")
    one, two = whole.parts
    np.testing.assert_array_equal(one.values, parts["oil"].values[:, :2])
    np.testing.assert_array_equal(two.times, parts["gas"].times)
    assert (one.first_row, two.first_row) == (0, 300)
    again = pickle.loads(pickle.dumps(whole))  # noqa: S301 - made on the line itself
    assert again == whole
    assert not again.values.flags.writeable


def test_a_single_record_is_itself_and_none_is_refused() -> None:
    alone = curve(0, 300, 50.0)
    assert together({"oil": alone}) is alone
    with pytest.raises(DataError, match="no history given"):
        together({})


def test_each_window_lies_in_one_record() -> None:
    parts = {"oil": curve(0, 300, 50.0), "gas": curve(100, 400, 900.0)}
    desk = FuturesSpreads.preset("history", n_steps=20).on(together(parts))
    tape = desk.record(Paths.of(0, 64))
    assert {row < 300 for row in tape.rows} == {True, False}
    prices = together(parts).column("near")
    for i, row in enumerate(tape.rows):
        np.testing.assert_array_equal(tape["near_a"][:, i], prices[row : row + 21])
        assert row // 300 == (row + 20) // 300 or row >= 300  # no window crosses from one to the next
    for check in ("money_adds_up", "future_is_invisible", "batch_is_singles"):
        CHECKS[check](desk)


def test_the_longest_part_without_a_hole_is_kept() -> None:
    times = np.array([0, 1, 2, 60, 61, 62, 63, 64, 120]) * DAY
    history = History(("near",), np.arange(9.0)[:, None], times, source="curve")
    found = without_holes(history)
    assert found.column("near").tolist() == [3.0, 4.0, 5.0, 6.0, 7.0]
    assert found.first_row == 3
    assert found.policies == ("2 holes of more than 35 days: rows 3 to 8 of 9 kept",)
    assert without_holes(history, 60) is history
