"""Recorded markets: quotes and interest rates from files, and windows of them as tapes.

For the currencies EUR, USD, JPY (base, home, terms) a history has the columns

    EURUSD, USDJPY, EURJPY          mids; or EURUSD_bid and EURUSD_ask, and so on
    EUR_rate, USD_rate, JPY_rate    interest a year, decimals, as known on the row

A pair quoted the other way round (USDEUR) is turned over. Without the cross it is what the other two pairs imply; where
there are mids only, the desk's own half-spreads are put around them, wider on rows where going round the triangle would
pay at them: mids of three pairs are not of one moment, and a price that nobody has quoted is no opportunity. Interest
accrues by calendar days under the money market's day count; the carry that is observed is a year's, however long the
step. What a record lacks is refused, or supplied by a policy that is named in its `policies`.

`files.joined` makes such a history of one history a pair, `files.with_rates` adds the interest.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fund.errors import DataError, UnknownName
from fund.market.draft import Rules
from fund.market.history import History
from fund.market.price_checks import both_sides, price_column
from fund.market.rates import day_count_of, roll, year_fraction
from fund.market.records import each_record, window_starts
from fund.market.streams import Paths
from fund.market.tape import Tape, empty_block
from fund.market.triangle import PAIRS
from fund.strategy import names
from specialists.fx_arbitrage.features import WARM_UP, Sight, write_features
from specialists.fx_arbitrage.step import Columns

if TYPE_CHECKING:
    from specialists.fx_arbitrage.strategy import FxArbitrage

Floats = NDArray[np.float64]

CHECKS = Rules(kind="numbers")  # of a frame: rates may be below zero; prices are checked here
MOST_RATE = 1.0  # a year; more is a percentage
MOST_DEVIATION = 0.02  # of the cross from what the other pairs imply; more is another market or another time
CLEARANCE = 1.02  # of a deviation that half-spreads cover: 1 + h and 1 / (1 - h) multiply to a little less than the sum


class Quote(NamedTuple):
    """A pair on every row: mid, and half-spread as a share of it; NaN where the record has none."""

    mid: Floats
    half_spread: Floats


class Record(NamedTuple):
    """What a history says about three currencies, each (rows,)."""

    base: Floats  # home currency for one of the base currency
    terms: Floats  # home currency for one of the terms currency
    cross: Floats  # terms currency for one of the base currency
    half_spreads: tuple[Floats, Floats, Floats]  # NaN where the record has none
    rolls: tuple[Floats, Floats]
    years: Floats  # to the next row


def pairs_of(triple: Sequence[str]) -> tuple[str, str, str]:
    """Names of base/home, home/terms and the cross."""
    base, home, terms = triple
    return base + home, home + terms, base + terms


def columns_of(triple: Sequence[str]) -> tuple[str, ...]:
    """Columns of a history of mids."""
    return (*pairs_of(triple), *(f"{currency}_rate" for currency in triple))


def check(
    triple: Sequence[str], history: History, missing_rates: str, spreads: tuple[float, float, float]
) -> History:
    """The history, if a desk with these half-spreads can trade on it, with the policies that it needed noted.

    Raises UnknownName for a pair that is not there, DataError for rates that are missing, for a price that is not
    above zero and for crossed quotes.
    """
    record = _read(history, tuple(triple), missing_rates)
    notes = []
    if wide := int(np.count_nonzero(_beyond(record, [np.full(len(history), h) for h in spreads]))):
        notes.append(
            f"{wide} rows whose mids would pay a way round the triangle: spreads widened until none does"
        )
    if missing_rates == "zero" and (lacking := _lacking(triple, history)):
        notes.append(f"no interest rates for {', '.join(lacking)}: taken as zero")
    if not _has(history, pairs_of(triple)[2]):
        notes.append(f"no quotes of {pairs_of(triple)[2]}: made of the other two pairs, never deviating")
    fresh = [note for note in notes if note not in history.policies]
    return dataclasses.replace(history, policies=(*history.policies, *fresh)) if fresh else history


def _lacking(triple: Sequence[str], history: History) -> list[str]:
    return [currency for currency in triple if f"{currency}_rate" not in history.names]


@lru_cache(maxsize=8)
def _read(history: History, triple: tuple[str, ...], missing_rates: str) -> Record:
    base_home, home_terms, across = pairs_of(triple)
    one, two = _quote(history, base_home), _quote(history, home_terms)
    implied = one.mid * two.mid
    three = (
        _quote(history, across) if _has(history, across) else Quote(implied, np.full(len(history), np.nan))
    )
    off = np.abs(three.mid / implied - 1.0)
    if off.max() > MOST_DEVIATION:
        row = int(np.argmax(off))
        raise DataError(
            f"{history.place(row)}: {across} is {three.mid[row]:.6g}, the other pairs imply {implied[row]:.6g}; "
            f"wanted quotes of one time within {MOST_DEVIATION:.0%}"
        )
    rolls, years = _rolls(history, triple, missing_rates)
    # home/terms is held as its reciprocal; the half-spread of a reciprocal is the same share
    return Record(
        one.mid,
        1.0 / two.mid,
        three.mid,
        (one.half_spread, two.half_spread, three.half_spread),
        rolls,
        years,
    )


def _has(history: History, pair: str) -> bool:
    there = set(history.names)
    turned = pair[3:] + pair[:3]
    return any({name} <= there or {f"{name}_bid", f"{name}_ask"} <= there for name in (pair, turned))


def _quote(history: History, pair: str) -> Quote:
    turned = pair[3:] + pair[:3]
    for name in (pair, turned):
        if {f"{name}_bid", f"{name}_ask"} <= set(history.names):
            return _sides(history, name, name == turned)
        if name in history.names:
            mid = price_column(history, name)
            return Quote(mid if name == pair else 1.0 / mid, np.full(len(mid), np.nan))
    raise UnknownName("pair", pair, history.names)


def _sides(history: History, name: str, turned: bool) -> Quote:
    bid, ask = both_sides(history, f"{name}_bid", f"{name}_ask")
    if turned:
        bid, ask = 1.0 / ask, 1.0 / bid
    mid = 0.5 * (bid + ask)
    return Quote(mid, (ask - bid) / (2.0 * mid))


def _rolls(history: History, triple: Sequence[str], missing: str) -> tuple[tuple[Floats, Floats], Floats]:
    lacking = _lacking(triple, history)
    if lacking and missing == "refuse":
        raise DataError(
            f"{history.source}: no interest rates for {', '.join(lacking)}; wanted the column {lacking[0]}_rate "
            "(a year, decimals), or missing_rates=zero"
        )
    rates = []
    for currency in triple:
        rate = np.zeros(len(history)) if currency in lacking else history.column(f"{currency}_rate")
        large = np.flatnonzero(np.abs(rate) > MOST_RATE)
        if len(large):
            row = int(large[0])
            raise DataError(
                f"{history.place(row)}: {currency}_rate is {rate[row]:.6g} a year, "
                "wanted decimals (percent? divide by 100)"
            )
        rates.append(rate)
    years = [_years(history, currency) for currency in triple]
    base, home, terms = (rate * y / years[1] for rate, y in zip(rates, years, strict=True))
    return (roll(base, home, years[1]), roll(terms, home, years[1])), years[1]


def _years(history: History, currency: str) -> Floats:
    stamps = history.times.view("datetime64[us]")
    gaps = year_fraction(stamps[:-1], stamps[1:], day_count_of(currency))
    return np.append(gaps, np.median(gaps))


@each_record
def windows(desk: FxArbitrage, history: History, paths: Paths) -> Tape:
    """A window of the history for each path, from a row drawn by the path's own stream.

    Raises DataError where the history is too short, and as `check` does.
    """
    record = _read(history, desk.triple, desk.missing_rates)
    start = window_starts(desk, history, paths, WARM_UP)
    rows = start + np.arange(WARM_UP + desk.n_steps + 1)[:, None]
    columns, n = names(Columns), len(paths)
    block = empty_block(desk.n_steps + 1, len(columns), n)
    recorded = _columns(desk, record)
    for name, values in recorded.items():
        block[:, columns.index(name)] = values[rows[WARM_UP:]]
    wide = np.zeros((desk.n_steps + 1, n, len(desk.features)), dtype=np.float32)
    deviation = np.log(record.cross * record.terms / record.base)
    age = _age(recorded, desk.seconds)
    levels = (np.log(record.base)[rows], np.log(record.terms)[rows], deviation[rows])
    write_features(wide, block, 0, Sight(*levels, age[rows[WARM_UP:]]), desk.norms)
    carries = [desk.features.index(f"{pair}_carry") for pair in PAIRS]
    wide[:, :, carries] *= (desk.years_per_step / record.years)[rows[WARM_UP:], None]
    return Tape(columns, block, wide, history.rows[start + WARM_UP])


def _columns(desk: FxArbitrage, record: Record) -> dict[str, Floats]:
    # whatever the record tells, and the desk's own spreads and sizes where it tells none; nothing is foreseen
    halves = [
        np.where(np.isnan(seen), own, desk.cost_scale * seen)
        for seen, own in zip(record.half_spreads, desk.spreads, strict=True)
    ]
    lacking = _beyond(record, halves)
    halves = [h + np.isnan(seen) * lacking for seen, h in zip(record.half_spreads, halves, strict=True)]
    size = np.full(len(record.base), desk.size)
    return {
        "base": record.base,
        "terms": record.terms,
        "cross": record.cross,
        "base_home_spread": halves[0],
        "home_terms_spread": halves[1],
        "cross_spread": halves[2],
        "base_roll": record.rolls[0],
        "terms_roll": record.rolls[1],
        "funding": desk.cost_scale * desk.funding * record.years,
        **{name: size for name in names(Columns) if name.endswith("_size")},
    }


def _beyond(record: Record, halves: Sequence[Floats]) -> Floats:
    # what each half-spread that nobody has quoted lacks, on every row, for the quotes to show no way round that pays
    supplied = np.isnan(record.half_spreads).sum(axis=0)
    deviation = np.abs(np.log(record.cross * record.terms / record.base))
    lacking = np.maximum(CLEARANCE * deviation - np.sum(halves, axis=0), 0.0)
    return np.where(supplied > 0, lacking / np.maximum(supplied, 1), 0.0)


def _age(columns: Mapping[str, Floats], seconds: float) -> Floats:
    # seconds for which going round the triangle has been paying, on every row
    over = columns["cross"] * columns["terms"] / columns["base"]
    one, two, three = (columns[f"{pair}_spread"] for pair in ("base_home", "home_terms", "cross"))
    clockwise = over * (1.0 - three) * (1.0 - two) > 1.0 + one
    anticlockwise = 1.0 - one > over * (1.0 + three) * (1.0 + two)
    side = np.where(clockwise, 1, np.where(anticlockwise, -1, 0))
    index = np.arange(len(side))
    changed = np.concatenate(([True], side[1:] != side[:-1]))
    since = np.maximum.accumulate(np.where(changed, index, 0))
    return np.where(side != 0, (index - since + 1) * seconds, 0.0)
