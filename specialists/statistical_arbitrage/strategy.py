"""The desk of statistical arbitrage: parameters, presets, and what its episodes amount to."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fund.errors import InvalidParameter, UnknownName
from fund.market.streams import Paths
from fund.market.tape import Tape
from fund.market.weather import Weather
from fund.strategy import Box, Played, Policy, Step, Strategy
from specialists.statistical_arbitrage import market, recorded, rules
from specialists.statistical_arbitrage.features import MARKET_FEATURES, WARM_UP, lay_out
from specialists.statistical_arbitrage.step import (
    Columns,
    Memory,
    Own,
    Parts,
    observe,
    opening,
    reward,
    trade,
)

Floats = NDArray[np.float64]

MARKETS = ("pair", "walks", "ou")
HEDGES = ("kalman", "rolling")
_OU = {
    "market": "ou",
    "known_moments": True,
    "weather": False,
    "cost_rate": 0.0,
    "borrow_rate": 0.0,
    "leverage": 1e6,
    "band": 0.0,
}


@dataclass(frozen=True)
class StatisticalArbitrage(Strategy):
    """Two cointegrated legs, held one against the other."""

    name: ClassVar[str] = "statistical_arbitrage"
    step: ClassVar[Step] = Step(
        Columns, Memory, Own, Parts, ("leg_1", "leg_2"), (0, 1), 1, opening, trade, reward, observe
    )
    features: ClassVar[tuple[str, ...]] = (*MARKET_FEATURES, *Own._fields)
    derived: ClassVar[tuple[str, ...]] = ("by_exposure",)
    rules: ClassVar[Mapping[str, Callable[[Any], Policy]]] = rules.RULES
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "default": {},
        "null": {"market": "walks"},
        "planted": {
            "alpha": 100.0,
            "eta": 0.4,
            "hedge_drift": 0.0,
            "break_rate": 0.0,
            "cost_rate": 0.0,
            "borrow_rate": 0.0,
            "weather": False,
        },
        "boguslavsky": _OU
        | {
            "dt": 0.002,
            "n_steps": 500,
            "alpha": 1.0,
            "eta": 1.0,
            "random_start": False,
            "position_limit": 3.0,
            "utility_power": -1.0,
            "reward_scale": 20.0,
        },
        "bertram": _OU
        | {
            "dt": 1e-5,
            "steps_per_day": 397,
            "n_steps": 25_000,
            "alpha": 180.9670,
            "eta": 0.1538,
            "round_trip_cost": 0.001,
            "position_limit": 1.0,
            "compound": False,
            "price": 1.0,
        },
    }

    market: str = "pair"
    dt: float = 1.0 / 252.0
    alpha: float = 30.0
    eta: float = 0.18
    hedge_ratio: float = 1.0
    hedge_drift: float = 0.02
    break_rate: float = 0.5
    break_size: float = 0.06
    leg_volatility: float = 0.25
    market_loading: float = 0.5
    premium: float = 1.0
    price: float = 100.0
    random_start: bool = True
    start: float = 0.0
    hedge_method: str = "kalman"
    known_moments: bool = False
    leg_1: str = "leg_1"
    leg_2: str = "leg_2"
    position_limit: float = 1.5
    leverage: float = 1.5
    band: float = 0.05
    compound: bool = True
    cost_rate: float = 0.001
    round_trip_cost: float = 0.0
    borrow_rate: float = 0.0025
    interest: float = 0.0
    utility_power: float = 1.0
    timing_bonus: float = 0.0
    discount: float = 0.99
    reward_scale: float = 100.0

    def __post_init__(self) -> None:
        for value, kind, known in (
            (self.market, "market", MARKETS),
            (self.hedge_method, "hedge_method", HEDGES),
        ):
            if value not in known:
                raise UnknownName(kind, value, known)

    @property
    def actions(self) -> Box:
        """The target spread position, as a share of the full one."""
        return Box(1)

    @property
    def years_per_step(self) -> float:
        """Length of a step, years."""
        return self.dt

    @property
    def finite_horizon(self) -> bool:  # type: ignore[override]
        """Whether what counts is wealth at the end of the episode."""
        return self.utility_power != 1.0

    @property
    def by_exposure(self) -> bool:
        """Whether a full position is a gross exposure, not a number of units of the spread."""
        return self.history is not None or self.market != "ou"

    @property
    def stationary_deviation(self) -> float:
        """Standard deviation eta / sqrt(2 alpha) of the residual."""
        return self.eta / math.sqrt(2.0 * self.alpha)

    @property
    def leg_unit(self) -> float:
        """A step's usual move of a leg, in which the legs' returns are observed."""
        return (self.leg_volatility if self.by_exposure else self.eta) * math.sqrt(self.dt)

    def record(self, paths: Paths, weather: Weather | None = None) -> Tape:
        if self.history is not None:
            return recorded.windows(self, paths)
        streams = paths.streams(self.name)
        if self.market == "ou":
            legs = market.ornstein_uhlenbeck(self, streams, WARM_UP)
            return lay_out(self, legs, np.full((self.n_steps + 1, len(paths)), self.borrow_rate))
        sky = self.sky(paths, self.days, weather)
        legs = (market.pair if self.market == "pair" else market.walks)(self, streams, sky, WARM_UP)
        funding = np.concatenate([sky.funding, sky.funding[-1:]])
        return lay_out(self, legs, self.borrow_rate + funding)

    def statistics(self, played: Played) -> dict[str, float]:
        years = played.length * self.dt
        half_trips = played.memory["half_trips"]
        pnl = (played.nav[-1] - played.nav[0]) / self.capital
        found = {
            "return_rate": float(pnl.sum() / years.sum()),
            "cycles_per_year": float(half_trips.sum() / 2.0 / years.sum()),
            "round_trips": float(half_trips.mean() / 2.0),
            "time_in_market": float(played.memory["exposed"].sum() / played.length.sum()),
        }
        month = max(round(1.0 / (12.0 * self.dt)), 1)
        months = played.nav[::month]
        if len(months) > 1:
            r = (months[1:] / months[:-1] - 1.0).ravel()
            found["monthly_mean"] = float(r.mean())
            found["monthly_skew"] = float(((r - r.mean()) ** 3).mean() / r.std() ** 3) if r.std() > 0 else 0.0
        return found
