"""One trainer for all of the GrandModel: which stages learn, and whether together.

    strategic, tactical, risk, execution    the agents of one stage
    unified                                 all fifteen as one team under one weather, one central critic's state
    mixed                                   the four stages at the same time, each on its own, taking turns

    train_mode("mixed", steps=100_000)

In `unified` the models lie under `unified`, in all others under their stage's name.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from functools import partial
from typing import Any

import torch

from fund.envs.rounds import Rounds
from fund.envs.together import Together
from fund.errors import InvalidParameter, UnknownName
from fund.grandmodel.stages import STAGES, stage_named
from fund.paths import lock
from fund.stage import Stage
from fund.training.interruption import interruptible
from fund.training.multi_agent.acting import Policy
from fund.training.multi_agent.algorithms import for_algorithm, settings_of
from fund.training.multi_agent.comparison import best_rule, versus
from fund.training.multi_agent.processes import in_processes
from fund.training.multi_agent.session import Job, Session, TrainedTeam, train_team
from fund.training.multi_agent.stages import stage_job
from fund.training.multi_agent.store import TeamStore
from fund.training.store import parameters_of

SEVERAL = ("unified", "mixed")
MODES = (*STAGES, *SEVERAL)
UNIFIED: Mapping[str, Any] = {
    "steps": 400_000, "copies": 64, "rollout": 25, "shared": False, "evaluation_copies": 128, "bootstrap": True,
    "epochs": 4, "minibatches": 4, "entropy": 0.001,
}  # fmt: skip
EPISODES = 256  # on which `fund train unified` compares


class OneStage:
    """The agents of one stage out of a policy for all of them."""

    def __init__(self, policy: Policy, stage: str) -> None:
        self.policy, self.stage = policy, stage

    def begin(self, n: int) -> None:
        """Forget all; n copies follow."""
        self.policy.begin(n)

    def act(self, agent: str, seen: Any) -> Any:
        """Actions of one agent of the stage."""
        return self.policy.act(f"{self.stage}.{agent}", seen)


def all_stages(changes: Mapping[str, Mapping[str, Any]] | None = None) -> dict[str, Stage]:
    """The four on their default markets; `changes` of parameters by stage. Raises UnknownName."""
    for name in changes or {}:
        if name not in STAGES:
            raise UnknownName("stage", name, STAGES)
    return {name: stage_named(name, **dict((changes or {}).get(name, {}))) for name in STAGES}


def unified_job(
    stages: Mapping[str, Stage], algorithm: str | None = None, settings: Mapping[str, Any] | None = None
) -> Job:
    """All agents as one team; raises UnknownName, InvalidParameter."""
    plain = for_algorithm(algorithm, UNIFIED, settings or {})
    parameters = {
        f"{s}.{k}": v for s, stage in stages.items() for k, v in parameters_of(stage.strategy).items()
    }
    return Job("unified", partial(Together, stages), settings_of(plain), parameters=parameters)


def train_mode(
    mode: str,
    steps: int | None = None,
    seconds: float | None = None,
    seed: int = 0,
    store: TeamStore | None = None,
    resume: bool = False,
    progress: bool = False,
    algorithm: str | None = None,
    changes: Mapping[str, Mapping[str, Any]] | None = None,
    settings: Mapping[str, Any] | None = None,
    workers: int = 0,
) -> dict[str, TrainedTeam]:
    """Train what a mode names; what came out, by stage, or of `unified`.

    steps, seconds    of each training; in `mixed` the seconds are those of all
    changes           parameters of worlds, by stage
    settings          of the trainer, over the tuned ones

    Ends and resumes as `train_team`. Raises UnknownName, InvalidParameter, RunInUse, ModelError.
    """
    if mode not in MODES:
        raise UnknownName("mode", mode, MODES)
    stages, given = all_stages(changes), {**(settings or {}), **({"steps": steps} if steps else {})}
    if mode == "mixed":
        if workers:
            raise InvalidParameter("mixed: its stages share one process; workers are for a single team")
        jobs = [stage_job(stage, "default", given, algorithm) for stage in stages.values()]
        return train_mixed(jobs, seed, store, seconds, resume, progress)
    job = (
        unified_job(stages, algorithm, given)
        if mode == "unified"
        else stage_job(stages[mode], "default", given, algorithm)
    )
    with in_processes(job, seed, workers) as job:
        return {mode: train_team(job, seed, store, seconds, resume, progress)}


class Mixture:
    """Sessions that take turns: next is who has done the smallest share of its own training."""

    def __init__(self, sessions: list[Session]) -> None:
        self.sessions = sessions
        self._interrupted = 0

    @property
    def interrupted(self) -> int:
        """The signal that ends them all, 0 for none."""
        return self._interrupted

    @interrupted.setter
    def interrupted(self, number: int) -> None:
        self._interrupted = number
        for session in self.sessions:
            session.interrupted = number

    def run(self, deadline: float | None) -> None:
        """Until all are done, time is over, or a signal came."""
        for session in self.sessions:
            teach = session.job.start
            if teach is not None and not session.history:
                teach(session.learner)
                session.look()
        while not self.interrupted and (deadline is None or time.monotonic() < deadline):
            behind = min(self.sessions, key=lambda session: float(session.learner.progress))
            if behind.learner.progress >= 1.0:
                break
            behind.advance()
        for session in self.sessions:
            session.finish()


def train_mixed(
    jobs: list[Job],
    seed: int = 0,
    store: TeamStore | None = None,
    seconds: float | None = None,
    resume: bool = False,
    progress: bool = False,
) -> dict[str, TrainedTeam]:
    """Several trainings at the same time, each with its own learner, checkpoints and log; what came out, by name.

    Each comes to the same weights as alone, bit for bit.
    """
    torch.set_num_threads(1)
    store = store or TeamStore()
    deadline = None if seconds is None else time.monotonic() + seconds
    with contextlib.ExitStack() as stack:
        for job in jobs:
            stack.enter_context(lock(store.folder(job.name, job.preset)))
        mixture = Mixture([Session(job, store, seed) for job in jobs])
        for session in mixture.sessions:
            if resume:
                session.resume()
            home = store.folder(session.job.name, session.job.preset)
            stack.enter_context(contextlib.closing(session.open_log(home, progress)))
        with interruptible(mixture):
            mixture.run(deadline)
        return {session.job.name: session.result() for session in mixture.sessions}


def command(
    mode: str,
    steps: int | None,
    seconds: float | None,
    seed: int,
    models: str | None,
    resume: bool,
    algorithm: str | None = None,
    parameters: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """What `fund train unified` and `fund train mixed` print: each stage's agents beside its best rule.

    `parameters` are named `<stage>.<parameter>`.
    """
    store, changes = TeamStore(models), _by_stage(parameters or {})
    done = train_mode(mode, steps, seconds, seed, store, resume, True, algorithm, changes)
    stages, told = all_stages(changes), dict[str, Any]()
    for name, stage in stages.items():
        if mode == "unified":
            policy: Policy = OneStage(store.load(Together(stages, 1), "unified"), name)
        else:
            policy = store.load(Rounds(stage, 1), name)
        against = versus(stage, policy, best_rule(stage), EPISODES)
        told[name] = {
            "rule": against.rule, "paired_reward": against.reward.mean, "paired_reward_se": against.reward.se,
        }  # fmt: skip
    cards = {name: trained.card for name, trained in done.items()}
    return {
        "name": mode, "steps": {name: card.steps for name, card in cards.items()},
        "score": {name: card.score for name, card in cards.items()}, "stages": told,
        "interrupted": max(trained.interrupted for trained in done.values()),
    }  # fmt: skip


def _by_stage(parameters: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    changes: dict[str, dict[str, Any]] = {}
    for key, value in parameters.items():
        stage, dot, name = key.partition(".")
        if not dot:
            raise InvalidParameter(f'--set "{key}", wanted <stage>.<parameter>, such as risk.{key}')
        changes.setdefault(stage, {})[name] = value
    return changes
