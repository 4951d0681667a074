"""The vector faces: Gymnasium's and SB3's."""

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode
from trend_following import TrendFollowing

from fund.envs.gym import FundEnv
from fund.envs.vec import FundVecEnv
from fund.envs.vector import FundVectorEnv
from fund.errors import ResetNeeded

SHORT = TrendFollowing(n_steps=12)


def singles(n, seed, steps, actions):
    """Observations, rewards and ends of n single environments, reset by hand in the step of their end."""
    envs = [FundEnv(SHORT) for _ in range(n)]
    rows = [np.array([env.reset(seed=seed + i)[0] for i, env in enumerate(envs)])]
    rewards, ends = [], []
    for t in range(steps):
        outs = [env.step(actions[t, i]) for i, env in enumerate(envs)]
        rewards.append([o[1] for o in outs])
        ends.append([o[3] for o in outs])
        rows.append(
            np.array([env.reset()[0] if o[2] or o[3] else o[0] for env, o in zip(envs, outs, strict=True)])
        )
    return rows, np.array(rewards), np.array(ends)


@pytest.fixture(scope="module")
def drawn():
    actions = np.random.default_rng(0).uniform(-1, 1, (30, 5, 1))
    return actions, *singles(5, 7, 30, actions)


def test_row_i_is_the_single_environment_of_seed_plus_i(drawn):
    actions, rows, rewards, ends = drawn
    env = FundVectorEnv(5, SHORT)
    assert np.array_equal(env.reset(seed=7)[0], rows[0])
    for t in range(30):
        observation, reward, _, truncated, infos = env.step(actions[t])
        assert np.array_equal(observation, rows[t + 1])
        assert np.array_equal(reward, rewards[t])
        assert np.array_equal(truncated, ends[t])
        assert ("final_obs" in infos) == bool(ends[t].any())


def test_sb3_rows_are_the_same_rows(drawn):
    actions, rows, rewards, ends = drawn
    env = FundVecEnv(SHORT, 5, seed=7)
    held = env.reset()
    assert np.array_equal(held, rows[0])
    for t in range(30):
        env.step_async(actions[t])
        observation, reward, done, infos = env.step_wait()
        assert np.array_equal(held, rows[t])  # the last observation is still what it was
        assert np.array_equal(observation, rows[t + 1])
        assert np.allclose(reward, rewards[t], rtol=1e-6, atol=0)
        assert np.array_equal(done, ends[t])
        for i in np.flatnonzero(done):
            assert infos[i]["TimeLimit.truncated"]
            assert infos[i]["terminal_observation"].shape == (5,)
        held = observation


def test_final_observation_is_the_one_before_the_reset(drawn):
    actions, *_ = drawn
    env, alone = FundVectorEnv(5, SHORT), FundEnv(SHORT)
    env.reset(seed=7)
    alone.reset(seed=9)
    for t in range(12):
        infos = env.step(actions[t])[4]
        last = alone.step(actions[t, 2])[0]
    assert infos["_final_obs"].all()
    assert np.array_equal(infos["final_obs"][2], last)


def test_next_step_mode_ignores_the_action_of_an_ended_row(drawn):
    actions, rows, *_ = drawn
    env = FundVectorEnv(5, SHORT, autoreset_mode=AutoresetMode.NEXT_STEP)
    env.reset(seed=7)
    for t in range(12):
        env.step(actions[t])
    observation, reward, terminated, truncated, _ = env.step(np.full((5, 1), 0.9))
    assert np.array_equal(observation, rows[12])
    assert not reward.any() and not terminated.any() and not truncated.any()


def test_disabled_mode_waits_for_a_masked_reset(drawn):
    actions, rows, *_ = drawn
    env = FundVectorEnv(5, SHORT, autoreset_mode=AutoresetMode.DISABLED)
    env.reset(seed=7)
    for t in range(12):
        env.step(actions[t])
    with pytest.raises(ResetNeeded):
        env.step(actions[0])
    observation, _ = env.reset(options={"reset_mask": np.array([True] * 5)})
    assert np.array_equal(observation, rows[12])


def test_make_vec_uses_the_native_form():
    env = gym.make_vec("fund/MarketMaking-v0", num_envs=3, vectorization_mode="vector_entry_point")
    assert isinstance(env.unwrapped, FundVectorEnv)
    assert env.unwrapped.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP
    observation, _ = env.reset(seed=2)
    alone, _ = gym.make("fund/MarketMaking-v0").reset(seed=4)
    assert np.array_equal(observation[2], alone)
    assert env.observation_space.contains(observation)
    env.close()


def test_seeds_may_be_a_list():
    env = FundVectorEnv(2, SHORT)
    rows, _ = env.reset(seed=[40, 3])
    assert np.array_equal(rows[1], FundEnv(SHORT).reset(seed=3)[0])


def test_a_finite_horizon_is_an_end_for_the_learner_alone():
    class Finite(TrendFollowing):
        finite_horizon = True

    for horizon_ends in (True, False):
        env = FundVecEnv(Finite(n_steps=3), 2, horizon_ends=horizon_ends)
        env.reset()
        for _ in range(3):
            env.step_async(np.zeros((2, 1)))
            *_, infos = env.step_wait()
        assert infos[0]["TimeLimit.truncated"] is not horizon_ends
