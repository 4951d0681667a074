"""Starting from a rule: what the rule does is learned, also where agents choose seldom, and PPO goes on from there."""

import pytest
import torch

from fund.envs.rounds import Rounds
from fund.errors import InvalidParameter, UnknownName
from fund.grandmodel.risk.stage import RiskStage
from fund.grandmodel.risk.strategy import RiskManagement
from fund.training.multi_agent import stages
from fund.training.multi_agent.acting import Actors, play_team
from fund.training.multi_agent.comparison import best_rule, versus
from fund.training.multi_agent.imitation import imitate, miss, rarity
from fund.training.multi_agent.learner import Learner
from fund.training.multi_agent.networks import Categorical
from fund.training.multi_agent.settings import Settings
from fund.training.multi_agent.stages import stage_job, train_stage
from fund.training.multi_agent.store import TeamStore

PLAIN = {
    "copies": 64,
    "rollout": 16,
    "net_arch": (32,),
    "feature_norm": False,
    "layer_norm": False,
    "start": "best",
    "log_std_init": -3.0,
}
SHORT = {
    "copies": 128, "rollout": 50, "start": "crisis_response", "start_rollouts": 16, "start_values": 1, "steps": 12_800,
    "evaluations": 1, "evaluation_copies": 64, "feature_norm": False, "layer_norm": False, "net_arch": [32],
    "shared": False, "world": {},
}  # fmt: skip


def right(kind):
    """The right answers of the game Guess, as a rule."""

    def teacher(team):
        cue = team._asked()
        answers = cue.argmax(axis=2) if kind == "discrete" else 0.5 * cue[:, :, :1]
        return {agent: answers[:, k] for k, agent in enumerate(team.agents)}

    return teacher


@pytest.mark.parametrize(("kind", "least"), [("discrete", 7.2), ("continuous", -0.1)])
@pytest.mark.parametrize("shared", [True, False])
def test_a_rule_is_learned_before_anything_else(guess, kind, least, shared):
    learner = Learner(guess(64, kind=kind), Settings(**PLAIN, shared=shared, start_rollouts=40))
    before = play_team(guess(200, kind=kind), Actors(learner.groups), 10**6).per_agent.mean()
    imitate(learner, right(kind))
    after = play_team(guess(200, kind=kind), Actors(learner.groups), 10**6).per_agent.mean()
    assert after > least > before
    assert learner.steps == learner.updates == 0
    assert not learner.team.clock.any()  # training begins with new episodes


def test_the_critic_learns_first(guess):
    learner = Learner(guess(64), Settings(**PLAIN, start_values=2, epochs=2))
    told = [{key: t.clone() for key, t in learner.groups[0].actor.state_dict().items()}]
    critic = learner.groups[0].critic.head.weight.clone()
    for _ in range(3):
        learner.iterate()
        told.append({key: t.clone() for key, t in learner.groups[0].actor.state_dict().items()})
    assert all(torch.equal(told[0][key], told[2][key]) for key in told[0])
    assert any(not torch.equal(told[2][key], told[3][key]) for key in told[0])
    assert not torch.equal(critic, learner.groups[0].critic.head.weight)


def test_seldom_choices_weigh_more():
    weight = rarity(torch.tensor([2.0] * 96 + [0.0] * 4))
    assert float(weight.mean()) == pytest.approx(1.0)
    assert float(weight[-1] / weight[0]) == pytest.approx((96 / 4) ** 0.5)


def test_networks_with_a_memory_are_refused(guess):
    learner = Learner(guess(4), Settings(copies=4, rollout=10, chunk=10, recurrent=True, start="best"))
    with pytest.raises(InvalidParameter, match="recurrent"):
        imitate(learner, right("discrete"))


def test_the_best_rule_and_a_wrong_one():
    stage = RiskStage(RiskManagement(n_steps=200))
    assert best_rule(stage, 2048) == "crisis_response"
    with pytest.raises(UnknownName, match='Did you mean "crisis_response"'):
        train_stage(stage, changes={**SHORT, "start": "crisis_respons"})


def test_two_rules_teach_their_shares_of_the_copies(monkeypatch):
    """At the start the one that is still says 2 in every other copy, the one that wants all says 4 in the others."""
    heard = []
    monkeypatch.setattr(stages, "imitate", lambda learner, teacher: heard.append(teacher(learner)))
    rounds = Rounds(RiskStage(RiskManagement(n_steps=5)), 4)
    rounds.reset(0)
    stages.teach(rounds.stage, "limits_only+full", rounds)
    assert set(heard[0]) == set(rounds.agents)
    assert all(choices.tolist() == [2, 4, 2, 4] for choices in heard[0].values())
    with pytest.raises(UnknownName, match='Did you mean "full"'):
        stages.teach(rounds.stage, "limits_only+ful", rounds)


def test_more_choices_stay_alive_where_it_is_wanted():
    """By hand, p = (.7, .2, .1) and the rule's choice the first: -(1 - e) ln .7 - e mean ln p."""
    log_p = torch.log(torch.tensor([[[0.7, 0.2, 0.1]]]))
    first, mean = 0.35667494, (0.35667494 + 1.60943791 + 2.30258509) / 3
    for smooth, wanted in ((0.0, first), (0.3, 0.7 * first + 0.3 * mean)):
        found = miss(Categorical(log_p), torch.tensor([[0.0]]), smooth)
        assert float(found) == pytest.approx(wanted, rel=1e-6)


@pytest.mark.slow
def test_risk_agents_start_from_their_rule_and_are_not_worse(tmp_path):
    """Imitation alone beats doing nothing; a resumed training is not taught again."""
    stage, store = RiskStage(), TeamStore(tmp_path)
    done = train_stage(stage, store=store, changes=SHORT)
    assert [steps for steps, _ in done.history] == [0, 12_800]
    agents = store.load(Rounds(stage, 1), "risk", "best")
    assert versus(stage, agents, "limits_only", 2048).standard_errors > 3.0
    again = train_stage(stage, store=store, resume=True, changes={**SHORT, "steps": 19_200})
    assert [steps for steps, _ in again.history] == [0, 12_800, 19_200]


def test_a_job_without_a_start_is_taught_nothing():
    assert stage_job(RiskStage(), changes={**SHORT, "start": ""}).start is None
    assert stage_job(RiskStage(), changes=SHORT).start is not None
