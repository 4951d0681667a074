"""A recorded order book as a tape: the same columns, features and step as the generated markets.

Rows are those of `fund.market.orderbook.quote_tape`: quotes known at t_k, flow of (t_(k-1), t_k]. The volume sold in a
step is cut into three equal parts by how deep they printed, so that a quote gets no more than traded at or beyond its
price, and never more than traded at all:

    with `thirds`        price j is one that j/3 of the volume printed at or beyond
    without              volume taken to be spread evenly from the touch to the deepest print

At the touch the size shown stands ahead of us. Level-one files have one depth: the imbalances of three and ten levels
are the touch's, averaged over about 5 and 40 steps. Width is the half-spread, so averaged, over the normal one; regime
follows the slow volatility. Features are recursions over the whole record, so that a window opens warm.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fund.market.history import History
from fund.market.lobster import EXECUTE, PRICE_UNIT, OrderEvents
from fund.market.orderbook import NO_TRADE, quote_tape
from fund.market.price_checks import both_sides
from fund.market.records import each_record, window_starts
from fund.market.streams import Paths
from fund.market.tape import Tape, write_tape
from fund.market.weather import VOLATILITY
from fund.strategy import names
from specialists.market_making.features import FAST, FEATURES, SLOW, Sight, norms_of, write_features
from specialists.market_making.market import NEVER
from specialists.market_making.step import ORDERS, Columns

if TYPE_CHECKING:
    from specialists.market_making.strategy import MarketMaking

Floats = NDArray[np.float64]

NEEDED = (
    "bid", "ask", "bid_size", "ask_size",
    "sell_volume", "sell_orders", "sell_low", "buy_volume", "buy_orders", "buy_high",
)  # fmt: skip
SIDES = {"sell": ("bid", 1.0), "buy": ("ask", -1.0)}
WARM_UP = 60  # rows before a window
SESSION = 23_400  # seconds of a US trading day
SLACK = 1e-6  # price units: what two ways of writing a price may differ by


@each_record
def record(desk: MarketMaking, history: History, paths: Paths) -> Tape:
    """Windows of a record, each from a row of the path's own choice; raises DataError where it is too short."""
    whole = _whole(replace(desk, n_steps=1, horizon=desk.dt), history)
    first = WARM_UP + window_starts(desk, history, paths, WARM_UP)
    rows = first[None, :] + np.arange(desk.n_steps + 1)[:, None]
    block = whole.block[rows, :, 0].transpose(0, 2, 1)
    return Tape(whole.columns, block, whole.features[rows, 0], history.rows[first])


@lru_cache(maxsize=8)
def _whole(desk: MarketMaking, history: History) -> Tape:
    both_sides(history, "bid", "ask")
    record = {name: history.column(name) for name in NEEDED}
    mid = (record["bid"] + record["ask"]) / 2
    half = (record["ask"] - record["bid"]) / 2
    shown = record["bid_size"] + record["ask_size"]
    imbalance = (record["bid_size"] - record["ask_size"]) / shown
    flows = {name: column for side in SIDES for name, column in _reaches(history, side, mid).items()}
    columns = {
        "mid": mid, "best_bid": on_tick(record["bid"], desk.tick), "best_ask": on_tick(record["ask"], desk.tick),
        "microprice": mid + half * imbalance,
        "width": smooth(half, SLOW) / desk.half_spread, "bid_queue": record["bid_size"],
        "ask_queue": record["ask_size"], "inventory": 0.0 * mid, "surprise": 0.0 * mid, **flows,
    }  # fmt: skip
    columns = {name: columns[name][:, None] for name in names(Columns)}
    tape = write_tape(columns, {}, FEATURES)
    near, deep = smooth(imbalance, FAST)[:, None], smooth(imbalance, SLOW)[:, None]
    orders = record["sell_orders"][:, None], record["buy_orders"][:, None]
    seen = Sight(
        columns["mid"], half[:, None], columns["microprice"], near, deep, *orders, np.ones_like(near)
    )
    write_features(
        tape.features,
        0,
        seen,
        norms_of(desk.depth_decay, desk.sigma * math.sqrt(desk.dt), desk.arrival_rate * desk.dt),
    )
    slow = tape.features[:, :, FEATURES.index("volatility_slow")]
    regime = np.searchsorted(np.sqrt(VOLATILITY[1:] * VOLATILITY[:-1]), slow)
    tape.features[:, :, FEATURES.index("regime")] = 0.5 * (regime - 1.0)
    return tape


def on_tick(prices: Floats, tick: float) -> Floats:
    """Prices as the step writes them, whole ticks times the tick, where they lie on the grid; else as they are."""
    if tick <= 0.0:
        return prices
    whole = np.rint(prices * (1.0 / tick)) * tick
    return np.where(np.abs(whole - prices) < SLACK, whole, prices)


def smooth(values: Floats, weight: float) -> Floats:
    """Exponential mean over the rows so far, started at the first."""
    out = np.empty_like(values)
    mean = values[0]
    for row, value in enumerate(values):
        mean += weight * (value - mean)
        out[row] = mean
    return out


def _reaches(history: History, side: str, mid: Floats) -> dict[str, Floats]:
    # distances from the mid of the row before, and the volume of each third
    touch, sign = SIDES[side]
    deepest = history.column("sell_low" if side == "sell" else "buy_high")
    before, edge = np.roll(mid, 1), np.roll(history.column(touch), 1)
    printed = np.abs(deepest) < NO_TRADE
    printed[0] = False
    low = sign * (before - deepest)
    near = np.minimum(low, sign * (before - edge))
    out = {f"{side}_volume": np.where(printed, history.column(f"{side}_volume") / ORDERS, 0.0)}
    for j in range(ORDERS):
        name = f"{side}_price_{j + 1}"
        known = name in history.names
        reach = sign * (before - history.column(name)) if known else low + (near - low) * j / (ORDERS - 1)
        out[f"{side}_reach_{j + 1}"] = np.where(printed, reach + SLACK, NEVER)
    return out


def thirds(events: OrderEvents, dt: float, start: float | None = None, stop: float | None = None) -> History:
    """`quote_tape` with columns sell_price_1 ... buy_price_3: prices at or beyond which 1/3, 2/3, 3/3 printed."""
    tape = quote_tape(events, dt, start, stop)
    midnight = int(np.datetime64(events.day or "1970-01-01", "us").astype(np.int64))
    grid = (tape.times - midnight) * 1000
    step = np.searchsorted(grid, events.times, side="left")
    printed = (events.kinds == EXECUTE) & (step > 0) & (step < len(grid))
    prices = []
    for side, (_, sign) in SIDES.items():
        mine = printed & (events.sides == sign)
        cuts = _quantiles(step[mine], sign * events.prices[mine], events.sizes[mine], len(grid)) / PRICE_UNIT
        cuts[tape.column(f"{side}_volume") == 0.0] = NO_TRADE
        prices.append(sign * cuts)
    added = tuple(f"{side}_price_{j + 1}" for side in SIDES for j in range(ORDERS))
    return replace(tape, names=(*tape.names, *added), values=np.hstack([tape.values, *prices]))


def _quantiles(step: NDArray[np.int64], price: Floats, size: Floats, rows: int) -> Floats:
    # (rows, ORDERS): in each step the price that the deepest j/3 of the volume printed at or below
    order = np.lexsort((price, step))
    step, price, size = step[order], price[order], size[order].astype(np.float64)
    out = np.zeros((rows, ORDERS))
    for row in np.unique(step):
        cut = slice(*np.searchsorted(step, [row, row + 1]))
        reached = np.cumsum(size[cut]) / size[cut].sum()
        for j in range(ORDERS):
            out[row, j] = price[cut][np.searchsorted(reached, (j + 1) / ORDERS - 1e-12)]
    return out


def calibrated(desk: MarketMaking, history: History) -> MarketMaking:
    """The strategy with volatility, spread, arrivals, depth, tick and price of a record; fit it on training rows only.

    Arrivals and depth: ln of the rate at which market orders come as far as a distance, regressed on the distance.
    """
    steps_a_day = SESSION * 1e6 / history.step
    bid, ask = history.column("bid"), history.column("ask")
    mid, half = (bid + ask) / 2, float(np.mean(ask - bid)) / 2
    low, high = (np.concatenate([_reaches(history, side, mid)[f"{side}_reach_1"] for side in SIDES]), half)
    distances = high * np.linspace(0.5, 3.0, 11)
    share = np.array([np.mean(low >= d) for d in distances])
    kept = (share > 0.0) & (share < 1.0)
    rate = np.log(-np.log1p(-share[kept]) * steps_a_day)
    slope, level = np.polyfit(distances[kept], rate, 1)
    traded = history.column("sell_volume") + history.column("buy_volume")
    orders = history.column("sell_orders") + history.column("buy_orders")
    moves = np.diff(np.unique(np.concatenate([bid, ask])))
    return desk.with_parameters(
        sigma=float(np.std(np.diff(mid)) * math.sqrt(steps_a_day)), half_spread=half, depth_decay=float(-slope),
        arrival_rate=float(math.exp(level)), order_size=float(traded.sum() / orders.sum() / desk.quote_size),
        tick=round(float(moves.min()), 9), min_half_spread=0.0, max_half_spread=4.0 * half,
        initial_price=float(mid[0]),
    )  # fmt: skip
