"""The weather: one regime path, with common factors, that every desk's market stands under.

A Markov chain over four regimes (calm, normal, stressed, crisis), one state a day, started from its stationary
distribution. In a crisis volatility and correlation rise, liquidity thins out, funding grows dear and the
common market factor drifts down. Equal (seed, episode) means equal weather for every desk: the draws belong to
the world `weather`, not to a strategy.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from fund.compiled import compiled
from fund.market.streams import Paths

Floats = NDArray[np.float64]

REGIMES = ("calm", "normal", "stressed", "crisis")
# one row a regime of today, one column a regime of tomorrow; mean stays of 50, 20, 12.5 and 12.5 days
TRANSITION = np.array(
    [
        [0.9800, 0.0190, 0.0009, 0.0001],
        [0.0300, 0.9500, 0.0180, 0.0020],
        [0.0030, 0.0600, 0.9200, 0.0170],
        [0.0000, 0.0100, 0.0700, 0.9200],
    ]
)
VOLATILITY = np.array([0.70, 1.00, 1.60, 3.00])  # multiple of a market's normal volatility
LIQUIDITY = np.array([1.20, 1.00, 0.60, 0.30])  # multiple of normal depth and of 1 / spread
CORRELATION = np.array([0.20, 0.30, 0.50, 0.75])  # between risky assets
FUNDING = np.array([0.000, 0.000, 0.005, 0.020])  # a year, above the riskless rate
MARKET_DRIFT = np.array([0.12, 0.07, -0.10, -0.60])  # a year, of the common market factor


@dataclass(frozen=True)
class Weather:
    """Factors by day, each (days, n): row d is known at the start of day d, `market` at its end."""

    regime: NDArray[np.int64]
    volatility: Floats
    liquidity: Floats
    correlation: Floats
    funding: Floats
    market: Floats  # standard normal shock of the common factor, realised over day d
    drift: Floats  # of the common factor, a year

    def some(self, cut: slice) -> Weather:
        """The weather of those paths that stand in a slice."""
        return Weather(**{name: values[:, cut] for name, values in vars(self).items()})


def draw(paths: Paths, days: int) -> Weather:
    """The weather of n paths over some days."""
    streams = paths.streams("weather")
    uniform = streams.uniform("regime", days).T.copy()
    regime = walk(uniform, np.cumsum(TRANSITION, axis=1), np.cumsum(stationary()))
    return _factors(regime, streams.normal("market", days).T.copy())


def fair(paths: Paths, days: int) -> Weather:
    """Weather switched off: the normal regime every day; the common shocks are the same as under `draw`."""
    shocks = paths.streams("weather").normal("market", days).T.copy()
    return _factors(np.ones((days, len(paths)), dtype=np.int64), shocks)


def _factors(regime: NDArray[np.int64], shocks: Floats) -> Weather:
    return Weather(
        regime=regime,
        volatility=VOLATILITY[regime],
        liquidity=LIQUIDITY[regime],
        correlation=CORRELATION[regime],
        funding=FUNDING[regime],
        market=shocks,
        drift=MARKET_DRIFT[regime],
    )


@cache
def stationary() -> Floats:
    """Long-run share of days in each regime."""
    values, vectors = np.linalg.eig(TRANSITION.T)
    share = np.real(vectors[:, np.argmax(np.real(values))])
    return np.asarray(share / share.sum())


@compiled
def walk(uniform: Floats, cumulative: Floats, start: Floats) -> NDArray[np.int64]:
    """States (days, n) of the chain driven by uniforms (days, n)."""
    states = np.empty(uniform.shape, dtype=np.int64)
    for i in range(uniform.shape[1]):
        row = start
        for day in range(uniform.shape[0]):
            state = 0
            while state < len(row) - 1 and uniform[day, i] > row[state]:
                state += 1
            states[day, i] = state
            row = cumulative[state]
    return states
