"""Recorded markets: windows of a chain of contract prices as tapes. The chains are put together in `chains`.

A history of this desk has the columns `near` and `far`: prices at each row of the contracts held *into* it. They may
be negative, and nothing here takes a logarithm. What a reader knows of contracts stands in further columns, each of
which may be missing:

    near_in, far_in        price of the contract held *from* the row on; another one where a leg rolls
    near_rolls, far_rolls  1 where it is another one
    open                   0 where no position can be held from the row on: an incoming contract has no price yet
    far_gap                years from near's delivery to far's
    third, third_gap       price of a later contract, and years from near's delivery to its
    to_delivery            years until near's delivery month
    open_interest          of the contracts looked at

A window has `n_steps` + 1 rows; `WARM_UP` rows before it feed the features and are never traded.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fund.errors import DataError
from fund.market.draft import DAY
from fund.market.history import History
from fund.market.records import each_record, window_starts
from fund.market.streams import Paths
from fund.market.tape import Tape
from specialists.futures_spreads.features import WARM_UP, YEAR, Chain, empty, fill

if TYPE_CHECKING:
    from specialists.futures_spreads.strategy import FuturesSpreads

Floats = NDArray[np.float64]

CHUNK = 64  # paths written together
INVENTORY_ROWS = 5
SOONEST = 1.0 / 12.0  # years between two contracts of which nothing is known


@each_record
def windows(desk: FuturesSpreads, history: History, paths: Paths) -> Tape:
    """The tape of windows whose starts are drawn, one a path; raises DataError where the record is too short."""
    gap = max(abs(desk.far_contract - desk.near_contract) * desk.contract_days / YEAR, SOONEST)
    whole = _rows(history, gap)
    start = window_starts(desk, history, paths, WARM_UP)
    tape = empty(desk.n_steps, len(paths))
    for first in range(0, len(paths), CHUNK):
        rows = start[first : first + CHUNK, None] + np.arange(WARM_UP + desk.n_steps + 1)
        part = Chain(*(column[rows] for column in whole))
        part.margin[:], part.cost[:] = desk.initial_margin, desk.cost_rate
        fill(desk, part, tape, first)
    return Tape(tape.columns, tape.block, tape.features, history.rows[start + WARM_UP])


@lru_cache(maxsize=8)
def _rows(history: History, gap: float) -> Chain:
    # the chain of all rows, each (rows,)
    def given(name: str, otherwise: Floats | float) -> Floats:
        found = history.column(name) if name in history.names else otherwise
        return np.array(np.broadcast_to(found, len(history)), dtype=np.float64)

    near, far, known = history.column("near"), history.column("far"), "far_gap" in history.names
    near_in, far_in, far_gap = given("near_in", near), given("far_in", far), given("far_gap", gap)
    if not far_gap.min() > 0.0:
        row = int(np.argmin(far_gap))
        raise DataError(
            f"{history.source}:row {row}: far_gap is {far_gap[row]:g}, wanted dates that do not cross"
        )
    aged = (near_in - far_in) / (far_gap * YEAR) if known else np.zeros(len(history))
    chain = Chain.empty(1, len(history))
    made = {
        "near_old": near, "near_new": near_in, "far_old": far, "far_new": far_in, "next": far_in,
        "long": given("third", 2.0 * far_in - near_in), "next_gap": far_gap,
        "long_gap": given("third_gap", 2.0 * far_gap), "roll_1": aged, "roll_2": aged, "mean_1": near_in,
        "mean_2": far_in, "rolls_1": given("near_rolls", 0.0) > 0.5, "rolls_2": given("far_rolls", 0.0) > 0.5,
        "open": given("open", 1.0) > 0.5, "to_roll": np.minimum(given("to_delivery", 0.5), 2.0),
        "day": _day_of_year(history), "inventory": _inventory(history, near_in, far_in),
    }  # fmt: skip
    return chain._replace(**made)._replace(
        **{name: getattr(chain, name)[0] for name in Chain._fields if name not in made}
    )


def _day_of_year(history: History) -> NDArray[np.int64]:
    # a year's share in days of 252
    stamps = history.times.view("datetime64[us]")
    passed = history.times - stamps.astype("datetime64[Y]").astype("datetime64[us]").astype(np.int64)
    return np.minimum((passed / (365.25 * DAY) * YEAR).astype(np.int64), YEAR - 1)


def _inventory(history: History, near: Floats, far: Floats) -> Floats:
    # change of open interest over five rows; where there is none, of the basis: it widens when stocks run low.
    # In deviations of the year before, each row by what was known then.
    known = "open_interest" in history.names
    level = history.column("open_interest") if known else far - near
    change = np.zeros(len(level))
    change[INVENTORY_ROWS:] = level[INVENTORY_ROWS:] - level[:-INVENTORY_ROWS]
    total = np.concatenate([[0.0], np.cumsum(change**2)])
    rows = np.arange(1, len(level) + 1)
    since = np.maximum(rows - YEAR, 0)
    usual = np.sqrt(np.maximum(total[rows] - total[since], 0.0) / (rows - since))
    return np.clip(change / np.where(usual > 0.0, usual, 1.0), -5.0, 5.0)
