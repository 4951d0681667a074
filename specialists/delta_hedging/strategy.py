"""The desk: its parameters, how its tape is made, and what its episodes amount to."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from fund.account.utility import cara_equivalent
from fund.market.draft import Rules
from fund.market.streams import Paths
from fund.market.tape import Tape
from fund.market.weather import Weather
from fund.parameter import parameter
from fund.strategy import Box, Played, Strategy
from specialists.delta_hedging import attribution, market, recorded, time_grid
from specialists.delta_hedging.presets import PRESETS
from specialists.delta_hedging.rules import RULES
from specialists.delta_hedging.step import STEP, WIDEST
from specialists.delta_hedging.valuation import FEATURES

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class DeltaHedging(Strategy):
    """An option sold, and the underlier that hedges it."""

    name = "delta_hedging"
    step = STEP
    features = FEATURES
    rules = RULES
    presets = PRESETS
    statistics = attribution.statistics
    warm_up = recorded.WARM_UP
    checks = Rules(kind="numbers")  # a payoff may be nothing, and so may be the time that is left
    finite_horizon = True
    derived = (
        "bands", "sign", "delivery", "set_up_rate", "unwind_rate", "growth", "payout", "half_variance",
        "half_downside", "utility_weight", "reward_of_money", "cost_unit", "per_premium", "per_error",
    )  # fmt: skip

    n_steps: int = 63
    reward_scale: float = 1000.0
    market: str = parameter("garch", "garch, gbm, binomial, heston or sabr", one_of=tuple(market.MARKETS))
    action_form: str = parameter(
        "multiple", "multiple of delta, or band below and above it", one_of=("multiple", "band")
    )
    option: str = parameter("call", "call or put", one_of=("call", "put"))
    settlement: str = parameter("cash", "cash, or stock, delivered free", one_of=("cash", "stock"))
    objective: str = parameter(
        "cara", "cara, or mean_std: mean less std_weight standard deviations", one_of=("cara", "mean_std")
    )
    risk_form: str = parameter(
        "quadratic", "of the reward; Kolm & Ritter (2019)", one_of=("quadratic", "cara", "downside", "none")
    )
    spot: float = parameter(100.0, "price of the underlier at the start", above=0.0)
    strike: float = parameter(
        100.0, "where the underlier is at `spot`; a later option has the same moneyness", above=0.0
    )
    maturity_days: float = parameter(63.0, "trading days from an option's sale to its expiry", above=0.0)
    rebalance_days: float = parameter(1.0, "trading days between two chances to change the hedge", above=0.0)
    step_days: float = parameter(1.0, "trading days a step", above=0.0)
    days_per_year: int = parameter(252, "trading days a year", above=0)
    notional: float = parameter(5e5, "worth of the underlier of what is sold, account currency", above=0.0)
    sigma: float = parameter(
        0.2, "volatility, per square root of a year; in the normal regime (market garch)", above=0.0
    )
    mu: float = parameter(0.0, "drift of the underlier, a year, dividends included")
    rate: float = parameter(0.0, "riskless, a year; P&L is in excess of it on the capital")
    dividend: float = parameter(0.0, "yield of the underlier, a year")
    volatility_premium: float = parameter(
        0.05, "share by which the implied volatility is above the fair one; Carr & Wu (2009)", above=-1.0
    )
    market_loading: float = parameter(
        0.7, "correlation with the weather's common factor (market garch)", above=-1.0, below=1.0
    )
    momentum: float = parameter(0.0, "correlation of successive returns (market gbm)", above=-1.0, below=1.0)
    kappa: float = parameter(5.0, "speed of mean reversion of variance, a year; Heston (1993)", above=0.0)
    theta: float = parameter(0.04, "long-run variance, a year; Heston (1993)", above=0.0)
    xi: float = parameter(0.5, "volatility of variance; Heston (1993)", above=0.0)
    rho: float = parameter(
        -0.4, "correlation of returns with variance (heston) or volatility (sabr)", above=-1.0, below=1.0
    )
    volvol: float = parameter(0.6, "volatility of volatility; Hagan et al. (2002), beta = 1", at_least=0.0)
    cost_rate: float = 5e-4
    least_trade: float = parameter(
        0.02, "smallest trade of the hedge, units an option: a round lot of 100 shares", at_least=0.0
    )
    set_up_cost: bool = parameter(True, "whether the first trade of an option costs")
    unwind_cost: bool = parameter(True, "whether closing the hedge at expiry costs")
    leverage: float = parameter(1.0, "largest value of the hedge over NAV when trading", at_least=0.0)
    risk_aversion: float = parameter(
        4e-5, "absolute, per account currency; Hodges & Neuberger (1989), Kolm & Ritter (2019)", at_least=0.0
    )
    risk_weight: float = parameter(1.0, "multiple of the risk aversion in the reward", at_least=0.0)
    costs_in_risk: bool = parameter(False, "whether costs count in the reward's risk; Kolm & Ritter (2019)")
    risk_volatility: float = parameter(
        1.0, "multiple of the implied volatility in the reward's risk; Leland (1985)", above=0.0
    )
    risk_skew: float = parameter(
        0.0, "slope of that volatility by the logarithm of strike over spot; Bergomi & Guyon (2012)"
    )
    std_weight: float = parameter(
        1.5, "standard deviations in the objective mean_std and in y0; Cao et al. (2021)", at_least=0.0
    )
    control_variate: bool = False
    hedge_alone: bool = parameter(
        False, "whether it leaves out, too, what no hedge can change; for training, with control_variate"
    )

    def __post_init__(self) -> None:
        """Refuse words and numbers that make no world; raises UnknownName, InvalidParameter."""
        super().__post_init__()
        time_grid.check(self)
        if self.market == "binomial":
            self.demand("sigma", 0.0 < self.up_probability < 1.0, "enough for the drift of a step")
        drawn = self.market in ("garch", "gbm", "binomial") and self.momentum == 0.0 and self.history is None
        known = drawn and self.risk_form in ("quadratic", "none") and not self.costs_in_risk
        worlds = "on garch, gbm and binomial without momentum, for quadratic risk before costs"
        self.demand("control_variate", known or not self.control_variate, f"False: it is known {worlds}")
        alone = self.control_variate or not self.hedge_alone
        self.demand("hedge_alone", alone, "False without control_variate")

    @property
    def actions(self) -> Box:
        """The hedge as a multiple of delta, or how far below and above delta it may be."""
        return Box(2 if self.bands else 1, -WIDEST, WIDEST)

    @property
    def flat_action(self) -> float:  # type: ignore[override]
        """No hedge, or a band that is never left."""
        return WIDEST if self.bands else 0.0

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

    def with_parameters(self, **changes: Any) -> Self:
        """A copy with other parameters; maturity, rebalancing and steps are kept in step with each other.

        `n_steps` alone is the number of steps to expiry: the same time in more or fewer steps, each with a chance to
        trade where it was so before. `rebalance_days` shorter than a step, or no multiple of it, makes steps shorter.
        """
        return super().with_parameters(**{**changes, **time_grid.fitted(self, changes)})

    def with_steps(self, steps: int) -> Self:
        """The same world over another number of steps; beyond an option's expiry another one is sold."""
        return super().with_parameters(n_steps=steps)

    def record(self, paths: Paths, weather: Weather | None = None) -> Tape:
        """The tape of these paths: windows of the history where there is one, else drawn."""
        if self.history is not None:
            return recorded.record(self, self.history, paths)
        return market.record(self, paths, weather)

    def over_limit(self, held: Floats, position: Floats, marks: Floats, nav: Floats) -> NDArray[np.bool_]:
        """(n,) paths whose hedge is beyond the leverage, unless the step reduced it; the option is not a choice."""
        return super().over_limit(held[:1], position[:1], marks[:1], nav)

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
