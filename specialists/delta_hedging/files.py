"""Options at quoted volatilities among the files of a folder.

An index and its VIX make at-the-money options at the VIX of each day. A chain and daily prices of its underlier make
the days after the chain's at its smile, so that nothing is foreseen. Quotes within the day and bars of their index make
the option of the nearest expiry that is nearest to the money, at its own quotes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fund.errors import DataError
from fund.market.draft import DAY
from fund.market.history import History
from fund.market.sources import label, load, sniff
from fund.market.volatility_files import volatilities
from specialists.delta_hedging import chains
from specialists.delta_hedging.recorded import WARM_UP

if TYPE_CHECKING:
    from specialists.delta_hedging.strategy import DeltaHedging

SMILE_DAYS = 30  # to the expiry whose smile is taken


def markets(
    desk: DeltaHedging, found: Mapping[str, Sequence[Any]], notes: list[str]
) -> dict[str, DeltaHedging]:
    """The desk on every underlier and option. Raises DataError where a file is damaged."""
    out: dict[str, DeltaHedging] = {}
    seen = volatilities(found)
    if seen is not None:
        out[f"{seen.name} at VIX"] = desk.on(chains.quoted(seen.closes, "close", seen.month))
    for read, files in ((_at_smile, found["chains"]), (_at_quotes, found["option_quotes"])):
        for path in files:
            try:
                name, history = read(desk, path, found)
                out[name] = desk.on(history)
            except DataError as error:
                notes.append(f"{path.name} left out: {error}")
    return out


def _words(path: Path) -> set[str]:
    return set(re.split(r"[^A-Z0-9]+", path.name.upper()))


def _at_smile(desk: DeltaHedging, path: Path, found: Mapping[str, Sequence[Any]]) -> tuple[str, History]:
    held = [source for source in found["prices"] if label(source).upper() in _words(path)]
    if not held:
        raise DataError("no daily prices of its underlier")
    prices = held[0] if isinstance(held[0], History) else load(held[0])
    day = chains.first_day(path)
    chain = chains.read_chain(path, str(day))
    at = int(np.searchsorted(prices.times, day.astype("datetime64[us]").astype(np.int64)))
    if at + WARM_UP + desk.n_steps + 1 >= len(prices) or prices.times[at] // DAY != chain.day:
        raise DataError(f"too few prices of {label(held[0])} on {day} and after")
    spot = prices.column("raw_close" if "raw_close" in prices.names else "close")[at]
    smile = chains.smile(chain, float(spot), SMILE_DAYS)
    later = prices.window(at + 1, len(prices) - at - 1)
    return f"{label(held[0])}, smile of {day}", chains.quoted(later, "close", smile)


def _at_quotes(desk: DeltaHedging, path: Path, found: Mapping[str, Sequence[Any]]) -> tuple[str, History]:
    terms = chains.listed(path, desk.option)
    underlier = terms.root.upper().removesuffix("W")
    bars = [other for other in found["other"] if sniff(other) == "bars_intraday"]
    index = [other for other in bars if underlier in _words(other)]
    if not index:
        raise DataError(f"no bars within the day of {underlier}")
    level, behind = chains.opening(index[0], terms.start)
    strike = min(terms.strikes, key=lambda strike: abs(strike - level))
    history = chains.minute_contract(path, index[0], terms.expiry, strike, desk.option, behind)
    return f"{terms.root.upper()} {strike:g} {desk.option} {terms.start[:10]}", history
