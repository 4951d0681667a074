"""The desk: its parameters, how its tape is made, and what its episodes amount to."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

from fund.account.utility import power_equivalent
from fund.market.draft import Rules
from fund.market.history import History
from fund.market.streams import Paths
from fund.market.tape import Tape
from fund.market.term_structure import GibsonSchwartz, SchwartzSmith, Seasonality
from fund.market.weather import Weather
from fund.parameter import inverse, parameter
from fund.strategy import Box, Played, Strategy
from specialists.futures_spreads import attribution, market, recorded, theory
from specialists.futures_spreads.features import FEATURES, LEGS, WARM_UP
from specialists.futures_spreads.presets import PRESETS
from specialists.futures_spreads.rules import RULES
from specialists.futures_spreads.step import STEP

MOST_MISPRICED = 0.2  # stationary deviation beyond which a price could turn negative


@dataclass(frozen=True)
class FuturesSpreads(Strategy):
    """Two futures held against each other."""

    name = "futures_spreads"
    actions = Box(1)  # the target position, as a share of the full one
    step = STEP
    features = FEATURES
    rules = RULES
    presets = PRESETS
    statistics = attribution.statistics
    warm_up = WARM_UP
    derived = (
        "reward_of_money", "tenth_of_capital", "hundredth_of_capital", "per_limit", "interest_of_step",
    )  # fmt: skip

    reward_scale: float = 100.0
    market: str = parameter(
        "calendar",
        "calendar (two contracts of one curve) or inter (two commodities: crack, crush, Brent against WTI)",
        one_of=("calendar", "inter"),
    )
    legs: str = parameter(
        "units",
        "units (1 : ratio contracts), dollars (as much of each) or tangency (the log-optimal shares)",
        one_of=LEGS,
    )
    model: str = parameter(
        "schwartz_smith",
        "schwartz_smith or gibson_schwartz: whose parameters make the curve",
        one_of=("schwartz_smith", "gibson_schwartz"),
    )
    near_contract: int = parameter(1, "rank of leg 1's contract, counted from the front", at_least=1)
    far_contract: int = parameter(5, "rank of leg 2's contract", at_least=1)
    contract_days: int = parameter(
        21, "days between expiries; 1: contracts of constant maturity, 21 ranks a month", at_least=1
    )
    roll_days: int = parameter(
        5, "days before the expiry of the front contract at which the legs roll", at_least=0
    )
    ratio: float = parameter(
        1.0,
        "units of leg 2 against one of leg 1; 3:2:1 cracks and crushes are 1 : 1 in barrels and bushels",
        above=0.0,
    )
    kappa: float = parameter(
        0.9,
        "speed of chi (or of the convenience yield) under P, a year; with premium_slope the curve's 1.49 of oil",
    )
    sigma_chi: float = parameter(
        0.286, "volatility of chi, per square root of a year; Schwartz & Smith (2000): .286"
    )
    lambda_chi: float = parameter(0.157, "premium on chi, a year; Schwartz & Smith (2000): .157")
    mu_xi: float = parameter(-0.0125, "drift of xi, a year; Schwartz & Smith (2000): -.0125")
    sigma_xi: float = parameter(
        0.145, "volatility of xi, per square root of a year; Schwartz & Smith (2000): .145"
    )
    mu_xi_star: float = parameter(0.0115, "drift of xi under Q, a year; Schwartz & Smith (2000): .0115")
    rho: float = parameter(
        0.3, "correlation of chi and xi (.300), or of spot and convenience yield under gibson_schwartz"
    )
    alpha: float = parameter(0.106, "mean of the convenience yield, a year; Schwartz (1997), oil 1985-95")
    s1: float = parameter(
        0.393, "volatility of the spot price, per square root of a year; Schwartz (1997), oil 1985-95"
    )
    s2: float = parameter(
        0.527, "volatility of the convenience yield, per square root of a year; Schwartz (1997), oil 1985-95"
    )
    lambda_: float = parameter(
        0.198, "premium on the convenience yield, a year; Schwartz (1997), oil 1985-95"
    )
    r: float = parameter(0.06, "interest rate of the curve, a year; Schwartz (1997)")
    mu: float = parameter(
        0.142, "drift of the spot price, a year; Schwartz (1997), oil 1985-95, as remembered"
    )
    premium_scale: float = parameter(
        0.5, "share of the curve's premia that is paid; 0 makes futures martingales"
    )
    premium_slope: float = parameter(
        0.6, "b of the premium lambda_chi + b chi, a year: pays for backwardation"
    )
    spot: float = parameter(60.0, "price at chi = 0 on the first row, before the season", above=0.0)
    chi_0: float = parameter(0.0, "chi on the first row where it is not drawn")
    random_start: bool = parameter(True, "draw chi, mispricing and day of the year on the first row")
    a_1: float = parameter(0.0, "cosine of the season, log price; Sorensen (2002)")
    b_1: float = parameter(0.0, "sine of the season, log price")
    a_2: float = parameter(0.0, "cosine of the half-year's season, log price")
    b_2: float = parameter(0.0, "sine of the half-year's season, log price")
    mispricing_kappa: float = parameter(
        12.0, "speed at which the near leg's mispricing reverts, a year, in the normal regime", above=0.0
    )
    mispricing_sigma: float = parameter(
        0.1, "volatility of the mispricing, relative, per square root of a year", at_least=0.0
    )
    market_loading: float = parameter(
        0.3,
        "correlation of xi with the weather's common factor in the normal regime",
        at_least=-1.0,
        at_most=1.0,
    )
    market_premium: float = parameter(0.5, "share of the common factor's drift that xi earns")
    chi_correlation: float = parameter(
        0.9,
        "correlation of the two commodities' chi shocks beside xi's (market inter)",
        at_least=-1.0,
        at_most=1.0,
    )
    price_ratio: float = parameter(1.2, "usual price of leg 1 over that of leg 2 (market inter)", above=0.0)
    position_limit: float = parameter(
        3.0,
        "money units of the direction in a full position, over NAV; gross exposure but for `tangency`",
        above=0.0,
    )
    leverage: float = parameter(3.0, "largest gross exposure over NAV when trading", above=0.0)
    band: float = 0.05
    initial_margin: float = parameter(
        0.08,
        "share of gross value in the normal regime, times the weather's volatility above 1",
        at_least=0.0,
        at_most=1.0,
    )
    maintenance_margin: float = parameter(
        1.0 / 1.1, "share of the initial margin; CME's outright futures: 1 / 1.1", at_least=0.0, at_most=1.0
    )
    cost_rate: float = 0.0002
    interest: float = parameter(0.0, "on the NAV, a year")
    utility_power: float = 1.0
    control_variate: bool = parameter(
        False, "whether the reward has the zero-mean noise of the P&L taken out; for training"
    )

    def __post_init__(self) -> None:
        """Refuse names and numbers that no world has; raises UnknownName, InvalidParameter."""
        super().__post_init__()
        self.demand("steps_per_day", self.steps_per_day == 1, "1: contracts are priced once a day")
        # also builds the curve, which refuses what is no curve
        near = self.curve.sigma_chi == 0.0 or self.mispricing_deviation <= MOST_MISPRICED
        most = MOST_MISPRICED * self.mispricing_sigma / max(self.mispricing_deviation, 1e-12)
        wanted = f"at most {most:.3g}, a usual mispricing of {MOST_MISPRICED:g} at this mispricing_kappa"
        self.demand("mispricing_sigma", near, wanted)
        apart = self.market == "calendar" and self.near_contract != self.far_contract and self.history is None
        two = apart or self.legs != "tangency"
        self.demand("legs", two, "units or dollars but on two contracts of one generated curve")
        self.demand("control_variate", not (self.control_variate and self.history), "False on a record")

    @property
    def finite_horizon(self) -> bool:  # type: ignore[override]  # a constant elsewhere
        """Whether what counts is the utility of wealth at the end of the episode."""
        return self.utility_power != 1.0

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
        """The tape of these paths: windows of the history where there is one, else drawn."""
        if self.history is not None:
            return recorded.windows(self, self.history, paths)
        return market.record(self, paths, weather)

    def certainty_equivalent(self, played: Played) -> float | None:
        """Sure final wealth over the capital that is worth the episodes; None where wealth has no utility."""
        return power_equivalent(played.nav[-1] / self.capital, self.utility_power)

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

    per_limit = inverse("position_limit")
    hundredth_of_capital = inverse("capital", 100.0)  # in which carry is observed

    @property
    def interest_of_step(self) -> float:
        """Interest of a step."""
        return self.interest / market.YEAR
