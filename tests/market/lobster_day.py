"""Seconds of a day as LOBSTER writes them, in its two files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fund.market.lobster import OrderEvents, lobster

# seconds, type, id, size, price, side | ask, ask size, bid, bid size after the event
DAY = [
    ("36000.100000000", 1, 11, 100, 1000000, 1, 1002000, 50, 1000000, 100),
    ("36000.600000000", 4, 11, 30, 1000000, 1, 1002000, 50, 1000000, 70),  # a seller takes 30 of the bid
    ("36001.000000000", 4, 11, 70, 1000000, 1, 1002000, 50, 999000, 200),  # at the step's end, the rest
    ("36001.000000000", 4, 12, 40, 999000, 1, 1002000, 50, 999000, 160),  # the same order walks down
    ("36001.000000001", 5, 0, 25, 1001000, -1, 1002000, 50, 999000, 160),  # a buyer meets a hidden sell
    ("36001.500000000", 1, 13, 60, 1001500, -1, 1001500, 60, 999000, 160),
    ("36002.200000000", 4, 13, 60, 1001500, -1, 1002000, 50, 999000, 160),  # a buyer takes the offer
    ("36002.200000000", 4, 10, 20, 1002000, -1, 1002000, 30, 999000, 160),  # and walks up
    ("36002.200000000", 4, 12, 10, 999000, 1, 1002000, 30, 999000, 150),  # a seller at the same stamp
    ("36002.900000000", 4, 10, 5, 1002000, -1, 1002000, 25, 999000, 150),
    ("36003.000000000", 2, 12, 50, 999000, 1, 1002000, 25, 999000, 100),
    ("36003.500000000", 3, 12, 100, 999000, 1, 1002000, 25, 998000, 80),
]
NAME = "ABC_2012-06-21_34200000_57600000_{}_1.csv"


def files(folder: Path, rows: list[tuple[Any, ...]], name: str = NAME) -> tuple[Path, Path]:
    message, book = folder / name.format("message"), folder / name.format("orderbook")
    message.write_text("".join(",".join(map(str, row[:6])) + "\n" for row in rows))
    book.write_text("".join(",".join(map(str, row[6:])) + "\n" for row in rows))
    return message, book


def events(folder: Path, rows: list[tuple[Any, ...]]) -> OrderEvents:
    return lobster(*files(folder, rows))
