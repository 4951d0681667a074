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
from fund.market.triangle import Durations
from fund.market.weather import Weather
from fund.strategy import Box, Played, Policy, Step, Strategy
from specialists.fx_arbitrage import attribution, market, recorded, rules, theory
from specialists.fx_arbitrage.features import CARRY_UNIT, FEATURES, WARM_UP, Norms
from specialists.fx_arbitrage.presets import PRESETS, UNITS
from specialists.fx_arbitrage.step import (
    Columns,
    Memory,
    Own,
    Parts,
    ended,
    observe,
    opening,
    reward,
    trade,
)

Floats = NDArray[np.float64]

MARKETS = ("carry", "triangle")
MISSING = ("refuse", "zero")
SECONDS = 86_400.0  # a day: the market never closes
MONTH = market.MONTH
_POSITIVE = (
    "base_price", "home_price", "base_volatility", "terms_volatility", "differential_half_life", "size", "fast_rate",
    "slow_rate", "position_limit", "leverage", "capital", "reward_scale",
)  # fmt: skip
_NOT_NEGATIVE = (
    "volatility_response", "differential_deviation", "base_home_half_spread", "home_terms_half_spread",
    "cross_half_spread", "opportunity_rate", "opportunity_size", "latency", "band", "cost_rate", "funding",
    "cost_scale", "gamma", "market_loading",
)  # fmt: skip
_SHARES = ("spread_noise", "size_noise", "deviation", "fast_share", "maintenance")


@dataclass(frozen=True)
class FxArbitrage(Strategy):
    """Three pairs of three currencies, held as two balances; parameters are in `presets`."""

    name: ClassVar[str] = "fx_arbitrage"
    step: ClassVar[Step] = Step(
        Columns,
        Memory,
        Own,
        Parts,
        ("base", "terms"),
        (0, 1, 0, 1),
        3,
        opening,
        trade,
        reward,
        observe,
        ended=ended,
    )
    features: ClassVar[tuple[str, ...]] = FEATURES
    units: ClassVar[Mapping[str, str]] = UNITS
    derived: ClassVar[tuple[str, ...]] = (
        "least_margin", "fee", "reward_of_money", "half_gamma", "per_limit", "per_leverage", "tenth_of_capital",
    )  # fmt: skip
    warm_up: ClassVar[int] = WARM_UP
    rules: ClassVar[Mapping[str, Callable[[Any], Policy]]] = rules.RULES
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = PRESETS

    reward_scale: float = 100.0
    currencies: str = "EUR,USD,JPY"
    market: str = "carry"
    base_price: float = 1.10
    home_price: float = 110.0
    base_volatility: float = 0.07
    terms_volatility: float = 0.075
    correlation: float = 0.4
    volatility_response: float = 0.8
    market_loading: float = 0.7
    home_rate: float = 0.02
    base_differential: float = 0.01
    terms_differential: float = -0.02
    differential_deviation: float = 0.01
    differential_half_life: float = 18.0
    uip_beta: float = -0.88
    crash: float = 10.0
    base_home_half_spread: float = 0.5e-4
    home_terms_half_spread: float = 0.5e-4
    cross_half_spread: float = 0.8e-4
    spread_noise: float = 0.3
    size: float = 1e7
    size_noise: float = 0.7
    deviation: float = 0.8
    opportunity_rate: float = 0.01
    opportunity_size: float = 0.355e-4
    fast_share: float = 0.454
    fast_rate: float = 2.0
    slow_rate: float = 0.478
    latency: int = 0
    position_limit: float = 3.0
    leverage: float = 10.0
    maintenance: float = 0.5
    band: float = 0.02
    cost_rate: float = 1e-4
    funding: float = 0.007
    cost_scale: float = 1.0
    gamma: float = 5.0
    control_variate: bool = False
    missing_rates: str = "refuse"

    def __post_init__(self) -> None:
        """Refuse names and numbers that no world has; raises UnknownName, InvalidParameter."""
        if self.market not in MARKETS:
            raise UnknownName("market", self.market, MARKETS)
        if self.missing_rates not in MISSING:
            raise UnknownName("missing_rates", self.missing_rates, MISSING)
        for name in _POSITIVE:
            self._demand(name, getattr(self, name) > 0.0, "a number above 0")
        for name in _NOT_NEGATIVE:
            self._demand(name, getattr(self, name) >= 0.0, "0 or more")
        for name in _SHARES:
            self._demand(name, 0.0 <= getattr(self, name) <= 1.0, "a share from 0 to 1")
        self._demand("correlation", abs(self.correlation) < 1.0, "a number between -1 and 1")
        self._demand("latency", self.latency == int(self.latency), "a whole number of steps")
        self._demand(
            "currencies", len(set(self.triple)) == 3 and all(self.triple), "three with commas between"
        )
        daily = self.steps_per_day == 1 or self.market == "triangle" or self.history is not None
        self._demand("steps_per_day", daily, "1, as the market carry has daily rows")
        self._demand("control_variate", not (self.control_variate and self.history), "off on a record")

    def _demand(self, name: str, holds: bool, wanted: str) -> None:
        if not holds:
            raise InvalidParameter(f"{self.name}: {name} is {getattr(self, name)}, wanted {wanted}")

    @property
    def actions(self) -> Box:
        """Target notional of each pair, as a share of the full position."""
        return Box(3)

    @property
    def triple(self) -> tuple[str, ...]:
        """Base, home and terms currency."""
        return tuple(word.strip().upper() for word in self.currencies.split(","))

    @property
    def seconds(self) -> float:
        """Length of a step."""
        return SECONDS / self.steps_per_day

    @property
    def month(self) -> int:
        """Steps from one change of interest rates to the next."""
        return MONTH * self.steps_per_day

    @property
    def durations(self) -> Durations:
        """How long opportunities last."""
        return Durations(self.fast_share, self.fast_rate, self.slow_rate)

    @property
    def spreads(self) -> tuple[float, float, float]:
        """Half-spreads of the three pairs, costs scaled."""
        halves = self.base_home_half_spread, self.home_terms_half_spread, self.cross_half_spread
        return (self.cost_scale * halves[0], self.cost_scale * halves[1], self.cost_scale * halves[2])

    @property
    def fee(self) -> float:
        """Fee of a trade, share of its value, costs scaled."""
        return self.cost_rate * self.cost_scale

    @property
    def least_margin(self) -> float:
        """NAV over gross notional below which the account is closed out."""
        return self.maintenance / self.leverage

    @property
    def reward_of_money(self) -> float:
        """Reward of one unit of account currency."""
        return self.reward_scale / self.capital

    @property
    def half_gamma(self) -> float:
        """Half the risk aversion."""
        return 0.5 * self.gamma

    @property
    def per_limit(self) -> float:
        """One over the position limit."""
        return 1.0 / self.position_limit

    @property
    def per_leverage(self) -> float:
        """One over the leverage limit."""
        return 1.0 / self.leverage

    @property
    def tenth_of_capital(self) -> float:
        """One over a tenth of the capital, in which P&L is observed."""
        return 10.0 / self.capital

    @property
    def norms(self) -> Norms:
        """Usual sizes of what is observed."""
        root = math.sqrt(self.years_per_step)
        one, two = self.base_volatility, self.terms_volatility
        across = math.sqrt(one * one + two * two - 2.0 * self.correlation * one * two)
        a, b, c = (1.0 / half if half > 0.0 else 0.0 for half in self.spreads)
        unit = self.years_per_step * CARRY_UNIT
        return Norms((one * root, two * root, across * root), (a, b, c), 1.0 / unit, 1.0 / self.size)

    @property
    def known(self) -> bool:
        """Whether premia and covariance are constant, and the parameters say them."""
        varying = self.weather, self.crash, self.market_loading, self.differential_deviation, self.history
        return not any(varying)

    @property
    def free(self) -> bool:
        """Whether every trade is executed at once, at the mids of base and terms, and no position costs anything."""
        costs = self.fee, *self.spreads, self.cost_scale * self.funding, self.deviation, self.opportunity_rate
        return not any((*costs, self.band, self.latency))

    @property
    def premia(self) -> tuple[float, float]:
        """Long-run excess returns of the base and the terms currency, a year."""
        slope = 1.0 - self.uip_beta
        return slope * self.base_differential, slope * self.terms_differential

    @property
    def covariance(self) -> Floats:
        """Covariance (2, 2) of the two currencies, a year, in the normal regime without the market factor."""
        return theory.covariance((self.base_volatility, self.terms_volatility), self.correlation)

    @classmethod
    def needs(cls) -> tuple[str, ...]:
        """Columns of a history of the default currencies; others are named alike."""
        return recorded.columns_of(("EUR", "USD", "JPY"))

    def on(self, data: Any) -> Self:
        """The same desk on recorded quotes: a History, or a DataFrame; `recorded` says which columns.

        The time step becomes the record's, whole steps a day.
        """
        given = data if isinstance(data, History) else History.from_frame(data, rules=recorded.CHECKS)
        history = recorded.check(self.triple, given, self.missing_rates)
        steps = max(1, round(SECONDS * 1e6 / max(history.step, 1)))
        return self.with_parameters(history=history, steps_per_day=steps)

    def record(self, paths: Paths, weather: Weather | None = None) -> Tape:
        """The tape of these paths: windows of the history where there is one, else drawn."""
        if self.history is not None:
            return recorded.windows(self, self.history, paths)
        return market.record(self, paths, weather)

    def over_limit(self, held: Floats, position: Floats, marks: Floats, nav: Floats) -> NDArray[np.bool_]:
        """(n,) paths whose net open position, long side or short, passed `leverage`, unless it was reduced.

        It is never more than the gross notional of the pairs, which is what the desk limits.
        """
        now, past = (_net_open(balance * marks) for balance in (position, held))
        limit = self.leverage * np.maximum(nav, 0.0)
        return np.asarray((now > limit * (1.0 + 1e-9) + 1e-9) & (now > past * (1.0 + 1e-9)))

    def certainty_equivalent(self, played: Played) -> float | None:
        """Sure return a year that is worth the episodes under the local utility; None without a risk aversion."""
        if self.gamma == 0.0:
            return None
        r = np.maximum(played.nav[1:] / np.maximum(played.nav[:-1], 1e-9) - 1.0, -1.0)
        utility = (r - self.half_gamma * r * r).sum(axis=0)
        return float(utility.mean()) / (self.n_steps * self.years_per_step)

    def statistics(self, played: Played) -> dict[str, float]:
        """Opportunities and attempts at them, what the P&L is made of, leverage, and the shape of monthly returns."""
        return attribution.statistics(played)


def _net_open(worth: Floats) -> Floats:
    # the greater of all long and all short positions, home currency included
    return np.asarray(0.5 * (np.abs(worth).sum(axis=0) + np.abs(worth.sum(axis=0))))
