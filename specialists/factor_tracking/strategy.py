"""The desk of factor tilts: parameters, presets, and what its episodes amount to."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fund.errors import InvalidParameter
from fund.market.draft import Rules
from fund.market.streams import Paths
from fund.market.tape import Tape
from fund.market.weather import Weather
from fund.strategy import Box, Choice, Played, Policy, Step, Strategy
from specialists.factor_tracking import market, paper_world, recorded, rules
from specialists.factor_tracking.features import FACTORS, FEATURES
from specialists.factor_tracking.step import Columns, Memory, Own, Parts, observe, opening, reward, trade

Floats = NDArray[np.float64]

_PAPER: dict[str, Any] = {
    "trade_form": 1, "n_steps": 1500, "weather": False, "capital": 100.0, "reward_scale": 1e4, "ruin": -1e9,
    "leverage": 1e9,
}  # fmt: skip
PRESETS: dict[str, dict[str, Any]] = {
    "default": {},
    "null": {"premium_scale": 0.0, "valuation_strength": 0.0, "momentum_strength": 0.0, "crash_pay": 1.0},
    "planted": {
        "premium_scale": 0.0, "valuation_strength": 8.0, "valuation_decay": 0.05, "momentum_strength": 0.0,
        "crash_beta": 0.0, "cost_rate": 0.0, "rebalance_days": 1, "weather": False,
    },
    "garleanu_pedersen": _PAPER,
    "garleanu_pedersen_continuous": {**_PAPER, "trade_form": 2, "position_limit": 0.5},
}  # fmt: skip
UNITS = {
    "value_premium": "mean return a month; HML, Fama & French (2015), table 4",
    "momentum_premium": "mean return a month; Jegadeesh & Titman (1993), six months by six",
    "quality_premium": "mean return a month; RMW, Fama & French (2015), table 4",
    "premium_scale": "share of the published premia that is left; McLean & Pontiff (2016)",
    "value_volatility": "of a monthly return; premium sqrt(606) / t-statistic 3.20",
    "momentum_volatility": "of a monthly return; premium sqrt(300) / t-statistic 3.07",
    "quality_volatility": "of a monthly return; premium sqrt(606) / t-statistic 2.92",
    "value_momentum_correlation": "of daily noise; Asness, Moskowitz & Pedersen (2013) find it negative",
    "value_quality_correlation": "of daily noise",
    "momentum_quality_correlation": "of daily noise",
    "valuation_strength": "annual Sharpe ratio per unit of z; about 2 % of monthly variance",
    "valuation_decay": "share of z lost a day",
    "momentum_strength": "annual Sharpe ratio per unit of standardised 60-day return",
    "crash_beta": "market beta of momentum in the upturn after a panic; Daniel & Moskowitz (2016)",
    "crash_pay": "share of the expected loss of a panic that the panic itself pays",
    "target_volatility": "a year, of three full tilts that do not move together",
    "rebalance_days": "steps from one rebalancing to the next",
    "cost_rate": "share of traded value, one way",
    "leverage": "gross exposure over NAV",
    "tracking_weight": "of squared tracking error against the long-only benchmark, in the reward",
    "diversification_weight": "of gross exposure times (1 - Herfindahl index), a step, in the reward",
    "turnover_weight": "of traded value over NAV, in the reward",
    "control_variate": "tilts: whether the reward has the returns that nobody could foresee taken out; for training",
    "trade_form": "0: 27 tilts; 1: 27 trades of one asset; 2: its position as a share of the limit",
    "trade_size": "units of the asset, of one step of the 27 trades",
    "position_limit": "units of the asset",
    "gamma": "risk aversion; Garleanu & Pedersen (2013)",
    "lambda_": "trading cost over risk, Lambda = lambda Sigma",
    "rho": "discount rate a step",
    "sigma": "variance of a step's return, Sigma",
    "loading_1": "expected return a step per unit of f_1",
    "loading_2": "expected return a step per unit of f_2",
    "phi_1": "mean reversion of f_1 a step",
    "phi_2": "mean reversion of f_2 a step",
    "return_noise": "scale of the unpredictable return that is drawn; the risk penalty keeps sigma",
    "signal_noise": "scale of the factors' innovations that are drawn; for training",
    "initial_position": "the position at the start is uniform within this share of the limit; for training",
}

TINY = 1e-12
BOUNDS: dict[str, tuple[float, float]] = {
    **dict.fromkeys(("value_volatility", "momentum_volatility", "quality_volatility"), (TINY, 1.0)),
    **dict.fromkeys(("cost_rate", "crash_pay"), (0.0, 1.0)),
    **dict.fromkeys(
        ("tracking_weight", "diversification_weight", "turnover_weight", "return_noise"), (0.0, math.inf)
    ),
    "signal_noise": (0.0, math.inf),
    "initial_position": (0.0, 1.0),
    **dict.fromkeys(("target_volatility", "leverage", "trade_size", "position_limit"), (TINY, math.inf)),
    **dict.fromkeys(("gamma", "lambda_", "sigma"), (TINY, math.inf)),
    "crash_beta": (0.0, math.inf),
    "valuation_decay": (TINY, 1.0),
    "rho": (TINY, 1.0 - TINY),
    "phi_1": (TINY, 1.0),
    "phi_2": (TINY, 1.0),
    "rebalance_days": (1, math.inf),
    "steps_per_day": (1, 1),
    "trade_form": (0, 2),
}


@dataclass(frozen=True)
class FactorTracking(Strategy):
    """Long, short or nothing in each of value, momentum and quality."""

    name: ClassVar[str] = "factor_tracking"
    step: ClassVar[Step] = Step(
        Columns, Memory, Own, Parts, FACTORS, (0, 1, 2), 1, opening, trade, reward, observe
    )
    features: ClassVar[tuple[str, ...]] = FEATURES
    units: ClassVar[Mapping[str, str]] = UNITS
    derived: ClassVar[tuple[str, ...]] = (
        "unit_volatility", "turnover_rate", "turnover_scale", "weight_scale", "per_target", "per_rebalance",
        "per_volatility", "delta",
    )  # fmt: skip
    rules: ClassVar[Mapping[str, Callable[[Any], Policy]]] = rules.RULES
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = PRESETS
    checks = Rules(kind="numbers")  # of valuations below zero, too

    reward_scale: float = 100.0
    value_premium: float = 0.0037
    momentum_premium: float = 0.0095
    quality_premium: float = 0.0025
    premium_scale: float = 0.42
    value_volatility: float = 0.02846
    momentum_volatility: float = 0.05360
    quality_volatility: float = 0.02108
    value_momentum_correlation: float = -0.3
    value_quality_correlation: float = 0.05
    momentum_quality_correlation: float = 0.1
    valuation_strength: float = 0.5
    valuation_decay: float = 0.004
    momentum_strength: float = 0.35
    crash_beta: float = 2.0
    crash_pay: float = 0.9
    target_volatility: float = 0.05
    rebalance_days: int = 5
    cost_rate: float = 0.001
    leverage: float = 1.0
    tracking_weight: float = 0.0
    diversification_weight: float = 0.0
    turnover_weight: float = 0.0
    control_variate: bool = False
    trade_form: int = 0
    trade_size: float = 0.0008
    position_limit: float = 0.05
    gamma: float = 2.0
    lambda_: float = 20.0
    rho: float = 0.01
    sigma: float = 1.0
    loading_1: float = 0.05
    loading_2: float = 0.02
    phi_1: float = 0.25
    phi_2: float = 0.01
    return_noise: float = 1.0
    signal_noise: float = 1.0
    initial_position: float = 0.0

    def __post_init__(self) -> None:
        for field, (low, high) in BOUNDS.items():
            value = getattr(self, field)
            if not low <= value <= high:
                raise InvalidParameter(f"{self.name}: {field} is {value}, wanted from {low:g} to {high:g}")
        if self.trade_form and self.history is not None:
            raise InvalidParameter(
                f"{self.name}: trade_form is {self.trade_form}, wanted 0 on a recorded market"
            )
        if self.control_variate and (self.trade_form or self.history is not None):
            raise InvalidParameter(
                f"{self.name}: control_variate is on, wanted that in drawn markets of tilts only"
            )

    @property
    def actions(self) -> Box | Choice:
        """27 tilts or trades, or a continuous position."""
        return Box(1) if self.trade_form == 2 else Choice(27)

    @property
    def flat_action(self) -> float:  # type: ignore[override]
        """The action that holds nothing."""
        return 0.0 if self.trade_form == 2 else 13.0

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

    @property
    def per_rebalance(self) -> float:
        """One over the days between two rebalancings."""
        return 1.0 / self.rebalance_days

    @property
    def per_volatility(self) -> float:
        """One over the target volatility."""
        return 1.0 / self.target_volatility

    @property
    def delta(self) -> float:
        """Discount factor a step, 1 - rho."""
        return 1.0 - self.rho

    @property
    def warm_up(self) -> int:  # type: ignore[override]
        """Rows of the history before an episode's first: a year where valuations have to be made from it."""
        return recorded.first_row(self.history)

    @classmethod
    def needs(cls) -> tuple[str, ...]:
        """Indices of the zero-cost portfolios and of the market; `value_z` and the like are taken where given."""
        return recorded.NEEDS

    def record(self, paths: Paths, weather: Weather | None = None) -> Tape:
        """The tape of these paths."""
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

    def statistics(self, played: Played) -> dict[str, float]:
        """Exposures, turnover, hit rate and tracking error; in the paper's world its objective, P&L and cost a step.

        Exposures are shares of the capital, turnover is value traded over capital a year, hit rate is the share of
        factor-days with a position that earned, tracking error is that against an equal-weighted long-only benchmark,
        a year.
        """
        steps = float(played.length.sum())
        if self.trade_form:
            return {
                "value": float(played.memory["worth"].mean()),
                "pnl_per_step": float(played.lines["holding"].sum()) / steps,
                "cost_per_step": -float(played.lines["fees"].sum()) / steps,
            }
        held = {
            f"{factor}_exposure": float(played.memory[f"{factor}_held"].sum()) / steps / self.capital
            for factor in FACTORS
        }
        bets = float(played.memory["bets"].sum())
        return {
            **held,
            "turnover_per_year": float(played.traded.sum()) / self.capital / (steps * self.years_per_step),
            "hit_rate": float(played.memory["hits"].sum()) / bets if bets else math.nan,
            "tracking_error": tracking_error(played),
        }


def tracking_error(played: Played) -> float:
    """Standard deviation of the return less the benchmark's, a year, over the paths of the tape."""
    indices = np.stack([played.tape[factor] for factor in FACTORS])
    benchmark = (indices[:, 1:] / indices[:, :-1] - 1.0).mean(axis=0)
    nav = played.nav[:, : played.tape.n]
    earned = np.diff(nav, axis=0) / np.maximum(nav[:-1], 1e-12)
    return float((earned - benchmark).std() * math.sqrt(1.0 / played.strategy.years_per_step))
