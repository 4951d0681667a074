"""The main job: desks, their streams, the CIO, the fund out of sample, the report.

    train the desks -> judge each against its rules -> play all over common weather -> train the CIO
        -> play the fund in worlds that nobody has seen, against the allocation rules -> report.html

Sizes are counted in steps and episodes, never in seconds, so that the same command gives the same numbers.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from allocator.cio import ORACLE, CioAllocator
from allocator.desks import Judged, generated_plans, judge, train_desks
from allocator.findings import BOUND, fund_report
from allocator.fund_play import FundPlayed, play_fund
from allocator.streams import NavStreams, play_desks
from fund.paths import atomic_write, lock
from fund.report.contents import Provenance, Report
from fund.report.tearsheet import write
from fund.report.texts import console, markdown
from fund.roster import rosters
from fund.training.evaluate import policy_named
from fund.training.store import ModelStore
from fund.training.train import Budget, git_commit, settings_of, train, versions
from specialists import ROSTER


@dataclass(frozen=True)
class Size:
    """How much of everything a run does."""

    name: str
    share: float  # of each desk's tuned training steps
    cio_share: float  # of the CIO's tuned training steps
    episodes: int  # a desk is judged on
    worlds: int  # the CIO is trained on
    test_worlds: int
    days: int  # of a test world, after the warm-up


SIZES = {
    "smoke": Size("smoke", 0.004, 0.01, 128, 8, 8, 126),
    "quick": Size("quick", 0.06, 0.10, 1024, 32, 32, 252),
    "default": Size("default", 0.35, 0.5, 4096, 128, 128, 504),
    "full": Size("full", 1.0, 1.0, 20_000, 256, 256, 756),
}
TRAINING_WORLDS, TEST_WORLDS = 3 * 10**9, 4 * 10**9  # path seeds of worlds: nobody else plays there
WARM_UP_DAYS = 120


def run_fund(
    size: Size,
    data: str | None = None,
    out: str | Path = "runs/latest",
    seed: int = 0,
    models: str | None = None,
    pairs: Sequence[str] = (),
) -> dict[str, Any]:
    """Do the main job and return the report's table as text, with the report's place and headline numbers."""
    if data is not None:
        from allocator.recorded_fund import run_recorded

        return run_recorded(size, data, out, seed, models, pairs)
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    with lock(folder):
        return _run(size, folder, seed, models)


def fresh_store(folder: Path) -> ModelStore:
    """An empty store inside a run's folder: a run plays its own models, or a second run would differ."""
    shutil.rmtree(folder / "models", ignore_errors=True)
    return ModelStore(folder / "models")


def say(text: str) -> None:
    """One line of progress, on standard error."""
    print(text, file=sys.stderr, flush=True)


def _run(size: Size, folder: Path, seed: int, models: str | None) -> dict[str, Any]:
    start, store, kept = time.monotonic(), fresh_store(folder), ModelStore(models)
    say(f"fund run, size {size.name}: training {len(ROSTER)} desks")
    plans = generated_plans(list(ROSTER.values()))
    trained = train_desks(plans, size.share, seed, store.root)
    say("judging the desks on episodes that nobody trained on")
    judged = {name: judge(plan, trained[name], size.episodes, store) for name, plan in plans.items()}
    say("playing the desks over common weather")
    days = size.days + WARM_UP_DAYS
    players = {name: (one.plan.test, one.policy) for name, one in judged.items()}
    training = play_desks(players, TRAINING_WORLDS + seed, size.worlds, days, "trained desks")
    test = play_desks(players, TEST_WORLDS + seed, size.test_worlds, days, "trained desks")
    say("training the CIO")
    plays = train_and_play_cio(size, training, test, seed, store)
    run = provenance(size, seed, start, "generated markets under one weather", test.sha256)
    subtitle = (
        f"{size.test_worlds} generated worlds of {size.days} days that no agent was trained or chosen on"
    )
    kept.take_from(store)
    report = fund_report(subtitle, judged, plays, run, kept.trials())
    return finish(report, folder, judged, plays)


def train_and_play_cio(
    size: Size, training: NavStreams, test: NavStreams, seed: int, store: ModelStore
) -> dict[str, FundPlayed]:
    """The fund under the trained CIO and under every rule, on the test streams; the agent comes first."""
    spec = rosters()["cio_allocator"]
    settings = settings_of(spec)
    learning = CioAllocator(streams=training, n_steps=min(252, training.days - WARM_UP_DAYS))
    budget = Budget(max(int(settings.steps * size.cio_share), settings.n_envs))
    train(spec, learning, "default", budget, seed, store)
    final = replace(learning, streams=test, n_steps=test.days - WARM_UP_DAYS, in_order=True)
    plays = {"CIO agent": play_fund(final, policy_named(final, "latest", store), test.worlds)}
    for name, rule in final.rules.items():
        plays[BOUND if name == ORACLE else name] = play_fund(final, rule(final), test.worlds)
    return plays


def provenance(size: Size, seed: int, start: float, data: str, data_hash: str) -> Provenance:
    """What was run, and on what."""
    return Provenance(
        command="fund " + " ".join(sys.argv[1:]) if len(sys.argv) > 1 else f"run_fund({size.name!r})",
        seed=seed,
        git_commit=git_commit(),
        wall_time_s=time.monotonic() - start,
        hardware=f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        data=data,
        data_hash=data_hash,
        versions=versions(),
        when=time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
    )


def finish(
    report: Report, folder: Path, judged: dict[str, Judged], plays: dict[str, FundPlayed]
) -> dict[str, Any]:
    """Write the report; the result's `text` is what the terminal shows."""
    write(report, folder / "report.html")
    atomic_write(folder / "report.md", markdown(report).encode())
    headline = {
        name: {"annual_return": float(played.returns.mean() * 252.0), "sharpe": _sharpe(played)}
        for name, played in plays.items()
    }
    desks = {
        name: {
            "agent": one.desk.score, "rule": one.rule, "rule_score": one.desk.rule_score,
            "difference": one.desk.difference.mean, "se": one.desk.difference.se, "player": one.player,
        }
        for name, one in judged.items()
    }  # fmt: skip
    text = console(report) + f"\nreport: {folder / 'report.html'}"
    return {"text": text, "report": str(folder / "report.html"), "fund": headline, "desks": desks}


def _sharpe(played: FundPlayed) -> float:
    returns = played.returns.ravel()
    return float(returns.mean() / returns.std() * np.sqrt(252.0)) if returns.std() > 0 else float("nan")
