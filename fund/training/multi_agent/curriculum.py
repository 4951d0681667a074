"""Worlds that grow harder while a team learns.

    curriculum:
      levels: [{n_steps: 50, weather: false}, {n_steps: 100}]
      threshold: 0.7
      spread: 0.2
      episodes: 100
      most_steps: 50000

A level names parameters of the world of training; behind the last level stands that world itself. The next level
begins when the last `episodes` episodes, of all copies, returned more than `threshold` an agent on average with a
standard deviation below `spread` (the rule of the GrandModel's guide), or when the copies have played `most_steps` on
this one. Episodes under way end there as by the clock. What is best is judged in the world itself, whatever the level.

Bengio, Louradour, Collobert & Weston (2009), "Curriculum learning", ICML.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fund.envs.team import Actions, Observations, Outcome, Team
from fund.errors import InvalidParameter
from fund.stage import Stage
from fund.training.multi_agent.adaptive import learning_world
from fund.training.multi_agent.rewards import Around
from fund.training.multi_agent.settings import plain_settings

SHARES = (0.25, 0.5, 0.75)  # of the horizon, in `lengthening`


@dataclass(frozen=True)
class Curriculum:
    """Levels before the world itself, and when the next one comes."""

    levels: tuple[Mapping[str, Any], ...]  # parameters of the world of training
    threshold: float = 0.7  # of the mean return of an agent
    spread: float = 0.2  # of its standard deviation over episodes
    episodes: int = 100  # the last ones, which both are taken of
    most_steps: int = 0  # of the world, all copies together, on one level; 0: no limit

    def __post_init__(self) -> None:
        """Raises InvalidParameter."""
        if not self.levels:
            raise InvalidParameter("curriculum: no levels, wanted at least one before the world itself")
        if self.episodes < 2:
            raise InvalidParameter(f"curriculum: episodes is {self.episodes}, wanted at least 2")

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Curriculum:
        """From a mapping; raises UnknownName, InvalidParameter."""
        return cls(**{"levels": (), **plain_settings(cls, plain)})

    def passed(self, returns: Sequence[float], steps: int) -> bool:
        """Whether the next level begins, after these returns of episodes and steps on this level."""
        if self.most_steps and steps >= self.most_steps:
            return True
        last = np.array(returns[-self.episodes :])
        return len(last) == self.episodes and bool(last.mean() > self.threshold and last.std() < self.spread)


def lengthening(stage: Stage, steps: int) -> Curriculum:
    """A curriculum for any stage: a quarter, half, three quarters of the horizon, the first two without weather.

    A fifth of `steps` on each at most, so that two fifths are played in the world itself.
    """
    horizon = stage.strategy.n_steps
    levels = [{"n_steps": max(int(share * horizon), 2), "weather": share > SHARES[1]} for share in SHARES]
    return Curriculum(tuple(levels), most_steps=max(steps // 5, 1))


class Graded(Around):
    """Copies of a world of rising levels, as one team; raises InvalidParameter where a level has other spaces."""

    def __init__(self, makes: Sequence[Callable[[int], Team]], n: int, rule: Curriculum) -> None:
        self.makes, self.rule, self.level, self.seed = tuple(makes), rule, 0, 0
        super().__init__(self.makes[0](n))
        for k, make in enumerate(self.makes):
            if _spaces(make(1)) != _spaces(self.team):
                raise InvalidParameter(f"curriculum: on level {k} agents see or do something else than on 0")
        self._begin()

    def _begin(self) -> None:
        self.total, self.returns, self.steps = np.zeros(self.n), list[float](), 0

    @property
    def passed(self) -> bool:
        """Whether the next level begins with the next episodes."""
        return self.level + 1 < len(self.makes) and self.rule.passed(self.returns, self.steps)

    def reset(self, seed: int | None = None) -> Observations:
        """Begin an episode in every copy, on the level that is reached."""
        self.seed, self.total = self.seed if seed is None else seed, np.zeros(self.n)
        return self.team.reset(seed)

    def step(self, actions: Actions) -> Outcome:
        """One step of every copy; where the level is passed with it, the last of all episodes."""
        out = self.team.step(actions)
        ended = out.terminated | out.truncated
        self.total += out.reward.mean(axis=1)
        self.returns = (self.returns + self.total[ended].tolist())[-self.rule.episodes :]
        self.total[ended] = 0.0
        self.steps += self.n
        return out._replace(truncated=~out.terminated) if self.passed else out

    def renew(self, ended: NDArray[np.bool_]) -> Observations:
        """Begin the next episode of the copies that have ended, on the next level if this one is passed."""
        if not self.passed:
            return self.team.renew(ended)
        self._rise(self.level + 1)
        return self.reset(self.seed)

    def _rise(self, level: int) -> None:
        self.level, self.team = level, self.makes[level](self.n)
        self._begin()

    def numbers(self) -> dict[str, float]:
        """The level, from 0 on, and what the team says itself."""
        own: dict[str, float] = self.team.numbers() if hasattr(self.team, "numbers") else {}
        return {**own, "curriculum/level": float(self.level)}

    def get_state(self) -> Mapping[str, NDArray[Any]] | None:
        """With the level and what was returned on it; None where the team cannot say its own."""
        state = self.team.get_state()
        if state is None:
            return None
        stands = np.array([self.level, self.steps, self.seed])
        own = {"stands": stands, "total": self.total.copy(), "returns": np.array(self.returns)}
        return {**state, **{f"curriculum.{key}": x for key, x in own.items()}}

    def set_state(self, state: Mapping[str, NDArray[Any]]) -> Observations:
        """Go on from `get_state`."""
        level, steps, seed = (int(x) for x in state["curriculum.stands"])
        if level != self.level:
            self._rise(level)
        self.steps, self.seed = steps, seed
        self.total, self.returns = np.array(state["curriculum.total"]), state["curriculum.returns"].tolist()
        return self.team.set_state({k: x for k, x in state.items() if not k.startswith("curriculum.")})


def _spaces(team: Team) -> tuple[Any, ...]:
    return tuple(team.agents), dict(team.observed), dict(team.actions), team.state_size


def graded(training: Stage, rewards: Mapping[str, Any], rule: Curriculum, n: int) -> Graded:
    """Copies of a stage's levels, as `adaptive.learning_world` makes them; raises UnknownName, InvalidParameter."""
    stages = [*(training.with_parameters(**level) for level in rule.levels), training]
    return Graded([partial(learning_world, stage, rewards) for stage in stages], n, rule)
