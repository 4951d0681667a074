"""Recorded markets played side by side: every market of a desk and every policy is a path of one batch.

Each test has one window, so one path plays all of it, and a batch of one costs as much as a batch of fifty. Markets of
one desk that differ in nothing but their records share a batch. Where they are not equally long, and the end of an
episode means nothing to the desk, the shorter ones stand still after their last row: nothing before it can know.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from allocator.recorded_parts import Markets, days_of, history_of
from fund.envs.play import play
from fund.market.streams import Paths
from fund.market.tape import Tape
from fund.strategy import Policy, Strategy, View, names, parameter_type

Floats = NDArray[np.float64]
Maker = Callable[[Strategy], Policy]  # a policy for a market

LENGTHS = ("n_steps", "horizon")  # parameters that say how long an episode is


class Daily(NamedTuple):
    """Simple returns by day, both (days,); days since 1970."""

    days: NDArray[np.int64]
    returns: Floats


def by_day(markets: Markets, policies: Sequence[Maker]) -> list[dict[str, Daily]]:
    """What each policy earns on every market, each played once from its first row to its last."""
    out: list[dict[str, Daily]] = [{} for _ in policies]
    for group in _batches(markets):
        navs = _navs(group, policies)
        for found, nav in zip(out, navs, strict=True):
            for k, (label, market) in enumerate(group.items()):
                found[label] = daily(market, nav[: market.n_steps + 1, k])
    return [{label: found[label] for label in markets} for found in out]


def daily(market: Strategy, nav: Floats) -> Daily:
    """Returns from the last row of a day to that of the next; of a single day, from its first row to its last."""
    days = days_of(market)[len(history_of(market)) - len(nav) :]
    last = np.append(np.flatnonzero(np.diff(days)), len(days) - 1)
    marks = np.concatenate([nav[:1], nav[last]]) if len(last) == 1 else nav[last]
    earned = np.where(marks[:-1] > 0.0, marks[1:] / np.maximum(marks[:-1], 1e-9) - 1.0, 0.0)
    return Daily(days[last][-len(earned) :], earned)


def together(played: Mapping[str, Daily], shortest: int = 1) -> Daily:
    """Mean return by day over the markets that have begun and not ended; those of fewer days do not count."""
    lasting = [one for one in played.values() if len(one.days) >= shortest] or list(played.values())
    days = np.unique(np.concatenate([one.days for one in lasting]))
    total, count = np.zeros(len(days)), np.zeros(len(days))
    for one in lasting:
        total[np.searchsorted(days, one.days)] += one.returns
        count[(days >= one.days[0]) & (days <= one.days[-1])] += 1.0
    return Daily(days[count > 0.0], total[count > 0.0] / count[count > 0.0])


def _batches(markets: Markets) -> list[dict[str, Strategy]]:
    groups: dict[Any, dict[str, Strategy]] = {}
    for label, market in markets.items():
        kept = dict(zip(names(parameter_type(type(market))), market.parameters(), strict=True))
        for length in LENGTHS:
            kept.pop(length, None)
        steps = market.n_steps if market.finite_horizon or "horizon" in vars(market) else 0
        groups.setdefault((steps, *kept.items()), {})[label] = market
    return list(groups.values())


def _navs(group: Mapping[str, Strategy], policies: Sequence[Maker]) -> list[Floats]:
    # (T + 1, markets) a policy
    longest = max(group.values(), key=lambda market: market.n_steps)
    tapes = [lengthened(market.record(Paths.of(0, 1)), longest.n_steps) for market in group.values()]
    size = len(tapes)
    tape = tapes[0].widened(size * len(policies))
    for path in range(size * len(policies)):
        tape.put(np.array([path]), tapes[path % size])
    policy = side_by_side([make(longest) for make in policies])
    nav = play(longest, policy, Paths.of(0, size * len(policies)), tape).nav
    return np.split(nav, len(policies), axis=1)


def lengthened(tape: Tape, steps: int) -> Tape:
    """A tape that stands still after its last row."""
    more = steps - tape.steps
    if more <= 0:
        return tape
    rows = np.minimum(np.arange(steps + 1), tape.steps)
    return replace(tape, block=tape.block[rows], features=tape.features[rows])


def side_by_side(policies: Sequence[Policy]) -> Policy:
    """Several policies as one: each acts on its own equal share of the paths, in order."""

    def act(view: View) -> NDArray[Any]:
        shares = np.array_split(np.arange(view.n), len(policies))
        acted = [np.asarray(policy(view)) for policy in policies]
        return np.concatenate([actions[share] for actions, share in zip(acted, shares, strict=True)])

    return act
