"""Agents of a stage beside its rules: the best rule, and paired differences on held-out episodes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fund.envs.play import play
from fund.envs.rounds import Rounds
from fund.errors import InvalidParameter, UnknownName
from fund.market.streams import Paths
from fund.stage import Stage
from fund.training.evaluate import SELECTION_SEEDS, TEST_SEEDS, Spread
from fund.training.multi_agent.acting import Policy, play_team

BLOCK = 512  # episodes played together; bounds the memory
OPTIMUM = "optimum"  # where one is known it is no rule to beat


@dataclass(frozen=True)
class Versus:
    """Trained agents beside a rule on the same held-out paths, a number an episode."""

    rule: str
    episodes: int
    agents_pnl: Spread  # account currency, net of costs
    rule_pnl: Spread
    pnl: Spread  # of the paired differences, agents less rule
    agents_reward: Spread
    rule_reward: Spread
    reward: Spread  # of the paired differences

    @property
    def standard_errors(self) -> float:
        """By how many standard errors the agents' reward is above the rule's."""
        return self.reward.mean / self.reward.se if self.reward.se > 0.0 else 0.0


def versus(stage: Stage, policy: Policy, rule: str, episodes: int = 1000, seed: int = 0) -> Versus:
    """Agents and a rule on the same paths, on which nobody trained or selected; raises UnknownName."""
    if rule not in stage.rules:
        raise UnknownName("rule", rule, stage.rules)
    first = TEST_SEEDS + seed * 10**6
    blocks = [
        _block(stage, policy, rule, first + start, min(BLOCK, episodes - start))
        for start in range(0, episodes, BLOCK)
    ]
    pnl, ruled, reward, owed = np.concatenate(blocks, axis=1)
    return Versus(
        rule, episodes, Spread.of(pnl), Spread.of(ruled), Spread.of(pnl - ruled),
        Spread.of(reward), Spread.of(owed), Spread.of(reward - owed),
    )  # fmt: skip


def _block(stage: Stage, policy: Policy, rule: str, first: int, episodes: int) -> NDArray[np.float64]:
    # (4, episodes): P&L of agents and rule, rewards of agents and rule
    rounds = Rounds(stage, episodes)
    agents = play_team(rounds, policy, first)
    nav, tape = rounds.batch.ledger.books.nav.copy(), rounds.batch.current_tape
    ruled = play(stage.strategy, stage.rules[rule](stage.strategy), Paths.of(first, episodes), tape)
    return np.stack(
        [nav - ruled.nav[0], ruled.nav[-1] - ruled.nav[0], agents.returns.sum(axis=1), ruled.reward]
    )


def best_rule(stage: Stage, episodes: int = BLOCK) -> str:
    """The rule with the highest mean reward on selection episodes; raises InvalidParameter where no rule can play."""
    world, found = stage.strategy, dict.fromkeys(stage.rules, -np.inf)
    paths = Paths.of(SELECTION_SEEDS, episodes)
    tape = world.record(paths)
    for name, make in stage.rules.items():
        try:
            policy = make(world)
        except InvalidParameter:
            continue  # a rule for another world
        if name != OPTIMUM:
            found[name] = float(play(world, policy, paths, tape).reward.mean())
    best = max(found, key=lambda name: found[name])
    if found[best] == -np.inf:
        raise InvalidParameter(f"{stage.name}: no rule can play this world")
    return best
