"""Two processes that learn as one take the steps of one, to rounding."""

from dataclasses import replace

import pytest

from fund.errors import InvalidParameter
from fund.training.multi_agent.ranks import Ranks, ranked
from fund.training.multi_agent.session import Job, Session, train_team
from fund.training.multi_agent.settings import Settings
from fund.training.multi_agent.shards import Plan, ShardedLearner
from fund.training.multi_agent.store import TeamStore
from tests.training.multi_agent.games import Walk
from tests.training.multi_agent.in_one_process import Here, weights

SMALL = Settings(
    copies=16, rollout=8, net_arch=(16,), epochs=3, minibatches=3, steps=16 * 8 * 4, evaluations=2,
    evaluation_copies=32,
)  # fmt: skip


def test_two_ranks_take_the_steps_of_one_process(tmp_path):
    """Nine minibatches of odd sizes, cut in two, their gradients summed: parameters equal to 1e-6; then goes on."""
    alone = ShardedLearner(Here(Plan.of(Walk, SMALL, 3, 4)))
    plain = Job("walk", Walk, SMALL)
    with ranked(plain, 3, ranks=2, shards=4) as job:
        store = TeamStore(tmp_path)
        session = Session(job, store, 3)
        one, two = alone.iterate(), session.learner.iterate()
        assert (weights(session.learner) - weights(alone)).abs().max() < 1e-6
        assert one.keys() == two.keys()
        for key, number in one.items():
            assert two[key] == pytest.approx(number, abs=1e-5, rel=1e-5), key
        session.learner.iterate()
        session.keep(session.evaluate())
    first = store.card("walk", "latest")
    assert first.steps == 2 * 16 * 8
    with ranked(plain, 3, ranks=2, shards=4) as job:
        done = train_team(job, 3, store, resume=True)
    assert done.history[-1][0] == 16 * 8 * 4
    for _ in range(3):
        alone.iterate()
    named = store.read("walk", "latest")[1]
    for key, t in alone.weights().items():
        assert (named[f"groups/{key}"].double() - t.double()).abs().max() < 1e-4, key


def test_what_cannot_be_cut_is_refused():
    with pytest.raises(InvalidParameter, match="9 ranks for 4 shards"):
        Ranks(Plan.of(Walk, SMALL, 0, 4), 0, 9)
    with (
        pytest.raises(InvalidParameter, match="16 copies in 5 shards"),
        ranked(Job("walk", Walk, replace(SMALL)), 0, 2, shards=5),
    ):
        pass
