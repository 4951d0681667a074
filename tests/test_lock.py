"""The lock of a folder: one owner at a time, and none that is dead."""

from __future__ import annotations

import os
import signal

import pytest

from fund import paths
from fund.errors import DataError, RunInUse
from tests.processes import start

HOLD = """
with paths.lock(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_living_process_keeps_others_out_and_leaves_when_done(tmp_path):
    holder = start(HOLD, tmp_path / "run")
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(RunInUse) as caught, paths.lock(tmp_path / "run"):
        pytest.fail("two owners")
    assert str(holder.pid) in str(caught.value)
    assert str(tmp_path / "run") in str(caught.value)
    assert "\n" not in str(caught.value)
    holder.communicate("")
    assert holder.returncode == 0
    with paths.lock(tmp_path / "run") as folder:
        assert folder == tmp_path / "run"


@pytest.mark.parametrize("number", [signal.SIGTERM, getattr(signal, "SIGKILL", signal.SIGTERM)])
def test_the_lock_of_a_killed_process_is_gone(tmp_path, number):
    holder = start(HOLD, tmp_path)
    assert holder.stdout.readline() == "held\n"
    holder.send_signal(number)
    holder.communicate()
    assert f"process {holder.pid}" in (tmp_path / ".lock").read_text()
    with paths.lock(tmp_path):
        assert (tmp_path / ".lock").read_text() == f"process {os.getpid()}"
    assert (tmp_path / ".lock").read_text() == ""


def test_one_process_cannot_take_a_lock_twice(tmp_path):
    with (
        paths.lock(tmp_path),
        pytest.raises(RunInUse, match=str(os.getpid())),
        paths.lock(tmp_path),
    ):
        pytest.fail("two owners")


def test_an_error_gives_the_lock_back(tmp_path):
    with pytest.raises(ZeroDivisionError), paths.lock(tmp_path):
        raise ZeroDivisionError
    with paths.lock(tmp_path):
        pass


def test_a_subprocess_of_the_owner_does_not_inherit_the_lock(tmp_path):
    with paths.lock(tmp_path):
        child = start("print('up', flush=True); sys.stdin.read()")
        assert child.stdout.readline() == "up\n"
    with paths.lock(tmp_path):
        pass
    child.communicate("")


def test_of_many_that_start_at_once_one_gets_in(tmp_path):
    code = (
        "sys.stdin.readline()\ntry:"
        + HOLD.replace("\n", "\n    ").rstrip()
        + "\nexcept paths.RunInUse: print('refused')"
    )
    processes = [start(code, tmp_path) for _ in range(6)]
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    lines = [process.stdout.readline() for process in processes]
    for process in processes:
        process.communicate("")
    assert sorted(lines) == ["held\n"] + ["refused\n"] * 5


def test_a_place_that_cannot_be_a_folder_is_named(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DataError, match="file: cannot be used"), paths.lock(tmp_path / "file"):
        pytest.fail("locked a file")
