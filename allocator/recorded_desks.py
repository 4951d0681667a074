"""The desks on recorded markets: which files feed which desk, and how each history is cut.

    training | embargo | validation | embargo | test        chronological; one cut by date for all daily desks

A desk trains on windows of the training part, its best weights are chosen on the validation part, and it is judged
on the test part, played once from the first row that its features allow to the last. Pairs are chosen by
cointegration on the training rows, or named by the user. Nothing that is fitted reads a later row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fund.errors import DataError, UnknownName
from fund.market import sources
from fund.market.history import History, panel
from fund.market.lobster import lobster
from fund.market.orderbook import quote_tape
from fund.roster import Spec
from fund.strategy import Strategy
from specialists import ROSTER
from specialists.factor_tracking import recorded as factor_files
from specialists.market_making import recorded as book_files
from specialists.market_making.strategy import MarketMaking
from specialists.statistical_arbitrage import cointegration
from specialists.statistical_arbitrage import recorded as pair_files

TRAINING, VALIDATION = 0.5, 0.2  # shares of the rows; the rest is the test
EMBARGO = 20  # rows between the parts, beside those that a part's own warm-up takes
PAIRS = 8  # traded where the user names none
TRAINING_STEPS = 126  # of an episode on recorded days
BOOK_SECONDS = 1.0  # step of the order-book tape
BOOK_STEPS = 390  # of an episode on it
LEAST_ROWS = 700  # of prices that a pair may be formed from


@dataclass(frozen=True)
class Recorded:
    """One desk on a recorded market."""

    spec: Spec
    training: Strategy
    selection: Strategy
    tests: Mapping[str, Strategy]  # what is played -> a strategy whose test has exactly one window
    dates: np.ndarray[Any, Any]  # (days + 1,) of the test's NAV; empty for a desk within the day
    notes: tuple[str, ...] = ()


def gather(data: str) -> dict[str, list[Any]]:
    """What lies in a folder, or what `builtin` holds; raises DataError."""
    if data == "builtin":
        return dict(sources.builtin())
    folder = Path(data)
    if not folder.is_dir():
        raise DataError(f"{data}: no such folder; wanted a folder of market data, or `builtin`")
    return dict(sources.discover(folder))


def recorded_desks(data: str, pairs: Sequence[str] = ()) -> dict[str, Recorded]:
    """Every desk that the data feed; raises DataError where they feed none."""
    found = gather(data)
    prices, factors = closes(found["prices"]), factor_levels(found["factors"])
    daily = [history for history in (prices, factors) if history is not None]
    fed: dict[str, Recorded] = {}
    if prices is not None:
        fed["statistical_arbitrage"] = pairs_desk(prices, cuts(daily), pairs)
    if factors is not None:
        fed["factor_tracking"] = factors_desk(factors, cuts(daily))
    if found["order_book"]:
        fed["market_making"] = book_desk(found["order_book"])
    if not fed:
        raise DataError(f"{data}: no prices of two instruments, no factor files and no order book were found")
    return {name: fed[name] for name in ROSTER if name in fed}


def cuts(daily: Sequence[History]) -> tuple[int, int]:
    """Times at which training and validation end: shares of the days that all daily histories have."""
    first, last = max(int(h.times[0]) for h in daily), min(int(h.times[-1]) for h in daily)
    shortest = min(daily, key=len)
    common = shortest.times[(shortest.times >= first) & (shortest.times <= last)]
    if len(common) < LEAST_ROWS:
        raise DataError(f"the daily files have {len(common)} days in common, wanted at least {LEAST_ROWS}")
    ends = (int(TRAINING * len(common)), int((TRAINING + VALIDATION) * len(common)))
    return int(common[ends[0]]), int(common[ends[1]])


def parts(history: History, ends: tuple[int, int]) -> tuple[History, History, History]:
    """Training, validation and test rows of a history, cut at the times, with the embargo between them."""
    one, two = (int(np.searchsorted(history.times, end)) for end in ends)
    return history.split(one - EMBARGO, two - one - EMBARGO, EMBARGO)


def closes(sources_found: Sequence[Any]) -> History | None:
    """Closes of all instruments on their common days, a column each; the first source of a name counts."""
    columns: dict[str, History] = {}
    for source in sources_found:
        history = source if isinstance(source, History) else sources.load(source)
        wide = "close" not in history.names
        names = history.names if wide else ("close",)
        for name in names:
            label = name if wide else _label(source)
            if label not in columns and len(history) >= LEAST_ROWS:
                columns[label] = history.select([name]).rename({name: "close"})
    lasting = _same_era(columns)
    return panel(lasting, "close") if len(lasting) > 1 else None


def _label(source: Any) -> str:
    name = Path(str(source.source if isinstance(source, History) else source)).name
    return name.split(".")[0].upper()


def _same_era(columns: dict[str, History]) -> dict[str, History]:
    # a short record would cut all the others down to its own days
    if not columns:
        return columns
    last = np.median([h.times[-1] for h in columns.values()])
    first = np.median([h.times[0] for h in columns.values()])
    year = 366 * 24 * 3600 * 10**6
    return {
        k: h for k, h in columns.items() if abs(h.times[-1] - last) < year and h.times[0] < first + 2 * year
    }


def pairs_desk(prices: History, ends: tuple[int, int], wanted: Sequence[str]) -> Recorded:
    """Pairs of prices: named ones, or the most cointegrated on the training rows."""
    train, validation, test = parts(prices, ends)
    chosen = [named(pair, prices.names) for pair in wanted] or best_pairs(train)
    spec = ROSTER["statistical_arbitrage"]
    first = ",".join(one for one, _ in chosen)
    second = ",".join(two for _, two in chosen)
    desk = spec.cls().with_parameters(leg_1=first, leg_2=second)
    tests = {f"{one}/{two}": whole(spec.cls(), pair_files.from_prices(test, one, two)) for one, two in chosen}
    days = next(iter(tests.values())).n_steps
    return Recorded(
        spec=spec,
        training=desk.on(train).with_steps(TRAINING_STEPS),
        selection=desk.on(validation).with_steps(TRAINING_STEPS),
        tests=tests,
        dates=test.dates[-days - 1 :],
        notes=prices.policies,
    )


def named(pair: str, known: Sequence[str]) -> tuple[str, str]:
    """`KO/PEP` as two columns; raises UnknownName."""
    one, _, two = pair.partition("/")
    for leg in (one, two):
        if leg not in known:
            raise UnknownName("instrument", leg, known)
    return one, two


def best_pairs(train: History) -> list[tuple[str, str]]:
    """The most cointegrated pairs on the training rows, each instrument in at most two."""
    tested = cointegration.select_pairs(np.log(train.values), slice(0, len(train)), train.names)
    used: dict[str, int] = {}
    chosen: list[tuple[str, str]] = []
    for pair in tested:
        if len(chosen) < PAIRS and all(used.get(leg, 0) < 2 for leg in (pair.dependent, pair.other)):
            chosen.append((pair.dependent, pair.other))
            for leg in (pair.dependent, pair.other):
                used[leg] = used.get(leg, 0) + 1
    return chosen


def factor_levels(found: Sequence[Any]) -> History | None:
    """Kenneth French's daily five factors and momentum as indices, where both are there."""
    histories = [h if isinstance(h, History) else sources.load(h) for h in found]
    five = next((h for h in histories if {"HML", "RMW", "Mkt-RF"} <= set(h.names)), None)
    momentum = next((h for h in histories if "Mom" in h.names), None)
    if five is None or momentum is None:
        return None
    return factor_files.french(five, momentum)


def factors_desk(levels: History, ends: tuple[int, int]) -> Recorded:
    """Tilts among the recorded factors."""
    train, validation, test = parts(levels, ends)
    spec = ROSTER["factor_tracking"]
    played = whole(spec.cls(), test)
    return Recorded(
        spec=spec,
        training=spec.cls().on(train).with_steps(TRAINING_STEPS),
        selection=spec.cls().on(validation).with_steps(TRAINING_STEPS),
        tests={"factors": played},
        dates=test.dates[-played.n_steps - 1 :],
        notes=levels.policies,
    )


def book_desk(found: Sequence[Any]) -> Recorded:
    """A recorded order book: the longest day, with the market's parameters fitted on its training part."""
    message, book = max(found, key=lambda pair: Path(pair[0]).stat().st_size)
    tape = quote_tape(lobster(message, book), BOOK_SECONDS)
    train, validation, test = tape.split(TRAINING, VALIDATION, EMBARGO)
    spec = ROSTER["market_making"]
    desk = book_files.calibrated(MarketMaking.preset("history", n_steps=BOOK_STEPS), train)
    length = BOOK_STEPS + 1 + desk.warm_up
    windows = {f"from row {w.first_row}": desk.on(w) for w in test.windows(length, BOOK_STEPS + 1)}
    return Recorded(spec, desk.on(train), desk.on(validation), windows, np.zeros(0), tape.policies)


def whole(strategy: Strategy, history: History) -> Strategy:
    """The strategy over all rows of a history that its warm-up leaves."""
    steps = len(history) - 1 - strategy.warm_up
    if steps < 1:
        raise DataError(f"{history.source}: {len(history)} rows, wanted more than {strategy.warm_up + 1}")
    return strategy.on(history).with_steps(steps)
