"""The models folder, run names and whole files: facts, and processes that die at the worst moment."""

from __future__ import annotations

import errno
import io
import os
import random
import time
from pathlib import Path

import numpy as np
import pytest

from fund import paths
from fund.errors import InvalidParameter
from tests.processes import start

OLD, NEW = b"old" * 100_000, b"new" * 100_000


# ---------------------------------------------------------------- folders


def test_option_beats_variable_beats_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FUND_MODELS", raising=False)
    assert paths.models_folder() == tmp_path / "models"
    monkeypatch.setenv("FUND_MODELS", "")
    assert paths.models_folder() == tmp_path / "models"
    monkeypatch.setenv("FUND_MODELS", str(tmp_path / "by_variable"))
    assert paths.models_folder() == tmp_path / "by_variable"
    assert paths.models_folder("by_option") == tmp_path / "by_option"
    with pytest.raises(InvalidParameter, match="empty"):
        paths.models_folder("")


@pytest.mark.parametrize("name", ["a", "0", "market_making", "run-7", "a" * 64, "2026-11-21_x", "con1"])
def test_a_slug_is_a_run_name(name):
    assert paths.run_name(name) == name


BAD_NAMES = [
    *["", " ", ".", "..", "../up", "a/b", "/etc", "\\\\server", "a\\b", "C:", "c:run", "~", "-rf", "_a", "A"],
    *["market making", "a\n", "a\x00", "a.b", "a.zip", "$HOME", "`id`", "a;b", "a*", "a?", "a|b", "a<b"],
    *["\u00e4", "\u0430", "a\u0301", "\uff41", "\u202ea", "\U0001f600", "a" * 65, "a" * 5000],
    *["con", "nul", "aux", "prn", "com1", "lpt9"],
]


@pytest.mark.parametrize("name", BAD_NAMES, ids=lambda name: ascii(name)[:20])
def test_anything_else_is_refused_in_one_line(name):
    with pytest.raises(InvalidParameter) as caught:
        paths.run_name(name)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


# ---------------------------------------------------------------- atomic_write


def test_bytes_and_writers(tmp_path):
    target = tmp_path / "new" / "folder" / "values.npz"
    assert paths.atomic_write(target, b"bytes") == target
    assert target.read_bytes() == b"bytes"
    paths.atomic_write(target, lambda file: np.savez(file, a=np.arange(3)))
    assert np.load(target)["a"].tolist() == [0, 1, 2]
    paths.atomic_write(target, lambda file: Path(file.name).write_bytes(b"by path"))
    assert target.read_bytes() == b"by path"
    assert os.listdir(target.parent) == ["values.npz"]


@pytest.mark.skipif(os.name != "posix", reason="umask is a POSIX idea")
def test_the_file_has_the_mode_that_any_file_gets(tmp_path):
    (tmp_path / "plain").write_bytes(b"")
    paths.atomic_write(tmp_path / "ours", b"")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_failing_writer_leaves_the_old_file_alone(tmp_path):
    def fails(file):
        file.write(NEW)
        raise KeyboardInterrupt

    target = paths.atomic_write(tmp_path / "model.zip", OLD)
    with pytest.raises(KeyboardInterrupt):
        paths.atomic_write(target, fails)
    assert target.read_bytes() == OLD
    assert os.listdir(tmp_path) == ["model.zip"]


def test_a_folder_in_the_place_of_the_file_is_an_error_and_leaves_nothing(tmp_path):
    (tmp_path / "model.zip").mkdir()
    with pytest.raises(OSError, match="model.zip"):
        paths.atomic_write(tmp_path / "model.zip", NEW)
    assert os.listdir(tmp_path) == ["model.zip"]


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_disk_full_at_each_call_leaves_the_old_file(tmp_path, monkeypatch, call):
    def full(*_arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    target = paths.atomic_write(tmp_path / "model.zip", OLD)
    monkeypatch.setattr(os, call, full)
    with pytest.raises(OSError, match="No space"):
        paths.atomic_write(target, NEW)
    assert target.read_bytes() == OLD
    assert os.listdir(tmp_path) == ["model.zip"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_disk_full_while_writing(tmp_path, monkeypatch):
    target = paths.atomic_write(tmp_path / "model.zip", OLD)
    monkeypatch.setattr(
        paths, "open", lambda name, mode: io.BufferedWriter(io.FileIO("/dev/full", "w")), raising=False
    )
    with pytest.raises(OSError, match="No space"):
        paths.atomic_write(target, NEW)
    assert target.read_bytes() == OLD
    assert os.listdir(tmp_path) == ["model.zip"]


@pytest.mark.skipif(os.name != "posix", reason="folders are synced on POSIX only")
def test_order_that_a_power_cut_asks_for(tmp_path, monkeypatch):
    """A kill does not test fsync: the order of the calls is the proof."""
    calls: list[str] = []
    fsync, replace = os.fsync, os.replace

    def recorded_fsync(descriptor):
        entry = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        calls.append("fsync folder" if entry.is_dir() else f"fsync file of {entry.stat().st_size} bytes")
        fsync(descriptor)

    def recorded_replace(source, target):
        calls.append("replace")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", recorded_fsync)
    monkeypatch.setattr(os, "replace", recorded_replace)
    paths.atomic_write(tmp_path / "model.zip", b"12345")
    assert calls == ["fsync file of 5 bytes", "replace", "fsync folder"]


DIE_AT_CALL = """
calls, last = 0, int(sys.argv[2])
def dies(function):
    def call(*arguments, **keywords):
        global calls
        calls += 1
        if calls == last:
            os._exit(9)
        return function(*arguments, **keywords)
    return call
paths.open = dies(open)
os.fsync, os.replace = dies(os.fsync), dies(os.replace)
half = b"new" * 50_000
paths.atomic_write(sys.argv[1], lambda file: (file.write(half), file.flush(), file.write(half)))
"""


@pytest.mark.parametrize(("call", "expected"), [(1, OLD), (2, OLD), (3, OLD), (4, NEW), (5, NEW)])
def test_death_at_each_call_leaves_old_or_new(tmp_path, call, expected):
    """Calls: 1 open, 2 fsync, 3 replace, 4 fsync of the folder; the fifth does not happen."""
    target = paths.atomic_write(tmp_path / "model.zip", OLD)
    process = start(DIE_AT_CALL, target, call)
    process.communicate(timeout=60)
    assert process.returncode == (9 if call < 5 or os.name != "posix" else 0)
    assert target.read_bytes() == expected


WRITE_FOR_EVER = """
print("ready", flush=True)
while True:
    for letter in b"on":
        piece = bytes([letter]) * 65_536
        paths.atomic_write(sys.argv[1], lambda file: [file.write(piece) for _ in range(32)])
"""


def test_kill_9_of_a_writer_leaves_a_whole_file_and_the_next_owner_cleans_up(tmp_path):
    target = paths.atomic_write(tmp_path / "model.zip", b"o" * 2_097_152)
    seed = random.Random(7)
    for _ in range(8):
        process = start(WRITE_FOR_EVER, target)
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.02 + seed.uniform(0, 0.1))
        process.kill()
        process.communicate()
        content = target.read_bytes()
        assert content in (b"o" * 2_097_152, b"n" * 2_097_152)
    (tmp_path / ".model.zip.01234567.tmp").write_bytes(b"torn")
    (tmp_path / "mine.tmp").write_bytes(b"kept")
    with paths.lock(tmp_path):
        assert sorted(os.listdir(tmp_path)) == [".lock", "mine.tmp", "model.zip"]
