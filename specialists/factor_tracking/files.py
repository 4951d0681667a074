"""Factor returns among the files of a folder: Kenneth French's, or else funds that hold the factors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fund.market.history import History
from fund.market.sources import load
from specialists.factor_tracking.recorded import FUNDS, exchange_traded, french, with_valuations

if TYPE_CHECKING:
    from specialists.factor_tracking.strategy import FactorTracking

FIVE = {"HML", "RMW", "Mkt-RF", "RF"}


def markets(
    desk: FactorTracking, found: Mapping[str, Sequence[Any]], notes: list[str]
) -> dict[str, FactorTracking]:
    """The desk on factor portfolios or, where there are none, on factor funds. Raises DataError for a damaged file."""
    tables = [_history(source) for source in found["factors"]]
    five = next((table for table in tables if set(table.names) >= FIVE), None)
    momentum = next((table for table in tables if "Mom" in table.names), None)
    if five is not None and momentum is not None:
        return {"factors": desk.on(with_valuations(french(five, momentum)))}
    if tables:
        notes.append("factor files without HML, RMW and Mom: value, quality and momentum are wanted")
    funds = [_history(source) for source in found["prices"]]
    held = next((table for table in funds if set(table.names) >= set(FUNDS.values())), None)
    return {} if held is None else {"factor funds": desk.on(with_valuations(exchange_traded(held)))}


def _history(source: Any) -> History:
    return source if isinstance(source, History) else load(source)
