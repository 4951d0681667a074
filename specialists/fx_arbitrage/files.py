"""Currencies among the files of a folder: triangles of pairs that lie together, with the interest of their countries.

Three pairs of three currencies are wanted; where no folder has them, two pairs against the dollar do, the cross being
what they imply. The account's currency is the dollar, else the middle one in the market's order. Records with a hole of
more than a month are cut to their longest part.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fund.errors import DataError
from fund.market.draft import DAY
from fund.market.fx_files import CURRENCIES, currency_file, oecd_rates, pair_of
from fund.market.history import History
from fund.market.records import without_holes
from fund.market.sources import sniff
from specialists.fx_arbitrage.recorded import pairs_of

if TYPE_CHECKING:
    from specialists.fx_arbitrage.strategy import FxArbitrage

BARS = ((20 * 60, "daily"), (50, "hourly"), (0, "by the minute"))  # minutes a row, at least
RATE_AGE = 62  # days for which a published rate is good


def markets(
    desk: FxArbitrage, found: Mapping[str, Sequence[Any]], notes: list[str]
) -> dict[str, FxArbitrage]:
    """The desk on every triangle, and on tables of its own columns. Raises DataError where a file is damaged."""
    rates: dict[str, History] = {}
    for path in found["rates"]:
        rates |= oecd_rates(path)
    groups: dict[tuple[Path, str], dict[str, Path]] = {}
    for path in found["currencies"]:
        groups.setdefault((path.parent, sniff(path)), {}).setdefault(pair_of(path.name), path)
    for crossed in (True, False):
        out: dict[str, FxArbitrage] = {}
        for (_, kind), files in groups.items():
            for triple in triangles(list(files), crossed):
                label, there = _market(desk, triple, kind, files, rates, notes)
                if there is not None and (label not in out or _rows(there) > _rows(out[label])):
                    out[label] = there
        if out:
            return out
    return {}


def triangles(pairs: Sequence[str], crossed: bool) -> Iterator[tuple[str, str, str]]:
    """Base, home and terms of all currencies whose three pairs are there, or the two against the dollar."""
    known = {frozenset((pair[:3], pair[3:])) for pair in pairs}
    there = [currency for currency in CURRENCIES if any(currency in pair for pair in known)]
    for one, two, three in combinations(there, 3):
        home = "USD" if "USD" in (one, two, three) else two
        base, terms = (currency for currency in (one, two, three) if currency != home)
        legs = {frozenset((base, home)), frozenset((home, terms))}
        cross = frozenset((base, terms)) in known
        if legs <= known and (cross if crossed else home == "USD"):
            yield base, home, terms


def joined(pairs: Mapping[str, History]) -> History:
    """One history of several pairs by their names (EURUSD, ...), on the stamps that all have.

    Each has `bid` and `ask`, or `mid`. Raises DataError as `History.join` does.
    """
    parts = []
    for name, history in pairs.items():
        kept = [column for column in ("bid", "ask", "mid") if column in history.names]
        new = {c: name if c == "mid" else f"{name}_{c}" for c in kept}
        parts.append(history.select(kept).rename(new))
    whole = parts[0]
    for part in parts[1:]:
        whole = whole.join(part)
    return whole


def with_rates(history: History, rates: Mapping[str, History], most_days: int = RATE_AGE) -> History:
    """The history with a column `<currency>_rate` a currency: on each row the last rate published before it.

    `rates` has a history with the column `rate` a currency. No rate is used for longer than `most_days`: rows without
    one are left out at either end, by a policy that counts them, and refused in between. Raises DataError.
    """
    columns, good = [], np.ones(len(history), dtype=bool)
    for known in rates.values():
        at = np.searchsorted(known.times, history.times, side="right") - 1
        fresh = (at >= 0) & (history.times - known.times[np.maximum(at, 0)] <= most_days * DAY)
        good &= fresh
        columns.append(np.where(fresh, known.column("rate")[np.maximum(at, 0)], np.nan))
    where = np.flatnonzero(good)
    if len(where) < 2:
        raise DataError(
            f"{history.source}: no row has rates of all of {', '.join(rates)} within {most_days} days"
        )
    first, last = int(where[0]), int(where[-1])
    if len(where) < last - first + 1:
        row = int(np.flatnonzero(~good[first : last + 1])[0]) + first
        raise DataError(f"{history.place(row)}: no rate of all of {', '.join(rates)} within {most_days} days")
    left = len(history) - len(where)
    note = f"{left} rows without interest rates left out, {len(where)} kept"
    cut = history.window(first, last - first + 1)
    values = np.column_stack([cut.values, *(column[first : last + 1] for column in columns)])
    held = tuple(f"{currency}_rate" for currency in rates)
    notes = (*cut.policies, *(p for known in rates.values() for p in known.policies), note)
    return dataclasses.replace(
        cut, names=(*cut.names, *held), values=values, policies=tuple(dict.fromkeys(notes))
    )


def _market(
    desk: FxArbitrage, triple: tuple[str, str, str], kind: str, files: Mapping[str, Path],
    rates: Mapping[str, History], notes: list[str],
) -> tuple[str, FxArbitrage | None]:  # fmt: skip
    wanted = [frozenset((pair[:3], pair[3:])) for pair in pairs_of(triple)]
    chosen = {pair: path for pair, path in files.items() if frozenset((pair[:3], pair[3:])) in wanted}
    history = joined({pair: currency_file(path, kind) for pair, path in chosen.items()})
    minutes = history.step / 60e6
    label = f"{','.join(triple)} {next(name for least, name in BARS if minutes >= least)}"
    missing = [currency for currency in triple if currency not in rates]
    try:
        if missing and desk.missing_rates == "refuse":
            raise DataError(f"no interest rates for {', '.join(missing)}")
        if not missing:
            history = with_rates(history, {currency: rates[currency] for currency in triple})
        return label, desk.with_parameters(currencies=",".join(triple)).on(without_holes(history))
    except DataError as error:
        notes.append(f"{label} left out: {str(error).removeprefix(f'{history.source}: ')}")
        return label, None


def _rows(desk: FxArbitrage) -> int:
    return 0 if desk.history is None else len(desk.history)
