"""The loop and its memory: what is remembered is what was played, seeds repeat, checkpoints go on exactly."""

import dataclasses

import numpy as np
import pytest
import torch

from fund.envs.rounds import Rounds
from fund.errors import InvalidParameter, ModelError, UnknownName
from fund.grandmodel.stages import stage_named
from fund.training.multi_agent.acting import Actors, play_team
from fund.training.multi_agent.algorithms import learner_of
from fund.training.multi_agent.off_policy import OffPolicy
from fund.training.multi_agent.session import Job, mean_return, train_team
from fund.training.multi_agent.stages import stage_job, train_stage
from fund.training.multi_agent.store import TeamStore

SMALL = OffPolicy(
    "qmix", steps=16 * 4 * 12, copies=16, rollout=4, updates=2, batch=32, capacity=640, warmup=100, net_arch=(16,),
    evaluations=4, evaluation_copies=32,
)  # fmt: skip
KINDS = {"qmix": "discrete", "dqn": "discrete", "maddpg": "continuous"}


def settings(algorithm, **changes):
    return dataclasses.replace(SMALL, algorithm=algorithm, **changes)


def whole(learner):
    return {key: t.clone() for key, t in learner.snapshot()[0].items()}


def test_a_sample_is_a_step_and_what_followed(guess):
    """Each agent's cue stands in its observation: rewards and successors can be checked against the world's own."""
    team = guess(4)
    learner = learner_of(team, settings("dqn", copies=4, bootstrap=False, names=False), 3)
    cues, answers = [], []
    for _ in range(20):
        cues.append(np.stack([learner.observation[a] for a in team.agents], axis=1).copy())
        learner._play()
        answers.append(learner.replay.action[0][learner.replay.place - 1].numpy().copy())
    cues, answers = np.array(cues), np.array(answers)
    sample = learner.replay.sample(500, learner.generator)
    flat = cues.reshape(-1, 2, 4)
    for b in range(500):
        seen = sample.now.seen[0][b].numpy()
        (at,) = np.flatnonzero((flat == seen).all(axis=(1, 2)))
        t, i = divmod(int(at), 4)
        np.testing.assert_array_equal(sample.now.action[0][b], answers[t, i])
        np.testing.assert_array_equal(sample.reward[b], (seen.argmax(axis=1) == answers[t, i]).astype(float))
        assert sample.over[b] == (t % 8 == 7)
        assert sample.weight[b] == 1.0
        np.testing.assert_array_equal(sample.then.seen[0][b], cues[t + 1, i])


def test_what_lies_behind_the_clock_is_not_guessed(guess):
    """Where a value lies behind the end by the clock, the step into it is left out: 1 of 8."""
    learner = learner_of(guess(4), settings("dqn", copies=4), 3)
    for _ in range(40):
        learner._play()
    sample = learner.replay.sample(4000, learner.generator)
    assert not sample.over.any()
    assert abs(float(sample.weight.mean()) - 7 / 8) < 4 * np.sqrt(7 / 64 / 4000) + 1 / 39


def test_the_ring_forgets_the_oldest_only(guess):
    learner = learner_of(guess(4), settings("dqn", copies=4, capacity=4 * 10), 0)
    for step in range(25):
        learner.replay.add(learner._look(), torch.full((4, 2), float(step)), torch.zeros(4))
    assert set(learner.replay.sample(2000, learner.generator).reward.unique().tolist()) == set(range(15, 24))


@pytest.mark.parametrize("algorithm", KINDS)
def test_a_seed_gives_identical_runs_and_another_others(guess, algorithm):
    def run(seed):
        learner = learner_of(guess(16, kind=KINDS[algorithm]), settings(algorithm), seed)
        for _ in range(6):
            learner.iterate()
        return whole(learner)

    torch.manual_seed(1)
    one = run(5)
    torch.manual_seed(2)  # what others draw changes nothing
    two, other = run(5), run(6)
    assert all(torch.equal(t, two[key]) for key, t in one.items())
    assert any(not torch.equal(t, other[key]) for key, t in one.items())


@pytest.mark.parametrize("algorithm", KINDS)
@pytest.mark.parametrize("world", ["guess", "stateless"])
def test_resumed_is_uninterrupted_bit_for_bit(request, algorithm, world):
    make = request.getfixturevalue(world)
    first = learner_of(make(16, kind=KINDS[algorithm]), settings(algorithm), 1)
    for _ in range(5):
        first.iterate()
    named, where = first.snapshot()
    kept = {key: t.clone() for key, t in named.items()}
    second = learner_of(make(16, kind=KINDS[algorithm]), settings(algorithm), 99)
    second.resume(kept, where)
    assert [first.iterate() for _ in range(3)] == [second.iterate() for _ in range(3)]
    one, two = whole(first), whole(second)
    assert one.keys() == two.keys()
    assert all(torch.equal(t, two[key]) for key, t in one.items())
    other = learner_of(make(16, agents=3, kind=KINDS[algorithm]), settings(algorithm), 1)
    with pytest.raises(ModelError, match="another team or settings"):
        other.resume(kept, where)


@pytest.mark.parametrize("algorithm", KINDS)
def test_it_is_trained_selected_stored_and_loaded_as_ppo_is(guess, algorithm, tmp_path):
    def make(n):
        return guess(n, kind=KINDS[algorithm])

    store, job = TeamStore(tmp_path), Job("guess", make, settings(algorithm))
    done = train_team(job, 1, store)
    card = store.card("guess", "best")
    assert (card.algorithm, len(done.history)) == (algorithm.upper(), 4)
    again = mean_return(guess(32, kind=KINDS[algorithm]), store.load(make(1), "guess"), 10**9)
    assert again == pytest.approx(card.score, abs=1e-12)
    longer = dataclasses.replace(job, settings=settings(algorithm, steps=16 * 4 * 24, evaluations=8))
    assert train_team(longer, 1, store, resume=True).card.steps > 0
    assert store.card("guess", "latest").steps == 16 * 4 * 24
    with pytest.raises(ModelError, match="trained with another"):
        train_team(dataclasses.replace(job, settings=settings(algorithm, gamma=0.3)), 1, store, resume=True)


def test_who_speaks_in_turn_is_remembered_with_what_was_said():
    """The tactical agents hear each other: what the second saw last is the first one's direction."""
    stage = stage_named("tactical", n_steps=20)
    learner = learner_of(Rounds(stage, 8), settings("qmix", copies=8), 0)
    for _ in range(6):
        learner._play()
    told = stage.agents[1].told.index(f"said_{stage.names[0]}")
    place = stage.agents[1].window * len(stage.agents[1].columns) + told
    sample = learner.replay.sample(64, learner.generator)
    for row in (sample.now, sample.then):
        torch.testing.assert_close(row.seen[1][:, 0, place], row.action[0][:, 0] - 1.0)
    actors = Actors(learner.groups)
    assert np.isfinite(play_team(Rounds(stage, 4), actors, 5).returns).all()


def test_a_stage_takes_an_algorithm(tmp_path):
    stage, short = stage_named("risk", n_steps=10), {"evaluations": 1, "evaluation_copies": 8}
    for algorithm in ("dqn", "maddpg"):
        store = TeamStore(tmp_path / algorithm)
        train_stage(stage, "default", 640, store=store, changes=short, algorithm=algorithm)
        assert store.card("risk", "latest").algorithm == algorithm.upper()
    assert stage_job(stage, algorithm="dqn").settings.dueling
    assert stage_job(stage, algorithm="IPPO").settings.critic == "own"
    with pytest.raises(InvalidParameter, match="execution|slice|position_sizing"):
        train_stage(stage_named("execution"), "default", 640, store=store, algorithm="qmix")
    with pytest.raises(UnknownName, match='Did you mean "maddpg"'):
        stage_job(stage, algorithm="madpg")


def test_what_the_stages_settings_say_of_the_world_holds_for_every_algorithm():
    stage = stage_named("execution", "almgren_chriss")
    job = stage_job(stage, "almgren_chriss", algorithm="maddpg")
    assert (job.settings.gamma, job.settings.bootstrap) == (1.0, False)
    assert job.make(2).stage.strategy.control_variate
    assert job.settings.copies == OffPolicy("maddpg").copies
