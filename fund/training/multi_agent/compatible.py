"""The trainer interface of the GrandModel's guide: its configurations, `train()`, its results, over our trainers.

    trainer = PettingZooMAPPOTrainer(TrainingConfig(env_factory=create_tactical_environment, num_episodes=1000))
    trainer.train()["best_reward"]

    UnifiedPettingZooTrainer(UnifiedTrainingConfig(TrainingMode.TACTICAL, total_episodes=1000)).train()
    PettingZooParallelTrainer(ParallelTrainingConfig(num_workers=4), env_factory, trainer_config).train(1000)

A factory gives a PettingZoo environment of either form. The GrandModel's own are trained on their batches, many copies
at once and with what is said in turn; all others copy by copy, in the Parallel form. `MAPPOTrainer` and
`UnifiedTrainingSystem` are the older names of the first two, and take a dictionary, too.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from enum import Enum
from functools import partial
from typing import Any, Self

from fund.envs.parallel import ParallelTeam
from fund.envs.rounds import Rounds
from fund.envs.team import Team
from fund.envs.together import Together
from fund.envs.turns import as_parallel
from fund.errors import InvalidParameter, UnknownName
from fund.stage import Stage
from fund.training.multi_agent.acting import RandomActors, play_team
from fund.training.multi_agent.algorithms import learner_for
from fund.training.multi_agent.curriculum import lengthening
from fund.training.multi_agent.modes import MODES, all_stages, train_mode
from fund.training.multi_agent.session import Job, train_team
from fund.training.multi_agent.settings import Settings
from fund.training.multi_agent.shards import Plan
from fund.training.multi_agent.store import TeamStore
from fund.training.multi_agent.tuning import tune
from fund.training.multi_agent.workers import Workers

Results = dict[str, Any]
"""best_reward and final_reward (means of an agent's return on the selection episodes), episode_rewards (of training),
evaluations [(steps, reward)], episodes, steps, training_time (s), model_path, interrupted."""


class TrainingMode(Enum):
    """What `UnifiedPettingZooTrainer` trains."""

    STRATEGIC = "strategic"
    TACTICAL = "tactical"
    EXECUTION = "execution"
    RISK = "risk"
    UNIFIED = "unified"
    MIXED = "mixed"


class _Read:
    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Self:
        """From a dictionary; raises UnknownName with the nearest field."""
        known = [f.name for f in fields(cls)]  # type: ignore[arg-type]  # every subclass is a dataclass
        for key in plain:
            if key not in known:
                raise UnknownName("field of the configuration", key, known)
        return cls(**plain)


@dataclass(frozen=True)
class TrainingConfig(_Read):
    """Of one MAPPO training."""

    env_factory: Callable[[], Any]
    num_episodes: int = 1000
    learning_rate: float = 3e-4
    batch_size: int = 64  # steps of a copy in a gradient step
    gamma: float = 0.99
    gae_lambda: float = 0.95
    clip_epsilon: float = 0.2
    entropy_coef: float = 0.01
    ppo_epochs: int = 10
    hidden_dim: int = 64
    num_envs: int = 16  # copies of the environment
    rollout: int = 32  # steps of each between two updates
    evaluations: int = 10
    seed: int = 0
    name: str = "compatible"  # folder of the models
    models: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)  # `settings.Settings`, over all of these

    def trained_by(self, steps: int) -> Settings:
        """The trainer's settings for so many steps; raises UnknownName, InvalidParameter."""
        minibatches = max(round(self.num_envs * self.rollout / self.batch_size), 1)
        return Settings.of({
            "steps": steps, "copies": self.num_envs, "rollout": self.rollout, "actor_rate": self.learning_rate,
            "critic_rate": self.learning_rate, "gamma": self.gamma, "gae_lambda": self.gae_lambda,
            "clip": self.clip_epsilon, "entropy": self.entropy_coef, "epochs": self.ppo_epochs,
            "minibatches": minibatches, "net_arch": [self.hidden_dim] * 2, "evaluations": self.evaluations,
            "evaluation_copies": self.num_envs, **self.settings,
        })  # fmt: skip


class PettingZooMAPPOTrainer:
    """Central critic, each agent its own view; raises InvalidParameter for what is no environment."""

    def __init__(self, config: TrainingConfig | Mapping[str, Any]) -> None:
        self.config = config if isinstance(config, TrainingConfig) else TrainingConfig.of(config)
        self.make = batched(self.config.env_factory, self.config.name)

    def train(self, total_episodes: int | None = None, workers: int = 0) -> Results:
        """Train for the configuration's episodes, or so many; `Results`."""
        config, start = self.config, time.monotonic()
        episodes = total_episodes or config.num_episodes
        settings = config.trained_by(math.ceil(episodes * length_of(self.make)))
        store, ended = TeamStore(config.models), list[float]()
        job = Job(config.name, self.make, settings, learner=_telling(ended, _alone))
        if not workers:
            done = train_team(job, config.seed, store)
        else:
            with Workers(Plan.of(self.make, settings, config.seed), workers) as crew:
                job = Job(config.name, self.make, settings, learner=_telling(ended, crew.learner))
                done = train_team(job, config.seed, store)
        scores = [score for _, score in done.history]
        return {
            "best_reward": max(scores), "final_reward": scores[-1], "episode_rewards": ended,
            "evaluations": list(done.history), "episodes": len(ended), "steps": done.history[-1][0],
            "training_time": time.monotonic() - start, "model_path": str(store.path(config.name, "best")),
            "interrupted": bool(done.interrupted),
        }  # fmt: skip


@dataclass(frozen=True)
class ParallelTrainingConfig(_Read):
    """Of a training whose episodes are played by other processes."""

    num_workers: int = 4
    episodes_per_worker: int = 250
    use_multiprocessing: bool = True


class PettingZooParallelTrainer:
    """The same training, whatever the number of workers; of the GrandModel's environments."""

    def __init__(
        self,
        config: ParallelTrainingConfig,
        env_factory: Callable[[], Any],
        trainer_config: TrainingConfig | Mapping[str, Any] | None = None,
    ) -> None:
        given = trainer_config or {}
        plain = (
            given if isinstance(given, Mapping) else {f.name: getattr(given, f.name) for f in fields(given)}
        )
        self.config = config
        self.trainer = PettingZooMAPPOTrainer({**plain, "env_factory": env_factory})

    def train(self, total_episodes: int | None = None) -> Results:
        """Train for so many episodes, or `episodes_per_worker` times the workers; `Results`."""
        config = self.config
        episodes = total_episodes or config.num_workers * config.episodes_per_worker
        return self.trainer.train(episodes, config.num_workers if config.use_multiprocessing else 0)


@dataclass(frozen=True)
class UnifiedTrainingConfig(_Read):
    """Of a training by mode."""

    training_mode: TrainingMode | str = TrainingMode.TACTICAL
    total_episodes: int = 1000
    seed: int = 0
    models: str | None = None
    algorithm: str | None = None  # `algorithms.ALGORITHMS`
    settings: Mapping[str, Any] = field(default_factory=dict)  # of the trainer, over the tuned ones
    worlds: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # parameters, by stage
    enable_curriculum_learning: bool = (
        False  # `curriculum.lengthening`; other levels: `settings`' own curriculum
    )
    enable_hyperparameter_optimization: bool = (
        False  # `tuning.tune` first; best_parameters are in the results
    )
    optimization_trials: int = 20
    optimization_episodes: int = 200  # of each trial


class UnifiedPettingZooTrainer:
    """One interface to all stages, alone, as one team, or at the same time; raises UnknownName for the mode."""

    def __init__(self, config: UnifiedTrainingConfig | Mapping[str, Any]) -> None:
        self.config = (
            config if isinstance(config, UnifiedTrainingConfig) else UnifiedTrainingConfig.of(config)
        )
        mode = self.config.training_mode
        self.mode = mode.value if isinstance(mode, TrainingMode) else mode
        if self.mode not in MODES:
            raise UnknownName("mode", self.mode, MODES)

    def train(self) -> Results:
        """Train; best_performance (the mean of the best scores), results by what was trained, training_time.

        Raises InvalidParameter where a curriculum or a search is asked for several stages at once.
        """
        config, start = self.config, time.monotonic()
        stages = all_stages(config.worlds)
        lengths = {name: s.strategy.n_steps for name, s in stages.items()}
        horizon = lengths.get(self.mode, max(lengths.values()))
        extra = _extra(config, self.mode, stages, horizon)
        done = train_mode(
            self.mode, config.total_episodes * horizon, seed=config.seed, store=TeamStore(config.models),
            algorithm=config.algorithm, changes=config.worlds, settings={**extra, **config.settings},
        )  # fmt: skip
        best = {name: max(score for _, score in trained.history) for name, trained in done.items()}
        return {
            "best_performance": sum(best.values()) / len(best),
            "results": {
                name: {"best_reward": best[name], "evaluations": list(trained.history), "steps": trained.history[-1][0]}
                for name, trained in done.items()
            },
            "training_time": time.monotonic() - start, "mode": self.mode,
            **({"best_parameters": extra} if config.enable_hyperparameter_optimization else {}),
        }  # fmt: skip


def _extra(
    config: UnifiedTrainingConfig, mode: str, stages: Mapping[str, Stage], horizon: int
) -> dict[str, Any]:
    # settings that a search or a curriculum add
    wanted = config.enable_curriculum_learning, config.enable_hyperparameter_optimization
    if not any(wanted):
        return {}
    if mode not in stages:
        raise InvalidParameter(f"{mode}: a curriculum or a search is of one stage, {', '.join(stages)}")
    stage, found = stages[mode], dict[str, Any]()
    if config.enable_curriculum_learning:
        rule = lengthening(stage, config.total_episodes * horizon)
        found["curriculum"] = {f.name: getattr(rule, f.name) for f in fields(rule)}
    if config.enable_hyperparameter_optimization:
        found |= tune(
            stage, "default", config.optimization_trials, config.optimization_episodes * horizon, seed=config.seed,
            store=TeamStore(config.models), algorithm=config.algorithm, changes={**found, **config.settings},
        ).best  # fmt: skip
    return found


MAPPOTrainer, UnifiedTrainingSystem = PettingZooMAPPOTrainer, UnifiedPettingZooTrainer


def batched(env_factory: Callable[[], Any], name: str = "environment") -> Callable[[int], Team]:
    """How many copies -> team, of what a factory makes; raises InvalidParameter."""
    first = env_factory()
    inner = getattr(first, "unwrapped", first)
    stage, stages = getattr(inner, "stage", None), getattr(inner, "stages", None)
    if stage is not None:
        return partial(Rounds, stage)
    if stages is not None:
        return partial(Together, {key: face.unwrapped.stage for key, face in stages.items()})
    as_parallel(first, name)
    return partial(ParallelTeam.of, lambda: as_parallel(env_factory(), name))


def length_of(make: Callable[[int], Team]) -> float:
    """Steps of an episode: of a stage its horizon, else of one that is played at random."""
    team: Any = make(1)
    if hasattr(team, "stage"):
        return float(team.stage.strategy.n_steps)
    if hasattr(team, "rounds"):
        return float(max(one.stage.strategy.n_steps for one in team.rounds.values()))
    return float(play_team(team, RandomActors(team), 0).length.mean())


def _alone(job: Job, seed: int) -> Any:
    return learner_for(job.make, job.settings, seed)


def _telling(ended: list[float], make: Callable[[Job, int], Any]) -> Callable[[Job, int], Any]:
    # the same learner, which leaves the returns of its episodes
    def learner(job: Job, seed: int) -> Any:
        one = make(job, seed)
        plain = one.iterate

        def iterate() -> dict[str, float]:
            numbers: dict[str, float] = plain()
            ended.extend(reward for reward, _ in one.finished)
            return numbers

        one.iterate = iterate
        return one

    return learner
