"""Generated markets: which world is drawn, and how many paths at a time.

Two worlds share the columns and the step: that of the papers (`paper_world`) and a limit order book (`order_book`).
Each is drawn chunk by chunk straight into the tape. The loops are told where the columns stand (`Places`) instead of
knowing it, because they are kept on disk and must not outlive a change of `step.Columns`.
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


def pace_of(s: MarketMaking) -> Pace:
    """The strategy's parameters, a step."""
    return Pace(
        s.arrival_rate * s.dt, s.depth_decay, s.sigma * math.sqrt(s.dt), s.signal, s.signal_persistence, s.tick,
        s.half_spread, s.flow_share, s.excitation, s.order_size * s.quote_size, s.queue_depth * s.quote_size,
        s.quote_size, NEVER,
    )  # fmt: skip


def record(s: MarketMaking, paths: Paths, weather: Weather | None) -> Tape:
    """The tape of generated paths."""
    from specialists.market_making import order_book, paper_world

    columns = names(Columns)
    block = empty_block(s.n_steps + 1, len(columns), len(paths))
    features = np.zeros((s.n_steps + 1, len(paths), len(FEATURES)), dtype=np.float32)
    for start in range(0, len(paths), CHUNK):
        cut = slice(start, min(start + CHUNK, len(paths)))
        some = Paths(paths.seeds[cut], paths.episodes[cut])
        streams, part = some.streams(s.name), Part(block, features, start, len(some))
        if s.initial_inventory_bound > 0:
            block[:, PLACES.inventory, cut] = initial_inventory(s, streams)
        if s.book:
            sky = s.sky(some, s.days, None if weather is None else _some(weather, cut))
            order_book.draw(s, streams, sky, part)
        else:
            paper_world.draw(s, streams, part)
    return Tape(columns, block, features)


def initial_inventory(s: MarketMaking, streams: Streams) -> Floats:
    """Whole numbers of quote sizes, uniform between the bounds; (n,)."""
    bound = int(s.initial_inventory_bound)
    return np.asarray((streams.integers("inventory", 2 * bound + 1) - bound) * s.quote_size)


def exponential(streams: Streams, purpose: str, *shape: int) -> Floats:
    """Standard exponential draws, (n, *shape)."""
    out = np.empty((len(streams), *shape))
    for path in range(len(streams)):
        streams.at(path, purpose).standard_exponential(out=out[path])
    return out


def _some(weather: Weather, cut: slice) -> Weather:
    return Weather(*(getattr(weather, name)[:, cut] for name in Weather.__dataclass_fields__))
