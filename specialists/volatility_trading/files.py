"""The S&P 500, VIX and VIX3M among the files of a folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fund.errors import DataError
from fund.market.volatility_files import volatilities
from specialists.volatility_trading.recorded import from_indices

if TYPE_CHECKING:
    from fund.market.history import History
    from specialists.volatility_trading.strategy import VolatilityTrading

LEAST_ROWS = 700  # on which the three-month index must be known, or it is left out


def markets(
    desk: VolatilityTrading, found: Mapping[str, Sequence[Any]], notes: list[str]
) -> dict[str, VolatilityTrading]:
    """The desk on the index at its quoted volatilities. Raises DataError where a file is damaged."""
    seen = volatilities(found)
    if seen is None:
        return {}
    history = _with_quarter(seen.closes, seen.month, seen.quarter)
    if "iv_90" not in history.names:
        notes.append(
            f"{seen.name}: no VIX3M on {LEAST_ROWS} days: the term structure is what mean reversion makes"
        )
        history = from_indices(seen.closes, seen.month)
    return {seen.name: desk.on(history)}


def _with_quarter(index: History, month: History, quarter: History | None) -> History:
    plain = from_indices(index, month)
    if quarter is None:
        return plain
    try:
        joined = from_indices(index, month, quarter)
    except DataError:  # no day in common
        return plain
    return joined if len(joined) >= LEAST_ROWS else plain
