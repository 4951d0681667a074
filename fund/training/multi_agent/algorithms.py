"""The algorithms by name: what can be set, what learns, who acts.

mappo, ippo             `learner`, multi-agent PPO, central critic or each its own
qmix, vdn, dqn          `qmix`, values of choices, mixed or not, from a replay
maddpg                  `maddpg`, deterministic policies from a replay, numbers and choices

One for all agents, or, by `agents` of the settings, one each (`several`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from fund.envs.team import Team
from fund.errors import UnknownName
from fund.training.multi_agent.group import groups_of
from fund.training.multi_agent.learner import LARGEST_SEED, Learner
from fund.training.multi_agent.maddpg import CentralCritics
from fund.training.multi_agent.off_policy import OFF_POLICY, Method, OffPolicy, ReplayLearner
from fund.training.multi_agent.qmix import Mixing
from fund.training.multi_agent.settings import CRITIC_OF, Settings
from fund.training.multi_agent.several import Beside, Several, parts_of

ALGORITHMS = (*CRITIC_OF, *OFF_POLICY)
OF_THE_WORLD = (
    "world", "rewards", "curriculum", "gamma", "bootstrap", "team_reward", "evaluations", "evaluation_copies",
)  # fmt: skip


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
    """What learns all of a team by one algorithm, ready to."""
    if isinstance(settings, Settings):
        return Learner(team, settings, seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        method = method_of(team, settings)
    return ReplayLearner(team, settings, method, seed)


def learner_for(
    make: Callable[[int], Team], settings: Settings | OffPolicy, seed: int
) -> Learner | ReplayLearner | Several:
    """What learns, whatever its agents' algorithms are; `make` gives so many copies. Raises UnknownName."""
    team = make(settings.copies)
    parts = parts_of(team.agents, settings)
    if len(parts) == 1:
        return learner_of(team, parts[0][1], seed)
    assert isinstance(settings, Settings)
    seeds = [seed, *np.random.SeedSequence(seed).generate_state(len(parts) - 1) % LARGEST_SEED]
    learners = [
        learner_of(Beside(make(own.copies), agents, settings.team_reward), own, int(first))
        for (agents, own), first in zip(parts, seeds, strict=True)
    ]
    return Several(learners, settings, seed)


def players_of(team: Team, plain: Mapping[str, Any]) -> list[Any]:
    """The groups of agents of a card's settings, with fresh actors."""
    with torch.random.fork_rng(devices=[]):
        return [
            player
            for agents, settings in parts_of(team.agents, settings_of(plain))
            for player in _players(Beside(team, agents), settings)
        ]


def _players(team: Team, settings: Settings | OffPolicy) -> list[Any]:
    if isinstance(settings, Settings):
        return groups_of(team, settings)
    return list(method_of(team, settings).players)
