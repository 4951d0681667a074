"""Gymnasium spaces of a strategy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium as gym
import numpy as np

from fund.errors import InvalidParameter
from fund.roster import rosters
from fund.strategy import Box, Strategy

OBSERVATION_BOUND = 1e6  # features are of order one; the bound is finite because the checkers want it so


def observation_space(strategy: Strategy) -> gym.spaces.Box:
    """Box of the strategy's features, float32, finite bounds."""
    shape = (len(strategy.features),)
    return gym.spaces.Box(-OBSERVATION_BOUND, OBSERVATION_BOUND, shape=shape, dtype=np.float32)


def action_space(strategy: Strategy) -> gym.Space[Any]:
    """Box of float32, or Discrete."""
    actions = strategy.actions
    if isinstance(actions, Box):
        return gym.spaces.Box(actions.low, actions.high, shape=(actions.size,), dtype=np.float32)
    return gym.spaces.Discrete(actions.count)


def resolve(
    strategy: str | Strategy, preset: str = "default", parameters: Mapping[str, Any] | None = None
) -> Strategy:
    """A strategy from a roster name (or the thing itself), a preset's name and changes.

    Raises UnknownName with the nearest valid name, InvalidParameter.
    """
    changes = dict(parameters or {})
    if isinstance(strategy, Strategy):
        if preset != "default":
            raise InvalidParameter(
                f'{strategy.name}: preset "{preset}" beside a finished strategy; give the name'
            )
        return strategy.with_parameters(**changes)
    return rosters()[strategy].cls.preset(preset, **changes)
