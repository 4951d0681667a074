"""Levels come when they should, the world of the last one is the world itself, checkpoints know the level."""

from functools import partial

import numpy as np
import pytest
import torch

from fund.errors import InvalidParameter, UnknownName
from fund.grandmodel.stages import stage_named
from fund.training.multi_agent.acting import Actors, play_team
from fund.training.multi_agent.algorithms import learner_for
from fund.training.multi_agent.curriculum import Curriculum, Graded, lengthening
from fund.training.multi_agent.settings import Settings
from fund.training.multi_agent.stages import stage_job, train_stage
from fund.training.multi_agent.store import TeamStore
from tests.training.multi_agent.games import Walk

SMALL = Settings(copies=8, rollout=5, net_arch=(8,), epochs=1, steps=8 * 5 * 20)


class Paid(Walk):
    """Pays a number a step to everybody; episodes of ten steps."""

    def __init__(self, pay, n):
        super().__init__(n)
        self.pay = pay

    def step(self, actions):
        out = super().step(actions)
        return out._replace(reward=np.full_like(out.reward, self.pay))


def blind(team):
    return {a: np.ones(team.n, np.int64) for a in team.agents}


@pytest.mark.parametrize(
    ("returns", "steps", "passed"),
    [
        ([0.8] * 100, 0, True),
        ([0.8] * 99, 0, False),  # of 100 episodes nothing is known yet
        ([0.69] * 100, 0, False),
        ([0.0] * 50 + [0.8] * 100, 0, True),  # the last 100
        ([0.55, 1.05] * 50, 0, False),  # mean .8, deviation .25
        ([0.65, 0.95] * 50, 0, True),  # deviation .15
        ([], 5000, True),
        ([], 4999, False),
    ],
)
def test_the_guides_rule_of_the_next_level(returns, steps, passed):
    """D3: mean above .7 and standard deviation below .2 over 100 episodes; and ours: so many steps at most."""
    assert Curriculum(({},), most_steps=5000).passed(returns, steps) is passed


def test_levels_rise_with_what_is_earned():
    """Ten steps of .05 are .5, of .08 are .8: the first level is never passed, or passed with the tenth step."""
    rule = Curriculum(({}, {}), threshold=0.7, episodes=8)
    poor, rich = (
        Graded([partial(Paid, pay), partial(Paid, 0.0), partial(Paid, 0.0)], 8, rule) for pay in (0.05, 0.08)
    )
    for team in (poor, rich):
        team.reset(3)
        for _ in range(40):
            out = team.step(blind(team))
            if (out.terminated | out.truncated).any():
                team.renew(out.terminated | out.truncated)
    assert (poor.level, rich.level) == (0, 1)
    assert rich.numbers()["curriculum/level"] == 1.0


def test_episodes_under_way_end_with_the_level_as_by_the_clock():
    rule = Curriculum(({},), most_steps=8 * 4)
    team = Graded([Walk, partial(Paid, 5.0)], 8, rule)
    team.reset(3)
    outs = [team.step(blind(team)) for _ in range(4)]
    assert not any(out.truncated.any() for out in outs[:3])
    assert outs[3].truncated.all()
    seen = team.renew(outs[3].truncated)
    assert team.level == 1
    fresh = Paid(5.0, 8)
    np.testing.assert_array_equal(seen["one"], fresh.reset(3)["one"])
    later = [team.step(blind(team)) for _ in range(10)]
    assert (later[0].reward == 5.0).all()
    assert not any(out.truncated.any() for out in later[:9])  # behind the last level there is no other
    assert later[9].truncated.all()


def test_resumed_is_uninterrupted_across_levels():
    def make(n):
        return Graded([Walk, partial(Paid, 0.1), Walk], n, Curriculum(({}, {}), most_steps=8 * 12))

    first = learner_for(make, SMALL, 1)
    for _ in range(4):
        first.iterate()
    assert first.team.level == 1
    named, where = first.snapshot()
    kept = {key: t.clone() for key, t in named.items()}
    second = learner_for(make, SMALL, 9)
    second.resume(kept, where)
    assert [first.iterate() for _ in range(4)] == [second.iterate() for _ in range(4)]
    assert first.team.level == second.team.level == 2
    one, two = first.snapshot()[0], second.snapshot()[0]
    assert all(torch.equal(t, two[key]) for key, t in one.items())


def test_a_walk_is_learned_through_its_levels():
    """Near 1 from the start is best; who learns nothing stays a distance of about 1 away on average."""
    team = Graded([Walk, Walk], 32, Curriculum(({},), most_steps=32 * 50))
    settings = Settings(
        copies=32, rollout=10, steps=32 * 10 * 40, net_arch=(16,), actor_rate=5e-3, critic_rate=5e-3
    )
    learner = learner_for(lambda n: team, settings, 0)
    before = play_team(Walk(200), Actors(learner.groups), 10**9).per_agent.mean()
    while learner.progress < 1.0:
        learner.iterate()
    assert team.level == 1
    assert play_team(Walk(200), Actors(learner.groups), 10**9).per_agent.mean() > 0.6 * before


def test_a_stage_is_trained_from_easy_to_hard(tmp_path):
    stage, store = stage_named("risk", n_steps=12), TeamStore(tmp_path)
    levels = [{"n_steps": 4, "weather": False}, {"n_steps": 8}]
    changes = {
        "copies": 8, "rollout": 12, "evaluations": 2, "evaluation_copies": 8, "start": "", "net_arch": [8],
        "curriculum": {"levels": levels, "most_steps": 8 * 12},
    }  # fmt: skip
    job = stage_job(stage, changes=changes)
    team = job.make(2)
    assert [make(1).stage.strategy.n_steps for make in team.makes] == [4, 8, 12]
    assert [make(1).stage.strategy.weather for make in team.makes] == [False, True, True]
    done = train_stage(stage, steps=8 * 12 * 4, store=store, changes=changes)
    assert np.isfinite([score for _, score in done.history]).all()
    logged = sorted((store.folder("risk") / "logs").rglob("progress.csv"))[0].read_text()
    assert "curriculum/level" in logged


def test_a_curriculum_for_any_stage_ends_in_the_stage_itself():
    stage = stage_named("execution", n_steps=40)
    rule = lengthening(stage, 1000)
    assert [level["n_steps"] for level in rule.levels] == [10, 20, 30]
    assert [level["weather"] for level in rule.levels] == [False, False, True]
    assert len(rule.levels) * rule.most_steps < 1000


def test_what_is_wrong_is_said():
    with pytest.raises(InvalidParameter, match="no levels"):
        Curriculum.of({"threshold": 0.5})
    with pytest.raises(UnknownName, match='Did you mean "threshold"'):
        Curriculum.of({"levels": [{}], "treshold": 0.5})
    with pytest.raises(UnknownName, match='Did you mean "n_steps"'):
        stage_job(stage_named("risk"), changes={"curriculum": {"levels": [{"n_step": 5}]}}).make(2)
    with pytest.raises(InvalidParameter, match="level 1 agents see or do something else"):
        Graded([Walk, lambda n: _wider(n)], 4, Curriculum(({},)))


def _wider(n):
    team = Walk(n)
    team.observed = dict.fromkeys(team.agents, 7)
    return team
