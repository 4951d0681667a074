"""A small trained desk that several tests use."""

import pytest
from trend_following import TrendFollowing

from fund.roster import Spec
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
