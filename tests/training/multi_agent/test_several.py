"""Agents of one team that learn at rates, by rules and by algorithms of their own, and in an order."""

import dataclasses

import numpy as np
import pytest
import torch

from fund.envs.rounds import Rounds
from fund.errors import InvalidParameter, ModelError, UnknownName
from fund.grandmodel.stages import stage_named
from fund.training.multi_agent.acting import Actors, play_team
from fund.training.multi_agent.algorithms import learner_for
from fund.training.multi_agent.off_policy import OffPolicy
from fund.training.multi_agent.session import Job, train_team
from fund.training.multi_agent.settings import Settings
from fund.training.multi_agent.several import Beside, Several, parts_of
from fund.training.multi_agent.shards import Plan
from fund.training.multi_agent.stages import train_stage
from fund.training.multi_agent.store import TeamStore

SMALL = Settings(
    copies=16, rollout=8, net_arch=(16,), epochs=2, minibatches=2, steps=16 * 8 * 40, gamma=0.5, actor_rate=3e-3,
    critic_rate=3e-3, evaluations=2, evaluation_copies=32,
)  # fmt: skip
DQN = {"algorithm": "dqn", "copies": 16, "warmup": 100, "capacity": 2048, "net_arch": [16], "rate": 3e-3}


def of_agents(**agents):
    return dataclasses.replace(SMALL, agents=agents)


def weights(group):
    return [t.clone() for net in (group.actor, group.critic) for t in net.state_dict().values()]


def same(one, two):
    return all(torch.equal(a, b) for a, b in zip(one, two, strict=True))


def everything(learner):
    return {key: t.clone() for key, t in learner.snapshot()[0].items()}


# ---------------------------------------------------------------- settings of one's own


def test_a_rate_of_zero_leaves_an_agent_as_it_was_bit_for_bit(guess):
    learner = learner_for(guess, of_agents(agent_1={"actor_rate": 0.0, "critic_rate": 0.0}), 3)
    before = [weights(group) for group in learner.groups]
    assert [group.agents for group in learner.groups] == [("agent_0",), ("agent_1",)]  # no shared network
    for _ in range(3):
        learner.iterate()
    after = [weights(group) for group in learner.groups]
    assert not same(before[0], after[0])
    assert same(before[1], after[1])


def test_who_has_the_same_settings_of_its_own_shares(guess):
    own = {"clip": 0.1}
    learner = learner_for(lambda n: guess(n, agents=3), of_agents(agent_0=own, agent_2=own), 0)
    assert [group.agents for group in learner.groups] == [("agent_0", "agent_2"), ("agent_1",)]
    assert [group.settings.clip for group in learner.groups] == [0.1, 0.2]


def test_one_agent_judges_by_the_state_and_one_by_what_it_sees(guess):
    one, two = learner_for(guess, of_agents(agent_1={"algorithm": "ippo"}), 0).groups
    assert (one.judges, two.judges) == (8 + 4, 4)


def test_own_settings_are_read_as_the_teams_are():
    plain = Settings.of({"agents": {"one": {"actor_rate": [1e-3, 0.0], "net_arch": [8]}}})
    assert plain.own("one").actor_rate == (1e-3, 0.0)
    assert plain.own("two") == Settings()
    assert plain == Settings(agents={"one": {"actor_rate": (1e-3, 0.0), "net_arch": (8,)}})
    with pytest.raises(UnknownName, match='Did you mean "actor_rate"'):
        Settings(agents={"one": {"actor_rat": 0.1}})
    with pytest.raises(InvalidParameter, match="one: gamma is the same for all agents"):
        Settings(agents={"one": {"gamma": 0.1}})
    with pytest.raises(InvalidParameter, match="one: start is the same for all agents"):
        Settings(agents={"one": {"start": "best"}})
    with pytest.raises(InvalidParameter, match="clip is -1"):
        Settings(agents={"one": {"clip": -1.0}})


def test_names_of_agents_and_algorithms_are_known(guess):
    with pytest.raises(UnknownName, match='Did you mean "agent_1"'):
        learner_for(guess, of_agents(agent_x={"clip": 0.1}), 0)
    with pytest.raises(UnknownName, match='Did you mean "dqn"'):
        learner_for(guess, of_agents(agent_1={"algorithm": "dqm"}), 0)
    with pytest.raises(InvalidParameter, match="agent_1: gamma is the same for all agents"):
        learner_for(guess, of_agents(agent_1={"algorithm": "dqn", "gamma": 0.3}), 0)
    with pytest.raises(InvalidParameter, match="several algorithms are not played in parts"):
        Plan.of(guess, of_agents(agent_1=DQN), 0)


# ---------------------------------------------------------------- several algorithms


def test_parts_are_the_agents_of_one_algorithm():
    own = {"algorithm": "qmix"}
    agents = dataclasses.replace(
        SMALL, agents={"a": own, "c": own, "d": {"algorithm": "maddpg"}}, team_reward=True
    )
    parts = parts_of(("a", "b", "c", "d"), agents)
    assert [(names, settings.algorithm) for names, settings in parts] == [
        (("b",), "MAPPO"), (("a", "c"), "qmix"), (("d",), "maddpg"),
    ]  # fmt: skip
    for _, settings in parts[1:]:
        assert (settings.steps, settings.gamma, settings.team_reward) == (SMALL.steps, 0.5, True)


def test_ppo_and_dqn_learn_together(guess):
    """A random answer earns 1/4 a step, the right one 1; episodes have 8 steps. Each agent is judged on its own."""
    learner = learner_for(guess, dataclasses.replace(of_agents(agent_1=DQN), steps=16 * 8 * 150), 1)
    assert isinstance(learner, Several)
    while learner.progress < 1.0:
        learner.iterate()
    found = play_team(guess(200), Actors(learner.groups), 10**9).returns.mean(axis=0)
    assert (found > 5.0).all()


def test_the_rest_act_as_they_have_learned():
    """Beside: the others' actions are asked for in their turn, from what they see then."""
    stage, asked = stage_named("tactical", n_steps=6), []

    class Rest:
        def act(self, agent, seen):
            asked.append(agent)
            return np.ones(len(seen), np.int64)

    team = Beside(Rounds(stage, 3), ["momentum_agent"])
    team.others = Rest()
    team.reset(4)
    seen = team.view("momentum_agent").copy()
    assert asked == ["fvg_agent"]  # who speaks before; who speaks after hears this one first
    team.announce("momentum_agent", np.zeros(3, np.int64))
    out = team.step({"momentum_agent": np.zeros(3, np.int64)})
    assert asked == ["fvg_agent", "entry_opt_agent"]
    whole = Rounds(stage, 3)
    whole.reset(4)
    told = {name: np.full(3, name != "momentum_agent", np.int64) for name in stage.names}
    whole.announce("fvg_agent", told["fvg_agent"])
    np.testing.assert_array_equal(seen, whole.view("momentum_agent"))
    np.testing.assert_array_equal(out.reward, whole.step(told).reward[:, team.columns])


def test_a_teams_reward_is_that_of_all(guess):
    whole = guess(5, agents=3)
    part = Beside(guess(5, agents=3), ["agent_2"], team_reward=True)
    part.others = Actors([])
    actions = {a: np.full(5, k) for k, a in enumerate(whole.agents)}
    part.others.act = lambda agent, seen: actions[agent]
    whole.reset(0)
    part.reset(0)
    out = part.step({"agent_2": actions["agent_2"]})
    np.testing.assert_allclose(out.reward[:, 0], whole.step(actions).reward.mean(axis=1))


@pytest.mark.parametrize("world", ["guess", "stateless"])
def test_resumed_is_uninterrupted_bit_for_bit(request, world):
    make = request.getfixturevalue(world)
    settings = of_agents(agent_1=DQN)
    first = learner_for(make, settings, 1)
    for _ in range(3):
        first.iterate()
    named, where = first.snapshot()
    kept = {key: t.clone() for key, t in named.items()}
    second = learner_for(make, settings, 99)
    second.resume(kept, where)
    assert [first.iterate() for _ in range(2)] == [second.iterate() for _ in range(2)]
    one, two = everything(first), everything(second)
    assert one.keys() == two.keys()
    assert all(torch.equal(t, two[key]) for key, t in one.items())


def test_it_is_selected_stored_and_loaded_as_others_are(guess, tmp_path):
    store, job = TeamStore(tmp_path), Job("guess", guess, of_agents(agent_1=DQN))
    done = train_team(job, 1, store)
    assert [steps for steps, _ in done.history] == [SMALL.steps // 2, SMALL.steps]
    again = play_team(guess(32), store.load(guess(1), "guess"), 10**9).per_agent.mean()
    assert again == pytest.approx(store.card("guess", "best").score, abs=1e-12)
    longer = dataclasses.replace(
        job, settings=dataclasses.replace(job.settings, steps=2 * SMALL.steps, evaluations=4)
    )
    assert train_team(longer, 1, store, resume=True).history[-1][0] == 2 * SMALL.steps
    other = dataclasses.replace(longer, settings=of_agents(agent_1={**DQN, "tau": 0.5}))
    with pytest.raises(ModelError, match="trained with another"):
        train_team(other, 1, store, resume=True)


def test_a_memory_is_for_one_algorithm(guess):
    with pytest.raises(InvalidParameter, match="agents with a memory learn by one algorithm"):
        learner_for(guess, dataclasses.replace(of_agents(agent_1=DQN), recurrent=True, chunk=4), 0)


def test_four_algorithms_train_on_one_stage(tmp_path):
    """From the rule that the stage's settings name: PPO's agents are taught, those of a replay are not."""
    stage, quick = (
        stage_named("risk", n_steps=10),
        {"copies": 8, "warmup": 40, "capacity": 512, "net_arch": [8]},
    )
    kinds = dict(zip(stage.names, ("mappo", "ippo", "dqn", "maddpg"), strict=True))
    agents = {
        name: {"algorithm": kind, **(quick if kind in ("dqn", "maddpg") else {})}
        for name, kind in kinds.items()
    }
    changes = {
        "agents": agents, "order": "sequential", "copies": 16, "rollout": 10, "start_rollouts": 2, "evaluations": 1,
        "evaluation_copies": 8,
    }  # fmt: skip
    store = TeamStore(tmp_path)
    done = train_stage(stage, steps=640, store=store, changes=changes)
    assert np.isfinite([score for _, score in done.history]).all()
    actors = store.load(Rounds(stage, 1), "risk", "latest")
    assert sorted(actors.agents) == sorted(stage.names)
    assert OffPolicy("dqn").dueling is False
    assert parts_of(stage.names, Settings(agents=agents))[1][1].dueling
