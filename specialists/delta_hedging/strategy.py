"""The strategy: its parameters, its presets, and what ties step, markets and rules together."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from fund.account.utility import cara_equivalent
from fund.market.streams import Paths
from fund.market.tape import Tape
from fund.market.weather import Weather
from fund.strategy import Box, Played, Policy, Step, Strategy
from specialists.delta_hedging import market, recorded, rules
from specialists.delta_hedging.contract import check, grid
from specialists.delta_hedging.presets import PRESETS, UNITS
from specialists.delta_hedging.step import (
    WIDEST,
    Columns,
    Memory,
    Own,
    Parts,
    observe,
    opening,
    reward,
    trade,
)
from specialists.delta_hedging.valuation import FEATURES

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class DeltaHedging(Strategy):
    """An option sold, and the underlier that hedges it; parameters are explained in `presets`."""

    name: ClassVar[str] = "delta_hedging"
    step: ClassVar[Step] = Step(
        Columns, Memory, Own, Parts, ("spot", "option"), (0, 0, 1, 1), 2, opening, trade, reward, observe
    )
    features: ClassVar[tuple[str, ...]] = FEATURES
    units: ClassVar[Mapping[str, str]] = UNITS
    rules: ClassVar[Mapping[str, Callable[[Any], Policy]]] = rules.RULES
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = PRESETS
    warm_up: ClassVar[int] = recorded.WARM_UP
    finite_horizon: ClassVar[bool] = True
    derived: ClassVar[tuple[str, ...]] = (
        "bands", "sign", "delivery", "set_up_rate", "unwind_rate", "growth", "payout", "half_variance",
        "half_downside", "utility_weight", "reward_unit", "cost_unit", "per_premium", "per_error",
    )  # fmt: skip

    n_steps: int = 63
    reward_scale: float = 1000.0
    market: str = "garch"
    action_form: str = "multiple"
    option: str = "call"
    settlement: str = "cash"
    objective: str = "cara"
    risk_form: str = "quadratic"
    spot: float = 100.0
    strike: float = 100.0
    maturity_days: float = 63.0
    rebalance_days: float = 1.0
    step_days: float = 1.0
    days_per_year: int = 252
    notional: float = 5e5
    sigma: float = 0.2
    mu: float = 0.0
    rate: float = 0.0
    dividend: float = 0.0
    volatility_premium: float = 0.05
    market_loading: float = 0.7
    momentum: float = 0.0
    kappa: float = 5.0
    theta: float = 0.04
    xi: float = 0.5
    rho: float = -0.4
    volvol: float = 0.6
    cost_rate: float = 5e-4
    set_up_cost: bool = True
    unwind_cost: bool = True
    leverage: float = 1.0
    risk_aversion: float = 4e-5
    risk_weight: float = 1.0
    costs_in_risk: bool = False
    risk_volatility: float = 1.0
    std_weight: float = 1.5
    control_variate: bool = False
    hedge_alone: bool = False

    def __post_init__(self) -> None:
        """Refuse words and numbers that make no world; raises UnknownName, InvalidParameter."""
        check(self)

    def with_parameters(self, **changes: Any) -> Self:
        """A copy with other parameters; maturity, rebalancing and steps are kept in step with each other.

        `n_steps` alone is the number of steps to expiry: the same time in more or fewer steps, each with a chance to
        trade where it was so before. `rebalance_days` shorter than a step, or no multiple of it, makes steps shorter.
        """
        return super().with_parameters(**{**changes, **grid(self, changes)})

    def with_steps(self, steps: int) -> Self:
        """The same world over another number of steps; beyond an option's expiry another one is sold."""
        return super().with_parameters(n_steps=steps)

    @property
    def actions(self) -> Box:
        """The hedge as a multiple of delta, or how far below and above delta it may be."""
        return Box(2 if self.bands else 1, -WIDEST, WIDEST)

    @property
    def flat_action(self) -> float:  # type: ignore[override]
        """No hedge, or a band that is never left."""
        return WIDEST if self.bands else 0.0

    def record(self, paths: Paths, weather: Weather | None = None) -> Tape:
        """The tape of these paths: windows of the history where there is one, else drawn."""
        if self.history is not None:
            return recorded.record(self, self.history, paths)
        return market.record(self, paths, weather)

    @classmethod
    def needs(cls) -> tuple[str, ...]:
        """Columns of a history: the underlier, and the volatility at which its options are quoted."""
        return recorded.NEEDED

    def on(self, data: Any) -> Self:
        """The same desk on a record of `recorded`: a History, or a DataFrame.

        Quotes of one option bring their own time: a step is a row, and the episode all that the record has of it.
        """
        strategy = super().on(data)
        if strategy.history is None or "time_to_expiry" not in strategy.history.names:
            return strategy
        day, steps = recorded.steps_a_day(strategy.history), max(recorded.length(strategy.history), 1)
        return dataclasses.replace(
            strategy, step_days=1.0 / day, rebalance_days=1.0 / day, steps_per_day=day, maturity_days=steps / day,
            n_steps=steps,
        )  # fmt: skip

    def over_limit(self, held: Floats, position: Floats, marks: Floats, nav: Floats) -> NDArray[np.bool_]:
        """(n,) paths whose hedge is beyond the leverage, unless the step reduced it; the option is not a choice."""
        return super().over_limit(held[:1], position[:1], marks[:1], nav)

    def statistics(self, played: Played) -> dict[str, float]:
        """What hedging cost, in % of the premiums; y0 is its mean plus `std_weight` standard deviations.

        price: at which the writer is indifferent to one option, hedged like this. hedge_error: P&L of one option.
        """
        pnl, premiums = played.nav[-1] - played.nav[0], played.memory["premiums"]
        cost = -100.0 * pnl / premiums
        equivalent = (
            cara_equivalent(pnl, self.risk_aversion) if self.risk_aversion > 0.0 else float(pnl.mean())
        )
        one, discount = self.spot / self.notional, (1.0 + self.growth) ** -self.n_steps
        return {
            "cost_mean_pct": float(cost.mean()),
            "cost_std_pct": float(cost.std()),
            "y0": float(cost.mean() + self.std_weight * cost.std()),
            "trades": float(played.memory["trades"].mean()),
            "premium": float(premiums.mean()) * one,
            "price": (float(premiums.mean()) - discount * equivalent) * one,
            "hedge_error_mean": float(pnl.mean()) * one,
            "hedge_error_std": float(pnl.std()) * one,
        }

    def certainty_equivalent(self, played: Played) -> float | None:
        """What the episodes' P&L is worth, account currency, by `objective`; none for CARA without risk aversion."""
        pnl = played.nav[-1] - played.nav[0]
        if self.objective == "mean_std":
            return float(pnl.mean() - self.std_weight * pnl.std())
        return cara_equivalent(pnl, self.risk_aversion) if self.risk_aversion > 0.0 else None

    @property
    def days(self) -> int:
        """Trading days that an episode covers."""
        return math.ceil(self.n_steps * self.step_days - 1e-9)

    @property
    def dt(self) -> float:
        """Years a step."""
        return self.step_days / self.days_per_year

    @property
    def years_per_step(self) -> float:
        """Years a step."""
        return self.dt

    @property
    def option_steps(self) -> int:
        """Steps from an option's sale to its expiry."""
        return round(self.maturity_days / self.step_days)

    @property
    def rebalance_steps(self) -> int:
        """Steps between two chances to trade."""
        return round(self.rebalance_days / self.step_days)

    @property
    def life(self) -> float:
        """Years from an option's sale to its expiry."""
        return self.option_steps * self.dt

    @property
    def move(self) -> float:
        """Standard deviation of the log return of a step."""
        return self.sigma * math.sqrt(self.dt)

    @property
    def log_drift(self) -> float:
        """Mean log return, a year (market gbm)."""
        return self.mu - self.dividend - 0.5 * self.sigma**2

    @property
    def up_probability(self) -> float:
        """Of the binomial move that keeps the mean growth of the spot."""
        down = math.exp(-self.move)
        return (math.exp((self.mu - self.dividend) * self.dt) - down) / (1.0 / down - down)

    @property
    def bands(self) -> bool:
        """Whether an action names a band."""
        return self.action_form == "band"

    @property
    def sign(self) -> float:
        """One for a call, minus one for a put."""
        return 1.0 if self.option == "call" else -1.0

    @property
    def delivery(self) -> bool:
        """Whether the option is settled in stock."""
        return self.settlement == "stock"

    @property
    def set_up_rate(self) -> float:
        """Cost of the first trade of an option, share of its value."""
        return self.cost_rate if self.set_up_cost else 0.0

    @property
    def unwind_rate(self) -> float:
        """Cost of closing the hedge, share of its value."""
        return self.cost_rate if self.unwind_cost else 0.0

    @property
    def growth(self) -> float:
        """Interest of a step."""
        return math.expm1(self.rate * self.dt)

    @property
    def payout(self) -> float:
        """Dividends of a step, share of the spot."""
        return math.expm1(self.dividend * self.dt)

    @property
    def half_variance(self) -> float:
        """Reward's price of a squared hedge error."""
        return 0.5 * self._risk("quadratic")

    @property
    def half_downside(self) -> float:
        """Reward's price of a squared loss."""
        return 0.5 * self._risk("downside")

    @property
    def utility_weight(self) -> float:
        """Weight of the local CARA utility in the reward."""
        return self.risk_weight if self._risk("cara") > 0.0 else 0.0

    def _risk(self, form: str) -> float:
        return self.risk_weight * self.risk_aversion if self.risk_form == form else 0.0

    @property
    def reward_unit(self) -> float:
        """Reward of one unit of account currency."""
        return self.reward_scale / self.capital

    @property
    def per_premium(self) -> float:
        """One over a usual premium, in which costs and P&L are observed."""
        return 1.0 / (0.4 * self.notional * self.sigma * math.sqrt(self.life))

    @property
    def cost_unit(self) -> float:
        """Cost of trading a unit of value per option, in usual premiums."""
        return self.cost_rate * self.per_premium * self.notional / self.spot

    @property
    def per_error(self) -> float:
        """One over a usual hedge error of a step, in which those are observed."""
        return self.per_premium * math.sqrt(self.option_steps)
