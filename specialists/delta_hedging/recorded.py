"""Recorded markets: windows of an underlier at quoted volatilities, or of the quotes of one option.

    spot                 price of the underlier, above zero
    implied_volatility   quoted, a decimal a year, above zero
    skew, curvature      optional: of a smile  iv + skew x + curvature x^2,  x = ln(K/F) / (iv sqrt tau), |x| <= 3
    quote, strike, time_to_expiry, sign
                         optional, together: one option's price, its terms, years left, +1 for a call or -1 for a put

A window opens at a row of the path's own choice, after `WARM_UP` rows that feed the realised volatility. Options on an
underlier are sold at the money of its first row (or as `strike` to `spot`), one after the other, and marked at the
volatility quoted at each row. The quotes of one option are the marks themselves, until it expires.
`chains` makes such records of files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fund.errors import DataError
from fund.market.history import History
from fund.market.price_checks import price_column
from fund.market.records import each_record, window_starts
from fund.market.streams import Paths
from fund.market.tape import Tape
from specialists.delta_hedging.valuation import Quotes, lay_out, schedule, strikes

if TYPE_CHECKING:
    from specialists.delta_hedging.strategy import DeltaHedging

Floats = NDArray[np.float64]

WARM_UP = 20  # rows before a window
NEEDED = ("spot", "implied_volatility")
CONTRACT = ("quote", "strike", "time_to_expiry", "sign")
FARTHEST = 3.0  # standardised moneyness at which a smile goes on flat
LEAST_SMILE = 0.2  # of the volatility at the money, below which no smile goes


@each_record
def record(desk: DeltaHedging, history: History, paths: Paths) -> Tape:
    """Windows of a record; raises DataError where it is too short, or holds what no option can be priced at."""
    contract = "quote" in history.names
    last = _rows_alive(desk, history) if contract else len(history)
    for name in NEEDED:
        (price_column if name == "spot" else History.positive)(history, name)
    first = WARM_UP + window_starts(desk, history, paths, WARM_UP, last)
    rows = first[None, :] + np.arange(desk.n_steps + 1)[:, None]
    quotes = _contract(desk, history, rows) if contract else _underlier(desk, history, rows)
    return lay_out(desk, quotes, history.rows[first])


def _rows_alive(desk: DeltaHedging, history: History) -> int:
    # rows up to the expiry
    missing = [name for name in CONTRACT if name not in history.names]
    if missing:
        raise DataError(f'{history.source}: quotes of an option without the column "{missing[0]}"')
    if (history.column("sign") != desk.sign).any():
        raise DataError(
            f'{history.source}: not quotes of a {desk.option}; wanted the other value of "option"'
        )
    left = history.column("time_to_expiry")
    if left[0] <= 0.0:
        raise DataError(
            f"{history.source}:row 0 ({history.dates[0]}): the option has expired, wanted one alive"
        )
    history.positive("strike")
    history.window(0, int(np.argmin(left > 0.0)) or len(history)).positive("quote")  # a payoff may be nothing
    return length(history) + WARM_UP + 1


def _heat(history: History, desk: DeltaHedging, first: NDArray[np.int64]) -> Floats:
    returns = np.diff(np.log(history.column("spot")))
    sums = np.concatenate([[0.0], np.cumsum(returns**2)])
    return np.asarray(np.sqrt((sums[first] - sums[first - WARM_UP]) / (WARM_UP * desk.dt)))


def _underlier(desk: DeltaHedging, history: History, rows: NDArray[np.int64]) -> Quotes:
    spot, level = history.column("spot")[rows], history.column("implied_volatility")[rows]
    plan, ones = schedule(desk), np.ones(rows.shape)
    time, strike = plan.left[:, None] * desk.dt * ones, strikes(desk, spot)
    implied = level
    if "skew" in history.names:
        x = (np.log(strike / spot) - (desk.rate - desk.dividend) * time) / (level * np.sqrt(time))
        x = np.clip(x, -FARTHEST, FARTHEST)
        bent = level + history.column("skew")[rows] * x + history.column("curvature")[rows] * x * x
        implied = np.maximum(bent, LEAST_SMILE * level)
    return Quotes(
        spot, strike, time, implied, plan.sale[:, None] * ones, plan.open[:, None] * ones,
        _heat(history, desk, rows[0]), np.empty((0, 0)),
    )  # fmt: skip


def _contract(desk: DeltaHedging, history: History, rows: NDArray[np.int64]) -> Quotes:
    spot, left = history.column("spot")[rows], history.column("time_to_expiry")[rows]
    since = np.arange(len(rows))[:, None] * np.ones(rows.shape)
    over = left <= 0.0
    sale = np.where((since == 0.0) | over, 1.0, 0.0)
    opens = np.where(since % desk.rebalance_steps == 0, 1.0, 0.0)
    implied = history.column("implied_volatility")[rows]
    return Quotes(
        spot, history.column("strike")[rows], np.where(over, desk.dt, left), implied, sale, opens,
        _heat(history, desk, rows[0]), history.column("quote")[rows],
    )  # fmt: skip


def years(microseconds: NDArray[np.int64]) -> Floats:
    """Calendar time in years."""
    return np.asarray(microseconds / (365.0 * 86_400e6))


def steps_a_day(history: History) -> int:
    """Rows of a record in a US trading day of six and a half hours; one for daily rows."""
    if history.step <= 0 or history.step >= 12 * 3_600_000_000:
        return 1
    return max(1, 23_400_000_000 // history.step)


def length(history: History) -> int:
    """Steps of the longest window."""
    left = history.column("time_to_expiry")
    alive = np.flatnonzero(left <= 0.0)
    return (int(alive[0]) + 1 if len(alive) else len(history)) - WARM_UP - 1
