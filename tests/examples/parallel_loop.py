"""PettingZoo's Parallel form: all agents act at once.

python tests/examples/parallel_loop.py
"""

from __future__ import annotations

from typing import Any

import numpy as np
from mpe2 import simple_spread_v3


def play(env: Any, seed: int = 0, act: Any = None) -> dict[str, float]:
    """One episode; the sum of each agent's rewards. Without `act(agent, observation)`, actions are random."""
    observations, _ = env.reset(seed=seed)
    for k, agent in enumerate(env.possible_agents):
        env.action_space(agent).seed(seed + k)
    total = dict.fromkeys(env.possible_agents, 0.0)
    while env.agents:
        actions = {
            agent: env.action_space(agent).sample() if act is None else act(agent, observations[agent])
            for agent in env.agents
        }
        observations, rewards, _, _, _ = env.step(actions)
        for agent, reward in rewards.items():
            total[agent] += float(reward)
    env.close()
    return total


if __name__ == "__main__":
    print({a: float(np.round(r, 3)) for a, r in play(simple_spread_v3.parallel_env(max_cycles=25)).items()})
