"""LOBSTER's limit order book files as one checked table of events.

Two files a day, row for row together, without header (LOBSTER sample readme, 2013):

    message    seconds after midnight, type, order id, size, price x 10,000, side of the *limit* order
    orderbook  ask price, ask size, bid price, bid size of level 1, 2, ..., just after the event

Types: 1 new order, 2 partial cancellation, 3 deletion, 4 execution of a visible order, 5 of a hidden one, 6 cross
trade, 7 halt (price -1 halted, 0 quoting, 1 trading again). Side 1 is a buy limit order: when it executes, a
*seller* initiated the trade. An unoccupied level has the price 9,999,999,999 (ask) or its negative (bid) and
size 0. Thousands of events share a stamp; within it the order of the file is the order of events.

Checked, beside the form of each row: both files are equally long, time never runs back, levels are in order and
not crossed, hidden executions and halts leave the book as it was, and a visible execution prints at the best price
of its side just before and takes its size from what was shown there.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from fund.errors import DataError
from fund.market.tape import places
from fund.market.textfile import read_text

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

NEW, CANCEL, DELETE, EXECUTE, HIDDEN, CROSS, HALT = range(1, 8)
TOUCH = places(("ask", "ask_size", "bid", "bid_size"))  # columns of a book's first level
PRICE_UNIT = 10_000.0  # integers a US dollar
EMPTY = 9_999_999_999  # price of an unoccupied ask; its negative for a bid
ZONE = "America/New_York"
_NAME = re.compile(r".*?(\d{4}-\d{2}-\d{2})_(\d+)_(\d+)_(?:message|orderbook)_(\d+)")
_CELLS = re.compile(r"[-0-9.,\r\n]*", re.ASCII)
_DAY_NS = 86_400 * 10**9


@dataclass(frozen=True, eq=False, repr=False)
class OrderEvents:
    """Events of one day in the order of the file, and the book after each; all arrays read-only."""

    source: str
    day: str  # ISO date, "" where the file's name has none
    times: Ints  # (n,) nanoseconds after midnight in New York
    kinds: Ints  # (n,) types 1 to 7
    orders: Ints  # (n,) order ids, 0 for hidden executions
    sizes: Ints  # (n,) shares
    prices: Ints  # (n,) 1/10,000 US dollar
    sides: Ints  # (n,) of the limit order: 1 buy, -1 sell
    book: Ints  # (n, 4 x levels) ask, ask size, bid, bid size, level by level

    def __len__(self) -> int:
        """Events."""
        return len(self.times)

    def __repr__(self) -> str:
        """One line, whatever the size."""
        return (
            f"OrderEvents({len(self)} events, {self.day}, {self.book.shape[1] // 4} levels, {self.source!r})"
        )


def lobster(message: str | Path, orderbook: str | Path) -> OrderEvents:
    """The events of a LOBSTER message and orderbook file (plain, .gz, one-member .zip), all checked.

    Raises DataError as file:line: reason.
    """
    messages, book = _integers(message, 6), _integers(orderbook, 0)
    if len(messages) != len(book):
        short = message if len(messages) < len(book) else orderbook
        rows = f"{len(messages)} messages, {len(book)} book rows"
        raise DataError(
            f"{short}:{min(len(messages), len(book)) + 1}: {rows}, wanted as many of one as of the other"
        )
    times, kinds, orders, sizes, prices, sides = (_locked(column) for column in messages.T)
    named = _NAME.match(Path(message).name)
    day = named[1] if named else ""
    events = OrderEvents(str(message), day, times, kinds, orders, sizes, prices, sides, _locked(book))
    _check_messages(events, _fault(message))
    _check_book(events, _fault(orderbook))
    _check_executions(events, _fault(message))
    if named:
        _check_session(events, named, _fault(message))
    return events


def _locked(array: Ints) -> Ints:
    out = np.ascontiguousarray(array)
    out.setflags(write=False)
    return out


def _fault(path: str | Path) -> Callable[[Flags, str], None]:
    # a function that raises at the first row that is bad, if there is one
    def fault(bad: Flags, reason: str) -> None:
        if bad.any():
            raise DataError(f"{path}:{int(np.flatnonzero(bad)[0]) + 1}: {reason}")

    return fault


def _integers(path: str | Path, width: int) -> Ints:
    # all cells as integers; the first column of a message file (width 6) in nanoseconds
    text = read_text(path).text
    lines = text.splitlines()
    if not lines:
        raise DataError(f"{path}:1: the file is empty")
    try:
        if not _CELLS.fullmatch(text):
            _refuse_cells(path, lines, width)
        table = np.loadtxt(io.StringIO(text), delimiter=",", ndmin=2)
    except ValueError:
        _refuse_cells(path, lines, width)
    wanted = width or max(4, 4 * (table.shape[1] // 4))
    if table.shape != (len(lines), wanted):
        _refuse_cells(path, lines, width)
    if width:
        table[:, 0] *= 1e9
    whole = np.rint(table)
    broken = np.abs(whole - table) > 0
    broken[:, 0] &= not width  # 15 digits carry nanoseconds of a day exactly once rounded
    _fault(path)(np.logical_or.reduce(broken, axis=1), "a fraction where whole numbers are wanted")
    return whole.astype(np.int64)


def _refuse_cells(path: str | Path, lines: list[str], width: int) -> NoReturn:
    # the slow way, to name the line
    wanted = width or 4 * max(1, len(lines[0].split(",")) // 4)
    for line, row in enumerate(lines, start=1):
        cells = row.split(",")
        if len(cells) != wanted:
            raise DataError(f"{path}:{line}: {len(cells)} cells, wanted {wanted}")
        for cell in cells:
            if not re.fullmatch(r"-?\d+(\.\d+)?", cell, re.ASCII):
                raise DataError(f'{path}:{line}: "{cell[:40]}" is not a number')
    raise DataError(f"{path}: cannot be read as a table of numbers")


def _check_messages(events: OrderEvents, fault: Callable[[Flags, str], None]) -> None:
    halt = events.kinds == HALT
    fault((events.kinds < NEW) | (events.kinds > HALT), "the type is not 1 to 7")
    fault((events.times < 0) | (events.times >= _DAY_NS), "the time is not within a day")
    fault(np.concatenate(([False], np.diff(events.times) < 0)), "the time runs back")
    fault(np.abs(events.sides) != 1, "the side is neither 1 (buy) nor -1 (sell)")
    fault(~halt & (events.sizes <= 0), "the size is not positive")
    fault(~halt & (events.prices <= 0), "the price is not positive")
    fault(halt & ~np.isin(events.prices, (-1, 0, 1)), "a halt has the price -1, 0 or 1")


def _check_book(events: OrderEvents, fault: Callable[[Flags, str], None]) -> None:
    levels = events.book.reshape(len(events), -1, 4)
    ask, ask_size, bid, bid_size = (levels[:, :, k] for k in range(4))
    fault(
        _any(((ask <= 0) | (ask_size <= 0)) & ~((ask == EMPTY) & (ask_size == 0))), "an ask is not positive"
    )
    fault(
        _any(((bid <= 0) | (bid_size <= 0)) & ~((bid == -EMPTY) & (bid_size == 0))), "a bid is not positive"
    )
    fault(ask[:, 0] <= bid[:, 0], "the book is crossed")
    fault(_any((np.diff(ask) <= 0) & (ask[:, 1:] != EMPTY)), "the asks do not ascend from level to level")
    fault(_any((np.diff(bid) >= 0) & (bid[:, 1:] != -EMPTY)), "the bids do not descend from level to level")
    still = np.isin(events.kinds, (HIDDEN, HALT))
    moved = np.concatenate(([False], _any(np.diff(events.book, axis=0) != 0)))
    fault(still & moved, "a hidden execution or a halt changes the book")


def _any(bad: Flags) -> Flags:
    out: Flags = np.logical_or.reduce(bad, axis=1)
    return out


def _check_executions(events: OrderEvents, fault: Callable[[Flags, str], None]) -> None:
    # the first row has no book before it; the first print after a halt or a cross may come from an auction
    known = np.concatenate(([False], ~np.isin(events.kinds[:-1], (CROSS, HALT))))
    before = np.vstack([events.book[:1], events.book[:-1]])
    buy = events.sides == 1
    best = np.where(buy, before[:, TOUCH.bid], before[:, TOUCH.ask])
    shown = np.where(buy, before[:, TOUCH.bid_size], before[:, TOUCH.ask_size])
    visible = (events.kinds == EXECUTE) & known
    fault(
        visible & (events.prices != best), "a visible execution away from the previous best price of its side"
    )
    fault(visible & (events.sizes > shown), "a visible execution of more than the size shown before")
    price = np.where(buy, events.book[:, TOUCH.bid], events.book[:, TOUCH.ask])
    left = np.where(buy, events.book[:, TOUCH.bid_size], events.book[:, TOUCH.ask_size])
    stays = (price == best) & (left == shown - events.sizes)
    leaves = (events.sizes == shown) & (events.sides * price < events.sides * best)
    fault(visible & ~stays & ~leaves, "the book does not shrink by the visible execution")


def _check_session(events: OrderEvents, named: re.Match[str], fault: Callable[[Flags, str], None]) -> None:
    first, last = int(named[2]) * 10**6, int(named[3]) * 10**6
    fault(
        (events.times < first) | (events.times > last),
        f"the time is outside {named[2]} to {named[3]} ms of the name",
    )
    if events.book.shape[1] != 4 * int(named[4]):
        raise DataError(
            f"{events.source}: the name says {named[4]} levels, the book has {events.book.shape[1] // 4}"
        )
