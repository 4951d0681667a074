"""Recorded markets: an index and its implied volatilities, read from files and cut into windows.

A history of this desk has the columns `index` (closes) and `iv_30` (decimal: .2 is twenty points), and may have
`iv_90`. The published indices are variance-swap rates, above the volatility at the money by what the smile adds: they
are multiplied by the ratio of both under the desk's own smile (`smile_slope`, `smile_bend`). Where there is no `iv_90`
it is what a variance that reverts to its mean would make of `iv_30`; 180 days always are. The mean is that of the
rows so far, so that nothing later than a row enters.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fund.market.history import History
from fund.market.price_checks import price_column
from fund.market.records import each_record, window_starts
from fund.market.streams import Paths
from fund.market.tape import Tape
from specialists.volatility_trading import tape as tapes
from specialists.volatility_trading.features import WARM_UP
from specialists.volatility_trading.market import Market

if TYPE_CHECKING:
    from specialists.volatility_trading.strategy import VolatilityTrading

Floats = NDArray[np.float64]

NEEDED = ("index", "iv_30")
CLOSE = "close"
MONTH, QUARTER, HALF = 30.0 / 365.0, 90.0 / 365.0, 180.0 / 365.0


def from_indices(index: History, month: History, quarter: History | None = None) -> History:
    """The desk's history from closes of an index, of its 30-day and of its 90-day volatility index (points).

    Days are those on which all have a close. Raises UnknownName for a missing column, DataError where a close is not
    above zero or fewer than two days are common.
    """
    parts = [_closes(index, "index", 1.0), _closes(month, "iv_30", 0.01)]
    if quarter is not None:
        parts.append(_closes(quarter, "iv_90", 0.01))
    joined = parts[0]
    for part in parts[1:]:
        joined = joined.join(part)
    return joined


def _closes(history: History, name: str, unit: float) -> History:
    closes = history.select([CLOSE]).rename({CLOSE: name})
    return History(
        (name,),
        closes.values * unit,
        closes.times,
        closes.zone,
        closes.source,
        closes.policies,
        closes.first_row,
    )


def at_the_money(slope: float, bend: float, volatility: float = 0.2) -> float:
    """Volatility at the money over the variance-swap rate of 30 days, under the smile of a desk.

    The rate is 2/T times the integral of out-of-the-money prices over strikes squared (Carr & Madan, 1998).
    """
    from fund.market.black_scholes import values

    width = volatility * math.sqrt(MONTH)
    y = np.linspace(-8.0, 8.0, 4001)
    cut = np.clip(y, -3.0, 3.0)
    sigma = volatility * np.maximum(1.0 + slope * cut + bend * cut * cut, 0.3)
    strike = np.exp(y * width)
    price = values(np.where(y > 0.0, 1.0, -1.0), 1.0, strike, MONTH, 0.0, 0.0, sigma)
    variance = 2.0 / MONTH * np.trapezoid(price / strike, dx=(y[1] - y[0]) * width)
    return volatility / math.sqrt(float(variance))


@lru_cache(maxsize=8)
def prepared(history: History, ratio: float, kappa: float) -> Market:
    """Log closes and implied volatilities of all rows, each (rows, 1); raises DataError with the first bad row."""
    index, month = price_column(history, "index"), history.positive("iv_30") * ratio
    level = np.cumsum(month**2) / np.arange(1, len(month) + 1)
    fade = [-math.expm1(-kappa * years) / (kappa * years) for years in (MONTH, QUARTER, HALF)]
    if "iv_90" in history.names:
        quarter = history.positive("iv_90") * ratio
        excess = quarter**2 - level
        half = level + excess * fade[2] / fade[1]
    else:
        excess = month**2 - level
        quarter = np.sqrt(np.maximum(level + excess * fade[1] / fade[0], 0.25 * month**2))
        half = level + excess * fade[2] / fade[0]
    half = np.sqrt(np.maximum(half, 0.25 * quarter**2))
    far = np.stack([month, quarter, half, np.zeros(len(month))])[:, :, None]
    log_spot = np.log(index)[:, None]
    return Market(
        log_spot, np.zeros(log_spot.shape), np.zeros(log_spot.shape, np.int64), np.zeros(log_spot.shape), far
    )


@each_record
def record(desk: VolatilityTrading, history: History, paths: Paths) -> Tape:
    """The tape of windows whose starts are drawn, one a path; raises DataError where the record is too short."""
    whole = prepared(history, at_the_money(desk.smile_slope, desk.smile_bend), desk.kappa)
    start = window_starts(desk, history, paths, WARM_UP)
    rows = start + np.arange(WARM_UP + desk.n_steps + 1)[:, None]
    far = whole.far[:, rows, 0].copy()
    far[3] = -2.0 * desk.smile_slope
    log_spot = whole.log_spot[rows, 0]
    zero = np.zeros(log_spot.shape)
    found = Market(log_spot - log_spot[WARM_UP], zero, zero.astype(np.int64), zero, far)
    tape = tapes.blank(desk, len(paths))
    tapes.fill(desk, tape, slice(None), found, tapes.phases(desk, paths))
    checked = tapes.checked(tape)
    return Tape(checked.columns, checked.block, checked.features, history.rows[start + WARM_UP])
