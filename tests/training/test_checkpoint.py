"""A training that was cut short goes on as if it had not been."""

import dataclasses
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from fund.errors import ModelError
from fund.training import checkpoint
from fund.training.checkpoint import FILE
from fund.training.learners import learner, training_env
from fund.training.network import read_weights
from fund.training.selection import Selection
from fund.training.store import ModelStore
from fund.training.train import settings_of, train


class Cut(BaseException):
    """Stands for a kill: nothing catches it, nothing is tidied up."""


def settings(spec, **changes):
    return settings_of(spec, changes={"steps": 1600, "evaluations": 4, "average": 0.6, **changes})


def killed(step, monkeypatch, *arguments, **keywords):
    """A training that dies at this step."""
    real = Selection._on_step

    def dies(self):
        if self.num_timesteps >= step:
            raise Cut
        return real(self)

    with monkeypatch.context() as patch:
        patch.setattr(Selection, "_on_step", dies)
        with pytest.raises(Cut):
            train(*arguments, **keywords)


def end_of(store, name):
    return read_weights(store.path(name, "latest").read_bytes(), "latest")


STARTED = {"start": "best", "start_steps": 200, "start_updates": 20, "paired": True}


@pytest.mark.parametrize(("when", "more"), [(600, {}), (1300, {}), (900, STARTED)])
@pytest.mark.parametrize("algorithm", ["PPO", "DDPG", "DQN"])
def test_what_goes_on_ends_in_the_same_bits(algorithm, when, more, subject, tmp_path, monkeypatch):
    spec, strategy = subject(algorithm)
    chosen = settings(spec, normalize_reward=algorithm == "PPO", **more)
    whole, cut = ModelStore(tmp_path / "whole"), ModelStore(tmp_path / "cut")
    uninterrupted = train(spec, strategy, store=whole, settings=chosen)
    killed(when, monkeypatch, spec, strategy, store=cut, settings=chosen)
    np.random.seed(99)  # noqa: NPY002 - another process would have another state
    torch.manual_seed(99)
    resumed = train(spec, strategy, store=cut, settings=chosen, resume=True)
    assert resumed.history == uninterrupted.history
    assert resumed.card.steps == uninterrupted.card.steps
    for key, value in end_of(whole, spec.name).items():
        assert torch.equal(value, end_of(cut, spec.name)[key]), key
    assert not list(cut.root.rglob(FILE))


def test_exploration_that_depends_on_the_state_goes_on_in_the_same_bits(subject, tmp_path, monkeypatch):
    spec, strategy = subject("PPO")
    model = {**spec.settings["default"]["model"], "use_sde": True, "sde_sample_freq": 4}
    chosen = settings(spec, model=model, log_std_init=-2.0)
    whole, cut = ModelStore(tmp_path / "whole"), ModelStore(tmp_path / "cut")
    train(spec, strategy, store=whole, settings=chosen)
    killed(900, monkeypatch, spec, strategy, store=cut, settings=chosen)
    train(spec, strategy, store=cut, settings=chosen, resume=True)
    for key, value in end_of(whole, spec.name).items():
        assert torch.equal(value, end_of(cut, spec.name)[key]), key


def test_an_interrupt_can_be_resumed_to_the_same_end(subject, tmp_path, monkeypatch):
    spec, strategy = subject("PPO")
    chosen = settings(spec)
    whole, cut = ModelStore(tmp_path / "whole"), ModelStore(tmp_path / "cut")
    uninterrupted = train(spec, strategy, store=whole, settings=chosen)
    real = Selection._on_step

    def interrupts(self):
        if self.num_timesteps == 800:
            os.kill(os.getpid(), signal.SIGINT)
        return real(self)

    with monkeypatch.context() as patch:
        patch.setattr(Selection, "_on_step", interrupts)
        assert train(spec, strategy, store=cut, settings=chosen).interrupted
    assert cut.load(strategy, "latest").layers
    resumed = train(spec, strategy, store=cut, settings=chosen, resume=True)
    assert resumed.history == uninterrupted.history
    for key, value in end_of(whole, spec.name).items():
        assert torch.equal(value, end_of(cut, spec.name)[key]), key


@pytest.fixture
def half_done(subject, tmp_path, monkeypatch):
    """A store with a training that was killed, and what it was."""
    spec, strategy = subject("PPO")
    store = ModelStore(tmp_path)
    killed(1000, monkeypatch, spec, strategy, store=store, settings=settings(spec))
    return store, spec, strategy


@pytest.mark.parametrize("changes", [{"seed": 1}, {"learning_rate": 1.0}, {"world": True}])
def test_a_checkpoint_of_another_training_is_refused(half_done, changes):
    store, spec, strategy = half_done
    chosen = settings(spec, **{k: v for k, v in changes.items() if k == "learning_rate"})
    if "world" in changes:
        strategy = dataclasses.replace(strategy, capital=2.0 * strategy.capital)
    with pytest.raises(ModelError, match="another environment, settings or seed"):
        train(spec, strategy, store=store, settings=chosen, seed=changes.get("seed", 0), resume=True)


def test_a_damaged_checkpoint_is_refused(half_done):
    store, spec, strategy = half_done
    path = next(store.root.rglob(FILE))
    whole = path.read_bytes()
    for length in (0, 1, 1000, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(ModelError, match="not a readable checkpoint"):
            train(spec, strategy, store=store, settings=settings(spec), resume=True)


def test_a_training_from_the_start_forgets_the_checkpoint(half_done):
    store, spec, strategy = half_done
    train(spec, strategy, store=store, settings=settings(spec))
    assert not list(store.root.rglob(FILE))


@pytest.mark.parametrize("steps", [64, 1000])
@pytest.mark.parametrize("algorithm", ["DDPG", "DQN"])
def test_a_replay_buffer_is_kept_in_half_of_its_bytes(algorithm, steps, subject):
    """Also where it has gone round, and with zeros of both signs: every row comes back bit for bit."""
    spec, strategy = subject(algorithm)
    chosen = settings(spec, model={**spec.settings["default"]["model"], "buffer_size": 512})
    first, second = (
        learner(algorithm, training_env(strategy, chosen, seed), strategy, chosen, seed) for seed in (0, 1)
    )
    first.learn(steps)
    first.replay_buffer.observations[3, 0, :2] = -0.0
    arrays = checkpoint._replay(first)
    checkpoint._set_replay(second, arrays)
    size = first.replay_buffer.size()
    names = ("observations", "next_observations", "actions", "rewards", "dones", "timeouts")
    for name in names:
        told, found = (getattr(one.replay_buffer, name)[:size] for one in (first, second))
        assert told.tobytes() == found.tobytes(), name
    assert (first.replay_buffer.pos, first.replay_buffer.full) == (
        second.replay_buffer.pos,
        second.replay_buffer.full,
    )
    whole = sum(getattr(first.replay_buffer, name)[:size].nbytes for name in names)
    assert sum(array.nbytes for array in arrays.values()) < 0.66 * whole


@pytest.mark.slow
def test_killed_processes_go_on_to_the_same_end(tmp_path):
    """The same with SIGKILL at random times, until the training has come to its end."""
    script = (
        "import sys; sys.path[:0] = ['tests/training', 'tests/examples'];"
        "from conftest import small; from test_checkpoint import settings; from fund.training.store import ModelStore;"
        "from fund.training.train import train; spec, strategy = small('DDPG');"
        "train(spec, strategy, store=ModelStore(sys.argv[1]), settings=settings(spec, steps=40_000, evaluations=20),"
        " resume=len(sys.argv) > 2)"
    )
    root, generator = Path(__file__).parents[2], np.random.default_rng(0)

    def run(folder, *words):
        return subprocess.Popen([sys.executable, "-c", script, str(tmp_path / folder), *words], cwd=root)

    assert run("whole").wait() == 0
    kills, store = 0, ModelStore(tmp_path / "cut")
    process = run("cut")
    while True:
        deadline = time.monotonic() + generator.uniform(3.0, 8.0)
        while process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        if process.poll() is not None:
            break
        process.kill()
        process.wait()
        kills += 1
        process = run("cut", *(["resume"] if list(store.root.rglob(FILE)) else []))
    assert process.returncode == 0
    assert kills >= 1
    for key, value in end_of(ModelStore(tmp_path / "whole"), "trend_following").items():
        assert torch.equal(value, end_of(store, "trend_following")[key])
