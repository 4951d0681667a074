"""Frames: a DataFrame of any time unit and shape gives the same table, or one line of refusal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fund.errors import DataError, UnknownName
from fund.market.draft import DAY, Rules
from fund.market.history import History

NEW_YEAR = 18_262  # days from 1970-01-01 to 2020-01-01


DATES = [(NEW_YEAR + k) * DAY for k in range(12)]


def frame(rows: int = 12, **columns: Any) -> pd.DataFrame:
    data = {"Close": 100.0 + np.arange(rows), **columns}
    return pd.DataFrame(data, index=pd.date_range("2020-01-01", periods=rows))


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_frames_of_every_time_unit_agree(unit: str) -> None:
    given = frame()
    given.index = given.index.as_unit(unit)
    history = History.from_frame(given, required=("close",))
    assert history.times.tolist() == DATES
    assert history.column("close").tolist() == [100.0 + k for k in range(12)]
    assert (history.names, history.source) == (("close",), "frame")


def as_column(given: pd.DataFrame) -> pd.DataFrame:
    return given.rename_axis("Date").reset_index()


@pytest.mark.parametrize(
    "change",
    [
        as_column,
        lambda given: as_column(given).assign(Date=lambda f: f["Date"].astype(str)),
        lambda given: as_column(given).assign(Date=lambda f: f["Date"].dt.date),
        lambda given: as_column(given).assign(Date=lambda f: f["Date"].dt.strftime("%Y%m%d").astype(int)),
        lambda given: given.set_axis(given.index.astype(str)),
        lambda given: given.tz_localize("America/New_York"),
        lambda given: given.tz_localize("UTC"),
        lambda given: given.astype({"Close": object}),
        lambda given: given.astype({"Close": "Float64"}),
        lambda given: given.astype({"Close": str}),
        lambda given: given.astype({"Close": int}),
        lambda given: given[::-1],
        lambda given: given["Close"],
    ],
)
def test_frames_in_many_shapes_give_the_same_table(change: Callable[[pd.DataFrame], Any]) -> None:
    history = History.from_frame(change(frame()))
    assert history.times.tolist() == DATES
    assert history.column("close").tolist() == [100.0 + k for k in range(12)]


def test_stamps_with_a_zone_become_utc() -> None:
    given = frame()
    given.index = (given.index + pd.Timedelta(hours=16)).tz_localize("America/New_York")
    history = History.from_frame(given)
    assert history.zone == "UTC"
    assert history.times[0] == NEW_YEAR * DAY + 21 * DAY // 24


def with_cell(row: int, value: Any) -> pd.DataFrame:
    given = frame().astype({"Close": object})
    given.iloc[row, 0] = value
    return given


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (with_cell(5, None), 'frame:row 5: no value in column "close"'),
        (with_cell(5, float("nan")), 'frame:row 5: no value in column "close"'),
        (with_cell(5, float("inf")), "frame:row 5: close inf is not a finite number"),
        (with_cell(5, "about 5"), 'frame:row 5: close: "about 5" is not a number'),
        (with_cell(5, True), "frame:row 5: close holds a bool, wanted a number"),
        (with_cell(5, [1]), "frame:row 5: close holds a list, wanted a number"),
        (with_cell(5, -3.0), "frame:row 5: close -3 is not positive"),
        (with_cell(5, 10500.0), "frame:row 5: close goes from 104 to 10500"),
        (frame().iloc[[0, 1, 3, 2, 4]], "frame:row 3: 2020-01-03 comes after 2020-01-04"),
        (frame().set_axis([pd.NaT, *frame().index[1:]]), "frame:row 0: the stamp is missing"),
        (frame().reset_index(drop=True), "no dates: the index is int64"),
        (frame().iloc[:0], "the frame has no rows"),
        (frame().assign(close=1.0), 'the column "close" comes twice'),
        (frame().assign(flag=True), 'column "flag" holds bool'),
        (frame().set_axis(pd.MultiIndex.from_tuples([("Close", "KO")]), axis=1), "several levels"),
        (frame().set_axis(np.arange(12) + 1577836800, axis=0).rename_axis("Date").reset_index(), "epoch"),
        ([1, 2, 3], "found a list, wanted a pandas DataFrame"),
    ],
)
def test_what_a_frame_is_refused_for(given: Any, reason: str) -> None:
    with pytest.raises(DataError) as refusal:
        History.from_frame(given)
    assert reason in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_frame_without_a_required_column() -> None:
    with pytest.raises(UnknownName, match='No column "close". Did you mean "clsoe"'):
        History.from_frame(frame().rename(columns={"Close": "clsoe"}), required=("close",))


def test_frame_of_returns() -> None:
    given = pd.DataFrame({"Mkt-RF": [0.01, -0.02, 0.0]}, index=pd.date_range("2020-01-01", periods=3))
    assert History.from_frame(given, rules=Rules(kind="returns")).column("Mkt-RF").tolist() == [
        0.01,
        -0.02,
        0.0,
    ]
    with pytest.raises(DataError, match=r"frame:row 1: Mkt-RF -2 is no return in decimals \(percent"):
        History.from_frame(given * 100, rules=Rules(kind="returns"))
