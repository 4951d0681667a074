"""Spots, quotes and the cross of a generated market, row by row: the loop that writes the tape.

`market` has the equations. The loop is told where the columns stand (`Places`).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fund.compiled import compiled
from fund.strategy import names
from specialists.fx_arbitrage.step import Columns

Floats = NDArray[np.float64]

HIGH_INTEREST = 0.03  # differential at which a currency's loading on the common factor is full
MOST_LOADING = 0.95
DIGITS = 65536.0  # a uniform's leading bits make one draw, the rest another


class Places(NamedTuple):
    """Where the columns stand in a tape; the pairs' spreads follow each other."""

    base: int
    terms: int
    cross: int
    base_home_spread: int
    base_roll: int
    terms_roll: int
    funding: int
    clockwise_size: int
    anticlockwise_size: int
    pay: int


PLACES = Places(*(names(Columns).index(name) for name in Places._fields))


class Pace(NamedTuple):
    """Numbers of the generating loop."""

    base_price: float
    terms_price: float
    base_step: float  # volatility of a step
    terms_step: float
    correlation: float
    loading: float
    premium: float  # 1 - beta, of a step per unit of roll
    spreads: tuple[float, float, float]
    spread_noise: float
    size: float
    size_noise: float
    deviation: float
    kept: float  # of the cross's deviation from row to row


class Sky(NamedTuple):
    """The weather by day, (days, n), as the loop needs it."""

    volatility: Floats
    shock: Floats
    loading: Floats  # square root of the correlation
    pay: Floats  # multiple of the premium
    liquidity: Floats
    steps: int  # a day; the daily shock moves daily steps only


class Draws(NamedTuple):
    """What is random in the loop, path by path."""

    spot: Floats  # (n, rows - 1, 2), normal
    quotes: Floats  # (n, T + 1, 3), uniform
    rates: Floats  # (2, months, n), differentials a year
    rolls: Floats  # (2, months, n), of a step
    edge: Floats  # (T + 1, n), what an open opportunity pays, + clockwise
    age: Floats  # (T + 1, n), of it, seconds


@compiled(nogil=True)
def write_rows(
    block: Floats, first: int, at: Places, pace: Pace, sky: Sky, warm_up: int, month: int, draws: Draws,
    levels: Floats,
) -> None:  # fmt: skip
    """Write the rows of some paths from path `first` on, and `levels` (3, rows, n) from `warm_up` rows before the tape.

    Levels are the log of base and of terms, and the deviation of the cross.
    """
    rows, n = levels.shape[1], levels.shape[2]
    residual = np.zeros(n)
    for r in range(rows):
        t, j = r - warm_up, r // month
        day = min(max(t, 0) // sky.steps, len(sky.pay) - 1)
        for i in range(n):
            k = first + i
            if t == 0:
                block[0, at.base, k], block[0, at.terms, k] = pace.base_price, pace.terms_price
            if t >= 0:
                _quote(block, at, pace, draws, sky.liquidity[day, i], t, i, k)
                levels[2, r, i] = _deviate(block, at, pace, draws, residual, t, i, k)
                block[t, at.base_roll, k] = draws.rolls[0, j, i]
                block[t, at.terms_roll, k] = draws.rolls[1, j, i]
                block[t, at.pay, k] = pace.premium * sky.pay[day, i]
            if r + 1 < rows:
                _move(block, at, pace, sky, draws, levels, r, t, j, day, i, k)


@njit(forceinline=True)
def _digits(uniform: float) -> tuple[float, float]:
    # two independent uniforms on (-1, 1) out of one: its first 16 bits, and the rest
    scaled = uniform * DIGITS
    whole = math.floor(scaled)
    return 2.0 * (whole + 0.5) / DIGITS - 1.0, scaled - whole


@njit(forceinline=True)
def _quote(
    block: Floats, at: Places, pace: Pace, draws: Draws, liquidity: float, t: int, i: int, k: int
) -> None:
    # half-spreads and sizes of row t
    rest = draws.quotes[i, t, 0]
    for pair in range(3):
        noise, rest = _digits(rest)
        block[t, at.base_home_spread + pair, k] = (
            pace.spreads[pair] / liquidity * (1.0 + pace.spread_noise * noise)
        )
    clockwise, rest = _digits(draws.quotes[i, t, 1])
    size = pace.size * liquidity
    block[t, at.clockwise_size, k] = size * (1.0 + pace.size_noise * clockwise)
    block[t, at.anticlockwise_size, k] = size * (1.0 + pace.size_noise * (2.0 * rest - 1.0))


@njit(forceinline=True)
def _deviate(
    block: Floats, at: Places, pace: Pace, draws: Draws, residual: Floats, t: int, i: int, k: int
) -> float:
    # the cross's mid of row t; the log of what it is over what the other pairs imply
    one = block[t, at.base_home_spread, k]
    two, three = block[t, at.base_home_spread + 1, k], block[t, at.base_home_spread + 2, k]
    residual[i] = pace.kept * residual[i] + (1.0 - pace.kept) * (2.0 * draws.quotes[i, t, 2] - 1.0)
    edge = draws.edge[t, i]
    if edge > 0.0:
        over = (1.0 + edge) * (1.0 + one) / ((1.0 - two) * (1.0 - three))
    elif edge < 0.0:
        over = (1.0 - one) / ((1.0 + two) * (1.0 + three) * (1.0 - edge))
    else:
        over = 1.0 + pace.deviation * three * residual[i]
    block[t, at.cross, k] = block[t, at.base, k] / block[t, at.terms, k] * over
    return math.log(over)


@njit(forceinline=True)
def _move(
    block: Floats, at: Places, pace: Pace, sky: Sky, draws: Draws, levels: Floats, r: int, t: int,
    month: int, day: int, i: int, k: int,
) -> None:  # fmt: skip
    # both currencies over (r, r + 1]; before the tape begins the weather is not on record
    one, two = draws.spot[i, r, 0], draws.spot[i, r, 1]
    two = pace.correlation * one + math.sqrt(1.0 - pace.correlation**2) * two
    shock, volatility, pay = sky.shock[day, i], sky.volatility[day, i], sky.pay[day, i]
    daily = t >= 0 and sky.steps == 1
    for c in range(2):
        d = draws.rates[c, month, i]
        own, step = (one, pace.base_step) if c == 0 else (two, pace.terms_step)
        if daily:
            b = pace.loading * sky.loading[day, i] * min(max(d / HIGH_INTEREST, -1.0), 1.0)
            b = min(max(b, -MOST_LOADING), MOST_LOADING)
            own = b * shock + math.sqrt(1.0 - b * b) * own
        s = step * volatility
        mean = 1.0 + (pace.premium * pay - 1.0) * draws.rolls[c, month, i]
        grown = mean * math.exp(s * own - 0.5 * s * s)
        levels[c, r + 1, i] = levels[c, r, i] + math.log(mean) + s * own - 0.5 * s * s
        if t >= 0:
            place = at.base if c == 0 else at.terms
            block[t + 1, place, k] = block[t, place, k] * grown
