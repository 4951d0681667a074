"""Contract prices put together to the chain that `recorded` reads: which contract each leg holds, and when it rolls.

A leg rolls on the last row of its old contract, at both contracts' prices of that row, so that no jump between two
contracts is ever earned. The calendar (or the file) foretells that row; rolls by open interest use yesterday's. Where
the new contract has no price on that row, the pair is closed there and opened again on the next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fund.errors import DataError, UnknownName
from fund.market.checks import check_times
from fund.market.draft import DAY, Draft, Rules
from fund.market.history import History
from fund.market.readers import read_csv
from fund.market.table import Form, parse_table
from fund.market.textfile import read_text

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ROLES = ("CARRY", "PRICE", "FORWARD")
COLUMNS = tuple(f"{role}{what}" for role in ROLES for what in ("", "_CONTRACT"))
PRICES = Rules(kind="numbers", missing="drop", max_gap=40.0)  # prices may be negative
ROLLS = ("calendar", "open_interest")
LEGS = (("PRICE", "FORWARD"), ("CARRY", "PRICE"), ("PRICE", "CARRY"))  # near and far, to choose from


@dataclass(frozen=True)
class Contracts:
    """Prices of all contracts of a curve, and which of them each leg holds from a row on."""

    source: str
    times: Ints  # (rows,)
    months: Ints  # (contracts,) delivery, months since the year 0
    prices: Floats  # (rows, contracts), NaN where there is none
    near: Ints  # (rows,) column of the contract held from the row on
    far: Ints
    zone: str = ""
    policies: tuple[str, ...] = ()
    open_interest: Floats | None = None  # (rows,)

    def history(self) -> History:
        """The chain; raises DataError for a leg without price, and for dates that cross."""
        rows, before = np.arange(len(self.times)), np.maximum(np.arange(len(self.times)) - 1, 0)
        self._refuse_crossed()
        columns, unknown = {}, np.zeros(len(rows), dtype=bool)
        for leg, held in (("near", self.near), ("far", self.far)):
            into, after = self.prices[rows, held[before]], self.prices[rows, held]
            if not np.isfinite(into).all():
                row = int(np.argmin(np.isfinite(into)))
                raise DataError(
                    f"{self.source}:row {row}: the {leg} contract has no price on {self._date(row)}"
                )
            unknown |= ~np.isfinite(after)
            columns |= {leg: into, f"{leg}_in": np.where(np.isfinite(after), after, into)}
            columns[f"{leg}_rolls"] = (held != held[before]).astype(np.float64)
        columns["open"] = (~unknown).astype(np.float64)
        columns |= self._curve(columns)
        if self.open_interest is not None:
            columns["open_interest"] = self.open_interest
        rolls = int(columns["near_rolls"].sum())
        note = f"{rolls} rolls of the near leg; closed for a row at {int(unknown.sum())}, no price to roll at"
        values = np.column_stack(list(columns.values()))
        return History(tuple(columns), values, self.times, self.zone, self.source, (*self.policies, note))

    def _curve(self, columns: Mapping[str, Floats]) -> dict[str, Floats]:
        # distances, and the first later contract that has a price; else the two legs' line goes on
        near, far = self.months[self.near], self.months[self.far]
        gap = (far - near) / 12.0
        third, third_gap = 2.0 * columns["far_in"] - columns["near_in"], 2.0 * gap
        later = np.isfinite(self.prices) & (self.months > far[:, None])
        for row in np.flatnonzero(later.any(axis=1) & (columns["open"] > 0.0)):
            column = min(np.flatnonzero(later[row]), key=lambda c: self.months[c])
            third[row] = self.prices[row, column]
            third_gap[row] = (self.months[column] - near[row]) / 12.0
        return {"far_gap": gap, "third": third, "third_gap": third_gap,
                "to_delivery": (near - self._months_of_rows()) / 12.0}  # fmt: skip

    def _refuse_crossed(self) -> None:
        near, far = self.months[self.near], self.months[self.far]
        if (near == far).any():
            row = int(np.argmax(near == far))
            raise DataError(
                f"{self.source}:row {row}: a curve with one contract on {self._date(row)}, wanted two"
            )
        for bad, what in (
            (near > far, "far delivers before near"),
            (near < np.floor(self._months_of_rows()), "near is priced after its delivery month"),
        ):
            if bad.any():
                row = int(np.argmax(bad))
                raise DataError(f"{self.source}:row {row}: crossed dates on {self._date(row)}: {what}")

    def _months_of_rows(self) -> Floats:
        stamps = self.times.view("datetime64[us]")
        month = stamps.astype("datetime64[M]")
        day = (self.times - month.astype("datetime64[us]").astype(np.int64)) / (30.4375 * DAY)
        return month.astype(np.int64) + 1970 * 12 + np.minimum(day, 0.999)

    def _date(self, row: int) -> str:
        return str(self.times[row : row + 1].view("datetime64[us]")[0])[:10]


def multiple_prices(path: str | Path, near: str = "PRICE", far: str = "FORWARD") -> History:
    """A file of contract prices, columns PRICE, CARRY, FORWARD and their _CONTRACT (YYYYMM00), as a daily chain.

    A day's row is the last on which both legs have a price; the contracts are those the file holds. Give the leg that
    delivers first as `near`. Raises DataError for a missing column, a curve with one contract, and crossed dates.
    """
    for role in (near, far):
        if role not in ROLES:
            raise UnknownName("leg", role, ROLES)
    return _chain(_contract_prices(path), near, far)


def best_prices(path: str | Path) -> tuple[History, tuple[str, str]]:
    """The chain of a file of contract prices whose legs could be held on most rows, and those legs.

    Raises DataError where no two legs make a chain.
    """
    draft, found = _contract_prices(path), {}
    for near, far in LEGS:
        try:
            found[near, far] = _chain(draft, near, far)
        except DataError as error:
            refused = error
    if not found:
        raise refused
    best = max(found, key=lambda legs: float(found[legs].column("open").sum()))
    return found[best], best


def _contract_prices(path: str | Path) -> Draft:
    draft = parse_table(read_text(path), Form(), COLUMNS, COLUMNS)
    check_times(draft)
    return draft


def _chain(draft: Draft, near: str, far: str) -> History:
    prices = {role: draft.values[:, draft.names.index(role)] for role in ROLES}
    ids = {role: draft.values[:, draft.names.index(f"{role}_CONTRACT")] for role in ROLES}
    whole = (
        np.isfinite(prices[near]) & np.isfinite(prices[far]) & np.isfinite(ids[near]) & np.isfinite(ids[far])
    )
    if not whole.any():
        raise DataError(
            f"{draft.source}: a curve with one contract: {near} and {far} have no price on any common row"
        )
    at = _last_of_day(draft.times, whole)
    still = np.logical_and.reduce([np.diff(ids[role][at]) == 0 for role in (near, far)])
    at = at[int(np.argmax(still)) :]  # begin where both legs hold what they held the day before
    known = np.unique(np.concatenate([ids[role][at] for role in ROLES if np.isfinite(ids[role][at]).all()]))
    matrix = np.full((len(at), len(known)), np.nan)
    for role in ROLES:
        column = np.minimum(np.searchsorted(known, ids[role][at]), len(known) - 1)
        seen = np.isfinite(prices[role][at]) & (known[column] == ids[role][at])
        matrix[np.flatnonzero(seen), column[seen]] = prices[role][at][seen]
    following = np.minimum(np.arange(len(at)) + 1, len(at) - 1)
    held = [np.searchsorted(known, ids[role][at])[following] for role in (near, far)]
    note = f"{len(at)} of {len(draft.times)} rows: the last of each day on which {near} and {far} have prices"
    return Contracts(
        draft.source, draft.times[at], _months(known, draft), matrix, held[0], held[1], draft.zone,
        (*draft.policies, note),
    ).history()  # fmt: skip


def _last_of_day(times: Ints, whole: NDArray[np.bool_]) -> Ints:
    rows = np.flatnonzero(whole)
    day = times[rows] // DAY
    return rows[np.concatenate([day[1:] != day[:-1], [True]])]


def _months(ids: Floats, draft: Draft) -> Ints:
    year, month = (ids // 10_000).astype(np.int64), (ids // 100 % 100).astype(np.int64)
    bad = (month < 1) | (month > 12) | (year < 1900) | (year > 2100)
    if bad.any():
        draft.refuse(f"contract {ids[np.argmax(bad)]:.0f}, wanted YYYYMM00")
    return year * 12 + month - 1


def curve(
    contracts: Mapping[int, History], apart: int = 1, roll: str = "calendar", roll_days: int = 10
) -> History:
    """Single contracts (delivery YYYYMM to a History with `price`, perhaps `open_interest`) as a chain.

    The near leg starts in the first contract, the far leg is `apart` contracts later. By calendar it leaves a contract
    `roll_days` days before its delivery month; by open interest once yesterday's was larger in the next contract, at
    the latest then. Raises DataError for a curve with one contract.
    """
    if roll not in ROLLS:
        raise UnknownName("roll", roll, ROLLS)
    if len(contracts) <= apart:
        raise DataError(f"a curve with {len(contracts)} contract(s), wanted {apart + 1} or more")
    names = sorted(contracts)
    months = np.array([name // 100 * 12 + name % 100 - 1 for name in names])
    times = np.unique(np.concatenate([contracts[name].times for name in names]))
    prices, interest = (_wide(contracts, names, times, column) for column in ("price", "open_interest"))
    near, kept = _schedule(
        times, months, prices, interest if roll == "open_interest" else None, apart, roll_days
    )
    source = ", ".join(str(name) for name in (names[0], names[-1]))
    whole = np.nansum(interest, axis=1)[kept] if np.isfinite(interest).any() else None
    left = f"{len(times) - len(kept)} of {len(times)} days left out: a leg has no price"
    return Contracts(
        source,
        times[kept],
        months,
        prices[kept],
        near,
        near + apart,
        contracts[names[0]].zone,
        (left,),
        whole,
    ).history()


def _wide(contracts: Mapping[int, History], names: Sequence[int], times: Ints, column: str) -> Floats:
    out = np.full((len(times), len(names)), np.nan)
    for k, name in enumerate(names):
        found = contracts[name]
        if column in found.names or column == "price":
            out[np.searchsorted(times, found.times), k] = found.column(column)
    return out


def _schedule(
    times: Ints, months: Ints, prices: Floats, interest: Floats | None, apart: int, roll_days: int
) -> tuple[Ints, Ints]:
    # the near contract held from each kept row on, and the kept rows: both legs held into them have a price
    first = np.array(
        [np.datetime64(f"{m // 12:04d}-{m % 12 + 1:02d}", "us").astype(np.int64) for m in months]
    )
    near, held, kept = 0, [], []
    for row, now in enumerate(times):
        if not np.isfinite(prices[row, [near, near + apart]]).all():
            continue
        last = len(months) - 1 - apart
        late = now + roll_days * DAY >= first[near]
        more = interest is not None and row > 0 and interest[row - 1, near + 1] > interest[row - 1, near]
        if near < last and (late or more):
            near += 1
        held.append(near)
        kept.append(row)
    if not kept:
        raise DataError("a curve with one contract: the two legs have no price on any common day")
    return np.array(held), np.array(kept)


def spots(near: str | Path, far: str | Path, column: str = "Price") -> History:
    """Two files of spot prices, joined by date, as legs that never roll; rows with a missing price are dropped."""
    legs = [
        read_csv(path, required=(column,), rules=PRICES).select([column]).rename({column: leg})
        for path, leg in ((near, "near"), (far, "far"))
    ]
    return legs[0].join(legs[1])


def combination(prices: History, leg_1: Mapping[str, float], leg_2: Mapping[str, float]) -> History:
    """Legs made of several columns with their units: a crack, {gasoline: 2/3, heating_oil: 1/3} against {crude: 1}.

    A crush of one bushel: {meal: .022, oil: .11} against {beans: 1}, in dollars a short ton, cents a pound, dollars.
    Raises UnknownName for a missing column.
    """
    legs = [
        np.sum([units * prices.column(name) for name, units in leg.items()], axis=0) for leg in (leg_1, leg_2)
    ]
    note = f"near = {dict(leg_1)}, far = {dict(leg_2)}"
    values = np.column_stack(legs)
    return History(
        ("near", "far"), values, prices.times, prices.zone, prices.source, (*prices.policies, note)
    )
