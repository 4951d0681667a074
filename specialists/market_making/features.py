"""The market's share of the observation, from columns that a generator drew or a recorder wrote.

Every slot is a recursion over rows that costs the same whatever its window, and looks at row t and earlier. Counts
are market orders of (t-1, t]; F and S are their exponential means over about 5 and 40 steps:

    flow imbalance   (buys - sells) / (buys + sells + a little)       of F, and of S
    arrival rate     (buys + sells) of F over twice the normal A dt
    volatility       root of the exponential mean of squared moves, over sigma sqrt(dt)
    return w         move over the last w steps, over sigma sqrt(w dt)

Distances are in units of 1/k, the depth at which fills have fallen by e.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fund.compiled import compiled
from fund.market.tape import places
from specialists.market_making.step import Own

Floats = NDArray[np.float64]

MARKET_FEATURES = (
    "spread",
    "book_imbalance_3",
    "book_imbalance_10",
    "microprice_minus_mid",
    "flow_imbalance_fast",
    "flow_imbalance_slow",
    "arrival_rate",
    "volatility_fast",
    "volatility_slow",
    "return_1",
    "return_5",
    "return_20",
)
FEATURES = (*MARKET_FEATURES, *Own._fields, "regime")
AT, REGIME = places(MARKET_FEATURES), FEATURES.index("regime")
MEAN = places(("fast_sells", "fast_buys", "slow_sells", "slow_buys", "fast_square", "slow_square"))
FAST, SLOW = 1.0 / 5.0, 1.0 / 40.0  # weights of the newest row in the exponential means


class Sight(NamedTuple):
    """What can be seen of a market, each (rows, n)."""

    mid: Floats
    half_spread: Floats
    microprice: Floats
    near: Floats  # imbalance of the first three levels of the book, in [-1, 1]
    deep: Floats  # of the first ten
    sells: Floats  # market orders of the step before
    buys: Floats
    regime: Floats


class Norms(NamedTuple):
    """Normal sizes that scale the features to order one."""

    decay: float  # k
    move: float  # sigma sqrt(dt); zero where the mid stands still
    arrivals: float  # A dt, market orders a side and step


def norms_of(depth_decay: float, move: float, arrivals: float) -> Norms:
    """Norms, with one in place of a size that is zero."""
    return Norms(depth_decay, move if move > 0.0 else 1.0 / depth_decay, arrivals if arrivals > 0.0 else 1.0)


@compiled(nogil=True)
def write_features(out: NDArray[np.float32], first: int, seen: Sight, norms: Norms) -> None:
    """Fill the market's slots of `out` (rows, paths, width), from path `first` on."""
    rows, n = seen.mid.shape
    state = np.full((len(MEAN), n), norms.arrivals)
    state[MEAN.fast_square], state[MEAN.slow_square] = norms.move**2, norms.move**2
    per_move, per_arrival = 1.0 / norms.move, 0.5 / norms.arrivals
    for t in range(rows):
        for i in range(n):
            _remember(state, seen, t, i)
            _write_book(out[t, first + i], seen, norms.decay, t, i)
            sells, buys = state[MEAN.fast_sells, i], state[MEAN.fast_buys, i]
            slow_sells, slow_buys = state[MEAN.slow_sells, i], state[MEAN.slow_buys, i]
            fast, slow = sells + buys, slow_sells + slow_buys
            row = out[t, first + i]
            row[AT.flow_imbalance_fast] = (buys - sells) / (fast + 0.1 * norms.arrivals)
            row[AT.flow_imbalance_slow] = (slow_buys - slow_sells) / (slow + 0.1 * norms.arrivals)
            row[AT.arrival_rate] = fast * per_arrival
            row[AT.volatility_fast] = math.sqrt(state[MEAN.fast_square, i]) * per_move
            row[AT.volatility_slow] = math.sqrt(state[MEAN.slow_square, i]) * per_move
            row[AT.return_1] = (seen.mid[t, i] - seen.mid[max(t - 1, 0), i]) * per_move
            row[AT.return_5] = (seen.mid[t, i] - seen.mid[max(t - 5, 0), i]) * per_move * 5.0**-0.5
            row[AT.return_20] = (seen.mid[t, i] - seen.mid[max(t - 20, 0), i]) * per_move * 20.0**-0.5


@njit(forceinline=True)
def _remember(state: Floats, seen: Sight, t: int, i: int) -> None:
    if t == 0:
        return
    square = (seen.mid[t, i] - seen.mid[t - 1, i]) ** 2
    state[MEAN.fast_sells, i] += FAST * (seen.sells[t, i] - state[MEAN.fast_sells, i])
    state[MEAN.fast_buys, i] += FAST * (seen.buys[t, i] - state[MEAN.fast_buys, i])
    state[MEAN.slow_sells, i] += SLOW * (seen.sells[t, i] - state[MEAN.slow_sells, i])
    state[MEAN.slow_buys, i] += SLOW * (seen.buys[t, i] - state[MEAN.slow_buys, i])
    state[MEAN.fast_square, i] += FAST * (square - state[MEAN.fast_square, i])
    state[MEAN.slow_square, i] += SLOW * (square - state[MEAN.slow_square, i])


@njit(forceinline=True)
def _write_book(row: NDArray[np.float32], seen: Sight, decay: float, t: int, i: int) -> None:
    row[AT.spread] = seen.half_spread[t, i] * decay
    row[AT.book_imbalance_3] = seen.near[t, i]
    row[AT.book_imbalance_10] = seen.deep[t, i]
    row[AT.microprice_minus_mid] = (seen.microprice[t, i] - seen.mid[t, i]) * decay
    row[REGIME] = 0.5 * (seen.regime[t, i] - 1.0)
