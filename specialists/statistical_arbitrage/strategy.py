"""The desk: its parameters, how its tape is made, and what its episodes amount to."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from fund.account.utility import power_equivalent
from fund.market.history import History
from fund.market.streams import Paths
from fund.market.tape import Tape
from fund.market.weather import Weather
from fund.parameter import parameter
from fund.strategy import Box, Played, Strategy
from specialists.statistical_arbitrage import attribution, market, recorded
from specialists.statistical_arbitrage.features import FEATURES, WARM_UP, lay_out
from specialists.statistical_arbitrage.presets import PRESETS
from specialists.statistical_arbitrage.rules import RULES
from specialists.statistical_arbitrage.step import STEP


@dataclass(frozen=True)
class StatisticalArbitrage(Strategy):
    """Two legs that belong together, one held against the other."""

    name = "statistical_arbitrage"
    actions = Box(1)  # the target spread position, as a share of the full one
    step = STEP
    features = FEATURES
    rules = RULES
    presets = PRESETS
    statistics = attribution.statistics
    warm_up = WARM_UP
    derived = (
        "by_exposure", "reward_of_money", "tenth_of_capital", "share_of_step", "pull", "spread_variance",
    )  # fmt: skip

    reward_scale: float = 100.0
    market: str = parameter(
        "pair",
        "pair (cointegrated legs), walks (independent legs) or ou (a spread alone)",
        one_of=("pair", "walks", "ou"),
    )
    dt: float = parameter(1.0 / 252.0, "years a step; `pair` and `walks` have daily steps", above=0.0)
    alpha: float = parameter(
        60.0,
        "speed of mean reversion of the residual, a year, in the normal regime; half-life ln 2 / alpha",
        above=0.0,
    )
    eta: float = parameter(
        0.12, "volatility of the residual, per square root of a year, in the normal regime", above=0.0
    )
    hedge_ratio: float = parameter(1.0, "beta, worth of leg 2 that moves with one of leg 1, at the first row")
    hedge_drift: float = parameter(0.02, "standard deviation of beta's monthly change")
    break_rate: float = parameter(4.0, "breaks a year; 4: as often as earnings are announced", at_least=0.0)
    break_size: float = parameter(
        0.04, "standard deviation of a break, log price; 0.04: about a firm's move on an earnings day"
    )
    leg_volatility: float = parameter(
        0.25, "of leg 2, per square root of a year, in the normal regime; a large US stock", above=0.0
    )
    market_loading: float = parameter(
        0.5, "correlation of leg 2 with the weather's common factor", at_least=-1.0, at_most=1.0
    )
    premium: float = parameter(1.0, "share of the common factor's drift that leg 2 earns")
    price: float = parameter(100.0, "of both legs at the start, account currency", above=0.0)
    random_start: bool = parameter(True, "draw the first spread from its stationary law (market ou)")
    start: float = parameter(0.0, "first spread where it is not drawn, account currency (market ou)")
    hedge_method: str = parameter(
        "kalman",
        "kalman (drifting regression) or rolling (least squares over 120 rows)",
        one_of=("kalman", "rolling"),
    )
    known_moments: bool = parameter(
        False, "whether zscore_60 uses the spread's true mean and deviation (market ou)"
    )
    leg_1: str = parameter(
        "leg_1", "column of the history, or several with commas between: each episode then draws its pair"
    )
    leg_2: str = parameter("leg_2", "column of the history")
    position_limit: float = parameter(
        1.5, "gross exposure of a full position over NAV; units of spread over NAV (market ou)", above=0.0
    )
    leverage: float = 1.5
    band: float = 0.05
    compound: bool = True
    cost_rate: float = 0.001
    round_trip_cost: float = parameter(
        0.0, "further fee of buying and selling one unit of spread; c of Bertram (2010)", at_least=0.0
    )
    borrow_rate: float = parameter(
        0.0025,
        "cost of shares sold short, a year, D'Avolio (2002); the weather's funding comes on top",
        at_least=0.0,
    )
    interest: float = parameter(0.0, "on cash, a year")
    utility_power: float = parameter(
        1.0,
        "g of wealth^g / g; 0 logarithm, 1 none (reward is P&L). Boguslavsky & Boguslavskaya (2004)",
        at_most=1.0,
    )
    control_variate: bool = parameter(
        False, "market ou: whether the reward has the zero-mean noise of utility taken out; for training"
    )
    timing_bonus: float = parameter(
        0.0, "weight of the potential -position x z-score, whose change is paid as a bonus"
    )
    discount: float = parameter(0.99, "of that potential, the learner's gamma. Ng, Harada & Russell (1999)")

    def __post_init__(self) -> None:
        """Refuse names and numbers that no world has; raises UnknownName, InvalidParameter."""
        super().__post_init__()
        free = self.market == "ou" and self.history is None and not (self.cost_rate or self.round_trip_cost)
        known = free and self.compound
        self.demand(
            "control_variate", known or not self.control_variate, "False but on the market ou without costs"
        )
        daily = self.steps_per_day == 1 or self.history is not None or self.market == "ou"
        self.demand("steps_per_day", daily, f"1, as the market {self.market} has daily rows")

    @property
    def finite_horizon(self) -> bool:  # type: ignore[override]  # a constant elsewhere
        """Whether what counts is the utility of wealth at the end of the episode."""
        return self.utility_power != 1.0

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
        """The tape of these paths: windows of the history where there is one, else drawn."""
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
        return power_equivalent(played.nav[-1] / self.capital, self.utility_power)

    @property
    def years_per_step(self) -> float:
        """Length of a step, years."""
        return self.dt

    @property
    def by_exposure(self) -> bool:
        """Whether a full position is a gross exposure, not a number of units of the spread."""
        return self.history is not None or self.market != "ou"

    @property
    def knows(self) -> bool:
        """Whether the spread's mean and deviation are given, not estimated."""
        return self.known_moments and not self.by_exposure

    @property
    def pull(self) -> float:
        """Mean move of the spread in a step, per unit of it."""
        return math.expm1(-self.alpha * self.dt)

    @property
    def spread_variance(self) -> float:
        """Variance of the spread's move in a step."""
        return self.eta**2 * -math.expm1(-2.0 * self.alpha * self.dt) / (2.0 * self.alpha)

    @property
    def stationary_deviation(self) -> float:
        """Standard deviation eta / sqrt(2 alpha) of the residual."""
        return self.eta / math.sqrt(2.0 * self.alpha)

    @property
    def leg_unit(self) -> float:
        """A leg's usual move in a step, in which the legs' returns are observed."""
        return (self.leg_volatility if self.by_exposure else self.eta) * math.sqrt(self.dt)
