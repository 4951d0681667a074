"""Any PettingZoo parallel environments as a team, by their methods alone."""

import gymnasium as gym
import numpy as np
import pytest
from mpe2 import simple_speaker_listener_v4, simple_spread_v3

from fund.envs.parallel import ParallelTeam
from fund.errors import InvalidAction, InvalidParameter, ResetNeeded
from fund.strategy import Box, Choice
from fund.training.multi_agent.acting import Actors, RandomActors, play_team
from fund.training.multi_agent.learner import Learner
from fund.training.multi_agent.settings import Settings


class Duel:
    """Two agents; `b` dies after two steps, the clock ends after five. Notes what it was given."""

    possible_agents = ("a", "b")

    def __init__(self, end="truncated"):
        self.end, self.given, self.seeds = end, [], []

    def observation_space(self, agent):
        return gym.spaces.Box(-1.0, 1.0, (2, 2), np.float32) if agent == "a" else gym.spaces.Discrete(3)

    def action_space(self, agent):
        low, high = np.array([0.0, -2.0], np.float32), np.array([1.0, 6.0], np.float32)
        return gym.spaces.Box(low, high) if agent == "a" else gym.spaces.Discrete(4, start=10)

    def _seen(self):
        return {"a": np.full((2, 2), self.t / 10, np.float32), "b": self.t % 3}

    def reset(self, seed=None, options=None):
        self.seeds.append(seed)
        self.t, self.agents = 0, ["a", "b"]
        return self._seen(), {"a": {}, "b": {}}

    def step(self, actions):
        assert set(actions) == set(self.agents)
        self.given.append(actions)
        self.t += 1
        live, over = list(self.agents), self.t == 5
        dead = {a: a == "b" and self.t == 2 for a in live}
        ended = dict.fromkeys(live, over and self.end == "terminated")
        terminations = {a: dead[a] or ended[a] for a in live}
        truncations = dict.fromkeys(live, over and self.end == "truncated")
        self.agents = [a for a in live if not (terminations[a] or truncations[a])]
        seen = {a: o for a, o in self._seen().items() if a in live}
        return seen, dict.fromkeys(live, 1.0 + self.t), terminations, truncations, {a: {} for a in live}


def test_spaces_become_numbers_and_back():
    team = ParallelTeam([Duel()])
    assert team.observed == {"a": 4, "b": 3}
    assert team.actions == {"a": Box(2), "b": Choice(4)}
    assert team.state_size == 7
    seen = team.reset(3)
    np.testing.assert_array_equal(seen["b"], [[1.0, 0.0, 0.0]])
    np.testing.assert_array_equal(team.state(), [[0, 0, 0, 0, 1, 0, 0]])
    team.step({"a": np.array([[0.5, -5.0]]), "b": np.array([2])})
    given = team.environments[0].given[0]
    np.testing.assert_allclose(given["a"], [0.75, -2.0])
    assert given["a"].dtype == np.float32
    assert given["b"] == 12


@pytest.mark.parametrize("end", ["truncated", "terminated"])
def test_the_dead_are_silent_and_the_end_is_what_it_was(end):
    team = ParallelTeam([Duel(end), Duel(end)])
    team.reset(3)
    actions = {"a": np.zeros((2, 2)), "b": np.zeros(2, int)}
    for t in range(1, 6):
        out = team.step(actions)
        np.testing.assert_array_equal(out.reward, [[1 + t, (1 + t) * (t <= 2)]] * 2)
        np.testing.assert_array_equal(team.alive(), [[t < 5, t < 2]] * 2)
        if 2 <= t < 5:
            assert not out.observation["b"].any()
    assert (out.truncated if end == "truncated" else out.terminated).all()
    assert not (out.terminated if end == "truncated" else out.truncated).any()
    np.testing.assert_allclose(out.observation["a"], 0.5)  # the last look, for what the end was worth
    seen = team.renew(np.array([True, False]))
    np.testing.assert_array_equal(seen["a"][:, 0], [0.0, 0.5])
    assert team.alive().tolist() == [[True, True], [False, False]]


def test_seeds_of_episodes_follow_from_the_first():
    team, again = ParallelTeam([Duel(), Duel()]), ParallelTeam([Duel(), Duel()])
    for t in (team, again):
        t.reset(7)
        t.reset()
        t.reset()
    seeds = [e.seeds for e in team.environments]
    assert [s[0] for s in seeds] == [7, 8]
    assert len({x for s in seeds for x in s}) == 6
    assert seeds == [e.seeds for e in again.environments]


def test_what_cannot_be_used_is_named():
    team = ParallelTeam([Duel()])
    with pytest.raises(ResetNeeded):
        team.step({})
    team.reset(0)
    with pytest.raises(InvalidAction, match=r"b: actions of shape nothing, wanted \(1,\)"):
        team.step({"a": np.zeros((1, 2))})
    with pytest.raises(InvalidAction, match=r"a: actions of shape \(1, 3\), wanted \(1, 2\)"):
        team.step({"a": np.zeros((1, 3)), "b": np.zeros(1)})
    with pytest.raises(InvalidAction, match="a: an action is not finite"):
        team.step({"a": np.full((1, 2), np.nan), "b": np.zeros(1)})
    with pytest.raises(InvalidParameter, match="at least 1"):
        ParallelTeam([])

    class Strange(Duel):
        def action_space(self, agent):
            return gym.spaces.MultiBinary(3)

    with pytest.raises(InvalidParameter, match="a: acts in MultiBinary"):
        ParallelTeam([Strange()])


def test_agents_that_differ_and_die_can_be_trained():
    learner = Learner(ParallelTeam.of(Duel, 4), Settings(copies=4, rollout=10, epochs=2, net_arch=(8,)))
    for _ in range(3):
        numbers = learner.iterate()
    assert [group.name for group in learner.groups] == ["a", "b"]
    assert all(np.isfinite(x) for x in numbers.values())


@pytest.mark.parametrize("continuous", [False, True])
@pytest.mark.parametrize("world", [simple_spread_v3, simple_speaker_listener_v4])
def test_worlds_of_mpe2_can_be_trained_on(world, continuous):
    team = ParallelTeam.of(lambda: world.parallel_env(max_cycles=10, continuous_actions=continuous), 3)
    learner = Learner(team, Settings(copies=3, rollout=10, epochs=1, net_arch=(8,)))
    assert all(np.isfinite(x) for x in learner.iterate().values())
    for policy in (Actors(learner.groups), RandomActors(team)):
        assert play_team(team, policy, 0).length.tolist() == [10] * 3
