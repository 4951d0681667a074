"""A limit order book whose flow is informed: the default market.

Reaches as in the Poisson form of `paper_world`, around a mid that moves with the flow. With u in [0, 1] the time of
day, v and l the volatility and liquidity of the day's weather:

    smile        s = 1 + c (12 (u - 1/2)^2 - 1)
    width        w = sqrt(v / l) s scales spreads, reaches and depths
    touch        mid -+ half_spread w exp(noise), outward to the tick
    intensity    (1 - b) A dt s (1 +- lean z) + b m a side, m an exponential mean of its orders: self-excitation
    lean         z an AR(1) state of unit variance; the mid drifts by (1 - rho) signal w z a step, so that it is
                 expected to move by signal w z in all. The book's imbalances show z through noise of their own
    mid          drift + sigma sqrt(dt) v s (sqrt(1 - f) N(0, 1) + sqrt(f) surprise), surprise = unexpected buys less
                 unexpected sells, over their standard deviation (Madhavan, Richardson & Roomans, 1997)
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

from fund.market.streams import Streams
from fund.market.weather import Weather
from specialists.market_making.features import Sight, norms_of, write_features
from specialists.market_making.market import (
    ASK,
    ASK_QUEUE,
    BID,
    BID_QUEUE,
    BUY,
    BUY_VOLUME,
    MICRO,
    MID,
    NEVER,
    ORDERS,
    SELL,
    SELL_VOLUME,
    WIDTH,
    Pace,
    exponential,
    pace_of,
)

if TYPE_CHECKING:
    from specialists.market_making.strategy import MarketMaking

Floats = NDArray[np.float64]

SMILE = 0.35  # c: activity at the open and the close against midday (Wood, McInish & Ord, 1985)
LEAN = 0.25  # of the intensities, towards the side that the mid will move to
MEMORY = 0.9  # of the excitation, a step
RAGGED, RAGGED_MEMORY = 0.25, 0.9  # log standard deviation of the touch's half-spread, and its memory
NOISE = 0.3  # standard deviation of what hides the lean in the imbalances
NEAR_MEMORY, DEEP_MEMORY = 0.6, 0.95  # of that noise; at the touch it has none


class Shocks(NamedTuple):
    """Draws of n paths, time after the path."""

    orders: Floats  # (n, steps, 2, ORDERS) exponential: between reaches
    sizes: Floats  # (n, steps, 2) exponential
    news: Floats  # (n, steps) normal
    book: Floats  # (n, steps + 1, 5) normal: lean, spread, and three imbalances


class Day(NamedTuple):
    """Weather and time of day."""

    volatility: Floats  # (days, n)
    width: Floats  # (days, n)
    liquidity: Floats  # (days, n)
    smile: Floats  # (steps a day,)


def draw(s: MarketMaking, streams: Streams, sky: Weather, block: Floats, features: NDArray[np.float32]) -> None:
    """Fill the columns and features of the paths of `streams`."""
    pace, rows, n = pace_of(s), s.n_steps + 1, len(streams)
    time = (np.arange(s.steps_per_day) + 0.5) / s.steps_per_day
    smile = 1.0 + SMILE * (12.0 * (time - 0.5) ** 2 - 1.0)
    day = Day(sky.volatility, np.sqrt(sky.volatility / sky.liquidity), sky.liquidity, smile)
    shocks = Shocks(
        exponential(streams, "orders", s.n_steps, 2, ORDERS), exponential(streams, "sizes", s.n_steps, 2),
        streams.normal("news", s.n_steps), streams.normal("book", rows, 5),
    )  # fmt: skip
    block[0, MID] = s.initial_price
    near, deep, half_spread, sells, buys = np.zeros((5, rows, n))
    _play(block, pace, day, shocks, near, deep, half_spread, sells, buys)
    regime = sky.regime[np.minimum(np.arange(rows) // s.steps_per_day, s.days - 1)].astype(np.float64)
    seen = Sight(block[:, MID], half_spread, block[:, MICRO], near, deep, sells, buys, regime)
    write_features(features, seen, norms_of(pace.decay, pace.move, pace.arrivals))


@njit(nogil=True)  # type: ignore[untyped-decorator]
def _play(  # type: ignore[no-untyped-def]
    block, pace, day, shocks, near, deep, half_spread, sells, buys
):
    rows, n = block.shape[0], block.shape[2]
    state = np.zeros((6, n))  # lean, spread noise, near noise, deep noise, mean sells, mean buys
    state[4:] = pace.arrivals * day.smile[0]
    for t in range(rows):
        d, smile = min(t // len(day.smile), len(day.width) - 1), day.smile[t % len(day.smile)]
        for i in range(n):
            _drift(state, shocks.book, pace, t, i)
            width = day.width[d, i] * smile
            half = pace.half_spread * width * math.exp(RAGGED * state[1, i])
            _show(block, pace, state, shocks.book, width, half, day.liquidity[d, i], t, i)
            lean = pace.signal * width * state[0, i] / half
            near[t, i] = _imbalance(0.7 * lean + state[2, i])
            deep[t, i] = _imbalance(0.4 * lean + state[3, i])
            half_spread[t, i] = 0.5 * (block[t, ASK, i] - block[t, BID, i])
            if t + 1 < rows:
                sold, bought = _advance(block, pace, state, shocks, width, day.volatility[d, i] * smile, smile, t, i)
                sells[t + 1, i], buys[t + 1, i] = sold, bought


@njit(forceinline=True)  # type: ignore[untyped-decorator]
def _imbalance(raw: float) -> float:
    return min(max(raw, -0.9), 0.9)


@njit(forceinline=True)  # type: ignore[untyped-decorator]
def _ar(past: float, memory: float, scale: float, shock: float) -> float:
    # one step of an AR(1) of standard deviation `scale`
    return memory * past + scale * math.sqrt(1.0 - memory * memory) * shock


@njit(forceinline=True)  # type: ignore[untyped-decorator]
def _drift(state: Floats, book: Floats, pace: Pace, t: int, i: int) -> None:
    # the hidden states of row t; the first row stands at the stationary law
    fresh = 0.0 if t == 0 else 1.0
    state[0, i] = _ar(state[0, i], pace.persistence * fresh, 1.0, book[i, t, 0])
    state[1, i] = _ar(state[1, i], RAGGED_MEMORY * fresh, 1.0, book[i, t, 1])
    state[2, i] = _ar(state[2, i], NEAR_MEMORY * fresh, NOISE, book[i, t, 3])
    state[3, i] = _ar(state[3, i], DEEP_MEMORY * fresh, NOISE, book[i, t, 4])


@njit(forceinline=True)  # type: ignore[untyped-decorator]
def _show(  # type: ignore[no-untyped-def]
    block, pace, state, book, width, half, liquidity, t, i
):
    # the quotes that all see at row t
    mid = block[t, MID, i]
    imbalance = _imbalance(pace.signal * width * state[0, i] / half + NOISE * book[i, t, 2])
    bid, ask = mid - half, mid + half
    if pace.tick > 0.0:
        bid, ask = math.floor(bid / pace.tick) * pace.tick, math.ceil(ask / pace.tick) * pace.tick
    block[t, BID, i], block[t, ASK, i], block[t, WIDTH, i] = bid, ask, width
    block[t, MICRO, i] = mid + half * imbalance
    block[t, BID_QUEUE, i] = pace.depth * liquidity * (1.0 + imbalance)
    block[t, ASK_QUEUE, i] = pace.depth * liquidity * (1.0 - imbalance)


@njit(forceinline=True)  # type: ignore[untyped-decorator]
def _advance(  # type: ignore[no-untyped-def]
    block, pace, state, shocks, width, volatility, smile, t, i
):
    # orders of (t, t+1] and the mid at t+1
    base, tilt = (1.0 - pace.excitation) * pace.arrivals * smile, 0.0
    if pace.signal > 0.0:
        tilt = LEAN * min(max(state[0, i], -2.0), 2.0)
    expected_sells = base * (1.0 - tilt) + pace.excitation * state[4, i]
    expected_buys = base * (1.0 + tilt) + pace.excitation * state[5, i]
    sells = _arrive(block, pace, shocks, expected_sells, width, 0, SELL, SELL_VOLUME, t, i)
    buys = _arrive(block, pace, shocks, expected_buys, width, 1, BUY, BUY_VOLUME, t, i)
    state[4, i] = MEMORY * state[4, i] + (1.0 - MEMORY) * sells
    state[5, i] = MEMORY * state[5, i] + (1.0 - MEMORY) * buys
    total, news = expected_sells + expected_buys, shocks.news[i, t]
    if total > 0.0:
        surprise = (buys - expected_buys - sells + expected_sells) / math.sqrt(total)
        news = math.sqrt(1.0 - pace.flow_share) * news + math.sqrt(pace.flow_share) * surprise
    move = pace.move * volatility * news + (1.0 - pace.persistence) * pace.signal * width * state[0, i]
    block[t + 1, MID, i] = block[t, MID, i] + move
    return sells, buys


@njit(forceinline=True)  # type: ignore[untyped-decorator]
def _arrive(  # type: ignore[no-untyped-def]
    block, pace, shocks, expected, width, side, reach, volume, t, i
):
    # writes the reaches and volumes of one side; gives the number of orders that reached the mid
    arrival, count = 0.0, 0.0
    block[t + 1, volume, i] = pace.order_size * shocks.sizes[i, t, side]
    for j in range(ORDERS):
        arrival += shocks.orders[i, t, side, j]
        depth = NEVER
        if arrival <= expected:
            depth = width * math.log(expected / arrival) / pace.decay
            count += 1.0
        block[t + 1, reach + j, i] = depth
    return count
