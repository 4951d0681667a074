"""A trained desk on the recorded days that nobody has seen: against its best rule, and with every decision a row late.

What a desk is judged by is the mean of its daily returns over the markets that it plays, each from its first day to
its last; a day on which a market has no row leaves its NAV where it was. A desk within the day is judged by the return
of its windows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from allocator.desks import Judged, Plan
from allocator.recorded_parts import Recorded
from allocator.recorded_play import Daily, by_day, together
from fund.envs.play import lagged, play
from fund.market.streams import Paths
from fund.report.contents import Desk, Progress
from fund.report.inference import newey_west_lags, paired
from fund.strategy import Policy, Strategy
from fund.training.evaluate import SELECTION_SEEDS, policy_named
from fund.training.store import ModelStore
from fund.training.train import Trained

Floats = NDArray[np.float64]
CHOOSING = 256  # selection episodes on which a desk's player is chosen
YEAR = 252.0
SHORTEST = 5  # days; a market that lasts less is a window, whose whole return is told


@dataclass(frozen=True)
class Told:
    """One desk on the test days: daily returns of its player, and the table's rows."""

    judged: Judged
    daily: Daily  # mean over what it plays; empty for a desk within the day
    rows: tuple[dict[str, Any], ...]  # one a market, for the terminal and the JSON


@dataclass(frozen=True)
class Players:
    """Who may play a desk: its agent, and its best rule on the selection episodes; the better one there does."""

    agent: Policy
    rule: str
    player: str  # "agent", or the rule's name

    def best_rule(self, market: Strategy) -> Policy:
        """The rule on a market."""
        return market.rules[self.rule](market)

    def chosen(self, market: Strategy) -> Policy:
        """The player on a market."""
        return self.agent if self.player == "agent" else self.best_rule(market)

    def late(self, market: Strategy) -> Policy:
        """The player with every decision a row late."""
        return lagged(self.chosen(market), market)


def chosen_players(desk: Recorded, store: ModelStore, preset: str) -> Players:
    """Agent and best rule, by what they earn on validation episodes."""
    agent, choosing = policy_named(desk.selection, "best", store, preset), Paths.of(SELECTION_SEEDS, CHOOSING)
    found = {
        name: _mean_pnl(desk.selection, make(desk.selection), choosing)
        for name, make in desk.selection.rules.items() if name != "optimum"
    }  # fmt: skip
    best = max(found, key=lambda name: found[name])
    return Players(agent, best, "agent" if _mean_pnl(desk.selection, agent, choosing) > found[best] else best)


def tell(desk: Recorded, plan: Plan, trained: Trained, store: ModelStore) -> Told:
    """Agent, best rule and the late player on every test."""
    players = chosen_players(desk, store, plan.preset)
    ours, theirs, late = by_day(desk.tests, (lambda _: players.agent, players.best_rule, players.late))
    if desk.learning:
        agent, rule = together(ours, SHORTEST), together(theirs, SHORTEST)
        told = {label: (ours[label], theirs[label], late[label]) for label in ours}
    else:
        agent, rule, last = (_windows(one) for one in (ours, theirs, late))
        told = {f"{len(ours)} windows": (agent, rule, last)}
    names = {"desk": plan.spec.name, "player": players.player, "rule": players.rule}
    rows = tuple({**names, **_row(label, *three)} for label, three in told.items())
    played = agent if players.player == "agent" else rule
    stream = played if desk.learning else Daily(played.days[:0], played.returns[:0])
    steps, scores = zip(*trained.history, strict=True)
    progress = Progress(np.array(steps), np.array(scores), "Selection score")
    row = _desk(plan, players.rule, agent.returns, rule.returns, lasting=bool(desk.learning))
    return Told(Judged(plan, row, players.rule, players.player, players.agent, progress), stream, rows)


def seen_by_day(desk: Recorded, one: Judged) -> Daily:
    """Daily returns of a desk's player on the rows before the test."""
    players = Players(one.policy, one.rule, one.player)
    return together(by_day(desk.learning, (players.chosen,))[0])


def _mean_pnl(strategy: Strategy, policy: Policy, paths: Paths) -> float:
    played = play(strategy, policy, paths)
    return float((played.nav[-1] - played.nav[0]).mean())


def _windows(played: Mapping[str, Daily]) -> Daily:
    return Daily(
        np.array([one.days[-1] for one in played.values()]),
        np.array([float(np.prod(1.0 + one.returns) - 1.0) for one in played.values()]),
    )


def _desk(plan: Plan, rule: str, ours: Floats, theirs: Floats, lasting: bool) -> Desk:
    scale = YEAR * 100.0 if lasting else 100.0
    return Desk(
        name=plan.spec.name,
        algorithm=plan.spec.algorithm,
        measure="return, % a year" if lasting else "return of a window, %",
        score=float(ours.mean() * scale),
        rule=rule,
        rule_score=float(theirs.mean() * scale),
        difference=paired(ours * scale, theirs * scale, newey_west_lags(len(ours)) if lasting else 0),
    )


def _row(label: str, agent: Daily, rule: Daily, late: Daily) -> dict[str, Any]:
    scale = (YEAR if len(np.unique(agent.days)) >= SHORTEST else 1.0) * 100.0
    return {
        "test": label, "agent": float(agent.returns.mean() * scale), "rule_score": float(rule.returns.mean() * scale),
        "agent_sharpe": sharpe(agent.returns), "rule_sharpe": sharpe(rule.returns),
        "one_row_late": float(late.returns.mean() * scale), "days": len(np.unique(agent.days)),
    }  # fmt: skip


def sharpe(returns: Floats) -> float:
    """A year's Sharpe ratio of daily returns; 0 where they never move."""
    spread = float(returns.std())
    return float(returns.mean()) / spread * np.sqrt(YEAR) if spread > 0 else 0.0
