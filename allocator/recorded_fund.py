"""The main job on recorded markets: the same flow as on generated ones, in one world that happened once.

Desks within the day (an order book of one session) are judged, but their sleeve lies in cash: one day is no stream of
daily returns. The CIO learns on the streams of training and validation days, which the desks have seen, and is
judged on the test days, which nobody has; every result stands beside the same policy with each decision one bar late.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from allocator.cio import DESKS, ORACLE, CioAllocator
from allocator.desks import Judged, Plan, train_desks
from allocator.features import WARM_UP
from allocator.findings import fund_report
from allocator.fund_play import FundPlayed, play_fund
from allocator.recorded_desks import Recorded, recorded_desks
from allocator.streams import NavStreams
from fund.envs.play import lagged, play
from fund.errors import DataError
from fund.market.streams import Paths
from fund.paths import lock
from fund.report.contents import Desk, Progress
from fund.report.inference import newey_west_lags, paired
from fund.roster import rosters
from fund.strategy import Policy, Strategy
from fund.training.evaluate import SELECTION_SEEDS, policy_named
from fund.training.store import ModelStore
from fund.training.train import Budget, Trained, settings_of, train

Floats = NDArray[np.float64]
CHOOSING = 256  # selection episodes on which a desk's player is chosen
MEASURE = "return, % a year"


@dataclass(frozen=True)
class Told:
    """One desk on the test days: daily returns of its player, and the table's row."""

    judged: Judged
    returns: Floats  # (days,) mean over what it plays; empty for a desk within the day
    rows: tuple[dict[str, Any], ...]  # one a test, for the terminal and the JSON


def run_recorded(
    size: Any, data: str, out: str | Path, seed: int, models: str | None, pairs: Sequence[str] = ()
) -> dict[str, Any]:
    """Do the main job on recorded data; raises DataError where it is missing or malformed."""
    desks = recorded_desks(data, pairs)  # before anything is written
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    with lock(folder):
        return _run(size, data, desks, folder, seed, models)


def _run(
    size: Any, data: str, desks: Mapping[str, Recorded], folder: Path, seed: int, models: str | None
) -> dict[str, Any]:
    from allocator.run_fund import finish, fresh_store, provenance, say

    start, store, kept = time.monotonic(), fresh_store(folder), ModelStore(models)
    say(f"fund run on {data}, size {size.name}: training {', '.join(desks)}")
    plans = {
        name: Plan(d.spec, d.training, d.selection, d.selection, "recorded") for name, d in desks.items()
    }
    trained = train_desks(plans, size.share, seed, store.root)
    say("judging the desks on the test part, once, and again with every decision one bar late")
    told = {name: tell(desk, plans[name], trained[name], store) for name, desk in desks.items()}
    test, dates = test_streams(desks, told)
    say(f"training the CIO; the fund is judged on {len(dates) - 1} days from {dates[0]} to {dates[-1]}")
    plays = cio_plays(size, learning_streams(desks, told), test, seed, store)
    kept.take_from(store)
    run = provenance(size, seed, start, data, test.sha256)
    judged = {name: one.judged for name, one in told.items()}
    subtitle = f"recorded markets, {dates[0]} to {dates[-1]}, after {WARM_UP} days of warm-up; costs included"
    report = fund_report(subtitle, judged, plays, run, kept.trials(), dates, warnings(desks))
    result = finish(report, folder, judged, plays)
    rows = [row for one in told.values() for row in one.rows]
    return {**result, "text": f"{table(rows)}\n\n{result['text']}", "tests": rows}


def warnings(desks: Mapping[str, Recorded]) -> tuple[str, ...]:
    """What a reader of a recorded run must know."""
    absent = [name for name in DESKS if name not in desks or not len(desks[name].dates)]
    text = "One history: standard errors are over days (Newey & West), and the past is one draw."
    cash = f"No daily stream for {', '.join(absent)}: its sleeve lies in cash." if absent else ""
    return tuple(note for note in (text, cash) if note)


def tell(desk: Recorded, plan: Plan, trained: Trained, store: ModelStore) -> Told:
    """Agent and best rule on every test, the player chosen on validation episodes."""
    agent = policy_named(desk.selection, "best", store, plan.preset)
    choosing = Paths.of(SELECTION_SEEDS, CHOOSING)
    found = {}
    for name, make in desk.selection.rules.items():
        if name != "optimum":
            found[name] = _mean_pnl(desk.selection, make(desk.selection), choosing)
    best = max(found, key=lambda name: found[name])
    player = "agent" if _mean_pnl(desk.selection, agent, choosing) > found[best] else best
    rows, ours, theirs = [], [], []
    for label, test in desk.tests.items():
        rule = test.rules[best](test)
        a, r = _returns(test, agent), _returns(test, rule)
        late = _returns(test, lagged(agent if player == "agent" else rule, test))
        ours.append(a)
        theirs.append(r)
        rows.append(_row(plan.spec.name, label, best, player, a, r, late, test))
    together, ruled = np.mean(ours, axis=0), np.mean(theirs, axis=0)
    year = 252.0 * desk.selection.steps_per_day if len(desk.dates) else 1.0
    sample = (together, ruled) if len(desk.dates) else (np.sum(ours, axis=1), np.sum(theirs, axis=1))
    lags = newey_west_lags(len(sample[0])) if len(desk.dates) else 0
    row = Desk(
        name=plan.spec.name,
        algorithm=plan.spec.algorithm,
        measure=MEASURE if len(desk.dates) else "return of a window, %",
        score=float(sample[0].mean() * year * 100),
        rule=best,
        rule_score=float(sample[1].mean() * year * 100),
        difference=paired(sample[0] * year * 100, sample[1] * year * 100, lags),
    )
    steps, scores = zip(*trained.history, strict=True)
    judged = Judged(
        plan, row, best, player, agent, Progress(np.array(steps), np.array(scores), "Selection score")
    )
    played = together if player == "agent" else ruled
    return Told(judged, played if len(desk.dates) else np.zeros(0), tuple(rows))


def _mean_pnl(strategy: Strategy, policy: Policy, paths: Paths) -> float:
    played = play(strategy, policy, paths)
    return float((played.nav[-1] - played.nav[0]).mean())


def _returns(strategy: Strategy, policy: Policy) -> Floats:
    # the test of a recorded desk has one window, so one path plays all of it
    nav = play(strategy, policy, Paths.of(0, 1)).nav[:, 0]
    return np.asarray(nav[1:] / nav[:-1] - 1.0)


def _row(
    desk: str, label: str, best: str, player: str, agent: Floats, rule: Floats, late: Floats, test: Strategy
) -> dict[str, Any]:
    year = 252.0 if test.steps_per_day == 1 else float(len(agent))
    return {
        "desk": desk, "test": label, "player": player, "rule": best,
        "agent": float(agent.mean() * year * 100), "rule_score": float(rule.mean() * year * 100),
        "agent_sharpe": _sharpe(agent), "rule_sharpe": _sharpe(rule), "one_bar_late": float(late.mean() * year * 100),
    }  # fmt: skip


def _sharpe(returns: Floats) -> float:
    spread = float(returns.std())
    return float(returns.mean()) / spread * np.sqrt(252.0) if spread > 0 else 0.0


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """The test results as text: return in % (a year for daily desks, a window for the order book)."""
    head = f"{'desk':<24}{'test':<16}{'agent':>9}{'rule':>9}{'late':>9}  played by / best rule"
    lines = [head]
    for row in rows:
        numbers = f"{row['agent']:>9.2f}{row['rule_score']:>9.2f}{row['one_bar_late']:>9.2f}"
        lines.append(f"{row['desk']:<24}{row['test']:<16}{numbers}  {row['player']} / {row['rule']}")
    return "\n".join(lines)


def test_streams(desks: Mapping[str, Recorded], told: Mapping[str, Told]) -> tuple[NavStreams, NDArray[Any]]:
    """Streams of the test days that all daily desks have, and their dates, after the CIO's warm-up."""
    return _streams(
        {name: (one.returns, desks[name].dates) for name, one in told.items() if len(one.returns)}
    )


def _streams(daily: Mapping[str, tuple[Floats, NDArray[Any]]]) -> tuple[NavStreams, NDArray[Any]]:
    if not daily:
        raise DataError("no desk has daily returns on these data: a fund needs prices or factors")
    common = None
    for _, dates in daily.values():
        common = dates[1:] if common is None else np.intersect1d(common, dates[1:])
    assert common is not None
    if len(common) < WARM_UP + 60:
        raise DataError(f"the desks' test days have {len(common)} in common, wanted at least {WARM_UP + 60}")
    returns = np.zeros((len(common), 1, len(DESKS)))
    for name, (values, dates) in daily.items():
        rows = np.searchsorted(dates[1:], common)
        returns[:, 0, DESKS.index(name)] = values[rows]
    streams = NavStreams(DESKS, returns, returns.mean(axis=2), "recorded desks")
    return streams, common[WARM_UP - 1 :]


def learning_streams(desks: Mapping[str, Recorded], told: Mapping[str, Told]) -> NavStreams:
    """Streams of the training days, played by the same players; the CIO learns on them."""
    parts = []
    for name, desk in desks.items():
        if not len(desk.dates):
            continue
        history = desk.training.history
        assert history is not None
        steps = len(history) - 1 - desk.training.warm_up
        long = desk.training.with_steps(steps)
        one = told[name].judged
        policy = one.policy if one.player == "agent" else long.rules[one.rule](long)
        played = play(long, policy, Paths.of(0, max(len(desk.tests), 1)))
        nav = played.nav
        parts.append((name, (nav[1:] / nav[:-1] - 1.0).mean(axis=1), history.dates[-steps - 1 :]))
    return _streams({name: (values, dates) for name, values, dates in parts})[0]


def cio_plays(
    size: Any, learning: NavStreams, test: NavStreams, seed: int, store: ModelStore
) -> dict[str, FundPlayed]:
    """The fund under the trained CIO and every rule on the test days; the agent comes first."""
    spec = rosters()["cio_allocator"]
    settings = settings_of(spec)
    strategy = CioAllocator(streams=learning, n_steps=min(126, learning.days - WARM_UP))
    budget = Budget(max(int(settings.steps * size.cio_share), settings.n_envs))
    train(spec, strategy, "recorded", budget, seed, store)
    final = replace(strategy, streams=test, n_steps=test.days - WARM_UP, in_order=True)
    plays = {"CIO agent": play_fund(final, policy_named(final, "latest", store, "recorded"), 1)}
    rules = {name: rule for name, rule in final.rules.items() if name != ORACLE}  # a record has no regimes
    return plays | {name: play_fund(final, rule(final), 1) for name, rule in rules.items()}
