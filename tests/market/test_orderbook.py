"""The grid tape of a recorded order book: hand-worked steps, a plain twin, and the future that it must not see."""

from __future__ import annotations

import gzip
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fund.errors import DataError, InvalidParameter
from fund.market.history import History
from fund.market.lobster import lobster
from fund.market.orderbook import COLUMNS, NO_TRADE, executed_beyond, quote_tape
from tests.market.lobster_day import DAY, events


def row_of(tape: History, k: int) -> dict[str, float]:
    return dict(zip(tape.names, tape.values[k].tolist(), strict=True))


# ------------------------------------------------------------------------------- the grid by hand


# of DAY, one row a second
GRID = (
    {
        **dict.fromkeys(COLUMNS, 0.0),  # row 0 has no flow: nobody could have quoted before it
        "bid": 99.9,
        "ask": 100.2,
        "bid_size": 160,
        "ask_size": 50,
        "sell_low": NO_TRADE,
        "buy_high": -NO_TRADE,
    },
    {
        **dict.fromkeys(COLUMNS, 0.0),
        "bid": 99.9,
        "ask": 100.15,
        "bid_size": 160,
        "ask_size": 60,
        "sell_low": NO_TRADE,
        "buy_high": -NO_TRADE,
        "hidden_buy_volume": 25,
        "hidden_trades": 1,
        "ask_arrivals": 1,
    },
    {
        **dict.fromkeys(COLUMNS, 0.0),
        "bid": 99.9,
        "ask": 100.2,
        "bid_size": 100,
        "ask_size": 25,  # with the event at the very stamp
        "sell_volume": 10,
        "sell_trades": 1,
        "sell_orders": 1,
        "sell_low": 99.9,
        "buy_volume": 85,
        "buy_trades": 3,
        "buy_orders": 2,
        "buy_high": 100.2,
        "trade_flow": 75,
    },
)


def test_grid_by_hand(tmp_path: Path) -> None:
    tape = quote_tape(events(tmp_path, DAY), dt=1.0)
    assert tape.names == COLUMNS
    assert tape.dates.astype(str).tolist() == [f"2012-06-21T10:00:0{k}.000000" for k in (1, 2, 3)]
    assert tape.zone == "America/New_York"
    assert [row_of(tape, k) for k in range(3)] == list(GRID)
    assert tape.policies == (
        "12 events on a grid of 1 s, 3 rows",
        "1 hidden executions kept apart from the flow",
    )


def test_a_print_at_the_step_end_belongs_to_that_step(tmp_path: Path) -> None:
    tape = quote_tape(events(tmp_path, DAY), dt=0.5)
    assert tape.dates[0] == np.datetime64("2012-06-21T10:00:00.5")
    step = row_of(tape, 1)  # (36000.5, 36001.0]: 30, then 70 and 40 by one order that walks down
    assert (step["sell_volume"], step["sell_trades"], step["sell_orders"]) == (140, 3, 2)
    assert (step["sell_low"], step["bid"], step["trade_flow"]) == (99.9, 99.9, -140)


def test_volume_beyond_a_quote_by_hand(tmp_path: Path) -> None:
    table = events(tmp_path, DAY)
    tape = quote_tape(table, dt=0.5)
    sold, bought = executed_beyond(table, tape, np.array([-0.05, 0.0, 0.1, 0.11]))
    assert sold[1].tolist() == [140, 140, 40, 0]  # the bid was 100.0; 40 printed at 99.9
    # (36002.0, 36002.5]: the ask was 100.15; 60 at it, 20 at 100.2
    assert bought[4].tolist() == [80, 80, 0, 0]
    assert executed_beyond(table, tape, np.array([0.05, 0.06]))[1][4].tolist() == [20, 0]
    assert not sold[0].any()
    assert not bought[0].any()
    inside = executed_beyond(table, tape, np.array([-0.1, 0.0]), hidden=True)[1]
    assert inside[2].tolist() == [25, 0]  # a hidden sell at 100.1 stood before the ask of 100.2


def test_halts(tmp_path: Path) -> None:
    book = (1002000, 50, 1000000, 100)
    rows = [
        ("36000.5", 1, 1, 10, 1000000, 1, *book),
        ("36001.5", 7, 0, 0, -1, -1, *book),
        ("36002.5", 7, 0, 0, 0, -1, *book),
        ("36003.5", 7, 0, 0, 1, -1, *book),
        ("36004.5", 4, 1, 10, 900000, 1, 1002000, 50, 900000, 90),  # the reopening print is not checked
        ("36005.0", 1, 2, 10, 900000, 1, 1002000, 50, 900000, 100),
    ]
    tape = quote_tape(events(tmp_path, rows), dt=1.0)
    assert tape.column("halted").tolist() == [0, 1, 1, 0, 0]
    assert tape.policies[-1] == "2 rows within a trading halt marked halted"


def test_an_empty_side_is_refused(tmp_path: Path) -> None:
    rows = [
        ("36000.5", 1, 1, 10, 1000000, 1, 1002000, 50, 1000000, 10),
        ("36001.5", 3, 1, 10, 1000000, 1, 1002000, 50, -9999999999, 0),
        ("36002.5", 1, 2, 10, 1000000, 1, 1002000, 50, 1000000, 10),
        ("36004.0", 1, 3, 10, 1000000, 1, 1002000, 50, 1000000, 20),
    ]
    table = events(tmp_path, rows)
    with pytest.raises(DataError, match=r"message_1.csv:2: one side of the book is empty at 36001.500 s"):
        quote_tape(table, dt=1.0)
    assert len(quote_tape(table, dt=0.5, start=36003)) == 3


@pytest.mark.parametrize(
    "wrong", [{"dt": 0.0}, {"dt": 1e-7}, {"dt": 5.0}, {"dt": 1.0, "start": 36000}, {"dt": 1.0, "stop": 36004}]
)
def test_grids_that_the_events_do_not_cover(wrong: dict[str, float], tmp_path: Path) -> None:
    with pytest.raises(InvalidParameter):
        quote_tape(events(tmp_path, DAY), **wrong)


# ------------------------------------------------------------------------------- the plain twin


def twin(folder: Path, names: tuple[str, str], dt: float) -> tuple[list[float], list[list[float]]]:
    """The tape again, from the files themselves, one event at a time, in plain Python."""
    with gzip.open(folder / names[0], "rt") as file:
        messages = [[float(cell) for cell in line.split(",")] for line in file]
    with gzip.open(folder / names[1], "rt") as file:
        book = [[int(cell) for cell in line.split(",")[:4]] for line in file]
    first, last = math.ceil(messages[0][0] / dt), math.floor(messages[-1][0] / dt)
    clock = [k * dt for k in range(first, last + 1)]
    rows, event, previous = [], 0, None
    for k, now in enumerate(clock):
        flow = dict.fromkeys(COLUMNS[4:], 0.0) | {"sell_low": NO_TRADE, "buy_high": -NO_TRADE}
        while event < len(messages) and messages[event][0] <= now:
            previous = one_event(flow, messages[event], previous)
            event += 1
        if k == 0:
            flow = dict.fromkeys(COLUMNS[4:], 0.0) | {"sell_low": NO_TRADE, "buy_high": -NO_TRADE}
        flow["trade_flow"] = flow["buy_volume"] - flow["sell_volume"]
        ask, ask_size, bid, bid_size = book[event - 1]
        rows.append([bid / 10000, ask / 10000, bid_size, ask_size, *flow.values()])
    return clock, rows


def one_event(flow: dict[str, float], message: list[float], previous: Any) -> Any:
    time, kind, _, size, price, side = message
    if kind == 1:
        flow["bid_arrivals" if side == 1 else "ask_arrivals"] += 1
    elif kind == 5:
        flow["hidden_trades"] += 1
        flow["hidden_sell_volume" if side == 1 else "hidden_buy_volume"] += size
    elif kind == 4:
        taker = "sell" if side == 1 else "buy"
        flow[f"{taker}_volume"] += size
        flow[f"{taker}_trades"] += 1
        flow[f"{taker}_orders"] += previous != (time, side)
        if side == 1:
            flow["sell_low"] = min(flow["sell_low"], price / 10000)
        else:
            flow["buy_high"] = max(flow["buy_high"], price / 10000)
        return time, side
    return previous


AMZN = tuple(f"AMZN_2012-06-21_34200000_57600000_{kind}_1.csv.gz" for kind in ("message", "orderbook"))
AAPL = tuple(
    f"AAPL_2012-06-21_34200000_57600000_{kind}_10_first999.csv.gz" for kind in ("message", "orderbook")
)


@pytest.mark.parametrize(("names", "dt"), [(AMZN, 1.0), (AMZN, 30.0), (AAPL, 0.25)])
def test_tape_is_its_plain_twin(names: tuple[str, str], dt: float, shared_data: Path) -> None:
    folder = shared_data / "lob" / "lobster"
    tape = quote_tape(lobster(folder / names[0], folder / names[1]), dt)
    clock, rows = twin(folder, names, dt)
    midnight = np.datetime64("2012-06-21", "us").astype(int)
    assert (tape.times - midnight).tolist() == [round(now * 1e6) for now in clock]
    assert np.array_equal(tape.values, np.array(rows))


def test_the_amazon_day(shared_data: Path) -> None:
    folder = shared_data / "lob" / "lobster"
    table = lobster(folder / AMZN[0], folder / AMZN[1])
    assert np.bincount(table.kinds, minlength=8).tolist() == [0, 27845, 16, 18235, 8974, 2445, 0, 0]
    assert int((np.diff(table.times) == 0).sum()) == 4232
    tape = quote_tape(table, 1.0)
    spread = tape.column("ask") - tape.column("bid")
    assert len(tape) == 23399
    assert spread.min() > 0
    assert np.median(table.book[:, 0] - table.book[:, 2]) == 1300  # README: 13 ticks
    late = table.times > (36 * 950 + 1) * 10**9  # after the first grid point, 34201 s
    before_end = table.times <= 57599 * 10**9
    for column, kind, side in (("sell_volume", 4, 1), ("buy_volume", 4, -1), ("hidden_buy_volume", 5, -1)):
        mine = late & before_end & (table.kinds == kind) & (table.sides == side)
        assert tape.column(column).sum() == table.sizes[mine].sum()
    sold, bought = executed_beyond(table, tape, np.array([-1e6, 0.0, 0.05]))
    assert np.array_equal(sold[:, 0], tape.column("sell_volume"))
    assert np.array_equal(bought[:, 0], tape.column("buy_volume"))
    reached = np.concatenate(([False], tape.column("sell_low")[1:] <= tape.column("bid")[:-1]))
    assert np.array_equal(sold[:, 1] > 0, reached)


# ------------------------------------------------------------------------------- the future


@pytest.mark.parametrize("cut", [2, 4, 5, 7, 9, 11])
def test_the_future_is_invisible(cut: int, tmp_path: Path) -> None:
    whole = quote_tape(events(tmp_path, DAY), dt=0.5)
    time = float(DAY[cut - 1][0])
    after = [  # another future: from `cut` on nothing trades, the spread halves
        (f"{time + 0.31 * k:.9f}", 1, 90 + k, 7, 999000, 1, 1001000 + k, 9, DAY[cut - 1][8], 8)
        for k in range(1, 9)
    ]
    other = quote_tape(events(tmp_path, DAY[:cut] + after), dt=0.5)
    known = int((whole.times <= whole.times[0] + round((time - 36000.5) * 1e6)).sum())
    assert np.array_equal(whole.values[:known], other.values[:known])
    assert not np.array_equal(whole.values[: known + 2], other.values[: known + 2])
    if cut > 2:
        short = quote_tape(events(tmp_path, DAY[:cut]), dt=0.5)
        assert np.array_equal(whole.values[: len(short)], short.values)
