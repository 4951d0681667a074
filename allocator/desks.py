"""The desks of one run: trained side by side, judged against their rules, and played by whichever is better."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from multiprocessing import active_children, get_context
from pathlib import Path
from typing import Any

import numpy as np

from fund.envs.play import play
from fund.errors import InvalidParameter, ModelError
from fund.market.streams import Paths
from fund.report.contents import Desk, Progress
from fund.report.inference import paired
from fund.roster import Spec
from fund.strategy import Played, Policy, Strategy
from fund.training.evaluate import SELECTION_SEEDS, held_out, policy_named
from fund.training.interruption import demand_whole
from fund.training.store import ModelStore
from fund.training.train import Budget, Trained, settings_of, train


@dataclass(frozen=True)
class Plan:
    """One desk of a run: what it trains on, is selected on, and is judged on."""

    spec: Spec
    training: Strategy
    selection: Strategy
    test: Strategy
    preset: str = "default"
    note: str = ""


@dataclass(frozen=True)
class Judged:
    """One desk after training: its best rule and its agent, and which of the two plays in the fund."""

    plan: Plan
    desk: Desk
    rule: str
    player: str  # "agent", or the rule's name
    policy: Policy
    progress: Progress


def train_desks(
    plans: Mapping[str, Plan], share: float, seed: int, models: Path | str | None
) -> dict[str, Trained]:
    """Train every desk for a share of its tuned steps, one process a desk, one thread each.

    A signal ends the trainings under way, which save what they have learnt, and is raised. Raises ModelError where a
    process was killed.
    """
    jobs = [(name, plan, share, seed, models) for name, plan in plans.items()]
    # a process costs seconds of compiling, which a tiny training is not worth
    workers = min(len(jobs), os.cpu_count() or 1) if share > TINY else 1
    if workers == 1:
        return dict(map(_train_one, jobs))
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_deaf_to_ctrl_c)
    try:
        return dict(pool.map(_train_one, jobs))
    except BrokenProcessPool:
        raise ModelError("a process that trained a desk was killed, by hand or for its memory") from None
    except KeyboardInterrupt:
        for helper in active_children():
            helper.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _deaf_to_ctrl_c() -> None:
    # the terminal tells all processes at once; the one that started the others tells them what to do
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _train_one(job: tuple[str, Plan, float, int, Path | str | None]) -> tuple[str, Trained]:
    name, plan, share, seed, models = job
    tuned = settings_of(plan.spec, plan.preset)
    settings = replace(tuned, world=holding(plan.training, tuned.world))
    budget = Budget(max(int(settings.steps * share), settings.n_envs))
    store = ModelStore(models)
    done = train(
        plan.spec, plan.training, plan.preset, budget, seed, store, settings, selection=plan.selection
    )
    print(f"  {name}: {done.card.steps:,} steps in {done.card.seconds:.0f} s", file=sys.stderr, flush=True)
    demand_whole(done.interrupted)
    return name, done


def holding(strategy: Strategy, world: Mapping[str, Any]) -> dict[str, Any]:
    """The changes of a training world that a strategy can take: a record knows no control variate."""
    kept: dict[str, Any] = {}
    for key, value in world.items():
        with contextlib.suppress(InvalidParameter):
            strategy.with_parameters(**{**kept, key: value})
            kept[key] = value
    return kept


def earned(strategy: Strategy, played: Played) -> float:
    """Mean P&L of an episode, share of the desk's capital."""
    return float(np.mean(played.nav[-1] - played.nav[0]) / strategy.capital)


TINY = 0.01  # share of the tuned steps
MEASURE = "episode reward"  # what a desk is paid for: its P&L, less the risk that it is charged with


def judge(plan: Plan, trained: Trained, episodes: int, store: ModelStore) -> Judged:
    """Agent against rules on held-out episodes; the best rule and the player are chosen on selection episodes."""
    choosing = Paths.of(SELECTION_SEEDS, min(episodes, 1024))
    agent = policy_named(plan.test, "best", store, plan.preset)
    rules = {name: make(plan.selection) for name, make in plan.test.rules.items() if name != "optimum"}
    found = {name: float(play(plan.selection, rule, choosing).reward.mean()) for name, rule in rules.items()}
    best = max(found, key=lambda name: found[name])
    chosen = float(play(plan.selection, agent, choosing).reward.mean())
    player = "agent" if chosen > found[best] else best
    rule = plan.test.rules[best](plan.test)
    desk = compared(plan, agent, best, rule, held_out(episodes))
    steps, scores = zip(*trained.history, strict=True)
    progress = Progress(np.array(steps), np.array(scores), "Selection score")
    return Judged(plan, desk, best, player, agent if player == "agent" else rule, progress)


def compared(plan: Plan, agent: Policy, name: str, rule: Policy, paths: Paths) -> Desk:
    """The agent beside a rule, and the optimum where one is known, on the same tapes."""
    ours, theirs = play(plan.test, agent, paths), play(plan.test, rule, paths)
    optimum = _optimum(plan, paths)
    return Desk(
        name=plan.spec.name,
        algorithm=plan.spec.algorithm,
        measure=MEASURE,
        score=float(ours.reward.mean()),
        rule=name,
        rule_score=float(theirs.reward.mean()),
        difference=paired(ours.reward, theirs.reward),
        optimum=None if optimum is None else float(optimum.mean()),
        against_optimum=None if optimum is None else paired(ours.reward, optimum),
        profit=earned(plan.test, ours),
        rule_profit=earned(plan.test, theirs),
    )


def _optimum(plan: Plan, paths: Paths) -> np.ndarray[tuple[int], np.dtype[np.float64]] | None:
    if "optimum" not in plan.test.rules:
        return None
    try:
        policy = plan.test.rules["optimum"](plan.test)
    except InvalidParameter:  # a market without a known optimum
        return None
    return play(plan.test, policy, paths).reward


def generated_plans(specs: Sequence[Spec]) -> dict[str, Plan]:
    """Every desk on its default generated market."""
    return {spec.name: Plan(spec, s, s, s) for spec in specs for s in [spec.cls()]}
