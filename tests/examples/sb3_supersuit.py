"""Stable-Baselines3 on a PettingZoo environment through SuperSuit: one PPO for all agents, no centralised critic.

    python tests/examples/sb3_supersuit.py --steps 20000

All agents need spaces alike; SuperSuit's `pad_observations_v0` and `pad_action_space_v0` make them so. This is the
cross-check of `fund.training.multi_agent`, which does several times as many steps a second.
"""

from __future__ import annotations

import argparse
from typing import Any

import supersuit
from mpe2 import simple_spread_v3
from stable_baselines3 import PPO
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.utils import set_random_seed


def train(env: Any, steps: int, copies: int = 8, seed: int = 0, **settings: Any) -> PPO:
    """PPO with shared weights after so many steps, counted in steps of single agents."""
    vec = supersuit.pettingzoo_env_to_vec_env_v1(env)
    vec = supersuit.concat_vec_envs_v1(vec, copies, num_cpus=0, base_class="stable_baselines3")
    batch = 50 * vec.num_envs // 2
    chosen = {"n_steps": 50, "batch_size": batch, "n_epochs": 5, "gamma": 0.95, "device": "cpu", **settings}
    # SuperSuit's vec env has no `seed` for SB3 to call: SB3 gets none, and the environments keep that of this reset
    vec.venv.reset(seed=seed)
    set_random_seed(seed)
    model = PPO("MlpPolicy", vec, seed=None, **chosen)
    model.set_logger(Logger(None, []))
    return model.learn(steps)


def policy(model: PPO) -> Any:
    """As a function of agent and observation, for the loops beside this file."""
    return lambda agent, observation: int(model.predict(observation, deterministic=True)[0])


if __name__ == "__main__":
    from parallel_loop import play

    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=20_000)
    options = parser.parse_args()
    trained = train(simple_spread_v3.parallel_env(max_cycles=25), options.steps)
    print(play(simple_spread_v3.parallel_env(max_cycles=25), 10_000, policy(trained)))
