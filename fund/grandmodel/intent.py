"""What a stage of the chain is asked at the open of a day, and the rules that answer where nobody else does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Intent:
    """What a stage sees at the open of a day, for n worlds and K instruments: nothing later."""

    day: int
    target: Floats  # (n, K) shares wanted so far
    held: Floats  # (n, K) shares
    price: Floats  # (n, K) mids at the open
    nav: Floats  # (n,)
    peak: Floats  # (n,) highest NAV so far
    deviation: Floats  # (K,) of a day's move, price units
    correlation: float  # of two instruments; what the VaR limit takes for all pairs
    mids: Floats  # (steps so far, n, K) mids of the days before
    volumes: Floats  # (steps so far, n, K) expected volumes of the days before
    session: int  # steps of a day
    half_spread: float  # share of the price


Decision = Callable[[Intent], Floats]


def hold_the_mandate(intent: Intent) -> Floats:
    """Strategic rule: the target as it is."""
    return intent.target


def trade_at_the_schedule(intent: Intent) -> Floats:
    """Tactical rule: all of the gap today; execution's schedule does the rest."""
    return np.ones_like(intent.target)


def limits_only(intent: Intent) -> Floats:
    """Risk rule: all that the limits allow."""
    return np.ones_like(intent.target)


def leaning(direction: Decision, tilt: float) -> Decision:
    """Strategic stage from directions in [-1, 1], as a trained policy gives them: long adds, short takes away."""
    return lambda intent: intent.target + tilt * np.clip(direction(intent), -1.0, 1.0) * np.abs(intent.target)
