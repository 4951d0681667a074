"""RLlib's PPO on a PettingZoo environment, one policy for all agents. In an environment of its own:

    python -m venv .venv-rllib
    .venv-rllib/bin/python -m pip install "ray[rllib]==2.60.0" torch mpe2 pettingzoo      (Windows: Scripts for bin)
    .venv-rllib/bin/python tests/examples/rllib_mappo.py --iterations 5

RLlib pins an older Gymnasium than this project's, so that the two cannot share one; the environments here speak
PettingZoo's API only, and go into RLlib's `ParallelPettingZooEnv` as any other does. RLlib has no centralised critic
out of the box, and does about a tenth of the steps a second of `fund.training.multi_agent`.
"""

from __future__ import annotations

import argparse
import os
from typing import Any

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")


def config(make: Any, steps: int = 1000) -> Any:
    """PPO with one shared policy, in this process alone."""
    from ray.rllib.algorithms.ppo import PPOConfig
    from ray.rllib.env.wrappers.pettingzoo_env import ParallelPettingZooEnv
    from ray.tune.registry import register_env

    register_env("team", lambda _: ParallelPettingZooEnv(make()))
    return (
        PPOConfig()
        .environment("team")
        .env_runners(num_env_runners=0)
        .multi_agent(policies={"shared"}, policy_mapping_fn=lambda agent, *_, **__: "shared")
        .training(train_batch_size=steps, minibatch_size=250, num_epochs=5, lr=7e-4, gamma=0.95)
    )


def train(make: Any, iterations: int = 2, steps: int = 1000) -> list[float]:
    """Mean return of an episode, all agents together, after each iteration."""
    algorithm = config(make, steps).build_algo()
    try:
        results = [algorithm.train() for _ in range(iterations)]
    finally:
        algorithm.stop()
    return [float(result["env_runners"]["episode_return_mean"]) for result in results]


if __name__ == "__main__":
    from mpe2 import simple_spread_v3

    parser = argparse.ArgumentParser()
    parser.add_argument("--iterations", type=int, default=5)
    print(train(lambda: simple_spread_v3.parallel_env(max_cycles=25), parser.parse_args().iterations))
