"""The desk: parameters, presets, and what its episodes amount to."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from fund.errors import InvalidParameter, UnknownName
from fund.market.draft import Rules
from fund.market.history import History
from fund.market.streams import Paths
from fund.market.tape import Tape
from fund.market.term_structure import GibsonSchwartz, SchwartzSmith, Seasonality
from fund.market.weather import Weather
from fund.strategy import Box, Played, Policy, Step, Strategy
from specialists.futures_spreads import market, recorded, rules, theory
from specialists.futures_spreads.features import FEATURES, LEGS, WARM_UP
from specialists.futures_spreads.presets import PRESETS, UNITS
from specialists.futures_spreads.step import LEAST_WEALTH, Columns, Memory, Own, Parts, ended, observe

from specialists.futures_spreads.step import opening, reward, trade  # isort: skip

Floats = NDArray[np.float64]

MARKETS = ("calendar", "inter")
MODELS = ("schwartz_smith", "gibson_schwartz")
INSTRUMENTS = ("near_a", "near_b", "far_a", "far_b")
_ABOVE_ZERO = ("spot", "price_ratio", "ratio", "mispricing_kappa", "position_limit", "leverage", "capital")
_AT_LEAST_ZERO = (
    "mispricing_sigma",
    "band",
    "cost_rate",
    "initial_margin",
    "maintenance_margin",
    "roll_days",
)
_WITHIN_ONE = ("market_loading", "chi_correlation", "initial_margin", "maintenance_margin")
_MOST_MISPRICED = 0.2  # stationary deviation beyond which a price could turn negative


@dataclass(frozen=True)
class FuturesSpreads(Strategy):
    """Two futures held against each other."""

    name: ClassVar[str] = "futures_spreads"
    step: ClassVar[Step] = Step(
        Columns,
        Memory,
        Own,
        Parts,
        INSTRUMENTS,
        (0, 1, 2, 3),
        1,
        opening,
        trade,
        reward,
        observe,
        ended=ended,
    )
    features: ClassVar[tuple[str, ...]] = FEATURES
    units: ClassVar[Mapping[str, str]] = UNITS
    derived: ClassVar[tuple[str, ...]] = (
        "reward_of_money", "tenth_of_capital", "hundredth_of_capital", "per_limit", "interest_of_step",
    )  # fmt: skip
    warm_up: ClassVar[int] = WARM_UP
    rules: ClassVar[Mapping[str, Callable[[Any], Policy]]] = rules.RULES
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = PRESETS

    reward_scale: float = 100.0
    market: str = "calendar"
    legs: str = "units"
    model: str = "schwartz_smith"
    near_contract: int = 1
    far_contract: int = 5
    contract_days: int = 21
    roll_days: int = 5
    ratio: float = 1.0
    kappa: float = 0.9
    sigma_chi: float = 0.286
    lambda_chi: float = 0.157
    mu_xi: float = -0.0125
    sigma_xi: float = 0.145
    mu_xi_star: float = 0.0115
    rho: float = 0.3
    alpha: float = 0.106
    s1: float = 0.393
    s2: float = 0.527
    lambda_: float = 0.198
    r: float = 0.06
    mu: float = 0.142
    premium_scale: float = 0.5
    premium_slope: float = 0.6
    spot: float = 60.0
    chi_0: float = 0.0
    random_start: bool = True
    a_1: float = 0.0
    b_1: float = 0.0
    a_2: float = 0.0
    b_2: float = 0.0
    mispricing_kappa: float = 12.0
    mispricing_sigma: float = 0.1
    market_loading: float = 0.3
    market_premium: float = 0.5
    chi_correlation: float = 0.9
    price_ratio: float = 1.2
    position_limit: float = 3.0
    leverage: float = 3.0
    band: float = 0.05
    initial_margin: float = 0.08
    maintenance_margin: float = 1.0 / 1.1
    cost_rate: float = 0.0002
    interest: float = 0.0
    utility_power: float = 1.0
    control_variate: bool = False

    def __post_init__(self) -> None:
        """Refuse names and numbers that no world has; raises UnknownName, InvalidParameter."""
        for kind, known in (("market", MARKETS), ("legs", LEGS), ("model", MODELS)):
            if getattr(self, kind) not in known:
                raise UnknownName(kind, getattr(self, kind), known)
        wanted = (
            (_ABOVE_ZERO, lambda x: x > 0.0, "a number above 0"),
            (_AT_LEAST_ZERO, lambda x: x >= 0.0, "0 or more"),
            (_WITHIN_ONE, lambda x: abs(x) <= 1.0, "at most 1"),
            (("near_contract", "far_contract", "contract_days"), lambda x: x >= 1, "1 or more"),
            (("utility_power",), lambda x: x <= 1.0, "1 or less"),
            (("steps_per_day",), lambda x: x == 1, "1: contracts are priced once a day"),
        )
        for fields, good, text in wanted:
            for key in fields:
                if not good(getattr(self, key)):
                    raise InvalidParameter(f"{self.name}: {key} is {getattr(self, key)}, wanted {text}")
        self._check_world()

    def _check_world(self) -> None:
        # also builds the curve, which refuses what is no curve
        if self.curve.sigma_chi > 0.0 and self.mispricing_deviation > _MOST_MISPRICED:
            raise InvalidParameter(
                f"{self.name}: mispricing_sigma is {self.mispricing_sigma}, mispricing_kappa {self.mispricing_kappa}: "
                f"a usual mispricing of {self.mispricing_deviation:.2f}, wanted at most {_MOST_MISPRICED}"
            )
        apart = self.market == "calendar" and self.near_contract != self.far_contract and self.history is None
        if self.legs == "tangency" and not apart:
            raise InvalidParameter(
                f"{self.name}: legs are tangency, wanted two contracts of one generated curve"
            )
        if self.control_variate and self.history is not None:
            raise InvalidParameter(f"{self.name}: control_variate is on, wanted off on a recorded market")

    @property
    def actions(self) -> Box:
        """The target position, as a share of the full one."""
        return Box(1)

    @property
    def finite_horizon(self) -> bool:  # type: ignore[override]
        """Whether what counts is the utility of wealth at the end of the episode."""
        return self.utility_power != 1.0

    @cached_property
    def published_curve(self) -> SchwartzSmith:
        """The curve with all its premia, whatever `premium_scale` says."""
        if self.model == "gibson_schwartz":
            yields = GibsonSchwartz(
                self.kappa, self.alpha, self.s1, self.s2, self.rho, self.lambda_, self.r, self.mu
            )
            return yields.schwartz_smith()
        return SchwartzSmith(
            self.kappa, self.sigma_chi, self.lambda_chi, self.mu_xi, self.sigma_xi, self.mu_xi_star, self.rho
        )

    @cached_property
    def curve(self) -> SchwartzSmith:
        """The curve that is drawn: scaled premia, and their slope."""
        full = self.published_curve
        return replace(
            full, lambda_chi=self.premium_scale * full.lambda_chi, premium_slope=self.premium_slope,
            mu_xi_star=full.mu_xi + self.premium_scale * (full.mu_xi_star - full.mu_xi),
        )  # fmt: skip

    @property
    def seasonality(self) -> Seasonality:
        """The season of the log price."""
        return Seasonality((self.a_1, self.a_2), (self.b_1, self.b_2))

    @property
    def mispricing_deviation(self) -> float:
        """Standard deviation of the mispricing in the normal regime."""
        return self.mispricing_sigma / math.sqrt(2.0 * self.mispricing_kappa)

    @property
    def maturities(self) -> tuple[float, float]:
        """Usual times to expiry of the two legs, years: half-way between rolls."""
        contracts = market.calendar(self)
        middle = contracts.roll - 0.5 * (contracts.period - 1)
        return (contracts.near + middle) / market.YEAR, (contracts.far + middle) / market.YEAR

    @property
    def near_volatility(self) -> float:
        """Of leg 1, per square root of a year."""
        return float(self.curve.volatility(self.maturities[0]))

    @property
    def usual_spread_move(self) -> float:
        """Standard deviation of what a money unit of the direction earns in a day, in the normal regime."""
        return math.sqrt(float(theory.usual_moments(self).variance) / market.YEAR)

    @property
    def reward_of_money(self) -> float:
        """Reward of one unit of account currency."""
        return self.reward_scale / self.capital

    @property
    def tenth_of_capital(self) -> float:
        """One over a tenth of the capital, in which P&L is observed."""
        return 10.0 / self.capital

    @property
    def hundredth_of_capital(self) -> float:
        """One over a hundredth of the capital, in which carry is observed."""
        return 100.0 / self.capital

    @property
    def per_limit(self) -> float:
        """One over the position limit."""
        return 1.0 / self.position_limit

    @property
    def interest_of_step(self) -> float:
        """Interest of a step."""
        return self.interest / market.YEAR

    @classmethod
    def needs(cls) -> tuple[str, ...]:
        """Columns of a history; the readers of `recorded` add what they know of contracts."""
        return ("near", "far")

    def on(self, data: Any) -> Self:
        """The same desk on recorded prices, which may be negative: a History or a DataFrame."""
        if not isinstance(data, History):
            data = History.from_frame(data, required=self.needs(), rules=Rules(kind="numbers"))
        return self.with_parameters(history=data)

    def record(self, paths: Paths, weather: Weather | None = None) -> Tape:
        """The tape of these paths."""
        if self.history is not None:
            return recorded.windows(self, self.history, paths)
        return market.record(self, paths, weather)

    def certainty_equivalent(self, played: Played) -> float | None:
        """Sure final wealth over the capital that is worth the episodes; None where wealth has no utility."""
        wealth = np.maximum(played.nav[-1] / self.capital, LEAST_WEALTH)
        if self.utility_power == 1.0:
            return None
        if self.utility_power == 0.0:
            return float(np.exp(np.log(wealth).mean()))
        return float((wealth**self.utility_power).mean() ** (1.0 / self.utility_power))

    def statistics(self, played: Played) -> dict[str, float]:
        """Attribution, margin, growth, and moments of the market.

        return_rate = spread_pnl + roll_yield + carry + fees, shares of the capital a year: roll_yield is what the
        contracts would have earned on curves that stay as they are, spread_pnl the rest of what they earned.
        margin_calls and liquidations an episode; average_margin_use a share of the NAV; mean_square_position of shares
        of the full one; log_growth a year. near_, far_ and spread_volatility and spread_drift a year: of leg 1, leg 2
        and one money unit of the direction.
        """
        steps = float(played.length.sum())
        money, roll = self.capital * steps / market.YEAR, float(played.memory["roll"].sum())
        lines = {name: float(values.sum()) for name, values in played.lines.items()}
        wealth = np.maximum(played.nav[-1] / self.capital, LEAST_WEALTH)
        going = np.arange(played.nav.shape[0] - 1)[:, None] < played.length
        posted, worth = float(played.memory["margin_sum"].sum()), float((played.nav[1:] * going).sum())
        return {
            "return_rate": float((played.nav[-1] - played.nav[0]).sum()) / money,
            "spread_pnl": (lines["holding"] + lines["execution"] - roll) / money,
            "roll_yield": roll / money,
            "carry": lines["carry"] / money,
            "fees": (lines["fees"] + lines["rebates"]) / money,
            "log_growth": float(np.log(wealth).sum()) * market.YEAR / steps,
            "margin_calls": float(played.memory["calls"].mean()),
            "liquidations": float((played.nav[-1] < played.memory["maintenance"]).mean()),
            "average_margin_use": posted / worth,
            "mean_square_position": float(played.memory["square"].sum()) / steps,
            **theory.recorded_moments(played.tape),
        }
