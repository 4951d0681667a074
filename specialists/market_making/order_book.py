"""A limit order book whose flow is informed: the default market.

Reaches as in the Poisson form of `paper_world`, around a mid that moves with the flow. With u in [0, 1] the time of
day, v and l the volatility and liquidity of the day's weather:

    smile        s = 1 + c (12 (u - 1/2)^2 - 1)
    width        w = sqrt(v / l) s scales spreads, reaches and depths
    touch        mid -+ half_spread w exp(noise), outward to the tick
    intensity    (1 - b) A dt s (1 +- lean z) + b m a side, m an exponential mean of its orders: self-excitation
    lean         z an AR(1) state of unit variance; the mid drifts by (1 - rho) signal w z a step, so that it is
                 expected to move by signal w z in all. The book's imbalances show z through noise of their own
    mid          drift + sigma sqrt(dt) v s' (sqrt(1 - f) N(0, 1) + sqrt(f) surprise), surprise = unexpected buys less
                 unexpected sells, over their standard deviation (Madhavan, Richardson & Roomans, 1997); s' is s over
                 its root mean square, so that sigma is that of a whole day
    sweep        a mid that moves through a quote takes it: see `step` (Budish, Cramton & Shim, 2015)

The flow is thus informed twice: buys push the mid up after they filled an ask, and stale quotes are picked off.
Volumes are exponential; the queue shown on each side leans with the touch's imbalance.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fund.compiled import compiled
from fund.market.streams import Streams
from fund.market.tape import places
from fund.market.weather import Weather
from specialists.market_making.features import Sight, norms_of, write_features
from specialists.market_making.market import PLACES, Pace, Part, Places, exponential, pace_of
from specialists.market_making.step import ORDERS

if TYPE_CHECKING:
    from specialists.market_making.strategy import MarketMaking

Floats = NDArray[np.float64]

SMILE = 0.35  # c: activity at the open and the close against midday (Wood, McInish & Ord, 1985)
LEAN = 0.25  # of the intensities, towards the side that the mid will move to
MEMORY = 0.9  # of the excitation, a step
RAGGED, RAGGED_MEMORY = 0.25, 0.9  # log standard deviation of the touch's half-spread, and its memory
NOISE = 0.3  # standard deviation of what hides the lean in the imbalances
NEAR_MEMORY, DEEP_MEMORY = 0.6, 0.95  # of that noise; at the touch it has none
BOOK = places(("lean", "ragged", "near", "deep", "touch"))  # normal numbers of a row
STATE = places(("lean", "ragged", "near", "deep", "sells", "buys"))  # AR(1) states, mean orders of each side
SEEN = places(("near", "deep", "half_spread", "sells", "buys"))


class Shocks(NamedTuple):
    """Draws of n paths, time after the path."""

    orders: Floats  # (n, steps, 2, ORDERS) exponential: between reaches
    sizes: Floats  # (n, steps, 2) exponential
    news: Floats  # (n, steps) normal
    book: Floats  # (n, steps + 1, BOOK) normal


class Drifts(NamedTuple):
    """AR(1) coefficient, standard deviation and innovation of lean, spread, near and deep noise, each (4,)."""

    memory: Floats
    scale: Floats
    fresh: Floats


class Day(NamedTuple):
    """Weather and time of day."""

    volatility: Floats  # (days, n)
    width: Floats  # (days, n)
    liquidity: Floats  # (days, n)
    smile: Floats  # (steps a day,)


def draw(desk: MarketMaking, streams: Streams, sky: Weather, part: Part) -> None:
    """Fill the columns and features of the paths of `streams`."""
    rows, block = desk.n_steps + 1, part.block
    time = (np.arange(desk.steps_per_day) + 0.5) / desk.steps_per_day
    smile = 1.0 + SMILE * (12.0 * (time - 0.5) ** 2 - 1.0)
    normal = pace_of(desk)
    pace = normal._replace(move=normal.move / math.sqrt(np.mean(smile**2)))
    day = Day(sky.volatility, np.sqrt(sky.volatility / sky.liquidity), sky.liquidity, smile)
    shocks = Shocks(
        exponential(streams, "orders", desk.n_steps, 2, ORDERS), exponential(streams, "sizes", desk.n_steps, 2),
        streams.normal("news", desk.n_steps), streams.normal("book", rows, len(BOOK)),
    )  # fmt: skip
    memory = np.array([desk.signal_persistence, RAGGED_MEMORY, NEAR_MEMORY, DEEP_MEMORY])
    scale = np.array([1.0, 1.0, NOISE, NOISE])
    drifts = Drifts(memory, scale, scale * np.sqrt(1.0 - memory**2))
    cut = slice(part.first, part.first + part.n)
    block[0, PLACES.mid, cut] = desk.initial_price
    seen = np.zeros((len(SEEN), rows, part.n))
    _play(block, part.first, PLACES, pace, day, drifts, shocks, seen)
    regime = sky.regime[np.minimum(np.arange(rows) // desk.steps_per_day, desk.days - 1)].astype(np.float64)
    near, deep, half_spread, sells, buys = seen
    mid, microprice = block[:, PLACES.mid, cut], block[:, PLACES.microprice, cut]
    sight = Sight(mid, half_spread, microprice, near, deep, sells, buys, regime)
    write_features(part.features, part.first, sight, norms_of(normal.decay, normal.move, normal.arrivals))


@compiled(nogil=True)
def _play(
    block: Floats, first: int, at: Places, pace: Pace, day: Day, drifts: Drifts, shocks: Shocks, seen: Floats
) -> None:
    rows, n = seen.shape[1], seen.shape[2]
    state = np.zeros((len(STATE), n))
    state[STATE.sells :] = pace.arrivals * day.smile[0]
    for t in range(rows):
        d, smile = min(t // len(day.smile), len(day.width) - 1), day.smile[t % len(day.smile)]
        for i in range(n):
            _drift(state, shocks.book, drifts, t, i)
            width, volatility = day.width[d, i] * smile, day.volatility[d, i] * smile
            half = pace.half_spread * width * math.exp(RAGGED * state[STATE.ragged, i])
            lean = pace.signal * width * state[STATE.lean, i] / half
            touch = _imbalance(lean + NOISE * shocks.book[i, t, BOOK.touch])
            _show(block, at, pace, width, half, touch, day.liquidity[d, i], t, first + i)
            seen[SEEN.near, t, i] = _imbalance(0.7 * lean + state[STATE.near, i])
            seen[SEEN.deep, t, i] = _imbalance(0.4 * lean + state[STATE.deep, i])
            seen[SEEN.half_spread, t, i] = 0.5 * (
                block[t, at.best_ask, first + i] - block[t, at.best_bid, first + i]
            )
            if t + 1 < rows:
                sells, buys, move = _advance(
                    block, first, at, pace, state, shocks, width, volatility, smile, t, i
                )
                seen[SEEN.sells, t + 1, i], seen[SEEN.buys, t + 1, i] = sells, buys
                block[t + 1, at.mid, first + i] = block[t, at.mid, first + i] + move


@njit(forceinline=True)
def _imbalance(raw: float) -> float:
    return min(max(raw, -0.9), 0.9)


@njit(forceinline=True)
def _drift(state: Floats, book: Floats, drifts: Drifts, t: int, i: int) -> None:
    # the four hidden AR(1) states of row t; the first row stands at their stationary law
    for j in range(4):
        if t == 0:
            state[j, i] = drifts.scale[j] * book[i, 0, j]
        else:
            state[j, i] = drifts.memory[j] * state[j, i] + drifts.fresh[j] * book[i, t, j]


@njit(forceinline=True)
def _show(
    block: Floats,
    at: Places,
    pace: Pace,
    width: float,
    half: float,
    imbalance: float,
    liquidity: float,
    t: int,
    i: int,
) -> None:
    # the quotes that all see at row t
    mid = block[t, at.mid, i]
    bid, ask = mid - half, mid + half
    if pace.tick > 0.0:
        bid, ask = math.floor(bid / pace.tick) * pace.tick, math.ceil(ask / pace.tick) * pace.tick
    block[t, at.best_bid, i], block[t, at.best_ask, i], block[t, at.width, i] = bid, ask, width
    block[t, at.microprice, i] = mid + half * imbalance
    block[t, at.bid_queue, i] = pace.depth * liquidity * (1.0 + imbalance)
    block[t, at.ask_queue, i] = pace.depth * liquidity * (1.0 - imbalance)


@njit(forceinline=True)
def _advance(
    block: Floats,
    first: int,
    at: Places,
    pace: Pace,
    state: Floats,
    shocks: Shocks,
    width: float,
    volatility: float,
    smile: float,
    t: int,
    i: int,
) -> tuple[float, float, float]:
    # orders of (t, t+1], and the move of the mid
    base, tilt = (1.0 - pace.excitation) * pace.arrivals * smile, 0.0
    if pace.signal > 0.0:
        tilt = LEAN * min(max(state[STATE.lean, i], -2.0), 2.0)
    expected_sells = base * (1.0 - tilt) + pace.excitation * state[STATE.sells, i]
    expected_buys = base * (1.0 + tilt) + pace.excitation * state[STATE.buys, i]
    kept = at.sell_volume - at.sell_reach_1
    sells = _arrive(
        block, at.sell_reach_1, kept, pace, shocks.orders[i, t, 0], expected_sells, width, t, first + i
    )
    buys = _arrive(
        block, at.buy_reach_1, kept, pace, shocks.orders[i, t, 1], expected_buys, width, t, first + i
    )
    block[t + 1, at.sell_volume, first + i] = pace.order_size * shocks.sizes[i, t, 0]
    block[t + 1, at.buy_volume, first + i] = pace.order_size * shocks.sizes[i, t, 1]
    state[STATE.sells, i] = MEMORY * state[STATE.sells, i] + (1.0 - MEMORY) * sells
    state[STATE.buys, i] = MEMORY * state[STATE.buys, i] + (1.0 - MEMORY) * buys
    total, news, foreseen = expected_sells + expected_buys, shocks.news[i, t], 0.0
    if total > 0.0:
        share = math.sqrt(pace.flow_share)
        surprise = (buys - expected_buys - sells + expected_sells) / math.sqrt(total)
        news = math.sqrt(1.0 - pace.flow_share) * news + share * surprise
        foreseen = share * (_uncounted(expected_sells) - _uncounted(expected_buys)) / math.sqrt(total)
    shock = pace.move * volatility * news
    block[t + 1, at.surprise, first + i] = shock - pace.move * volatility * foreseen
    return sells, buys, shock + (1.0 - pace.persistence) * pace.signal * width * state[STATE.lean, i]


@njit(forceinline=True)
def _uncounted(expected: float) -> float:
    # E N - E min(N, 3), N Poisson: a row keeps three orders a side
    return expected - 3.0 + math.exp(-expected) * (3.0 + 2.0 * expected + 0.5 * expected * expected)


@njit(forceinline=True)
def _arrive(
    block: Floats,
    reach: int,
    kept: int,
    pace: Pace,
    between: Floats,
    expected: float,
    width: float,
    t: int,
    i: int,
) -> float:
    # writes the reaches of one side; gives the number of orders that reached the mid
    arrival, count = 0.0, 0.0
    for j in range(kept):
        arrival += between[j]
        depth = pace.never
        if arrival <= expected:
            depth = width * math.log(expected / arrival) / pace.decay
            count += 1.0
        block[t + 1, reach + j, i] = depth
    return count
