"""Recorded markets: factor returns from files, and windows of them as tapes.

A history of this desk has the columns `value`, `momentum`, `quality` (indices of zero-cost portfolios) and
`market` (an index). Returns are in excess of the riskless rate by construction; the cash behind them earns
nothing here.

Valuation spreads are taken where the columns `value_z`, `momentum_z`, `quality_z` are given. Elsewhere a
factor's own long reversal stands in: what has earned little for years is taken for cheap (De Bondt &
Thaler, 1985; Asness, Moskowitz & Pedersen, 2013, use it as value where there is no book). With L the lesser
of five years and what is there,

    x_t = -(sum of the last L log returns) / sqrt(L),    z_t = (x_t - mean of x up to t) / deviation of x up to t,

cut at three: nothing later than row t enters. It is standardised from the second quarter of the first year
on, and first used after a year.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fund.errors import DataError, InvalidParameter, UnknownName
from fund.market.history import History
from fund.market.price_checks import price_column
from fund.market.records import each_record, window_starts
from fund.market.streams import Paths
from fund.market.tape import Tape
from specialists.factor_tracking import market
from specialists.factor_tracking.features import FACTORS, WARM_UP, Past, checked, empty, fill

if TYPE_CHECKING:
    from specialists.factor_tracking.strategy import FactorTracking

Floats = NDArray[np.float64]

NEEDS = (*FACTORS, "market")
REVERSAL = 1260  # rows, five years
LEAST, FIRST = 63, 252  # rows before the proxy is standardised, before it is used
CUT = 3.0
CHUNK = 256  # paths written together
FRENCH = {"HML": "value", "Mom": "momentum", "RMW": "quality", "Mkt-RF": "market", "RF": "riskless"}
VALUATIONS = {factor: f"{factor}_z" for factor in FACTORS}
FUNDS = {"value": "VLUE", "momentum": "MTUM", "quality": "QUAL"}


def french(five: History, momentum: History) -> History:
    """Kenneth French's daily five factors and momentum factor, joined by date, as indices.

    HML is value, Mom momentum, RMW quality, Mkt-RF the market; `riskless` is the index of RF, which the desk does
    not use. Raises UnknownName for a missing column.
    """
    both = five.select(["HML", "RMW", "Mkt-RF", "RF"]).join(momentum.select(["Mom"]))
    return indices(both.select(list(FRENCH)).rename(FRENCH))


def exchange_traded(
    prices: History, market_column: str | None = None, funds: Mapping[str, str] | None = None
) -> History:
    """Factor funds' prices less the market's: long the fund, short `market_column`, or the mean of all columns.

    `funds` says which column is which factor. Raises UnknownName for a missing column.
    """
    chosen = FUNDS if funds is None else dict(funds)
    for factor in FACTORS:
        if factor not in chosen:
            raise UnknownName("factor", factor, chosen)
    earned = replace(
        prices, values=_returns(prices.values), times=prices.times[1:], first_row=prices.first_row + 1
    )
    against = earned.values.mean(axis=1) if market_column is None else earned.column(market_column)
    columns = [earned.column(chosen[factor]) - against for factor in FACTORS]
    note = f"less {market_column or 'the mean of all columns'}, rebalanced daily"
    values = np.column_stack([*columns, against])
    return indices(replace(earned, names=NEEDS, values=values, policies=(*prices.policies, note)))


def factor_portfolios(
    returns: History, characteristics: Mapping[str, History], quantile: float = 0.3
) -> History:
    """Long-short portfolios of a stock panel, equal-weighted, as indices.

    On row t the stocks in the top `quantile` of a characteristic *on row t - 1* are held against those in the bottom
    one; `returns` and every characteristic (`value`, `momentum`, `quality`) have a column a stock, on the same rows.
    The market is the mean of all stocks. Raises UnknownName, DataError where rows or stocks differ, InvalidParameter.
    """
    if not 0.0 < quantile <= 0.5:
        raise InvalidParameter(f"quantile is {quantile}, wanted above 0 and at most 0.5")
    count = max(int(quantile * len(returns.names)), 1)
    if len(returns.names) < 2:
        raise DataError(f"{returns.source}: {len(returns.names)} stocks, wanted two or more")
    columns = []
    for factor in FACTORS:
        if factor not in characteristics:
            raise UnknownName("characteristic", factor, characteristics)
        panel = characteristics[factor].select(returns.names)
        if not np.array_equal(panel.times, returns.times):
            raise DataError(f"{panel.source}: the rows of {factor} are not those of {returns.source}")
        columns.append(_long_short(returns.values[1:], panel.values[:-1], count))
    note = f"top and bottom {count} of {len(returns.names)} stocks, sorted on the row before"
    values = np.column_stack([*columns, returns.values[1:].mean(axis=1)])
    policies = (*returns.policies, note)
    return indices(
        History(
            NEEDS, values, returns.times[1:], returns.zone, returns.source, policies, returns.first_row + 1
        )
    )


def _long_short(returns: Floats, characteristic: Floats, count: int) -> Floats:
    order = np.argsort(characteristic, axis=1, kind="stable")
    top = np.take_along_axis(returns, order[:, -count:], axis=1).mean(axis=1)
    return np.asarray(top - np.take_along_axis(returns, order[:, :count], axis=1).mean(axis=1))


def indices(returns: History) -> History:
    """Returns in decimals cumulated to indices that start at 100 before the first row.

    Raises DataError where a portfolio loses all it has.
    """
    levels = np.asarray(100.0 * np.cumprod(1.0 + returns.values, axis=0))
    if levels.min() <= 0.0:
        row, column = (int(k) for k in np.argwhere(levels <= 0.0)[0])
        raise DataError(f"{returns.source}:row {row}: {returns.names[column]} loses all it has")
    return replace(returns, values=levels)


def _returns(levels: Floats) -> Floats:
    return np.asarray(levels[1:] / levels[:-1] - 1.0)


def reversal(levels: Floats) -> Floats:
    """The stand-in for valuation spreads, (rows, 3) from indices (rows, 3); zero where it is not yet known."""
    grown = np.log(levels)
    rows = np.arange(len(levels))
    length = np.minimum(rows, REVERSAL)
    x = -(grown - grown[rows - length]) / np.sqrt(np.maximum(length, 1))[:, None]
    used = x[LEAST:]
    z = np.zeros_like(x)
    if len(used) == 0:
        return z
    count = np.arange(1, len(used) + 1)[:, None]
    mean = np.cumsum(used, axis=0) / count
    variance = np.maximum(np.cumsum(used**2, axis=0) / count - mean**2, 1e-18)
    z[LEAST:] = np.clip((used - mean) / np.sqrt(variance), -CUT, CUT)
    return z


def with_valuations(history: History) -> History:
    """The history with the columns `value_z` and the like: `reversal` over all its rows, each from rows before it.

    A record that is cut in parts afterwards keeps what its factors earned before the cut.
    """
    z = reversal(history.select(FACTORS).values)
    names = tuple(VALUATIONS[factor] for factor in FACTORS)
    return replace(history, names=(*history.names, *names), values=np.column_stack([history.values, z]))


def first_row(history: History | None) -> int:
    """The first row that an episode may open at."""
    known = history is not None and set(VALUATIONS.values()) <= set(history.names)
    return WARM_UP if known else max(WARM_UP, FIRST)


@lru_cache(maxsize=8)
def _prepared(history: History) -> tuple[Floats, Floats, int]:
    # daily returns (rows - 1, 4), valuations (rows, 3), the first row that may open an episode
    levels = np.column_stack([price_column(history, name) for name in NEEDS])
    first, valuations = first_row(history), tuple(VALUATIONS.values())
    known = set(valuations) <= set(history.names)
    z = history.select(valuations).values if known else reversal(levels[:, :3])
    return _returns(levels), z, first


@each_record
def windows(desk: FactorTracking, history: History, paths: Paths) -> Tape:
    """A window of the history for each path, from a row drawn by the path's own stream.

    Raises DataError where the history is too short, UnknownName for a missing column.
    """
    returns, valuation, first = _prepared(history)
    starts = first + window_starts(desk, history, paths, first)
    return at(desk, returns, valuation, starts, history.first_row)


def at(
    desk: FactorTracking, returns: Floats, valuation: Floats, starts: NDArray[np.int64], first_row: int
) -> Tape:
    """The tape whose path i begins at row `starts[i]`."""
    tape, usual = empty(desk.n_steps, len(starts)), market.premia(desk).usual
    before = np.arange(-WARM_UP, desk.n_steps)[:, None]
    for start in range(0, len(starts), CHUNK):
        cut = slice(start, start + CHUNK)
        rows = starts[cut] + before  # returns[r] leads from row r to row r + 1
        seen = returns[rows].transpose(0, 2, 1)
        spreads = valuation[np.vstack([rows, rows[-1:] + 1])].transpose(0, 2, 1)
        fill(tape, cut, Past(seen[:, :3].copy(), seen[:, 3].copy(), spreads.copy()), usual)
    return checked(replace(tape, rows=starts + first_row))
