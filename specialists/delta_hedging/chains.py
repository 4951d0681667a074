"""Files of option quotes, each to a record that `recorded` plays.

    minute_contract   LEAN minute quotes of index options and minute bars of the index -> one option's quotes
    read_chain        a whole chain at its closes (LEAN daily quotes; Yahoo's snapshot) -> `Chain`
    smile             a chain's implied volatilities at one expiry -> level, skew and curvature
    quoted            daily prices and a smile, or a volatility index -> an underlier at quoted volatilities

What is wrong in a quote is named and counted in the record's `policies`, never repaired: a missing or zero bid, a bid
above its ask, a price outside the arbitrage bounds.
"""

from __future__ import annotations

import csv
import datetime
import io
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fund.errors import DataError
from fund.market.black_scholes import implied_volatilities
from fund.market.history import History
from fund.market.textfile import read_text
from specialists.delta_hedging.recorded import years

Floats = NDArray[np.float64]

MINUTE = 60_000_000  # microseconds
HOUR = 60 * MINUTE
CLOSE = 16 * HOUR  # of the New York session, where index options of the afternoon settle
LEAST_ANNUAL = 1e-4  # volatility below which a quote is a placeholder


COLUMNS = ("spot", "quote", "strike", "time_to_expiry", "sign", "implied_volatility")


class Smile(NamedTuple):
    """Implied volatility at the money, and how it bends with x = ln(K/F) / (level sqrt tau)."""

    level: float
    skew: float
    curvature: float


@dataclass(frozen=True, eq=False)
class Chain:
    """The quotes of one day that can be used, one entry a contract."""

    expiry: NDArray[np.int64]  # days since 1970
    strike: Floats
    sign: Floats  # +1 call, -1 put
    bid: Floats
    ask: Floats
    day: int  # of the quotes, days since 1970
    source: str
    policies: tuple[str, ...]

    @property
    def mid(self) -> Floats:
        """Middle of bid and ask."""
        return 0.5 * (self.bid + self.ask)


def fault(bid: str, ask: str) -> str:
    """What is wrong with a quote; empty where nothing is."""
    try:
        low, high = float(bid or "nan"), float(ask or "nan")
    except ValueError:
        return "no number"
    if not (np.isfinite(low) and np.isfinite(high)):
        return "one-sided"
    if low <= 0.0:
        return "zero bid"
    return "crossed" if low > high else ""


def _rows(path: str | Path, wanted: tuple[str, ...]) -> list[dict[str, str]]:
    text = read_text(path)
    rows = csv.DictReader(io.StringIO(text.text))
    for name in wanted:
        if name not in (rows.fieldnames or ()):
            raise DataError(f'{path}: no column "{name}"; found: {", ".join(rows.fieldnames or ())}')
    return list(rows)


def _day(text: str) -> int:
    bare = text.replace("-", "")[:8]
    try:
        found = datetime.datetime.strptime(bare, "%Y%m%d").date()
    except ValueError:
        raise DataError(f'found "{text}", wanted a date') from None
    return found.toordinal() - datetime.date(1970, 1, 1).toordinal()


def _stamp(text: str) -> int:
    return int(np.datetime64(text, "us").astype(np.int64))


def read_chain(path: str | Path, day: str) -> Chain:
    """The usable quotes of a day (ISO date). LEAN's daily bars count by their close, Yahoo's as they are.

    Raises DataError where the day has none.
    """
    lean = _rows(path, ("expiry", "strike"))
    yahoo = "option_type" in lean[0]
    right, bid, ask, date = (
        ("option_type", "bid", "ask", "spot_date") if yahoo else ("right", "bid_c", "ask_c", "date")
    )
    today, faults, kept = _day(day), Counter[str](), []
    for row in lean:
        if _day(row[date]) != today:
            continue
        wrong = fault(row[bid], row[ask]) or ("expired" if _day(row["expiry"]) <= today else "")
        faults[wrong] += 1
        if not wrong:
            sign = 1.0 if row[right].lower() == "call" else -1.0
            kept.append((_day(row["expiry"]), float(row["strike"]), sign, float(row[bid]), float(row[ask])))
    if not kept:
        raise DataError(f"{path}: no usable quote of {day}")
    columns = np.array(kept).T
    policies = tuple(f"{count} quotes left out: {wrong}" for wrong, count in sorted(faults.items()) if wrong)
    expiry, strike, signs, low, high = columns
    return Chain(expiry.astype(np.int64), strike, signs, low, high, today, str(path), policies)


def smile(chain: Chain, spot: float, days: float, rate: float = 0.0, dividend: float = 0.0) -> Smile:
    """Least squares over the out-of-the-money quotes of the expiry nearest to `days` calendar days, weighted by vega.

    Raises DataError where fewer than five of them have a volatility.
    """
    expiries = np.unique(chain.expiry)
    expiry = expiries[np.argmin(np.abs(expiries - chain.day - days))]
    time = (expiry - chain.day) / 365.0
    forward = spot * np.exp((rate - dividend) * time)
    out = (chain.expiry == expiry) & (chain.sign * (chain.strike - forward) >= 0.0)
    strike = chain.strike[out]
    found = implied_volatilities(chain.sign[out], chain.mid[out], spot, strike, time, rate, dividend)
    fine = np.isfinite(found) & (found > LEAST_ANNUAL)
    if fine.sum() < 5:
        raise DataError(
            f"{chain.source}: {int(fine.sum())} volatilities {days:g} days out, wanted five or more"
        )
    money, found = np.log(strike[fine] / forward), found[fine]
    level = float(found[np.argmin(np.abs(money))])
    for _ in range(3):  # the level scales the moneyness that it is read off
        x = money / (level * np.sqrt(time))
        near = np.abs(x) < 3.0
        weight = np.exp(-0.25 * x[near] ** 2)
        design = np.vander(x[near], 3, increasing=True)
        bent = np.linalg.lstsq(design * weight[:, None], found[near] * weight, rcond=None)[0]
        level = float(bent[0])
    return Smile(level, float(bent[1]), float(bent[2]))


def quoted(prices: History, column: str, volatility: Smile | History, index: str = "close") -> History:
    """An underlier at quoted volatilities: daily prices, and a smile, or an index of volatility in percent (VIX)."""
    spot = prices.select([column]).rename({column: "spot"})
    if isinstance(volatility, Smile):
        rows = np.tile(np.array(volatility), (len(spot), 1))
        names = ("spot", "implied_volatility", "skew", "curvature")
        return History(
            names, np.column_stack([spot.values, rows]), spot.times, spot.zone, spot.source, spot.policies
        )
    level = volatility.select([index]).rename({index: "implied_volatility"})
    level = History(level.names, level.values / 100.0, level.times, level.zone, level.source, level.policies)
    return spot.join(level)


class Listed(NamedTuple):
    """Options of the nearest expiry in a file of quotes within the day."""

    root: str
    expiry: str
    strikes: tuple[float, ...]
    start: str  # stamp of the first quote


def listed(path: str | Path, right: str) -> Listed:
    """The calls or puts of the nearest expiry that a file quotes; raises DataError where there are none."""
    rows = [r for r in _rows(path, ("timestamp", "expiry", "strike", "right")) if r["right"].lower() == right]
    if not rows:
        raise DataError(f"{path}: no quotes of a {right}")
    nearest = min(row["expiry"] for row in rows)
    strikes = sorted({float(row["strike"]) for row in rows if row["expiry"] == nearest})
    return Listed(rows[0].get("root", ""), nearest, tuple(strikes), min(row["timestamp"] for row in rows))


def opening(index: str | Path, start: str) -> tuple[float, int]:
    """First close of an index's bars within the day, and the whole hours, in minutes, that they are behind `start`.

    Bars of one session that begin hours before the options do are stamped in another zone.
    """
    first = _rows(index, ("timestamp", "close"))[0]
    behind = round((_stamp(start) - _stamp(first["timestamp"])) / HOUR)
    return float(first["close"]), 60 * behind


def first_day(path: str | Path) -> np.datetime64:
    """The first day of a chain's quotes."""
    rows = _rows(path, ("expiry", "strike"))
    column = "date" if "date" in rows[0] else "spot_date"
    return np.datetime64(min(_day(row[column]) for row in rows), "D")


def minute_contract(
    options: str | Path, index: str | Path, expiry: str, strike: float, right: str, ahead: int = 60
) -> History:
    """One option's minute quotes beside its index: spot, quote (mid), strike, time_to_expiry, sign, volatility.

    Stamps are those of the options' bars, New York; the index's are `ahead` minutes behind (LEAN's index bars are in
    Chicago time). Quotes are those of a bar's close, its time the bar's end. At expiry a last row holds the payoff.
    Raises DataError where nothing is left.
    """
    level = {
        _stamp(row["timestamp"]) + ahead * MINUTE: float(row["close"]) for row in _rows(index, ("close",))
    }
    sign, end = (1.0 if right == "call" else -1.0), _day(expiry) * 24 * HOUR + CLOSE
    faults, kept = Counter[str](), []
    for row in _rows(options, ("timestamp", "expiry", "strike", "right", "bid_c", "ask_c")):
        if _day(row["expiry"]) != _day(expiry) or float(row["strike"]) != strike or row["right"] != right:
            continue
        stamp = _stamp(row["timestamp"])
        wrong = fault(row["bid_c"], row["ask_c"]) or ("" if stamp in level else "no index level")
        wrong = wrong or ("" if stamp + MINUTE < end else "at or after expiry")
        faults[wrong] += 1
        if not wrong:
            kept.append((stamp + MINUTE, level[stamp], 0.5 * (float(row["bid_c"]) + float(row["ask_c"]))))
    if not kept:
        raise DataError(f"{options}: no usable quote of {right} {strike:g} {expiry}")
    last = level.get(end - MINUTE)
    times, spot, quote = (np.array(column) for column in zip(*kept, strict=True))
    rows, policies = _priced(times.astype(np.int64), spot, quote, strike, sign, end, str(options), faults)
    if last is not None:
        payoff = max(sign * (last - strike), 0.0)
        rows = np.vstack([rows, [end, last, payoff, strike, 0.0, sign, rows[-1, -1]]])
    return History(
        COLUMNS, rows[:, 1:], rows[:, 0].astype(np.int64), "America/New_York", str(options), policies
    )


def _priced(
    times: NDArray[np.int64], spot: Floats, quote: Floats, strike: float, sign: float, end: int, source: str,
    faults: Counter[str],
) -> tuple[Floats, tuple[str, ...]]:  # fmt: skip
    # rows (stamp, then COLUMNS) of the quotes that have a volatility, and what was left out
    left = years(end - times)
    found = implied_volatilities(sign, quote, spot, strike, left, 0.0, 0.0)
    fine = np.isfinite(found) & (found > LEAST_ANNUAL)
    faults["outside the arbitrage bounds"] += int((~fine).sum())
    policies = tuple(
        f"{count} rows left out: {wrong}" for wrong, count in sorted(faults.items()) if wrong and count
    )
    if not fine.any():
        raise DataError(f"{source}: no quote has a volatility")
    ones = np.ones(len(times))
    rows = np.column_stack([times, spot, quote, strike * ones, left, sign * ones, found])
    return rows[fine], policies
