"""A desk's recorded markets, cut in time.

    training | embargo | validation | embargo | test        chronological, never shuffled

A desk trains on windows of the training part, its best weights are chosen on the validation part, and it is judged
on the test part, played once from the first row that its features allow to the last. Nothing that is fitted (pairs, the
parameters of an order book) reads a row after the training part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fund.errors import UnknownName
from fund.market.draft import DAY
from fund.market.history import History
from fund.market.records import together
from fund.roster import Spec
from fund.strategy import Strategy
from specialists.market_making import recorded as book
from specialists.market_making.strategy import MarketMaking
from specialists.statistical_arbitrage import cointegration
from specialists.statistical_arbitrage.recorded import pairs_of
from specialists.statistical_arbitrage.strategy import StatisticalArbitrage

Markets = Mapping[str, Strategy]  # one desk on recorded markets, by their names

TRAINING, VALIDATION = 0.45, 0.2  # shares of the days; the rest is the test
EMBARGO = 20  # rows between the parts, beside those that a part's own warm-up takes
TRAINING_STEPS, LEAST_STEPS = 126, 21  # of an episode, at most and at least
PAIRS = 8  # traded where the user names none


@dataclass(frozen=True)
class Recorded:
    """One desk on recorded markets."""

    spec: Spec
    training: Strategy
    selection: Strategy
    tests: Markets  # each has exactly one window
    learning: Markets  # the same on all rows before the test; none for a desk within the day


class Parts(NamedTuple):
    """Rows of a market before and after the cuts; None where there are too few."""

    training: History | None
    validation: History | None
    seen: History | None  # both, and what lies between them
    test: History | None


def history_of(market: Strategy) -> History:
    """The record that a market is played on."""
    assert market.history is not None, "a recorded market has a record"
    return market.history


def days_of(market: Strategy) -> NDArray[np.int64]:
    """Days since 1970 of a market's rows, (rows,)."""
    return np.asarray(history_of(market).times // DAY)


def by_date(
    spec: Spec, markets: Markets, ends: tuple[int, int], pairs: Sequence[str] = ()
) -> Recorded | None:
    """The desk cut at two days; None where no market has enough rows in each part.

    It trains on all markets that differ in nothing but their records, and is judged on every one; where it trains on
    daily rows, on daily rows of every one.
    """
    markets = {name: formed(market, ends, pairs) for name, market in markets.items()}
    parts = {name: split(market, ends) for name, market in markets.items()}
    fit = {
        name: part for name, part in parts.items()
        if all(_long_enough(markets[name], one) for one in (part.training, part.validation))
    }  # fmt: skip
    if not fit:
        return None
    main = max(fit, key=lambda name: len(fit[name].training or ()))
    if markets[main].steps_per_day == 1:
        markets = dict(once_a_day(name, market) for name, market in markets.items())
        parts = {name: split(market, ends) for name, market in markets.items()}
    tests, learning = (_played(markets, parts, which) for which in ("test", "seen"))
    if not tests:
        return None
    alike = [name for name in fit if name in markets and _as_one(markets[name], markets[main])]
    training, selection = (
        episodes(markets[main], {name: getattr(fit[name], which) for name in alike})
        for which in ("training", "validation")
    )
    return Recorded(spec, training, selection, tests, learning)


def _as_one(market: Strategy, other: Strategy) -> bool:
    return replace(market, history=None) == replace(other, history=None)


def _played(markets: Markets, parts: Mapping[str, Parts], which: str) -> dict[str, Strategy]:
    # what there is to play on the rows of a part, each market from its first row to its last
    return {
        label: whole(one)
        for name, part in parts.items() if _playable(markets[name], rows := getattr(part, which))
        for label, one in one_by_one(name, markets[name].on(rows), len(markets) > 1).items()
    }  # fmt: skip


def once_a_day(name: str, market: Strategy) -> tuple[str, Strategy]:
    """A market's name, and itself as a daily desk looks at it: on the last row of each day, if it has days enough."""
    history, days = history_of(market), days_of(market)
    last = np.append(np.flatnonzero(np.diff(days)), len(days) - 1)
    if market.steps_per_day == 1 or len(last) <= market.warm_up + LEAST_STEPS + 1:
        return name, market
    note = f"the last row of each day kept, {len(last)} of {len(days)}"
    thin = replace(
        history, times=history.times[last], values=history.values[last], policies=(*history.policies, note)
    )
    return f"{name}, once a day", market.on(thin)


def by_row(spec: Spec, markets: Markets) -> Recorded | None:
    """A desk within the day: its longest record cut by rows, the test in windows; None where it is too short."""
    name = max(markets, key=lambda name: len(history_of(markets[name])))
    market = markets[name]
    length = market.n_steps + 1 + market.warm_up
    if len(history_of(market)) * VALIDATION < length + 2 * EMBARGO:
        return None
    train, validation, test = history_of(market).split(TRAINING, VALIDATION, EMBARGO)
    if isinstance(market, MarketMaking):
        market = book.calibrated(market, train)
    windows = {f"{name} {w.first_row}": market.on(w) for w in test.windows(length, market.n_steps + 1)}
    return Recorded(spec, market.on(train), market.on(validation), windows, {})


def split(market: Strategy, ends: tuple[int, int]) -> Parts:
    """The rows of a market before, between and after two days, the embargo between them."""
    history, days = history_of(market), days_of(market)
    one, two = (int(np.searchsorted(days, end)) for end in ends)

    def rows(start: int, stop: int) -> History | None:
        return history.window(start, stop - start) if stop - start > 1 else None

    return Parts(
        rows(0, one - EMBARGO), rows(one, two - EMBARGO), rows(0, two - EMBARGO), rows(two, len(history))
    )


def _long_enough(market: Strategy, part: History | None) -> bool:
    return part is not None and len(part) > market.warm_up + LEAST_STEPS + 1


def _playable(market: Strategy, part: History | None) -> bool:
    return part is not None and len(part) > market.warm_up + 2


def episodes(market: Strategy, parts: Mapping[str, History]) -> Strategy:
    """A market on all parts as one, in episodes that each has room for."""
    room = min(len(part) for part in parts.values()) - market.warm_up - 2
    return market.on(together(parts)).with_steps(min(market.n_steps, TRAINING_STEPS, room))


def whole(market: Strategy) -> Strategy:
    """A market over all rows that its warm-up leaves."""
    return market.with_steps(len(history_of(market)) - 1 - market.warm_up)


def formed(market: Strategy, ends: tuple[int, int], pairs: Sequence[str]) -> Strategy:
    """A market with what must be chosen on its training rows: the pairs of a panel of prices."""
    if not isinstance(market, StatisticalArbitrage):
        return market
    train, known = split(market, ends).training, history_of(market).names
    chosen = [named(pair, known) for pair in pairs] or ([] if train is None else best_pairs(train))
    if not chosen:
        return market
    return market.with_parameters(
        leg_1=",".join(one for one, _ in chosen), leg_2=",".join(two for _, two in chosen)
    )


def one_by_one(name: str, market: Strategy, of_several: bool) -> dict[str, Strategy]:
    """What is played by itself, by its name: every pair of a panel; elsewhere the market."""
    if not isinstance(market, StatisticalArbitrage):
        return {name: market}
    before = f"{name} " if of_several else ""
    return {f"{before}{a}/{b}": market.with_parameters(leg_1=a, leg_2=b) for a, b in pairs_of(market)}


def named(pair: str, known: Sequence[str]) -> tuple[str, str]:
    """`KO/PEP` as two columns; raises UnknownName."""
    one, _, two = pair.partition("/")
    for leg in (one, two):
        if leg not in known:
            raise UnknownName("instrument", leg, known)
    return one, two


def best_pairs(train: History) -> list[tuple[str, str]]:
    """The most cointegrated pairs on the training rows, each instrument in at most two."""
    logs = np.log(np.column_stack([train.positive(name) for name in train.names]))
    used: dict[str, int] = {}
    chosen: list[tuple[str, str]] = []
    for pair in cointegration.select_pairs(logs, slice(0, len(train)), train.names):
        if len(chosen) < PAIRS and all(used.get(leg, 0) < 2 for leg in (pair.dependent, pair.other)):
            chosen.append((pair.dependent, pair.other))
            for leg in (pair.dependent, pair.other):
                used[leg] = used.get(leg, 0) + 1
    return chosen
