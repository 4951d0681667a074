"""The minutes of the generated market, drawn path by path, and the bars of any length that they make (`bar_market`)."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fund.compiled import compiled
from fund.grandmodel.bar_market import GAP_MINUTES, SIGNAL_MINUTES, BarMarket, day_shape
from fund.grandmodel.bars import SESSION, Bars
from fund.market.garch import next_heat
from fund.market.streams import Paths
from fund.market.weather import Weather

Floats = NDArray[np.float64]

# of the days' variance; jumps and the trend have no memory of volatility, so it takes more than an index (Cont, 2001)
ARCH, ASYMMETRY, GARCH = 0.0, 0.10, 0.94
BODIES = 10  # bars over which the usual body is measured


class World(NamedTuple):
    """The market as the loop takes it."""

    price: float
    overnight: float
    usual: float  # deviation of a day, night included
    clustering: bool
    activity: float
    jump_rate: float
    jump_size: float
    trend_kept: float  # a half hour
    trend_fresh: float
    trend: float  # drift a minute of one standard deviation
    signal: float  # the same of the signal
    gap: float  # and after a gap
    gap_run: float
    gap_bars: float
    impulse: float
    deviation: Floats  # (SESSION,) of a minute's move
    busy: Floats  # (SESSION,) units a minute


class Noise(NamedTuple):
    """What is drawn of n paths; uniforms are above 0."""

    price: Floats  # (n, rows) normal
    activity: Floats  # (n, rows) normal
    extremes: Floats  # (n, rows, 2) uniform, of the high and the low
    night: Floats  # (n, sessions) normal
    jump_time: Floats  # (n, sessions) uniform
    jump: Floats  # (n, sessions) normal
    trend: Floats  # (n, half hours + 1) normal
    signal: Floats  # (n, half hours + 1) normal
    gap: Floats  # (n, five minutes) uniform


def world_of(market: BarMarket) -> World:
    """The loop's parameters."""
    per_minute = market.daily_volatility / math.sqrt(SESSION)
    kept = 0.5 ** (1.0 / (market.trend_days * (SESSION / SIGNAL_MINUTES)))
    return World(
        market.price, market.overnight_volatility, math.hypot(market.daily_volatility, market.overnight_volatility),
        market.clustering, market.activity, market.jump_rate, market.jump_size,
        kept, math.sqrt(1.0 - kept * kept),
        market.trend_ratio / math.sqrt(252.0) * market.daily_volatility / SESSION,
        market.edge * market.half_hour_deviation / SIGNAL_MINUTES,
        market.gap_edge * market.daily_volatility * math.sqrt(GAP_MINUTES / SESSION) / GAP_MINUTES,
        market.gap_run, float(market.gap_bars), market.impulse,
        per_minute * day_shape(market.u_shape), market.volume * day_shape(market.u_shape, 0.5),
    )  # fmt: skip


def noise_of(paths: Paths, world: str, sessions: int) -> Noise:
    """The draws of some paths over so many sessions."""
    streams, rows = paths.streams(world), sessions * SESSION
    halves = rows // SIGNAL_MINUTES + 1
    return Noise(
        streams.normal("prices", rows), streams.normal("activity", rows), streams.uniform("ranges", rows, 2),
        streams.normal("nights", sessions), streams.uniform("jump_times", sessions),
        streams.normal("jump_sizes", sessions), streams.normal("trend", halves), streams.normal("signal", halves),
        streams.uniform("gaps", rows // GAP_MINUTES),
    )  # fmt: skip


def draw_bars(
    market: BarMarket, paths: Paths, sky: Weather, days: int, warm_up: int, world: str, minutes: int = 1
) -> tuple[Bars, Floats, Floats]:
    """Bars of `minutes` over `warm_up` + `days` sessions, the signal of each half hour, what could be foreseen.

    The weather's day 0 is the first after the warm-up, before which its day 0 holds. Half hour b's signal is known
    before it begins. The last, (n, rows), is the sum of the expected moves so far, price units, of who knows trend,
    signal and gaps: the close less it is a martingale at the ends of 5-minute bars. Bars of 5 or 30 minutes are those
    that `aggregate` makes of bars of one, without making these.
    """
    sessions, n = warm_up + days, len(paths)
    noise, first = noise_of(paths, world, sessions), np.arange(0, SESSION, minutes)
    prices = np.empty((5, n, sessions * len(first)))
    volume = np.empty((n, sessions * SESSION))
    _draw(noise, sky.volatility, sky.liquidity, world_of(market), warm_up, minutes, prices, volume)
    minute, session = np.tile(first, sessions), np.repeat(np.arange(sessions), len(first))
    if minutes > 1:
        volume = np.add.reduceat(volume, minute + session * SESSION, axis=1)
    opened, high, low, close, foreseen = prices
    return Bars(opened, high, low, close, volume, minute, session, minutes, SESSION), noise.signal, foreseen


class Minutes(NamedTuple):
    """One session's minutes, each (SESSION,), before it is walked through."""

    normal: Floats  # of the moves
    spread: Floats  # deviation of each move
    above: Floats  # 2 s^2 ln u of the high
    below: Floats  # and of the low


class Five(NamedTuple):
    """The last 5-minute bars of a path, as the gaps need them."""

    bodies: Floats  # (BODIES,) of the bars before the last
    at: Floats  # (12,) see below


OPEN, HIGH, LOW, BODY = 0, 1, 2, 3  # open of the bar that runs; the bar before
HIGH_2, LOW_2 = 4, 5  # of the one before that
SIDE, LEFT, SEEN = 6, 7, 8  # side and bars left of a gap in force, bars so far
FORESEEN, PUSH, GROWTH = (
    9,
    10,
    11,
)  # expected moves so far, price units; drift a minute, and what it comes to in a bar


@compiled(nogil=True, error_model="numpy")
def _draw(
    noise: Noise, heat: Floats, liquidity: Floats, w: World, warm_up: int, every: int, prices: Floats, volume: Floats
) -> None:  # fmt: skip
    rows = (SESSION + every - 1) // every
    five = Five(np.empty(BODIES), np.empty(12))
    known = Minutes(np.empty(SESSION), np.empty(SESSION), np.empty(SESSION), np.empty(SESSION))
    for i in range(noise.price.shape[0]):
        five.bodies[:], five.at[:] = 0.0, 0.0
        x, trend, clustered = math.log(w.price), noise.trend[i, 0], 1.0
        for session in range(noise.night.shape[1]):
            regime, liquid = heat[max(session - warm_up, 0), i], liquidity[max(session - warm_up, 0), i]
            hot, moved = regime * math.sqrt(clustered), 0.0
            if session > 0:
                night = w.overnight * hot
                moved = night * noise.night[i, session]
                x += moved - 0.5 * night * night
            moved += _prepare(noise, i, session, hot, liquid, w, known, volume)
            if w.clustering:
                clustered = next_heat(clustered, moved / (w.usual * regime), ARCH, ASYMMETRY, GARCH)
            bars = prices[:, i, session * rows :]
            x, trend = _walk(noise, i, session, x, trend, known, five, w, every, bars)


@njit(forceinline=True)
def _prepare(
    noise: Noise, i: int, session: int, hot: float, liquid: float, w: World, known: Minutes, volume: Floats
) -> float:
    # the sum of the minutes' moves; apart from the walk, so that no minute waits for the one before it
    first = session * SESSION
    z, e, u = noise.price[i, first:], noise.activity[i, first:], noise.extremes[i, first:]
    traded, moved = volume[i, first:], 0.0
    for k in range(SESSION):
        lively = math.exp(w.activity * (e[k] - 0.5 * w.activity))
        s = w.deviation[k] * hot * math.sqrt(lively)
        known.normal[k], known.spread[k] = z[k], s
        moved += s * z[k]
        known.above[k], known.below[k] = 2.0 * s * s * math.log(u[k, 0]), 2.0 * s * s * math.log(u[k, 1])
        traded[k] = w.busy[k] * lively * liquid * (0.6 + 0.4 * z[k] * z[k])
    return moved


@njit(forceinline=True)
def _walk(
    noise: Noise, i: int, session: int, x: float, trend: float, known: Minutes, five: Five, w: World, every: int,
    bars: Any,
) -> tuple[float, float]:  # fmt: skip
    # through one session: the log price at its end, and the trend
    row, left, drift, opened, top, bottom = 0, every, 0.0, math.exp(x), -np.inf, np.inf
    jump_at = _jump_minute(noise.jump_time[i, session], w)
    jump = w.jump_size * noise.jump[i, session] - 0.5 * w.jump_size * w.jump_size
    five.at[OPEN] = opened
    for first in range(0, SESSION, GAP_MINUTES):
        if first % SIGNAL_MINUTES == 0:
            half = (session * SESSION + first) // SIGNAL_MINUTES
            trend = w.trend_kept * trend + w.trend_fresh * noise.trend[i, half + 1]
            drift = w.trend * trend + w.signal * noise.signal[i, half]
        push, five_top, five_bottom = drift + five.at[SIDE] * w.gap, -np.inf, np.inf
        _expect(five, push)
        for k in range(first, first + GAP_MINUTES):
            s = known.spread[k]
            r = push - 0.5 * s * s + s * known.normal[k] + (jump if k == jump_at else 0.0)
            # the extremes of a Brownian bridge from 0 to r whose deviation is s
            high = x + 0.5 * (r + math.sqrt(r * r - known.above[k]))
            low = x + 0.5 * (r - math.sqrt(r * r - known.below[k]))
            top, bottom = max(top, high), min(bottom, low)
            five_top, five_bottom = max(five_top, high), min(five_bottom, low)
            x, left = x + r, left - 1
            if left == 0 or k == SESSION - 1:
                opened = _put(bars, row, opened, top, bottom, x)
                bars[4, row] = five.at[FORESEEN]
                row, left, top, bottom = row + 1, every, -np.inf, np.inf
        uniform = noise.gap[i, (session * SESSION + first) // GAP_MINUTES]
        _look_for_gap(five, first, math.exp(x), five_top, five_bottom, uniform, w)
    return x, trend


@njit(forceinline=True)
def _expect(five: Five, push: float) -> None:
    at = five.at
    if push != at[PUSH]:
        at[PUSH], at[GROWTH] = push, math.expm1(GAP_MINUTES * push)
    at[FORESEEN] += at[OPEN] * at[GROWTH]


@njit(forceinline=True)
def _put(bars: Any, row: int, opened: float, top: float, bottom: float, x: float) -> float:
    # a bar that is over; its close is the next one's open
    close = math.exp(x)
    bars[0, row], bars[1, row], bars[2, row], bars[3, row] = opened, math.exp(top), math.exp(bottom), close
    return close


@njit(forceinline=True)
def _jump_minute(when: float, w: World) -> int:
    # at most one a day
    return int(SESSION * when / w.jump_rate) if when < w.jump_rate else -1


@njit(forceinline=True)
def _look_for_gap(
    five: Five, minute: int, close: float, top: float, bottom: float, uniform: float, w: World
) -> None:
    # at the end of a 5-minute bar; the three of a gap are of one session
    at, seen = five.at, int(five.at[SEEN])
    at[LEFT] -= 1.0
    if at[LEFT] <= 0.0:
        at[SIDE] = 0.0
    found = 1.0 if bottom > at[HIGH_2] else (-1.0 if top < at[LOW_2] else 0.0)
    whole = seen >= BODIES + 2 and minute >= 2 * GAP_MINUTES
    if found != 0.0 and whole and at[BODY] > w.impulse * five.bodies.sum() / BODIES:
        at[SIDE], at[LEFT] = found if uniform <= w.gap_run else -found, w.gap_bars
    five.bodies[seen % BODIES] = at[BODY]
    at[HIGH_2], at[LOW_2], at[HIGH], at[LOW] = at[HIGH], at[LOW], top, bottom
    at[OPEN], at[BODY], at[SEEN] = close, abs(close - at[OPEN]), seen + 1.0
