"""MLMI: what followed the crossovers that looked most like the present.

An event is a bar at which WMA5 - WMA20 of the closes changes its sign. It is described by two features, WMA20 of RSI20
and WMA20 of RSI5, and labelled by the sign of the move from its close to that of the next event: known only then, and
only then stored. The last `memory` events are kept. The value of a bar is the mean label of the k stored events whose
features are nearest to the bar's own (of all, where there are no more than k; the newer of two equally near), in
[-1, 1]. The signal of a bar is the direction of the value at an event, 0 elsewhere.

Source: k nearest neighbours, Fix & Hodges (1951); the indicator is Zeiierman's "Machine Learning Momentum Index".
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fund.compiled import compiled
from fund.grandmodel.indicators.moving import wma
from fund.grandmodel.indicators.oscillators import rsi
from fund.market.tape import places

Floats = NDArray[np.float64]

NEIGHBOURS, MEMORY = 200, 500
STORED = places(("slow", "quick", "label"))  # of an event: averages of the RSI, and where the price went


class Vote(NamedTuple):
    """Value and signal, (n, rows)."""

    value: Floats
    signal: Floats


def mlmi(close: Floats, neighbours: int = NEIGHBOURS, memory: int = MEMORY) -> Vote:
    """The vote of each bar; 0 while nothing has been stored."""
    slow, quick = (wma(np.nan_to_num(rsi(close, p), nan=50.0), 20) for p in (20, 5))
    spread = wma(close, 5) - wma(close, 20)
    return Vote(*_vote(close, spread, slow, quick, neighbours, memory))


@compiled(nogil=True)
def _vote(
    close: Floats, spread: Floats, slow: Floats, quick: Floats, neighbours: int, memory: int
) -> tuple[Floats, Floats]:
    value, signal = np.zeros(close.shape), np.zeros(close.shape)
    stored, distance = np.empty((len(STORED), memory)), np.empty(memory)
    for i in range(close.shape[0]):
        events, pending, total = 0, -1, 0.0
        for t in range(1, close.shape[1]):
            crossed = spread[i, t] * spread[i, t - 1] < 0.0 or (
                spread[i, t - 1] == 0.0 and spread[i, t] != 0.0
            )
            if crossed and not np.isnan(slow[i, t]):
                if pending >= 0:
                    place = events % memory
                    total -= stored[STORED.label, place] if events >= memory else 0.0
                    stored[STORED.slow, place] = slow[i, pending]
                    stored[STORED.quick, place] = quick[i, pending]
                    stored[STORED.label, place] = np.sign(close[i, t] - close[i, pending])
                    total += stored[STORED.label, place]
                    events += 1
                pending = t
            if events == 0:
                continue
            kept = min(events, memory)
            if kept <= neighbours:
                value[i, t] = total / kept
            else:
                value[i, t] = _nearest(stored, distance, kept, events, slow[i, t], quick[i, t], neighbours)
            if crossed:
                signal[i, t] = np.sign(value[i, t])
    return value, signal


@compiled(nogil=True)
def _nearest(
    stored: Floats, distance: Floats, kept: int, events: int, slow: float, quick: float, neighbours: int
) -> float:
    for k in range(kept):
        distance[k] = (stored[STORED.slow, k] - slow) ** 2 + (stored[STORED.quick, k] - quick) ** 2
    edge = np.partition(distance[:kept], neighbours - 1)[neighbours - 1]
    total, room = 0.0, neighbours
    for k in range(kept):
        if distance[k] < edge:
            total += stored[STORED.label, k]
            room -= 1
    for back in range(kept):  # of those on the edge, the newest
        place = (events - 1 - back) % kept if kept < events else kept - 1 - back
        if room > 0 and distance[place] == edge:
            total += stored[STORED.label, place]
            room -= 1
    return total / neighbours
