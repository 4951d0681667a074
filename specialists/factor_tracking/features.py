"""Returns and valuation spreads as a tape: columns, and the market's share of the observation.

The same code serves drawn and recorded markets. Of each factor k, with r its daily return and s its usual
daily volatility, at row t:

    return_1, return_20     r over the last day and the sum over 20, in units of s and s sqrt(20)
    valuation_z             standardised valuation spread; above zero the factor is cheap
    momentum_60             sum of r over 60 days, in units of s sqrt(60)
    volatility_20           root of the mean of r^2 over 20 days, over s
    correlation_*           of two factors over 60 days, means taken as zero
    market_return_20        sum over 20 days in units of the market's usual volatility times sqrt(20)
    market_volatility       root of the mean square over 20 days, over the usual one

All sums run: a row costs the same whatever the window. The first decision is made after `WARM_UP` rows.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fund.compiled import compiled
from fund.errors import DataError
from fund.market.tape import Tape, empty_block
from fund.strategy import names
from specialists.factor_tracking.step import Columns

Floats = NDArray[np.float64]

FACTORS = ("value", "momentum", "quality")
SHORT, LONG = 20, 60  # rows of the windows
WARM_UP = LONG
MARKET_VOLATILITY = 0.16  # a year, of the common factor in normal weather
LEAST_VOLATILITY = 0.2  # of the usual one: a factor that stands still is not bought without limit
FEATURES = (
    *(
        f"{factor}_{feature}"
        for factor in FACTORS
        for feature in ("return_1", "return_20", "valuation_z", "momentum_60", "volatility_20", "weight")
    ),
    "correlation_value_momentum",
    "correlation_value_quality",
    "correlation_momentum_quality",
    "portfolio_volatility",
    "turnover",
    "days_to_rebalance",
    "market_return_20",
    "market_volatility",
    "drawdown",
    "pnl",
)
VALUATION_Z = tuple(FEATURES.index(f"{factor}_valuation_z") for factor in FACTORS)
MOMENTUM_60 = tuple(FEATURES.index(f"{factor}_momentum_60") for factor in FACTORS)
VOLATILITY_20 = tuple(FEATURES.index(f"{factor}_volatility_20") for factor in FACTORS)
CORRELATIONS = FEATURES.index("correlation_value_momentum")
SURPRISES = names(Columns).index("value_surprise")
MARKET_RETURN, MARKET_ACTIVITY = FEATURES.index("market_return_20"), FEATURES.index("market_volatility")


class Past(NamedTuple):
    """What a market did: returns from row 0 on, one row more of valuations; oldest first."""

    returns: Floats  # (WARM_UP + T, 3, n) daily, of the factors
    market: Floats  # (WARM_UP + T, n)
    valuation: Floats  # (WARM_UP + T + 1, 3, n)
    surprise: Floats | None = None  # (WARM_UP + T, 3, n) what of the returns nobody could foresee


def empty(steps: int, n: int) -> Tape:
    """A tape of zeros to be filled part by part."""
    block = empty_block(steps + 1, len(names(Columns)), n)
    return Tape(names(Columns), block, np.zeros((steps + 1, n, len(FEATURES)), dtype=np.float32))


def fill(tape: Tape, cut: slice, past: Past, usual: Floats) -> None:
    """Write some paths of a tape; `usual` (3,) are the factors' usual daily volatilities."""
    block, wide = tape.block[:, :, cut], tape.features[:, cut]
    _levels(past.returns, past.market, block)
    if past.surprise is not None:
        block[1:, SURPRISES : SURPRISES + 3] = past.surprise[WARM_UP:]
    _windows(past.returns, past.market, past.valuation, usual, block, wide)


def checked(tape: Tape) -> Tape:
    """The tape, if all its numbers are finite; raises DataError."""
    if not (np.isfinite(tape.block.sum()) and np.isfinite(tape.features.sum(dtype=np.float64))):
        raise DataError("factor_tracking: a column or a feature is not finite")
    return tape


@compiled(nogil=True)
def _levels(returns: Floats, market: Floats, block: Floats) -> None:
    start = returns.shape[0] - block.shape[0] + 1
    block[0, :4] = 100.0
    for t in range(1, block.shape[0]):
        for i in range(block.shape[2]):
            for k in range(3):
                block[t, k, i] = block[t - 1, k, i] * (1.0 + returns[start + t - 1, k, i])
            block[t, 3, i] = block[t - 1, 3, i] * (1.0 + market[start + t - 1, i])


@compiled(nogil=True)
def _windows(
    returns: Floats,
    market: Floats,
    valuation: Floats,
    usual: Floats,
    block: Floats,
    wide: NDArray[np.float32],
) -> None:
    # sums of a path: r over 20 and 60, r^2 over 20 and 60 (three each), products over 60, market r and r^2 over 20
    rows, paths = market.shape
    sums = np.zeros((17, paths))
    for t in range(rows):
        for i in range(paths):
            _add(sums, returns, market, t, i, 1.0, 1.0)
            if t >= SHORT:
                _add(sums, returns, market, t - SHORT, i, -1.0, 0.0)
            if t >= LONG:
                _add(sums, returns, market, t - LONG, i, 0.0, -1.0)
        if t >= WARM_UP - 1:
            row = t + 1 - WARM_UP
            for i in range(paths):
                _write(
                    sums[:, i],
                    returns[t, :, i],
                    valuation[t + 1, :, i],
                    usual,
                    block[row, :, i],
                    wide[row, i],
                )


@njit(inline="always")
def _add(sums: Floats, returns: Floats, market: Floats, t: int, i: int, short: float, long: float) -> None:
    a, b, c, m = returns[t, 0, i], returns[t, 1, i], returns[t, 2, i], market[t, i]
    if short != 0.0:
        sums[0, i] += short * a
        sums[1, i] += short * b
        sums[2, i] += short * c
        sums[6, i] += short * a * a
        sums[7, i] += short * b * b
        sums[8, i] += short * c * c
        sums[15, i] += short * m
        sums[16, i] += short * m * m
    if long != 0.0:
        sums[3, i] += long * a
        sums[4, i] += long * b
        sums[5, i] += long * c
        sums[9, i] += long * a * a
        sums[10, i] += long * b * b
        sums[11, i] += long * c * c
        sums[12, i] += long * a * b
        sums[13, i] += long * a * c
        sums[14, i] += long * b * c


@njit(inline="always")
def _write(
    sums: Floats, today: Floats, z: Floats, usual: Floats, columns: Floats, out: NDArray[np.float32]
) -> None:
    per_short, per_long = 1.0 / math.sqrt(SHORT), 1.0 / math.sqrt(LONG)
    for k in range(3):
        unit = 1.0 / usual[k]
        activity = math.sqrt(max(sums[6 + k], 0.0)) * per_short * unit
        out[6 * k] = today[k] * unit
        out[6 * k + 1] = sums[k] * unit * per_short
        out[6 * k + 2] = z[k]
        out[6 * k + 3] = sums[3 + k] * unit * per_long
        out[6 * k + 4] = activity
        columns[4 + k] = z[k]
        columns[7 + k] = max(activity, LEAST_VOLATILITY) * usual[k] * math.sqrt(252.0)
    root_1, root_2 = math.sqrt(max(sums[9], 1e-18)), math.sqrt(max(sums[10], 1e-18))
    root_3 = math.sqrt(max(sums[11], 1e-18))
    columns[10] = sums[12] / (root_1 * root_2)
    columns[11] = sums[13] / (root_1 * root_3)
    columns[12] = sums[14] / (root_2 * root_3)
    out[18], out[19], out[20] = columns[10], columns[11], columns[12]
    unit = math.sqrt(252.0) / MARKET_VOLATILITY * per_short
    out[24] = sums[15] * unit
    out[25] = math.sqrt(max(sums[16], 0.0)) * unit
