"""The mean of a step's reward in the papers' world: what a learner may be shown in place of the noisy reward."""

from __future__ import annotations

import math
from typing import Any

from numba import njit


@njit
def expected_reward(
    p: Any, mid: float, fair: float, held: float, penalty: float, bid: float, ask: float, bid_size: float,
    ask_size: float,
) -> float:  # fmt: skip
    """Mean of a step's reward over its fills and the mid's move, in the papers' world, account currency.

    The four outcomes of two independent fills, each with the mean of `settled` over the move. What the realised
    reward differs from it by is noise of mean zero, whatever the quotes: taken out, it leaves the best policy and the
    value of every policy as they are, and a learner has less to average. With a signal (risk neutral only) a fill is
    worth its distance from the `fair` price, where the mid will be in the mean; what was held before gains by a fair
    coin that no earlier quote could know.
    """
    bid_odds = min(1.0, p.arrival_rate * p.dt * math.exp(-p.depth_decay * (mid - bid)))
    ask_odds = min(1.0, p.arrival_rate * p.dt * math.exp(-p.depth_decay * (ask - mid)))
    bid_gain = bid_size * (fair - bid + p.maker_rebate * bid)
    ask_gain = ask_size * (ask - fair + p.maker_rebate * ask)
    neither = (1.0 - bid_odds) * (1.0 - ask_odds) * settled(p, held, penalty, 0.0)
    bought = bid_odds * (1.0 - ask_odds) * settled(p, held + bid_size, penalty, bid_gain)
    sold = (1.0 - bid_odds) * ask_odds * settled(p, held - ask_size, penalty, ask_gain)
    both = bid_odds * ask_odds * settled(p, held + bid_size - ask_size, penalty, bid_gain + ask_gain)
    return neither + bought + sold + both


@njit
def settled(p: Any, held: float, penalty: float, gain: float) -> float:
    """Mean reward of a gain over the mid and the inventory held after it.

    E exp(-g q m) over the mid's move m is cosh(g q sigma sqrt(dt)) for a binary one, exp((g q sigma)^2 dt / 2) for a
    normal one.
    """
    mean = gain - penalty * held * held
    if p.risk_weight == 0.0 or p.gamma == 0.0:
        return mean
    swing = p.gamma * held * p.move
    cosh = 0.5 * (math.exp(swing) + math.exp(-swing))
    noise = cosh if p.binary_moves > 0.0 else math.exp(0.5 * swing * swing)
    return mean + p.risk_weight * ((1.0 - math.exp(min(-p.gamma * gain, 50.0)) * noise) / p.gamma - gain)
