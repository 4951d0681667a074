"""The generated markets: an index, its variance, and what its options are quoted at.

`heston`, the default. Under P, with V_k the weather's volatility in regime k of the day,

    dv = kappa (theta V_k^2 - v) dt + xi sqrt(v) dW2,    dS/S = premium x weather's drift dt + sqrt(v) dW1 + jumps

of rate `jump_rate` and log sizes N(`jump_mean`, `jump_deviation`^2), compensated; dW1 follows the weather's common
factor with correlation `market_loading`. Options are priced under Q (`surface`): there variance reverts at kappa +
`risk_premium` to the level at which a unit of variance earns `risk_premium` v dt, and jumps are worse by
`jump_premium` on average. On top the quoted variances are multiplied by exp(u), u the pressure of those who want
options (Garleanu, Pedersen & Poteshman, 2009), an autoregression around `demand_mean` whose deviation fades over an
option's life as the market expects it to. Where all premia and the drift are zero no policy can earn.

`variance` is that market with one claim in place of the straddles: a forward on the variance of the next step, with
price increments v' - E_Q v', a unit exposure to v (Liu & Pan, 2003). `gbm` has constant volatilities, realised and
implied. `gjr` and `rough` are in `other_markets`.

References:
    Bates (1996), Review of Financial Studies 9:69-107; Garleanu, Pedersen & Poteshman (2009), Review of Financial
    Studies 22:4259-4299; Liu & Pan (2003), Journal of Financial Economics 69:401-430.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fund.compiled import compiled
from fund.market.heston import Scheme, qe_step, scheme
from fund.market.streams import Paths, Streams
from fund.market.weather import TRANSITION, VOLATILITY, Weather
from specialists.volatility_trading.features import IMPLIED, WARM_UP
from specialists.volatility_trading.surface import MATURITIES, Bates, Surface, at_volatility, surface

if TYPE_CHECKING:
    from specialists.volatility_trading.strategy import VolatilityTrading

Floats = NDArray[np.float64]

NORMAL = 1  # the weather's normal regime
ALONE = ((1.0,),)


class Market(NamedTuple):
    """Some paths, WARM_UP + T + 1 rows."""

    log_spot: Floats  # (rows, n), 0 at row WARM_UP
    variance: Floats  # (rows, n) of the diffusion, a year
    regime: NDArray[np.int64]  # (rows, n)
    lift: Floats  # (rows, n) u
    far: Floats  # (4, rows, n) implied volatilities of 30, 90, 180 days, skew


class Sky(NamedTuple):
    """The weather by row of the drawn path, the first day standing for those before."""

    regime: NDArray[np.int64]  # (rows, n), 0 everywhere where the weather is off
    shock: Floats  # (T, n) common factor
    drift: Floats  # (rows, n), a year


def sky_of(desk: VolatilityTrading, weather: Weather) -> Sky:
    """The weather as the market takes it."""
    days = np.clip(np.arange(-WARM_UP, desk.n_steps + 1) // desk.steps_per_day, 0, len(weather.regime) - 1)
    regime = (
        weather.regime[days] if desk.weather else np.zeros((len(days), weather.regime.shape[1]), np.int64)
    )
    drift = weather.drift[days] * desk.premium if desk.weather else np.zeros(regime.shape)
    # with several steps a day the common shock would have to be split: then the market goes its own way
    shock = weather.market[: desk.n_steps] if desk.steps_per_day == 1 else weather.market[:0]
    return Sky(regime, shock, drift)


def thetas(desk: VolatilityTrading) -> tuple[float, ...]:
    """Long-run variance under P of each regime."""
    return tuple(desk.theta * v * v for v in VOLATILITY) if desk.weather else (desk.theta,)


def priced_under(desk: VolatilityTrading) -> Bates:
    """The market under Q."""
    kappa = desk.kappa + desk.risk_premium
    chain = tuple(map(tuple, TRANSITION.tolist())) if desk.weather else ALONE
    long_run = tuple(desk.kappa * theta / kappa for theta in thetas(desk))
    mean = desk.jump_mean - desk.jump_premium
    jumps = (desk.jump_rate, mean, desk.jump_deviation) if desk.jump_rate > 0.0 else (0.0, 0.0, 0.0)
    return Bates(kappa, desk.xi, desk.rho, long_run, chain, desk.dt, *jumps)


def table(desk: VolatilityTrading) -> Surface:
    """Implied volatilities of the market under Q."""
    return surface(priced_under(desk), desk.roll, desk.life)


def fading(desk: VolatilityTrading, years: Floats) -> Floats:
    """Mean over an option's life of what is left of a deviation of u: (1 - exp(-a)) / a, a = life x speed."""
    speed = math.log(2.0) * 252.0 / desk.demand_half_life
    a = np.maximum(speed * years, 1e-12)
    return np.asarray(-np.expm1(-a) / a)


def heston(desk: VolatilityTrading, paths: Paths, sky: Sky) -> Market:
    """Paths of the index under P, quoted under Q."""
    streams, steps = paths.streams(desk.name), WARM_UP + desk.n_steps
    draws = streams.normal("index", steps, 5)
    shape = (steps + 1, len(paths))
    log_spot, variance = np.zeros((2, *shape))
    jump = (desk.jump_mean, desk.jump_deviation, _threshold(desk.jump_rate * desk.dt))
    mean = math.expm1(desk.jump_mean + 0.5 * desk.jump_deviation**2) if desk.jump_rate > 0.0 else 0.0
    constants = scheme(desk.kappa, desk.xi, desk.rho, desk.dt, -desk.jump_rate * mean)
    _walk(
        constants, np.array(thetas(desk)), desk.rho, desk.market_loading, jump, draws, sky.regime, sky.shock,
        sky.drift * desk.dt, log_spot, variance,
    )  # fmt: skip
    lift = demand(desk, draws[:, :, 4], streams)
    far = np.empty((len(IMPLIED), *shape))
    usual = (desk.demand_mean, fading(desk, np.array(MATURITIES)))
    _quote(table(desk), usual, variance, sky.regime, lift, far)
    return Market(log_spot - log_spot[WARM_UP], variance, sky.regime, lift, far)


def demand(desk: VolatilityTrading, shock: Floats, streams: Streams) -> Floats:
    """The pressure u (rows, n) from normals (n, rows - 1)."""
    kept = 0.5 ** (252.0 * desk.dt / desk.demand_half_life)
    start = streams.normal("demand", 1)[:, 0]
    lift = np.empty((shock.shape[1] + 1, len(shock)))
    _revert(desk.demand_mean, desk.demand_deviation, kept, start, shock, lift)
    return lift


def gbm(desk: VolatilityTrading, paths: Paths, sky: Sky) -> Market:
    """Constant volatilities."""
    steps = WARM_UP + desk.n_steps
    normal = paths.streams(desk.name).normal("index", steps).T
    sigma = desk.realised_volatility
    log_spot = np.zeros((steps + 1, len(paths)))
    np.cumsum(
        (desk.drift - 0.5 * sigma**2) * desk.dt + sigma * math.sqrt(desk.dt) * normal,
        axis=0,
        out=log_spot[1:],
    )
    far = np.full((4, *log_spot.shape), desk.implied_volatility)
    far[3] = 0.0
    lift = np.zeros(log_spot.shape)
    variance = np.full(log_spot.shape, sigma**2)
    return Market(log_spot - log_spot[WARM_UP], variance, np.zeros(log_spot.shape, np.int64), lift, far)


def variance_claim(desk: VolatilityTrading, market: Market) -> tuple[Floats, Floats]:
    """Price (T + 1, n) of the claim on variance, 1 at row 0, and the variance of each row."""
    v = market.variance[WARM_UP:]
    mean, by_v = expected(priced_under(desk).kappa, priced_under(desk).thetas[0], desk.dt)
    price = np.ones(v.shape)
    np.cumsum(v[1:] - mean - by_v * v[:-1], axis=0, out=price[1:])
    price[1:] += 1.0
    return price, v


def expected(kappa: float, theta: float, dt: float) -> tuple[float, float]:
    """E v' = mean + by_v v after dt years."""
    kept = math.exp(-kappa * dt)
    return theta * (1.0 - kept), kept


def spread(kappa: float, theta: float, xi: float, dt: float) -> tuple[float, float]:
    """Var v' = level + by_v v after dt years."""
    q: Scheme = scheme(kappa, xi, 0.0, dt)
    return theta * q.by_theta, q.by_v


def _threshold(chance: float) -> float:
    return (
        NormalDist().inv_cdf(1.0 - chance) if chance > 1e-15 else math.inf
    )  # rarer than a float can tell: never


@compiled(nogil=True)
def _walk(
    q: Scheme,
    theta: Floats,
    rho: float,
    loading: float,
    jump: tuple[float, float, float],
    draws: Floats,
    regime: NDArray[np.int64],
    common: Floats,
    drift: Floats,
    log_spot: Floats,
    variance: Floats,
) -> None:
    paths, steps, _ = draws.shape
    rest, other = math.sqrt(1.0 - rho * rho), math.sqrt(1.0 - loading * loading)
    mean, deviation, threshold = jump
    start = steps - len(common)  # before day 0 the weather is not on record
    for i in range(paths):
        v, level = theta[regime[0, i]], 0.0
        variance[0, i] = v
        for t in range(steps):
            index = draws[i, t, 0]
            if t >= start:
                index = loading * common[t - start, i] + other * index
            shock = rho * index + rest * draws[i, t, 1]
            v, move = qe_step(q, v, theta[regime[t, i]], shock, rest * index - rho * draws[i, t, 1])
            if draws[i, t, 2] > threshold:
                move += mean + deviation * draws[i, t, 3]
            level += move + drift[t, i]
            log_spot[t + 1, i], variance[t + 1, i] = level, v


@compiled(nogil=True)
def _revert(mean: float, deviation: float, kept: float, start: Floats, shock: Floats, lift: Floats) -> None:
    noise = deviation * math.sqrt(1.0 - kept * kept)
    for i in range(lift.shape[1]):
        u = deviation * start[i]
        lift[0, i] = mean + u
        for t in range(shock.shape[1]):
            u = kept * u + noise * shock[i, t]
            lift[t + 1, i] = mean + u


@compiled(nogil=True)
def _quote(
    tables: Surface,
    usual: tuple[float, Floats],
    variance: Floats,
    regime: NDArray[np.int64],
    lift: Floats,
    far: Floats,
) -> None:
    mean, fade = usual
    for t in range(variance.shape[0]):
        for i in range(variance.shape[1]):
            v, k = variance[t, i], regime[t, i]
            s = math.sqrt(v)
            for m in range(3):
                root = math.sqrt(tables.far_slope[m] * v + tables.far_level[m, k])
                raised = math.exp(0.5 * (mean + (lift[t, i] - mean) * fade[m]))
                far[m, t, i] = root * at_volatility(tables.far_ratio[m, k], s) * raised
            far[IMPLIED.skew, t, i] = at_volatility(tables.skew[k], s)
