"""The desks on recorded markets: which files feed which desk, and at which days their histories are cut.

A folder is read once; each desk says what its files are (`files` in its package) and `recorded_parts` cuts them. One
cut by date serves all desks whose records last: only then can the CIO be judged on days that no desk has seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from allocator.recorded_parts import TRAINING, VALIDATION, Markets, Recorded, by_date, by_row, days_of
from fund.errors import DataError
from fund.market import sources
from fund.roster import Spec
from fund.strategy import Strategy
from specialists import ROSTER

Ints = NDArray[np.int64]

LEAST_DAYS = 700  # that desks must share, and a market must last, for a stream of daily returns


@dataclass(frozen=True)
class Gathered:
    """All desks that some files feed, and what a reader must know of how they were read and cut."""

    desks: Mapping[str, Recorded]
    notes: tuple[str, ...]
    repairs: tuple[str, ...] = ()  # what was put right or left out in the files, by desk and market


def recorded_desks(data: str, pairs: Sequence[str] = ()) -> Gathered:
    """Every desk that a folder, a file or `builtin` feeds; raises DataError where they feed none."""
    found = sources.builtin() if data == "builtin" else sources.discover(data)
    notes: list[str] = []
    fed = {name: spec.markets(recorded_form(spec), found, notes) for name, spec in ROSTER.items()}
    fed = {name: markets for name, markets in fed.items() if markets}
    if not fed:
        wanted = "; ".join(f"{name}: {', '.join(spec.cls.needs())}" for name, spec in ROSTER.items())
        raise DataError(f"{data}: feeds no desk; wanted vendors' files, or tables with columns. {wanted}")
    ends = cuts({name: days for name, markets in fed.items() if len(days := lasting_days(markets))}, notes)
    desks = {}
    for name, markets in fed.items():
        spec = ROSTER[name]
        made = by_date(spec, markets, ends[name], pairs) if name in ends else by_row(spec, markets)
        if made is None:
            notes.append(f"{name}: too few rows to train on, choose on and be judged on")
        else:
            desks[name] = made
    if not any(desk.learning for desk in desks.values()):
        fed_desks = ", ".join(fed)
        raise DataError(
            f"{data}: no desk has {LEAST_DAYS} days, which a fund's streams need; found {fed_desks}"
        )
    absent = [name for name in ROSTER if name not in desks]
    empty = (f"no data for {name}: its sleeve lies in cash" for name in absent)
    return Gathered(desks, (*notes, *empty), repairs_of(fed))


def repairs_of(fed: Mapping[str, Markets]) -> tuple[str, ...]:
    """What the histories of all markets tell of how their files were read, a line each."""
    return tuple(
        f"{name} {label}: {policy}"
        for name, markets in fed.items()
        for label, market in markets.items()
        if market.history is not None
        for policy in market.history.policies
    )


def recorded_form(spec: Spec) -> Strategy:
    """A strategy as it is put on recorded markets."""
    return spec.cls.preset("history" if "history" in spec.cls.presets else "default")


def lasting_days(markets: Markets) -> Ints:
    """Days since 1970 on which one of a desk's lasting markets has a row; none for a desk within the day."""
    days = [days for market in markets.values() if len(days := np.unique(days_of(market))) >= LEAST_DAYS]
    return np.unique(np.concatenate(days)) if days else np.zeros(0, dtype=np.int64)


def cuts(days: Mapping[str, Ints], notes: list[str]) -> dict[str, tuple[int, int]]:
    """The days on which each desk's training and validation end: shares of the days that all have in common.

    A desk that shares too few days with the others is cut by its own, and noted.
    """
    shared, ends = dict(days), {}
    while len(shared) > 1 and len(common(shared)) < LEAST_DAYS:
        rest = {name: {k: v for k, v in shared.items() if k != name} for name in shared}
        odd = max(shared, key=lambda name: len(common(rest[name])))
        notes.append(f"{odd} shares too few days with the other desks: its test is another time")
        ends[odd] = _ends(shared.pop(odd))
    return {**ends, **{name: _ends(common(shared)) for name in shared}}


def common(days: Mapping[str, Ints]) -> Ints:
    """The days that all have."""
    first, *others = days.values()
    for other in others:
        first = np.intersect1d(first, other)
    return first


def _ends(days: Ints) -> tuple[int, int]:
    return int(days[int(TRAINING * len(days))]), int(days[int((TRAINING + VALIDATION) * len(days))])
