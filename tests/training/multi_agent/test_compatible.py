"""The guide's own examples, short: its names, its fields, its results."""

import numpy as np
import pytest
from mpe2 import simple_spread_v3

from fund.envs.execution import create_execution_environment
from fund.envs.parallel import ParallelTeam
from fund.envs.risk import RiskManagementEnv
from fund.envs.rounds import Rounds
from fund.envs.tactical import create_tactical_environment
from fund.envs.together import Together
from fund.envs.unified import create_unified_environment
from fund.errors import InvalidParameter, UnknownName
from fund.training.multi_agent.compatible import (
    MAPPOTrainer,
    ParallelTrainingConfig,
    PettingZooMAPPOTrainer,
    PettingZooParallelTrainer,
    TrainingConfig,
    TrainingMode,
    UnifiedPettingZooTrainer,
    UnifiedTrainingConfig,
    batched,
    length_of,
)
from fund.training.multi_agent.session import mean_return
from fund.training.multi_agent.store import TeamStore

SMALL = {"num_envs": 4, "rollout": 5, "hidden_dim": 8, "ppo_epochs": 1, "evaluations": 2}


def risk():
    return RiskManagementEnv(max_cycles=5)


def spread():
    return simple_spread_v3.parallel_env(N=3, max_cycles=5)


def test_the_guides_basic_training(tmp_path):
    config = TrainingConfig(
        env_factory=lambda: create_tactical_environment(max_cycles=5), num_episodes=16, learning_rate=3e-4,
        batch_size=64, models=str(tmp_path), **SMALL,
    )  # fmt: skip
    results = PettingZooMAPPOTrainer(config).train()
    assert isinstance(f"Training completed! Best reward: {results['best_reward']:.3f}", str)
    assert (results["episodes"], results["steps"]) == (16, 80)
    assert len(results["episode_rewards"]) == 16
    assert results["best_reward"] == max(score for _, score in results["evaluations"])
    store = TeamStore(tmp_path)
    team = batched(config.env_factory)(4)
    again = mean_return(team, store.load(team, "compatible"), 10**9)
    assert again == pytest.approx(results["best_reward"], abs=1e-12)
    assert results["model_path"] == str(store.path("compatible", "best"))


def test_the_fields_reach_the_trainer():
    settings = TrainingConfig(
        risk, learning_rate=1e-3, batch_size=80, num_envs=16, rollout=20, hidden_dim=24, clip_epsilon=0.1,
        settings={"epochs": 2},
    ).trained_by(100)  # fmt: skip
    assert (settings.actor_rate, settings.minibatches, settings.net_arch) == (1e-3, 4, (24, 24))
    assert (settings.clip, settings.epochs, settings.steps) == (0.1, 2, 100)
    with pytest.raises(UnknownName, match='Did you mean "batch_size"'):
        MAPPOTrainer({"env_factory": risk, "batchsize": 3})


def test_an_environment_that_no_one_here_wrote_and_a_dictionary(tmp_path):
    """20 episodes of 5 steps are 100 steps; the older name takes a dictionary."""
    config = {"env_factory": spread, "num_episodes": 20, "models": str(tmp_path), "name": "spread", **SMALL}
    results = MAPPOTrainer(config).train()
    assert (results["episodes"], results["steps"]) == (20, 100)
    assert -60.0 < results["final_reward"] < 0.0


def test_what_a_factory_makes_is_batched_where_it_can_be():
    assert isinstance(batched(risk)(2), Rounds)
    assert isinstance(batched(create_execution_environment)(2), Rounds)
    assert isinstance(batched(create_unified_environment)(1), Together)
    assert isinstance(batched(spread)(2), ParallelTeam)
    assert length_of(batched(risk)) == 5.0
    assert length_of(batched(spread)) == 5.0
    with pytest.raises(InvalidParameter, match="environment: a object, wanted a PettingZoo environment"):
        batched(object)


def test_the_guides_parallel_training(tmp_path):
    """That the number of workers changes nothing is `test_workers`'."""
    config = {"models": str(tmp_path), "name": "risk", **SMALL}
    parallel = ParallelTrainingConfig(num_workers=1, episodes_per_worker=8, use_multiprocessing=True)
    results = PettingZooParallelTrainer(parallel, risk, config).train()
    assert results["training_time"] > 0.0
    assert len(results["episode_rewards"]) == 8


def test_the_guides_unified_training(tmp_path):
    config = UnifiedTrainingConfig(
        training_mode=TrainingMode.RISK, total_episodes=8, models=str(tmp_path), worlds={"risk": {"n_steps": 5}},
        settings={"copies": 4, "rollout": 5, "net_arch": [8], "epochs": 1, "evaluations": 2, "start": "",
                  "evaluation_copies": 4},
    )  # fmt: skip
    results = UnifiedPettingZooTrainer(config).train()
    assert results["results"]["risk"]["steps"] == 40
    assert np.isfinite(results["best_performance"])
    assert results["best_performance"] == results["results"]["risk"]["best_reward"]
    with pytest.raises(UnknownName, match='Did you mean "tactical"'):
        UnifiedPettingZooTrainer({"training_mode": "tacticl"})
