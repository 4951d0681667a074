"""A record for a desk out of the files that a user names, as one tape of all its rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from fund.calibration.calibration import Calibration
from fund.errors import DataError, UnknownName
from fund.market.draft import DAY
from fund.market.sources import builtin, columns, discover, sniff, tables
from fund.market.streams import Paths
from fund.market.tape import Tape
from fund.roster import Spec
from fund.strategy import Strategy

SATURDAY, TRADED = 5, 0.05  # share of days from which on Saturdays are traded


@dataclass(frozen=True)
class Files:
    """What a user names: files and folders, or `builtin`, and which market of several that they hold."""

    places: tuple[str, ...]
    market: str = ""

    def __str__(self) -> str:
        return ", ".join(self.places)

    def found(self) -> dict[str, list[Any]]:
        """The files by what they are, as `fund.market.sources.discover` groups them; raises DataError."""
        found: dict[str, list[Any]] = {}
        for place in self.places:
            for group, files in (builtin() if place == "builtin" else discover(place)).items():
                found.setdefault(group, []).extend(files)
        books = [path for path in found["unknown"] if sniff(path) == "lobster_book"]
        for message in [path for path in found["unknown"] if sniff(path) == "lobster_message"]:
            book = message.with_name(message.name.replace("message", "orderbook"))
            if book in books:  # named one by one
                found["order_book"].append((message, book))
        return found


def recorded(calibration: Calibration, spec: Spec, strategy: Strategy, files: Files) -> tuple[Strategy, Tape]:
    """The strategy on all rows of the record in these files, and the record's tape: one path.

    Raises DataError where no file feeds the strategy, where several do and none is named, for a price that is not above
    zero where its logarithm is taken, and for a record that is too short; UnknownName for a missing column or market.
    """
    found = files.found()
    notes: list[str] = []
    markets = spec.markets(strategy, found, notes)
    if not markets:  # bars within the day are kept apart from prices, and are what a stage plays on
        minutes = {"unknown": found["other"], "prices": []}
        markets = {name: strategy.on(table) for name, table in tables(minutes, strategy.needs()).items()}
    if not markets:
        _refuse_table(strategy, [*found["unknown"], *found["prices"]])
        raise DataError(
            f"{files}: no record for {spec.name}, wanted {calibration.files}{''.join(f'; {note}' for note in notes)}"
        )
    if files.market and files.market not in markets:
        raise UnknownName("market", files.market, markets)
    if len(markets) > 1 and not files.market:
        several = ", ".join(f'"{name}"' for name in markets)
        raise DataError(f"{files}: several markets, {several}; name one as --market, or its files alone")
    return whole(calibration, calibration.chosen(markets[files.market or next(iter(markets))]))


def whole(calibration: Calibration, desk: Strategy) -> tuple[Strategy, Tape]:
    """The desk over all rows of its history that the warm-up leaves, and its tape; raises DataError."""
    assert desk.history is not None
    if calibration.logs:
        _refuse_low(desk)
    if calibration.daily and calibration.thinned and calibration.bounds:
        desk = once_a_day(desk)
    assert desk.history is not None
    history, steps = desk.history, calibration.steps(desk)
    if steps < calibration.least_steps:
        short = f"{len(history)} rows make {max(steps, 0)} steps after warming up"
        raise DataError(f"{history.source}: {short}, wanted {calibration.least_steps} or more")
    desk = desk.with_steps(steps)
    return desk, desk.record(Paths.of(0, 1))


def once_a_day(desk: Strategy) -> Strategy:
    """The desk on the last row of each trading day of its record: what is fitted is a market of days.

    Hours would be taken for days, and the hours of a Sunday evening for a sixth day of the week: where Saturdays are
    not traded, Sundays are a part of Monday.
    """
    history = desk.history
    assert history is not None
    days = history.times // DAY
    last = np.flatnonzero(np.diff(days, append=days[-1] + 1))
    weekday = (days[last] + 3) % 7  # day 0 was a Thursday
    if (weekday == SATURDAY).mean() < TRADED:
        last = last[weekday < SATURDAY]
    if len(last) == len(history):
        return desk
    note = f"the last row of each trading day kept, {len(last)} of {len(history)}"
    thin = replace(
        history, times=history.times[last], values=history.values[last], policies=(*history.policies, note)
    )
    return desk.on(thin)


def _refuse_table(strategy: Strategy, files: Sequence[Any]) -> None:
    # a table of the user's own in which a column is missing
    for path in files:
        names = columns(path) if isinstance(path, Path) else []
        missing = [name for name in strategy.needs() if name not in names]
        if len(names) > 1 and 0 < len(missing) < len(strategy.needs()):
            raise UnknownName(f"{path}: column", missing[0], names)


def _refuse_low(desk: Strategy) -> None:
    history = desk.history
    assert history is not None
    for name in desk.needs():
        if name in history.names and (history.column(name) <= 0.0).any():
            row = int(np.argmax(history.column(name) <= 0.0))
            raise DataError(
                f"{history.source}:row {row} ({history.dates[row]}): {name} is {history.column(name)[row]:g}, "
                "wanted a price above 0: its logarithm is taken"
            )
