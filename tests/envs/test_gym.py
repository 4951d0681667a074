"""The Gymnasium face."""

import pickle
import warnings

import cloudpickle
import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from stable_baselines3.common.env_checker import check_env as sb3_check_env
from trend_following import TrendFollowing

import fund
from fund.envs.gym import FundEnv
from fund.errors import InvalidAction, InvalidParameter, ResetNeeded, UnknownName
from fund.roster import rosters

NAMES = tuple(rosters())
# the specification bounds these by more than one, and both checkers recommend [-1, 1]
WIDER_ACTIONS = ("delta_hedging",)


@pytest.mark.parametrize("name", NAMES)
def test_both_checkers_pass_without_a_warning(name):
    env = gym.make(rosters()[name].gym_id)
    with warnings.catch_warnings():
        if name in WIDER_ACTIONS:
            warnings.filterwarnings("ignore", message=".*symmetric and normalized.*")
        check_env(env.unwrapped, skip_render_check=True)
        sb3_check_env(env.unwrapped)
    env.close()
    env.close()


@pytest.mark.parametrize("name", NAMES)
def test_the_registered_horizon_is_the_default_horizon(name):
    spec = rosters()[name]
    assert spec.horizon == spec.cls().n_steps
    assert gym.spec(spec.gym_id).max_episode_steps == spec.horizon
    assert gym.spec(spec.gym_id).to_json()


@pytest.mark.parametrize("name", NAMES)
def test_an_episode_is_truncated_at_its_horizon_and_not_before(name):
    env = fund.make(name)
    env.reset(seed=1)
    action = env.action_space.sample() * 0
    for step in range(env.unwrapped.strategy.n_steps):
        _, _, terminated, truncated, info = env.step(action)
        assert truncated == (step == env.unwrapped.strategy.n_steps - 1) or terminated
        assert set(info) == {"nav", "pnl", "reward_parts", "units"}
    with pytest.raises(ResetNeeded):
        env.step(action)


def test_ids_work_with_and_without_the_packages_name():
    assert gym.make("fund/MarketMaking-v0").unwrapped.strategy.name == "market_making"
    assert gym.make("fund.envs:fund/MarketMaking-v0").unwrapped.strategy.name == "market_making"


def test_make_answers_unknown_names_with_the_nearest():
    with pytest.raises(UnknownName, match='Did you mean "market_making"'):
        fund.make("market_makng")
    with pytest.raises(UnknownName, match='Did you mean "null"'):
        fund.make("market_making", preset="nul")
    with pytest.raises(UnknownName, match='Did you mean "n_steps"'):
        fund.make("market_making", n_step=3)
    with pytest.raises(InvalidParameter, match="wanted a number"):
        fund.make("market_making", n_steps="many")
    with pytest.raises(InvalidParameter, match="whole number"):
        fund.make("market_making", n_steps=3.5)


def test_rewards_parts_and_pnl_add_up():
    env = FundEnv(TrendFollowing())
    _, info = env.reset(seed=3)
    nav = info["nav"]
    for _ in range(60):
        _, reward, *_, info = env.step(env.action_space.sample())
        assert sum(info["reward_parts"].values()) == pytest.approx(reward, abs=1e-12)
        assert sum(info["pnl"].values()) == pytest.approx(info["nav"] - nav, abs=1e-6)
        nav = info["nav"]


def test_reset_goes_on_to_another_episode_and_a_seed_comes_back():
    env = FundEnv(TrendFollowing())
    first, second = env.reset(seed=5)[0], env.reset()[0]
    assert not np.array_equal(first, second)
    assert np.array_equal(env.reset(seed=5)[0], first)
    assert np.array_equal(env.reset()[0], second)


def test_seed_nought_is_a_seed():
    one, two = FundEnv(TrendFollowing()), FundEnv(TrendFollowing())
    two.reset(seed=9)
    assert np.array_equal(one.reset(seed=0)[0], two.reset(seed=0)[0])


def test_observations_are_the_callers_own():
    env = FundEnv(TrendFollowing())
    first, _ = env.reset(seed=1)
    kept = first.copy()
    action = np.array([0.5], dtype=np.float32)
    for _ in range(3):
        env.step(action)
    assert np.array_equal(first, kept)
    assert action[0] == 0.5


@pytest.mark.parametrize("bad", [np.array([np.nan]), np.array([np.inf]), np.zeros(2), np.array(["x"])])
def test_bad_actions_are_refused_and_change_nothing(bad):
    env = FundEnv(TrendFollowing())
    env.reset(seed=1)
    before = env.get_state()
    with pytest.raises(InvalidAction):
        env.step(bad)
    assert all(np.array_equal(before[k], v) for k, v in env.get_state().items())


def test_step_before_reset():
    with pytest.raises(ResetNeeded):
        FundEnv(TrendFollowing()).step(np.zeros(1))


@pytest.mark.parametrize("codec", [pickle, cloudpickle])
def test_environments_pickle(codec):
    env = FundEnv("market_making")
    env.reset(seed=4)
    again = codec.loads(codec.dumps(env))
    action = np.array([0.2, -0.3], dtype=np.float32)
    for _ in range(60):  # memory and account must live on, not only the first step
        one, two = env.step(action), again.step(action)
        assert np.array_equal(one[0], two[0])
        assert one[1:] == two[1:]


def test_a_saved_state_goes_on_identically():
    env, other = FundEnv(TrendFollowing()), FundEnv(TrendFollowing())
    env.reset(seed=2)
    for _ in range(10):
        env.step(np.array([0.3]))
    other.set_state(env.get_state())
    for _ in range(10):
        one, two = env.step(np.array([-0.3])), other.step(np.array([-0.3]))
        assert np.array_equal(one[0], two[0])
        assert one[1:] == two[1:]


def test_rendering():
    env = FundEnv(TrendFollowing(), render_mode="rgb_array")
    env.reset(seed=1)
    for _ in range(5):
        env.step(np.array([1.0]))
    picture = env.render()
    assert picture.ndim == 3
    assert picture.shape[2] == 3
    assert picture.dtype == np.uint8
    assert picture.min() < picture.max()
    text = FundEnv(TrendFollowing(), render_mode="ansi")
    text.reset(seed=1)
    assert "return_20" in text.render()
