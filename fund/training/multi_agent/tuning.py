"""Settings of a stage's training searched for: Optuna's tree-structured Parzen estimator, with a median pruner.

    python -m fund tune risk --trials 30 --steps 100000

Every trial is a training of its own, of the stage's tuned settings with what the trial suggests over them: rates, clip,
entropy, epochs, batches, widths, and the weights of the world's bonuses and penalties. It is judged as every training
is, in the world itself on the selection episodes, and given up where it stands below the median of the others at the
same point. Held-out episodes are never looked at. Beside the stage's models lie

    tuning/<study>.log    the journal: all trials, whatever became of them; more can be added later
    tuning/<study>.yml    the settings of the best trial, as a block of `training.yml`; `fund train risk --settings` it

Akiba, Sano, Yanase, Ohta & Koyama (2019), "Optuna", KDD; Bergstra, Bardenet, Bengio & Kegl (2011), NeurIPS.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import yaml

from fund.envs.team import Team
from fund.errors import FundError, InvalidParameter
from fund.paths import atomic_write
from fund.stage import Stage
from fund.training.multi_agent.acting import Policy
from fund.training.multi_agent.algorithms import known
from fund.training.multi_agent.session import Job, mean_return, train_team
from fund.training.multi_agent.settings import CRITIC_OF
from fund.training.multi_agent.stages import stage_job
from fund.training.multi_agent.store import TeamStore
from fund.training.store import parameters_of

Range = tuple[float, float]
PPO: Mapping[str, Range] = {"actor_rate": (1e-5, 1e-2), "critic_rate": (1e-4, 1e-2), "entropy": (1e-5, 3e-2)}
REPLAY: Mapping[str, Range] = {"rate": (1e-5, 1e-2), "tau": (1e-3, 0.1)}  # of both: on a log scale
WIDTHS = (32, 64, 128)
MOST_WEIGHT = 2.0  # of a bonus or a penalty, in multiples of the world's own
STARTING = 5  # trials before any is given up, or suggested by what others found
LOOKS = 5  # of each trial


@dataclass(frozen=True)
class Tuned:
    """What a search found."""

    study: str
    best: dict[str, Any]  # settings over the tuned ones, `world` with its own
    score: float
    trials: list[dict[str, Any]]  # number, state, score, parameters; of all there are
    path: Path  # the YAML


def suggested(trial: Any, stage: Stage, algorithm: str) -> dict[str, Any]:
    """One trial's settings over the tuned ones; `trial` is Optuna's."""
    ppo = algorithm in CRITIC_OF
    changes: dict[str, Any] = {
        name: trial.suggest_float(name, low, high, log=True)
        for name, (low, high) in (PPO if ppo else REPLAY).items()
    }
    width = trial.suggest_categorical("width", WIDTHS)
    changes["net_arch"] = [width] * trial.suggest_int("layers", 1, 2)
    if ppo:
        changes |= {
            "epochs": trial.suggest_int("epochs", 1, 10),
            "clip": trial.suggest_float("clip", 0.1, 0.3),
        }
        changes |= {"minibatches": trial.suggest_categorical("minibatches", (1, 2, 4, 8))}
    else:
        changes |= {"batch": trial.suggest_categorical("batch", (64, 128, 256, 512))}
    world = {
        name: own * trial.suggest_float(name, 0.0, MOST_WEIGHT) for name, own in reward_weights(stage).items()
    }
    return {**changes, **({"world": world} if world else {})}


def reward_weights(stage: Stage) -> dict[str, float]:
    """The world's parameters that weigh a part of the reward, with what they are."""
    own = {f.name: getattr(stage.strategy, f.name) for f in fields(stage.strategy)}
    return {name: float(x) for name, x in own.items() if name.endswith(("_bonus", "_penalty"))}


def tune(
    stage: Stage,
    preset: str = "default",
    trials: int = 20,
    steps: int | None = None,
    seconds: float | None = None,
    seed: int = 0,
    store: TeamStore | None = None,
    algorithm: str | None = None,
    changes: Mapping[str, Any] | None = None,
) -> Tuned:
    """Add so many trials, of so many steps, to the study of a stage and an algorithm; none begins after `seconds`.

    Raises UnknownName, InvalidParameter, FundError where Optuna is not installed.
    """
    optuna, name, store = _optuna(), known(algorithm or "mappo"), store or TeamStore()
    label = f"{name}_{stage.name}" + ("" if preset == "default" else f"_{preset}")
    folder = store.folder(stage.name, preset) / "tuning"
    study = _study(optuna, folder, label, seed)
    _demand_comparable(study, {"steps": steps, "seed": seed, **parameters_of(stage.strategy)})

    def objective(trial: Any) -> float:
        found = _merged(changes or {}, suggested(trial, stage, name))
        trial.set_user_attr("settings", found)
        job = stage_job(stage, preset, found, algorithm)
        settings = replace(job.settings, evaluations=LOOKS, steps=steps or job.settings.steps)
        return trial_score(replace(job, settings=settings), trial, seed, optuna.TrialPruned)

    study.optimize(objective, n_trials=trials, timeout=seconds)
    return _told(study, label, folder / f"{label}.yml")


def _study(optuna: Any, folder: Path, label: str, seed: int) -> Any:
    folder.mkdir(parents=True, exist_ok=True)
    backend = optuna.storages.journal.JournalFileBackend(str(folder / f"{label}.log"))
    return optuna.create_study(
        study_name=label, storage=optuna.storages.JournalStorage(backend), direction="maximize", load_if_exists=True,
        sampler=optuna.samplers.TPESampler(seed=seed, n_startup_trials=STARTING),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=STARTING),
    )  # fmt: skip


def _demand_comparable(study: Any, now: dict[str, Any]) -> None:
    # scores of other lengths or worlds are no scores of these
    before = study.user_attrs.get("judged", now)
    different = [key for key, value in now.items() if before.get(key) != value]
    if different:
        raise InvalidParameter(
            f"{study.study_name}: its trials had another {', '.join(different)}; give the same, or other --models"
        )
    study.set_user_attr("judged", now)


def trial_score(job: Job, trial: Any, seed: int, pruned: type[Exception]) -> float:
    """Train, told to the trial at each look; the best score. Raises `pruned` where it is given up."""
    judge, looks = job.score or mean_return, list[float]()

    def told(team: Team, policy: Policy, first: int) -> float:
        score = judge(team, policy, first)
        looks.append(score)
        trial.report(score, len(looks))
        if trial.should_prune():
            raise pruned
        return score

    with tempfile.TemporaryDirectory() as folder:
        train_team(replace(job, score=told), seed, TeamStore(folder))
    return max(looks)


def _merged(given: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    # what the caller sets stands
    world = {**found.get("world", {}), **given.get("world", {})}
    return {**found, **given, **({"world": world} if world else {})}


def _told(study: Any, label: str, path: Path) -> Tuned:
    trials = [
        {"number": t.number, "state": t.state.name.lower(), "score": t.value, "parameters": dict(t.params)}
        for t in study.trials
    ]
    whole = [t for t in study.trials if t.state.name == "COMPLETE"]
    if not whole:
        raise FundError(f"{label}: none of {len(trials)} trials came to its end; give it more time or trials")
    best = dict(study.best_trial.user_attrs["settings"])
    text = f"# {label}: the best of {len(trials)} trials, score {study.best_value:.6g} on the selection episodes.\n"
    atomic_write(path, (text + yaml.safe_dump(best, sort_keys=False)).encode())
    return Tuned(label, best, float(study.best_value), trials, path)


def _optuna() -> Any:
    try:
        import optuna
    except ModuleNotFoundError:
        raise FundError('Optuna is not installed; python -m pip install ".[tuning]"') from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


def command(
    stage: Stage, preset: str, trials: int, steps: int | None, seconds: float | None, seed: int, models: str | None,
    algorithm: str | None,
) -> dict[str, Any]:  # fmt: skip
    """What `fund tune` prints."""
    found = tune(stage, preset, trials, steps, seconds, seed, TeamStore(models), algorithm)
    states = [trial["state"] for trial in found.trials]
    return {
        "name": stage.name, "study": found.study, "trials": len(found.trials),
        "given_up": states.count("pruned"), "score": found.score, "best": found.best, "settings": str(found.path),
    }  # fmt: skip
