"""All fifteen agents in one environment: PettingZoo's checks, both forms alike, each stage what it is alone."""

import warnings

import numpy as np
import pettingzoo
import pytest

with warnings.catch_warnings():  # its own tests import its own deprecated worlds
    warnings.simplefilter("ignore")
    from pettingzoo.test import api_test, parallel_api_test, parallel_seed_test, render_test, seed_test

from fund.envs import unified
from fund.errors import InvalidAction, ResetNeeded, UnknownName

SHORT = {
    "strategic_marl": {"environment": {"max_episode_steps": 9}},
    "tactical_marl": {"environment": {"max_episode_steps": 6}},
    "risk_management": {"environment": {"max_episode_steps": 12}},
    "execution": {"environment": {"max_episode_steps": 10}},
}


@pytest.mark.filterwarnings(
    "ignore::UserWarning"
)  # D0's names, matrices that look like pictures, spaces that differ
class TestPettingZoo:
    """Its own checks, also where stages end one after the other."""

    def test_api(self):
        api_test(unified.raw_env(SHORT), num_cycles=60)

    def test_parallel_api(self):
        parallel_api_test(unified.parallel_env(SHORT), num_cycles=60)

    def test_seeds(self):
        seed_test(lambda: unified.env(SHORT), num_cycles=20)
        parallel_seed_test(lambda: unified.parallel_env(SHORT))

    def test_render(self):
        render_test(lambda **given: unified.env(SHORT, **given))


def sampled(environment):
    for k, agent in enumerate(environment.possible_agents):
        environment.action_space(agent).seed(k)
    return lambda: {agent: environment.action_space(agent).sample() for agent in environment.agents}


def test_fifteen_agents():
    environment = unified.create_unified_environment(max_cycles=5)
    environment.reset(seed=0)
    assert len(environment.agents) == len(set(environment.agents)) == 15
    assert environment.agents[0] == "strategic.mlmi_expert"
    assert environment.agents[-1] == "execution.routing"
    assert environment.state().shape == environment.state_space.shape


def test_both_forms_agree_to_the_last_agent():
    turn, together = unified.raw_env(SHORT), unified.parallel_env(SHORT)
    turn.reset(seed=3)
    together.reset(seed=3)
    draw, paid = sampled(together), dict.fromkeys(turn.possible_agents, 0.0)
    left = []
    while together.agents:
        actions = draw()
        for agent in list(together.agents):
            assert turn.agent_selection == agent
            turn.step(actions[agent])
            for name, reward in turn.rewards.items():
                paid[name] += reward
            while turn.agents and (
                turn.terminations[turn.agent_selection] or turn.truncations[turn.agent_selection]
            ):
                turn.step(None)
        _, rewards, *_ = together.step(actions)
        for agent, reward in rewards.items():
            paid[agent] -= reward
            assert paid[agent] == 0.0
        assert turn.agents == together.agents
        np.testing.assert_array_equal(turn.state(), together.state())
        left.append(len(together.agents))
    assert left[5:12] == [12, 12, 12, 9, 4, 4, 0]  # tactical, strategic, execution, risk are over


def test_a_stage_is_what_it_is_alone():
    together, alone = (
        unified.parallel_env(SHORT),
        unified.strategic.parallel_env({"strategic_marl": SHORT["strategic_marl"]}),
    )
    together.reset(seed=4)
    alone.reset(seed=4)
    draw = sampled(together)
    while alone.agents:
        actions = draw()
        whole = together.step(actions)
        part = alone.step({a: actions[f"strategic.{a}"] for a in alone.agents})
        for agent, reward in part[1].items():
            assert whole[1][f"strategic.{agent}"] == reward
            np.testing.assert_array_equal(whole[0][f"strategic.{agent}"], part[0][agent])


def test_wrong_use_is_named():
    environment = unified.parallel_env(SHORT)
    with pytest.raises(ResetNeeded):
        environment.step({})
    with pytest.raises(ResetNeeded):
        unified.raw_env(SHORT).step(0)
    environment.reset(seed=0)
    with pytest.raises(InvalidAction, match="no action of"):
        environment.step({})
    with pytest.raises(UnknownName, match="execution.routing"):
        environment.step({"execution.routng": 0})
    with pytest.raises(UnknownName, match='Did you mean "tactical_marl"'):
        unified.raw_env({"tacticl_marl": {}})


def test_registry():
    assert len(pettingzoo.make("parallel", "fund/unified-v0", max_cycles=3).possible_agents) == 15
