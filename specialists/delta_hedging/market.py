"""The underlier, drawn: what it does, and at what volatility options on it are quoted.

`gbm`       S moves by exp((mu - dividend - sigma^2/2) dt + sigma sqrt(dt) e), e normal; with `momentum` m successive e
            have correlation m
`binomial`  S moves by exp(+-sigma sqrt(dt)), up with the probability at which its mean is exp((mu - dividend) dt)
`garch`     daily, with V the weather's volatility and w its market shock:
                log S moves by s z - s^2 h / 2,  s = sigma V sqrt(dt),  z = sqrt(h) (l w + sqrt(1 - l^2) e)
                h' = (1 - a - c/2 - b) + (a + c 1[z < 0]) z^2 + b h                                   (GJR-GARCH)
            so that, given its past, S is a martingale (plus drift).
`heston`, `sabr`   in `stochastic_volatility`

The fair volatility under `garch` is the root of the variance that regime and h let expect over the option's life,

    sigma^2 / m  sum_(j < m) E[V_j^2 | regime] (1 + (h - 1) (a + c/2 + b)^j),

where row t knows the regime of day t - 1 (row 0 that of day 0). Options are quoted `volatility_premium` above it.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fund.compiled import compiled
from fund.market.garch import PERSISTENCE, next_heat
from fund.market.streams import Paths, Streams
from fund.market.tape import Tape
from fund.market.weather import TRANSITION, VOLATILITY, Weather
from specialists.delta_hedging.moments import Next, write_garch_moments, write_moments
from specialists.delta_hedging.stochastic_volatility import heston, sabr
from specialists.delta_hedging.valuation import Quotes, lay_out, schedule, strikes

if TYPE_CHECKING:
    from specialists.delta_hedging.strategy import DeltaHedging

Floats = NDArray[np.float64]


def record(desk: DeltaHedging, paths: Paths, weather: Weather | None) -> Tape:
    """The tape of generated paths."""
    streams = paths.streams(desk.name)
    sky = desk.sky(paths, desk.days, weather) if desk.market == "garch" else None
    spot, implied, before = _DRAWN[desk.market](desk, streams, sky)
    plan, ones = schedule(desk), np.ones_like(spot)
    time = np.asarray(plan.left[:, None] * desk.dt * ones, dtype=np.float64)
    quotes = Quotes(
        spot, strikes(desk, spot), time, implied * (1.0 + desk.volatility_premium), plan.sale[:, None] * ones,
        plan.open[:, None] * ones, before, np.empty((0, 0)),
    )  # fmt: skip
    tape = lay_out(desk, quotes)
    if desk.control_variate and sky is not None:
        write_garch_moments(desk, tape, following(desk, spot, sky))
    elif desk.control_variate:
        write_moments(desk, tape)
    return tape


def gbm(desk: DeltaHedging, streams: Streams, sky: Weather | None) -> tuple[Floats, Floats, Floats]:
    """Spot, volatility (T+1, n) and volatility before row 0 (n,)."""
    shocks = streams.normal("spot", desk.n_steps).T.copy()
    if desk.momentum != 0.0:
        _chain(shocks, desk.momentum)
    level = np.zeros((desk.n_steps + 1, shocks.shape[1]))
    np.cumsum(desk.log_drift * desk.dt + desk.move * shocks, axis=0, out=level[1:])
    return desk.spot * np.exp(level), np.full_like(level, desk.sigma), np.full(level.shape[1], desk.sigma)


def binomial(desk: DeltaHedging, streams: Streams, sky: Weather | None) -> tuple[Floats, Floats, Floats]:
    """The same on a recombining tree."""
    ups = np.less_equal(streams.uniform("spot", desk.n_steps).T, desk.up_probability)
    level = np.zeros((desk.n_steps + 1, ups.shape[1]))
    np.cumsum(np.where(ups, 1.0, -1.0), axis=0, out=level[1:])
    return (
        desk.spot * np.exp(desk.move * level),
        np.full_like(level, desk.sigma),
        np.full(level.shape[1], desk.sigma),
    )


def garch(desk: DeltaHedging, streams: Streams, sky: Weather | None) -> tuple[Floats, Floats, Floats]:
    """The same under the weather, and the fair implied volatility."""
    assert sky is not None
    shocks = streams.normal("spot", desk.n_steps).T.copy()
    spot, implied = np.empty((2, desk.n_steps + 1, shocks.shape[1]))
    _walk(
        spot, implied, shocks, sky.market, sky.volatility, sky.regime, variance_sums(desk),
        schedule(desk).left, desk.spot, desk.sigma, desk.dt, (desk.mu - desk.dividend) * desk.dt,
        desk.market_loading,
    )  # fmt: skip
    return spot, implied, desk.sigma * sky.volatility[0]


def variance_sums(desk: DeltaHedging) -> Floats:
    """Expected variance under the weather, or under the one regime that there is without it."""
    moving = TRANSITION if desk.weather else np.eye(len(TRANSITION))
    return expected_variance(moving.tobytes(), desk.option_steps)


def following(desk: DeltaHedging, spot: Floats, sky: Weather) -> Next:
    """What is known of the step after each row; the GARCH variance is read back from the returns."""
    steps = len(spot) - 1
    day = np.minimum(np.arange(steps + 1), steps - 1)
    scale, drift = desk.move * sky.volatility[day], (desk.mu - desk.dividend) * desk.dt
    heat = _heats(spot, scale, drift)
    quoted = desk.sigma * (1.0 + desk.volatility_premium)
    return Next(scale, heat, sky.regime[day], variance_sums(desk)[1], drift, quoted)


@lru_cache(maxsize=8)
def expected_variance(transition: bytes, steps: int) -> Floats:
    """Sums (2, 2, steps + 1, regimes) over the next m days, in units of sigma^2 dt.

    First axis: regime known for the first of these days, or for the day before it; second: of E V_j^2, and of that
    times `PERSISTENCE`^j, so that the variance expected is the first plus (h - 1) times the second.
    """
    chain = np.frombuffer(transition).reshape(len(VOLATILITY), -1)
    sums = np.zeros((2, 2, steps + 1, len(VOLATILITY)))
    for lag in range(2):
        square = np.linalg.matrix_power(chain, lag) @ VOLATILITY**2
        for m in range(steps):
            sums[lag, 0, m + 1] = sums[lag, 0, m] + square
            sums[lag, 1, m + 1] = sums[lag, 1, m] + PERSISTENCE**m * square
            square = chain @ square
    return sums


@compiled(nogil=True)
def _chain(shocks: Floats, momentum: float) -> None:
    # unit variance, successive correlation `momentum`
    fresh = math.sqrt(1.0 - momentum * momentum)
    for t in range(1, shocks.shape[0]):
        for i in range(shocks.shape[1]):
            shocks[t, i] = momentum * shocks[t - 1, i] + fresh * shocks[t, i]


@compiled(nogil=True)
def _walk(
    spot: Floats, implied: Floats, shocks: Floats, market: Floats, activity: Floats, regime: NDArray[np.int64],
    sums: Floats, left: NDArray[np.int64], start: float, sigma: float, dt: float, drift: float, loading: float,
) -> None:  # fmt: skip
    steps, paths = shocks.shape
    own = math.sqrt(1.0 - loading * loading)
    level, heat = np.zeros(paths), np.ones(paths)
    for t in range(steps + 1):
        lag, day, m = min(t, 1), max(t - 1, 0), left[t]
        for i in range(paths):
            state = regime[day, i]
            expected = sums[lag, 0, m, state] + (heat[i] - 1.0) * sums[lag, 1, m, state]
            spot[t, i], implied[t, i] = start * math.exp(level[i]), sigma * math.sqrt(expected / m)
            if t < steps:
                scale = sigma * activity[t, i] * math.sqrt(dt)
                z = math.sqrt(heat[i]) * (loading * market[t, i] + own * shocks[t, i])
                level[i] += drift + scale * z - 0.5 * scale * scale * heat[i]
                heat[i] = next_heat(heat[i], z)


@compiled(nogil=True)
def _heats(spot: Floats, scale: Floats, drift: float) -> Floats:
    heat = np.ones(spot.shape)
    for t in range(spot.shape[0] - 1):
        for i in range(spot.shape[1]):
            back = math.log(spot[t + 1, i] / spot[t, i]) - drift
            heat[t + 1, i] = next_heat(heat[t, i], back / scale[t, i] + 0.5 * scale[t, i] * heat[t, i])
    return heat


_DRAWN = {"garch": garch, "gbm": gbm, "binomial": binomial, "heston": heston, "sabr": sabr}
MARKETS = tuple(_DRAWN)
