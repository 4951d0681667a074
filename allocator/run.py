"""One run of the main job: how much of everything it does, the folder it owns, its models, the report it leaves.

Sizes are counted in steps and episodes, never in seconds, so that the same command gives the same numbers.
"""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from allocator.desks import Judged
from allocator.fund_play import FundPlayed
from fund.errors import ModelError
from fund.paths import atomic_write, lock
from fund.report.contents import Provenance, Report
from fund.report.tearsheet import write
from fund.report.texts import console, markdown
from fund.training.store import ModelStore
from fund.training.train import git_commit, versions


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
    "default": Size("default", 1.0, 0.6, 4096, 128, 128, 504),
    "full": Size("full", 1.0, 1.0, 20_000, 256, 256, 756),
}


@dataclass
class Run:
    """A run under way."""

    size: Size
    folder: Path
    seed: int
    store: ModelStore  # of this run alone: it plays its own models, or a second run would differ
    kept: ModelStore  # the caller's
    start: float = field(default_factory=time.monotonic)
    handed_over: bool = False

    def keep_models(self) -> None:
        """Hand the models over to the caller's store, once."""
        if not self.handed_over:
            self.handed_over = True
            self.kept.take_from(self.store)

    def provenance(self, data: str, data_hash: str) -> Provenance:
        """What was run, and on what."""
        words = "fund " + " ".join(sys.argv[1:]) if len(sys.argv) > 1 else f"run_fund({self.size.name!r})"
        return Provenance(
            command=words,
            seed=self.seed,
            git_commit=git_commit(),
            wall_time_s=time.monotonic() - self.start,
            hardware=f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
            data=data,
            data_hash=data_hash,
            versions=versions(),
            when=time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        )

    def finish(
        self, report: Report, judged: Mapping[str, Judged], plays: Mapping[str, FundPlayed]
    ) -> dict[str, Any]:
        """Write the report; the result's `text` is what the terminal shows."""
        write(report, self.folder / "report.html")
        atomic_write(self.folder / "report.md", markdown(report).encode())
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
        place = self.folder / "report.html"
        text = f"{console(report)}\nreport: {place}"
        return {"text": text, "report": str(place), "fund": headline, "desks": desks}


@contextlib.contextmanager
def opened(size: Size, out: str | Path, seed: int, models: str | None) -> Iterator[Run]:
    """Sole use of a run's folder; of a run cut short, what was trained to its end is handed over, too.

    Raises RunInUse where another process has the folder.
    """
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    with lock(folder):
        shutil.rmtree(folder / "models", ignore_errors=True)
        run = Run(size, folder, seed, ModelStore(folder / "models"), ModelStore(models))
        try:
            yield run
        except KeyboardInterrupt:
            with contextlib.suppress(ModelError):  # the cut may have come between a model and its card
                run.keep_models()
            raise


def say(text: str) -> None:
    """One line of progress, on standard error."""
    print(text, file=sys.stderr, flush=True)


def _sharpe(played: FundPlayed) -> float:
    returns = played.returns.ravel()
    return float(returns.mean() / returns.std() * np.sqrt(252.0)) if returns.std() > 0 else float("nan")
