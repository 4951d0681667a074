"""Windows of recorded prices: one pair of legs, any row of the record a possible start.

A window has `n_steps` + 1 rows; the `WARM_UP` rows before it feed the features and are never traded. Hedge ratio and
features are causal, so that a window knows nothing of the rows after it. Which pair to trade is chosen beforehand,
on training rows of its own (`best_pair`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fund.errors import DataError, InvalidParameter
from fund.market.history import History
from fund.market.price_checks import price_column
from fund.market.records import by_choice, each_record, window_starts
from fund.market.streams import Paths
from fund.market.tape import Tape
from specialists.statistical_arbitrage.cointegration import select_pairs
from specialists.statistical_arbitrage.features import WARM_UP, lay_out
from specialists.statistical_arbitrage.market import Legs

if TYPE_CHECKING:
    from specialists.statistical_arbitrage.strategy import StatisticalArbitrage


def from_prices(history: History, leg_1: str, leg_2: str) -> History:
    """Two columns of prices, best adjusted for splits and dividends, under the names `leg_1` and `leg_2`.

    Raises UnknownName for a column that is missing, DataError for a price that is not above 0.
    """
    legs = history.select([leg_1, leg_2])
    _logs(legs, legs.names)
    return legs.rename({leg_1: "leg_1", leg_2: "leg_2"})


def best_pair(history: History, train_rows: slice) -> History:
    """The likeliest cointegrated pair of a panel of prices, judged by logs on `train_rows` and on no other row.

    Returns all rows of the two columns as `leg_1`, `leg_2`; raises DataError where no pair is accepted.
    """
    logs = np.column_stack(_logs(history, history.names))
    tested = select_pairs(logs, train_rows, history.names)
    if not tested or not tested[0].accepted:
        raise DataError(f"{history.source}: none of {len(tested)} pairs is cointegrated on the training rows")
    return from_prices(history, tested[0].dependent, tested[0].other)


def pairs_of(desk: StatisticalArbitrage) -> list[tuple[str, str]]:
    """The pairs that `leg_1` and `leg_2` name: one, or as many as their lists have entries.

    Raises InvalidParameter where the lists have different lengths.
    """
    first, second = desk.leg_1.split(","), desk.leg_2.split(",")
    if len(first) != len(second):
        raise InvalidParameter(
            f"{desk.name}: {len(first)} names in leg_1 and {len(second)} in leg_2, wanted as many"
        )
    return list(zip(first, second, strict=True))


@each_record
def windows(desk: StatisticalArbitrage, history: History, paths: Paths) -> Tape:
    """The tape of windows whose starts are drawn, one a path; raises DataError where the record is too short.

    Where several pairs are named each path draws its pair, too.
    """
    pairs = pairs_of(desk)
    if len(pairs) == 1:
        return _windows(desk, history, paths, pairs[0])
    chosen = paths.streams(desk.name).integers("pair", len(pairs))
    return by_choice(paths, chosen, len(pairs), lambda k, some: _windows(desk, history, some, pairs[k]))


def _windows(desk: StatisticalArbitrage, history: History, paths: Paths, legs: tuple[str, str]) -> Tape:
    logs = _logs(history, legs)
    start = window_starts(desk, history, paths, WARM_UP)
    rows = start + np.arange(WARM_UP + desk.n_steps + 1)[:, None]
    level_1, level_2 = (np.take(log, rows) for log in logs)
    price_1, price_2 = (np.take(history.column(name), rows[WARM_UP:]) for name in legs)
    borrow = np.full(price_1.shape, desk.borrow_rate)
    return lay_out(desk, Legs(price_1, price_2, level_1, level_2), borrow, history.rows[start + WARM_UP])


def _logs(history: History, names: tuple[str, ...]) -> list[NDArray[np.float64]]:
    return [np.log(price_column(history, name)) for name in names]
