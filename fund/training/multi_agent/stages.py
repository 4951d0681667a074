"""Stages of the GrandModel in training: tuned settings from beside the stage, and the comparison with its rule.

Settings lie as `training.yml` in the folder of the stage's module, one block a preset; a preset without its own takes
those of `default`. `world` in a block names parameters of the training world alone, as in a control variate, `rewards`
how what it pays is weighed (`adaptive`), `curriculum` easier worlds that come before it.
"""

from __future__ import annotations

import importlib.resources
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from fund.envs.rounds import Rounds
from fund.envs.team import Team
from fund.errors import DataError, UnknownName
from fund.stage import Stage
from fund.training.multi_agent.acting import Policy, play_team
from fund.training.multi_agent.adaptive import learning_world
from fund.training.multi_agent.algorithms import for_algorithm, settings_of
from fund.training.multi_agent.comparison import best_rule, versus
from fund.training.multi_agent.curriculum import Curriculum, graded
from fund.training.multi_agent.imitation import imitate
from fund.training.multi_agent.learner import Learner
from fund.training.multi_agent.processes import in_processes
from fund.training.multi_agent.session import Job, TrainedTeam, train_team
from fund.training.multi_agent.several import Several
from fund.training.multi_agent.store import TeamStore
from fund.training.store import parameters_of

FILE = "training.yml"
BEST = "best"
BESIDE = "+"
OF_TRAINING = ("world", "rewards", "curriculum")  # in a block, what is of the world and not of the learner
EPISODES = 1024  # on which `fund train` compares


def tuned(stage: Stage, preset: str = "default") -> dict[str, Any]:
    """The block of a preset in the stage's settings file; {} where there is no file."""
    package = sys.modules[type(stage).__module__].__package__ or ""
    path = importlib.resources.files(package) / FILE
    if not path.is_file():
        return {}
    blocks = yaml.safe_load(path.read_text(encoding="utf-8"))
    return dict(blocks.get(preset, blocks.get("default", {})))


def read_settings(path: Path) -> dict[str, Any]:
    """A file of one block, as in `training.yml`, for `changes`; raises DataError."""
    try:
        block = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise DataError(f"{path}: no settings to read ({' '.join(str(error).split())})") from None
    if not isinstance(block, dict):
        raise DataError(f"{path}: {type(block).__name__}, wanted settings, a name and a value a line")
    return block


def stage_job(
    stage: Stage,
    preset: str = "default",
    changes: Mapping[str, Any] | None = None,
    algorithm: str | None = None,
) -> Job:
    """What is to be trained for a stage; `changes` override its tuned settings. Raises UnknownName.

    An `algorithm` of another kind than the tuned settings' starts from its own defaults.
    """
    plain = for_algorithm(algorithm, tuned(stage, preset), changes or {})
    world, rewards, levels = (plain.pop(key, {}) for key in OF_TRAINING)
    training = stage.with_parameters(**world) if world else stage
    make: Callable[[int], Team] = partial(learning_world, training, rewards)
    if levels:
        make = partial(graded, training, rewards, Curriculum.of(levels))
    settings = settings_of(plain)
    rule = getattr(settings, "start", "")
    return Job(
        name=stage.name, make=make, settings=settings, preset=preset,
        parameters=parameters_of(stage.strategy), score=partial(team_reward, judged(stage, world)),
        start=partial(teach, training, rule) if rule else None,
    )  # fmt: skip


def judged(stage: Stage, world: Mapping[str, Any]) -> Stage:
    """The world that looks at a training compare in: the stage's own, with the training `world`'s control variate.

    What that takes out of the reward has mean 0, so that what is compared is the same, on far fewer episodes.
    """
    return stage.with_parameters(control_variate=True) if world.get("control_variate") else stage


def team_reward(stage: Stage, team: Team, policy: Policy, seed: int) -> float:
    """Mean over episodes of the Strategy's reward in the stage's world, not in that of training."""
    played = play_team(Rounds(stage, team.n), policy, seed)
    return float(played.returns.sum(axis=1).mean())


def train_stage(
    stage: Stage,
    preset: str = "default",
    steps: int | None = None,
    seconds: float | None = None,
    seed: int = 0,
    store: TeamStore | None = None,
    resume: bool = False,
    progress: bool = False,
    changes: Mapping[str, Any] | None = None,
    algorithm: str | None = None,
    workers: int = 0,
    ranks: int = 1,
) -> TrainedTeam:
    """Train a stage's agents; see `train_team` and `in_processes`. Raises UnknownName, RunInUse, ModelError."""
    job = stage_job(stage, preset, changes, algorithm)
    if steps is not None:
        job = replace(job, settings=replace(job.settings, steps=steps))
    with in_processes(job, seed, workers, ranks) as job:
        return train_team(job, seed, store, seconds, resume, progress)


def teach(stage: Stage, rule: str, learner: Learner | Several) -> None:
    """Start fresh agents from a rule, `best`: the best of the stage; `stage` is the world of training.

    Of several, "one+other", each teaches its share of the copies: agents are sure where the rules agree, and try what
    each says where they do not. Raises UnknownName, InvalidParameter.
    """
    names = [best_rule(stage) if name == BEST else name for name in rule.split(BESIDE)]
    for name in names:
        if name not in stage.rules:
            raise UnknownName("rule", name, (*stage.rules, BEST))
    policies = [stage.rules[name](stage.strategy) for name in names]

    def teacher(team: Any) -> dict[str, Any]:
        told = np.array([policy(team.batch.view()) for policy in policies])
        turn = np.arange(team.n)
        return stage.split(told[turn % len(policies), turn])

    for pupil in learner.pupils if isinstance(learner, Several) else [learner]:
        imitate(pupil, teacher)


def command(
    stage: Stage,
    preset: str,
    steps: int | None,
    seconds: float | None,
    seed: int,
    models: str | None,
    resume: bool,
    algorithm: str | None = None,
    workers: int = 0,
    ranks: int = 1,
    changes: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """What `fund train <stage>` prints: the training, and its agents beside the stage's best rule."""
    store = TeamStore(models)
    done = train_stage(
        stage, preset, steps, seconds, seed, store, resume, True, changes, algorithm, workers, ranks
    )
    agents = store.load(Rounds(stage, 1), stage.name, "best", preset)
    against = versus(stage, agents, best_rule(stage), EPISODES)
    latest = store.card(stage.name, "latest", preset) or done.card  # the best may be the start itself
    return {
        "name": stage.name, "preset": preset, "algorithm": done.card.algorithm,
        "steps": latest.steps, "kept_at": done.card.steps, "seconds": latest.seconds,
        "score": done.card.score, "is_best": done.is_best,
        "interrupted": done.interrupted, "rule": against.rule, "paired_reward": against.reward.mean,
        "paired_reward_se": against.reward.se, "paired_pnl": against.pnl.mean, "paired_pnl_se": against.pnl.se,
    }  # fmt: skip
