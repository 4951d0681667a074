"""The stages side by side are each what it is alone, under one weather."""

import numpy as np
import pytest

from fund.envs.rounds import Rounds
from fund.envs.team import in_turn, seen_by, tell
from fund.envs.together import Together
from fund.envs.unified import UnifiedMarketEnv
from fund.errors import UnknownName
from fund.grandmodel.stages import STAGES, stage_named
from fund.strategy import Choice

LENGTHS = {"strategic": 3, "tactical": 5, "risk": 4, "execution": 4}
N = 6


@pytest.fixture(scope="module")
def stages():
    return {name: stage_named(name, n_steps=steps) for name, steps in LENGTHS.items()}


def drawn(team, generator):
    """Random actions of all agents."""
    out = {}
    for name in team.agents:
        space = team.actions[name]
        if isinstance(space, Choice):
            out[name] = generator.integers(space.count, size=team.n)
        else:
            out[name] = generator.uniform(space.low, space.high, (team.n, space.size))
    return out


def test_each_stage_plays_as_it_does_alone(stages):
    """Observations with what was said, rewards, states: bit for bit, over the ends of episodes."""
    team, alone = Together(stages, N), {name: Rounds(stage, N) for name, stage in stages.items()}
    generator = np.random.default_rng(0)
    team.reset(7)
    for rounds in alone.values():
        rounds.reset(7)
    for _ in range(12):
        actions = drawn(team, generator)
        for name in team.agents:
            stage, agent = name.split(".")
            np.testing.assert_array_equal(seen_by(team, name, {}), alone[stage].view(agent))
            tell(team, name, actions[name])
            alone[stage].announce(agent, actions[name])
        np.testing.assert_array_equal(
            team.state(), np.concatenate([a.state() for a in alone.values()], axis=1)
        )
        out = team.step(actions)
        theirs = [rounds.step() for rounds in alone.values()]
        np.testing.assert_array_equal(out.reward, np.concatenate([o.reward for o in theirs], axis=1))
        ended = out.terminated | out.truncated
        over = np.all([o.terminated | o.truncated for o in theirs], axis=0)
        np.testing.assert_array_equal(ended, over)
        if ended.any():
            team.renew(ended)
            for rounds in alone.values():
                rounds.renew(ended)


def test_a_stage_whose_episode_is_over_leaves_and_the_others_go_on(stages):
    team, generator = Together(stages, N), np.random.default_rng(1)
    team.reset(0)
    alive = []
    for k in range(5):
        alive.append(team.alive()[0])
        out = team.step(drawn(team, generator))
        assert not out.reward[:, ~alive[-1]].any()
        assert out.truncated.all() == (k == 4)
    for name, there in zip(team.agents, np.sum(alive, axis=0), strict=True):
        assert there == LENGTHS[name.split(".")[0]]


def test_agents_are_those_of_the_unified_environment(stages):
    team = Together(stages, 1)
    assert list(team.agents) == UnifiedMarketEnv().possible_agents
    assert len(team.agents) == 3 + 3 + 4 + 5
    assert list(stages) == list(STAGES)
    assert in_turn(team)
    assert not in_turn(Rounds(stages["risk"], 1))
    with pytest.raises(UnknownName, match='Did you mean "risk.stop_target"'):
        team.view("risk.stop_targt")


def test_goes_on_from_its_state(stages):
    one, two = Together(stages, N), Together(stages, N)
    one.reset(3)
    actions = [drawn(one, np.random.default_rng(k)) for k in range(4)]
    for k in range(2):
        one.step(actions[k])
    two.set_state(one.get_state())
    for k in (2, 3):
        np.testing.assert_array_equal(one.step(actions[k]).reward, two.step(actions[k]).reward)
        np.testing.assert_array_equal(one.state(), two.state())
