"""The desk: parameters, presets, and what its episodes amount to."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from fund.errors import InvalidParameter, UnknownName
from fund.market.streams import Paths
from fund.market.tape import Tape
from fund.market.weather import Weather
from fund.strategy import Box, Played, Policy, Step, Strategy
from specialists.volatility_trading import market, recorded, rules, tape
from specialists.volatility_trading.features import MARKET_FEATURES, WARM_UP
from specialists.volatility_trading.listing import CLAIMS
from specialists.volatility_trading.presets import PRESETS, UNITS
from specialists.volatility_trading.step import (
    LEAST_WEALTH,
    Columns,
    Memory,
    Own,
    Parts,
    observe,
    opening,
    reward,
    trade,
)

Floats = NDArray[np.float64]

MARKETS = ("heston", "gjr", "rough", "gbm", "variance")
HEDGES = ("implied", "realised")


@dataclass(frozen=True)
class VolatilityTrading(Strategy):
    """A rolling straddle, hedged in its underlier."""

    name: ClassVar[str] = "volatility_trading"
    step: ClassVar[Step] = Step(
        Columns, Memory, Own, Parts, ("straddle_a", "straddle_b", "spot"), (0, 1, 2), 1, opening, trade, reward,
        observe,
    )  # fmt: skip
    features: ClassVar[tuple[str, ...]] = (*MARKET_FEATURES, *Own._fields)
    units: ClassVar[Mapping[str, str]] = UNITS
    derived: ClassVar[tuple[str, ...]] = (
        "reward_of_money", "per_capital", "tenth_of_capital", "per_limit", "claim_mean", "claim_mean_by_v",
        "claim_spread", "claim_spread_by_v",
    )  # fmt: skip
    warm_up: ClassVar[int] = WARM_UP
    rules: ClassVar[Mapping[str, Callable[[Any], Policy]]] = rules.RULES
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = PRESETS

    reward_scale: float = 100.0
    market: str = "heston"
    claim: str = "straddle"
    maturity: float = 1.0 / 12.0
    tenor: int = 21
    roll: int = 5
    aged: bool = True
    vega_limit: float = 0.002
    contracts: float = 0.0
    exposure_limit: float = 16.0
    leverage: float = 1.0
    margin_rate: float = 0.15
    compound: bool = True
    band: float = 0.05
    hedge_band: float = 0.05
    hedge_at: str = "implied"
    vega_cost: float = 0.002
    stock_cost: float = 1e-4
    log_utility: bool = False
    control_variate: bool = False
    initial_price: float = 100.0
    kappa: float = 6.0
    theta: float = 0.0182
    xi: float = 0.4
    rho: float = -0.7
    risk_premium: float = -2.0
    jump_rate: float = 2.0
    jump_mean: float = -0.025
    jump_deviation: float = 0.03
    jump_premium: float = 0.025
    demand_mean: float = 0.2
    demand_deviation: float = 0.35
    demand_half_life: float = 15.0
    premium: float = 1.0
    market_loading: float = 0.95
    implied_volatility: float = 0.2
    realised_volatility: float = 0.25
    drift: float = 0.0
    arch: float = 0.02
    asymmetry: float = 0.13
    garch: float = 0.90
    freedom: float = 7.0
    hurst: float = 0.07
    eta: float = 1.9
    smile_slope: float = -0.12
    smile_bend: float = 0.02
    short_above: float = 0.0
    long_below: float = -3.0

    def __post_init__(self) -> None:
        """Refuse names and numbers that no world has; raises UnknownName, InvalidParameter."""
        for kind, found, known in (
            ("market", self.market, MARKETS),
            ("claim", self.claim, tuple(CLAIMS)),
            ("hedge_at", self.hedge_at, HEDGES),
        ):
            if found not in known:
                raise UnknownName(kind, found, known)
        for key in ("maturity", "theta", "xi", "kappa", "vega_limit", "exposure_limit", "capital", "initial_price",
                    "implied_volatility", "demand_half_life"):  # fmt: skip
            self._demand(key, getattr(self, key) > 0.0, "a number above 0")
        for key in ("leverage", "margin_rate", "band", "hedge_band", "vega_cost", "stock_cost", "jump_rate",
                    "contracts", "jump_deviation", "demand_deviation", "realised_volatility", "roll"):  # fmt: skip
            self._demand(key, getattr(self, key) >= 0.0, "0 or more")
        self._demand("tenor", self.life > self.roll, f"more than roll, {self.roll}, or 0")
        self._demand("risk_premium", self.kappa + self.risk_premium > 0.0, f"above -kappa, {-self.kappa}")
        for key in ("rho", "market_loading"):
            self._demand(key, abs(getattr(self, key)) < 1.0, "within -1 and 1")
        self._demand("freedom", self.freedom > 2.0, "more than 2")
        daily = self.steps_per_day == 1 and abs(self.dt * 252.0 - 1.0) < 1e-9
        self._demand(
            "weather", daily or not self.weather or self.history is not None, "false where steps are not days"
        )
        self._demand(
            "control_variate",
            self.market == "variance" or not self.control_variate,
            "only on market variance",
        )

    def _demand(self, key: str, holds: bool, wanted: str) -> None:
        if not holds:
            raise InvalidParameter(f"{self.name}: {key} is {getattr(self, key)}, wanted {wanted}")

    @property
    def actions(self) -> Box:
        """Target vega, as a share of the limit; + is long."""
        return Box(1)

    @property
    def life(self) -> int:
        """Steps from listing to expiry."""
        return self.tenor if self.tenor > 0 else self.n_steps

    @property
    def dt(self) -> float:
        """Length of a step, years; rounded, so that a series of as many steps keeps every bit of it."""
        return float(f"{self.maturity / self.life:.14g}")

    @property
    def years_per_step(self) -> float:
        """Length of a step, years."""
        return self.dt

    @property
    def reward_of_money(self) -> float:
        """Reward of one unit of account currency."""
        return self.reward_scale / self.capital

    @property
    def per_capital(self) -> float:
        """One over the capital."""
        return 1.0 / self.capital

    @property
    def tenth_of_capital(self) -> float:
        """One over a tenth of the capital, in which P&L is observed."""
        return 10.0 / self.capital

    @property
    def vega_share(self) -> float:
        """Vega of a full position, for a change of volatility of one, over the money it is a share of."""
        if self.market == "variance":
            return self.exposure_limit
        if self.contracts > 0.0:
            usual = sum(CLAIMS[self.claim]) * 0.4 * self.initial_price * math.sqrt(self.maturity)
            return self.contracts * usual / self.capital
        return 100.0 * self.vega_limit

    @property
    def per_limit(self) -> float:
        """One over that."""
        return 1.0 / self.vega_share

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

    @property
    def finite_horizon(self) -> bool:  # type: ignore[override]
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
        if not self.log_utility:
            return None
        return float(np.exp(np.log(np.maximum(played.nav[-1] / self.capital, LEAST_WEALTH)).mean()))

    def statistics(self, played: Played) -> dict[str, float]:
        """Mean P&L by source (account currency an episode), growth, exposure.

        growth: mean logarithmic return, a year. exposure_mean: position over the NAV, in units of variance where the
        claim is on variance, else the share of the vega limit. cost: fees. Of series held to their end with constant
        volatilities, `identity_mean` is the integral of gamma S^2 (realised^2 - implied^2) / 2 and
        `identity_correlation` its correlation with the P&L.
        """
        years = played.length * self.dt
        growth = np.log(np.maximum(played.nav[-1] / self.capital, LEAST_WEALTH))
        unit = self.exposure_limit if self.market == "variance" else 1.0
        found = {
            "growth": float(growth.sum() / years.sum()),
            "exposure_mean": float(played.memory["exposure"].sum() / played.length.sum()) * unit,
            "pnl_skew": _skewness(played.nav[-1] - played.nav[0]),
            **{name: float(values.mean()) for name, values in attribution(played).items()},
        }
        if self.market == "gbm" and self.history is None:
            share = (self.realised_volatility / self.implied_volatility) ** 2 - 1.0
            integral, pnl = -played.memory["theta"] * share, played.nav[-1] - played.nav[0]
            found["identity_mean"] = float(integral.mean())
            moves = integral.std() > 0.0 and pnl.std() > 0.0
            found["identity_correlation"] = float(np.corrcoef(integral, pnl)[0, 1]) if moves else math.nan
        return found


def attribution(played: Played) -> dict[str, Floats]:
    """P&L by source, each (n,), account currency; the sum is the change of the NAV."""
    sources = ("delta", "gamma", "theta", "vega", "cross", "residual", "hedge")
    found = {f"{name}_pnl": played.memory[name] for name in sources}
    lines = played.lines
    return {**found, "cost_pnl": lines["fees"] + lines["rebates"] + lines["execution"] + lines["carry"]}


def _skewness(sample: Floats) -> float:
    around, deviation = sample - sample.mean(), float(sample.std())
    return float((around**3).mean()) / deviation**3 if deviation > 0.0 else 0.0
