"""The desk: its parameters, how its tape is made, and what its episodes amount to."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fund.market.draft import Rules
from fund.market.streams import Paths
from fund.market.tape import Tape
from fund.market.weather import Weather
from fund.parameter import inverse, parameter
from fund.strategy import Box, Choice, Played, Strategy
from specialists.factor_tracking import attribution, market, paper_world, recorded
from specialists.factor_tracking.features import FEATURES
from specialists.factor_tracking.presets import PRESETS
from specialists.factor_tracking.rules import RULES
from specialists.factor_tracking.step import STEP

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class FactorTracking(Strategy):
    """Long, short or nothing in each of value, momentum and quality."""

    name = "factor_tracking"
    step = STEP
    features = FEATURES
    rules = RULES
    presets = PRESETS
    statistics = attribution.statistics
    checks = Rules(kind="numbers")  # of valuations below zero, too
    derived = (
        "unit_volatility", "turnover_rate", "turnover_scale", "weight_scale", "per_target", "per_rebalance",
        "per_volatility", "delta",
    )  # fmt: skip

    reward_scale: float = 100.0
    value_premium: float = parameter(0.0037, "mean return a month; HML, Fama & French (2015), table 4")
    momentum_premium: float = parameter(
        0.0095, "mean return a month; Jegadeesh & Titman (1993), six months by six"
    )
    quality_premium: float = parameter(0.0025, "mean return a month; RMW, Fama & French (2015), table 4")
    premium_scale: float = parameter(
        0.42, "share of the published premia that is left; McLean & Pontiff (2016)"
    )
    value_volatility: float = parameter(
        0.02846, "of a monthly return; premium sqrt(606) / t-statistic 3.20", above=0.0, at_most=1.0
    )
    momentum_volatility: float = parameter(
        0.05360, "of a monthly return; premium sqrt(300) / t-statistic 3.07", above=0.0, at_most=1.0
    )
    quality_volatility: float = parameter(
        0.02108, "of a monthly return; premium sqrt(606) / t-statistic 2.92", above=0.0, at_most=1.0
    )
    value_momentum_correlation: float = parameter(
        -0.3, "of daily noise; Asness, Moskowitz & Pedersen (2013) find it negative"
    )
    value_quality_correlation: float = parameter(0.05, "of daily noise")
    momentum_quality_correlation: float = parameter(0.1, "of daily noise")
    valuation_strength: float = parameter(
        0.5, "annual Sharpe ratio per unit of z; about 2 % of monthly variance"
    )
    valuation_decay: float = parameter(0.004, "share of z lost a day", above=0.0, at_most=1.0)
    momentum_strength: float = parameter(0.35, "annual Sharpe ratio per unit of standardised 60-day return")
    crash_beta: float = parameter(
        1.8, "market beta of momentum in the upturn after a panic; Daniel & Moskowitz (2016)", at_least=0.0
    )
    crash_pay: float = parameter(
        0.9, "share of the expected loss of a panic that the panic itself pays", at_least=0.0, at_most=1.0
    )
    market_clustering: bool = parameter(
        True, "whether the index has a GJR-GARCH variance; Glosten, Jagannathan & Runkle (1993)"
    )
    target_volatility: float = parameter(
        0.05, "a year, of three full tilts that do not move together", above=0.0
    )
    rebalance_days: int = parameter(5, "steps from one rebalancing to the next", at_least=1)
    cost_rate: float = 0.001
    leverage: float = parameter(1.0, "gross exposure over NAV", above=0.0)
    tracking_weight: float = parameter(
        0.0, "of squared tracking error against the long-only benchmark, in the reward", at_least=0.0
    )
    diversification_weight: float = parameter(
        0.0, "of gross exposure times (1 - Herfindahl index), a step, in the reward", at_least=0.0
    )
    turnover_weight: float = parameter(0.0, "of traded value over NAV, in the reward", at_least=0.0)
    control_variate: bool = parameter(
        False, "tilts: whether the reward has the returns that nobody could foresee taken out; for training"
    )
    trade_form: int = parameter(
        0, "0: 27 tilts; 1: 27 trades of one asset; 2: its position as a share of the limit", one_of=(0, 1, 2)
    )
    trade_size: float = parameter(0.0008, "units of the asset, of one step of the 27 trades", above=0.0)
    position_limit: float = parameter(0.05, "units of the asset", above=0.0)
    gamma: float = parameter(2.0, "risk aversion; Garleanu & Pedersen (2013)", above=0.0)
    lambda_: float = parameter(20.0, "trading cost over risk, Lambda = lambda Sigma", above=0.0)
    rho: float = parameter(0.01, "discount rate a step", above=0.0, below=1.0)
    sigma: float = parameter(1.0, "variance of a step's return, Sigma", above=0.0)
    loading_1: float = parameter(0.05, "expected return a step per unit of f_1")
    loading_2: float = parameter(0.02, "expected return a step per unit of f_2")
    phi_1: float = parameter(0.25, "mean reversion of f_1 a step", above=0.0, at_most=1.0)
    phi_2: float = parameter(0.01, "mean reversion of f_2 a step", above=0.0, at_most=1.0)
    return_noise: float = parameter(
        1.0, "scale of the unpredictable return that is drawn; the risk penalty keeps sigma", at_least=0.0
    )
    signal_noise: float = parameter(
        1.0, "scale of the factors' innovations that are drawn; for training", at_least=0.0
    )
    initial_position: float = parameter(
        0.0,
        "the position at the start is uniform within this share of the limit; for training",
        at_least=0.0,
        at_most=1.0,
    )

    def __post_init__(self) -> None:
        """Refuse numbers that no world has; raises InvalidParameter."""
        super().__post_init__()
        self.demand("steps_per_day", self.steps_per_day == 1, "1, as the market has daily rows")
        tilts = self.trade_form == 0
        self.demand("trade_form", tilts or self.history is None, "0 on a recorded market")
        known = tilts and self.history is None
        self.demand(
            "control_variate", known or not self.control_variate, "False but for tilts in drawn markets"
        )

    @property
    def actions(self) -> Box | Choice:
        """27 tilts or trades, or a continuous position."""
        return Box(1) if self.trade_form == 2 else Choice(27)

    @property
    def flat_action(self) -> float:  # type: ignore[override]  # a constant elsewhere
        """The action that holds nothing."""
        return 0.0 if self.trade_form == 2 else 13.0

    @property
    def warm_up(self) -> int:  # type: ignore[override]  # a constant elsewhere
        """Rows of the history before an episode's first: a year where valuations have to be made from it."""
        return recorded.first_row(self.history)

    @classmethod
    def needs(cls) -> tuple[str, ...]:
        """Indices of the zero-cost portfolios and of the market; `value_z` and the like are taken where given."""
        return recorded.NEEDS

    def record(self, paths: Paths, weather: Weather | None = None) -> Tape:
        """The tape of these paths: windows of the history where there is one, else drawn."""
        if self.history is not None:
            return recorded.windows(self, self.history, paths)
        return paper_world.record(self, paths) if self.trade_form else market.record(self, paths, weather)

    def over_limit(self, held: Floats, position: Floats, marks: Floats, nav: Floats) -> NDArray[np.bool_]:
        """(n,) paths beyond `leverage`, or beyond `position_limit` where there is one asset."""
        if self.trade_form:
            return np.asarray(np.abs(position[0]) > self.position_limit * (1.0 + 1e-9))
        return super().over_limit(held, position, marks, nav)

    def certainty_equivalent(self, played: Played) -> float | None:
        """Garleanu and Pedersen's objective, in their world."""
        return float(played.memory["worth"].mean()) if self.trade_form else None

    @property
    def unit_volatility(self) -> float:
        """Volatility of one full tilt, a year."""
        return self.target_volatility / math.sqrt(3.0)

    @property
    def turnover_rate(self) -> float:
        """Weight of the newest day in the turnover observed."""
        return 0.1

    @property
    def turnover_scale(self) -> float:
        """Makes the turnover observed of order one."""
        return 2.0 * self.rebalance_days

    @property
    def weight_scale(self) -> float:
        """Makes weights and positions of order one."""
        return 4.0 / self.position_limit if self.trade_form else 4.0

    @property
    def per_target(self) -> float:
        """Portfolio volatility, from scaled weights, in units of the target."""
        return 1.0 / (self.weight_scale * self.target_volatility)

    per_rebalance = inverse("rebalance_days")
    per_volatility = inverse("target_volatility")

    @property
    def delta(self) -> float:
        """Discount factor a step, 1 - rho."""
        return 1.0 - self.rho
