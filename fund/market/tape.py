"""The tape: the whole exogenous history of n episodes, drawn or read before the first step.

Row t holds what is known at time t. A step reads row t to decide and row t+1 to fill and to mark; nothing that
an agent does changes the tape. Hence bit-exact replays, paired comparisons and no look-ahead by construction.

Two blocks, both time-major and within a row path by path, so that paths in lockstep read memory in order:

- `block`     (T+1, columns, n) float64: whatever touches money, by column name
- `features`  (T+1, n, width) float32: the causal part of the observation, laid out as the observation itself;
              slots that depend on the agent's own account hold zero until the step fills them
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fund.errors import DataError, UnknownName

Floats = NDArray[np.float64]


def places(names: Sequence[str]) -> Any:
    """Where each name stands: `places(("bid", "ask")).ask` is 1, to compiled code a constant."""
    return namedtuple("Places", names)(*range(len(names)))


@dataclass(frozen=True)
class Tape:
    """Market columns by name, one block for n paths and T steps."""

    columns: tuple[str, ...]
    block: Floats  # (T+1, columns, n)
    features: NDArray[np.float32]  # (T+1, n, width)
    # (n,) first source row
    rows: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    # (rows, n, width) features of the rows before row 0, for observations that look back
    past: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 0, 0), dtype=np.float32))

    @property
    def n(self) -> int:
        """Paths."""
        return int(self.block.shape[2])

    @property
    def steps(self) -> int:
        """Steps T; there are T+1 rows."""
        return int(self.block.shape[0]) - 1

    @property
    def by_path(self) -> Floats:
        """The block as it lies in memory, (T+1, n, columns)."""
        return self.block.transpose(0, 2, 1)

    def __getitem__(self, column: str) -> Floats:
        """One column, (T+1, n); raises UnknownName."""
        if column not in self.columns:
            raise UnknownName("column", column, self.columns)
        return self.block[:, self.columns.index(column), :]

    def paths(self, keep: slice | NDArray[np.intp]) -> Tape:
        """The same tape for some of its paths."""
        rows = self.rows[keep] if self.rows.size else self.rows
        past = self.past[:, keep] if self.past.size else self.past
        return replace(
            self, block=self.block[:, :, keep], features=self.features[:, keep], rows=rows, past=past
        )

    def widened(self, n: int) -> Tape:
        """A tape of n paths whose first are these; the others wait to be `put`."""
        block = empty_block(self.block.shape[0], len(self.columns), n)
        features = np.zeros((self.features.shape[0], n, self.features.shape[2]), dtype=np.float32)
        rows = np.zeros(n if self.rows.size else 0, dtype=np.int64)
        past = np.zeros(
            (self.past.shape[0], n if self.past.size else 0, self.past.shape[2]), dtype=np.float32
        )
        wide = replace(self, block=block, features=features, rows=rows, past=past)
        wide.put(np.arange(self.n), self)
        return wide

    def put(self, index: NDArray[np.intp], other: Tape) -> None:
        """Overwrite some paths by those of another tape of the same shape (new episodes of a running batch)."""
        self.block[:, :, index] = other.block
        self.features[:, index] = other.features
        if self.rows.size:
            self.rows[index] = other.rows
        if self.past.size:
            self.past[:, index] = other.past


def empty_block(rows: int, columns: int, n: int) -> Floats:
    """A block of zeros, (rows, columns, n), in whose memory the columns of one path and row lie side by side.

    A step reads all columns of a path at once: side by side they are two cache lines, apart they are as many
    streams as there are columns, more than a processor follows.
    """
    return np.zeros((rows, n, columns)).transpose(0, 2, 1)


def write_tape(
    columns: Mapping[str, Floats],
    features: Mapping[str, Floats],
    layout: Sequence[str],
    rows: NDArray[np.int64] | None = None,
) -> Tape:
    """Lay columns and features, each (T+1, n), out as a tape.

    `layout` names the observation's slots in order; a slot without a feature is the account's. Raises DataError
    where a number is not finite, with the name and the first row.
    """
    names = tuple(columns)
    first = columns[names[0]]
    block = empty_block(first.shape[0], len(names), first.shape[1])
    for k, name in enumerate(names):
        block[:, k, :] = columns[name]
        _finite(name, block[:, k, :])
    wide = np.zeros((*first.shape, len(layout)), dtype=np.float32)
    unknown = [name for name in features if name not in layout]
    if unknown:
        raise UnknownName("feature", unknown[0], layout)
    for k, name in enumerate(layout):
        if name in features:
            wide[:, :, k] = features[name]
            _finite(name, wide[:, :, k])
    origin = np.zeros(0, dtype=np.int64) if rows is None else rows
    return Tape(names, block, wide, origin)


def _finite(name: str, values: NDArray[np.floating]) -> None:
    # a sum is finite only if all are (or nearly always): the slow look happens only when it is not
    if np.isfinite(values.sum()):
        return
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        t, path = bad[0]
        raise DataError(
            f'column "{name}", row {t}, path {path}: found {values[t, path]}, wanted a finite number'
        )
