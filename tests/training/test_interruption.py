"""Ctrl-C and SIGTERM: exit codes, one signal and two, a model that can be used, nothing half-written."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from fund.__main__ import main
from fund.training import interruption
from fund.training.interruption import Terminated, demand_whole, exit_code, interruptible, terminable

ROOT = Path(__file__).parents[2]


def test_exit_codes_are_128_and_the_signals_number():
    assert exit_code(KeyboardInterrupt()) == 130
    assert exit_code(Terminated()) == 143
    demand_whole(0)
    with pytest.raises(KeyboardInterrupt) as raised:
        demand_whole(signal.SIGINT)
    assert not isinstance(raised.value, Terminated)
    with pytest.raises(Terminated):
        demand_whole(signal.SIGTERM)


def test_sigterm_raises_within_the_block_and_the_handler_before_comes_back():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Terminated), terminable():
        os.kill(os.getpid(), signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is before


def test_the_first_signal_is_remembered_and_one_much_later_raises(monkeypatch):
    training = SimpleNamespace(interrupted=0)
    with interruptible(training):
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)  # of whoever told the whole group
        assert training.interrupted == signal.SIGTERM
        monkeypatch.setattr(interruption, "ONE_SIGNAL", -1.0)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_a_signal_that_is_ignored_stays_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        training = SimpleNamespace(interrupted=0)
        with interruptible(training):
            os.kill(os.getpid(), signal.SIGINT)
        assert training.interrupted == 0
    finally:
        signal.signal(signal.SIGINT, before)


TRAIN = """
import os, sys
from fund.__main__ import main
from fund.training.selection import Selection

real = Selection._on_step

def told(self):
    if self.num_timesteps == 256 * 10:
        os.kill(os.getpid(), int(sys.argv[2]))
    return real(self)

Selection._on_step = told
sys.exit(main(["train", "statistical_arbitrage", "--models", sys.argv[1], "--steps", "1000000"]))
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_training_that_is_told_to_end_leaves_a_usable_model(number, code, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", TRAIN, str(tmp_path), str(int(number))], cwd=ROOT, capture_output=True
    )
    assert done.returncode == code, done.stderr
    words = ["--policy", "latest", "--episodes", "4", "--models", str(tmp_path)]
    assert main(["evaluate", "statistical_arbitrage", *words]) == 0
    assert not list(tmp_path.rglob("*.tmp"))


RUN = """
import sys
from allocator import run_fund
from fund.__main__ import main
from specialists import ROSTER
if __name__ == "__main__":
    run_fund.ROSTER = {name: ROSTER[name] for name in ("statistical_arbitrage", "futures_spreads")}
    sys.exit(main(["run", "--full", "--out", sys.argv[1], "--models", sys.argv[2]]))
"""


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_run_that_is_told_to_end_leaves_usable_models_and_no_report(number, code, tmp_path):
    script, out, models = tmp_path / "run.py", tmp_path / "out", tmp_path / "models"
    script.write_text(RUN)
    run = subprocess.Popen(
        [sys.executable, str(script), str(out), str(models)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    learning = out / "models/specialists/statistical_arbitrage/logs/1/progress.csv"
    until = time.monotonic() + 300
    while (
        not (learning.exists() and learning.stat().st_size)
        and time.monotonic() < until
        and run.poll() is None
    ):
        time.sleep(0.2)
    run.send_signal(number)
    assert run.wait(timeout=120) == code
    assert not list(out.rglob("report*")) and not list(tmp_path.rglob("*.tmp"))
    words = ["--policy", "latest", "--episodes", "4", "--models", str(models)]
    assert main(["evaluate", "statistical_arbitrage", *words]) == 0
