"""Models on disk: whole, vouched for, never worse."""

import contextlib
import dataclasses
import errno
import json
import math
import os
import pickle
import shutil
import zipfile

import numpy as np
import pytest

from fund.errors import ModelError
from fund.training.store import Card, ModelStore, environment_hash, load_file, read_card


@pytest.fixture
def store(trained, tmp_path):
    """A copy of the trained store that a test may damage."""
    shutil.copytree(trained[0].root, tmp_path / "models")
    return ModelStore(tmp_path / "models")


def test_the_tree_of_d4(trained):
    store, _ = trained
    home = store.root / "specialists" / "trend_following"
    names = {path.name for path in home.iterdir()}
    assert {"checkpoints", "logs", "trend_following_best.zip", "trend_following_latest.zip"} <= names
    assert (store.root / "checkpoints").is_dir()
    assert any((home / "checkpoints").glob("rl_model_*_steps.zip"))
    log = home / "logs" / "1"
    assert (log / "progress.csv").stat().st_size > 0
    assert list(log.glob("events.out.tfevents.*"))
    assert store.folder("cio_allocator") == store.root / "master"


def test_the_card_says_what_was_trained_and_with_what(trained, strategy):
    store, done = trained
    card = store.card("trend_following")
    assert card.features == strategy.features
    assert card.environment == environment_hash(strategy)
    assert card.seed == 0
    assert card.steps >= 20_000
    assert {"python", "torch", "numpy", "stable-baselines3", "git"} <= set(card.versions)
    assert card.parameters["drift"] == 2.0
    assert math.isfinite(card.score) and card.score == done.card.score
    assert [c.name for c in store.summary()] == ["trend_following"]


def offered(store, **changes):
    card = store.card("trend_following")
    content = store.path("trend_following", "best").read_bytes()
    return store.offer(dataclasses.replace(card, **changes), content)


def test_best_moves_only_for_something_better(store):
    card = store.card("trend_following")
    assert not offered(store, score=card.score)
    assert not offered(store, score=card.score - 1.0)
    assert not offered(store, score=math.nan)
    assert not offered(store, score=math.inf)
    assert store.card("trend_following").score == card.score
    assert offered(store, score=card.score + 1.0)
    assert ModelStore(store.root).card("trend_following").score == card.score + 1.0


def better(store, score):
    """A card and a model that would be the next best."""
    card = dataclasses.replace(store.card("trend_following"), score=score)
    path = store.folder("trend_following") / "checkpoints"
    return card, next(iter(sorted(path.glob("rl_model_*_steps.zip")))).read_bytes()


@pytest.mark.parametrize("broken", [KeyboardInterrupt(), OSError(errno.ENOSPC, "No space left on device")])
@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_save_cut_short_anywhere_leaves_the_old_or_the_new_best(store, strategy, monkeypatch, broken, call):
    """Each sync and each rename of a save fails in turn: by a kill, and on a full disk."""
    old = store.card("trend_following")
    card, content = better(store, old.score + 1.0)
    real = getattr(os, call)
    for fatal in range(1, 10):
        calls = iter(range(1, 100))

        def fails(*arguments, calls=calls, fatal=fatal):
            if next(calls) == fatal:
                raise broken
            return real(*arguments)

        with monkeypatch.context() as patch, contextlib.suppress(KeyboardInterrupt, ModelError):
            patch.setattr(os, call, fails)
            store.save(card, content, "best")
        found = store.card("trend_following")
        assert found.score in (old.score, card.score)
        assert store.load(strategy, "best").layers
        assert not list(store.root.rglob("*.tmp"))
    assert next(calls) < fatal  # the last round went through
    assert found.score == card.score


def test_a_full_disk_is_said(store, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    card, content = better(store, 1e9)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ModelError, match="cannot be written .No space left on device"):
        store.save(card, content, "best")


def test_a_folder_in_a_models_place_is_said(store):
    card, content = better(store, 1e9)
    path = store.path("trend_following", "best")
    path.unlink()
    path.mkdir()
    with pytest.raises(ModelError, match="cannot be written"):
        store.save(card, content, "best")


def test_a_best_of_another_environment_is_kept_aside(store):
    old = store.card("trend_following")
    assert offered(store, score=old.score - 5.0, environment="another")
    kept = store.folder("trend_following") / "checkpoints" / f"trend_following_best_{old.environment}.zip"
    assert kept.exists()


def test_a_model_for_something_else_is_refused_by_field(store, strategy):
    path = store.path("trend_following", "best").with_suffix(".json")
    plain = json.loads(path.read_text())
    for field, value in {
        "features": list(reversed(plain["features"])),
        "actions": "Choice(27) v0",
        "name": "market_making",
    }.items():
        path.write_text(json.dumps({**plain, field: value}))
        with pytest.raises(ModelError, match=field):
            store.load(strategy)


def test_a_missing_model_says_how_to_train_it(tmp_path, strategy):
    with pytest.raises(ModelError, match="fund train trend_following"):
        ModelStore(tmp_path).load(strategy)


def test_damaged_files_are_refused_and_never_give_other_weights(store, strategy):
    path = store.path("trend_following", "best")
    whole = path.read_bytes()
    generator = np.random.default_rng(0)
    for _ in range(60):
        if generator.random() < 0.5:
            damaged = whole[: int(generator.integers(len(whole)))]
        else:
            damaged = bytearray(whole)
            damaged[int(generator.integers(len(whole)))] ^= 1 << int(generator.integers(8))
        path.write_bytes(bytes(damaged))
        with pytest.raises(ModelError):
            load_file(strategy, path)


def test_a_damaged_card_is_refused(store, strategy):
    beside = store.path("trend_following", "best").with_suffix(".json")
    beside.write_text("{")
    with pytest.raises(ModelError, match="not a readable card"):
        read_card(beside)
    beside.unlink()
    with pytest.raises(ModelError, match="no card"):
        store.load(strategy)


class _Payload:
    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return (open, (str(self.target), "w"))


def test_code_in_a_model_file_is_not_executed(store, strategy, tmp_path):
    path = store.path("trend_following", "best")
    target = tmp_path / "executed"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("policy.pth", pickle.dumps(_Payload(target)))
    card = read_card(path.with_suffix(".json"))
    import hashlib

    plain = {**dataclasses.asdict(card), "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    path.with_suffix(".json").write_text(json.dumps(plain))
    with pytest.raises(ModelError, match="not a readable model"):
        load_file(strategy, path)
    assert not target.exists()


def test_cards_are_plain_json(trained):
    card = trained[0].card("trend_following")
    assert Card(**{**json.loads(json.dumps(dataclasses.asdict(card))), "features": card.features}) == card
