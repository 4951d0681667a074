"""The generated market: three factor portfolios whose premia can be timed a little.

With mu the premium, s the usual daily volatility, V the weather's volatility over its root mean square and
h a GARCH(1, 1) variance of mean one, the return of factor k over day t is

    r = mu + s (A z + M m) / sqrt(252) + c V sqrt(h) e + crash,        e normal, correlated between factors

    z    valuation spread, AR(1) of unit variance, z' = (1 - d) z + noise; falls when the factor rises
    m    own past: (sum of r over 60 days - 60 mu) / (s sqrt 60)
    A, M annual Sharpe ratio per unit of z and of m

Momentum crashes when the market turns up again (Daniel & Moskowitz, 2016): in a panic, which is a stressed
or crisis regime after a market that fell (the exponential mean of its shocks V sqrt(g) w over 60 days is
below zero),

    market = drift + sigma_m V sqrt(g) w,     g' = (1 - a - c/2 - b) + (a + c 1[w < 0]) g w^2 + b g,
    crash = -beta sigma_m V sqrt(g) (max(w, 0) - pay / sqrt(2 pi)) + the mean of this over all days, paid every day,

w the market's shock of the day and sigma_m V sqrt(g) its volatility, g a GJR-GARCH variance of mean one (Glosten,
Jagannathan & Runkle, 1993; 1 throughout with `market_clustering` off): a written call on the market, for which the
panic itself pays the share `pay` of the expected loss. Without g the shocks are symmetric given the regimes, so a
market that fell has the probability 1/2 in every regime, and with the stationary shares q of the regimes
the mean is exactly

    beta sigma_m (1 - pay) / sqrt(2 pi) * 1/2 sum over panics' regimes of q V.

With g fewer markets have fallen (46 %: the shocks are skewed), and those that have are hotter; `CLUSTERED` says what
that makes of the sum of q V and of q V^2, by simulation of 160 million days.

E z = 0, hence E m = 0, hence E r = mu: the published premia times `premium_scale`, whatever is on. c is
such that the variance of noise and crash together is s^2.

Premia and volatilities: Fama & French (2015), Jegadeesh & Titman (1993); shrunk as
McLean & Pontiff (2016) found. Timing: Haddad, Kozak & Santosh (2020) for valuation, Ehsani & Linnainmaa
(2022) for momentum.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fund.compiled import compiled
from fund.errors import InvalidParameter
from fund.market.garch import next_heat
from fund.market.streams import Paths
from fund.market.tape import Tape
from fund.market.weather import VOLATILITY, Weather, stationary
from specialists.factor_tracking.features import (
    FACTORS,
    LONG,
    MARKET_VOLATILITY,
    WARM_UP,
    Past,
    checked,
    empty,
    fill,
)

if TYPE_CHECKING:
    from specialists.factor_tracking.strategy import FactorTracking

Floats = NDArray[np.float64]

CHUNK = 64  # paths drawn together; their noise stays in the cache
MONTH, YEAR = 21.0, 252.0  # days
ARCH, GARCH = 0.06, 0.91
CHEAPENING = 0.65  # correlation of a factor's return with the fall of its valuation spread
STRESSED = 2  # first regime in which a panic is possible
CLUSTERED = (1.005, 1.17)  # errors .0015 and .002
WORST = -0.5  # return of a day; below it nothing falls
MEAN_RISE = 1.0 / math.sqrt(2.0 * math.pi)  # E max(w, 0)


class Premia(NamedTuple):
    """What moves the factors, a day."""

    mean: Floats  # (3,)
    usual: Floats  # (3,) volatility
    noise: Floats  # (3,) volatility of e's share, in V = 1
    mix: Floats  # (3, 3) lower triangular, e = mix times independent normals
    valuation: float  # expected return per unit of z, in usual volatilities
    momentum: float
    decay: float  # of z
    crash: float  # beta sigma_m
    pay: float  # pay / sqrt(2 pi)
    refund: float  # mean of the crash term, paid every day


def premia(desk: FactorTracking) -> Premia:
    """The strategy's parameters, a day; raises InvalidParameter where no such market exists."""
    mean = np.array([getattr(desk, f"{f}_premium") for f in FACTORS]) * desk.premium_scale / MONTH
    usual = np.array([getattr(desk, f"{f}_volatility") for f in FACTORS]) / math.sqrt(MONTH)
    crash = desk.crash_beta * MARKET_VOLATILITY / math.sqrt(YEAR)
    share = stationary()[STRESSED:] if desk.weather else np.zeros(len(VOLATILITY) - STRESSED)
    activity = VOLATILITY[STRESSED:]
    pay = desk.crash_pay * MEAN_RISE
    more, hotter = CLUSTERED if desk.market_clustering else (1.0, 1.0)
    refund = 0.5 * crash * (MEAN_RISE - pay) * more * float(share @ activity)
    square = 0.5 * crash**2 * (0.5 - 2.0 * pay * MEAN_RISE + pay**2) * hotter * float(share @ activity**2)
    variance = usual**2
    variance[1] -= square - refund**2
    if variance.min() <= 0.0:
        raise InvalidParameter(
            f"crash_beta {desk.crash_beta}: crashes alone move momentum more than its volatility"
        )
    noise = np.sqrt(variance) / (math.sqrt(float(stationary() @ VOLATILITY**2)) if desk.weather else 1.0)
    per_day = 1.0 / math.sqrt(YEAR)
    return Premia(
        mean, usual, noise, np.asarray(np.linalg.cholesky(correlation(desk))), desk.valuation_strength * per_day,
        desk.momentum_strength * per_day, desk.valuation_decay, crash, pay, refund,
    )  # fmt: skip


def correlation(desk: FactorTracking) -> Floats:
    """Correlation (3, 3) of the factors' noise; raises InvalidParameter where it is none."""
    vm, vq, mq = (
        desk.value_momentum_correlation,
        desk.value_quality_correlation,
        desk.momentum_quality_correlation,
    )
    found = np.array([[1.0, vm, vq], [vm, 1.0, mq], [vq, mq, 1.0]])
    if np.linalg.eigvalsh(found).min() <= 1e-9:
        raise InvalidParameter(f"correlations {vm}, {vq} and {mq} of the factors do not go together")
    return found


def record(desk: FactorTracking, paths: Paths, weather: Weather | None) -> Tape:
    """The tape of generated paths."""
    found = premia(desk)
    sky = desk.sky(paths, desk.n_steps, weather)
    tape = empty(desk.n_steps, len(paths))
    for cut, some in paths.parts(CHUNK):
        fill(tape, cut, draw(desk, found, some, sky.some(cut)), found.usual)
    return checked(tape)


def draw(desk: FactorTracking, found: Premia, paths: Paths, weather: Weather) -> Past:
    """What the market does on some paths."""
    streams, rows, n = paths.streams(desk.name), WARM_UP + desk.n_steps, len(paths)
    noise, spread = streams.normal("returns", rows, 3), streams.normal("valuation", rows, 3)
    start, earlier = streams.normal("start", 3), streams.normal("market", WARM_UP)
    moves = np.empty((2, rows, 3, n))  # returns, and what of them is a surprise
    past = Past(moves[0], np.empty((rows, n)), np.empty((rows + 1, 3, n)), moves[1])
    daily = MARKET_VOLATILITY / math.sqrt(YEAR)
    _walk(
        noise, spread, start, earlier, weather.market, weather.volatility, weather.regime, weather.drift / YEAR, daily,
        desk.market_clustering, found, past.returns, moves[1], past.market, past.valuation,
    )  # fmt: skip
    return past


@njit(forceinline=True)
def _mixed(mix: Floats, noise: Floats, k: int) -> float:
    # shock of factor k, correlated with those before it
    e = 0.0
    for j in range(k + 1):
        e += mix[k, j] * noise[j]
    return e


@compiled(nogil=True)
def _walk(
    noise: Floats, spread: Floats, start: Floats, earlier: Floats, shock: Floats, activity: Floats, regime: Any,
    drift: Floats, daily: float, clustering: bool, found: Premia, returns: Floats, surprise: Floats, market: Floats,
    valuation: Floats,
) -> None:  # fmt: skip
    # before day 0 the weather is not on record: the market's shocks are then its own, the regime that of day 0
    paths, rows = noise.shape[:2]
    kept, fresh = 1.0 - 1.0 / LONG, math.sqrt(1.0 - (1.0 - found.decay) ** 2)
    other, per_long = math.sqrt(1.0 - CHEAPENING**2), 1.0 / math.sqrt(LONG)
    for i in range(paths):
        heat, past, fall, of_market = np.ones(3), np.zeros(3), 0.0, 1.0
        valuation[0, :, i] = start[i]
        for t in range(rows):
            day = max(t - WARM_UP, 0)
            w = earlier[i, t] if t < WARM_UP else shock[day, i]
            v = activity[day, i]
            panic = regime[day, i] >= STRESSED and fall < 0.0
            hot = v * math.sqrt(of_market)
            market[t, i] = max(drift[day, i] + daily * hot * w, WORST)
            if clustering:
                of_market = next_heat(of_market, math.sqrt(of_market) * w)
            for k in range(3):
                e = _mixed(found.mix, noise[i, t], k)
                m = past[k] / found.usual[k] * per_long
                z = valuation[t, k, i]
                r = found.mean[k] + found.usual[k] * (found.valuation * z + found.momentum * m)
                news = found.noise[k] * v * math.sqrt(heat[k]) * e
                r += news
                if k == 1:
                    r += found.refund - (found.crash * hot * (max(w, 0.0) - found.pay) if panic else 0.0)
                    news -= found.crash * hot * (max(w, 0.0) - MEAN_RISE) if panic else 0.0
                returns[t, k, i], surprise[t, k, i] = max(r, WORST), news
                heat[k] = 1.0 - ARCH - GARCH + heat[k] * (ARCH * e * e + GARCH)
                past[k] += returns[t, k, i] - found.mean[k]
                if t >= LONG:
                    past[k] -= returns[t - LONG, k, i] - found.mean[k]
                valuation[t + 1, k, i] = (1.0 - found.decay) * z + fresh * (
                    other * spread[i, t, k] - CHEAPENING * e
                )
            fall = kept * fall + hot * w
