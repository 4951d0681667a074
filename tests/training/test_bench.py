"""The benchmark measures what it says; how fast is for a quiet machine to tell, not for a test."""

import json
import tracemalloc

import pytest

from fund.envs.batch import Batch
from fund.roster import rosters
from fund.training.bench import bench, environment

SPEEDS = {"step_only", "with_tapes", "single_env", "copy_limit", "share_of_limit", "tape_megabytes"}


def test_every_environment_is_measured():
    found = environment(rosters()["market_making"].cls(n_steps=20), 32, 0)
    assert set(found) == SPEEDS
    assert all(value > 0.0 for value in found.values())
    assert found["step_only"] < found["copy_limit"]


@pytest.mark.slow
def test_the_whole_is_json():
    found = json.loads(json.dumps(bench(paths=32, training=False)))
    assert set(found["environments"]) == set(rosters())
    assert found["reference"]["cartpole_sync_64"] > 0.0
    assert found["machine"]["cores"] >= 1


@pytest.mark.slow
@pytest.mark.parametrize("name", list(rosters()))
def test_a_batch_of_4096_fits_in_a_gibibyte(name):
    strategy = rosters()[name].cls()
    Batch(strategy, 2).reset(0)
    tracemalloc.start()
    try:
        batch = Batch(strategy, 4096)
        batch.reset(0)
        batch.reset()
        assert tracemalloc.get_traced_memory()[1] < 2**30
    finally:
        tracemalloc.stop()
