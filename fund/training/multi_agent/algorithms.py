"""The algorithms by name: what can be set, what learns, who acts.

mappo, ippo             `learner`, multi-agent PPO, central critic or each its own
qmix, vdn, dqn          `qmix`, values of choices, mixed or not, from a replay
maddpg                  `maddpg`, deterministic policies from a replay, numbers and choices
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from fund.envs.team import Team
from fund.errors import UnknownName
from fund.training.multi_agent.group import groups_of
from fund.training.multi_agent.learner import Learner
from fund.training.multi_agent.maddpg import CentralCritics
from fund.training.multi_agent.off_policy import OFF_POLICY, Method, OffPolicy, ReplayLearner
from fund.training.multi_agent.qmix import Mixing
from fund.training.multi_agent.settings import Settings

CRITIC_OF = {"mappo": "central", "ippo": "own"}
ALGORITHMS = (*CRITIC_OF, *OFF_POLICY)
OF_THE_WORLD = ("world", "rewards", "gamma", "bootstrap", "team_reward", "evaluations", "evaluation_copies")


def known(algorithm: str) -> str:
    """The name as it is written; raises UnknownName with the nearest one."""
    if algorithm.lower() not in ALGORITHMS:
        raise UnknownName("algorithm", algorithm, ALGORITHMS)
    return algorithm.lower()


def settings_of(plain: Mapping[str, Any]) -> Settings | OffPolicy:
    """Settings from a mapping: of a replay's learner where it names its `algorithm`, else PPO's."""
    return OffPolicy.of(plain) if "algorithm" in plain else Settings.of(plain)


def for_algorithm(
    algorithm: str | None, tuned: Mapping[str, Any], changes: Mapping[str, Any]
) -> dict[str, Any]:
    """A stage's tuned settings (PPO's) for an algorithm: what they say of the world stays, the rest is defaults."""
    if algorithm is None:
        return {**tuned, **changes}
    name = known(algorithm)
    if name in CRITIC_OF:
        return {**tuned, "critic": CRITIC_OF[name], **changes}
    of_the_world = {k: v for k, v in tuned.items() if k in OF_THE_WORLD}
    return {"algorithm": name, "dueling": name == "dqn", **of_the_world, **changes}


def method_of(team: Team, settings: OffPolicy) -> Method:
    """The networks of a replay's learner; raises InvalidParameter where the team's actions are of the wrong kind."""
    return CentralCritics(team, settings) if settings.algorithm == "maddpg" else Mixing(team, settings)


def learner_of(team: Team, settings: Settings | OffPolicy, seed: int) -> Learner | ReplayLearner:
    """What learns, ready to."""
    if isinstance(settings, Settings):
        return Learner(team, settings, seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        method = method_of(team, settings)
    return ReplayLearner(team, settings, method, seed)


def players_of(team: Team, plain: Mapping[str, Any]) -> list[Any]:
    """The groups of agents of a card's settings, with fresh actors."""
    settings = settings_of(plain)
    with torch.random.fork_rng(devices=[]):
        if isinstance(settings, Settings):
            return groups_of(team, settings)
        return list(method_of(team, settings).players)
