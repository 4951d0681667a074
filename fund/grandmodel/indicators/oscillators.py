"""Wilder's RSI and ATR, and the session's VWAP.

    rsi   100 - 100 / (1 + gain / loss), both smoothed as s' = s + (x - s) / period from the mean of the first `period`
          changes; 50 where nothing moved, 100 where nothing fell
    atr   the true range, max(high, c) - min(low, c) with c the close before, smoothed in the same way
    vwap  sum of volume (high + low + close)/3 over volume since the session began; the close where nothing traded

Source: Wilder (1978), New Concepts in Technical Trading Systems.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fund.compiled import compiled

Floats = NDArray[np.float64]


@compiled(nogil=True)
def rsi(close: Floats, period: int) -> Floats:
    """Relative strength index (n, rows), 0 to 100."""
    out = np.full(close.shape, np.nan)
    for i in range(close.shape[0]):
        gain = loss = 0.0
        for t in range(1, close.shape[1]):
            change = close[i, t] - close[i, t - 1]
            share = 1.0 / t if t <= period else 1.0 / period  # 1/t: the running mean of the first changes
            gain += share * (max(change, 0.0) - gain)
            loss += share * (max(-change, 0.0) - loss)
            if t >= period:
                total = gain + loss
                out[i, t] = 100.0 * gain / total if total > 0.0 else 50.0
    return out


@compiled(nogil=True)
def atr(high: Floats, low: Floats, close: Floats, period: int) -> Floats:
    """Average true range (n, rows), price units."""
    out = np.full(close.shape, np.nan)
    for i in range(close.shape[0]):
        smooth = 0.0
        for t in range(1, close.shape[1]):
            before = close[i, t - 1]
            true = max(high[i, t], before) - min(low[i, t], before)
            smooth += (true - smooth) * (1.0 / t if t <= period else 1.0 / period)
            if t >= period:
                out[i, t] = smooth
    return out


@compiled(nogil=True)
def vwap(high: Floats, low: Floats, close: Floats, volume: Floats, session: NDArray[np.int64]) -> Floats:
    """Volume-weighted average price since the session began (n, rows); `session` (rows,)."""
    out = np.empty(close.shape)
    for i in range(close.shape[0]):
        value = traded = 0.0
        for t in range(close.shape[1]):
            if t > 0 and session[t] != session[t - 1]:
                value = traded = 0.0
            value += volume[i, t] * (high[i, t] + low[i, t] + close[i, t]) / 3.0
            traded += volume[i, t]
            out[i, t] = value / traded if traded > 0.0 else close[i, t]
    return out
