"""Rewards whose components are weighted, and weights that follow what they do: for limits, or for balance.

    Limited     part k's weight is 1 + lambda_k, lambda_k <- max(0, lambda_k + rate (least_k - mean of part k))
    Balanced    part k's weight is such that its deviation has a given share of all, with those of the others

Limited is dual ascent on a constrained problem: where an episode's part (a drawdown, a breach of VaR; negative) is on
average worse than `least`, it is made to count more, until it is not (Tessler, Mankowitz & Mannor, 2019, "Reward
constrained policy optimization", ICLR, algorithm 1; Altman, 1999). Balanced keeps components of different scale in
proportion, as their scales change (the idea of Chen et al., 2018, "GradNorm", on rewards). Both change what is learned
from, never what a policy is judged by.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fund.envs.rounds import Rounds
from fund.envs.team import Observations, Outcome, Team
from fund.errors import InvalidParameter, UnknownName
from fund.stage import Stage
from fund.training.multi_agent.components import Recorded, components
from fund.training.multi_agent.rewards import Around

Floats = NDArray[np.float64]
SLOW = 0.99  # share of the old in each step's variance


class Weighted(Around):
    """The sum of weight times component; with weights of 1 it is the team's own reward."""

    def __init__(self, team: Team, weights: Mapping[str, float] | None = None) -> None:
        super().__init__(team)
        self.weights: dict[str, float] = dict(weights or {})  # of what is not named, 1
        self._known = False

    def step(self, actions: Any) -> Outcome:
        """One step of every copy; raises UnknownName where a weight is of no component."""
        out = self.team.step(actions)
        found = components(self.team)
        if not self._known:
            for name in self._wanted():
                if name not in found:
                    raise UnknownName("component", name, found)
            self._known = True
        weights = dict(self.weights)
        self._learn(found, out)  # what follows from this step holds from the next one on
        return out._replace(reward=np.sum([weights.get(name, 1.0) * x for name, x in found.items()], axis=0))

    def _wanted(self) -> list[str]:
        return list(self.weights)

    def _learn(self, found: Mapping[str, Floats], out: Outcome) -> None:
        pass

    def numbers(self) -> dict[str, float]:
        """The weights, for the log, and what the team itself tells."""
        inner = self.team.numbers() if hasattr(self.team, "numbers") else {}
        return {**inner, **{f"weight/{name}": weight for name, weight in self.weights.items()}}

    def get_state(self) -> Mapping[str, NDArray[Any]] | None:
        """With the weights and what they follow."""
        state = self.team.get_state()
        if state is None:
            return None
        return {**state, **{f"adaptive.{key}": np.array(x) for key, x in self._memory().items()}}

    def set_state(self, state: Mapping[str, NDArray[Any]]) -> Observations:
        """Go on from `get_state`."""
        self._remember({key[9:]: x for key, x in state.items() if key.startswith("adaptive.")})
        return self.team.set_state({key: x for key, x in state.items() if not key.startswith("adaptive.")})

    def _memory(self) -> dict[str, Any]:
        return {f"weight.{name}": weight for name, weight in self.weights.items()}

    def _remember(self, state: Mapping[str, NDArray[Any]]) -> None:
        self.weights = {key[7:]: float(x) for key, x in state.items() if key.startswith("weight.")}


class Limited(Weighted):
    """`limits`: the least that an episode's part, summed over agents, is to be on average.

    `rate` is how much a weight grows for each unit that an episode is worse by; weights stay in [1, most].
    """

    def __init__(self, team: Team, limits: Mapping[str, float], rate: float, most: float = 100.0) -> None:
        super().__init__(team, dict.fromkeys(limits, 1.0))
        if not rate > 0.0 or not most >= 1.0:
            raise InvalidParameter(f"rate {rate}, most {most}, wanted above 0, at least 1")
        self.limits, self.rate, self.most = dict(limits), rate, most
        self.sums = {name: np.zeros(team.n) for name in limits}

    def _learn(self, found: Mapping[str, Floats], out: Outcome) -> None:
        ended = out.terminated | out.truncated
        for name, least in self.limits.items():
            self.sums[name] += found[name].sum(axis=1)
            if ended.any():
                worse = least - float(self.sums[name][ended].mean())
                weight = self.weights[name] + self.rate * worse * float(ended.mean())
                self.weights[name] = min(max(weight, 1.0), self.most)
                self.sums[name][ended] = 0.0

    def _memory(self) -> dict[str, Any]:
        return {**super()._memory(), **{f"sum.{name}": x.copy() for name, x in self.sums.items()}}

    def _remember(self, state: Mapping[str, NDArray[Any]]) -> None:
        super()._remember(state)
        self.sums = {key[4:]: np.array(x) for key, x in state.items() if key.startswith("sum.")}


class Balanced(Weighted):
    """`shares`: of the sum of deviations, by component; the first one's weight stays 1, others are in [least, most].

    Deviations are those of a step's part, summed over agents, by an exponential mean.
    """

    def __init__(
        self, team: Team, shares: Mapping[str, float], least: float = 0.01, most: float = 100.0
    ) -> None:
        super().__init__(team, dict.fromkeys(shares, 1.0))
        if len(shares) < 2 or not all(share > 0.0 for share in shares.values()):
            raise InvalidParameter(f"shares {dict(shares)}, wanted two or more above 0")
        self.shares, self.least, self.most = dict(shares), least, most
        self.moments = {
            name: np.zeros(3) for name in shares
        }  # weight of what was seen, its mean, its square's

    def _learn(self, found: Mapping[str, Floats], out: Outcome) -> None:
        for name in self.shares:
            x = found[name].sum(axis=1)
            self.moments[name] = SLOW * self.moments[name] + (1 - SLOW) * np.array(
                [1.0, x.mean(), (x * x).mean()]
            )
        first, *others = self.shares
        unit = self.deviation(first) / self.shares[first]
        for name in others:
            here = self.deviation(name)
            if unit > 0.0 and here > 0.0:
                self.weights[name] = min(max(unit * self.shares[name] / here, self.least), self.most)

    def deviation(self, name: str) -> float:
        """Of a component, so far."""
        seen, mean, square = self.moments[name]
        return float(np.sqrt(max(square / seen - (mean / seen) ** 2, 0.0))) if seen > 0.0 else 0.0

    def _memory(self) -> dict[str, Any]:
        return {**super()._memory(), **{f"moments.{name}": x.copy() for name, x in self.moments.items()}}

    def _remember(self, state: Mapping[str, NDArray[Any]]) -> None:
        super()._remember(state)
        self.moments = {key[8:]: np.array(x) for key, x in state.items() if key.startswith("moments.")}


KINDS = {"weights": Weighted, "limits": Limited, "shares": Balanced}


def learning_world(stage: Stage, rewards: Mapping[str, Any], n: int) -> Team:
    """Copies of a stage whose rewards are recorded and, as `rewards` says, weighted. Raises UnknownName.

    `{"weights": {part: weight}}`, `{"limits": {part: least}, "rate": ...}` or `{"shares": {part: share}}`, with what
    else `Limited` and `Balanced` take; `rewards` of a stage's settings.
    """
    team: Team = Recorded(Rounds(stage, n))
    named = [key for key in rewards if key in KINDS]
    if not rewards:
        return team
    if len(named) != 1:
        raise InvalidParameter(f"{stage.name}: rewards of {list(rewards)}, wanted one of {', '.join(KINDS)}")
    rest = {key: x for key, x in rewards.items() if key not in named}
    try:
        return KINDS[named[0]](team, rewards[named[0]], **rest)
    except TypeError as error:
        raise InvalidParameter(f"{stage.name}: rewards: {error}") from None
