"""The way over from Gym: old environments of every kind, under PettingZoo's own checks."""

import warnings

import gymnasium as gym
import numpy as np
import pytest

with warnings.catch_warnings():  # its own tests import its own deprecated worlds
    warnings.simplefilter("ignore")
    from pettingzoo.test import api_test, parallel_api_test, parallel_seed_test

import fund
from fund.envs.gym_to_pettingzoo import aec_from_gym, parallel_from_gym, space_of
from fund.errors import InvalidAction, InvalidParameter, ResetNeeded, UnknownName


class OldBox:
    """A space as the old package has it: no Gymnasium class."""

    def __init__(self, low, high, shape):
        self.low, self.high = np.full(shape, low, np.float32), np.full(shape, high, np.float32)
        self.shape, self.dtype = shape, np.dtype(np.float32)


class OldDiscrete:
    def __init__(self, n):
        self.n = n


class OldDict:
    def __init__(self, spaces):
        self.spaces = spaces


class OldSingle:
    """Gym before 0.26: one agent; walks right or left, done at +-3."""

    observation_space, action_space = OldBox(-9.0, 9.0, (2,)), OldDiscrete(2)

    def seed(self, seed):
        self.generator = np.random.default_rng(seed)

    def reset(self):
        self.place = int(self.generator.integers(-1, 2)) if hasattr(self, "generator") else 0
        self.clock = 0
        return self._seen()

    def step(self, action):
        self.place += 2 * int(action) - 1
        self.clock += 1
        late = self.clock >= 12
        done = abs(self.place) >= 3 or late
        return self._seen(), float(self.place), done, {"clock": self.clock, "TimeLimit.truncated": late}

    def _seen(self):
        return np.array([self.place, self.clock / 12], np.float32)

    def render(self):
        return "here"

    def close(self):
        self.closed = True


class OldTrading:
    """The kind of MultiAgentTradingEnv that D1 comes from: simultaneous actions, dictionaries, one `done` for all."""

    def __init__(self, agents=("strategic", "tactical", "risk"), ends="word"):
        self.agents, self.ends = list(agents), ends
        self.observation_space = OldDict({a: OldBox(-5.0, 5.0, (3,)) for a in agents})
        self.action_space = OldDict({a: OldDiscrete(3) for a in agents})

    def seed(self, seed):
        self.noise = np.random.default_rng(seed).normal(size=30).clip(-2, 2)

    def reset(self):
        if not hasattr(self, "noise"):
            self.seed(0)
        self.t = 0
        return self._seen()

    def step(self, actions):
        assert set(actions) == set(self.agents)
        self.t += 1
        rewards = {a: (k - 1) * self.noise[self.t] for a, k in actions.items()}
        over = self.t >= 8
        done = {"word": over, "all": {"__all__": over}, "each": dict.fromkeys(self.agents, over)}[self.ends]
        return self._seen(), rewards, done, {"day": self.t, **{a: {"own": a} for a in self.agents}}

    def _seen(self):
        return {a: np.full(3, self.noise[self.t], np.float32) for a in self.agents}

    def close(self):
        pass


@pytest.mark.filterwarnings("ignore:Observation space for each agent probably")
@pytest.mark.filterwarnings("ignore:We recommend agents to be named")
@pytest.mark.parametrize(
    "make",
    [
        OldSingle,
        OldTrading,
        lambda: OldTrading(ends="all"),
        lambda: OldTrading(ends="each"),
        lambda: gym.make("CartPole-v1").unwrapped,
    ],
    ids=["single", "trading", "all", "each", "gymnasium"],
)
def test_pettingzoos_own_checks(make):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # advice on spaces, which are the old environment's
        parallel_api_test(parallel_from_gym(make()), num_cycles=60)
        api_test(aec_from_gym(make()), num_cycles=60)
        parallel_seed_test(lambda: parallel_from_gym(make()))


def test_an_episode_is_the_old_one():
    old, env = OldTrading(), parallel_from_gym(OldTrading())
    old.seed(4)
    first = old.reset()
    seen, infos = env.reset(seed=4)
    assert env.possible_agents == ["strategic", "tactical", "risk"]
    np.testing.assert_array_equal(seen["risk"], first["risk"])
    assert infos == {a: {} for a in env.agents}
    for t in range(8):
        actions = {a: (t + k) % 3 for k, a in enumerate(env.agents)}
        wanted = old.step(actions)
        seen, rewards, ended, cut, infos = env.step(actions)
        assert rewards == wanted[1]
        assert infos["risk"] == {"day": t + 1, "own": "risk"}
        assert ended == dict.fromkeys(actions, t == 7)
        assert not any(cut.values())
    assert env.agents == []
    assert env.step({}) == ({}, {}, {}, {}, {})


def test_a_clock_that_ended_it_truncates():
    env = parallel_from_gym(OldSingle())
    env.reset(seed=0)
    for t in range(12):
        _, _, ended, cut, _ = env.step({"agent": t % 2})
    assert (ended["agent"], cut["agent"]) == (False, True)
    env.reset(seed=0)
    while env.agents:
        _, _, ended, cut, _ = env.step({"agent": 1})
    assert (ended["agent"], cut["agent"]) == (True, False)


def test_a_clock_of_ones_own():
    env = parallel_from_gym(OldTrading(), max_cycles=3)
    env.reset()
    for t in range(3):
        _, _, ended, cut, _ = env.step(dict.fromkeys(env.agents, 0))
        assert (any(ended.values()), all(cut.values())) == (False, t == 2)


def test_a_desk_of_this_house_as_one_agent():
    env, alone = (
        parallel_from_gym(fund.make("market_making", n_steps=6)),
        fund.make("market_making", n_steps=6),
    )
    seen, _ = env.reset(seed=3)
    first, _ = alone.reset(seed=3)
    np.testing.assert_array_equal(seen["agent"], first)
    action = np.array([0.2, -0.4], np.float32)
    while env.agents:
        seen, rewards, ended, cut, infos = env.step({"agent": action})
        wanted = alone.step(action)
        np.testing.assert_array_equal(seen["agent"], wanted[0])
        assert (rewards["agent"], ended["agent"], cut["agent"]) == wanted[1:4]
        assert infos["agent"]["reward_parts"] == wanted[4]["reward_parts"]
    assert cut["agent"]


def test_spaces_of_another_library():
    class MultiBinary(OldDiscrete):
        pass

    class OldMultiDiscrete:
        nvec = (2, 3)

    class OldTuple:
        spaces = (OldDiscrete(2), OldBox(0.0, 1.0, (1,)))

    assert space_of(OldDiscrete(4)) == gym.spaces.Discrete(4)
    assert space_of(OldBox(-1.0, 1.0, (2,))) == gym.spaces.Box(-1.0, 1.0, (2,), np.float32)
    assert space_of(OldMultiDiscrete()) == gym.spaces.MultiDiscrete([2, 3])
    assert space_of(MultiBinary(3)) == gym.spaces.MultiBinary(3)
    assert space_of(OldTuple()) == gym.spaces.Tuple(
        [gym.spaces.Discrete(2), gym.spaces.Box(0.0, 1.0, (1,), np.float32)]
    )
    assert space_of(OldDict({"a": OldDiscrete(2)})) == gym.spaces.Dict({"a": gym.spaces.Discrete(2)})
    with pytest.raises(InvalidParameter, match="a space of type str"):
        space_of("box")


def test_wrong_use_is_named():
    env = parallel_from_gym(OldTrading())
    with pytest.raises(ResetNeeded, match="call reset"):
        env.step({})
    env.reset()
    with pytest.raises(InvalidAction, match="no action of tactical"):
        env.step({"strategic": 0})
    with pytest.raises(UnknownName, match='Did you mean "tactical"'):
        env.step({"tactica": 0})
    with pytest.raises(InvalidParameter, match="no part for nobody"):
        parallel_from_gym(OldTrading(), agents=["strategic", "nobody"])

    class Odd(OldSingle):
        def step(self, action):
            return self._seen(), 0.0, False

    odd = parallel_from_gym(Odd())
    odd.reset()
    with pytest.raises(InvalidParameter, match="step gave 3 values, wanted 4"):
        odd.step({"agent": 0})


def test_it_closes_and_renders_as_the_old_one_does():
    old = OldSingle()
    env = parallel_from_gym(old)
    env.reset()
    assert env.render() == "here"
    env.close()
    assert old.closed
