"""Shards in any number of processes are one training; processes that die, hang or lag change no number of it."""

import os
import signal
from dataclasses import replace
from functools import partial

import pytest
import torch

from fund.errors import InvalidParameter, ModelError
from fund.training.multi_agent.learner import Learner
from fund.training.multi_agent.off_policy import OffPolicy
from fund.training.multi_agent.session import Job, train_team
from fund.training.multi_agent.settings import Settings
from fund.training.multi_agent.shards import Plan, ShardedLearner
from fund.training.multi_agent.store import TeamStore, unpacked
from fund.training.multi_agent.workers import Workers
from tests.training.multi_agent.games import Fatal, Slow, Walk
from tests.training.multi_agent.in_one_process import Here, weights

SMALL = Settings(
    copies=16, rollout=8, net_arch=(16,), epochs=2, minibatches=2, steps=16 * 8 * 8, evaluations=2,
    evaluation_copies=32,
)  # fmt: skip


def history(learner, iterations=4):
    return [{k: v for k, v in learner.iterate().items() if "workers" not in k} for _ in range(iterations)]


@pytest.fixture(scope="module")
def plain():
    """What the training must come to, without processes."""
    torch.set_num_threads(1)
    learner = ShardedLearner(Here(Plan.of(Walk, SMALL, 3, 4)))
    return history(learner), weights(learner)


def test_one_shard_is_the_ordinary_learner(tmp_path):
    """One update, in which the learner's own generator has drawn nothing but what the shard's has."""
    settings = replace(SMALL, minibatches=1)
    one, other = Learner(Walk(16), settings, 3), ShardedLearner(Here(Plan.of(Walk, settings, 3, 1)))
    assert one.iterate() == other.iterate()
    assert (one.steps, one.updates) == (other.steps, other.updates)


def test_shards_play_the_copies_that_one_process_would():
    """Seeds and so episodes are those of a single team of all copies."""
    whole = Learner(Walk(16), SMALL, 3)
    parts = Here(Plan.of(Walk, SMALL, 3, 4)).shards
    assert [s for shard in parts for s in shard.learner.team.seeds] == whole.team.seeds.tolist()
    assert [x for shard in parts for x in shard.learner.team.where] == whole.team.where.tolist()


def test_workers_give_the_same_numbers_as_none(plain):
    with Workers(Plan.of(Walk, SMALL, 3, 4), 2) as workers:
        learner = ShardedLearner(workers)
        assert history(learner) == plain[0]
        assert torch.equal(weights(learner), plain[1])
        assert sum(worker.played for worker in workers.workers) == 16
        assert workers.deaths == 0


def test_a_killed_worker_changes_nothing(plain, tmp_path):
    """One dies by itself in its second rollout, one is killed from outside between two rollouts."""
    with Workers(Plan.of(partial(Fatal, folder=tmp_path), SMALL, 0, 4), 2) as workers:
        learner = ShardedLearner(workers)
        found = history(learner, 3)
        os.kill(workers.workers[1].process.pid, signal.SIGKILL)
        found += history(learner, 1)
        assert workers.deaths == 2
        assert len(list(tmp_path.iterdir())) == 1
    undisturbed = ShardedLearner(Here(Plan.of(Walk, SMALL, 0, 4)))
    assert found == history(undisturbed)
    assert torch.equal(weights(learner), weights(undisturbed))


def test_a_worker_that_hangs_is_replaced(tmp_path):
    make = partial(Fatal, folder=tmp_path, how="hang", at=3)
    with Workers(Plan.of(make, SMALL, 0, 4), 1, patience=5.0) as workers:
        learner = ShardedLearner(workers)
        found = history(learner, 1)
        assert workers.deaths == 1
    assert found == history(ShardedLearner(Here(Plan.of(Walk, SMALL, 0, 4))), 1)


def test_what_always_kills_stops_the_training_and_says_so(tmp_path):
    with Workers(Plan.of(partial(Fatal, folder=tmp_path, times=99, at=2), SMALL, 0, 2), 1) as workers:
        with pytest.raises(ModelError, match="shard 0 ended 3 workers, the last by exit code -9"):
            workers.collect(ShardedLearner(workers).weights())
        assert workers.deaths == 3
    assert not any(worker.process.is_alive() for worker in workers.workers)


def test_an_error_of_the_world_is_told_at_once(tmp_path):
    make = partial(Fatal, folder=tmp_path, how="raise", at=2)
    with Workers(Plan.of(make, SMALL, 0, 2), 1) as workers:
        with pytest.raises(ModelError, match="a worker failed on shard 0: ValueError: the world is broken"):
            workers.collect(ShardedLearner(workers).weights())
        assert workers.deaths == 0


def test_a_slow_worker_is_given_less_and_the_numbers_stay(tmp_path):
    settings = replace(SMALL, rollout=16)
    with Workers(Plan.of(partial(Slow, folder=tmp_path), settings, 3, 8), 2) as workers:
        learner = ShardedLearner(workers)
        found = history(learner)
        slow = int(next(tmp_path.iterdir()).name)
        played = {worker.process.pid: worker.played for worker in workers.workers}
        assert sum(played.values()) == 32
        assert played[slow] < 0.4 * 32
        assert workers.moves > 0
    assert found == history(ShardedLearner(Here(Plan.of(Walk, settings, 3, 8))))


def test_a_training_with_workers_goes_on_from_its_checkpoint_bit_for_bit(tmp_path):
    """Half with one worker, the rest with two, in another pool: as one training without any."""
    plan = Plan.of(Walk, SMALL, 3, 4)
    whole = ShardedLearner(Here(plan))
    trained = train_team(
        Job("walk", Walk, SMALL, learner=lambda job, seed: whole), 3, TeamStore(tmp_path / "whole")
    )
    halves, half = TeamStore(tmp_path / "halves"), replace(SMALL, steps=SMALL.steps // 2, evaluations=1)
    for count, settings in ((1, half), (2, SMALL)):
        with Workers(plan._replace(settings=settings), count) as workers:
            job = Job("walk", Walk, settings, learner=workers.learner)
            done = train_team(job, 3, halves, resume=count == 2)
    assert done.history[-1] == trained.history[-1]
    one, two = (
        unpacked(TeamStore(tmp_path / name).path("walk", "latest").read_bytes(), name)[0]
        for name in ("whole", "halves")
    )
    assert one.keys() == two.keys()
    for key, t in one.items():
        assert torch.equal(t, two[key]), key


def test_plans_that_cannot_be_are_refused():
    with pytest.raises(InvalidParameter, match="16 copies in 3 shards"):
        Plan.of(Walk, SMALL, 0, 3)
    with pytest.raises(InvalidParameter, match="qmix: only mappo and ippo"):
        Plan.of(Walk, OffPolicy("qmix"), 0)
    with pytest.raises(InvalidParameter, match="0 workers"):
        Workers(Plan.of(Walk, SMALL, 0), 0)
    assert Plan.of(Walk, replace(SMALL, copies=36), 0).shards == 6
