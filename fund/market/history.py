"""History: a checked, frozen table of numbers by time, the one form in which files and frames reach a desk.

Every cell is finite, stamps ascend strictly, names are unique, and nothing can be changed afterwards: the
arrays are read-only, also after pickling. A slice keeps the row ids of the table it was cut from, so that a test
can prove which rows a desk has read. What was repaired on the way in stands in `policies`, with counts.

    train | embargo | validation | embargo | test          (chronological; the embargo rows belong to no part)
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fund.errors import DataError, InvalidParameter, UnknownName
from fund.market.checks import put_right
from fund.market.draft import DAY, Draft, Rules

if TYPE_CHECKING:
    import pandas

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False, repr=False)
class History:
    """Numbers by time: `values` (rows, columns) float64 at `times` (rows,), microseconds since 1970.

    The zone of `times` is `zone`: "UTC", a zone's name, "local date" for dates without time, or "" where the
    file does not say. Raises DataError where the shapes differ, a name comes twice, a cell is not finite or a
    stamp does not come after the one before. Equal where names, zone, numbers and row ids are.
    """

    names: tuple[str, ...]
    values: Floats  # (rows, columns), read-only
    times: Ints  # (rows,), read-only
    zone: str = ""
    source: str = ""
    policies: tuple[str, ...] = ()
    first_row: int = 0  # of this slice, in the table it was cut from

    def __post_init__(self) -> None:
        """Lock the arrays and check them."""
        object.__setattr__(self, "names", tuple(str(name) for name in self.names))
        object.__setattr__(self, "policies", tuple(self.policies))
        object.__setattr__(self, "values", _locked(self.values, np.float64))
        object.__setattr__(self, "times", _locked(self.times, np.int64))
        self._check()

    def _check(self) -> None:
        rows, width = len(self.times), len(self.names)
        if self.values.shape != (rows, width) or self.times.ndim != 1:
            shapes = f"values {self.values.shape}, times {self.times.shape}, {width} names"
            raise DataError(f"{self.source}: {shapes}; wanted (rows, columns), (rows,) and one name a column")
        twice = [name for k, name in enumerate(self.names) if name in self.names[:k] or not name]
        if twice:
            raise DataError(f'{self.source}: the column name "{twice[0]}" is empty or comes twice')
        if not np.isfinite(self.values).all():
            row, column = (int(k) for k in np.argwhere(~np.isfinite(self.values))[0])
            raise DataError(f"{self.source}:row {row}: {self.names[column]} is not a finite number")
        late = np.flatnonzero(np.diff(self.times) <= 0)
        if len(late):
            raise DataError(f"{self.source}:row {late[0] + 1}: the stamp is not after the one before")

    def __len__(self) -> int:
        """Rows."""
        return len(self.times)

    def __repr__(self) -> str:
        """One line, whatever the size."""
        ends = self.times[[0, -1]].view("datetime64[us]") if len(self) else self.times
        span = " to ".join(str(end)[:19].removesuffix("T00:00:00") for end in ends) or "empty"
        names = ", ".join(self.names[:6]) + (", ..." if len(self.names) > 6 else "")
        return (
            f"History({len(self)} rows, {span}, [{names}], source={self.source!r}, sha256={self.sha256[:12]})"
        )

    def __eq__(self, other: object) -> bool:
        """The same content and row ids."""
        if not isinstance(other, History):
            return NotImplemented
        return (other.first_row, other.sha256) == (self.first_row, self.sha256)

    def __hash__(self) -> int:
        """By content and row ids."""
        return hash((self.sha256, self.first_row))

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle through the constructor: the arrays of a plain copy would be writable."""
        fields = (self.names, self.values, self.times, self.zone, self.source, self.policies, self.first_row)
        return History, fields

    @functools.cached_property
    def sha256(self) -> str:
        """Hash of the content (names, zone, times, values), whatever the file's name and packing."""
        digest = hashlib.sha256("\0".join((*self.names, self.zone)).encode())
        digest.update(self.times.astype("<i8").tobytes())
        digest.update(self.values.astype("<f8").tobytes())
        return digest.hexdigest()

    @property
    def rows(self) -> Ints:
        """Row ids (rows,) in the table this one was cut from."""
        return np.arange(self.first_row, self.first_row + len(self), dtype=np.int64)

    @property
    def dates(self) -> NDArray[np.datetime64]:
        """Stamps (rows,) as numpy times of microseconds, or of days where no row has a time of day."""
        stamps = self.times.view("datetime64[us]")
        return stamps if (self.times % DAY).any() else stamps.astype("datetime64[D]")

    @property
    def step(self) -> int:
        """Median distance of two rows, microseconds; 0 for a single row."""
        return int(np.median(np.diff(self.times))) if len(self) > 1 else 0

    def column(self, name: str) -> Floats:
        """One column (rows,), read-only; raises UnknownName."""
        if name not in self.names:
            raise UnknownName("column", name, self.names)
        return self.values[:, self.names.index(name)]

    def positive(self, name: str) -> Floats:
        """One column (rows,) all above zero, where a logarithm or a ratio is taken.

        Raises UnknownName, and DataError with the row and the date of the first number that is not.
        """
        found = self.column(name)
        low = np.flatnonzero(found <= 0.0)
        if len(low):
            row = int(low[0])
            raise DataError(f"{self.place(row)}: {name} is {found[row]:.6g}, wanted above 0")
        return found

    def place(self, row: int) -> str:
        """Where a row stands, for a message: source, row id and date."""
        return f"{self.source}:row {self.first_row + row} ({self.dates[row]})"

    def select(self, names: Sequence[str]) -> History:
        """The same rows with some of the columns, in the order asked for; raises UnknownName."""
        columns = [self.column(name) for name in names]
        return replace(self, names=tuple(names), values=np.column_stack(columns))

    def rename(self, names: Mapping[str, str]) -> History:
        """The same numbers under other names, old to new; raises UnknownName for an old name not here."""
        for name in names:
            self.column(name)
        return replace(self, names=tuple(names.get(name, name) for name in self.names))

    def window(self, start: int, length: int) -> History:
        """Rows `start` to `start + length`, with their row ids; raises DataError beyond the end."""
        if start < 0 or length < 1 or start + length > len(self):
            raise DataError(
                f"{self.source}: rows {start} to {start + length} asked for, there are {len(self)}"
            )
        cut = slice(start, start + length)
        return replace(self, values=self.values[cut], times=self.times[cut], first_row=self.first_row + start)

    def windows(self, length: int, stride: int) -> Iterator[History]:
        """All windows of a length, `stride` rows apart, oldest first."""
        for start in range(0, len(self) - length + 1, stride):
            yield self.window(start, length)

    def between(self, first: str, last: str) -> History:
        """Rows from the first ISO date to the last, both included; raises DataError where there is none."""
        try:
            lower = int(np.datetime64(first, "us").astype(np.int64))
            upper = int(np.datetime64(last, "us").astype(np.int64)) + (DAY - 1 if len(last) <= 10 else 0)
        except ValueError as error:
            raise InvalidParameter(f'found "{first}" and "{last}", wanted two ISO dates: {error}') from None
        start, stop = np.searchsorted(self.times, [lower, upper + 1])
        if start == stop:
            raise DataError(f"{self.source}: no row between {first} and {last}; it has {self!r}")
        return self.window(int(start), int(stop - start))

    def split(self, train: float, validation: float, embargo: int) -> tuple[History, History, History]:
        """Chronological train, validation and test parts, `embargo` rows between them belonging to none.

        `train` and `validation` are shares of the rows below 1, or numbers of rows; the rest is the test part.
        Raises InvalidParameter where a part would be left with fewer than two rows.
        """
        sizes = [int(share * len(self)) if share < 1 else int(share) for share in (train, validation)]
        sizes.append(len(self) - sum(sizes) - 2 * embargo)
        if embargo < 0 or min(sizes) < 2:
            raise InvalidParameter(
                f"split of {len(self)} rows into train {sizes[0]}, validation {sizes[1]}, test {sizes[2]} "
                f"with an embargo of {embargo}: each part needs two rows"
            )
        second = sizes[0] + embargo
        third = second + sizes[1] + embargo
        return self.window(0, sizes[0]), self.window(second, sizes[1]), self.window(third, sizes[2])

    def join(self, other: History) -> History:
        """Both tables side by side on their common stamps, no value filled; the rows left out are recorded.

        Raises DataError for a name in both, for two zones, and where fewer than two stamps are common.
        """
        both = set(self.names) & set(other.names)
        if both:
            raise DataError(f'both {self.source} and {other.source} have a column "{min(both)}"; rename one')
        _refuse_zones(self, other)
        times, mine, theirs = np.intersect1d(self.times, other.times, assume_unique=True, return_indices=True)
        if len(times) < 2:
            raise DataError(
                f"{self.source} and {other.source} have {len(times)} stamps in common, wanted two or more"
            )
        left = [f"{len(table) - len(times)} of {len(table)}" for table in (self, other)]
        note = (
            f"joined {self.source} and {other.source} on {len(times)} stamps: {' and '.join(left)} left out"
        )
        policies = (*self.policies, *(p for p in other.policies if p not in self.policies), note)
        values = np.hstack([self.values[mine], other.values[theirs]])
        source = f"{self.source} + {other.source}"
        zone = self.zone if self.zone == other.zone else ""
        return History(self.names + other.names, values, times, zone, source, policies)

    @classmethod
    def from_frame(
        cls,
        frame: pandas.DataFrame,
        required: Sequence[str] = (),
        rules: Rules | None = None,
        source: str = "frame",
    ) -> History:
        """A pandas DataFrame whose index (or a column named date, time, ...) holds the dates, all checks applied.

        Names such as Close and "Adj Close" become close and adjusted_close. Raises DataError with the row and
        the reason, and UnknownName with the nearest name for a required column that is missing.
        """
        from fund.market.frames import draft_of_frame

        return from_draft(draft_of_frame(frame, source), rules or Rules(), required)


def from_draft(draft: Draft, rules: Rules, required: Sequence[str] = ()) -> History:
    """A draft checked and frozen. Raises DataError, and UnknownName for a required column that is missing."""
    put_right(draft, rules)
    for name in required:
        if name not in draft.names:
            raise UnknownName("column", name, draft.names)
    return freeze(draft)


def freeze(draft: Draft) -> History:
    """The draft as it stands, as a History."""
    policies = tuple(draft.policies)
    return History(tuple(draft.names), draft.values, draft.times, draft.zone, draft.source, policies)


def panel(histories: Mapping[str, History], column: str) -> History:
    """One column of several histories side by side on their common stamps, named by the mapping's keys.

    Raises DataError where zones differ or fewer than two stamps are common to all.
    """
    parts = list(histories.values())
    if not parts:
        raise DataError("no history given, wanted one or more")
    for part in parts[1:]:
        _refuse_zones(parts[0], part)
    times = functools.reduce(np.intersect1d, [part.times for part in parts])
    if len(times) < 2:
        raise DataError(f"{', '.join(histories)} have {len(times)} stamps in common, wanted two or more")
    values = [part.column(column)[np.searchsorted(part.times, times)] for part in parts]
    notes = [f"{name}: {policy}" for name, part in histories.items() for policy in part.policies]
    short = [f"{name} {len(part) - len(times)}" for name, part in histories.items() if len(part) > len(times)]
    notes.append(f"{column} on {len(times)} common stamps; rows left out: {', '.join(short) or 'none'}")
    source = " + ".join(part.source for part in parts)
    return History(tuple(histories), np.column_stack(values), times, parts[0].zone, source, tuple(notes))


def _refuse_zones(one: History, other: History) -> None:
    # dates without a time of day meet unless both name a zone; stamps meet only within one zone
    named = {one.zone, other.zone} - {"", "local date"}
    clocks = (one.times % DAY).any() or (other.times % DAY).any()
    if len(named) > 1 or (clocks and one.zone != other.zone):
        zones = [f'{table.source} is in zone "{table.zone or "not stated"}"' for table in (one, other)]
        raise DataError(f"{zones[0]}, {zones[1]}: convert or declare one")


def _locked(array: NDArray[Any], kind: type) -> NDArray[Any]:
    # a view of memory that nobody can write to needs no copy: windows are free
    kept = isinstance(array, np.ndarray) and array.dtype == kind and array.flags.c_contiguous
    owner = array.base if kept and array.base is not None else array
    if kept and not array.flags.writeable and isinstance(owner, np.ndarray) and not owner.flags.writeable:
        return array
    out: NDArray[Any] = np.array(array, dtype=kind, order="C")
    out.setflags(write=False)
    return out
