"""RLlib's PPO on a PettingZoo environment, one policy for all agents or one for each. In an environment of its own:

    python -m venv .venv-rllib
    .venv-rllib/bin/python -m pip install torch "ray[rllib]==2.60.0" pettingzoo mpe2      (Windows: Scripts for bin)
    .venv-rllib/bin/python tests/examples/rllib_mappo.py --iterations 5
    .venv-rllib/bin/python tests/examples/rllib_mappo.py --environment risk

RLlib pins an older Gymnasium (1.2) than this project's, so that the two cannot share one; the environments here speak
PettingZoo's API only, and go into RLlib's `ParallelPettingZooEnv` as any other does. For a stage of this project, the
other environment also needs `pip install numba pyyaml pandas` and PYTHONPATH at this folder; with `pytest hypothesis`
beside them, `.venv-rllib/bin/python -m pytest tests/test_rllib_example.py` runs what is skipped elsewhere. So it was
last run with ray 2.60.0, gymnasium 1.2.2, pettingzoo 1.27.0 and torch 2.13.0. RLlib has no centralised critic out of
the box, and does about a tenth of the steps a second of `fund.training.multi_agent`.
"""

from __future__ import annotations

import argparse
import importlib
import os
from typing import Any

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")


def config(make: Any, steps: int = 1000, shared: bool = True) -> Any:
    """PPO in this process alone, with one policy for all agents, or one for each where their spaces differ."""
    from ray.rllib.algorithms.ppo import PPOConfig
    from ray.rllib.env.wrappers.pettingzoo_env import ParallelPettingZooEnv
    from ray.tune.registry import register_env

    register_env("team", lambda _: ParallelPettingZooEnv(make()))
    policies = {"shared"} if shared else set(make().possible_agents)
    return (
        PPOConfig()
        .environment("team")
        .env_runners(num_env_runners=0)
        .multi_agent(
            policies=policies, policy_mapping_fn=lambda agent, *_, **__: "shared" if shared else agent
        )
        .training(train_batch_size=steps, minibatch_size=250, num_epochs=5, lr=7e-4, gamma=0.95)
    )


def train(make: Any, iterations: int = 2, steps: int = 1000, shared: bool = True) -> list[float]:
    """Mean return of an episode, all agents together, after each iteration."""
    algorithm = config(make, steps, shared).build_algo()
    try:
        results = [algorithm.train() for _ in range(iterations)]
    finally:
        algorithm.stop()
    return [float(result["env_runners"]["episode_return_mean"]) for result in results]


def maker(name: str) -> Any:
    """The constructor of a world by name: that of mpe2, or a stage of this project."""
    if name == "simple_spread":
        from mpe2 import simple_spread_v3

        return lambda: simple_spread_v3.parallel_env(max_cycles=25)
    stage = importlib.import_module(f"fund.envs.{name}")
    return lambda: stage.parallel_env(max_cycles=25)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--iterations", type=int, default=5)
    parser.add_argument(
        "--environment", choices=("simple_spread", "risk", "execution"), default="simple_spread"
    )
    options = parser.parse_args()
    alike = options.environment != "execution"
    print(train(maker(options.environment), options.iterations, shared=alike))
