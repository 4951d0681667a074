"""Plays of the execution stage, and an action that says only what a test is about."""

import numpy as np

from fund.envs import play
from fund.grandmodel.execution.layout import ACTIONS
from fund.market.streams import Paths

PLACE = {name: k for k, name in enumerate(ACTIONS)}


def policy_of(**numbers):
    """One action for ever; what is not named stands at its neutral value."""
    action = np.zeros(len(ACTIONS))
    for name in ("stop", "target", "participation", "aggressiveness"):
        action[PLACE[name]] = 1.0
    action[PLACE["timing"]] = -1.0
    for name, value in numbers.items():
        action[PLACE[name]] = value
    return lambda view: np.tile(action, (view.n, 1))


def played(strategy, policy, n=2000, seed=0):
    return play.play(strategy, policy, Paths.of(seed, n))
