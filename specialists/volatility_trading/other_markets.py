"""Markets whose options are quoted by a forecast: GJR-GARCH with t shocks, and rough Bergomi.

The volatility at the money is the root of the mean variance that the model expects over the option's life, times
exp(u / 2) (u as in `market`); the smile is the desk's own (`smile_slope`, `smile_bend`). With V_k the weather's
volatility in regime k, P its chain and theta the base variance,

    gjr     r = sqrt(theta dt) V sqrt(h) z,  z Student t,  h' = 1 - p + (a + g 1_{z<0}) z^2 h + b h
            E_t (h V^2)_(t+j) = (1 + (h - 1) p^j) (P^j V^2)_k,  p = a + g/2 + b
    rough   v = theta V^2 exp(eta Y - eta^2 t^(2H) / 2),  E_t v_(t+j) = (forward variance) (P^j V^2)_k

References:
    Glosten, Jagannathan & Runkle (1993), Journal of Finance 48:1779-1801; Bayer, Friz & Gatheral (2016), Quantitative
    Finance 16:887-904.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fund.compiled import compiled
from fund.market import rough_bergomi
from fund.market.rough_bergomi import RoughBergomi
from fund.market.streams import Paths
from fund.market.weather import TRANSITION, VOLATILITY
from specialists.volatility_trading.features import WARM_UP
from specialists.volatility_trading.market import Market, Sky, demand, fading
from specialists.volatility_trading.surface import MATURITIES

if TYPE_CHECKING:
    from specialists.volatility_trading.strategy import VolatilityTrading

Floats = NDArray[np.float64]


def _weather_variance(desk: VolatilityTrading, horizon: int) -> Floats:
    """(horizon, regimes) expected V^2 j steps ahead, from each regime of today."""
    if not desk.weather:
        return np.ones((horizon, 1))
    rows = [VOLATILITY**2]
    for _ in range(horizon - 1):
        rows.append(TRANSITION @ rows[-1])
    return np.array(rows)


def _steps(desk: VolatilityTrading) -> list[int]:
    return [max(round(years / desk.dt), 1) for years in MATURITIES]


def _quoted(desk: VolatilityTrading, mean_variance: Floats, lift: Floats) -> Floats:
    # far (4, rows, n) from mean variances (3, rows, n); the skew is the smile's own, alike for all rows
    fade = fading(desk, np.array(MATURITIES))[:, None, None]
    raised = np.exp(desk.demand_mean + (lift - desk.demand_mean) * fade)
    far = np.empty((4, *lift.shape))
    far[:3] = np.sqrt(mean_variance * raised)
    far[3] = -2.0 * desk.smile_slope
    return far


def gjr(desk: VolatilityTrading, paths: Paths, sky: Sky) -> Market:
    """Daily returns that pass the bands of the stylised facts (`fund.market.stylised_bands`)."""
    streams, steps = paths.streams(desk.name), WARM_UP + desk.n_steps
    shock = streams.student("gjr", desk.freedom, steps)
    shape = (steps + 1, len(paths))
    log_spot, heat = np.zeros(shape), np.ones(shape)
    activity = VOLATILITY[sky.regime] if desk.weather else np.ones(shape)
    _garch(
        math.sqrt(desk.theta * desk.dt), (desk.arch, desk.asymmetry, desk.garch), desk.market_loading, shock,
        sky.shock, activity, sky.drift * desk.dt, log_spot, heat,
    )  # fmt: skip
    lift = demand(desk, streams.normal("pressure", steps), streams)
    kept = desk.arch + 0.5 * desk.asymmetry + desk.garch
    ahead = _steps(desk)
    weather = _weather_variance(desk, max(ahead))
    falling = kept ** np.arange(max(ahead))[:, None]
    calm = np.array([weather[:d].mean(axis=0) for d in ahead])
    excess = np.array([(falling[:d] * weather[:d]).mean(axis=0) for d in ahead])
    expected = desk.theta * (calm[:, sky.regime] + (heat - 1.0) * excess[:, sky.regime])
    variance = desk.theta * heat * activity**2
    return Market(log_spot - log_spot[WARM_UP], variance, sky.regime, lift, _quoted(desk, expected, lift))


def rough(desk: VolatilityTrading, paths: Paths, sky: Sky) -> Market:
    """Rough Bergomi under the weather; its smile and term structure are steeper than a diffusion's."""
    streams, steps = paths.streams(desk.name), WARM_UP + desk.n_steps
    h = RoughBergomi(desk.theta, desk.hurst, desk.eta, desk.rho)
    draws = streams.normal("rough", steps, 4)
    shock, extra, other = (np.ascontiguousarray(draws[:, :, k]) for k in range(3))
    _, variance = rough_bergomi.paths(h, desk.dt, shock, extra, other)
    activity = VOLATILITY[sky.regime] if desk.weather else np.ones(variance.shape)
    ahead, weather = _steps(desk), _weather_variance(desk, max(_steps(desk)) + 1)
    far = np.unique(np.concatenate([[1, 2, 4, 8], np.linspace(0, max(ahead), 9)[1:], ahead]).astype(np.int64))
    curve = rough_bergomi.forward_variance(h, desk.dt, shock, far)
    curve *= weather[far][:, sky.regime]
    now = variance * activity**2
    nodes = np.concatenate([[0], far])
    curve = np.concatenate([now[None], curve])
    # the mean over each life, by trapezoids between the nodes
    pieces = 0.5 * (curve[1:] + curve[:-1]) * np.diff(nodes)[:, None, None]
    expected = np.stack([pieces[: int(np.searchsorted(nodes, d))].sum(axis=0) / d for d in ahead])
    log_spot = np.zeros(now.shape)
    _diffuse(desk.rho, desk.dt, shock, other, sky.drift * desk.dt, now, log_spot)
    lift = demand(desk, draws[:, :, 3], streams)
    return Market(log_spot - log_spot[WARM_UP], now, sky.regime, lift, _quoted(desk, expected, lift))


@compiled(nogil=True)
def _garch(
    daily: float,
    weights: tuple[float, float, float],
    loading: float,
    shock: Floats,
    common: Floats,
    activity: Floats,
    drift: Floats,
    log_spot: Floats,
    heat: Floats,
) -> None:
    arch, asymmetry, garch = weights
    rest = 1.0 - arch - 0.5 * asymmetry - garch
    paths, steps = shock.shape
    start = steps - len(common)
    other = math.sqrt(1.0 - loading * loading)
    for i in range(paths):
        for t in range(steps):
            h, z = heat[t, i], shock[i, t]
            if t >= start:
                z = loading * common[t - start, i] + other * z
            s = daily * activity[t, i] * math.sqrt(h)
            log_spot[t + 1, i] = log_spot[t, i] + s * z - 0.5 * s * s + drift[t, i]
            square = z * z * h
            heat[t + 1, i] = rest + (arch + (asymmetry if z < 0.0 else 0.0)) * square + garch * h


@compiled(nogil=True)
def _diffuse(
    rho: float, dt: float, shock: Floats, other: Floats, drift: Floats, variance: Floats, log_spot: Floats
) -> None:
    rest = math.sqrt(1.0 - rho * rho)
    paths, steps = shock.shape
    for i in range(paths):
        for t in range(steps):
            s = math.sqrt(variance[t, i] * dt)
            move = s * (rho * shock[i, t] + rest * other[i, t]) - 0.5 * s * s
            log_spot[t + 1, i] = log_spot[t, i] + move + drift[t, i]
