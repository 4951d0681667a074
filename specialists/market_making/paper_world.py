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
from numpy.typing import NDArray

from fund.compiled import compiled
from fund.market.streams import Streams
from specialists.market_making.features import Sight, norms_of, write_features
from specialists.market_making.market import PLACES, Pace, Part, Places, exponential, pace_of
from specialists.market_making.step import ORDERS

if TYPE_CHECKING:
    from specialists.market_making.strategy import MarketMaking

Floats = NDArray[np.float64]


def draw(desk: MarketMaking, streams: Streams, part: Part) -> None:
    """Fill the columns and features of the paths of `streams`."""
    pace, steps, block = pace_of(desk), desk.n_steps, part.block
    if desk.binary_moves:
        shocks = np.where(streams.uniform("mid", steps) > 0.5, 1.0, -1.0)
    else:
        shocks = streams.normal("mid", steps)
    coins = np.ones((part.n, steps + 1))
    if pace.signal > 0.0:
        coins = np.where(streams.uniform("signal", steps + 1) > 0.5, 1.0, -1.0)
    cut = slice(part.first, part.first + part.n)
    block[0, PLACES.mid, cut], block[:, PLACES.width, cut] = desk.initial_price, 1.0
    _walk(block, part.first, PLACES, pace, shocks, coins)
    if desk.poisson:
        times = np.cumsum(exponential(streams, "orders", steps, 2, ORDERS), axis=-1)
    else:
        times = streams.uniform("orders", steps, 2, 1)
    sells, buys = np.zeros((2, steps + 1, part.n))
    _arrive(block, part.first, PLACES, pace, times, sells, buys)
    none = np.zeros((steps + 1, part.n))
    mid, microprice = block[:, PLACES.mid, cut], block[:, PLACES.microprice, cut]
    seen = Sight(mid, none, microprice, none, none, sells, buys, none + 1.0)
    norms = norms_of(pace.decay, math.hypot(pace.move, pace.signal), pace.arrivals)
    write_features(part.features, part.first, seen, norms)


@compiled(nogil=True)
def _walk(block: Floats, first: int, at: Places, pace: Pace, shocks: Floats, coins: Floats) -> None:
    steps = block.shape[0] - 1
    for t in range(steps + 1):
        for k in range(len(shocks)):
            i = first + k
            mid, signal = block[t, at.mid, i], pace.signal * coins[k, t]
            block[t, at.best_bid, i] = block[t, at.best_ask, i] = mid
            block[t, at.microprice, i] = mid + signal
            if t < steps:
                block[t + 1, at.mid, i] = mid + pace.move * shocks[k, t] + signal


@compiled(nogil=True)
def _arrive(
    block: Floats, first: int, at: Places, pace: Pace, times: Floats, sells: Floats, buys: Floats
) -> None:
    # times (n, steps, 2, orders): uniforms, or arrival times of unit Poisson processes
    kept = at.sell_volume - at.sell_reach_1
    for t in range(1, block.shape[0]):
        for k in range(times.shape[0]):
            i = first + k
            block[t, at.sell_volume, i] = block[t, at.buy_volume, i] = pace.size
            for j in range(kept):
                sold = bought = pace.never
                if j < times.shape[3] and pace.arrivals > 0.0:
                    sold = math.log(pace.arrivals / times[k, t - 1, 0, j]) / pace.decay
                    bought = math.log(pace.arrivals / times[k, t - 1, 1, j]) / pace.decay
                block[t, at.sell_reach_1 + j, i], block[t, at.buy_reach_1 + j, i] = sold, bought
                sells[t, k] += sold >= 0.0
                buys[t, k] += bought >= 0.0
