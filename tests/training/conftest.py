"""A small trained desk that several tests use."""

import pytest
from trend_following import TrendFollowing

from fund.roster import Spec, rosters
from fund.training.store import ModelStore
from fund.training.train import train

SETTINGS = {
    "default": {
        "steps": 20_000,
        "n_envs": 64,
        "evaluations": 2,
        "evaluation_paths": 64,
        "net_arch": [16, 16],
        "learning_rate": 1e-3,
        "model": {"n_steps": 32, "batch_size": 512, "n_epochs": 4, "gamma": 0.9},
    }
}
SPEC = Spec("trend_following", "trend_following:TrendFollowing", "PPO", 252, SETTINGS)
OFF_POLICY = {"learning_starts": 16, "batch_size": 32, "buffer_size": 4096}
MODELS = {
    "PPO": {"n_steps": 8, "batch_size": 32, "n_epochs": 2},
    "DDPG": OFF_POLICY,
    "DQN": {**OFF_POLICY, "train_freq": 1},
}
STRATEGY = TrendFollowing.preset("planted").with_steps(60)


@pytest.fixture(scope="session")
def spec():
    return SPEC


@pytest.fixture(scope="session")
def strategy():
    return STRATEGY


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A store with one trained model, and what the training gave."""
    store = ModelStore(tmp_path_factory.mktemp("models"))
    return store, train(SPEC, STRATEGY, store=store)


def small(algorithm):
    """A small strategy with the algorithm's kind of actions, and its line of a roster."""
    if algorithm == "DQN":
        desk = rosters()["factor_tracking"]
        strategy, where = desk.cls.preset("planted").with_steps(20), desk.where
    else:
        strategy, where = TrendFollowing.preset("planted").with_steps(20), "trend_following:TrendFollowing"
    settings = {
        "steps": 800, "n_envs": 8, "net_arch": [8], "evaluations": 1, "evaluation_paths": 16,
        "model": MODELS[algorithm],
    }  # fmt: skip
    return Spec(strategy.name, where, algorithm, 20, {"default": settings}), strategy


@pytest.fixture(scope="session")
def subject():
    """`small` as a fixture."""
    return small
