"""Order books among the files of a folder: LOBSTER's pairs of files, one market a day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fund.market.lobster import lobster
from fund.market.orderbook import quote_tape

if TYPE_CHECKING:
    from specialists.market_making.strategy import MarketMaking

SECONDS = 1.0  # a step
LEAST_STEPS = 3600  # of a day that can be cut in parts


def markets(
    desk: MarketMaking, found: Mapping[str, Sequence[Any]], notes: list[str]
) -> dict[str, MarketMaking]:
    """The desk on every day's book, in steps of a second. Raises DataError where a file is damaged."""
    out = {}
    for message, book in found["order_book"]:
        tape = quote_tape(lobster(message, book), SECONDS)
        name = " ".join(message.name.split("_")[:2])
        if len(tape) < LEAST_STEPS:
            notes.append(f"{name} left out: {len(tape)} seconds of an order book, wanted {LEAST_STEPS}")
        else:
            out[name] = desk.on(tape)
    return out
