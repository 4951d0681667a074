"""LOBSTER's event table: the form of each row, and that message and orderbook file tell one story."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fund.errors import DataError
from fund.market.lobster import lobster
from tests.market.lobster_day import DAY as WHOLE_DAY
from tests.market.lobster_day import NAME, events, files

DAY = WHOLE_DAY[:6]


def test_events_keep_the_order_of_the_file(tmp_path: Path) -> None:
    table = events(tmp_path, DAY)
    assert len(table) == 6
    assert table.day == "2012-06-21"
    assert table.times[:5].tolist() == [36000100000000, 36000600000000, *[36001000000000] * 2, 36001000000001]
    assert table.sizes[2:4].tolist() == [70, 40]
    assert table.book[3].tolist() == [1002000, 50, 999000, 160]
    assert len(repr(table)) < 250
    with pytest.raises(ValueError, match="read-only"):
        table.prices[0] = 1


def damaged(row: int, column: int, value: Any) -> list[tuple[Any, ...]]:
    rows = [list(entry) for entry in DAY]
    rows[row - 1][column] = value
    return [tuple(entry) for entry in rows]


@pytest.mark.parametrize(
    ("row", "column", "value", "file", "reason"),
    [
        (4, 0, "36000.9", "message", "the time runs back"),
        (1, 0, "34199.9", "message", "the time is outside 34200000 to 57600000 ms"),
        (6, 0, "86400.5", "message", "the time is not within a day"),
        (5, 1, 8, "message", "the type is not 1 to 7"),
        (5, 3, 0, "message", "the size is not positive"),
        (5, 3, 2.5, "message", "a fraction where whole numbers are wanted"),
        (5, 4, -5, "message", "the price is not positive"),
        (5, 5, 0, "message", "the side is neither 1 (buy) nor -1 (sell)"),
        (5, 3, "nan", "message", '"nan" is not a number'),
        (5, 3, "2,5", "message", "7 cells, wanted 6"),
        (2, 4, 999900, "message", "away from the previous best price of its side"),
        (2, 5, -1, "message", "away from the previous best price of its side"),
        (2, 3, 101, "message", "of more than the size shown before"),
        (2, 3, 29, "message", "the book does not shrink by the visible execution"),
        (2, 9, 71, "orderbook", "the book does not shrink"),
        (6, 6, 999000, "orderbook", "the book is crossed"),
        (6, 7, 0, "orderbook", "an ask is not positive"),
        (6, 9, -4, "orderbook", "a bid is not positive"),
        (5, 9, 159, "orderbook", "a hidden execution or a halt changes the book"),
        (6, 9, "1e3", "orderbook", '"1e3" is not a number'),
    ],
)
def test_a_damaged_event_is_refused(
    row: int, column: int, value: Any, file: str, reason: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError) as refusal:
        events(tmp_path, damaged(row, column, value))
    where = file if "shrink" not in reason else "message"  # the two files disagree there
    assert str(refusal.value).startswith(f"{tmp_path / NAME.format(where)}:{row}: ")
    assert reason in str(refusal.value)


def test_files_of_two_lengths_are_refused(tmp_path: Path) -> None:
    message, book = files(tmp_path, DAY)
    book.write_text("".join(book.read_text().splitlines(keepends=True)[:-1]))
    with pytest.raises(DataError, match=r"orderbook_1.csv:6: 6 messages, 5 book rows"):
        lobster(message, book)


def test_levels_must_be_in_order(tmp_path: Path) -> None:
    deep = [("36000.1", 1, 11, 100, 1000000, 1, 1002000, 50, 1000000, 100, 1003000, 5, 999000, 7)]
    wide = NAME.replace("_1.csv", "_2.csv")
    assert lobster(*files(tmp_path, deep, wide)).book.shape == (1, 8)
    for column, value, reason in ((10, 1002000, "asks do not ascend"), (12, 1000000, "bids do not descend")):
        bad = [tuple(value if k == column else cell for k, cell in enumerate(deep[0]))]
        with pytest.raises(DataError, match=reason):
            lobster(*files(tmp_path, bad, wide))
    empty = [(*deep[0][:10], 9999999999, 0, -9999999999, 0)]
    assert len(lobster(*files(tmp_path, empty, wide))) == 1
    with pytest.raises(DataError, match="the name says 1 levels, the book has 2"):
        lobster(*files(tmp_path, deep))
