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
| bars_untraded, bars_intraday, lean_quotes | bars without volume, within the day, of bid and ask | other |
| lean_map, lean_factor | companions of a LEAN zip | (read with it) |
| unknown | anything else | unknown |

An index without volume and a minute bar are no daily prices that a desk could trade at, so they are kept apart.
The header decides, not the numbers below it: a damaged table is known by its header and refused when it is read.
"""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from fund.errors import DataError
from fund.market.draft import BARS, Rules
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
    "other": ("bars_untraded", "bars_intraday", "lean_quotes"),
    "unknown": ("unknown",),
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
    if len(set(rest) & {*BARS, "volume", "adjusted_close"}) >= 3:
        if _intraday(lines):
            return "bars_intraday"
        return "bars" if "volume" in rest else "bars_untraded"
    if len(rest) != len(names) - 1:
        return "unknown"
    if rest in (["close"], ["adjusted_close"]):
        return "closes"
    tickers = rest and all(_TICKER.fullmatch(name) and name not in _NO_TICKER for name in rest)
    return "tickers" if tickers and not _intraday(lines) else "unknown"


def _intraday(lines: list[str]) -> bool:
    # two of the first stamps share the day but not the time of day
    stamps = {match[0] for match in (_STAMP.search(line) for line in lines[1:5]) if match}
    return len({stamp[:10] for stamp in stamps}) < len(stamps)


def discover(folder: str | Path) -> dict[str, list[Any]]:
    """The files of a folder and its subfolders by what they are, each list in the order of the path.

    Keys `prices`, `factors`, `other`, `unknown` hold paths, `order_book` pairs (message, orderbook). Only the
    head of each file is read; names that begin with a point are left out. Raises DataError where there is no such
    folder.
    """
    root = Path(folder)
    if not root.is_dir():
        raise DataError(f"{folder}: no such folder")
    kinds = {path: sniff(path) for path in _files(root)}
    found: dict[str, list[Any]] = {
        group: [path for path, kind in kinds.items() if kind in members] for group, members in _GROUPS.items()
    }
    books = {path for path, kind in kinds.items() if kind == "lobster_book"}
    messages = [path for path, kind in kinds.items() if kind == "lobster_message"]
    pairs = [(path, path.with_name(path.name.replace("message", "orderbook"))) for path in messages]
    found["order_book"] = [pair for pair in pairs if pair[1] in books]
    alone = {*messages, *books}.difference(*found["order_book"])
    found["unknown"] = [path for path in kinds if path in alone or kinds[path] == "unknown"]
    return found


def _files(root: Path) -> list[Path]:
    out: list[Path] = []
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        out += [Path(folder, name) for name in names if not name.startswith(".")]
    return sorted(
        (path for path in out if path.is_file()), key=lambda path: path.relative_to(root).as_posix()
    )


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

    `prices`: S&P 500 and NASDAQ daily bars, 1999 to 2018; `factors`: Fama-French monthly, 1926 to 2018; `other`: VIX
    and WTI, which nobody can trade at these prices. The files are read as files, so arch itself is not imported.
    Raises DataError where arch is not installed.
    """
    spec = importlib.util.find_spec("arch")
    if spec is None or not spec.submodule_search_locations:
        raise DataError('the built-in data comes with the package arch: pip install arch (extra "research")')
    folder = Path(spec.submodule_search_locations[0]) / "data"

    def read(name: str, reader: Callable[[Path], History]) -> History:
        history = reader(folder / name / f"{name}.csv.gz")
        return replace(history, source=f"arch/data/{name}", zone="America/New_York")

    return {
        "prices": [read("sp500", bars), read("nasdaq", bars)],
        "factors": [read("frenchdata", _french_monthly)],
        "order_book": [],
        "other": [read("vix", _with_holidays), read("wti", _with_holidays)],
        "unknown": [],
    }


def _with_holidays(path: Path) -> History:
    return read_csv(path, rules=Rules(missing="drop"))


def _french_monthly(path: Path) -> History:
    draft = parse_table(read_text(path), Form("%Y%m", "America/New_York"))
    draft.values = draft.values / 100.0
    draft.policies += ["months stamped on their last day", "percent converted to decimals"]
    return from_draft(draft, Rules(kind="returns"))
