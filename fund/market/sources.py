"""What lies in a folder of market data: each file known by its content, then read by the reader for it.

| `sniff` | the first lines show | `discover` puts it under |
|---|---|---|
| alpha_vantage | the vendor's nine columns | prices |
| lean_equity | no header, "YYYYMMDD 00:00" and five integers | prices |
| bars | a time, a close, a volume; one row a day | prices |
| closes | a time and an (adjusted) close; one row a day | prices |
| tickers | a time and columns named as tickers: adjusted closes | prices |
| french | text, then a header that begins with a comma | factors |
| lobster_message, lobster_book | six or 4 x levels numbers, no header | order_book, in pairs |
| contracts | PRICE, CARRY and FORWARD, each with its contract's month | contracts |
| chain, option_quotes | expiries, strikes, bids and asks: of a day, or with a time stamp | chains, option_quotes |
| rates | LOCATION, FREQUENCY, TIME, Value: interest by country | rates |
| bars_untraded, bars_intraday | bars without volume, within the day | other |
| lean_quotes, quotes, price | bars of bid and ask, with or without a header; one price a row | other |
| lean_map, lean_factor | companions of a LEAN zip | (read with it) |
| unknown | anything else: a desk's own table, perhaps (`tables`) | unknown |

What a file is, its content says; which instrument it holds, its name: EURUSD puts bars, quotes and prices under
`currencies`, VIX under `volatility`. An index without volume and a minute bar are no daily prices that a desk could
trade at, so they are kept apart. The header decides, not the numbers below it: a damaged table is known by its header
and refused when it is read.
"""

from __future__ import annotations

import difflib
import importlib.util
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from fund.errors import DataError
from fund.market.draft import BARS, Rules
from fund.market.fx_files import pair_of
from fund.market.history import History, from_draft
from fund.market.readers import (
    ALPHA_VANTAGE,
    alpha_vantage_daily,
    bars,
    french_factors,
    lean_daily,
    read_csv,
    skfolio_prices,
)
from fund.market.table import TIME_NAMES, Form, canonical, parse_table
from fund.market.textfile import head_lines, read_text

READERS: dict[str, Callable[[Path], History]] = {
    "alpha_vantage": alpha_vantage_daily,
    "bars": bars,
    "closes": bars,
    "french": french_factors,
    "lean_equity": lean_daily,
    "tickers": skfolio_prices,
}
_GROUPS = {
    "prices": ("alpha_vantage", "bars", "closes", "lean_equity", "tickers"),
    "factors": ("french",),
    "contracts": ("contracts",),
    "chains": ("chain",),
    "option_quotes": ("option_quotes",),
    "rates": ("rates",),
    "volatility": (),
    "currencies": (),
    "other": ("bars_untraded", "bars_intraday", "lean_quotes", "quotes", "price"),
    "unknown": ("unknown",),
}
_NAMED = ("bars", "closes", "tickers", *_GROUPS["other"])  # whose name says where they belong
_HEADERS = {
    "contracts": {"PRICE", "PRICE_CONTRACT", "CARRY", "CARRY_CONTRACT", "FORWARD", "FORWARD_CONTRACT"},
    "option_quotes": {"timestamp", "expiry", "strike", "right", "bid_c", "ask_c"},
    "rates": {"LOCATION", "FREQUENCY", "TIME", "Value"},
    "quotes": {"bid_c", "ask_c"},
}
_HEADLESS = {
    "lean_equity": re.compile(r"\d{8} 00:00(,\d+){5}"),
    "lean_quotes": re.compile(r"\d{8} 00:00(,[\d.]+){10}"),
    "lean_map": re.compile(r"\d{8},[a-z][\w.]*(,\w*)?"),
    "lean_factor": re.compile(r"\d{8}(,[\d.]+){2,3}"),
    "lobster_message": re.compile(r"\d{1,5}(\.\d+)?,[1-7],\d+,\d+,-?\d+,-?1"),
    "lobster_book": re.compile(r"(\d+,\d+,-?\d+,\d+)(,\d+,\d+,-?\d+,\d+)*"),
}
_STAMP = re.compile(r"\d{4}-\d{2}-\d{2}[ T][\d:]+")
_TICKER = re.compile(r"[A-Z]{1,5}(?:[.-][A-Z]{1,2})?")
_NO_TICKER = {"PRICE", "RATE", "VALUE", "INDEX", "YIELD", "OPEN", "HIGH", "LOW", "CLOSE", "CARRY"}


def sniff(path: str | Path) -> str:
    """What a file is, by its first lines: a name of the module's table.

    Raises DataError where it cannot be read, and where a .csv is empty or binary.
    """
    lines = head_lines(path)
    if not lines:
        if ".csv" in Path(path).name.lower():
            read_text(path)
            raise DataError(f"{path}:1: the file is empty")
        return "unknown"
    for name, pattern in _HEADLESS.items():
        if pattern.fullmatch(lines[0].strip()):
            return name
    if lines[0].strip() == ALPHA_VANTAGE:
        return "alpha_vantage"
    if any(re.match(r"\s*,\s*[A-Za-z]", line) for line in lines[1:40]):
        return "french"
    return _sniff_header(lines)


def _sniff_header(lines: list[str]) -> str:
    names = [canonical(cell.strip().strip('"')) for cell in re.split(r"[,;\t|]", lines[0])]
    rest = [name for name in names if name.lower() not in TIME_NAMES]
    if {"expiry", "strike"} <= set(names) and "timestamp" not in names:
        return "chain" if {"right", "option_type"} & set(names) else "unknown"
    for kind, wanted in _HEADERS.items():
        if wanted <= set(names):
            return kind
    if len(set(rest) & {*BARS, "volume", "adjusted_close"}) >= 3:
        if _intraday(lines):
            return "bars_intraday"
        return "bars" if "volume" in rest else "bars_untraded"
    if len(rest) != len(names) - 1:
        return "unknown"
    if rest in (["close"], ["adjusted_close"]):
        return "closes"
    if [name.lower() for name in rest] == ["price"]:
        return "price"
    tickers = rest and all(_TICKER.fullmatch(name) and name not in _NO_TICKER for name in rest)
    return "tickers" if tickers and not _intraday(lines) else "unknown"


def _intraday(lines: list[str]) -> bool:
    # two of the first stamps share the day but not the time of day
    stamps = {match[0] for match in (_STAMP.search(line) for line in lines[1:5]) if match}
    return len({stamp[:10] for stamp in stamps}) < len(stamps)


def discover(place: str | Path) -> dict[str, list[Any]]:
    """The files of a folder and its subfolders, or one file, by what they are, each list in the order of the path.

    Each key of the module's last column holds paths; `order_book` holds pairs (message, orderbook). Only the head of
    each file is read; names that begin with a point are left out. Raises DataError where there is nothing.
    """
    root = Path(place)
    if not root.exists():
        raise DataError(f"{place}: no such folder or file")
    kinds = {path: sniff(path) for path in _files(root)}
    found: dict[str, list[Any]] = {group: [] for group in _GROUPS}
    for path, kind in kinds.items():
        for group in _groups(path.name, kind):
            found[group].append(path)
    books = {path for path, kind in kinds.items() if kind == "lobster_book"}
    messages = [path for path, kind in kinds.items() if kind == "lobster_message"]
    pairs = [(path, path.with_name(path.name.replace("message", "orderbook"))) for path in messages]
    found["order_book"] = [pair for pair in pairs if pair[1] in books]
    alone = {*messages, *books}.difference(*found["order_book"])
    found["unknown"] = [path for path in kinds if path in alone or kinds[path] == "unknown"]
    return found


def _groups(name: str, kind: str) -> list[str]:
    if kind in _NAMED and pair_of(name):
        return ["currencies"]
    if kind in _NAMED and "VIX" in name.upper():
        return ["volatility"]
    return [group for group, members in _GROUPS.items() if kind in members]


def _files(root: Path) -> list[Path]:
    if root.is_file():
        return [root]
    out: list[Path] = []
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        out += [Path(folder, name) for name in names if not name.startswith(".")]
    return sorted(
        (path for path in out if path.is_file()), key=lambda path: path.relative_to(root).as_posix()
    )


def tables(found: Mapping[str, Sequence[Any]], needs: tuple[str, ...]) -> dict[str, History]:
    """Tables with all columns that a desk needs, by their files' names: what a user made for it.

    Numbers as they are: the desk checks them. Raises DataError as `read_csv` does.
    """
    out = {}
    for path in [*found["unknown"], *found["prices"]]:
        if isinstance(path, Path) and needs and set(needs) <= set(columns(path)):
            out[label(path)] = read_csv(path, rules=Rules(kind="numbers"))
    return out


def lacking(found: Mapping[str, Sequence[Any]], needs: Sequence[str]) -> str:
    """Of the first table with some of the columns that a desk needs: which of them it lacks, and the nearest to it."""
    for path in [*found["unknown"], *found["prices"]]:
        have = columns(path) if isinstance(path, Path) else []
        gone = [name for name in needs if name not in have]
        if have and 0 < len(gone) < len(needs):
            near = difflib.get_close_matches(gone[0], have, n=1)
            hint = f', but "{near[0]}"' if near else ""
            return f'{path} has no column "{gone[0]}"{hint}'
    return ""


def columns(path: Path) -> list[str]:
    """The words of a file's first line, as column names."""
    lines = head_lines(path)
    return [canonical(cell.strip().strip('"')) for cell in lines[0].split(",")] if lines else []


def label(source: Path | History) -> str:
    """What a file or a history is called after: its name up to the first point."""
    return Path(source.source if isinstance(source, History) else source).name.split(".")[0]


def load(path: str | Path) -> History:
    """A file of prices or factors by the reader for what it is. Raises DataError where it is neither."""
    kind = sniff(path)
    if kind not in READERS:
        known = ", ".join(sorted(READERS))
        raise DataError(
            f'{path}:1: found the format "{kind}", wanted one of {known}; read_csv takes any table'
        )
    return READERS[kind](Path(path))


def builtin() -> dict[str, list[History]]:
    """Public market data that the package arch ships, under the keys of `discover`: nothing is downloaded.

    `prices`: S&P 500 and NASDAQ daily bars, 1999 to 2018; `volatility`: VIX, 2014 to 2018; `factors`: Fama-French
    monthly, 1926 to 2018; `other`: WTI, a curve with one contract. The files are read as files; arch is not imported.
    Raises DataError where arch is not installed.
    """
    spec = importlib.util.find_spec("arch")
    if spec is None or not spec.submodule_search_locations:
        raise DataError('the built-in data comes with the package arch: pip install arch (extra "research")')
    folder = Path(spec.submodule_search_locations[0]) / "data"

    def read(name: str, reader: Callable[[Path], History]) -> History:
        history = reader(folder / name / f"{name}.csv.gz")
        return replace(history, source=f"arch/data/{name}", zone="America/New_York")

    return {group: [] for group in (*_GROUPS, "order_book")} | {
        "prices": [read("sp500", bars), read("nasdaq", bars)],
        "factors": [read("frenchdata", _french_monthly)],
        "volatility": [read("vix", _with_holidays).rename({"vix": "close"})],
        "other": [read("wti", _with_holidays)],
    }


def _with_holidays(path: Path) -> History:
    return read_csv(path, rules=Rules(missing="drop"))


def _french_monthly(path: Path) -> History:
    draft = parse_table(read_text(path), Form("%Y%m", "America/New_York"))
    draft.values = draft.values / 100.0
    draft.policies += ["months stamped on their last day", "percent converted to decimals"]
    return from_draft(draft, Rules(kind="returns"))
