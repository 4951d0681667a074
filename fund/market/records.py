"""Several records of one kind as one market: a path draws the record that its window lies in.

A user may have thirteen futures curves or twenty days of an order book. Side by side they would be cut to their
common rows, and a roll that falls on a row left out would become a profit; one after the other each keeps its own
rows. Row ids count on from record to record, so that they still say which rows a desk has read.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from fund.errors import DataError
from fund.market.draft import DAY
from fund.market.history import History
from fund.market.streams import Paths
from fund.market.tape import Tape

Ints = NDArray[np.int64]


class Named(Protocol):
    """A desk, as far as this module knows one."""

    @property
    def n_steps(self) -> int:
        """Steps an episode."""

    @property
    def name(self) -> str:
        """Whose streams of random numbers are drawn from."""


S = TypeVar("S", bound=Named)


@dataclass(frozen=True, eq=False, repr=False)
class Records(History):
    """Histories with the same columns, one below the other; stamps ascend within each."""

    lengths: tuple[int, ...] = ()  # rows of each

    def _check(self) -> None:
        if sum(self.lengths) != len(self.times):
            raise DataError(f"{self.source}: records of {self.lengths} rows in {len(self.times)}")
        _ = self.parts  # each is checked when it is made

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle through the constructor, as a History does."""
        return Records, tuple(getattr(self, field.name) for field in fields(self))

    @functools.cached_property
    def parts(self) -> tuple[History, ...]:
        """The histories, with row ids of the whole."""
        ends = np.cumsum((0, *self.lengths))
        return tuple(
            History(
                self.names, self.values[a:b], self.times[a:b], self.zone, self.source, self.policies,
                self.first_row + int(a),
            )
            for a, b in pairwise(ends)
        )  # fmt: skip


def together(records: Mapping[str, History]) -> History:
    """Histories by their names as one; with a single one, that one. Columns that not all have are left out.

    Raises DataError where there is none.
    """
    if not records:
        raise DataError("no history given, wanted one or more")
    first = next(iter(records.values()))
    if len(records) == 1:
        return first
    shared = [name for name in first.names if all(name in one.names for one in records.values())]
    parts = [one.select(shared) for one in records.values()]
    notes = tuple(f"{name}: {policy}" for name, one in records.items() for policy in one.policies)
    return Records(
        names=tuple(shared),
        values=np.vstack([part.values for part in parts]),
        times=np.concatenate([part.times for part in parts]),
        zone=first.zone,
        source=", ".join(records),
        policies=notes,
        lengths=tuple(len(part) for part in parts),
    )


def each_record(record: Callable[[S, History, Paths], Tape]) -> Callable[[S, History, Paths], Tape]:
    """A function that draws windows of a history, made to draw each path's record first."""

    @functools.wraps(record)
    def drawn(strategy: S, history: History, paths: Paths) -> Tape:
        if not isinstance(history, Records):
            return record(strategy, history, paths)
        parts = history.parts
        chosen = paths.streams(strategy.name).integers("record", len(parts))
        return by_choice(paths, chosen, len(parts), lambda k, some: record(strategy, parts[k], some))

    return drawn


def by_choice(
    paths: Paths, chosen: NDArray[np.int64], count: int, record: Callable[[int, Paths], Tape]
) -> Tape:
    """The tape of paths of which each has chosen, (n,), one of `count` markets."""
    tape = record(0, paths)
    for k in range(1, count):
        which = np.flatnonzero(chosen == k)
        if len(which):
            seeds, episodes = (tuple(names[i] for i in which) for names in (paths.seeds, paths.episodes))
            tape.put(which, record(k, Paths(seeds, episodes)))
    return tape


def window_starts(desk: Named, history: History, paths: Paths, warm_up: int, rows: int = 0) -> Ints:
    """First rows (n,) of windows of `warm_up` rows, the one of the opening and `n_steps` more, drawn by each path.

    Of the first `rows` rows where a number is given. Raises DataError where the record is too short for one.
    """
    there, wanted = rows or len(history), warm_up + desk.n_steps + 1
    if there < wanted:
        parts = f"{warm_up} to warm up, {desk.n_steps} steps"
        raise DataError(f"{history.source}: {there} rows, wanted {wanted} ({parts})")
    return paths.streams(desk.name).integers("window", there - wanted + 1)


def without_holes(history: History, days: int = 35) -> History:
    """The longest part of a history in which no two rows are more than so many days apart, noted where it is cut."""
    ends = np.flatnonzero(np.diff(history.times) > days * DAY) + 1
    if not len(ends):
        return history
    start, stop = max(pairwise([0, *map(int, ends), len(history)]), key=lambda edge: edge[1] - edge[0])
    note = f"{len(ends)} holes of more than {days} days: rows {start} to {stop} of {len(history)} kept"
    return replace(history.window(start, stop - start), policies=(*history.policies, note))
