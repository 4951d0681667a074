"""A pandas DataFrame as a draft of a History. pandas is imported by whoever holds the frame, never at import.

Index or column of times: pandas 3 counts microseconds, older ones nanoseconds, either may be handed over; the
unit is never assumed. Stamps with a zone become UTC, or plain dates where all of them are local midnight.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fund.errors import DataError
from fund.market.cells import number, read_times
from fund.market.draft import DAY, Draft
from fund.market.table import TIME_NAMES, canonical, refuse_names

if TYPE_CHECKING:
    import pandas

Floats = NDArray[np.float64]


def draft_of_frame(frame: pandas.DataFrame, source: str) -> Draft:
    """The frame's numbers and stamps, unchecked but for their form; raises DataError with row and reason."""
    import pandas as pd

    if isinstance(frame, pd.Series):
        frame = frame.to_frame(str(frame.name or "close"))
    if not isinstance(frame, pd.DataFrame):
        raise DataError(f"{source}: found a {type(frame).__name__}, wanted a pandas DataFrame")
    if isinstance(frame.columns, pd.MultiIndex):
        raise DataError(
            f"{source}: the columns have several levels; select one, such as frame.xs(ticker, axis=1)"
        )
    if len(frame) == 0:
        raise DataError(f"{source}: the frame has no rows")
    names = [str(name) for name in frame.columns]
    times, at = _time_series(frame, names, source)
    kept = [k for k in range(len(names)) if k != at]
    names = [canonical(names[k]) for k in kept]
    refuse_names(names, source)
    lines = np.arange(len(frame), dtype=np.int64)
    draft = Draft(source, names, np.empty((len(frame), len(kept))), lines.copy(), lines, mark="row ")
    _stamp(draft, times)
    for column, k in enumerate(kept):
        draft.values[:, column] = _numbers(draft, names[column], frame.iloc[:, k])
    return draft


def _time_series(frame: pandas.DataFrame, names: list[str], source: str) -> tuple[pandas.Series, int | None]:
    import pandas as pd

    if isinstance(frame.index, pd.DatetimeIndex):
        return frame.index.to_series(), None
    found = [k for k, name in enumerate(names) if name.strip().lower() in TIME_NAMES]
    if len(found) > 1:
        raise DataError(
            f"{source}: several columns of times: {', '.join(names[k] for k in found)}; drop all but one"
        )
    if found:
        return frame.iloc[:, found[0]], found[0]
    if frame.index.dtype.kind in "OUT" or str(frame.index.dtype) in ("str", "string"):
        return frame.index.to_series(), None
    raise DataError(
        f"{source}: no dates: the index is {frame.index.dtype} and no column is named date or time"
    )


def _stamp(draft: Draft, times: pandas.Series) -> None:
    gone = np.flatnonzero(times.isna().to_numpy())
    if len(gone):
        draft.fault(int(gone[0]), "the stamp is missing (NaT)")
    if getattr(times.dtype, "kind", "O") != "M":
        out = read_times([str(cell) for cell in times], None, draft.fault)
        draft.times, draft.zone = out.times, out.zone
        draft.policies.extend(out.policies)
        return
    zone = getattr(times.dtype, "tz", None)
    if zone is None:
        draft.times = _micro(times)
        return
    local = _micro(times.dt.tz_localize(None))
    if not (local % DAY).any():
        draft.times, draft.zone = local, str(zone)
        draft.policies.append(f"stamps at midnight of {zone} taken as dates")
    else:
        draft.times, draft.zone = _micro(times.dt.tz_convert("UTC").dt.tz_localize(None)), "UTC"


def _micro(times: pandas.Series) -> NDArray[np.int64]:
    # through numpy's own unit conversion: .astype("int64") would count whatever unit the frame has
    stamps: NDArray[np.datetime64] = times.to_numpy().astype("datetime64[us]")
    return stamps.astype(np.int64)


def _numbers(draft: Draft, name: str, column: pandas.Series) -> Floats:
    kind = getattr(column.dtype, "kind", "O")
    if kind in "iuf":
        numbers: Floats = column.to_numpy(dtype=np.float64, na_value=np.nan)
        return numbers
    if kind in "bM" or kind == "m":
        draft.refuse(f'column "{name}" holds {column.dtype}, wanted numbers')
    cells = column.to_numpy(dtype=object, na_value=None)
    return np.array([_number(draft, name, row, cell) for row, cell in enumerate(cells)])


def _number(draft: Draft, name: str, row: int, cell: object) -> float:
    if cell is None:
        return float("nan")
    if isinstance(cell, bool) or not isinstance(cell, (int, float, str, np.number)):
        draft.fault(row, f"{name} holds a {type(cell).__name__}, wanted a number")
    try:
        return number(cell) if isinstance(cell, str) else float(cell)
    except (ValueError, OverflowError) as error:
        draft.fault(row, f"{name}: {error}")
