"""Futures curves among the files of a folder: price, carry and forward contracts, one market a file.

Two legs of the three are held: those that could be on most days. Of a file with a hole the longest part is taken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fund.market.records import without_holes
from fund.market.sources import label
from specialists.futures_spreads.chains import best_prices

if TYPE_CHECKING:
    from specialists.futures_spreads.strategy import FuturesSpreads


def markets(
    desk: FuturesSpreads, found: Mapping[str, Sequence[Any]], notes: list[str]
) -> dict[str, FuturesSpreads]:
    """The desk on every curve. Raises DataError where a file is damaged."""
    out, held = {}, []
    for path in found["contracts"]:
        history, legs = best_prices(path)
        out[label(path)] = desk.on(without_holes(history))
        held.append(f"{label(path)} {legs[0].lower()}/{legs[1].lower()}")
    if held:
        notes.append(f"contracts held near and far: {', '.join(held)}")
    return out
