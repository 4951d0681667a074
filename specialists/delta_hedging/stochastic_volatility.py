"""The underlier under Heston's and under SABR's volatility, with the implied volatilities of either model.

Heston's prices are Fourier integrals, too slow for every row: implied variances are computed once on a grid of steps
left, standardised log moneyness and variance, and read off linearly in between: in the variance they nearly are linear.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fund.compiled import compiled
from fund.market import heston as heston_model
from fund.market import sabr as sabr_model
from fund.market.black_scholes import implied_volatilities
from fund.market.heston import Heston
from fund.market.sabr import Sabr
from fund.market.streams import Streams
from fund.market.weather import Weather
from specialists.delta_hedging.valuation import schedule, strikes

if TYPE_CHECKING:
    from specialists.delta_hedging.strategy import DeltaHedging

Floats = NDArray[np.float64]

FAR = 4.0  # standardised log moneyness at the ends of the grid
MONEYNESS = np.linspace(-FAR, FAR, 65)
LEVELS = np.concatenate([[0.02], np.geomspace(0.1, 4.0, 15)]) ** 2  # of variance, in units of theta


def sabr(desk: DeltaHedging, streams: Streams, sky: Weather | None) -> tuple[Floats, Floats, Floats]:
    """Spot, implied volatility (T+1, n) and volatility before row 0 (n,); `sigma` is the first volatility."""
    model = Sabr(desk.volvol, desk.rho)
    shock, other = _shocks(desk, streams)
    spot, alpha = sabr_model.paths(
        model, desk.sigma, desk.dt, shock, other, desk.spot, desk.mu - desk.dividend
    )
    time = (schedule(desk).left * desk.dt)[:, None]
    forward = spot * np.exp((desk.rate - desk.dividend) * time)
    implied = sabr_model.implied_volatility(model, forward, strikes(desk, spot), time, alpha)
    return spot, implied, np.full(spot.shape[1], desk.sigma)


def heston(desk: DeltaHedging, streams: Streams, sky: Weather | None) -> tuple[Floats, Floats, Floats]:
    """The same under Heston's variance, which starts at the square of `sigma`; pricing and real measure agree on it."""
    real = Heston(
        desk.sigma**2, desk.kappa, desk.theta, desk.xi, desk.rho, rate=desk.mu, dividend=desk.dividend
    )
    shock, other = _shocks(desk, streams)
    spot, variance = heston_model.paths(real, desk.dt, shock, other, desk.spot)
    left = schedule(desk).left
    time = (left * desk.dt)[:, None]
    money = np.log(spot / strikes(desk, spot)) + (desk.rate - desk.dividend) * time
    table = smile(desk.kappa, desk.theta, desk.xi, desk.rho, desk.dt, desk.option_steps)
    implied = np.empty_like(spot)
    _look_up(
        implied,
        table,
        left,
        money / np.sqrt(desk.theta * time),
        variance / desk.theta,
        MONEYNESS,
        LEVELS,
    )
    return spot, implied, np.full(spot.shape[1], desk.sigma)


def _shocks(desk: DeltaHedging, streams: Streams) -> tuple[Floats, Floats]:
    return streams.normal("volatility", desk.n_steps).T.copy(), streams.normal("spot", desk.n_steps).T.copy()


@lru_cache(maxsize=4)
def smile(kappa: float, theta: float, xi: float, rho: float, dt: float, steps: int) -> Floats:
    """Implied variances (steps + 1, moneyness, variance) of Heston's model; row 0 is not used.

    Moneyness is ln(F/K) over sqrt(theta tau), variance in units of theta.
    """
    table = np.zeros((steps + 1, len(MONEYNESS), len(LEVELS)))
    for m in range(1, steps + 1):
        time = m * dt
        strike = np.exp(-MONEYNESS * math.sqrt(theta * time))
        sign = np.where(strike >= 1.0, 1.0, -1.0)  # out of the money
        for k, level in enumerate(LEVELS):
            model = Heston(level * theta, kappa, theta, xi, rho)
            price = heston_model.price(model, sign, 1.0, strike, time)
            fallback = math.sqrt(float(heston_model.fair_variance(model, time)))
            found = implied_volatilities(
                sign, np.where(price > 1e-9, price, 0.0), 1.0, strike, time, 0.0, 0.0
            )
            table[m, :, k] = _continued(found, fallback) ** 2
    return table


def _continued(found: Floats, fallback: float) -> Floats:
    # where an option is worth less than the integral's error, the smile goes on flat from the last strike that is not
    fine = np.flatnonzero(np.isfinite(found) & (found > 0.0))
    if not len(fine):
        return np.full_like(found, fallback)
    return np.asarray(np.interp(np.arange(len(found)), fine, found[fine]))


@compiled(nogil=True)
def _look_up(
    out: Floats, table: Floats, left: NDArray[np.int64], money: Floats, level: Floats, x: Floats, y: Floats
) -> None:
    step, most = x[1] - x[0], len(x) - 2
    for t in range(out.shape[0]):
        for i in range(out.shape[1]):
            place = min(max((money[t, i] - x[0]) / step, 0.0), most + 1.0)
            j = min(int(place), most)
            u = place - j
            k = min(max(np.searchsorted(y, level[t, i]) - 1, 0), len(y) - 2)
            w = max((level[t, i] - y[k]) / (y[k + 1] - y[k]), 0.0)  # beyond the last level straight on
            rows = table[left[t]]
            low = rows[j, k] * (1.0 - w) + rows[j, k + 1] * w
            high = rows[j + 1, k] * (1.0 - w) + rows[j + 1, k + 1] * w
            out[t, i] = math.sqrt(low * (1.0 - u) + high * u)
