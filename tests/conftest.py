"""What every test finds: one thread a process, no settings of the caller's, the shared data where it exists."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import hypothesis
import pytest

# Before numpy or torch is imported: several workers share the cores, and one thread makes runs repeatable.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

ROOT = Path(__file__).resolve().parents[1]
SHARED_DATA = ROOT.parent / "shared" / "data"

# A first example compiles kernels, so no deadline; the same examples in every run, so that a red run stays red.
hypothesis.settings.register_profile("fund", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("fund")


def pytest_configure(config):
    """Ctrl-C is heard also where the tests were started in the background, which has it ignored."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _no_settings_of_the_caller(monkeypatch):
    """FUND_MODELS and the like would let tests write into the caller's models."""
    for variable in [name for name in os.environ if name.startswith("FUND_")]:
        monkeypatch.delenv(variable)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real market data beside the repository; a test that asks for it skips where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip("needs ../shared/data")
    return SHARED_DATA
