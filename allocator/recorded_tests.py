"""A trained desk on the recorded days that nobody has seen: against its best rule, and with every decision a row late.

What a desk is judged by is its daily returns, the mean over the markets that it plays, each from its first day to its
last; a day on which a market has no row leaves its NAV where it was. They are told compounded, a year's where the test
lasts one and the whole test's where it is shorter (as GIPS wants it): nobody who is not given more than his capital
loses more. A desk within the day is judged by the return of its windows.
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
from fund.report.inference import Paired, newey_west_lags, paired
from fund.report.metrics import annual_return
from fund.strategy import Policy, Strategy
from fund.training.evaluate import SELECTION_SEEDS, policy_named
from fund.training.store import ModelStore
from fund.training.train import Trained

Floats = NDArray[np.float64]
CHOOSING = 256  # selection episodes on which a desk's player is chosen
YEAR = 252
LEFT = 1e-9  # of an account, when logarithms are taken of what a lost one has left
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
    span = "a year" if len(ours) >= YEAR else f"in {len(ours)} days"
    return Desk(
        name=plan.spec.name,
        algorithm=plan.spec.algorithm,
        measure=f"return, % {span}" if lasting else "return of a window, %",
        score=compound(ours) if lasting else float(100.0 * ours.mean()),
        rule=rule,
        rule_score=compound(theirs) if lasting else float(100.0 * theirs.mean()),
        difference=compound_difference(ours, theirs) if lasting else paired(100.0 * ours, 100.0 * theirs),
    )


def _row(label: str, agent: Daily, rule: Daily, late: Daily) -> dict[str, Any]:
    days = len(np.unique(agent.days))
    agent_return, rule_return, late_return = (
        compound(one.returns) if days >= SHORTEST else float(100.0 * one.returns.mean())
        for one in (agent, rule, late)
    )
    return {
        "test": label, "agent": agent_return, "rule_score": rule_return, "one_row_late": late_return, "days": days,
        "agent_sharpe": sharpe(agent.returns), "rule_sharpe": sharpe(rule.returns),
    }  # fmt: skip


def _periods(returns: Floats) -> int:
    # over which a return is told: those of a year, or all where there are fewer
    return min(YEAR, len(returns))


def compound(returns: Floats) -> float:
    """Compounded return of a year, or of all days where there are fewer, in %; never below -100."""
    return 100.0 * float(annual_return(returns, _periods(returns)))


def compound_difference(ours: Floats, theirs: Floats) -> Paired:
    """Difference of two compounded returns of the same days, with its standard error by the delta method.

    G = exp(P mean ln(1 + r)) - 1 moves by (1 + G) P / T for each unit of a day's ln(1 + r), P days being told of T; the
    errors of consecutive days are those of Newey & West.
    """
    return paired(_shares(ours), _shares(theirs), newey_west_lags(len(ours)))


def _shares(returns: Floats) -> Floats:
    # of each day in the compounded return; their mean is that return
    grown, logs = compound(returns), np.log(np.maximum(1.0 + returns, LEFT))
    return np.asarray(grown + (100.0 + grown) * _periods(returns) * (logs - logs.mean()))


def sharpe(returns: Floats) -> float:
    """A year's Sharpe ratio of daily returns; 0 where they never move."""
    spread = float(returns.std())
    return float(returns.mean()) / spread * float(np.sqrt(YEAR)) if spread > 0 else 0.0
