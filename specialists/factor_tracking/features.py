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
from fund.market.tape import Tape, empty_block, places
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
AT, COLUMN = places(FEATURES), places(names(Columns))
PER_FACTOR = AT.momentum_return_1 - AT.value_return_1  # slots
# of returns over 20 and 60 rows, of their squares, of products over 60, of the market's over 20
SUM = places((
    "value_20", "momentum_20", "quality_20", "value_60", "momentum_60", "quality_60",
    "value_square_20", "momentum_square_20", "quality_square_20",
    "value_square_60", "momentum_square_60", "quality_square_60",
    "value_momentum", "value_quality", "momentum_quality", "market_20", "market_square_20",
))  # fmt: skip
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
        block[1:, COLUMN.value_surprise : COLUMN.value_surprise + 3] = past.surprise[WARM_UP:]
    _windows(past.returns, past.market, past.valuation, usual, block, wide)


def checked(tape: Tape) -> Tape:
    """The tape, if all its numbers are finite; raises DataError."""
    if not (np.isfinite(tape.block.sum()) and np.isfinite(tape.features.sum(dtype=np.float64))):
        raise DataError("factor_tracking: a column or a feature is not finite")
    return tape


@compiled(nogil=True)
def _levels(returns: Floats, market: Floats, block: Floats) -> None:
    start = returns.shape[0] - block.shape[0] + 1
    block[0, : COLUMN.market + 1] = 100.0
    for t in range(1, block.shape[0]):
        for i in range(block.shape[2]):
            for k in range(3):
                block[t, k, i] = block[t - 1, k, i] * (1.0 + returns[start + t - 1, k, i])
            block[t, COLUMN.market, i] = block[t - 1, COLUMN.market, i] * (1.0 + market[start + t - 1, i])


@compiled(nogil=True)
def _windows(
    returns: Floats,
    market: Floats,
    valuation: Floats,
    usual: Floats,
    block: Floats,
    wide: NDArray[np.float32],
) -> None:
    rows, paths = market.shape
    sums = np.zeros((len(SUM), paths))
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
        sums[SUM.value_20, i] += short * a
        sums[SUM.momentum_20, i] += short * b
        sums[SUM.quality_20, i] += short * c
        sums[SUM.value_square_20, i] += short * a * a
        sums[SUM.momentum_square_20, i] += short * b * b
        sums[SUM.quality_square_20, i] += short * c * c
        sums[SUM.market_20, i] += short * m
        sums[SUM.market_square_20, i] += short * m * m
    if long != 0.0:
        sums[SUM.value_60, i] += long * a
        sums[SUM.momentum_60, i] += long * b
        sums[SUM.quality_60, i] += long * c
        sums[SUM.value_square_60, i] += long * a * a
        sums[SUM.momentum_square_60, i] += long * b * b
        sums[SUM.quality_square_60, i] += long * c * c
        sums[SUM.value_momentum, i] += long * a * b
        sums[SUM.value_quality, i] += long * a * c
        sums[SUM.momentum_quality, i] += long * b * c


@njit(inline="always")
def _write(
    sums: Floats, today: Floats, z: Floats, usual: Floats, columns: Floats, out: NDArray[np.float32]
) -> None:
    per_short, per_long = 1.0 / math.sqrt(SHORT), 1.0 / math.sqrt(LONG)
    for k in range(3):
        unit = 1.0 / usual[k]
        activity = math.sqrt(max(sums[SUM.value_square_20 + k], 0.0)) * per_short * unit
        at = k * PER_FACTOR
        out[at + AT.value_return_1] = today[k] * unit
        out[at + AT.value_return_20] = sums[SUM.value_20 + k] * unit * per_short
        out[at + AT.value_valuation_z] = z[k]
        out[at + AT.value_momentum_60] = sums[SUM.value_60 + k] * unit * per_long
        out[at + AT.value_volatility_20] = activity
        columns[COLUMN.value_z + k] = z[k]
        columns[COLUMN.value_volatility + k] = max(activity, LEAST_VOLATILITY) * usual[k] * math.sqrt(252.0)
    root_1 = math.sqrt(max(sums[SUM.value_square_60], 1e-18))
    root_2 = math.sqrt(max(sums[SUM.momentum_square_60], 1e-18))
    root_3 = math.sqrt(max(sums[SUM.quality_square_60], 1e-18))
    columns[COLUMN.correlation_value_momentum] = sums[SUM.value_momentum] / (root_1 * root_2)
    columns[COLUMN.correlation_value_quality] = sums[SUM.value_quality] / (root_1 * root_3)
    columns[COLUMN.correlation_momentum_quality] = sums[SUM.momentum_quality] / (root_2 * root_3)
    out[AT.correlation_value_momentum] = columns[COLUMN.correlation_value_momentum]
    out[AT.correlation_value_quality] = columns[COLUMN.correlation_value_quality]
    out[AT.correlation_momentum_quality] = columns[COLUMN.correlation_momentum_quality]
    unit = math.sqrt(252.0) / MARKET_VOLATILITY * per_short
    out[AT.market_return_20] = sums[SUM.market_20] * unit
    out[AT.market_volatility] = math.sqrt(max(sums[SUM.market_square_20], 0.0)) * unit
