"""The desk: its parameters, how its tape is made, and what its episodes amount to."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from fund.market.history import History
from fund.market.streams import Paths
from fund.market.tape import Tape
from fund.market.triangle import Durations
from fund.market.weather import Weather
from fund.parameter import inverse, parameter
from fund.strategy import Box, Played, Strategy
from specialists.fx_arbitrage import attribution, market, recorded, theory
from specialists.fx_arbitrage.features import CARRY_UNIT, FEATURES, WARM_UP, Norms
from specialists.fx_arbitrage.presets import PRESETS
from specialists.fx_arbitrage.rules import RULES
from specialists.fx_arbitrage.step import STEP

Floats = NDArray[np.float64]

SECONDS = 86_400.0  # a day: the market never closes


@dataclass(frozen=True)
class FxArbitrage(Strategy):
    """Three pairs of three currencies, held as two balances."""

    name = "fx_arbitrage"
    actions = Box(3)  # target notional of each pair, as a share of the full position
    step = STEP
    features = FEATURES
    rules = RULES
    presets = PRESETS
    statistics = attribution.statistics
    warm_up = WARM_UP
    derived = (
        "least_margin", "fee", "reward_of_money", "half_gamma", "per_limit", "per_leverage", "tenth_of_capital",
    )  # fmt: skip

    reward_scale: float = 100.0
    currencies: str = parameter("EUR,USD,JPY", "base, home (the account's) and terms currency")
    market: str = parameter(
        "carry",
        "carry (daily rows) or triangle (rows of a fraction of a second)",
        one_of=("carry", "triangle"),
    )
    base_price: float = parameter(
        1.10, "home currency for one of the base currency, at the first row", above=0.0
    )
    home_price: float = parameter(
        110.0, "terms currency for one of the home currency, at the first row", above=0.0
    )
    base_volatility: float = parameter(
        0.07,
        "of the base currency in home currency, per square root of a year, in the normal regime",
        above=0.0,
    )
    terms_volatility: float = parameter(0.075, "of the terms currency in home currency", above=0.0)
    correlation: float = parameter(0.4, "of the two currencies' own shocks", above=-1.0, below=1.0)
    volatility_response: float = parameter(
        0.8, "power of the weather's volatility that the currencies take", at_least=0.0
    )
    market_loading: float = parameter(
        0.7, "of a currency of full interest on the weather's market factor, at correlation 1", at_least=0.0
    )
    home_rate: float = parameter(0.02, "interest on the home currency, a year")
    base_differential: float = parameter(0.01, "long-run interest on the base currency over home's, a year")
    terms_differential: float = parameter(
        -0.02, "long-run interest on the terms currency over home's, a year"
    )
    differential_deviation: float = parameter(
        0.01, "stationary standard deviation of both, a year", at_least=0.0
    )
    differential_half_life: float = parameter(18.0, "months", above=0.0)
    uip_beta: float = parameter(
        -0.88, "slope of spot moves on the forward premium; Froot (1990) -.88 on average, uncovered parity 1"
    )
    crash: float = parameter(
        10.0, "premium lost for each unit a year by which the market factor's drift is below its mean"
    )
    base_home_half_spread: float = parameter(0.5e-4, "share of the mid, normal liquidity", at_least=0.0)
    home_terms_half_spread: float = parameter(0.5e-4, "share of the mid, normal liquidity", at_least=0.0)
    cross_half_spread: float = parameter(0.8e-4, "share of the mid, normal liquidity", at_least=0.0)
    spread_noise: float = parameter(
        0.3, "largest deviation of a half-spread from its mean, share of it", at_least=0.0, at_most=1.0
    )
    size: float = parameter(1e7, "executable notional at a quote, home currency, normal liquidity", above=0.0)
    size_noise: float = parameter(
        0.7, "largest deviation of a size from its mean, share of it", at_least=0.0, at_most=1.0
    )
    deviation: float = parameter(
        0.8,
        "largest deviation of the cross while nothing is open, share of its half-spread",
        at_least=0.0,
        at_most=1.0,
    )
    opportunity_rate: float = parameter(0.01, "opportunities a second while none is open", at_least=0.0)
    opportunity_size: float = parameter(
        0.355e-4, "mean of what going round pays; 94% below 1e-4. Fenn et al. (2009)", at_least=0.0
    )
    fast_share: float = parameter(
        0.454,
        "share of opportunities that close at the fast rate. Fenn et al. (2009)",
        at_least=0.0,
        at_most=1.0,
    )
    fast_rate: float = parameter(2.0, "a second", above=0.0)
    slow_rate: float = parameter(0.478, "a second", above=0.0)
    latency: int = parameter(0, "steps from decision to fill; one order at a time", at_least=0)
    position_limit: float = parameter(3.0, "notional of a full position in one pair, over the NAV", above=0.0)
    leverage: float = parameter(10.0, "largest gross notional over the NAV when trading", above=0.0)
    maintenance: float = parameter(
        0.5,
        "share of the initial margin 1/leverage below which the account is closed out; ESMA (2018) 50%",
        at_least=0.0,
        at_most=1.0,
    )
    band: float = parameter(0.02, "smallest change of a notional that is traded, share of the full position")
    cost_rate: float = 1e-4
    funding: float = parameter(
        0.007,
        "of every balance in a foreign currency, a year: half-spread of the swaps that roll it; the weather's "
        "funding comes on top. Lustig, Roussanov & Verdelhan (2011), net and gross returns",
        at_least=0.0,
    )
    cost_scale: float = parameter(1.0, "multiple of all costs: fees, spreads and funding", at_least=0.0)
    gamma: float = parameter(
        5.0,
        "relative risk aversion of the local utility r - gamma r^2 / 2; 0: the reward is P&L",
        at_least=0.0,
    )
    control_variate: bool = parameter(
        False, "whether the reward has the moves that nobody could foresee taken out; for training"
    )
    missing_rates: str = parameter(
        "refuse",
        "what to do where a record has no interest rates: refuse, or zero",
        one_of=("refuse", "zero"),
    )

    def __post_init__(self) -> None:
        """Refuse names and numbers that no world has; raises UnknownName, InvalidParameter."""
        super().__post_init__()
        self.demand("latency", self.latency == int(self.latency), "a whole number of steps")
        three = len(set(self.triple)) == 3 and all(self.triple)
        self.demand("currencies", three, "three with commas between")
        daily = self.steps_per_day == 1 or self.market == "triangle" or self.history is not None
        self.demand("steps_per_day", daily, "1, as the market carry has daily rows")
        self.demand("control_variate", not (self.control_variate and self.history), "False on a record")

    @classmethod
    def needs(cls) -> tuple[str, ...]:
        """Columns of a history of the default currencies; others are named alike."""
        return recorded.columns_of(("EUR", "USD", "JPY"))

    def on(self, data: Any) -> Self:
        """The same desk on recorded quotes: a History, or a DataFrame; `recorded` says which columns.

        The time step becomes the record's, whole steps a day.
        """
        given = data if isinstance(data, History) else History.from_frame(data, rules=recorded.CHECKS)
        history = recorded.check(self.triple, given, self.missing_rates, self.spreads)
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
        return market.MONTH * self.steps_per_day

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
    def half_gamma(self) -> float:
        """Half the risk aversion."""
        return 0.5 * self.gamma

    per_limit = inverse("position_limit")
    per_leverage = inverse("leverage")

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


def _net_open(worth: Floats) -> Floats:
    # the greater of all long and all short positions, home currency included
    return np.asarray(0.5 * (np.abs(worth).sum(axis=0) + np.abs(worth.sum(axis=0))))
