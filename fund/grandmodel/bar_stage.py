"""What the strategic and the tactical stage have in common: agents who look back on columns of one matrix of bars."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fund.errors import InvalidParameter
from fund.grandmodel.summary import STATISTICS, summary
from fund.stage import Scene

OWN = ("position", "drawdown")  # what an agent is told of the account


def rows_of(width: int) -> Callable[[Sequence[int]], int]:
    """Reads a configuration's matrix shape as its rows; raises InvalidParameter where it has another width."""

    def read(shape: Sequence[int]) -> int:
        if len(shape) != 2 or shape[1] != width:
            raise InvalidParameter(f"matrix_shape is {list(shape)}, wanted [rows, {width}]")
        return int(shape[0])

    return read


def columns_of(
    name: str, matrix: Sequence[str], given: Mapping[str, Any], places: Sequence[int]
) -> tuple[str, ...]:
    """The columns that an agent sees, at `places` unless `given` says others; raises InvalidParameter."""
    columns = tuple(matrix[k] for k in given.get(f"columns_{name}", places))
    if len(set(columns)) != len(columns):
        raise InvalidParameter(f"{name}: observation_columns {columns}: one stands twice")
    return columns


def central_names(matrix: Sequence[str]) -> tuple[str, ...]:
    """Names of the first numbers of the central state."""
    return tuple(f"{column}_{statistic}" for statistic in STATISTICS for column in matrix)


def central_state(scene: Scene, matrix: tuple[str, ...], window: int, told: Any) -> NDArray[np.float32]:
    """Statistics of the matrix's columns over the window, then what is told, (n, 6 columns + told)."""
    return np.concatenate([summary(scene.window(matrix, window)), told], axis=1, dtype=np.float32)
