"""The desk: its parameters, how its tape is made, and what its episodes amount to."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Self

from fund.account.utility import power_equivalent
from fund.market.streams import Paths
from fund.market.tape import Tape
from fund.market.weather import Weather
from fund.parameter import inverse, parameter
from fund.strategy import Box, Played, Strategy
from specialists.volatility_trading import attribution, market, recorded, tape
from specialists.volatility_trading.features import FEATURES, WARM_UP
from specialists.volatility_trading.listing import CLAIMS
from specialists.volatility_trading.presets import PRESETS
from specialists.volatility_trading.rules import RULES
from specialists.volatility_trading.step import STEP


@dataclass(frozen=True)
class VolatilityTrading(Strategy):
    """A rolling straddle, hedged in its underlier."""

    name = "volatility_trading"
    actions = Box(1)  # target vega, as a share of the limit; + is long
    step = STEP
    features = FEATURES
    rules = RULES
    presets = PRESETS
    statistics = attribution.statistics
    warm_up = WARM_UP
    derived = (
        "reward_of_money", "per_capital", "tenth_of_capital", "per_limit", "claim_mean", "claim_mean_by_v",
        "claim_spread", "claim_spread_by_v",
    )  # fmt: skip

    reward_scale: float = 100.0
    market: str = parameter(
        "heston",
        "heston, gjr, rough, gbm or variance (one claim with unit exposure to the variance of heston)",
        one_of=("heston", "gjr", "rough", "gbm", "variance"),
    )
    claim: str = parameter(
        "straddle", "straddle, call or put: what a series consists of", one_of=tuple(CLAIMS)
    )
    maturity: float = parameter(1.0 / 12.0, "years from listing to expiry", above=0.0)
    tenor: int = parameter(21, "steps from listing to expiry; 0: all of the episode")
    roll: int = parameter(
        5, "steps to expiry at which the next series takes over; 0 holds to the end", at_least=0
    )
    aged: bool = parameter(True, "whether the series of row 0 has a random age")
    vega_limit: float = parameter(
        0.002, "P&L of a point of volatility at a full position, share of the NAV", above=0.0
    )
    contracts: float = parameter(
        0.0, "claims of a full position, where it is not sized by vega; 0: by vega", at_least=0.0
    )
    exposure_limit: float = parameter(
        16.0, "exposure to v of a full position over the NAV (market variance)", above=0.0
    )
    leverage: float = parameter(
        1.0, "largest gross exposure over NAV when trading, claims and shares", at_least=0.0
    )
    margin_rate: float = parameter(
        0.15,
        "margin of a short claim beside its price, share of the spot; 0.15: Cboe, broad-based index",
        at_least=0.0,
    )
    compound: bool = True
    band: float = 0.05
    hedge_band: float = parameter(
        0.05, "smallest change of the hedge that is traded, shares per claim", at_least=0.0
    )
    hedge_at: str = parameter(
        "implied",
        "implied or realised: the volatility of the delta that is hedged (realised: market gbm)",
        one_of=("implied", "realised"),
    )
    vega_cost: float = parameter(
        0.002,
        "fee of a trade, share of its vega for a change of volatility of one; .002: a fifth of a point",
        at_least=0.0,
    )
    stock_cost: float = parameter(1e-4, "fee of a trade in the underlier, share of its value", at_least=0.0)
    log_utility: bool = parameter(False, "whether the reward is the change of log wealth, not the P&L")
    control_variate: bool = parameter(
        False, "market variance: whether the reward has its zero-mean noise taken out; for training"
    )
    initial_price: float = parameter(100.0, "of the underlier, account currency", above=0.0)
    kappa: float = parameter(6.0, "speed of reversion of variance under P, a year", above=0.0)
    theta: float = parameter(0.0182, "long-run variance under P in the normal regime, a year", above=0.0)
    xi: float = parameter(0.4, "volatility of variance, a year", above=0.0)
    rho: float = parameter(-0.7, "correlation of return and variance", above=-1.0, below=1.0)
    risk_premium: float = parameter(
        -2.0, "lam: a unit of variance earns lam v dt; below zero who is short variance is paid"
    )
    jump_rate: float = parameter(2.0, "jumps of the index a year", at_least=0.0)
    jump_mean: float = parameter(-0.025, "of a jump's log size under P")
    jump_deviation: float = parameter(0.03, "standard deviation of a jump's log size", at_least=0.0)
    jump_premium: float = parameter(0.025, "by which the mean of a jump is lower under Q; Pan (2002)")
    demand_mean: float = parameter(0.2, "mean of u, the log ratio of quoted to risk-neutral variance")
    demand_deviation: float = parameter(0.35, "standard deviation of u", at_least=0.0)
    demand_half_life: float = parameter(15.0, "days in which a deviation of u halves", above=0.0)
    premium: float = parameter(1.0, "share of the weather's drift that the index earns")
    market_loading: float = parameter(
        0.95, "correlation of the index with the weather's common factor", above=-1.0, below=1.0
    )
    implied_volatility: float = parameter(0.2, "sigma_i of market gbm, a year", above=0.0)
    realised_volatility: float = parameter(0.25, "sigma_r of market gbm, a year", at_least=0.0)
    drift: float = parameter(0.0, "of the index, a year (market gbm)")
    arch: float = parameter(0.02, "a of the GJR variance; Glosten, Jagannathan & Runkle (1993)")
    asymmetry: float = parameter(0.13, "g of the GJR variance")
    garch: float = parameter(0.90, "b of the GJR variance")
    freedom: float = parameter(7.0, "degrees of freedom of the t shocks (market gjr)", above=2.0)
    hurst: float = parameter(0.07, "H of rough Bergomi; Bayer, Friz & Gatheral (2016)")
    eta: float = parameter(1.9, "volatility of log variance of rough Bergomi; Bayer, Friz & Gatheral (2016)")
    smile_slope: float = parameter(
        -0.12, "relative change of implied volatility a deviation of strike (markets gjr, rough and history)"
    )
    smile_bend: float = parameter(0.02, "and of the square of it")
    short_above: float = parameter(0.0, "points of IV - RV above which iv_rv_threshold is short")
    long_below: float = parameter(-3.0, "points of IV - RV below which it is long")

    def __post_init__(self) -> None:
        """Refuse names and numbers that no world has; raises UnknownName, InvalidParameter."""
        super().__post_init__()
        self.demand("tenor", self.life > self.roll, f"above roll, {self.roll}, or 0")
        self.demand("risk_premium", self.kappa + self.risk_premium > 0.0, f"above -kappa, {-self.kappa:g}")
        self.demand(
            "jump_rate", self.jump_rate * self.dt < 1.0, f"below one a step, {1.0 / self.dt:g} a year"
        )
        daily = self.steps_per_day == 1 and abs(self.dt * 252.0 - 1.0) < 1e-9
        fitting = daily or not self.weather or self.history is not None
        self.demand("weather", fitting, "False where steps are not days")
        known = self.market == "variance" or not self.control_variate
        self.demand("control_variate", known, "False but on the market variance")

    @property
    def finite_horizon(self) -> bool:  # type: ignore[override]  # a constant elsewhere
        """Whether what counts is the utility of wealth at the end of the episode."""
        return self.log_utility

    @classmethod
    def needs(cls) -> tuple[str, ...]:
        """Columns that a history must have; `iv_90`, where it is there, gives the slope."""
        return recorded.NEEDED

    def with_steps(self, steps: int) -> Self:
        """The same world over another number of steps."""
        return dataclasses.replace(self, n_steps=steps, tenor=self.life)

    def record(self, paths: Paths, weather: Weather | None = None) -> Tape:
        """The tape of these paths: windows of the history where there is one, else drawn."""
        if self.history is not None:
            return recorded.record(self, self.history, paths)
        # a day more: options are quoted in the last row, too
        sky = self.sky(paths, -(-(self.n_steps + 1) // self.steps_per_day), weather)
        return tape.record(self, paths, sky)

    def certainty_equivalent(self, played: Played) -> float | None:
        """Sure final wealth over the capital that is worth the episodes under log utility; None without it."""
        return power_equivalent(played.nav[-1] / self.capital, 0.0 if self.log_utility else 1.0)

    @property
    def years_per_step(self) -> float:
        """Length of a step, years."""
        return self.dt

    @property
    def dt(self) -> float:
        """Length of a step, years; rounded, so that a series of as many steps keeps every bit of it."""
        return float(f"{self.maturity / self.life:.14g}")

    @property
    def life(self) -> int:
        """Steps from listing to expiry."""
        return self.tenor if self.tenor > 0 else self.n_steps

    @property
    def vega_share(self) -> float:
        """Vega of a full position, for a change of volatility of one, over the money it is a share of."""
        if self.market == "variance":
            return self.exposure_limit
        if self.contracts > 0.0:
            usual = sum(CLAIMS[self.claim]) * 0.4 * self.initial_price * math.sqrt(self.maturity)
            return self.contracts * usual / self.capital
        return 100.0 * self.vega_limit

    per_limit = inverse("vega_share")

    @property
    def _claim(self) -> tuple[float, float, float, float]:
        q = market.priced_under(self)
        means = [
            market.expected(self.kappa, self.theta, self.dt),
            market.expected(q.kappa, q.thetas[0], self.dt),
        ]
        level, by_v = market.spread(self.kappa, self.theta, self.xi, self.dt)
        return means[0][0] - means[1][0], means[0][1] - means[1][1], level, by_v

    @property
    def claim_mean(self) -> float:
        """Mean of a unit claim on variance over a step where the variance is zero."""
        return self._claim[0]

    @property
    def claim_mean_by_v(self) -> float:
        """What a unit of variance adds to it."""
        return self._claim[1]

    @property
    def claim_spread(self) -> float:
        """Variance of a unit claim over a step where the variance is zero."""
        return self._claim[2]

    @property
    def claim_spread_by_v(self) -> float:
        """What a unit of variance adds to it."""
        return self._claim[3]
