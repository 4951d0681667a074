"""Bars of one market by the minute, and the longer bars they make; drawn here, read from files in `recorded_bars`.

A minute of a generated session, with x the log price, V the weather's volatility and U the shape of the day,

    x' = x + d - s^2 w / 2 + s sqrt(w) z,    s = daily / sqrt(minutes) U_m V,    d = trend + signal + gap
    w = exp(c e - c^2/2)                     how much is going on (Clark, 1973): fat tails, and the volume
    volume = base U'_m w (0.6 + 0.4 z^2)

    trend    Ornstein-Uhlenbeck, drawn each half hour: what the experts of the strategic stage look for
    signal   `edge` times a standard normal known half an hour before: the planted signal
    gap      after a fair-value gap of the 5-minute bars the price runs on for some bars, or comes back to fill it

High and low are the extremes of the Brownian bridge between open and close (each exact, drawn apart). Overnight moves
and jumps have mean 1 in price, so that without d the price is a martingale.

Sources: Admati & Pfleiderer (1988) for the U shape; Clark (1973); Merton (1976) for the jumps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fund.compiled import compiled
from fund.errors import InvalidParameter
from fund.market.streams import Paths
from fund.market.weather import Weather

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SESSION = 390  # minutes, 09:30 to 16:00
SIGNAL_MINUTES, GAP_MINUTES = 30, 5  # how long a signal holds; the bars that gaps are seen in
BODIES = 10  # bars over which the usual body is measured


class Bars(NamedTuple):
    """Bars of n paths under one clock; row t is known at the end of its last minute."""

    open: Floats  # (n, rows)
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    minute: Ints  # (rows,) of the session in which the bar begins
    session: Ints  # (rows,) number of the trading day
    minutes: int  # length of a bar
    session_length: int  # minutes

    @property
    def rows(self) -> int:
        """How many."""
        return int(self.close.shape[1])

    def cut(self, rows: slice) -> Bars:
        """Some of the rows."""
        o, h, low, c, v = (
            field[:, rows] for field in (self.open, self.high, self.low, self.close, self.volume)
        )
        return Bars(o, h, low, c, v, self.minute[rows], self.session[rows], self.minutes, self.session_length)

    @property
    def time_of_day(self) -> Floats:
        """(rows,) share of the session that has passed at the end of the bar."""
        return (self.minute + self.minutes) / self.session_length


@dataclass(frozen=True)
class BarMarket:
    """Parameters of the generated market."""

    price: float = 100.0  # at the start, account currency
    daily_volatility: float = 0.010  # of a session in the normal regime
    overnight_volatility: float = 0.005
    u_shape: float = 1.2  # volatility at the ends of a session over that at noon, less 1
    volume: float = 20_000.0  # units a minute, on average
    activity: float = 0.5  # standard deviation of the logarithm of what is going on
    jump_rate: float = 0.05  # a day
    jump_size: float = 0.01  # standard deviation of its logarithm
    trend_ratio: float = (
        3.0  # yearly Sharpe ratio of a position that knows the trend, one standard deviation of it
    )
    trend_days: float = 5.0  # half-life of the trend
    edge: float = 0.0  # drift in half an hour per unit of the signal, in that half hour's own deviations
    gap_edge: float = 0.12  # drift of a bar after a fair-value gap, in a 5-minute bar's own deviations
    gap_run: float = 0.75  # share of gaps that run on; the others are filled
    gap_bars: int = 12  # 5-minute bars that this lasts
    impulse: float = 1.5  # mean bodies that the middle bar of a gap must exceed

    def __post_init__(self) -> None:
        """Refuse numbers that no market has; raises InvalidParameter."""
        for name in ("price", "daily_volatility", "volume", "trend_days", "impulse"):
            if getattr(self, name) <= 0.0:
                raise InvalidParameter(f"bars: {name} is {getattr(self, name)}, wanted a number above 0")
        if not 0.0 <= self.gap_run <= 1.0 or not 0.0 <= self.jump_rate <= 1.0:
            raise InvalidParameter("bars: gap_run and jump_rate must be within 0 and 1")

    @property
    def half_hour_deviation(self) -> float:
        """Usual deviation of a half hour's return in the normal regime."""
        return self.daily_volatility * math.sqrt(SIGNAL_MINUTES / SESSION)


def day_shape(amplitude: float, power: float = 1.0, length: int = SESSION) -> Floats:
    """U shape over the minutes of a session, (length,); the mean of its square is 1 (of itself, with power .5)."""
    x = (np.arange(length) + 0.5) / length
    shape = 1.0 + amplitude * (2.0 * x - 1.0) ** 2
    return np.asarray(shape / np.mean(shape ** (2.0 * power)) ** (0.5 / power))


def draw_minutes(
    market: BarMarket, paths: Paths, sky: Weather, days: int, warm_up: int, world: str
) -> tuple[Bars, Floats]:
    """One-minute bars over `warm_up` + `days` sessions, and the signal of each half hour (n, half hours).

    The weather's day 0 is the first after the warm-up, before which its day 0 holds. Half hour b's signal is known
    before it begins.
    """
    streams, sessions = paths.streams(world), warm_up + days
    rows, halves = sessions * SESSION, sessions * SESSION // SIGNAL_MINUTES
    shocks = (
        streams.normal("prices", rows),
        streams.normal("activity", rows),
        streams.uniform("ranges", rows, 2),
    )
    events = (
        streams.normal("nights", sessions),
        streams.uniform("jump_times", sessions),
        streams.normal("jump_sizes", sessions),
        streams.normal("trend", halves + 1),
        streams.normal("signal", halves + 1),
        streams.uniform("gaps", rows // GAP_MINUTES),
    )
    per_minute = market.daily_volatility / math.sqrt(SESSION)
    shape, busy = per_minute * day_shape(market.u_shape), market.volume * day_shape(market.u_shape, 0.5)
    out = np.empty((5, len(paths), rows))
    _draw(shocks, events, (sky.volatility, sky.liquidity), (shape, busy), _numbers(market), warm_up, out)
    clock = np.arange(rows)
    bars = Bars(out[0], out[1], out[2], out[3], out[4], clock % SESSION, clock // SESSION, 1, SESSION)
    return bars, events[4]


def _numbers(market: BarMarket) -> tuple[float, ...]:
    blocks = SESSION / SIGNAL_MINUTES
    kept = 0.5 ** (1.0 / (market.trend_days * blocks))
    trend = market.trend_ratio / math.sqrt(252.0) * market.daily_volatility / SESSION
    gap = market.gap_edge * market.daily_volatility * math.sqrt(GAP_MINUTES / SESSION) / GAP_MINUTES
    signal = market.edge * market.half_hour_deviation / SIGNAL_MINUTES
    return (
        market.price, market.overnight_volatility, market.activity, market.jump_rate, market.jump_size,
        kept, trend, signal, gap, market.gap_run, float(market.gap_bars), market.impulse,
    )  # fmt: skip


@njit(forceinline=True)
def _range(r: float, s: float, above: float, below: float) -> tuple[float, float]:
    # extremes of a Brownian bridge from 0 to r whose deviation is s, by two uniforms
    up = 0.5 * (r + math.sqrt(r * r - 2.0 * s * s * math.log(above)))
    return up, 0.5 * (r - math.sqrt(r * r - 2.0 * s * s * math.log(below)))


@njit(forceinline=True)
def _push(fives: Floats, begins: bool, low: float, high: float, first: float, last: float) -> None:
    # one minute into the 5-minute bars (open, high, low, close), of which the last three are kept
    if begins:
        fives[0], fives[1] = fives[1].copy(), fives[2].copy()
        fives[2, 0], fives[2, 1], fives[2, 2] = first, high, low
    fives[2, 1], fives[2, 2], fives[2, 3] = max(fives[2, 1], high), min(fives[2, 2], low), last


@njit(forceinline=True)
def _gap(fives: Floats, bodies: Floats, impulse: float) -> float:
    # 1 where the last bar leaves a gap upwards, -1 downwards, 0 none
    if abs(fives[1, 3] - fives[1, 0]) <= impulse * bodies.sum() / BODIES:
        return 0.0
    return 1.0 if fives[2, 2] > fives[0, 1] else (-1.0 if fives[2, 1] < fives[0, 2] else 0.0)


@njit(forceinline=True)
def _jump(t: int, chance: float, when: Floats, size: Floats, deviation: float) -> float:
    # at most one a day, in its own minute
    day = t // SESSION
    if when[day] >= chance or t % SESSION != int(SESSION * when[day] / chance):
        return 0.0
    return deviation * size[day] - 0.5 * deviation * deviation


@compiled(nogil=True)
def _draw(
    shocks: tuple[Floats, Floats, Floats],
    events: tuple[Floats, Floats, Floats, Floats, Floats, Floats],
    sky: tuple[Floats, Floats],
    shapes: tuple[Floats, Floats],
    numbers: tuple[float, ...],
    warm_up: int,
    out: Floats,
) -> None:
    z, e, u = shocks
    nights, jump_times, jump_sizes, trends, signals, gaps = events
    price, overnight, activity, jump_rate, jump_size = numbers[:5]
    kept, trend_size, signal_size, gap_size, gap_run, gap_bars, impulse = numbers[5:]
    fresh = math.sqrt(1.0 - kept * kept)
    bodies, fives = np.zeros(BODIES), np.zeros((3, 4))
    for i in range(z.shape[0]):
        x, trend, side, left, seen = math.log(price), trends[i, 0], 0.0, 0, 0
        for t in range(z.shape[1]):
            minute, day = t % SESSION, max(t // SESSION - warm_up, 0)
            vol = sky[0][day, i]
            if minute == 0 and t > 0:
                night = overnight * vol
                x += night * nights[i, t // SESSION] - 0.5 * night * night
            if minute % SIGNAL_MINUTES == 0:
                trend = kept * trend + fresh * trends[i, t // SIGNAL_MINUTES + 1]
            w = math.exp(activity * (e[i, t] - 0.5 * activity))
            s = shapes[0][minute] * vol * math.sqrt(w)
            known = trend_size * trend + signal_size * signals[i, t // SIGNAL_MINUTES] + side * gap_size
            r = (
                known
                - 0.5 * s * s
                + s * z[i, t]
                + _jump(t, jump_rate, jump_times[i], jump_sizes[i], jump_size)
            )
            up, down = _range(r, s, u[i, t, 0], u[i, t, 1])
            out[0, i, t], out[3, i, t] = math.exp(x), math.exp(x + r)
            out[1, i, t], out[2, i, t] = math.exp(x + up), math.exp(x + down)
            out[4, i, t] = shapes[1][minute] * w * sky[1][day, i] * (0.6 + 0.4 * z[i, t] * z[i, t])
            _push(fives, minute % GAP_MINUTES == 0, out[2, i, t], out[1, i, t], out[0, i, t], out[3, i, t])
            x += r
            if minute % GAP_MINUTES == GAP_MINUTES - 1:
                left -= 1
                side = side if left > 0 else 0.0
                whole = seen >= BODIES + 2 and minute >= 3 * GAP_MINUTES - 1  # all three in this session
                found = _gap(fives, bodies, impulse) if whole else 0.0
                if found != 0.0:
                    side = found if gaps[i, t // GAP_MINUTES] <= gap_run else -found
                    left = int(gap_bars)
                bodies[seen % BODIES] = abs(fives[1, 3] - fives[1, 0])
                seen += 1


def aggregate(bars: Bars, minutes: int) -> Bars:
    """Bars of `minutes`, none across two sessions, none from a bucket that is not over.

    Missing minutes make a bar of those that are there, and a bucket without any makes none. Raises InvalidParameter
    where `minutes` is not a multiple of the bars' own.
    """
    if minutes % bars.minutes or minutes < bars.minutes:
        raise InvalidParameter(f"bars of {minutes} minutes from bars of {bars.minutes}")
    if minutes == bars.minutes:
        return bars
    starts, kept = _buckets(bars, minutes)
    ends = np.append(starts[1:], bars.rows) - 1
    whole = Bars(
        np.take(bars.open, starts, axis=1),
        np.maximum.reduceat(bars.high, starts, axis=1),
        np.minimum.reduceat(bars.low, starts, axis=1),
        np.take(bars.close, ends, axis=1),
        np.add.reduceat(bars.volume, starts, axis=1),
        bars.minute[starts] // minutes * minutes,
        bars.session[starts],
        minutes,
        bars.session_length,
    )
    return whole.cut(slice(0, kept))


def _buckets(bars: Bars, minutes: int) -> tuple[Ints, int]:
    # first row of each bucket, and how many buckets are over
    bucket = bars.session * (bars.session_length // minutes + 2) + bars.minute // minutes
    starts = np.flatnonzero(np.concatenate([[True], np.diff(bucket) != 0]))
    last = int(bars.minute[-1]) + bars.minutes
    over = last % minutes == 0 or last >= bars.session_length
    return starts, len(starts) - (0 if over else 1)


def without_edges(market: BarMarket) -> BarMarket:
    """The same market with nothing to be known: no trend, no signal, no drift after gaps."""
    return replace(market, trend_ratio=0.0, edge=0.0, gap_edge=0.0)
