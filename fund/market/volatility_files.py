"""The S&P 500 and its volatility indices among the files of a folder: VIX (30 days) and VIX3M (93 days).

The index may be there as itself or as the fund that holds it; the first of `INDEX` that is found counts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from fund.market import sources
from fund.market.draft import Rules
from fund.market.history import History
from fund.market.readers import read_csv

INDEX = ("SP500", "SPX", "GSPC", "SPY")
MONTH, QUARTER = re.compile(r"VIX(?![0-9]|[A-Z])"), re.compile(r"VIX3M|VXV")
# originals of the exchange have highs below opens and flat bars
RULES = Rules(bars="repair", zero_volume="keep", missing="drop")


class Volatilities(NamedTuple):
    """Closes of an index, and of its volatility indices in points."""

    name: str
    closes: History  # `close`
    month: History  # `close`
    quarter: History | None  # `close`


def volatilities(found: Mapping[str, Sequence[Any]]) -> Volatilities | None:
    """The index and its volatilities, where there is an index and a 30-day one. Raises DataError as the readers do."""
    month, quarter = (_index(found["volatility"], pattern) for pattern in (MONTH, QUARTER))
    prices = {sources.label(source).upper(): source for source in reversed(found["prices"])}
    held = next(((known, name) for known in INDEX for name in prices if name.startswith(known)), None)
    if month is None or held is None:
        return None
    return Volatilities(held[0], _closes(prices[held[1]]), month, quarter)


def _index(files: Sequence[Any], pattern: re.Pattern[str]) -> History | None:
    for source in files:
        if pattern.search(sources.label(source).upper()):
            return _closes(source)
    return None


def _closes(source: Path | History) -> History:
    if isinstance(source, History):
        return source.select(["close"])
    kind = sources.sniff(source)
    history = read_csv(source, rules=RULES) if kind == "bars_untraded" else sources.load(source)
    return replace(history.select(["close"]), source=source.name)
