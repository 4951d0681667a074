"""Training: repeatable, interruptible, one owner, and it learns."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from stable_baselines3 import PPO

from fund.envs.play import play
from fund.errors import RunInUse, UnknownName
from fund.paths import lock
from fund.roster import Spec
from fund.strategy import Box
from fund.training.evaluate import held_out, policy_named
from fund.training.learners import Settings, learner, training_env
from fund.training.network import Network, read_weights
from fund.training.store import ModelStore
from fund.training.train import Budget, settings_of, train


def test_the_planted_drift_is_learnt(trained, strategy):
    """A trained agent beats always-long, which earns nothing in the mean, on paths that nobody saw."""
    store, _ = trained
    agent = play(strategy, policy_named(strategy, "best", store), held_out(400)).reward
    long = play(strategy, policy_named(strategy, "long"), held_out(400)).reward
    difference = agent - long
    assert difference.mean() > 4 * difference.std() / 20


def test_the_network_is_sb3s_own_policy(trained, strategy, spec):
    store, _ = trained
    model = PPO.load(
        store.path("trend_following", "best"), device="cpu"
    )  # our own file, trained a moment ago
    observations = play(strategy, policy_named(strategy, "long"), held_out(3)).tape.features.reshape(-1, 5)
    ours = store.load(strategy)(observations)
    theirs, _ = model.predict(observations, deterministic=True)
    assert np.abs(ours - theirs).max() < 1e-6


def weights(store):
    content = store.path("trend_following", "latest").read_bytes()
    return read_weights(content, "latest")


def test_the_same_seed_gives_the_same_weights(trained, spec, strategy, tmp_path):
    again = ModelStore(tmp_path)
    train(spec, strategy, store=again)
    for key, value in weights(trained[0]).items():
        assert torch.equal(value, weights(again)[key])


def test_another_seed_gives_others(trained, spec, strategy, tmp_path):
    other = ModelStore(tmp_path)
    train(spec, strategy, store=other, seed=1, budget=Budget(steps=4096))
    key = "action_net.weight"
    assert not torch.equal(weights(trained[0])[key], weights(other)[key])


def test_resume_goes_on_from_latest(trained, spec, strategy, tmp_path):
    import shutil

    shutil.copytree(trained[0].root, tmp_path / "models")
    store = ModelStore(tmp_path / "models")
    before = store.card("trend_following", "latest").steps
    done = train(spec, strategy, store=store, budget=Budget(steps=4096), resume=True)
    assert done.card.steps > before
    # looks are spread over the new steps, not made up for the old ones
    assert len(done.history) == spec.settings["default"]["evaluations"]
    assert all(before < step <= done.card.steps for step, _ in done.history)


def test_a_folder_in_use_is_refused(spec, strategy, tmp_path):
    store = ModelStore(tmp_path)
    with lock(store.prepare("trend_following")), pytest.raises(RunInUse):
        train(spec, strategy, store=store, budget=Budget(steps=2048))


def test_an_interrupt_leaves_a_usable_model(spec, strategy, tmp_path):
    store = ModelStore(tmp_path)
    timer = threading.Timer(2.0, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    done = train(spec, strategy, store=store, budget=Budget(steps=50_000_000))
    timer.join()
    assert done.interrupted
    assert done.card.steps < 50_000_000
    assert store.load(strategy, "latest").policy() is not None


def test_a_time_limit_ends_the_training(spec, strategy, tmp_path):
    start = time.monotonic()
    train(spec, strategy, store=ModelStore(tmp_path), budget=Budget(steps=50_000_000, seconds=1.0))
    assert time.monotonic() - start < 30.0


def test_unknown_settings_and_algorithms_are_answered_with_the_nearest():
    with pytest.raises(UnknownName, match='Did you mean "learning_rate"'):
        Settings.of({"learning_rat": 1.0})
    strange = Spec("trend_following", "trend_following:TrendFollowing", "PP", 252, {})
    strategy = strange.cls()
    with pytest.raises(UnknownName, match='Did you mean "PPO"'):
        learner("PP", training_env(strategy, Settings(n_envs=2), 0), strategy, Settings(n_envs=2), 0)


def test_settings_fall_back_to_the_default_preset(spec):
    assert settings_of(spec, "planted").n_envs == 64
    assert settings_of(spec, "planted", {"n_envs": 8}).n_envs == 8


def test_a_network_without_its_layers_is_refused():
    from fund.errors import ModelError

    with pytest.raises(ModelError, match="found no layers"):
        Network.of({"critic.weight": torch.zeros(1)}, "PPO", "tanh", Box(1))


@pytest.mark.slow
def test_kill_dash_nine_leaves_the_old_best(strategy, tmp_path):
    script = (
        "import sys; sys.path.insert(0, 'tests/training'); sys.path.insert(0, 'tests/examples');"
        "from conftest import SPEC, STRATEGY; from fund.training.store import ModelStore;"
        "from fund.training.train import train;"
        f"store = ModelStore({str(tmp_path)!r}); train(SPEC, STRATEGY, store=store); print('first', flush=True);"
        "[train(SPEC, STRATEGY, store=store, seed=k) for k in range(1, 99)]"
    )
    root = Path(__file__).parents[2]
    process = subprocess.Popen([sys.executable, "-c", script], cwd=root, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "first"
    time.sleep(2.0)
    process.kill()
    process.wait()
    process.stdout.close()
    assert ModelStore(tmp_path).load(strategy, "best").layers
