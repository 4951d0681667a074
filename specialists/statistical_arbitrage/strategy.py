"""The desk: parameters, presets, and what its episodes amount to."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from fund.errors import InvalidParameter, UnknownName
from fund.market.history import History
from fund.market.streams import Paths
from fund.market.tape import Tape
from fund.market.weather import Weather
from fund.strategy import Box, Played, Policy, Step, Strategy
from specialists.statistical_arbitrage import market, recorded, rules
from specialists.statistical_arbitrage.features import MARKET_FEATURES, WARM_UP, lay_out
from specialists.statistical_arbitrage.step import (
    LEAST_WEALTH,
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
HEDGE_METHODS = ("kalman", "rolling")

_FREE: dict[str, Any] = {"weather": False, "cost_rate": 0.0, "borrow_rate": 0.0}
_SPREAD: dict[str, Any] = {
    **_FREE, "market": "ou", "known_moments": True, "leverage": 1e6, "band": 0.0,
}  # fmt: skip
PRESETS: dict[str, dict[str, Any]] = {
    "default": {},
    "null": {"market": "walks"},
    "planted": {**_FREE, "alpha": 100.0, "eta": 0.4, "hedge_drift": 0.0, "break_rate": 0.0},
    "boguslavsky": {
        **_SPREAD, "dt": 0.002, "n_steps": 500, "alpha": 1.0, "eta": 1.0, "random_start": False,
        "position_limit": 3.0, "utility_power": -1.0, "reward_scale": 20.0,
    },
    "bertram": {
        **_SPREAD, "dt": 5e-5, "n_steps": 10_000, "steps_per_day": 79, "alpha": 180.967, "eta": 0.1538,
        "round_trip_cost": 0.001, "position_limit": 1.0, "compound": False, "price": 1.0,
    },
}  # fmt: skip

UNITS: dict[str, str] = {
    "market": "pair (cointegrated legs), walks (independent legs) or ou (a spread alone)",
    "dt": "years a step; `pair` and `walks` have daily steps",
    "alpha": "speed of mean reversion of the residual, a year, in the normal regime; half-life ln 2 / alpha",
    "eta": "volatility of the residual, per square root of a year, in the normal regime",
    "hedge_ratio": "beta, worth of leg 2 that moves with one of leg 1, at the first row",
    "hedge_drift": "standard deviation of beta's monthly change",
    "break_rate": "breaks a year; 4: as often as earnings are announced",
    "break_size": "standard deviation of a break, log price; 0.04: about a firm's move on an earnings day",
    "leg_volatility": "of leg 2, per square root of a year, in the normal regime; a large US stock",
    "market_loading": "correlation of leg 2 with the weather's common factor",
    "premium": "share of the common factor's drift that leg 2 earns",
    "price": "of both legs at the start, account currency",
    "random_start": "draw the first spread from its stationary law (market ou)",
    "start": "first spread where it is not drawn, account currency (market ou)",
    "hedge_method": "kalman (drifting regression) or rolling (least squares over 120 rows)",
    "known_moments": "whether zscore_60 uses the spread's true mean and deviation (market ou)",
    "leg_1": "column of the history, or several with commas between: each episode then draws its pair",
    "leg_2": "column of the history",
    "position_limit": "gross exposure of a full position over NAV; units of spread over NAV (market ou)",
    "leverage": "largest gross exposure over NAV when trading",
    "band": "smallest change that is traded, share of a full position",
    "compound": "whether positions are shares of the NAV, not of the capital",
    "cost_rate": "fee of a trade, share of traded value, each leg, one way",
    "round_trip_cost": "further fee of buying and selling one unit of spread; c of Bertram (2010)",
    "borrow_rate": "cost of shares sold short, a year, D'Avolio (2002); the weather's funding comes on top",
    "interest": "on cash, a year",
    "utility_power": "g of wealth^g / g; 0 logarithm, 1 none (reward is P&L). Boguslavsky & Boguslavskaya (2004)",
    "control_variate": "market ou: whether the reward has the zero-mean noise of utility taken out; for training",
    "timing_bonus": "weight of the potential -position x z-score, whose change is paid as a bonus",
    "discount": "of that potential, the learner's gamma. Ng, Harada & Russell (1999)",
}


@dataclass(frozen=True)
class StatisticalArbitrage(Strategy):
    """Two legs that belong together, one held against the other."""

    name: ClassVar[str] = "statistical_arbitrage"
    step: ClassVar[Step] = Step(
        Columns, Memory, Own, Parts, ("leg_1", "leg_2"), (0, 1), 1, opening, trade, reward, observe
    )
    features: ClassVar[tuple[str, ...]] = (*MARKET_FEATURES, *Own._fields)
    units: ClassVar[Mapping[str, str]] = UNITS
    derived: ClassVar[tuple[str, ...]] = (
        "by_exposure",
        "reward_of_money",
        "tenth_of_capital",
        "share_of_step",
        "pull",
        "spread_variance",
    )
    warm_up: ClassVar[int] = WARM_UP
    rules: ClassVar[Mapping[str, Callable[[Any], Policy]]] = rules.RULES
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = PRESETS

    reward_scale: float = 100.0
    market: str = "pair"
    dt: float = 1.0 / 252.0
    alpha: float = 60.0
    eta: float = 0.12
    hedge_ratio: float = 1.0
    hedge_drift: float = 0.02
    break_rate: float = 4.0
    break_size: float = 0.04
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
    control_variate: bool = False
    timing_bonus: float = 0.0
    discount: float = 0.99

    def __post_init__(self) -> None:
        """Refuse names and numbers that no world has; raises UnknownName, InvalidParameter."""
        if self.market not in MARKETS:
            raise UnknownName("market", self.market, MARKETS)
        if self.hedge_method not in HEDGE_METHODS:
            raise UnknownName("hedge_method", self.hedge_method, HEDGE_METHODS)
        for key in ("dt", "alpha", "eta", "leg_volatility", "price", "position_limit", "capital"):
            if getattr(self, key) <= 0.0:
                raise InvalidParameter(f"{self.name}: {key} is {getattr(self, key)}, wanted a number above 0")
        for key in ("break_rate", "cost_rate", "round_trip_cost", "borrow_rate", "band", "leverage"):
            if getattr(self, key) < 0.0:
                raise InvalidParameter(f"{self.name}: {key} is {getattr(self, key)}, wanted 0 or more")
        if self.utility_power > 1.0:
            raise InvalidParameter(f"{self.name}: utility_power is {self.utility_power}, wanted 1 or less")
        self._check_control()
        if abs(self.market_loading) > 1.0:
            raise InvalidParameter(f"{self.name}: market_loading is {self.market_loading}, wanted -1 to 1")
        if self.steps_per_day != 1 and self.history is None and self.market != "ou":
            raise InvalidParameter(
                f"{self.name}: steps_per_day is {self.steps_per_day}, the market {self.market} has daily steps"
            )

    def _check_control(self) -> None:
        free = self.market == "ou" and self.history is None and not (self.cost_rate or self.round_trip_cost)
        if self.control_variate and not (free and self.compound):
            raise InvalidParameter(
                f"{self.name}: control_variate is on, wanted only on the market ou without costs"
            )

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
        """Whether what counts is the utility of wealth at the end of the episode."""
        return self.utility_power != 1.0

    @property
    def by_exposure(self) -> bool:
        """Whether a full position is a gross exposure, not a number of units of the spread."""
        return self.history is not None or self.market != "ou"

    @property
    def knows(self) -> bool:
        """Whether the spread's mean and deviation are given, not estimated."""
        return self.known_moments and not self.by_exposure

    @property
    def reward_of_money(self) -> float:
        """Reward of one unit of account currency."""
        return self.reward_scale / self.capital

    @property
    def tenth_of_capital(self) -> float:
        """One over a tenth of the capital, in which P&L is observed."""
        return 10.0 / self.capital

    @property
    def pull(self) -> float:
        """Mean move of the spread in a step, per unit of it."""
        return math.expm1(-self.alpha * self.dt)

    @property
    def spread_variance(self) -> float:
        """Variance of the spread's move in a step."""
        return self.eta**2 * -math.expm1(-2.0 * self.alpha * self.dt) / (2.0 * self.alpha)

    @property
    def share_of_step(self) -> float:
        """Share of the episode that a step is."""
        return 1.0 / self.n_steps

    @property
    def stationary_deviation(self) -> float:
        """Standard deviation eta / sqrt(2 alpha) of the residual."""
        return self.eta / math.sqrt(2.0 * self.alpha)

    @property
    def leg_unit(self) -> float:
        """A leg's usual move in a step, in which the legs' returns are observed."""
        return (self.leg_volatility if self.by_exposure else self.eta) * math.sqrt(self.dt)

    @classmethod
    def needs(cls) -> tuple[str, ...]:
        """Columns of a history; other names are given as `leg_1` and `leg_2`."""
        return ("leg_1", "leg_2")

    def on(self, data: Any) -> Self:
        """The same desk on recorded prices: a History, or a DataFrame, with the columns `leg_1` and `leg_2`."""
        legs = (self.leg_1, self.leg_2)
        history = data if isinstance(data, History) else History.from_frame(data, required=legs)
        return self.with_parameters(history=history)

    def record(self, paths: Paths, weather: Weather | None = None) -> Tape:
        """The tape of these paths."""
        if self.history is not None:
            return recorded.windows(self, self.history, paths)
        streams = paths.streams(self.name)
        if self.market == "ou":
            legs = market.ornstein_uhlenbeck(self, streams, WARM_UP)
            return lay_out(self, legs, np.full((self.n_steps + 1, len(paths)), self.borrow_rate))
        sky = self.sky(paths, self.days, weather)
        draw = market.pair if self.market == "pair" else market.walks
        funding = np.concatenate([sky.funding, sky.funding[-1:]])
        return lay_out(self, draw(self, streams, sky, WARM_UP), self.borrow_rate + funding)

    def certainty_equivalent(self, played: Played) -> float | None:
        """Sure final wealth over the capital that is worth the episodes; None where wealth has no utility."""
        wealth = np.maximum(played.nav[-1] / self.capital, LEAST_WEALTH)
        if self.utility_power == 1.0:
            return None
        if self.utility_power == 0.0:
            return float(np.exp(np.log(wealth).mean()))
        return float((wealth**self.utility_power).mean() ** (1.0 / self.utility_power))

    def statistics(self, played: Played) -> dict[str, float]:
        """Return rate, cycles and time in the market; mean and skewness of the months of all episodes.

        return_rate: P&L over the capital, a year. cycles_per_year, round_trips: an opening and a closing are half a
        cycle each. monthly_mean, monthly_skew: NAV of a month over that before, less interest.
        """
        years = float(played.length.sum()) * self.dt
        half_trips = played.memory["half_trips"]
        return {
            "return_rate": float((played.nav[-1] / self.capital - 1.0).sum()) / years,
            "cycles_per_year": float(half_trips.sum()) / 2.0 / years,
            "round_trips": float(half_trips.mean()) / 2.0,
            "time_in_market": float(played.memory["exposed"].sum() / played.length.sum()),
            **self._months(played.nav),
        }

    def _months(self, nav: Floats) -> dict[str, float]:
        month = max(round(1.0 / (12.0 * self.dt)), 1)
        ends = nav[::month]
        returns = (ends[1:] / ends[:-1] - 1.0).ravel() - self.interest * month * self.dt
        if not returns.size:
            return {}
        around, deviation = returns - returns.mean(), float(returns.std())
        skew = float((around**3).mean()) / deviation**3 if deviation > 0.0 else 0.0
        return {"monthly_mean": float(returns.mean()), "monthly_skew": skew}
