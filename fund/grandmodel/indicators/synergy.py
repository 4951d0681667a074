"""Synergy: three signals in one direction within a few bars, in one of four orders.

    1  mlmi, nwrqk, fvg      2  mlmi, fvg, nwrqk      3  nwrqk, fvg, mlmi      4  nwrqk, mlmi, fvg

Only the last signal of each kind counts. Signals of one bar come in whichever order makes a type, the first of the
list. Once found, a synergy is in force for `COOLDOWN` bars, in which no other is looked for.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fund.compiled import compiled

Floats = NDArray[np.float64]

WINDOW, COOLDOWN = 10, 5
TYPES = ("none", "mlmi_nwrqk_fvg", "mlmi_fvg_nwrqk", "nwrqk_fvg_mlmi", "nwrqk_mlmi_fvg")


class Synergy(NamedTuple):
    """Type (0: none) and direction of the synergy in force, (n, rows)."""

    kind: Floats
    direction: Floats


def find_synergy(
    mlmi: Floats, nwrqk: Floats, fvg: Floats, window: int = WINDOW, cooldown: int = COOLDOWN
) -> Synergy:
    """The synergy in force at each row, of signals -1, 0, 1."""
    return Synergy(*_find(np.stack([mlmi, nwrqk, fvg]), window, cooldown))


@compiled(nogil=True)
def _find(signals: Floats, window: int, cooldown: int) -> tuple[Floats, Floats]:
    _, paths, rows = signals.shape
    kind, direction = np.zeros((2, paths, rows))
    when, side = np.empty(3), np.empty(3)
    for i in range(paths):
        when[:], side[:] = -1e9, 0.0
        until, found, way = -1, 0, 0.0
        for t in range(rows):
            spoke = False
            for k in range(3):
                if signals[k, i, t] != 0.0:
                    when[k], side[k], spoke = t, signals[k, i, t], True
            if t >= until and spoke and side[0] == side[1] == side[2] and t - when.min() < window:
                found = _order(when[0], when[1], when[2])
                if found > 0:
                    until, way = t + cooldown, side[0]
            if t < until:
                kind[i, t], direction[i, t] = found, way
    return kind, direction


@compiled(nogil=True)
def _order(m: float, n: float, f: float) -> int:
    if m <= n and n <= f:
        return 1
    if m <= f and f <= n:
        return 2
    if n <= f and f <= m:
        return 3
    return 4 if n <= m and m <= f else 0
