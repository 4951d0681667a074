"""A recorded order book as a tape on a regular grid, for a market maker to quote against.

Row k is what is known at t_k = t_0 + k dt and nothing later:

    bid, ask, bid_size, ask_size          the best quotes after the last event at or before t_k
    flow columns                          sums over events in (t_(k-1), t_k]; zero in row 0

A maker who decides on row k is filled by the flow of row k+1: his bid at price p is reached when market sells print
at or below p, so when `sell_low <= p`, and no more than `sell_volume` shares can come. Without a print `sell_low` is
`NO_TRADE` and `buy_high` is its negative, which no quote meets. How much came at or beyond a price on the way says
`executed_beyond`. A market order that eats several resting orders prints several times at one stamp: `sell_trades`
counts prints, `sell_orders` the market orders.

Hidden executions are no part of these sums: a hidden order stood in front of, not among, the quotes shown. They
stand in columns of their own; a maker inside the spread would have had some of them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fund.errors import DataError, InvalidParameter
from fund.market.history import History
from fund.market.lobster import EMPTY, EXECUTE, HALT, HIDDEN, NEW, PRICE_UNIT, TOUCH, ZONE, OrderEvents

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

NO_TRADE = 1e9  # US dollars
COLUMNS = (
    "bid",
    "ask",
    "bid_size",
    "ask_size",
    "sell_volume",
    "sell_trades",
    "sell_orders",
    "sell_low",
    "buy_volume",
    "buy_trades",
    "buy_orders",
    "buy_high",
    "trade_flow",
    "hidden_sell_volume",
    "hidden_buy_volume",
    "hidden_trades",
    "bid_arrivals",
    "ask_arrivals",
    "halted",
)


def quote_tape(
    events: OrderEvents, dt: float, start: float | None = None, stop: float | None = None
) -> History:
    """Quotes and flow every `dt` seconds, as described above: a History with `COLUMNS`, prices in US dollars.

    `start` and `stop` are seconds after midnight; without them the first and last whole multiples of `dt` that
    the events cover. Volumes in shares; `trade_flow` is bought minus sold; `bid_arrivals` and `ask_arrivals` count
    new limit orders at any level shown; `halted` is 1 until trading resumes. Raises InvalidParameter for a step
    that is not whole microseconds, and DataError where a side of the book is empty on a grid point.
    """
    grid = _grid(events, dt, start, stop)
    at = np.searchsorted(events.times, grid, side="right") - 1
    quotes = events.book[at, : len(TOUCH)]
    _refuse_empty(events, quotes, at)
    step = np.searchsorted(grid, events.times, side="left")
    inside = (step > 0) & (step < len(grid))
    columns = {
        "bid": quotes[:, TOUCH.bid] / PRICE_UNIT,
        "ask": quotes[:, TOUCH.ask] / PRICE_UNIT,
        "bid_size": quotes[:, TOUCH.bid_size],
        "ask_size": quotes[:, TOUCH.ask_size],
        **_flow(events, step, inside, len(grid)),
        "halted": _halted(events, at),
    }
    values = np.column_stack([columns[name] for name in COLUMNS])
    times = _midnight(events) + grid // 1000
    return History(COLUMNS, values, times, ZONE, events.source, tuple(_notes(events, dt, values)))


def executed_beyond(
    events: OrderEvents, tape: History, offsets: Floats, hidden: bool = False
) -> tuple[Floats, Floats]:
    """Shares that would have come to a quote `offset` US dollars behind the touch, two arrays (rows, offsets).

    First: market sells that print at or below bid - offset; second: market buys at or above ask + offset; the touch
    is that of the row before, the prints those of (t_(k-1), t_k]. A negative offset lies inside the spread; with
    `hidden`, prints against hidden orders count, too.
    """
    grid = (tape.times - _midnight(events)) * 1000
    step = np.searchsorted(grid, events.times, side="left")
    inside = (step > 0) & (step < len(grid))
    printed = inside & ((events.kinds == EXECUTE) | (hidden & (events.kinds == HIDDEN)))
    beyond = []
    for side, touch in ((1, "bid"), (-1, "ask")):
        mine = printed & (events.sides == side)
        behind = side * (tape.column(touch)[step[mine] - 1] - events.prices[mine] / PRICE_UNIT)
        sums = np.zeros((len(grid), len(offsets)))
        for k, offset in enumerate(offsets):
            reached = behind >= offset - 0.5 / PRICE_UNIT  # prices are whole units: half of one is rounding
            sums[:, k] = np.bincount(step[mine], np.where(reached, events.sizes[mine], 0), len(grid))
        beyond.append(sums)
    return beyond[0], beyond[1]


def _grid(events: OrderEvents, dt: float, start: float | None, stop: float | None) -> Ints:
    step = round(dt * 1e9)
    if step < 1000 or step % 1000:
        raise InvalidParameter(f"dt: found {dt} seconds, wanted whole microseconds")
    first = -(-int(events.times[0]) // step) * step if start is None else round(start * 1e9)
    last = int(events.times[-1]) // step * step if stop is None else round(stop * 1e9)
    covered = first >= events.times[0] and last <= events.times[-1]
    if not covered or last - first < step or first % 1000:
        span = f"{events.times[0] / 1e9:.3f} to {events.times[-1] / 1e9:.3f} s"
        raise InvalidParameter(f"grid from {first / 1e9} to {last / 1e9} s by {dt}: the events cover {span}")
    return np.arange(first, last + 1, step, dtype=np.int64)


def _midnight(events: OrderEvents) -> int:
    return int(np.datetime64(events.day or "1970-01-01", "us").astype(np.int64))


def _refuse_empty(events: OrderEvents, quotes: Ints, at: Ints) -> None:
    empty = np.flatnonzero((quotes[:, TOUCH.ask] == EMPTY) | (quotes[:, TOUCH.bid] == -EMPTY))
    if len(empty):
        line, clock = at[empty[0]] + 1, events.times[at[empty[0]]] / 1e9
        raise DataError(
            f"{events.source}:{line}: one side of the book is empty at {clock:.3f} s; cut by start and stop"
        )


def _flow(events: OrderEvents, step: Ints, inside: Flags, rows: int) -> dict[str, Floats]:
    visible, buy = events.kinds == EXECUTE, events.sides == 1
    sold, bought = inside & visible & buy, inside & visible & ~buy
    hidden, new = inside & (events.kinds == HIDDEN), inside & (events.kinds == NEW)
    first = _first_prints(events, visible)

    def count(which: Flags) -> Floats:
        return np.bincount(step[which], minlength=rows).astype(np.float64)

    def volume(which: Flags) -> Floats:
        return np.bincount(step[which], weights=events.sizes[which], minlength=rows).astype(np.float64)

    low, high = np.full(rows, NO_TRADE), np.full(rows, -NO_TRADE)
    np.minimum.at(low, step[sold], events.prices[sold] / PRICE_UNIT)
    np.maximum.at(high, step[bought], events.prices[bought] / PRICE_UNIT)
    return {
        "sell_volume": volume(sold),
        "sell_trades": count(sold),
        "sell_orders": count(sold & first),
        "sell_low": low,
        "buy_volume": volume(bought),
        "buy_trades": count(bought),
        "buy_orders": count(bought & first),
        "buy_high": high,
        "trade_flow": volume(bought) - volume(sold),
        "hidden_sell_volume": volume(hidden & buy),
        "hidden_buy_volume": volume(hidden & ~buy),
        "hidden_trades": count(hidden),
        "bid_arrivals": count(new & buy),
        "ask_arrivals": count(new & ~buy),
    }


def _first_prints(events: OrderEvents, visible: Flags) -> Flags:
    # the first of the prints that share stamp and side: one market order
    rows = np.flatnonzero(visible)
    fresh = (np.diff(events.times[rows]) != 0) | (np.diff(events.sides[rows]) != 0)
    out = np.zeros(len(events), dtype=np.bool_)
    out[rows] = np.concatenate(([True] if len(rows) else [], fresh))
    return out


def _halted(events: OrderEvents, at: Ints) -> Floats:
    rows = np.flatnonzero(events.kinds == HALT)
    last = np.searchsorted(rows, at, side="right") - 1  # of the halt messages, the last so far
    stopped = np.concatenate((events.prices[rows] != 1, [False]))
    return stopped[last].astype(np.float64)  # -1, before any, takes the appended False


def _notes(events: OrderEvents, dt: float, values: Floats) -> list[str]:
    hidden, halted = int(values[:, COLUMNS.index("hidden_trades")].sum()), int(values[:, -1].sum())
    notes = [f"{len(events)} events on a grid of {dt:g} s, {len(values)} rows"]
    notes += [f"{hidden} hidden executions kept apart from the flow"] if hidden else []
    return notes + ([f"{halted} rows within a trading halt marked halted"] if halted else [])
