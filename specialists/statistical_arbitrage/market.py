"""Two legs and what ties them, drawn: the worlds of this desk.

`pair`   log price of leg 2, x, and of leg 1, y, one row a day; V is the weather's volatility, m its market shock:
             dx = V s sqrt(dt) (loading m + sqrt(1 - loading^2) e) sqrt(g) + premium drift dt - half its variance
             g' = (1 - a - c/2 - b) + (a + c 1[z < 0]) z^2 + b g,  z = sqrt(g) times the shock    (GJR-GARCH)
             dy = beta dx + dX,   X' = M + (X - M) exp(-k dt) + V eta sqrt((1 - exp(-2 k dt)) / 2k) e'
         k is alpha times the regime's speed: capital for arbitrage is scarce in a crisis. Once a month (21 days) beta
         moves; with a small probability M jumps on some day of the month, X with it, and neither comes back.
         So y - beta x is stationary between breaks while beta stands, and a break is not to be seen coming.
`walks`  two independent martingales of the same volatilities: nobody can earn.
`ou`     leg 2 never moves, leg 1 = leg 2 + X with dX = -alpha X dt + eta dW, sampled exactly. Rows before the start are
         drawn backwards from it; an Ornstein-Uhlenbeck process is the same process in both directions.

Glosten, Jagannathan & Runkle (1993); Shleifer & Vishny (1997) for the speed in a crisis.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fund.compiled import compiled
from fund.market.streams import Streams
from fund.market.weather import Weather

if TYPE_CHECKING:
    from specialists.statistical_arbitrage.strategy import StatisticalArbitrage

Floats = NDArray[np.float64]

# under the weather's regimes, these give the stylised facts of Cont (2001)
ARCH, ASYMMETRY, GARCH = 0.005, 0.07, 0.95
SPEED = np.array([1.2, 1.0, 0.7, 0.4])  # of mean reversion in each regime, multiple of the normal one
MONTH = 21  # rows
UNIFORM = math.sqrt(12.0)  # makes a uniform on (-1/2, 1/2) one of unit variance


class Legs(NamedTuple):
    """Prices of both legs, and the levels in which their spread is measured, which begin a warm-up earlier."""

    price_1: Floats  # (T + 1, n)
    price_2: Floats
    level_1: Floats  # (warm-up + T + 1, n), log price; in the world `ou` the price itself
    level_2: Floats


class Sky(NamedTuple):
    """What the legs take from the weather, by row of the drawn path, each (rows, n)."""

    volatility: Floats
    shock: Floats
    drift: Floats
    regime: NDArray[np.int64]


def pair(desk: StatisticalArbitrage, streams: Streams, weather: Weather, warm_up: int) -> Legs:
    """Two cointegrated legs."""
    rows = warm_up + desk.n_steps
    first = streams.normal("leg_2", rows).T.copy()
    second = streams.normal("residual", rows).T.copy()
    months = streams.uniform("months", -(-rows // MONTH), 3).transpose(1, 2, 0).copy()
    level_1, level_2 = np.zeros((2, rows + 1, len(streams)))
    dt = desk.dt
    shock = _mixed(first, weather.market, desk.market_loading, warm_up)
    daily = desk.leg_volatility * math.sqrt(dt)
    _walk(shock, weather.volatility, weather.drift, daily, desk.premium * dt, warm_up, level_2)
    speed = desk.alpha * SPEED * dt
    kept = np.exp(-speed)
    noise = desk.eta * math.sqrt(dt) * np.sqrt(-np.expm1(-2.0 * speed) / (2.0 * speed))
    steps = desk.hedge_drift * UNIFORM, desk.break_rate * MONTH * dt, desk.break_size * UNIFORM
    start = desk.eta / math.sqrt(2.0 * desk.alpha) * streams.normal("start", 1)[:, 0]
    _tie(
        level_2, second, months, weather.volatility, weather.regime, kept, noise, (desk.hedge_ratio, *steps), start,
        warm_up, level_1,
    )  # fmt: skip
    return _priced(level_1, level_2, desk.price, warm_up)


def walks(desk: StatisticalArbitrage, streams: Streams, weather: Weather, warm_up: int) -> Legs:
    """Two legs that have nothing to do with each other."""
    rows, daily = warm_up + desk.n_steps, desk.leg_volatility * math.sqrt(desk.dt)
    levels = np.zeros((2, rows + 1, len(streams)))
    for level, purpose in zip(levels, ("leg_1", "leg_2"), strict=True):
        shock = streams.normal(purpose, rows).T.copy()
        _walk(shock, weather.volatility, weather.drift, daily, 0.0, warm_up, level)
    return _priced(levels[0], levels[1], desk.price, warm_up)


def ornstein_uhlenbeck(desk: StatisticalArbitrage, streams: Streams, warm_up: int) -> Legs:
    """A leg that never moves and one that wanders around it."""
    speed = desk.alpha * desk.dt
    kept = math.exp(-speed)
    noise = desk.eta * math.sqrt(desk.dt) * math.sqrt(-math.expm1(-2.0 * speed) / (2.0 * speed))
    spread = np.empty((warm_up + desk.n_steps + 1, len(streams)))
    spread[warm_up] = desk.start
    if desk.random_start:
        spread[warm_up] = desk.stationary_deviation * streams.normal("start", 1)[:, 0]
    _revert(streams.normal("residual", desk.n_steps).T.copy(), kept, noise, spread[warm_up:])
    _revert(streams.normal("past", warm_up).T.copy(), kept, noise, spread[warm_up::-1])
    level_1, level_2 = desk.price + spread, np.full_like(spread, desk.price)
    return Legs(level_1[warm_up:], level_2[warm_up:], level_1, level_2)


def _mixed(own: Floats, market: Floats, loading: float, warm_up: int) -> Floats:
    # before day 0 the weather is not on record: the leg's shock is then all its own
    if loading:
        own[warm_up:] = loading * market + math.sqrt(1.0 - loading**2) * own[warm_up:]
    return own


def _priced(level_1: Floats, level_2: Floats, price: float, start: int) -> Legs:
    prices = [price * np.exp(level[start:] - level[start]) for level in (level_1, level_2)]
    return Legs(prices[0], prices[1], level_1, level_2)


@compiled
def _walk(
    shock: Floats,
    volatility: Floats,
    drift: Floats,
    daily: float,
    premium: float,
    warm_up: int,
    level: Floats,
) -> None:
    rows, paths = shock.shape
    heat = np.ones(paths)  # GJR variance, 1 on average
    rest = 1.0 - ARCH - ASYMMETRY / 2.0 - GARCH
    for t in range(rows):
        day = max(t - warm_up, 0)
        for i in range(paths):
            z = math.sqrt(heat[i]) * shock[t, i]
            s = daily * volatility[day, i]
            level[t + 1, i] = level[t, i] + s * z + premium * drift[day, i] - 0.5 * s * s * heat[i]
            heat[i] = rest + (ARCH + (ASYMMETRY if z < 0.0 else 0.0)) * z * z + GARCH * heat[i]


@compiled
def _tie(
    level_2: Floats,
    noise: Floats,
    months: Floats,  # (months, 3, n) uniforms: step of the hedge, when a break comes, how large it is
    volatility: Floats,
    regime: NDArray[np.int64],
    kept: Floats,  # (regimes,)
    deviation: Floats,  # (regimes,)
    scale: tuple[float, float, float, float],
    start: Floats,
    warm_up: int,
    level_1: Floats,
) -> None:
    rows, paths = noise.shape
    hedge, hedge_step, break_chance, break_step = scale
    beta, residual = np.full(paths, hedge), start.copy()  # the residual's distance from its mean
    breaks = np.full(paths, -1)  # the row of this month's break
    for t in range(rows):
        month, day = t // MONTH, max(t - warm_up, 0)
        if t % MONTH == 0:
            for i in range(paths):
                beta[i] += hedge_step * (months[month, 0, i] - 0.5) if t > 0 else 0.0
                early = months[month, 1, i] < break_chance
                breaks[i] = t + int(MONTH * months[month, 1, i] / break_chance) if early else -1
        for i in range(paths):
            state = regime[day, i]
            after = residual[i] * kept[state] + volatility[day, i] * deviation[state] * noise[t, i]
            jump = break_step * (months[month, 2, i] - 0.5) if breaks[i] == t else 0.0
            level_1[t + 1, i] = (
                level_1[t, i] + beta[i] * (level_2[t + 1, i] - level_2[t, i]) + after - residual[i] + jump
            )
            residual[i] = after


@compiled
def _revert(noise: Floats, kept: float, deviation: float, spread: Floats) -> None:
    rows, paths = noise.shape
    for t in range(rows):
        for i in range(paths):
            spread[t + 1, i] = kept * spread[t, i] + deviation * noise[t, i]
