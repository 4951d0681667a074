"""What the rules of the strategic and the tactical stage are written with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fund.strategy import Policy

Floats = NDArray[np.float64]


def votes(directions: Floats) -> Floats:
    """Directions (n, voters) as probabilities of short, neutral and long, (n, 3 voters)."""
    sides = np.sign(directions)[:, :, None]
    return (sides == np.array([-1.0, 0.0, 1.0])).astype(np.float64).reshape(len(directions), -1)


def all_follow(name: str) -> Callable[[Any], Policy]:
    """A rule by which all three take the side of one slot of the observation."""
    return lambda strategy: lambda view: votes(np.repeat(view.slot(name)[:, None], 3, axis=1))


def always_long(strategy: Any) -> Policy:
    """All three long for ever."""
    return lambda view: votes(np.ones((view.n, 3)))
