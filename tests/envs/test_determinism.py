"""Same seed, same trajectory: also in another process, and uncompiled."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fund.envs.batch import Batch
from fund.envs.contract import adversarial
from fund.roster import rosters

ROOT = Path(__file__).parents[2]
SCRIPT = "import sys; sys.path.insert(0, 'tests/envs'); from test_determinism import digest; print(digest({name!r}))"


def digest(name: str) -> str:
    """Hash of all observations, rewards and NAVs of a short episode."""
    strategy = rosters()[name].cls().with_steps(25)
    batch, total = Batch(strategy, 4), hashlib.sha256()
    total.update(batch.reset(13).tobytes())
    for action in adversarial(strategy, 25, 4):
        out = batch.step(action)
        total.update(out.observation.tobytes() + out.reward.tobytes() + batch.ledger.books.nav.tobytes())
    return total.hexdigest()


def elsewhere(name: str, **variables: str) -> str:
    """The same in a fresh process."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(name=name)],
        cwd=ROOT, env={**os.environ, **variables}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.strip()


@pytest.mark.parametrize("name", rosters())
def test_a_new_process_with_another_hash_seed(name):
    np.random.seed(3)  # noqa: NPY002 - must not matter
    assert elsewhere(name, PYTHONHASHSEED="77") == digest(name)


@pytest.mark.parametrize("name", rosters())
def test_uncompiled_it_is_the_same(name):
    assert elsewhere(name, NUMBA_DISABLE_JIT="1") == digest(name)
