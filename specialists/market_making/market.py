"""Generated markets: which world is drawn, and how many paths at a time.

Two worlds share the columns and the step: that of the papers (`paper_world`) and a limit order book (`order_book`).
Each is drawn chunk by chunk straight into the tape; the loops are told where its columns stand (`Places`).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fund.market.streams import Paths, Streams
from fund.market.tape import Tape, empty_block
from fund.market.weather import Weather
from fund.strategy import names
from specialists.market_making.features import FEATURES
from specialists.market_making.step import Columns

if TYPE_CHECKING:
    from specialists.market_making.strategy import MarketMaking

Floats = NDArray[np.float64]

CHUNK = 64  # paths drawn together; bounds the memory beside the tape itself
NEVER = -1e9  # reach of an order that did not come


class Places(NamedTuple):
    """Where the columns stand in a tape; the reaches of a side follow each other."""

    mid: int
    best_bid: int
    best_ask: int
    microprice: int
    width: int
    bid_queue: int
    ask_queue: int
    inventory: int
    sell_reach_1: int
    sell_volume: int
    buy_reach_1: int
    buy_volume: int
    surprise: int


PLACES = Places(*(names(Columns).index(name) for name in Places._fields))


class Part(NamedTuple):
    """Paths `first` to `first + n` of a tape that is being drawn."""

    block: Floats  # (T+1, columns, all paths)
    features: NDArray[np.float32]  # (T+1, all paths, width)
    first: int
    n: int


class Pace(NamedTuple):
    """Numbers of the generating loops, a step."""

    arrivals: float  # A dt
    decay: float  # k
    move: float  # sigma sqrt(dt)
    signal: float
    persistence: float
    tick: float
    half_spread: float
    flow_share: float
    excitation: float
    order_size: float  # units
    depth: float  # units
    size: float  # of our quotes, units
    never: float


def pace_of(desk: MarketMaking) -> Pace:
    """The strategy's parameters, a step."""
    return Pace(
        desk.arrival_rate * desk.dt, desk.depth_decay, desk.sigma * math.sqrt(desk.dt), desk.signal,
        desk.signal_persistence, desk.tick, desk.half_spread, desk.flow_share, desk.excitation,
        desk.order_size * desk.quote_size, desk.queue_depth * desk.quote_size, desk.quote_size, NEVER,
    )  # fmt: skip


def record(desk: MarketMaking, paths: Paths, weather: Weather | None) -> Tape:
    """The tape of generated paths."""
    from specialists.market_making import order_book, paper_world

    columns = names(Columns)
    block = empty_block(desk.n_steps + 1, len(columns), len(paths))
    features = np.zeros((desk.n_steps + 1, len(paths), len(FEATURES)), dtype=np.float32)
    for cut, some in paths.parts(CHUNK):
        streams, part = some.streams(desk.name), Part(block, features, cut.start, len(some))
        if desk.initial_inventory_bound > 0:
            block[:, PLACES.inventory, cut] = initial_inventory(desk, streams)
        if desk.book:
            sky = desk.sky(some, desk.days, None if weather is None else weather.some(cut))
            order_book.draw(desk, streams, sky, part)
        else:
            paper_world.draw(desk, streams, part)
    return Tape(columns, block, features)


def initial_inventory(desk: MarketMaking, streams: Streams) -> Floats:
    """Whole numbers of quote sizes, uniform between the bounds; (n,)."""
    bound = int(desk.initial_inventory_bound)
    return np.asarray((streams.integers("inventory", 2 * bound + 1) - bound) * desk.quote_size)


def exponential(streams: Streams, purpose: str, *shape: int) -> Floats:
    """Standard exponential draws, (n, *shape)."""
    out = np.empty((len(streams), *shape))
    for path in range(len(streams)):
        streams.at(path, purpose).standard_exponential(out=out[path])
    return out
