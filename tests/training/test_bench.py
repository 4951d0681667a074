"""The benchmark measures what it says; how fast is for a quiet machine to tell, not for a test."""

import json
import tracemalloc

import pytest

from fund.envs import execution, speed, strategic
from fund.envs.batch import Batch
from fund.grandmodel.stages import STAGES, stage_named
from fund.roster import rosters
from fund.training import bench as benchmark
from fund.training.bench import bench, environment, fitting, published, stages, table

SPEEDS = {
    "paths", "step_only", "with_tapes", "single_env", "copy_limit", "share_of_limit", "tape_megabytes",
}  # fmt: skip


def test_every_environment_is_measured():
    found = environment(rosters()["market_making"].cls(n_steps=20), 32, 0)
    assert set(found) == SPEEDS
    assert all(value > 0.0 for value in found.values())
    assert found["step_only"] < found["copy_limit"]


def test_every_stage_and_all_of_them_are_measured():
    found = stages(paths=16, steps=5, cycles=50)
    assert {name: row["agents"] for name, row in found.items()} == {
        "strategic": 3, "tactical": 3, "risk": 4, "execution": 5, "unified": 15,
    }  # fmt: skip
    assert all(value > 0.0 for row in found.values() for value in row.values())


def test_agent_steps_are_counted_one_by_one():
    """Of a batch, of a Parallel form through an end, of turns with their dead steps left out."""
    batch = speed.Batched([stage_named(name) for name in STAGES], 4, 6)
    assert batch.step_only() == batch.with_tapes() == 4 * 6 * 15
    assert speed.parallel_form(execution.parallel_env(max_cycles=3), 10)() == 50
    # three cycles of three agents and a dead step each, again and again: 9 of 12
    assert speed.aec_form(strategic.env(max_cycles=3), 40)() == 90


def test_step_only_draws_nothing(monkeypatch):
    batch = speed.Batched([stage_named("risk")], 4, 6)
    drawn = []
    kind = type(batch.rounds[0].stage.strategy)
    record = kind.record
    monkeypatch.setattr(kind, "record", lambda *given: drawn.append(1) or record(*given))
    batch.step_only()
    assert not drawn
    batch.with_tapes()
    assert drawn


def test_the_best_round_counts_and_time_is_the_processes_own(monkeypatch):
    clock = iter([0.0, 2.0, 10.0, 11.0, 20.0, 24.0])
    monkeypatch.setattr(speed.time, "process_time", lambda: next(clock))
    assert speed.best(lambda: 8) == 8.0


def test_a_batch_whose_tapes_take_long_has_fewer_paths(monkeypatch):
    strategy = rosters()["market_making"].cls(n_steps=20)
    clock = iter([0.0, 3.2, 0.0, 0.032])  # .1 s a path: 30 in 3 seconds; then .001 s
    monkeypatch.setattr(benchmark.time, "process_time", lambda: next(clock))
    assert fitting(strategy, 1024) == 32
    assert fitting(strategy, 1024) == 1024
    assert fitting(strategy, 16) == 16


def test_a_published_environment_is_measured_beside_ours():
    assert published(cycles=20)["simple_spread_v3"] > 0.0


def test_the_table_has_a_line_for_each():
    row = {"paths": 4096, "step_only": 25.61e6, "with_tapes": 2.5e6, "single_env": 119_400.0}
    found = {
        "machine": {"processor": "P", "cores": 2, "system": "S", "python": "3"},
        "environments": {"statistical_arbitrage": row},
        "stages": {"risk": {**row, "agents": 4}},
        "reference": {"cartpole_sync_64": 61_900.0, "simple_spread_v3": 9_800.0},
    }
    lines = [" ".join(line.split()) for line in table(found).splitlines()]
    assert "statistical_arbitrage 4096 25.6 M 2.5 M 119 k" in lines
    assert "risk, 4 agents 4096 25.6 M 2.5 M 119 k" in lines
    assert "CartPole-v1, SyncVectorEnv 64 62 k" in lines
    assert "simple_spread_v3, Parallel 1 10 k" in lines
    assert lines[0] == "P, 2 cores, S, Python 3."


@pytest.mark.slow
def test_the_whole_is_json():
    found = json.loads(json.dumps(bench(paths=32, training=False)))
    assert set(found["environments"]) == set(rosters())
    assert set(found["stages"]) == {*STAGES, "unified"}
    assert set(found["reference"]) == {"cartpole_sync_64", "simple_spread_v3"}
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
