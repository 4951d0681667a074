"""Averages and what is measured around them.

sma       mean of the last `period` values
wma       weights period, period - 1, ..., 1, the newest the heaviest
ema       e' = e + 2/(period + 1) (x - e), from the first value
deviation standard deviation of the last `period` values, around their mean, with n below
momentum  logarithm of x_t / x_(t - period)
macd      ema_fast - ema_slow, its own ema, and the difference            (Appel, 1979)
bollinger mean, and mean -+ width deviations                              (Bollinger, 2002)
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fund.compiled import compiled

Floats = NDArray[np.float64]


class Macd(NamedTuple):
    """Line, signal and histogram."""

    line: Floats
    signal: Floats
    histogram: Floats


class Bands(NamedTuple):
    """Middle, lower and upper band."""

    middle: Floats
    lower: Floats
    upper: Floats


@compiled(nogil=True)
def sma(x: Floats, period: int) -> Floats:
    """Simple moving average (n, rows)."""
    out = np.full(x.shape, np.nan)
    for i in range(x.shape[0]):
        for t in range(period - 1, x.shape[1]):
            total = 0.0
            for k in range(t - period + 1, t + 1):
                total += x[i, k]
            out[i, t] = total / period
    return out


@compiled(nogil=True)
def wma(x: Floats, period: int) -> Floats:
    """Weighted moving average (n, rows)."""
    out, whole = np.full(x.shape, np.nan), 0.5 * period * (period + 1)
    for i in range(x.shape[0]):
        for t in range(period - 1, x.shape[1]):
            total = 0.0
            for k in range(period):
                total += (k + 1) * x[i, t - period + 1 + k]
            out[i, t] = total / whole
    return out


@compiled(nogil=True)
def ema(x: Floats, period: int) -> Floats:
    """Exponential moving average (n, rows)."""
    out, share = np.empty(x.shape), 2.0 / (period + 1.0)
    for i in range(x.shape[0]):
        e = x[i, 0]
        for t in range(x.shape[1]):
            e += share * (x[i, t] - e)
            out[i, t] = e
    return out


@compiled(nogil=True)
def deviation(x: Floats, period: int) -> Floats:
    """Standard deviation of each window (n, rows)."""
    out = np.full(x.shape, np.nan)
    for i in range(x.shape[0]):
        for t in range(period - 1, x.shape[1]):
            total = square = 0.0
            for k in range(t - period + 1, t + 1):
                total += x[i, k]
            mean = total / period
            for k in range(t - period + 1, t + 1):
                square += (x[i, k] - mean) ** 2
            out[i, t] = math.sqrt(square / period)
    return out


@compiled(nogil=True)
def momentum(x: Floats, period: int) -> Floats:
    """Log change over `period` rows (n, rows)."""
    out = np.full(x.shape, np.nan)
    for i in range(x.shape[0]):
        for t in range(period, x.shape[1]):
            out[i, t] = math.log(x[i, t] / x[i, t - period])
    return out


def macd(close: Floats, fast: int = 12, slow: int = 26, signal: int = 9) -> Macd:
    """Moving average convergence and divergence of closes."""
    line = ema(close, fast) - ema(close, slow)
    smooth = ema(line, signal)
    return Macd(line, smooth, line - smooth)


def bollinger(close: Floats, period: int = 20, width: float = 2.0) -> Bands:
    """Bands around the mean of closes."""
    middle, spread = sma(close, period), width * deviation(close, period)
    return Bands(middle, middle - spread, middle + spread)
