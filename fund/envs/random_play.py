"""Seeded random play of PettingZoo environments, by hand where a check wants to look in between."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from fund.errors import ContractBroken


def drawing(env: Any, seed: int = 0) -> Callable[[str], Any]:
    """Seeded actions by agent."""
    for k, agent in enumerate(env.possible_agents):
        env.action_space(agent).seed(seed + k)
    return lambda agent: env.action_space(agent).sample()


def until_over(env: Any, most: int = 10_000) -> Iterator[None]:
    """As long as somebody lives; raises ContractBroken where that has no end."""
    for _ in range(most):
        if not env.agents:
            return
        yield
    raise ContractBroken("the episode does not end")


def turn(env: Any, draw: Callable[[str], Any]) -> None:
    """One turn of whoever's it is, the dead's, too."""
    agent = env.agent_selection
    env.step(None if env.terminations[agent] or env.truncations[agent] else draw(agent))


def bury(env: Any) -> None:
    """Let the dead take their last step."""
    for _ in until_over(env):
        if not (env.terminations[env.agent_selection] or env.truncations[env.agent_selection]):
            return
        env.step(None)
