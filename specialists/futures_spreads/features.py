"""From contract prices to a tape: the traded direction, columns, and the market's share of the observation.

The same code serves drawn and recorded markets, and takes no logarithm: prices may be negative. A leg's price level is
its absolute price, but at least half of its mean over 60 rows, so that a price that passes through zero is not divided
by. With levels f_1 and f_2, one money unit of the direction holds

    units      1 / (f_1 + ratio f_2) of leg 1 against `ratio` times as many of leg 2
    dollars    1 / (2 f_1) of leg 1 against 1 / (2 f_2) of leg 2
    tangency   the shares of the log-optimal portfolio, over f_1 and f_2

All windows are of the direction's index x, the sum of what one money unit earned, each contract against its own price
a row before: rolls do not move it. At row t, with d the changes of x:

    zscore_60, zscore_20     (x - mean) / standard deviation of the window
    roll_yield               annualised basis: near less next contract of leg 1, over next and their distance; times 4
    curve_slope              the third contract less near, over near and their distance; times 4
    curvature                roll yield less the same between the next and the third contract; times 8
    carry                    what the direction earns a year if the curve stays as it is; times 4
    season_sin, season_cos   of the day of the year
    days_to_roll             share of the time between two rolls
    near_return_1, _5, _20   change of leg 1 over its level, in units of a day's usual one times sqrt(rows)
    spread_volatility        deviation of d over 60 rows, in units of the usual one
    half_life                ln 2 / -ln(1 + slope) of the Dickey-Fuller regression over 120 rows, in units of 20 rows
    adf_statistic            t-statistic of that slope
    leg_correlation          of the legs' changes over 60 rows
    inventory_change         as reported, or change of open interest, in standard deviations
    contango                 1 where the next contract costs more than the near one, else 0

The basis has no slot of its own: annualised it is the roll yield.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fund.compiled import compiled
from fund.errors import DataError
from fund.market.dickey_fuller import NOTHING, dickey_fuller, half_life
from fund.market.tape import Tape, empty_block, places
from fund.strategy import names
from specialists.futures_spreads.step import Columns, Own

if TYPE_CHECKING:
    from specialists.futures_spreads.strategy import FuturesSpreads

Floats = NDArray[np.float64]

LONG, MIDDLE, SHORT = 120, 60, 20  # rows of the windows
WARM_UP = LONG + 1  # rows before the first decision
YEAR = 252  # days
HALF_LIFE_UNIT = 20.0  # rows
LEGS = ("units", "dollars", "tangency")
_LEAST_LEVEL = 0.5  # of the mean level, below which a price is not divided by
MARKET_FEATURES = (
    "zscore_60", "zscore_20", "roll_yield", "curve_slope", "curvature", "carry", "season_sin", "season_cos",
    "days_to_roll", "near_return_1", "near_return_5", "near_return_20", "spread_volatility", "half_life",
    "adf_statistic", "leg_correlation", "inventory_change", "contango",
)  # fmt: skip
FEATURES = (*MARKET_FEATURES, *Own._fields)
AT, COLUMN = places(MARKET_FEATURES), places(names(Columns))
_SEASON_SIN = np.sin(2.0 * np.pi * np.arange(YEAR) / YEAR)
_SEASON_COS = np.cos(2.0 * np.pi * np.arange(YEAR) / YEAR)


class Chain(NamedTuple):
    """What the contracts of both legs cost, path by path, each (n, rows), warm-up first."""

    near_old: Floats  # price of the contract held into the row
    near_new: Floats  # and of that held from it on: another one where the leg rolls
    far_old: Floats
    far_new: Floats
    next: Floats  # the contract of leg 1 after the near one
    long: Floats  # a third one
    next_gap: Floats  # years from the expiry of the near contract to that of the next
    long_gap: Floats  # and of the third
    roll_1: Floats  # what the contract held from the row on gains in a step if the curve stays as it is
    roll_2: Floats
    mean_1: Floats  # expected price of that contract at the next row; of use where a market is drawn
    mean_2: Floats
    share_1: Floats  # shares of wealth, for `tangency`
    share_2: Floats
    rolls_1: NDArray[np.bool_]  # whether the leg changes its contract at this row
    rolls_2: NDArray[np.bool_]
    open: NDArray[np.bool_]  # whether a position may be held from this row on
    to_roll: Floats  # share of the time between rolls that is left
    day: NDArray[np.int64]  # of the year, 0 to 251
    inventory: Floats
    margin: Floats  # initial margin, share of gross value
    cost: Floats  # fee, share of traded value

    @classmethod
    def empty(cls, n: int, rows: int) -> Chain:
        """A chain to be filled; open everywhere."""
        kinds = {"rolls_1": bool, "rolls_2": bool, "open": bool, "day": np.int64}
        arrays = {name: np.zeros((n, rows), dtype=kinds.get(name, np.float64)) for name in cls._fields}
        arrays["open"][:] = True
        return cls(**arrays)


class Units(NamedTuple):
    """What the direction is made of, and in what its features are measured."""

    legs: int  # place in LEGS
    ratio: float  # units of leg 2 for one of leg 1
    daily_return: float  # usual one of leg 1
    daily_spread: float  # usual change of the index


def empty(steps: int, n: int) -> Tape:
    """A tape of zeros to be filled part by part."""
    block = empty_block(steps + 1, len(names(Columns)), n)
    return Tape(names(Columns), block, np.zeros((steps + 1, n, len(FEATURES)), dtype=np.float32))


def fill(desk: FuturesSpreads, chain: Chain, tape: Tape, first: int) -> None:
    """Write a chain's paths into a tape, from its path `first` on; raises DataError where a number is not finite."""
    units = Units(
        LEGS.index(desk.legs), desk.ratio, desk.near_volatility / math.sqrt(YEAR), desk.usual_spread_move
    )
    if _fill(chain, units, first, tape.by_path, tape.features):
        raise DataError(f"{desk.name}: a price, column or feature is not finite")


@compiled(nogil=True)
def _fill(c: Chain, units: Units, first: int, block: Floats, wide: NDArray[np.float32]) -> bool:
    # path by path into memory that stays in the cache, then row by row to the tape, as it lies
    paths, rows = c.near_new.shape
    x, h_1, h_2, surprise, level, r_1, r_2 = np.zeros((7, rows))
    columns = np.empty((paths, block.shape[0], block.shape[2]))
    shown = np.zeros((paths, wide.shape[0], wide.shape[2]), dtype=np.float32)
    for i in range(paths):
        _index(c, units, i, x, h_1, h_2, surprise, level, r_1, r_2)
        _columns(c, i, h_1, h_2, surprise, columns[i])
        _index_windows(units, x, shown[i])
        _leg_windows(units, r_1, r_2, shown[i])
        for t in range(WARM_UP, rows):
            _shape(c, i, t, level[t], h_1[t], h_2[t], shown[i, t - WARM_UP])
    broken = False
    for t in range(block.shape[0]):
        for i in range(paths):
            for k in range(block.shape[2]):
                block[t, first + i, k] = columns[i, t, k]
                broken |= columns[i, t, k] - columns[i, t, k] != 0.0  # so it is where a number is not finite
            for k in range(wide.shape[2]):
                wide[t, first + i, k] = shown[i, t, k]
                broken |= shown[i, t, k] - shown[i, t, k] != 0.0
    return broken


@njit
def _index(
    c: Chain, units: Units, i: int, x: Floats, h_1: Floats, h_2: Floats, surprise: Floats, level: Floats,
    r_1: Floats, r_2: Floats,
) -> None:  # fmt: skip
    # contracts of each leg per money unit, the index they earn, and what of that no one could expect
    total_1, total_2 = 0.0, 0.0
    for t in range(len(x)):
        size_1, size_2 = abs(c.near_new[i, t]), abs(c.far_new[i, t])
        total_1 += size_1
        total_2 += size_2
        if t >= MIDDLE:
            total_1 -= abs(c.near_new[i, t - MIDDLE])
            total_2 -= abs(c.far_new[i, t - MIDDLE])
        least = _LEAST_LEVEL / min(t + 1, MIDDLE)
        f_1, f_2 = max(size_1, least * total_1), max(size_2, least * total_2)
        level[t] = f_1
        if t > 0:
            gain_1, gain_2 = c.near_old[i, t] - c.near_new[i, t - 1], c.far_old[i, t] - c.far_new[i, t - 1]
            r_1[t], r_2[t] = gain_1 / level[t - 1], gain_2 / f_2
            x[t] = x[t - 1] + h_1[t - 1] * gain_1 + h_2[t - 1] * gain_2
            surprise[t] = h_1[t - 1] * (c.near_old[i, t] - c.mean_1[i, t - 1])
            surprise[t] += h_2[t - 1] * (c.far_old[i, t] - c.mean_2[i, t - 1])
        h_1[t], h_2[t] = 0.0, 0.0
        if not c.open[i, t]:
            continue
        if units.legs == 0:
            h_1[t] = 1.0 / (f_1 + units.ratio * f_2)
            h_2[t] = -units.ratio * h_1[t]
        elif units.legs == 1:
            h_1[t], h_2[t] = 0.5 / f_1, -0.5 / f_2
        else:
            h_1[t], h_2[t] = c.share_1[i, t] / f_1, c.share_2[i, t] / f_2


@njit
def _columns(c: Chain, i: int, h_1: Floats, h_2: Floats, surprise: Floats, block: Floats) -> None:
    # the contract held from a row on is in instrument a or b; the other shows what is left, else the same
    b_1 = b_2 = False
    for t in range(len(h_1)):
        b_1, b_2 = b_1 != c.rolls_1[i, t], b_2 != c.rolls_2[i, t]
        if t < WARM_UP:
            continue
        row = block[t - WARM_UP]
        row[COLUMN.near_a], row[COLUMN.near_b] = c.near_new[i, t], c.near_new[i, t]
        row[COLUMN.far_a], row[COLUMN.far_b] = c.far_new[i, t], c.far_new[i, t]
        row[COLUMN.near_a if b_1 else COLUMN.near_b] = c.near_old[i, t]
        row[COLUMN.far_a if b_2 else COLUMN.far_b] = c.far_old[i, t]
        row[COLUMN.slot] = (1.0 if b_1 else 0.0) + (2.0 if b_2 else 0.0)
        row[COLUMN.units_1], row[COLUMN.units_2] = h_1[t], h_2[t]
        row[COLUMN.roll_1], row[COLUMN.roll_2] = c.roll_1[i, t], c.roll_2[i, t]
        row[COLUMN.margin], row[COLUMN.cost] = c.margin[i, t], c.cost[i, t]
        row[COLUMN.surprise] = surprise[t]


@njit
def _index_windows(units: Units, x: Floats, wide: NDArray[np.float32]) -> None:
    # running sums: levels over 20 and 60 rows, changes over 60, the Dickey-Fuller regression over 120
    a, aa, b, bb, dd = 0.0, 0.0, 0.0, 0.0, 0.0
    z, zz, y, yy, zy = 0.0, 0.0, 0.0, 0.0, 0.0
    for t in range(1, len(x)):
        d = x[t] - x[t - 1]
        a, aa, b, bb, dd = a + x[t], aa + x[t] * x[t], b + x[t], bb + x[t] * x[t], dd + d * d
        z, zz, y, yy, zy = z + x[t - 1], zz + x[t - 1] * x[t - 1], y + d, yy + d * d, zy + x[t - 1] * d
        if t > SHORT:
            k = t - SHORT
            a, aa = a - x[k], aa - x[k] * x[k]
        if t > MIDDLE:
            k = t - MIDDLE
            d = x[k] - x[k - 1]
            b, bb, dd = b - x[k], bb - x[k] * x[k], dd - d * d
        if t > LONG:
            k = t - LONG
            d = x[k] - x[k - 1]
            z, zz, zy = z - x[k - 1], zz - x[k - 1] * x[k - 1], zy - x[k - 1] * d
            y, yy = y - d, yy - d * d
        if t >= WARM_UP:
            out = wide[t - WARM_UP]
            out[AT.zscore_60], out[AT.zscore_20] = _zscore(x[t], b, bb, MIDDLE), _zscore(x[t], a, aa, SHORT)
            out[AT.spread_volatility] = math.sqrt(max(dd, 0.0) / MIDDLE) / units.daily_spread
            slope, statistic = dickey_fuller(zz - z * z / LONG, zy - z * y / LONG, yy - y * y / LONG, LONG)
            out[AT.half_life], out[AT.adf_statistic] = half_life(slope) / HALF_LIFE_UNIT, statistic


@njit
def _leg_windows(units: Units, r_1: Floats, r_2: Floats, wide: NDArray[np.float32]) -> None:
    # running sums of the legs' returns: over 5 and 20 rows, squares and products over 60
    uu, vv, uv, fast, slow, usual = 0.0, 0.0, 0.0, 0.0, 0.0, units.daily_return
    for t in range(1, len(r_1)):
        uu, vv, uv = uu + r_1[t] * r_1[t], vv + r_2[t] * r_2[t], uv + r_1[t] * r_2[t]
        fast, slow = fast + r_1[t], slow + r_1[t]
        if t > 5:
            fast -= r_1[t - 5]
        if t > SHORT:
            slow -= r_1[t - SHORT]
        if t > MIDDLE:
            k = t - MIDDLE
            uu, vv, uv = uu - r_1[k] * r_1[k], vv - r_2[k] * r_2[k], uv - r_1[k] * r_2[k]
        if t >= WARM_UP:
            out = wide[t - WARM_UP]
            out[AT.near_return_1], out[AT.near_return_5] = r_1[t] / usual, fast / (usual * math.sqrt(5.0))
            out[AT.near_return_20] = slow / (usual * math.sqrt(SHORT))
            area = uu * vv
            known = area > NOTHING * NOTHING
            out[AT.leg_correlation] = min(max(uv / math.sqrt(area), -1.0), 1.0) if known else 0.0


@njit
def _shape(c: Chain, i: int, t: int, level: float, h_1: float, h_2: float, out: NDArray[np.float32]) -> None:
    # of the curve, and where the calendar stands
    near, then, third = c.near_new[i, t], c.next[i, t], c.long[i, t]
    gap, far_gap = c.next_gap[i, t], c.long_gap[i, t]
    front = (near - then) / (level * gap)
    back = (then - third) / (level * (far_gap - gap))
    out[AT.roll_yield] = 4.0 * front
    out[AT.curve_slope] = 4.0 * (third - near) / (level * far_gap)
    out[AT.curvature] = 8.0 * (front - back)
    out[AT.carry] = 4.0 * YEAR * (h_1 * c.roll_1[i, t] + h_2 * c.roll_2[i, t])
    out[AT.season_sin], out[AT.season_cos] = _SEASON_SIN[c.day[i, t]], _SEASON_COS[c.day[i, t]]
    out[AT.days_to_roll], out[AT.inventory_change] = c.to_roll[i, t], c.inventory[i, t]
    out[AT.contango] = 1.0 if then > near else 0.0


@njit(inline="always")
def _zscore(x: float, s: float, ss: float, window: int) -> float:
    mean = s / window
    area = ss - window * mean * mean
    return (x - mean) / math.sqrt(area / (window - 1)) if area > NOTHING else 0.0
