"""A training from start to end: learn, select on held-out episodes, keep best and latest, stop when asked to."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.logger import (
    CSVOutputFormat,
    HumanOutputFormat,
    KVWriter,
    Logger,
    TensorBoardOutputFormat,
)

from fund.envs.team import Team
from fund.errors import ModelError
from fund.paths import lock
from fund.training.evaluate import SELECTION_SEEDS
from fund.training.interruption import interruptible
from fund.training.multi_agent.acting import Actors, Episodes, Policy, play_team
from fund.training.multi_agent.algorithms import learner_for, settings_of
from fund.training.multi_agent.off_policy import OffPolicy
from fund.training.multi_agent.settings import Settings
from fund.training.multi_agent.store import TeamCard, TeamStore, environment_hash, networks, packed, schema
from fund.training.train import versions

Score = Callable[[Team, Policy, int], float]
"""A team, a policy and a seed: how good the policy is on the episodes from that seed on."""


@dataclass(frozen=True)
class Job:
    """What is to be trained."""

    name: str  # folder of its models
    make: Callable[[int], Team]  # how many copies -> team
    settings: Settings | OffPolicy = field(default_factory=Settings)
    preset: str = "default"
    parameters: Mapping[str, Any] = field(default_factory=dict)  # of the world, for the card
    score: Score | None = None  # what selection maximises; the mean return of an agent where not given
    learner: Callable[[Job, int], Any] | None = (
        None  # job and seed -> what learns; `learner_for` where not given
    )
    start: Callable[[Any], None] | None = None  # what a fresh learner is taught before the first step


@dataclass(frozen=True)
class TrainedTeam:
    """What came out of one training."""

    card: TeamCard
    is_best: bool
    history: tuple[tuple[int, float], ...]  # (steps, score on the selection episodes)
    interrupted: int  # the signal that ended it early, 0 for none


def mean_return(team: Team, policy: Policy, seed: int) -> float:
    """Mean over episodes and agents of the sum of rewards."""
    played: Episodes = play_team(team, policy, seed)
    return float(played.per_agent.mean())


def train_team(
    job: Job,
    seed: int = 0,
    store: TeamStore | None = None,
    seconds: float | None = None,
    resume: bool = False,
    progress: bool = False,
) -> TrainedTeam:
    """Train until the settings' steps are done, `seconds` are over, or Ctrl-C or SIGTERM comes.

    Whatever ends it, what was learned is saved, and `resume` goes on from there as if nothing had happened: the same
    weights, bit for bit, at one thread. (A team that cannot say its state begins new episodes at every checkpoint; it
    goes on exactly from those that the settings' evaluations make.) Raises RunInUse where another process trains into
    the same folder, ModelError where a number is not finite or the checkpoint is of something else.
    """
    torch.set_num_threads(1)
    store = store or TeamStore()
    home = store.folder(job.name, job.preset)
    with lock(home):
        session = Session(job, store, seed)
        if resume:
            session.resume()
        with contextlib.closing(session.open_log(home, progress)), interruptible(session):
            session.run(None if seconds is None else time.monotonic() + seconds)
        return session.result()


class Session:
    """One training and what it has found so far."""

    def __init__(self, job: Job, store: TeamStore, seed: int) -> None:
        self.job, self.store = job, store
        self.learner: Any = (job.learner or _alone)(job, seed)
        self.judge = job.make(job.settings.evaluation_copies)
        self.history: list[tuple[int, float]] = []
        self.interrupted, self.is_best = 0, False
        self.before, self.start = 0.0, time.monotonic()

    def resume(self) -> None:
        """Go on from the latest checkpoint; raises ModelError where it is of another world or other settings."""
        card, named, where = self.store.read(self.job.name, "latest", self.job.preset)
        card.check(self.learner.team)
        found, wanted = settings_of(card.settings), self.job.settings
        if replace(found, steps=wanted.steps, evaluations=wanted.evaluations) != wanted:
            different = [k for k, v in asdict(found).items() if asdict(wanted).get(k) != v]
            raise ModelError(
                f"{self.job.name}: the checkpoint was trained with another {', '.join(different)}"
            )
        self.learner.resume(named, where)
        self.history = [(int(steps), float(score)) for steps, score in card.scores]
        self.before = card.seconds

    def run(self, deadline: float | None) -> None:
        """Iterate; look at the selection episodes every so often, and at the end."""
        learner, settings = self.learner, self.job.settings
        if self.job.start is not None and not self.history:
            self.job.start(learner)
            self.look()
        while learner.steps < settings.steps and not self.interrupted:
            if deadline is not None and time.monotonic() > deadline:
                break
            self.advance()
        self.finish()

    def advance(self) -> None:
        """One rollout, what is learned from it, a look where one is due, a line of the log."""
        learner, settings = self.learner, self.job.settings
        numbers, begun = learner.iterate(), time.monotonic()
        if hasattr(learner.team, "numbers"):
            numbers |= learner.team.numbers()
        due = learner.steps >= settings.steps / settings.evaluations * (self.looks + 1)
        if due or learner.steps >= settings.steps:
            numbers |= self.look()
        self.write(numbers, begun)

    def finish(self) -> None:
        """Keep what was learned since the last look."""
        if not self.history or self.history[-1][0] != self.learner.steps:
            self.keep(self.evaluate())

    @property
    def looks(self) -> int:
        """Evaluations that were due so far."""
        settings = self.job.settings
        done = [steps for steps, _ in self.history]
        return int(max(done, default=0) * settings.evaluations / settings.steps)

    def evaluate(self) -> float:
        """The likeliest actions on the selection episodes."""
        score = self.job.score or mean_return
        return score(self.judge, Actors(self.learner.groups), SELECTION_SEEDS)

    def look(self) -> dict[str, float]:
        """Evaluate and keep."""
        score = self.evaluate()
        self.history.append((self.learner.steps, score))
        self.keep(score)
        return {"eval/mean_reward": score}

    def keep(self, score: float) -> None:
        """Write the checkpoint, offer the networks as the best."""
        named, where = self.learner.snapshot()
        card = self.card(score)
        self.store.checkpoint(card, packed(named, where))
        self.is_best |= self.store.offer(card, packed(networks(named), where))

    def card(self, score: float) -> TeamCard:
        """What is known now."""
        job, learner = self.job, self.learner
        return TeamCard(
            name=job.name, algorithm=job.settings.algorithm.upper(), preset=job.preset, agents=schema(learner.team),
            environment=environment_hash(job.name, learner.team, job.parameters),
            parameters={key: value if isinstance(value, (bool, int, float, str)) else repr(value)
                        for key, value in job.parameters.items()},
            settings=asdict(job.settings), seed=learner.seed, steps=learner.steps,
            seconds=round(self.before + time.monotonic() - self.start, 2), score=score,
            scores=list(self.history), versions=versions(),
        )  # fmt: skip

    def result(self) -> TrainedTeam:
        """After the end."""
        best = self.store.card(self.job.name, "best", self.job.preset)
        latest = self.store.card(self.job.name, "latest", self.job.preset)
        shown = best if self.is_best and best is not None else latest
        assert shown is not None
        return TrainedTeam(shown, self.is_best, tuple(self.history), self.interrupted)

    # ---------------------------------------------------------------- logs

    def open_log(self, home: Path, loud: bool) -> Logger:
        """A folder of its own for this run: CSV and TensorBoard."""
        logs = home / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        taken = [int(p.name) for p in logs.iterdir() if p.name.isdigit()]
        self.logs = logs / str(max(taken, default=0) + 1)
        self.logs.mkdir()
        (self.logs / "command.txt").write_text(" ".join(sys.argv) + "\n")
        outputs: list[KVWriter] = [
            CSVOutputFormat(str(self.logs / "progress.csv")),
            TensorBoardOutputFormat(str(self.logs)),
        ]
        if loud:
            outputs.append(HumanOutputFormat(sys.stderr))
        self.log = Logger(str(self.logs), outputs)
        self.log_start = (time.monotonic(), self.learner.steps)
        return self.log

    def write(self, numbers: Mapping[str, float], now: float) -> None:
        """One line of the log."""
        start, before = self.log_start
        for key, value in numbers.items():
            self.log.record(key, value)
        self.log.record("time/fps", (self.learner.steps - before) / max(now - start, 1e-9))
        self.log.dump(self.learner.steps)
        if "eval/mean_reward" in numbers:
            steps, scores = zip(*self.history, strict=True)
            np.savez(self.logs / "evaluations.npz", timesteps=np.array(steps), results=np.array(scores))


def _alone(job: Job, seed: int) -> Any:
    return learner_for(job.make, job.settings, seed)
