"""Same seed, same trajectory: also in another process, and uncompiled."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

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


def rest(name: str, states: list[tuple[int, dict[str, Any]]]) -> list[str]:
    """Hash of what is left of an episode of 25 steps from each saved state on; the states are JSON's lists."""
    strategy, hashes = rosters()[name].cls().with_steps(25), []
    actions = adversarial(strategy, 25, 2)
    for step, state in states:
        batch, total = Batch(strategy, 2), hashlib.sha256()
        batch.set_state({key: np.array(value) for key, value in state.items()})
        for action in actions[step:]:
            out = batch.step(action)
            total.update(out.observation.tobytes() + out.reward.tobytes() + batch.ledger.books.nav.tobytes())
        hashes.append(total.hexdigest())
    return hashes


def test_a_saved_state_goes_on_in_another_process(tmp_path):
    """INVARIANTS D6: through JSON's text, at ten random steps, bit for bit what goes on here."""
    saved, wanted, file = {}, {}, tmp_path / "states.json"
    for name in rosters():
        strategy = rosters()[name].cls().with_steps(25)
        batch, actions, rows = Batch(strategy, 2), adversarial(strategy, 25, 2), []
        batch.reset(31)
        steps = sorted(np.random.default_rng(1).choice(25, 10, replace=False).tolist())
        saved[name] = []
        for t, action in enumerate(actions):
            if t in steps:
                saved[name].append((t, {k: v.tolist() for k, v in batch.get_state().items()}))
            out = batch.step(action)
            rows.append(out.observation.tobytes() + out.reward.tobytes() + batch.ledger.books.nav.tobytes())
        wanted[name] = [hashlib.sha256(b"".join(rows[t:])).hexdigest() for t in steps]
    file.write_text(json.dumps(saved))
    code = (
        "import json, sys; sys.path.insert(0, 'tests/envs'); from test_determinism import rest; "
        f"saved = json.load(open({str(file)!r})); "
        "print(json.dumps({name: rest(name, states) for name, states in saved.items()}))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == wanted


@pytest.mark.parametrize("name", rosters())
def test_a_new_process_with_another_hash_seed(name):
    np.random.seed(3)  # noqa: NPY002 - must not matter
    assert elsewhere(name, PYTHONHASHSEED="77") == digest(name)


@pytest.mark.parametrize("name", rosters())
def test_uncompiled_it_is_the_same(name):
    assert elsewhere(name, NUMBA_DISABLE_JIT="1") == digest(name)
