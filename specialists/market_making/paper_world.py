"""The papers' world: exponential depth around a mid that moves by itself.

Avellaneda & Stoikov (2008), Cartea, Jaimungal & Penalva (2015, ch. 10). The mid moves by ``+-sigma sqrt(dt)`` or
``sigma sqrt(dt) N(0, 1)`` a step. A market order reaches a depth x of the book:

    one a side and step     x = ln(A dt / U)/k,         U uniform on (0, 1]     P(x >= d) = min(1, A exp(-k d) dt)
    Poisson                 x_j = ln(A dt / G_j)/k,     G_j the j-th arrival of a unit Poisson process

where the number of x_j above d is Poisson with mean A exp(-k d) dt, exactly; the three deepest are kept. Every order
brings one quote size, there are no queues and no spread, and no weather.

With a `signal` the mid also moves by +-signal, a fair coin each step that the microprice shows one step ahead.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fund.market.streams import Streams
from specialists.market_making.features import Sight, norms_of, write_features
from specialists.market_making.market import (
    ASK,
    BID,
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


def draw(s: MarketMaking, streams: Streams, block: Floats, features: NDArray[np.float32]) -> None:
    """Fill the columns and features of the paths of `streams`."""
    pace, steps = pace_of(s), s.n_steps
    if s.binary_moves:
        shocks = np.where(streams.uniform("mid", steps) > 0.5, 1.0, -1.0)
    else:
        shocks = streams.normal("mid", steps)
    coins = np.where(streams.uniform("signal", steps + 1) > 0.5, 1.0, -1.0)
    block[0, MID], block[:, WIDTH] = s.initial_price, 1.0
    _walk(block, pace, shocks, coins)
    if s.poisson:
        times = np.cumsum(exponential(streams, "orders", steps, 2, ORDERS), axis=-1)
    else:
        times = streams.uniform("orders", steps, 2, 1)
    sells, buys = np.zeros((2, steps + 1, len(streams)))
    _orders(block, pace, times, sells, buys)
    none = np.zeros((steps + 1, len(streams)))
    seen = Sight(block[:, MID], none, block[:, MICRO], none, none, sells, buys, none + 1.0)
    write_features(features, seen, norms_of(pace.decay, math.hypot(pace.move, pace.signal), pace.arrivals))


@njit(nogil=True)  # type: ignore[untyped-decorator]
def _walk(block: Floats, pace: Pace, shocks: Floats, coins: Floats) -> None:
    steps = block.shape[0] - 1
    for t in range(steps + 1):
        for i in range(block.shape[2]):
            mid, signal = block[t, MID, i], pace.signal * coins[i, t]
            block[t, BID, i] = block[t, ASK, i] = mid
            block[t, MICRO, i] = mid + signal
            if t < steps:
                block[t + 1, MID, i] = mid + pace.move * shocks[i, t] + signal


@njit(nogil=True)  # type: ignore[untyped-decorator]
def _orders(block: Floats, pace: Pace, times: Floats, sells: Floats, buys: Floats) -> None:
    # times (n, steps, 2, orders): uniforms, or arrival times of unit Poisson processes
    for t in range(1, block.shape[0]):
        for i in range(block.shape[2]):
            block[t, SELL_VOLUME, i] = block[t, BUY_VOLUME, i] = pace.size
            for j in range(ORDERS):
                sold = bought = NEVER
                if j < times.shape[3] and pace.arrivals > 0.0:
                    sold = math.log(pace.arrivals / times[i, t - 1, 0, j]) / pace.decay
                    bought = math.log(pace.arrivals / times[i, t - 1, 1, j]) / pace.decay
                block[t, SELL + j, i], block[t, BUY + j, i] = sold, bought
                sells[t, i] += sold >= 0.0
                buys[t, i] += bought >= 0.0
