"""A training from start to end, on disk: best, latest, checkpoints, cards, logs, signals."""

import dataclasses
import json
import os
import signal
import time

import numpy as np
import pytest
import safetensors.torch
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from fund.errors import InvalidParameter, ModelError, RunInUse, UnknownName
from fund.paths import lock
from fund.training.multi_agent.acting import play_team
from fund.training.multi_agent.session import Job, mean_return, train_team
from fund.training.multi_agent.settings import Settings
from fund.training.multi_agent.store import TeamStore, unpacked

SETTINGS = Settings(
    steps=16 * 8 * 12, copies=16, rollout=8, net_arch=(16,), epochs=3, gamma=0.5, actor_rate=(3e-3, 1e-3),
    evaluations=4, evaluation_copies=32,
)  # fmt: skip


@pytest.fixture
def job(guess):
    return Job("guess", guess, SETTINGS, parameters={"length": 8})


@pytest.fixture
def store(tmp_path):
    return TeamStore(tmp_path)


@pytest.fixture
def done(job, store):
    return train_team(job, 1, store)


def test_best_and_latest_lie_there_with_their_cards(done, store, guess):
    home = store.folder("guess")
    assert {p.name for p in home.iterdir()} == {
        ".lock", "guess_best.json", "guess_best.safetensors", "guess_latest.json", "guess_latest.safetensors",
        "checkpoints", "logs",
    }  # fmt: skip
    best, latest = store.card("guess", "best"), store.card("guess", "latest")
    assert latest.steps == SETTINGS.steps
    assert [steps for steps, _ in latest.scores] == [SETTINGS.steps * k // 4 for k in (1, 2, 3, 4)]
    assert best.score == max(score for _, score in latest.scores)
    assert (best.algorithm, best.seed, best.parameters) == ("MAPPO", 1, {"length": 8})
    assert best.agents["agent_0"] == "sees 4, acts in Choice(4)"
    assert best.versions["torch"] == torch.__version__
    assert len(list((home / "checkpoints").iterdir())) == 3
    again = mean_return(guess(32), store.load(guess(1), "guess"), 10**9)
    assert again == pytest.approx(best.score, abs=1e-12)


def test_the_log_can_be_read_by_tensorboard_and_as_csv(done, store):
    logs = store.folder("guess") / "logs" / "1"
    events = EventAccumulator(str(logs)).Reload()
    tags = set(events.Tags()["scalars"])
    assert {
        "rollout/ep_rew_mean",
        "rollout/ep_len_mean",
        "time/fps",
        "train/policy",
        "eval/mean_reward",
    } <= tags
    assert events.Scalars("rollout/ep_rew_mean")[-1].step == SETTINGS.steps
    assert len((logs / "progress.csv").read_text().splitlines()) == 13
    with np.load(logs / "evaluations.npz") as table:
        np.testing.assert_array_equal(table["timesteps"], [steps for steps, _ in done.history])


def test_an_interrupted_training_goes_on_to_the_same_weights(job, done, store, guess, tmp_path):
    class Impatient(guess):
        """Ctrl-C in the seventh of twelve updates."""

        def step(self, actions):
            self.taken = getattr(self, "taken", 0) + 1
            if self.n == 16 and self.taken == 8 * 6 + 3:
                os.kill(os.getpid(), signal.SIGINT)
            return super().step(actions)

    other = TeamStore(tmp_path / "other")
    first = train_team(dataclasses.replace(job, make=Impatient), 1, other)
    assert first.interrupted
    assert other.card("guess", "latest").steps == 16 * 8 * 7
    second = train_team(job, 99, other, resume=True)
    assert not second.interrupted
    assert second.history == done.history
    one, _ = unpacked(store.path("guess", "latest").read_bytes(), "one")
    two, _ = unpacked(other.path("guess", "latest").read_bytes(), "two")
    assert one.keys() == two.keys()
    for key, t in one.items():
        assert torch.equal(t, two[key]), key


def test_a_time_limit_ends_the_training_with_a_usable_model(job, store, guess):
    endless = dataclasses.replace(job, settings=dataclasses.replace(SETTINGS, steps=10**9))
    start = time.monotonic()
    done = train_team(endless, 0, store, seconds=0.5)
    assert time.monotonic() - start < 20.0
    assert done.history == ()
    assert 0 < done.card.steps < 10**9
    assert play_team(guess(4), store.load(guess(1), "guess", "latest"), 0).length.tolist() == [8] * 4


def test_sigterm_is_heard(job, store, guess):
    class Terminated(guess):
        """The signal comes when training is under way, however slow the machine."""

        def step(self, actions):
            self.taken = getattr(self, "taken", 0) + 1
            if self.n == 16 and self.taken == 20:
                os.kill(os.getpid(), signal.SIGTERM)
            return super().step(actions)

    endless = dataclasses.replace(SETTINGS, steps=10**9)
    done = train_team(dataclasses.replace(job, make=Terminated, settings=endless), 0, store)
    assert done.interrupted
    assert done.card.steps == 16 * 8 * 3


def test_best_never_gets_worse_and_survives_a_restart(job, store):
    train_team(dataclasses.replace(job, score=lambda team, policy, seed: 5.0), 0, store)
    worse = train_team(dataclasses.replace(job, score=lambda team, policy, seed: 4.0), 0, store)
    assert not worse.is_best
    assert store.card("guess", "best").score == 5.0
    nan = train_team(dataclasses.replace(job, score=lambda team, policy, seed: float("nan")), 0, store)
    assert not nan.is_best
    assert store.card("guess", "best").score == 5.0


def test_the_best_of_another_world_is_kept_aside(job, store):
    train_team(dataclasses.replace(job, score=lambda team, policy, seed: 5.0), 0, store)
    other = dataclasses.replace(job, parameters={"length": 9}, score=lambda team, policy, seed: 1.0)
    assert train_team(other, 0, store).is_best
    assert len(list((store.folder("guess") / "checkpoints").glob("guess_best_*.safetensors"))) == 1


def test_models_for_another_team_are_refused(done, store, guess):
    with pytest.raises(ModelError, match="agents are"):
        store.load(guess(1, agents=3), "guess")
    with pytest.raises(ModelError, match="agent_0 sees 4, acts in Choice"):
        store.load(guess(1, kind="continuous"), "guess")
    with pytest.raises(ModelError, match="train it first"):
        store.load(guess(1), "guess", preset="null")
    with pytest.raises(UnknownName, match='Did you mean "agent_1"'):
        store.load(guess(1), "guess").act("agent1", np.zeros((1, 4), np.float32))


def test_resume_refuses_other_settings(done, job, store):
    other = dataclasses.replace(job, settings=dataclasses.replace(SETTINGS, gamma=0.6))
    with pytest.raises(ModelError, match="another gamma"):
        train_team(other, 1, store, resume=True)


def test_a_damaged_file_is_refused_and_never_runs(done, store, guess):
    path = store.path("guess", "best")
    whole = path.read_bytes()
    for damage in (whole[:-1], whole[:100], b"", whole[:200] + bytes([whole[200] ^ 1]) + whole[201:]):
        path.write_bytes(damage)
        with pytest.raises(ModelError, match="not the one that its card vouches for"):
            store.load(guess(1), "guess")
        if damage != whole[:200] + bytes([whole[200] ^ 1]) + whole[201:]:
            with pytest.raises(ModelError, match="not a readable model"):
                unpacked(damage, "damaged")
    path.with_suffix(".json").write_text("{")
    with pytest.raises(ModelError, match="not a readable card"):
        store.load(guess(1), "guess")


def test_files_hold_tensors_and_json_only(done, store):
    content = store.path("guess", "latest").read_bytes()
    named = safetensors.torch.load(content)
    assert all(isinstance(t, torch.Tensor) for t in named.values())
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    assert set(header["__metadata__"]) == {"where"}


def test_a_folder_in_use_and_names_that_are_paths_are_refused(job, store):
    with lock(store.folder("guess")), pytest.raises(RunInUse):
        train_team(job, 0, store)
    with pytest.raises(InvalidParameter, match="cannot be used"):
        train_team(dataclasses.replace(job, name="../guess"), 0, store)
