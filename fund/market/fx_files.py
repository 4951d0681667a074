"""Readers of currency files: bars and quotes of a pair as `bid` and `ask` or `mid`, interest rates as `rate`.

| reader | what the file holds | what comes out |
|---|---|---|
| `broker_bars` | MetaTrader bars of bids, perhaps in integer points, perhaps with a spread | mid, or bid and ask |
| `quote_bars` | bars of bids and asks side by side (LEAN; header-less in its zips) | bid, ask |
| `two_files` | bars of bids and of asks apart | bid, ask |
| `dollar_prices` | one price a row | mid |
| `oecd_rates` | short-term interest by country, years, quarters and months mixed | rate, one history a currency |
| `currency_file` | any of the first, second and fourth, known by its content; its name says the pair | as above |

A crossed quote is refused, or its row left out where that is asked for (`crossed="drop"`), and counted.
"""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fund.errors import DataError, UnknownName
from fund.market.draft import Draft, Rules
from fund.market.history import History, from_draft
from fund.market.table import Form, parse_table
from fund.market.textfile import read_text

Floats = NDArray[np.float64]

CROSSED = ("refuse", "drop")
OECD_CURRENCIES = {"USA": "USD", "EA19": "EUR", "EA20": "EUR", "JPN": "JPY", "GBR": "GBP"}
# the order in which the market quotes them: EURUSD, not USDEUR
CURRENCIES = (
    "EUR", "GBP", "AUD", "NZD", "USD", "CAD", "CHF", "NOK", "SEK", "DKK", "SGD", "HKD", "CNH", "MXN", "ZAR", "JPY",
)  # fmt: skip
_WHOLE_POINTS = 3000.0  # no currency costs so many of another but in points
_LEAN_HEADER = (
    "time", "bid_o", "bid_h", "bid_l", "bid_c", "bid_size", "ask_o", "ask_h", "ask_l", "ask_c", "ask_size",
)  # fmt: skip
_NUMBERS = Rules(kind="numbers", max_gap=60.0)


def _two_sides(draft: Draft, bid: Floats, ask: Floats, crossed: str, rules: Rules = _NUMBERS) -> History:
    if crossed not in CROSSED:
        raise UnknownName("crossed", crossed, CROSSED)
    wrong = ~((bid > 0.0) & (bid <= ask))
    draft.names, draft.values = ["bid", "ask"], np.column_stack([bid, ask])
    if wrong.any() and crossed == "refuse":
        row = int(np.flatnonzero(wrong)[0])
        found = f"bid {bid[row]:.6g}, ask {ask[row]:.6g} on {draft.stamp(row)}"
        draft.fault(
            row, f'{found}: wanted 0 < bid <= ask ({int(wrong.sum())} such rows; crossed="drop" omits them)'
        )
    draft.drop(wrong, "crossed quotes")
    return from_draft(draft, rules)


def broker_bars(path: str | Path, points: float = 1.0, least_spread: float = 1.0) -> History:
    """MetaTrader bars: closes over `points` (100,000, or 1,000 for yen, where they are integers; else 1).

    With a column `spread`, in points of the last digit, closes are bids and come with asks; a spread below
    `least_spread` points is taken for that many, by a policy that counts. Without one the close is the mid.
    """
    text = read_text(path)
    epoch = text.text.split("\n", 1)[0].startswith(",time")
    draft = parse_table(text, Form(date_format="epoch_s" if epoch else None))
    close = draft.values[:, draft.names.index("close")] / points
    if "spread" not in draft.names:
        draft.names, draft.values = ["mid"], close[:, None]
        return from_draft(draft, _NUMBERS)
    digit = 10.0 ** -(3 if close[0] > 20.0 else 5)
    spread = draft.values[:, draft.names.index("spread")]
    narrow = int((spread < least_spread).sum())
    if narrow:
        draft.policies.append(f"spreads below {least_spread:g} points: {narrow} taken for that many")
    return _two_sides(draft, close, close + np.maximum(spread, least_spread) * digit, "refuse")


def quote_bars(path: str | Path, crossed: str = "refuse", max_gap: float = 60.0) -> History:
    """Bars of bids and asks: the closes of both sides; a hole of more than `max_gap` days is refused."""
    text = read_text(path)
    headed = not text.text[:1].isdigit()
    form = Form() if headed else Form(date_format="%Y%m%d %H:%M", header=_LEAN_HEADER)
    draft = parse_table(text, form, required=("bid_c", "ask_c"))
    sides = [draft.values[:, draft.names.index(name)] for name in ("bid_c", "ask_c")]
    return _two_sides(draft, sides[0], sides[1], crossed, Rules(kind="numbers", max_gap=max_gap))


def two_files(bids: str | Path, asks: str | Path, crossed: str = "refuse") -> History:
    """Closes of a file of bids and of a file of asks, on their common stamps."""
    sides = []
    for path, name in ((bids, "bid"), (asks, "ask")):
        draft = parse_table(read_text(path), Form(), columns=("close",))
        draft.names = [name]
        sides.append(from_draft(draft, _NUMBERS))
    both = sides[0].join(sides[1])
    lines = np.arange(len(both), dtype=np.int64)
    draft = Draft(
        both.source, ["bid", "ask"], both.values, both.times, lines, both.zone, list(both.policies), "row "
    )
    return _two_sides(draft, both.column("bid"), both.column("ask"), crossed)


def dollar_prices(path: str | Path) -> History:
    """One price a day; stamps are cut to their date, and of a date that comes twice the later row is kept."""
    draft = parse_table(read_text(path), Form())
    day = draft.times - draft.times % 86_400_000_000
    again = np.append(day[1:] == day[:-1], False)
    draft.times, draft.names = day, ["mid"]
    draft.policies.append("stamps cut to their date")
    draft.drop(again, "dates that come twice")
    return from_draft(draft, _NUMBERS)


def oecd_rates(path: str | Path) -> dict[str, History]:
    """Monthly short-term interest by currency, decimals a year, stamped on the first day of the month after.

    That is when a month's average is known. Yearly and quarterly rows are left out. Raises DataError with file, line
    and reason.
    """
    text = read_text(path)
    rows = csv.DictReader(text.text.splitlines())
    wanted = {"LOCATION", "FREQUENCY", "TIME", "Value"}
    if not wanted <= set(rows.fieldnames or ()):
        raise DataError(f"{text.source}:1: wanted the columns {', '.join(sorted(wanted))}")
    found: dict[str, list[tuple[int, float]]] = {}
    for line, row in enumerate(rows, start=2):
        if row["FREQUENCY"] != "M":
            continue
        currency = OECD_CURRENCIES.get(row["LOCATION"], row["LOCATION"])
        try:
            known = np.datetime64(row["TIME"], "M") + 1
            rate = float(row["Value"]) / 100.0
        except ValueError as error:
            raise DataError(f"{text.source}:{line}: {error}") from None
        found.setdefault(currency, []).append((int(known.astype("datetime64[us]").astype(np.int64)), rate))
    return {currency: _rates(text.source, currency, sorted(cells)) for currency, cells in found.items()}


def _rates(source: str, currency: str, cells: list[tuple[int, float]]) -> History:
    times, rates = (np.array(column) for column in zip(*cells, strict=True))
    notes = (f"{currency}: percent converted to decimals, known on the first day of the month after",)
    return History(("rate",), rates[:, None], times.astype(np.int64), "", f"{source} {currency}", notes)


def pair_of(name: str) -> str:
    """The currency pair that a file's name tells, EURUSD of eurusd.zip; empty where it tells none."""
    known = "|".join(CURRENCIES)
    found = re.search(rf"(?<![A-Z])({known})({known})(?![A-Z]{{2}})", name.upper())
    return found[1] + found[2] if found and found[1] != found[2] else ""


def currency_file(path: str | Path, kind: str) -> History:
    """A file of one pair by what it is (`sources.sniff`): `bid` and `ask`, or `mid`; crossed quotes are left out.

    Whole points are known by their size: 109305 is 1.09305, and 110250 yen are 110.250.
    """
    if kind in ("lean_quotes", "quotes"):
        return quote_bars(path, "drop", max_gap=400.0)
    if kind == "price":
        return dollar_prices(path)
    history = broker_bars(path)
    if float(np.median(history.values)) < _WHOLE_POINTS:
        return history
    return broker_bars(path, 1e3 if "JPY" in pair_of(Path(path).name) else 1e5)
