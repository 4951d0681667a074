"""What the rules of the strategic and the tactical stage are written with."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fund.strategy import View

Floats = NDArray[np.float64]


def slot(view: View, name: str) -> Floats:
    """One slot of the observation, (n,)."""
    return view.observation[:, view.strategy.features.index(name)].astype(np.float64)


def votes(directions: Floats) -> Floats:
    """Directions (n, voters) as probabilities of short, neutral and long, (n, 3 voters)."""
    sides = np.sign(directions)[:, :, None]
    return (sides == np.array([-1.0, 0.0, 1.0])).astype(np.float64).reshape(len(directions), -1)
