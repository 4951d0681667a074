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
REGIME = len(FEATURES) - 1
FAST, SLOW = 1.0 / 5.0, 1.0 / 40.0  # weights of the newest row


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
    state = np.empty((6, n))
    state[:4, :], state[4:, :] = norms.arrivals, norms.move**2
    per_move, per_arrival = 1.0 / norms.move, 0.5 / norms.arrivals
    for t in range(rows):
        for i in range(n):
            _remember(state, seen, t, i)
            _write_book(out[t, first + i], seen, norms.decay, t, i)
            fast, slow = state[0, i] + state[1, i], state[2, i] + state[3, i]
            row = out[t, first + i]
            row[4] = (state[1, i] - state[0, i]) / (fast + 0.1 * norms.arrivals)
            row[5] = (state[3, i] - state[2, i]) / (slow + 0.1 * norms.arrivals)
            row[6] = fast * per_arrival
            row[7] = math.sqrt(state[4, i]) * per_move
            row[8] = math.sqrt(state[5, i]) * per_move
            row[9] = (seen.mid[t, i] - seen.mid[max(t - 1, 0), i]) * per_move
            row[10] = (seen.mid[t, i] - seen.mid[max(t - 5, 0), i]) * per_move * 5.0**-0.5
            row[11] = (seen.mid[t, i] - seen.mid[max(t - 20, 0), i]) * per_move * 20.0**-0.5


@njit(forceinline=True)
def _remember(state: Floats, seen: Sight, t: int, i: int) -> None:
    # exponential means of sells, buys (fast), sells, buys (slow), squared moves (fast, slow)
    if t == 0:
        return
    square = (seen.mid[t, i] - seen.mid[t - 1, i]) ** 2
    state[0, i] += FAST * (seen.sells[t, i] - state[0, i])
    state[1, i] += FAST * (seen.buys[t, i] - state[1, i])
    state[2, i] += SLOW * (seen.sells[t, i] - state[2, i])
    state[3, i] += SLOW * (seen.buys[t, i] - state[3, i])
    state[4, i] += FAST * (square - state[4, i])
    state[5, i] += SLOW * (square - state[5, i])


@njit(forceinline=True)
def _write_book(row: NDArray[np.float32], seen: Sight, decay: float, t: int, i: int) -> None:
    row[0] = seen.half_spread[t, i] * decay
    row[1] = seen.near[t, i]
    row[2] = seen.deep[t, i]
    row[3] = (seen.microprice[t, i] - seen.mid[t, i]) * decay
    row[REGIME] = 0.5 * (seen.regime[t, i] - 1.0)
