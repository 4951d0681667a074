"""The world of the risk stage: parameters, presets, and what its episodes amount to."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fund.account.tail_risk import normal_var
from fund.errors import InvalidParameter
from fund.grandmodel.risk import market, recorded, rules
from fund.grandmodel.risk.layout import AGENTS, FEATURES, Columns, Memory, Own, Parts
from fund.grandmodel.risk.step import observe, opening, reward, trade
from fund.grandmodel.value_at_risk import historical
from fund.market.streams import Paths
from fund.market.tape import Tape
from fund.market.weather import Weather
from fund.strategy import Box, Played, Policy, Step, Strategy

Floats = NDArray[np.float64]

_QUIET: dict[str, Any] = {
    "black_swan": 0.0, "flash_crash": 0.0, "correlation_spike": 0.0, "liquidity_drought": 0.0, "weather": False,
}  # fmt: skip
_FREE: dict[str, Any] = {
    "risk_free_rate": 0.0, "kelly_fraction": 0.0, "var_bonus": 0.0, "drawdown_penalty": 0.0, "emergency_bonus": 0.0,
    "risk_aversion": 0.0,
}  # fmt: skip
_IID: dict[str, Any] = {
    "season": 0.0, "clustering": False, "mandate_bias": 1.0, "mandate_spread": 0.0, "cost_rate": 0.0,
    "risk_free_rate": 0.0, "kelly_fraction": 0.0, "emergency_protocols": False, "stops_on": False,
    "rebalance_threshold": 0.0, "compound": False, "correlation_limit": 1.0, "expected_sharpe": 2.0,
}  # fmt: skip
_SWANS: dict[str, Any] = {
    "black_swan": 1.0, "cost_rate": 0.0, "emergency_protocols": False, "expected_sharpe": 8.0,
}  # fmt: skip
PRESETS: dict[str, dict[str, Any]] = {
    "default": {},
    "null": {**_QUIET, **_FREE, "expected_sharpe": 0.0},
    "planted": {**_QUIET, **_SWANS},
    "iid": {**_QUIET, **_IID},
}
UNITS = {
    "var_confidence": "of the VaR; D0",
    "var_days": "horizon of the VaR, trading days; Basel (1996)",
    "var_threshold": "VaR above which the limits cut, share of the NAV; D0",
    "correlation_threshold": "mean correlation above which there is an alert; D0",
    "kelly_fraction": "of the Kelly position, the most that is held; 0 is no such limit; D0",
    "max_position": "of an asset, share of the NAV; D0",
    "risk_free_rate": "a year, on cash, and in Kelly's formula; D0",
    "atr_multiplier": "of the stop at the start; D0",
    "profit_target_ratio": "distance of the target over that of the stop; D0",
    "dynamic_adjustment": "whether the agent may move the multiplier; D0",
    "stops_on": "whether there are stops and targets",
    "cooldown": "bars that an asset stays out after a stop or a target",
    "correlation_shock_threshold": "rise of the mean correlation over its slow mean; D0",
    "emergency_protocols": "whether the VaR and the correlation shock cut positions at once; D0",
    "max_weight": "of an asset in the exposure; D0",
    "correlation_limit": "of two positions, above which both are scaled down; D0",
    "rebalance_threshold": "gap that is traded, share of the full exposure; D0",
    "initial_size": "position_sizing's setting at the start, share of the full position",
    "compound": "whether positions are shares of the NAV, not of the capital",
    "expected_sharpe": "a year, of an asset at full conviction",
    "volatility": "a year, of the middle asset in the normal regime",
    "correlation": "of the assets without weather",
    "season": "depth of the U shape of volatility",
    "clustering": "whether the factor's volatility clusters; GARCH(1,1)",
    "mandate_bias": "mean conviction of the stages above",
    "mandate_spread": "deviation of the conviction",
    "cost_rate": "of a trade, share of its value at normal liquidity",
    "black_swan": "expected number in 500 bars",
    "flash_crash": "expected number in 500 bars",
    "correlation_spike": "expected number in 500 bars",
    "liquidity_drought": "expected number in 500 bars",
    "jump": "fall of all assets in the first bar of a black swan",
    "risk_aversion": "price of variance of P&L over the capital",
    "var_bonus": "reward of an episode that uses all of its VaR and never more; D0",
    "drawdown_penalty": "reward per maximum drawdown, a share of the peak; D0",
    "emergency_bonus": "of halving a full exposure in a crisis; D0",
    "false_alarm": "share of the emergency bonus that a halving without a crisis costs",
    "control_variate": "whether the reward leaves out P&L that came of shocks, mean 0; for training",
}
SHARES = ("kelly_fraction", "max_position", "max_weight", "correlation_limit", "initial_size", "false_alarm")
AT_LEAST_ZERO = (
    "rebalance_threshold", "cost_rate", "cooldown", "expected_sharpe", "black_swan", "flash_crash",
    "correlation_spike", "liquidity_drought", "jump", "risk_aversion", "mandate_spread",
)  # fmt: skip
ABOVE_ZERO = ("capital", "reward_scale", "var_days", "var_threshold", "atr_multiplier", "profit_target_ratio",
              "max_position", "max_weight", "volatility", "correlation_limit")  # fmt: skip


@dataclass(frozen=True)
class RiskManagement(Strategy):
    """A mandate of four assets, and what four agents let of it be held."""

    name: ClassVar[str] = "risk_management"
    step: ClassVar[Step] = Step(
        Columns, Memory, Own, Parts, ("price_1", "price_2", "price_3", "price_4"), (0, 1, 2, 3), len(AGENTS), opening,
        trade, reward, observe,
    )  # fmt: skip
    features: ClassVar[tuple[str, ...]] = FEATURES
    units: ClassVar[Mapping[str, str]] = UNITS
    rules: ClassVar[Mapping[str, Callable[[Any], Policy]]] = rules.RULES
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = PRESETS
    warm_up: ClassVar[int] = recorded.WARM_UP
    flat_action: ClassVar[float | None] = None  # REDUCE_RISK comes to nothing in some bars, not at once
    derived: ClassVar[tuple[str, ...]] = (
        "var_factor", "per_threshold", "bars_a_year_root", "interest_a_bar", "reward_unit", "per_capital",
        "share_of_step",
    )  # fmt: skip

    n_steps: int = 500
    steps_per_day: int = 78
    reward_scale: float = 100.0
    var_confidence: float = 0.95
    var_days: float = 10.0
    var_threshold: float = 0.05
    correlation_threshold: float = 0.5
    kelly_fraction: float = 0.25
    max_position: float = 0.1
    risk_free_rate: float = 0.02
    atr_multiplier: float = 2.0
    profit_target_ratio: float = 2.0
    dynamic_adjustment: bool = True
    stops_on: bool = True
    cooldown: float = 39.0
    correlation_shock_threshold: float = 0.3
    emergency_protocols: bool = True
    max_weight: float = 0.4
    correlation_limit: float = 0.7
    rebalance_threshold: float = 0.05
    initial_size: float = 1.0
    compound: bool = True
    expected_sharpe: float = 2.5
    volatility: float = 0.3
    correlation: float = 0.3
    season: float = 0.2
    clustering: bool = True
    mandate_bias: float = 0.6
    mandate_spread: float = 0.4
    cost_rate: float = 2e-4
    black_swan: float = 0.1
    flash_crash: float = 0.1
    correlation_spike: float = 0.1
    liquidity_drought: float = 0.1
    jump: float = 0.03
    risk_aversion: float = 10.0
    var_bonus: float = 0.1
    drawdown_penalty: float = 0.5
    emergency_bonus: float = 0.3
    false_alarm: float = 0.1
    control_variate: bool = False

    def __post_init__(self) -> None:
        """Refuse numbers that no book has; raises InvalidParameter."""
        for key in ABOVE_ZERO:
            self._demand(key, getattr(self, key) > 0.0, "a number above 0")
        for key in AT_LEAST_ZERO:
            self._demand(key, getattr(self, key) >= 0.0, "0 or more")
        for key in SHARES:
            self._demand(key, 0.0 <= getattr(self, key) <= 1.0, "a share from 0 to 1")
        for key in ("var_confidence",):
            self._demand(key, 0.5 < getattr(self, key) < 1.0, "above one half and below 1")
        for key in ("correlation", "season"):
            self._demand(key, 0.0 <= getattr(self, key) < 1.0, "from 0 to below 1")
        self._demand("n_steps", self.n_steps >= 1 and self.steps_per_day >= 1, "one or more")

    def _demand(self, key: str, holds: bool, wanted: str) -> None:
        if not holds:
            raise InvalidParameter(f"{self.name}: {key} is {getattr(self, key)}, wanted {wanted}")

    @property
    def actions(self) -> Box:
        """The choice of each of the four agents, 0 REDUCE_RISK to 4 INCREASE_RISK."""
        return Box(len(AGENTS), 0.0, 4.0)

    @property
    def var_factor(self) -> float:
        """VaR over the horizon per deviation of a bar."""
        return normal_var(self.var_confidence) * math.sqrt(self.var_days * self.steps_per_day)

    @property
    def per_threshold(self) -> float:
        """One over the VaR threshold."""
        return 1.0 / self.var_threshold

    @property
    def bars_a_year_root(self) -> float:
        """Square root of the bars of a year."""
        return math.sqrt(252.0 * self.steps_per_day)

    @property
    def interest_a_bar(self) -> float:
        """Interest on cash in a bar."""
        return self.risk_free_rate * self.years_per_step

    @property
    def reward_unit(self) -> float:
        """Reward of one unit of account currency."""
        return self.reward_scale / self.capital

    @property
    def per_capital(self) -> float:
        """One over the capital."""
        return 1.0 / self.capital

    @property
    def share_of_step(self) -> float:
        """Share of the episode that a step is."""
        return 1.0 / self.n_steps

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
