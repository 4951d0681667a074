"""Interest between two currencies: day count, forwards and swap points by covered parity.

A pair base/terms is quoted as S, units of the terms currency for one of the base currency. With simple interest
r_b and r_t over T years,

    F = S (1 + r_t T) / (1 + r_b T)                         covered interest parity
    swap points = F - S
    roll = 1 - F / S = (r_b - r_t) T / (1 + r_b T)          earned by one who is long the base currency and rolls

Whoever borrows the terms currency, buys the base currency, lends it and sells what it becomes forward has nothing in
the end, and without that sale he has the base currency's move beyond the forward: S' - F = S' - S + roll S. Uncovered
parity says that this has mean zero.

All functions take numbers or arrays of shapes that broadcast, and are exact to rounding.

References:
    Keynes (1923), "A Tract on Monetary Reform"; ISDA (2006) definitions, section 4.16, for the day counts.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fund.errors import InvalidParameter, UnknownName

Floats = NDArray[np.float64]

DAY_COUNTS = ("act/360", "act/365", "30/360")
MONEY_MARKET = {"GBP": "act/365", "AUD": "act/365", "NZD": "act/365", "CAD": "act/365", "HKD": "act/365"}


def day_count_of(currency: str) -> str:
    """The money market's day count of a currency: act/365 for sterling and its heirs, act/360 elsewhere."""
    return MONEY_MARKET.get(currency.upper(), "act/360")


def year_fraction(start: ArrayLike, end: ArrayLike, day_count: str = "act/360") -> Floats:
    """Years from `start` to `end` (datetime64, or ISO dates) under a day count; raises UnknownName.

    Times of day count as parts of a day, but for 30/360, which knows whole days only.
    """
    if day_count not in DAY_COUNTS:
        raise UnknownName("day count", day_count, DAY_COUNTS)
    first, last = (np.asarray(x, dtype="datetime64[us]") for x in (start, end))
    if day_count == "30/360":
        return _thirty(first, last)
    days = (last - first) / np.timedelta64(1, "D")
    return np.asarray(days / (360.0 if day_count == "act/360" else 365.0))


def _thirty(first: NDArray[Any], last: NDArray[Any]) -> Floats:
    # bond basis: every month has thirty days
    year_1, month_1, day_1 = _calendar(first)
    year_2, month_2, day_2 = _calendar(last)
    day_1 = np.minimum(day_1, 30)
    day_2 = np.where((day_2 == 31) & (day_1 == 30), 30, day_2)
    return np.asarray((360 * (year_2 - year_1) + 30 * (month_2 - month_1) + day_2 - day_1) / 360.0)


def _calendar(when: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    months = when.astype("datetime64[M]")
    month = months.astype(np.int64)
    day = (when.astype("datetime64[D]") - months.astype("datetime64[D]")).astype(np.int64) + 1
    return month // 12 + 1970, month % 12 + 1, day


def forward(spot: ArrayLike, base_rate: ArrayLike, terms_rate: ArrayLike, years: ArrayLike) -> Floats:
    """Outright forward F of a pair; raises InvalidParameter where a rate would eat up what is lent."""
    base, terms = _growth(base_rate, years), _growth(terms_rate, years)
    return np.asarray(np.asarray(spot, dtype=np.float64) * terms / base)


def swap_points(spot: ArrayLike, base_rate: ArrayLike, terms_rate: ArrayLike, years: ArrayLike) -> Floats:
    """F - S, units of the terms currency for one of the base currency."""
    return np.asarray(-np.asarray(spot, dtype=np.float64) * roll(base_rate, terms_rate, years))


def roll(base_rate: ArrayLike, terms_rate: ArrayLike, years: ArrayLike) -> Floats:
    """1 - F / S: what one unit's worth of the base currency earns when it is rolled, (r_b - r_t) T / (1 + r_b T)."""
    base, terms = np.asarray(base_rate, dtype=np.float64), np.asarray(terms_rate, dtype=np.float64)
    return np.asarray((base - terms) * np.asarray(years, dtype=np.float64) / _growth(base, years))


def implied_differential(
    spot: ArrayLike, outright: ArrayLike, terms_rate: ArrayLike, years: ArrayLike
) -> Floats:
    """r_b - r_t that a quoted forward implies, a year; the inverse of `forward`."""
    s, f, t = (np.asarray(x, dtype=np.float64) for x in (spot, outright, years))
    terms = np.asarray(terms_rate, dtype=np.float64)
    return np.asarray((s * (1.0 + terms * t) / f - 1.0) / t - terms)


def covered_pnl(
    bought: ArrayLike, sold_forward: ArrayLike, base_rate: ArrayLike, terms_rate: ArrayLike, years: ArrayLike
) -> Floats:
    """P&L today, in the terms currency, of one unit bought spot, lent, and sold forward with its interest.

    Borrow `bought` at r_t, lend the unit at r_b, deliver 1 + r_b T units at `sold_forward`; discounted at r_t. Zero
    where both prices are mids that meet parity, minus the spread where spot is bought at the ask and the forward is
    sold at the parity of the bid.
    """
    base, terms = _growth(base_rate, years), _growth(terms_rate, years)
    return np.asarray(np.asarray(sold_forward) * base / terms - np.asarray(bought))


def _growth(rate: ArrayLike, years: ArrayLike) -> Floats:
    grown = 1.0 + np.asarray(rate, dtype=np.float64) * np.asarray(years, dtype=np.float64)
    if np.any(grown <= 0.0):
        worst = float(np.min(grown))
        raise InvalidParameter(
            f"1 + rate x years is {worst:.6g}, wanted a number above 0 (rates in decimals?)"
        )
    return np.asarray(grown)
