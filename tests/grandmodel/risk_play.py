"""Plays of the risk stage, and a market without its scenarios."""

import numpy as np

from fund.envs import play
from fund.market.streams import Paths

QUIET = {
    "black_swan": 0.0, "flash_crash": 0.0, "correlation_spike": 0.0, "liquidity_drought": 0.0, "weather": False,
}  # fmt: skip


def played(strategy, policy, n=1000, seed=0):
    return play.play(strategy, policy, Paths.of(seed, n))


def constant(*choices):
    return lambda view: np.tile(np.array(choices, dtype=float), (view.n, 1))
