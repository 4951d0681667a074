"""PettingZoo's AEC form: agents act one after the other, each sees what stands when it is its turn.

python tests/examples/aec_loop.py
"""

from __future__ import annotations

from typing import Any

import numpy as np
from mpe2 import simple_spread_v3


def play(env: Any, seed: int = 0, act: Any = None) -> dict[str, float]:
    """One episode; the sum of each agent's rewards. Without `act(agent, observation)`, actions are random."""
    env.reset(seed=seed)
    for k, agent in enumerate(env.possible_agents):
        env.action_space(agent).seed(seed + k)
    total = dict.fromkeys(env.possible_agents, 0.0)
    for agent in env.agent_iter():
        observation, reward, terminated, truncated, _ = env.last()
        total[agent] += float(reward)
        if terminated or truncated:
            action = None  # a dead agent says goodbye with nothing
        elif act is None:
            action = env.action_space(agent).sample()
        else:
            action = act(agent, observation)
        env.step(action)
    env.close()
    return total


if __name__ == "__main__":
    print({agent: float(np.round(r, 3)) for agent, r in play(simple_spread_v3.env(max_cycles=25)).items()})
