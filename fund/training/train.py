"""Train one strategy: learn, select on held-out episodes, keep the best and the latest with their cards."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import io
import platform
import subprocess
import sys
import time
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.logger import (
    CSVOutputFormat,
    HumanOutputFormat,
    KVWriter,
    Logger,
    TensorBoardOutputFormat,
)

from fund.errors import ModelError
from fund.paths import lock
from fund.roster import Spec
from fund.strategy import Policy, Strategy
from fund.training import checkpoint, imitation
from fund.training.interruption import interruptible
from fund.training.learners import Settings, learner, training_env
from fund.training.selection import Selection
from fund.training.store import Card, ModelStore, environment_hash, parameters_of

VERSIONED = ("torch", "stable-baselines3", "gymnasium", "numpy", "numba")
KEPT_CHECKPOINTS = 3
MANY_PATHS = 4096  # beyond which a training cut short is selected on less
LEAST_START = 0.05  # of what an agent learns its rule from, however short the training


@dataclass(frozen=True)
class Budget:
    """When training stops: at the settings' steps, or earlier."""

    steps: int | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Trained:
    """What came out of one training."""

    card: Card
    is_best: bool
    history: tuple[tuple[int, float], ...]  # (steps, score on the selection episodes)
    interrupted: int  # the signal that ended it early, 0 for none


def settings_of(spec: Spec, preset: str = "default", changes: Mapping[str, Any] | None = None) -> Settings:
    """The tuned settings of a preset (those of `default` where it has none of its own), with changes."""
    tuned = spec.settings.get(preset, spec.settings.get("default", {}))
    return Settings.of({**tuned, **(changes or {})})


def train(
    spec: Spec,
    strategy: Strategy,
    preset: str = "default",
    budget: Budget | None = None,
    seed: int = 0,
    store: ModelStore | None = None,
    settings: Settings | None = None,
    resume: bool = False,
    progress: bool = False,
    selection: Strategy | None = None,
) -> Trained:
    """Train a strategy and save `latest`, and `best` if it is.

    `resume` goes on where an interrupted or killed training was, bit for bit, and to its end; where there is none, from
    the weights of `latest` for so many more steps. `selection` is the strategy whose episodes choose the best weights,
    where it is not the same (a history cut in parts). Ctrl-C and SIGTERM end the training before its next rollout; what
    was learnt is saved and usable. Raises RunInUse where another process trains into the same folder, ModelError where
    a number is not finite or a checkpoint cannot be used.
    """
    budget, store = budget or Budget(), store or ModelStore()
    settings, judged = settings or settings_of(spec, preset), selection or strategy
    home, steps = store.prepare(spec.name, preset), budget.steps or settings.steps
    with lock(home):
        begun = time.monotonic()
        settings, rule = _start(strategy, judged, settings, steps)
        model, identity = _built(spec, strategy, settings, rule, seed)
        watch = Selection(judged, spec.algorithm, settings, steps, budget.seconds, home / "checkpoints")
        watch.identity = identity
        if resume:
            steps, rule = _left(model, watch, store, strategy, preset, steps), None
        else:
            checkpoint.forget(home / "checkpoints")
        logs = _log_folder(home)
        with contextlib.closing(_logger(logs, progress)) as log, interruptible(watch):
            model.set_logger(log)
            _learn(model, watch, settings, rule, steps, progress, resume)
        np.savez(logs / "evaluations.npz", **watch.table())
        card = _card(spec, strategy, preset, settings, seed, model.num_timesteps, time.monotonic() - begun)
        return _keep(store, card, watch)


def _start(
    strategy: Strategy, judged: Strategy, settings: Settings, steps: int
) -> tuple[Settings, Policy | None]:
    # the rule that the agent starts from, and the settings with that rule's own name where they say `best`
    if not settings.start:
        return settings, None
    settings = _shortened(settings, steps)
    name = imitation.rule_of(judged, settings.start, settings.start_episodes)
    return replace(settings, start=name), strategy.rules[name](strategy)


def _shortened(settings: Settings, steps: int) -> Settings:
    # a training cut short starts from less, too, and is not looked at for longer than it learns
    part = min(1.0, max(2.0 * steps / settings.steps, LEAST_START))
    return replace(
        settings,
        start_episodes=int(part * settings.start_episodes),
        start_steps=int(part * settings.start_steps),
        start_updates=int(part * settings.start_updates),
        evaluation_paths=min(
            settings.evaluation_paths, max(MANY_PATHS, int(part * settings.evaluation_paths))
        ),
    )


def _built(
    spec: Spec, strategy: Strategy, settings: Settings, rule: Policy | None, seed: int
) -> tuple[BaseAlgorithm, str]:
    # the learner, and what its checkpoints know the training by
    world = strategy.with_parameters(**settings.world)
    model = learner(spec.algorithm, training_env(world, settings, seed, rule), strategy, settings, seed)
    told = repr((environment_hash(world), spec.algorithm, settings, seed, versions()["torch"]))
    return model, hashlib.sha256(told.encode()).hexdigest()


def _left(
    model: BaseAlgorithm, watch: Selection, store: ModelStore, strategy: Strategy, preset: str, steps: int
) -> int:
    # what is still to do of a training that was cut short; where none was, all the steps, from `latest`
    folder = store.folder(strategy.name, preset) / "checkpoints"
    left = checkpoint.restore(folder, model, watch, watch.identity)
    if left is None:
        _resume(model, store, strategy, preset)
        return steps
    return left


def _learn(
    model: BaseAlgorithm,
    watch: Selection,
    settings: Settings,
    rule: Policy | None,
    steps: int,
    progress: bool,
    resume: bool,
) -> None:
    if rule is not None:
        imitation.start(model, checkpoint.core_of(model), rule, settings)
        watch.first = 1
    try:
        model.learn(steps, callback=watch, progress_bar=progress, reset_num_timesteps=not resume)
    except ModelError:
        raise
    except ValueError as error:
        watch.demand_finite_weights(error)  # torch and the batch refuse what such weights give
        raise
    if not watch.history or watch.history[-1][0] < model.num_timesteps:
        watch.look()


def _keep(store: ModelStore, card: Card, selection: Selection) -> Trained:
    latest = replace(card, score=selection.history[-1][1])
    store.save(latest, selection.latest, "latest")
    store.count_trial(latest)
    best = replace(card, score=float(selection.best_score), scores={"selection": selection.history})
    is_best = store.offer(best, selection.best)
    folder = store.folder(card.name, card.preset) / "checkpoints"
    by_age = sorted(folder.glob("rl_model_*_steps.zip"), key=lambda p: p.stat().st_mtime_ns)
    for old in by_age[:-KEPT_CHECKPOINTS]:
        old.unlink()
    if not selection.interrupted:
        checkpoint.forget(folder)
    return Trained(best, is_best, tuple(selection.history), selection.interrupted)


def _card(
    spec: Spec, strategy: Strategy, preset: str, settings: Settings, seed: int, steps: int, seconds: float
) -> Card:
    from fund.training.store import action_schema

    return Card(
        name=spec.name,
        algorithm=spec.algorithm,
        preset=preset,
        activation=settings.activation,
        environment=environment_hash(strategy),
        features=tuple(strategy.features),
        actions=action_schema(strategy),
        parameters=parameters_of(strategy),
        settings={**asdict(settings), "model": dict(settings.model), "world": dict(settings.world)},
        seed=seed,
        steps=steps,
        seconds=round(seconds, 2),
        score=0.0,
        versions=versions(),
    )


def versions() -> dict[str, str]:
    """Python, packages, git commit and processor: what a number was made with."""
    found = {name: importlib.metadata.version(name) for name in VERSIONED}
    return {
        "python": platform.python_version(),
        **found,
        "git": git_commit(),
        "machine": f"{platform.system()} {platform.machine()}",
    }


def git_commit() -> str:
    """The commit of the working folder, `+` where it has changes; empty outside a repository."""
    try:
        commit = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True
        )
        changed = subprocess.run(
            ["git", "status", "--porcelain", "-uno"], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return commit.stdout.strip() + ("+" if changed.stdout.strip() else "")


def _resume(model: BaseAlgorithm, store: ModelStore, strategy: Strategy, preset: str) -> None:
    path = store.path(strategy.name, "latest", preset)
    store.load(strategy, "latest", preset)  # checks the card, the hash and the shapes before anything is set
    with zipfile.ZipFile(path) as archive:
        members = [m for m in archive.namelist() if m.endswith(".pth") and m != "pytorch_variables.pth"]
        states = {
            member[: -len(".pth")]: torch.load(
                io.BytesIO(archive.read(member)), map_location="cpu", weights_only=True
            )
            for member in members
        }
    model.set_parameters(states, exact_match=False, device="cpu")
    card = store.card(strategy.name, "latest", preset)
    model.num_timesteps = 0 if card is None else card.steps


def _log_folder(home: Path) -> Path:
    taken = [int(p.name) for p in (home / "logs").iterdir() if p.name.isdigit()]
    folder = home / "logs" / str(max(taken, default=0) + 1)
    folder.mkdir()
    (folder / "command.txt").write_text(" ".join(sys.argv) + "\n")
    return folder


def _logger(folder: Path, loud: bool) -> Logger:
    outputs: list[KVWriter] = [
        CSVOutputFormat(str(folder / "progress.csv")),
        TensorBoardOutputFormat(str(folder)),
    ]
    if loud:
        outputs.append(HumanOutputFormat(sys.stderr))
    return Logger(str(folder), outputs)
