"""Generated markets: the papers' world, and a limit order book.

The papers' world (Avellaneda & Stoikov, 2008; Cartea, Jaimungal & Penalva, 2015). Mid ``+-sigma sqrt(dt)`` or
``sigma sqrt(dt) N(0, 1)`` a step. A market order reaches depth x of the book:

    one a side and step     x = ln(A dt / U)/k,         U uniform on (0, 1]     P(x >= d) = min(1, A exp(-k d) dt)
    Poisson                 x_j = ln(A dt / G_j)/k,     G_j the j-th arrival of a unit Poisson process

where the number of x_j above d is Poisson with mean A exp(-k d) dt, exactly; the three deepest are kept. With a
`signal` the mid also moves by +-signal, a coin that the microprice shows one step ahead.

The limit order book. The same reaches, around the same mid, with

    width        w = sqrt(volatility / liquidity) s,        s = 1 + c (12 (u - 1/2)^2 - 1) over the day, u in [0, 1]
    touch        mid -+ half_spread w exp(noise), outward to the tick; reaches and depths scale with w
    intensity    (1 - b) A dt s (1 +- lean) + b m,         m an exponential mean of the orders that came: excitation
    lean         an AR(1) state z; the mid drifts by (1 - rho) signal w z a step, so that it is expected to move by
                 signal w z in all; the book's imbalances show it through noise, the microprice in price units
    mid          drift + sigma sqrt(dt) v s (sqrt(1 - f) N(0, 1) + sqrt(f) surprise),     surprise = unexpected buys
                 less unexpected sells over their standard deviation (Madhavan, Richardson & Roomans, 1997)
    sweep        a mid that moves through a quote takes it (Budish, Cramton & Shim, 2015): the move is a reach, too

so that flow is informed twice over: buys push the mid up after they filled an ask, and stale quotes are picked off.
Volumes are exponential. v, and w through it, come from the weather of the day.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fund.market.streams import Paths, Streams
from fund.market.tape import Tape
from fund.market.weather import Weather
from fund.strategy import names
from specialists.market_making.features import FEATURES, Norms, Sight, norms_of, write_features
from specialists.market_making.step import Columns

if TYPE_CHECKING:
    from specialists.market_making.strategy import MarketMaking

Floats = NDArray[np.float64]

CHUNK = 256  # paths drawn together; bounds the memory beside the tape itself
ORDERS = 3  # market orders a side and step that a tape keeps
NEVER = -1e9  # reach of an order that did not come
MID, BID, ASK, MICRO, WIDTH, BID_QUEUE, ASK_QUEUE, INVENTORY, SELL, SELL_VOLUME, BUY, BUY_VOLUME = (
    names(Columns).index(name)
    for name in (
        "mid", "best_bid", "best_ask", "microprice", "width", "bid_queue", "ask_queue", "inventory",
        "sell_reach_1", "sell_volume_1", "buy_reach_1", "buy_volume_1",
    )
)  # fmt: skip
SMILE = 0.35  # c: activity at the open and the close against midday (Wood, McInish & Ord, 1985)
LEAN = 0.25  # of the intensities towards the side that the mid will move to
MEMORY = 0.9  # of the excitation, a step
RAGGED = 0.25  # log standard deviation of the touch's half-spread
BOOK_NOISE = 0.3  # standard deviation of what hides the lean in the imbalances
SWEEP = 1e3  # quote sizes that a move through a quote brings to it


class Pace(NamedTuple):
    """Numbers of the generating loops, a step."""

    arrivals: float  # A dt
    decay: float
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


def record(s: MarketMaking, paths: Paths, weather: Weather | None) -> Tape:
    """Tape of generated paths."""
    columns = names(Columns)
    block = np.zeros((s.n_steps + 1, len(columns), len(paths)))
    features = np.zeros((s.n_steps + 1, len(paths), len(FEATURES)), dtype=np.float32)
    for start in range(0, len(paths), CHUNK):
        cut = slice(start, min(start + CHUNK, len(paths)))
        some = Paths(paths.seeds[cut], paths.episodes[cut])
        part, shown = block[:, :, cut], features[:, cut]
        if s.book:
            given = None if weather is None else Weather(*(x[:, cut] for x in weather_arrays(weather)))
            _record_book(s, some, s.sky(some, s.days, given), part, shown)
        else:
            _record_paper(s, some, part, shown)
    return Tape(columns, block, features)


def weather_arrays(weather: Weather) -> list[NDArray[np.generic]]:
    """The weather's fields in order, each (days, n)."""
    return [getattr(weather, name) for name in Weather.__dataclass_fields__]


def _pace(s: MarketMaking) -> Pace:
    return Pace(
        s.arrival_rate * s.dt, s.depth_decay, s.sigma * math.sqrt(s.dt), s.signal, s.signal_persistence, s.tick,
        s.half_spread, s.flow_share, s.excitation, s.order_size * s.quote_size, s.queue_depth * s.quote_size, s.quote_size,
    )  # fmt: skip


def _norms(pace: Pace) -> Norms:
    return norms_of(pace.decay, math.hypot(pace.move, 0.0), pace.arrivals)


def _inventories(s: MarketMaking, streams: Streams) -> Floats:
    bound = int(s.initial_inventory_bound)
    return (streams.integers("inventory", 2 * bound + 1) - bound) * s.quote_size


# --- the papers' world --------------------------------------------------------------------------------------


def _record_paper(s: MarketMaking, paths: Paths, block: Floats, features: NDArray[np.float32]) -> None:
    streams, steps, pace = paths.streams(s.name), s.n_steps, _pace(s)
    if s.binary_moves:
        shocks = np.where(streams.uniform("mid", steps) > 0.5, 1.0, -1.0)
    else:
        shocks = streams.normal("mid", steps)
    coins = np.where(streams.uniform("signal", steps + 1) > 0.5, 1.0, -1.0)
    block[0, MID], block[:, INVENTORY], block[:, WIDTH] = s.initial_price, _inventories(s, streams), 1.0
    _walk(block, pace, shocks, coins)
    sells, buys = np.zeros((2, steps + 1, len(paths)))
    if s.poisson:
        times = np.cumsum(_exponential(streams, "orders", steps, 2, ORDERS), axis=-1)
    else:
        times = streams.uniform("orders", steps, 2, 1)
    _reach(block, pace, times, sells, buys)
    none = np.zeros((steps + 1, len(paths)))
    seen = Sight(block[:, MID], none, block[:, MICRO], none, none, sells, buys, none + 1.0)
    write_features(features, seen, norms_of(pace.decay, math.hypot(pace.move, pace.signal), pace.arrivals))


def _exponential(streams: Streams, purpose: str, *shape: int) -> Floats:
    out = np.empty((len(streams), *shape))
    for path in range(len(streams)):
        streams.at(path, purpose).standard_exponential(out=out[path])
    return out


@njit(nogil=True)  # type: ignore[untyped-decorator]
def _walk(block: Floats, pace: Pace, shocks: Floats, coins: Floats) -> None:
    steps, n = block.shape[0] - 1, block.shape[2]
    for t in range(steps + 1):
        for i in range(n):
            mid, signal = block[t, MID, i], pace.signal * coins[i, t]
            block[t, BID, i] = block[t, ASK, i] = mid
            block[t, MICRO, i] = mid + signal
            if t < steps:
                block[t + 1, MID, i] = mid + pace.move * shocks[i, t] + signal


@njit(nogil=True)  # type: ignore[untyped-decorator]
def _reach(block: Floats, pace: Pace, times: Floats, sells: Floats, buys: Floats) -> None:
    # times (n, steps, 2, orders): uniforms, or arrival times of unit Poisson processes
    for t in range(1, block.shape[0]):
        for i in range(block.shape[2]):
            for j in range(ORDERS):
                block[t, SELL + j, i] = block[t, BUY + j, i] = NEVER
            for j in range(times.shape[3]):
                if pace.arrivals > 0.0:
                    block[t, SELL + j, i] = math.log(pace.arrivals / times[i, t - 1, 0, j]) / pace.decay
                    block[t, BUY + j, i] = math.log(pace.arrivals / times[i, t - 1, 1, j]) / pace.decay
                block[t, SELL_VOLUME + j, i] = block[t, BUY_VOLUME + j, i] = pace.size
                sells[t, i] += block[t, SELL + j, i] >= 0.0
                buys[t, i] += block[t, BUY + j, i] >= 0.0
