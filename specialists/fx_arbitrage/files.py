"""Currencies among the files of a folder: triangles of pairs that lie together, with the interest of their countries.

Three pairs of three currencies are wanted; where no folder has them, two pairs against the dollar do, the cross being
what they imply. The account's currency is the dollar, else the middle one in the market's order. Records with a hole of
more than a month are cut to their longest part.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fund.errors import DataError
from fund.market.fx_files import CURRENCIES, currency_file, oecd_rates, pair_of
from fund.market.history import History
from fund.market.records import without_holes
from fund.market.sources import sniff
from specialists.fx_arbitrage.recorded import joined, pairs_of, with_rates

if TYPE_CHECKING:
    from specialists.fx_arbitrage.strategy import FxArbitrage

BARS = ((20 * 60, "daily"), (50, "hourly"), (0, "by the minute"))  # minutes a row, at least


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
