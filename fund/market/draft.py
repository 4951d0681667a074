"""A table on its way in: what it must satisfy (`Rules`) and its state while it is checked (`Draft`)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from fund.errors import DataError, InvalidParameter

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

BARS = ("open", "high", "low", "close")
DAY = 86_400_000_000  # microseconds
_AMOUNT = re.compile(r"(?:.*_)?(?:volume|size|dividend|split|interest|trades|count|spread)")  # none a price
_CHOICES = {
    "kind": ("prices", "returns", "numbers"),
    "missing": ("refuse", "drop", "hold"),
    "zero_volume": ("drop", "keep", "refuse"),
    "bars": ("refuse", "repair"),
}


@dataclass(frozen=True)
class Rules:
    """What is checked and what may be repaired.

    `prices` are positive and move at most `max_jump`-fold from row to row; `returns` are decimals within
    [-1, 1]; `numbers` are finite. `max_gap` is in days; without it, ten days for daily and intraday rows, and
    less than two steps for slower ones. Raises InvalidParameter for an unknown choice.
    """

    kind: str = "prices"
    missing: str = "refuse"
    hold_limit: int = 3  # consecutive rows
    zero_volume: str = "drop"
    bars: str = "refuse"
    max_jump: float = 10.0
    max_reach: float = 3.0  # of a high or low beyond open and close
    max_gap: float | None = None

    def __post_init__(self) -> None:
        """Refuse unknown choices and limits without sense."""
        for name, known in _CHOICES.items():
            found = getattr(self, name)
            if found not in known:
                raise InvalidParameter(f'{name}: found "{found}", wanted one of {", ".join(known)}')
        if self.hold_limit < 0 or not min(self.max_jump, self.max_reach) > 1:
            raise InvalidParameter("hold_limit must be at least 0, max_jump and max_reach more than 1")
        if self.max_gap is not None and not self.max_gap > 0:
            raise InvalidParameter(f"max_gap: found {self.max_gap}, wanted days above 0")


def is_amount(name: str) -> bool:
    """A column of volumes, sizes, dividends, splits, ...: not negative, but free to jump and to be zero."""
    return _AMOUNT.fullmatch(name) is not None


@dataclass
class Draft:
    """A table being checked: numbers, stamps, and the line each row stands on."""

    source: str
    names: list[str]
    values: Floats  # (rows, columns)
    times: Ints  # (rows,) microseconds
    lines: Ints  # (rows,) line of the file, or row of the frame
    zone: str = ""
    policies: list[str] = field(default_factory=list)
    mark: str = ""  # before the line number: "" for files, "row " for frames

    def fault(self, row: int, reason: str) -> NoReturn:
        """Raise DataError for a row of the draft."""
        raise DataError(f"{self.source}:{self.mark}{self.lines[row]}: {reason}")

    def refuse(self, reason: str) -> NoReturn:
        """Raise DataError for the table as a whole."""
        raise DataError(f"{self.source}: {reason}")

    def place(self, row: int) -> str:
        """Where a row stands, in words."""
        return f"{self.mark or 'line '}{self.lines[row]}"

    def stamp(self, row: int) -> str:
        """The time of a row as text."""
        text = str(np.datetime64(int(self.times[row]), "us"))
        return text[:10] if text.endswith("T00:00:00.000000") else text.removesuffix(".000000")

    def keep(self, mask: NDArray[np.bool_] | slice) -> None:
        """Keep some rows, in the order given."""
        self.values, self.times, self.lines = self.values[mask], self.times[mask], self.lines[mask]

    def drop(self, bad: NDArray[np.bool_], what: str) -> None:
        """Drop rows by policy, naming the first."""
        if bad.any():
            first = int(np.flatnonzero(bad)[0])
            self.policies.append(f"{what}: {int(bad.sum())} rows dropped (first at {self.place(first)})")
            self.keep(~bad)

    def columns(self, names: Sequence[str]) -> list[int]:
        """Positions of those of the names that are here."""
        return [self.names.index(name) for name in names if name in self.names]
