"""The world of the risk stage: parameters, and what its episodes amount to."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fund.account.tail_risk import normal_var
from fund.grandmodel.risk import market, recorded
from fund.grandmodel.risk.layout import AGENTS, FEATURES
from fund.grandmodel.risk.presets import PRESETS
from fund.grandmodel.risk.rules import RULES
from fund.grandmodel.risk.step import STEP
from fund.grandmodel.value_at_risk import historical
from fund.market.streams import Paths
from fund.market.tape import Tape
from fund.market.weather import Weather
from fund.parameter import inverse, parameter
from fund.strategy import Box, Played, Strategy

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class RiskManagement(Strategy):
    """A mandate of four assets, and what four agents let of it be held."""

    name = "risk_management"
    step = STEP
    features = FEATURES
    rules = RULES
    presets = PRESETS
    actions = Box(len(AGENTS), 0.0, 4.0)  # the choice of each agent, 0 REDUCE_RISK to 4 INCREASE_RISK
    warm_up = recorded.WARM_UP
    flat_action = None  # REDUCE_RISK comes to nothing in some bars, not at once
    derived = (
        "var_factor", "per_threshold", "bars_a_year_root", "interest_a_bar", "reward_of_money", "per_capital",
        "share_of_step",
    )  # fmt: skip

    n_steps: int = 500
    steps_per_day: int = 78
    reward_scale: float = 100.0
    var_confidence: float = parameter(0.95, "of the VaR; D0", above=0.5, below=1.0)
    var_days: float = parameter(10.0, "horizon of the VaR, trading days; Basel (1996)", above=0.0)
    var_threshold: float = parameter(0.05, "VaR above which the limits cut, share of the NAV; D0", above=0.0)
    correlation_threshold: float = parameter(0.5, "mean correlation above which there is an alert; D0")
    kelly_fraction: float = parameter(
        0.25,
        "of the Kelly position, the most that is held; 0 is no such limit; D0",
        at_least=0.0,
        at_most=1.0,
    )
    max_position: float = parameter(0.1, "of an asset, share of the NAV; D0", above=0.0, at_most=1.0)
    risk_free_rate: float = parameter(0.02, "a year, on cash, and in Kelly's formula; D0")
    atr_multiplier: float = parameter(2.0, "of the stop at the start; D0", above=0.0)
    profit_target_ratio: float = parameter(2.0, "distance of the target over that of the stop; D0", above=0.0)
    dynamic_adjustment: bool = parameter(True, "whether the agent may move the multiplier; D0")
    stops_on: bool = parameter(True, "whether there are stops and targets")
    cooldown: float = parameter(39.0, "bars that an asset stays out after a stop or a target", at_least=0.0)
    correlation_shock_threshold: float = parameter(0.3, "rise of the mean correlation over its slow mean; D0")
    emergency_protocols: bool = parameter(
        True, "whether the VaR and the correlation shock cut positions at once; D0"
    )
    max_weight: float = parameter(0.4, "of an asset in the exposure; D0", above=0.0, at_most=1.0)
    correlation_limit: float = parameter(
        0.7, "of two positions, above which both are scaled down; D0", above=0.0, at_most=1.0
    )
    rebalance_threshold: float = parameter(
        0.05, "gap that is traded, share of the full exposure; D0", at_least=0.0
    )
    initial_size: float = parameter(
        1.0, "position_sizing's setting at the start, share of the full position", at_least=0.0, at_most=1.0
    )
    compound: bool = True
    expected_sharpe: float = parameter(2.5, "a year, of an asset at full conviction", at_least=0.0)
    volatility: float = parameter(0.3, "a year, of the middle asset in the normal regime", above=0.0)
    correlation: float = parameter(0.3, "of the assets without weather", at_least=0.0, below=1.0)
    season: float = parameter(0.2, "depth of the U shape of volatility", at_least=0.0, below=1.0)
    clustering: bool = parameter(True, "whether the factor's volatility clusters; GARCH(1,1)")
    mandate_bias: float = parameter(0.6, "mean conviction of the stages above")
    mandate_spread: float = parameter(0.4, "deviation of the conviction", at_least=0.0)
    cost_rate: float = parameter(2e-4, "of a trade, share of its value at normal liquidity", at_least=0.0)
    black_swan: float = parameter(0.1, "expected number in 500 bars", at_least=0.0)
    flash_crash: float = parameter(0.1, "expected number in 500 bars", at_least=0.0)
    correlation_spike: float = parameter(0.1, "expected number in 500 bars", at_least=0.0)
    liquidity_drought: float = parameter(0.1, "expected number in 500 bars", at_least=0.0)
    jump: float = parameter(0.03, "fall of all assets in the first bar of a black swan", at_least=0.0)
    risk_aversion: float = parameter(10.0, "price of variance of P&L over the capital", at_least=0.0)
    var_bonus: float = parameter(0.1, "reward of an episode that uses all of its VaR and never more; D0")
    drawdown_penalty: float = parameter(0.5, "reward per maximum drawdown, a share of the peak; D0")
    emergency_bonus: float = parameter(0.3, "of taking a full exposure off in a crisis; D0")
    false_alarm: float = parameter(
        0.1, "share of the emergency bonus that as much without a crisis costs", at_least=0.0, at_most=1.0
    )
    control_variate: bool = parameter(
        False, "whether the reward leaves out P&L that came of shocks, mean 0; for training"
    )

    per_threshold = inverse("var_threshold")

    @property
    def var_factor(self) -> float:
        """VaR over the horizon per deviation of a bar."""
        return normal_var(self.var_confidence) * math.sqrt(self.var_days * self.steps_per_day)

    @property
    def bars_a_year_root(self) -> float:
        """Square root of the bars of a year."""
        return math.sqrt(252.0 * self.steps_per_day)

    @property
    def interest_a_bar(self) -> float:
        """Interest on cash in a bar."""
        return self.risk_free_rate * self.years_per_step

    def record(self, paths: Paths, weather: Weather | None = None) -> Tape:
        """The tape of these paths: windows of the history where there is one, else drawn."""
        if self.history is not None:
            return recorded.windows(self, self.history, paths)
        return market.record(self, paths, weather)

    @classmethod
    def needs(cls) -> tuple[str, ...]:
        """Prices of four assets."""
        return recorded.NEEDS

    def over_limit(self, held: Floats, position: Floats, marks: Floats, nav: Floats) -> NDArray[np.bool_]:
        """(n,) paths in which an asset was bought beyond `max_position`."""
        base = np.maximum(nav, 0.0) if self.compound else self.capital
        value, past = np.abs(position * marks), np.abs(held * marks)
        beyond = (value > self.max_position * base * (1.0 + 1e-9)) & (value > past * (1.0 + 1e-9))
        return np.asarray(beyond.any(axis=0))

    def statistics(self, played: Played) -> dict[str, float]:
        """Return and CVaR 95 of an episode, worst drawdown, shares of steps, counts an episode."""
        earned = played.nav[-1] / self.capital - 1.0
        memory, steps = played.memory, played.length.astype(np.float64)
        tail = historical(earned, 0.95)
        deviation = float(earned.std())
        return {
            "return_mean": float(earned.mean()),
            "return_std": deviation,
            "return_over_risk": float(earned.mean()) / deviation if deviation > 0.0 else 0.0,
            "cvar_95": float(tail.es),
            "drawdown": float(memory["worst"].mean()),
            "limited": float((memory["limited"] / steps).mean()),
            "stops": float(memory["stops"].mean()),
            "targets": float(memory["targets"].mean()),
            "responses": float(memory["responses"].mean()),
        }
