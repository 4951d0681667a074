"""The market's share of the observation: what three pairs show up to row t, drawn or recorded.

Of each pair, with x its log mid (the cross's own mid, deviation included) and s its usual move of a step:

    return_1, _5, _20   x_t - x_{t-k}, in units of s sqrt(k)
    volatility          root of the mean of squared moves over 20 rows, over s
    carry               what one who is long earns by rolling, a year, in units of 2%
    spread              half-spread over the normal one

The positions' own slots are in `step`. Of all three:

    deviation           ln of the cross over what the other two imply, over the sum of the half-spreads: beyond +-1
                        going round the triangle pays
    size_clockwise, size_anticlockwise   what all three legs have room for, over the normal size
    correlation_*       of two pairs' moves over 60 rows
    deviation_age       seconds for which going round has been paying, halved; at most 5

The three volatilities and the three correlations are told over different windows: over one window, two currencies
have two volatilities and one correlation, and the other three numbers would follow from them.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fund.compiled import compiled
from fund.market.tape import places
from fund.market.triangle import PAIRS
from fund.strategy import names
from specialists.fx_arbitrage.step import Columns

Floats = NDArray[np.float64]

SHORT, LONG = 20, 60  # rows of the windows
WARM_UP = LONG
CARRY_UNIT = 0.02  # a year
OLDEST = 5.0
_NOTHING = 1e-24  # sum of squares that is rounding
PER_PAIR = ("return_1", "return_5", "return_20", "volatility", "carry", "spread")
IN_PAIR = places(PER_PAIR)
# of squared moves over 20 and 60 rows, of products over 60
SUM = places((
    "base_home_20", "home_terms_20", "cross_20", "base_home_60", "home_terms_60", "cross_60",
    "base_home_home_terms", "base_home_cross", "home_terms_cross",
))  # fmt: skip
FEATURES = (
    *(f"{pair}_{name}" for pair in PAIRS for name in (*PER_PAIR, "position")),
    "deviation",
    "size_clockwise",
    "size_anticlockwise",
    "correlation_base_home_home_terms",
    "correlation_base_home_cross",
    "correlation_home_terms_cross",
    "deviation_age",
    "drawdown",
    "leverage",
    "pnl",
)


class Sight(NamedTuple):
    """What can be seen beside the columns."""

    base: Floats  # (WARM_UP + T + 1, n), log of the base currency's value
    terms: Floats  # of the terms currency's
    deviation: Floats  # log of the cross over what the other pairs imply
    age: Floats  # (T + 1, n), seconds


class Norms(NamedTuple):
    """Usual sizes, which make the features of order one."""

    moves: tuple[float, float, float]  # of a step
    spreads: tuple[float, float, float]
    carry: float  # roll of a step that is one unit
    size: float


class Slots(NamedTuple):
    """Where slots stand in the observation and columns in the tape."""

    pair: int  # slots of one pair
    deviation: int
    correlation: int
    age: int
    spread: int  # columns
    base_roll: int
    terms_roll: int
    sizes: int


SLOTS = Slots(
    len(PER_PAIR) + 1,
    FEATURES.index("deviation"),
    FEATURES.index("correlation_base_home_home_terms"),
    FEATURES.index("deviation_age"),
    names(Columns).index("base_home_spread"),
    names(Columns).index("base_roll"),
    names(Columns).index("terms_roll"),
    names(Columns).index("clockwise_size"),
)


def write_features(wide: NDArray[np.float32], block: Floats, first: int, sight: Sight, norms: Norms) -> None:
    """Fill the market's slots of `wide` (T + 1, paths, width) for the paths of `sight`, from path `first` on."""
    _write(wide, block, first, SLOTS, sight, norms, WARM_UP)


@compiled(nogil=True)
def _write(
    wide: NDArray[np.float32],
    block: Floats,
    first: int,
    slots: Slots,
    sight: Sight,
    norms: Norms,
    warm_up: int,
) -> None:
    rows, n = sight.base.shape
    sums = np.zeros((len(SUM), n))
    for r in range(1, rows):
        for i in range(n):
            _add(sums, sight, r, i, 1.0, 1.0)
            if r > SHORT:
                _add(sums, sight, r - SHORT, i, -1.0, 0.0)
            if r > LONG:
                _add(sums, sight, r - LONG, i, 0.0, -1.0)
            t = r - warm_up
            if t >= 0:
                row = wide[t, first + i]
                _pairs(row, block, slots, sums, sight, norms, r, t, i, first + i)
                _triangle(row, block, slots, sums, sight, norms, r, t, i, first + i)


@njit(forceinline=True)
def _change(sight: Sight, r: int, s: int, i: int) -> tuple[float, float, float]:
    # of the three pairs' log mids from row s to row r
    one, two = sight.base[r, i] - sight.base[s, i], sight.terms[s, i] - sight.terms[r, i]
    return one, two, one + two + sight.deviation[r, i] - sight.deviation[s, i]


@njit(forceinline=True)
def _add(sums: Floats, sight: Sight, r: int, i: int, short: float, long: float) -> None:
    one, two, three = _change(sight, r, r - 1, i)
    if short != 0.0:
        sums[SUM.base_home_20, i] += short * one * one
        sums[SUM.home_terms_20, i] += short * two * two
        sums[SUM.cross_20, i] += short * three * three
    if long != 0.0:
        sums[SUM.base_home_60, i] += long * one * one
        sums[SUM.home_terms_60, i] += long * two * two
        sums[SUM.cross_60, i] += long * three * three
        sums[SUM.base_home_home_terms, i] += long * one * two
        sums[SUM.base_home_cross, i] += long * one * three
        sums[SUM.home_terms_cross, i] += long * two * three


@njit(forceinline=True)
def _pairs(
    row: NDArray[np.float32], block: Floats, slots: Slots, sums: Floats, sight: Sight, norms: Norms, r: int, t: int,
    i: int, k: int,
) -> None:  # fmt: skip
    day, week, month = _change(sight, r, r - 1, i), _change(sight, r, r - 5, i), _change(sight, r, r - 20, i)
    base, terms = block[t, slots.base_roll, k], block[t, slots.terms_roll, k]
    carry = (base, -terms, base - terms)
    for pair in range(3):
        unit, place = 1.0 / norms.moves[pair], pair * slots.pair
        row[place + IN_PAIR.return_1] = day[pair] * unit
        row[place + IN_PAIR.return_5] = week[pair] * unit * 0.4472135954999579  # of five steps
        row[place + IN_PAIR.return_20] = month[pair] * unit * 0.22360679774997896  # of twenty
        row[place + IN_PAIR.volatility] = math.sqrt(max(sums[pair, i], 0.0)) * unit * 0.22360679774997896
        row[place + IN_PAIR.carry] = carry[pair] * norms.carry
        row[place + IN_PAIR.spread] = block[t, slots.spread + pair, k] * norms.spreads[pair]


@njit(forceinline=True)
def _triangle(
    row: NDArray[np.float32], block: Floats, slots: Slots, sums: Floats, sight: Sight, norms: Norms, r: int, t: int,
    i: int, k: int,
) -> None:  # fmt: skip
    three = slots.spread
    whole = block[t, three, k] + block[t, three + 1, k] + block[t, three + 2, k]
    row[slots.deviation] = sight.deviation[r, i] / whole if whole > 0.0 else 0.0
    row[slots.deviation + 1] = block[t, slots.sizes, k] * norms.size
    row[slots.deviation + 2] = block[t, slots.sizes + 1, k] * norms.size
    base, terms, cross = sums[SUM.base_home_60, i], sums[SUM.home_terms_60, i], sums[SUM.cross_60, i]
    row[slots.correlation] = _correlation(sums[SUM.base_home_home_terms, i], base, terms)
    row[slots.correlation + 1] = _correlation(sums[SUM.base_home_cross, i], base, cross)
    row[slots.correlation + 2] = _correlation(sums[SUM.home_terms_cross, i], terms, cross)
    row[slots.age] = min(0.5 * sight.age[t, i], OLDEST)


@njit(forceinline=True)
def _correlation(product: float, one: float, two: float) -> float:
    area = one * two
    return product / math.sqrt(area) if area > _NOTHING * _NOTHING else 0.0
