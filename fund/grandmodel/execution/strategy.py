"""The world of the execution stage: parameters, and what its episodes amount to."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fund.errors import InvalidParameter, UnknownName
from fund.grandmodel.execution import market, recorded, rules
from fund.grandmodel.execution.layout import ACTIONS, FEATURES, VENUES, Columns, Memory, Own, Parts
from fund.grandmodel.execution.presets import PRESETS, UNITS
from fund.grandmodel.execution.step import observe, opening, price, reward, trade
from fund.market.streams import Paths
from fund.market.tape import Tape
from fund.market.weather import Weather
from fund.strategy import Box, Played, Policy, Step, Strategy

Floats = NDArray[np.float64]

IMPACT_MODELS = ("almgren_chriss", "square_root", "obizhaeva_wang")
VENUE_SELECTION = ("smart_routing", "agents")
POSITIVE = (
    "capital", "reward_scale", "size_increment", "initial_price", "depth", "daily_volume", "latency_target",
)  # fmt: skip
NOT_NEGATIVE = (
    "parent_a", "parent_b", "min_size", "volatility", "half_spread", "permanent", "resilience", "under_fill",
    "max_participation", "risk_aversion", "queue_steps", "share_1", "share_2", "share_3",
)  # fmt: skip
SESSION = 23_400.0  # seconds of a trading day of six and a half hours


@dataclass(frozen=True)
class Execution(Strategy):
    """Two parent orders to be worked within an episode; parameters are in `presets`."""

    name: ClassVar[str] = "execution"
    step: ClassVar[Step] = Step(
        Columns, Memory, Own, Parts, ("mid_a", "mid_b"), (0, 0, 1, 1), len(ACTIONS), opening, trade, reward, observe,
        price,
    )  # fmt: skip
    features: ClassVar[tuple[str, ...]] = FEATURES
    units: ClassVar[Mapping[str, str]] = UNITS
    rules: ClassVar[Mapping[str, Callable[[Any], Policy]]] = rules.RULES
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = PRESETS
    warm_up: ClassVar[int] = recorded.WARM_UP
    flat_action: ClassVar[float | None] = None  # a parent order must be worked
    finite_horizon: ClassVar[bool] = True
    derived: ClassVar[tuple[str, ...]] = (
        "lots_a_share", "marginal", "square_root", "transient", "smart_routing", "kept", "per_step_time",
        "reward_unit", "per_move", "per_spread", "per_parent", "share_of_step",
    )  # fmt: skip

    n_steps: int = 200
    steps_per_day: int = 390
    capital: float = 1e7
    reward_scale: float = 1000.0
    parent_a: float = 100_000.0
    parent_b: float = 80_000.0
    parent_spread: float = 0.5
    random_side: bool = True
    random_start: bool = True
    min_size: float = 100.0
    max_size: float = 10_000.0
    size_increment: float = 100.0
    execution_slippage_tolerance: float = 0.001
    execution_risk_limit: float = 0.02
    execution_cost_weight: float = 0.3
    priority_strength: float = 0.25
    max_participation: float = 0.25
    urgent: bool = True
    execution_venues: tuple[str, ...] = ("venue_a", "venue_b", "venue_c")
    venue_selection_algorithm: str = "smart_routing"
    market_impact_model: str = "almgren_chriss"
    latency_target: float = 0.001
    initial_price: float = 50.0
    volatility: float = 0.02
    half_spread: float = 2e-4
    daily_volume: float = 5e6
    permanent: float = 5e-8
    depth: float = 20_000.0
    impact_coefficient: float = 0.5
    resilience: float = 0.1
    share_1: float = 0.5
    share_2: float = 0.3
    share_3: float = 0.2
    fee_1: float = 0.003
    fee_2: float = 0.002
    fee_3: float = 0.001
    rebate_1: float = 0.002
    rebate_2: float = 0.001
    rebate_3: float = 0.0
    latency_1: float = 0.0006
    latency_2: float = 0.0009
    latency_3: float = 0.0025
    flow_share: float = 0.2
    queue_steps: float = 0.6
    fill_probability: float = 0.9
    under_fill: float = 0.03
    carry_over: bool = True
    poisson_flow: bool = False
    passive: bool = True
    timed: bool = True
    signal: float = 0.15
    signal_persistence: float = 0.8
    correlation: float = 0.3
    season: float = 0.3
    activity: float = 1.0
    adverse: float = 0.4
    venue_noise: float = 1.0
    risk_aversion: float = 1e-6
    impact_penalty: float = 0.1
    speed_bonus: float = 0.2
    venue_bonus: float = 0.1
    control_variate: bool = False

    def __post_init__(self) -> None:
        """Refuse names and numbers that no market has; raises UnknownName, InvalidParameter."""
        if self.market_impact_model not in IMPACT_MODELS:
            raise UnknownName("market_impact_model", self.market_impact_model, IMPACT_MODELS)
        if self.venue_selection_algorithm not in VENUE_SELECTION:
            raise UnknownName("venue_selection_algorithm", self.venue_selection_algorithm, VENUE_SELECTION)
        venues = self.execution_venues
        if not 1 <= len(venues) <= len(VENUES) or len(set(venues)) < len(venues):
            raise InvalidParameter(
                f"{self.name}: execution_venues are {venues}, wanted one to three different names"
            )
        for key in POSITIVE:
            self._demand(key, getattr(self, key) > 0.0, "a number above 0")
        for key in NOT_NEGATIVE:
            self._demand(key, getattr(self, key) >= 0.0, "0 or more")
        for key in ("signal", "signal_persistence", "correlation", "parent_spread", "season"):
            self._demand(key, 0.0 <= getattr(self, key) < 1.0, "from 0 to below 1")
        self._demand("max_size", self.max_size >= max(self.min_size, self.size_increment), "min_size or more")
        self._demand("share_1", sum(self.venue_share) > 0.0, "some venue with a share above 0")
        self._demand("n_steps", self.n_steps >= 1 and self.steps_per_day >= 1, "one or more")

    def _demand(self, key: str, holds: bool, wanted: str) -> None:
        if not holds:
            raise InvalidParameter(f"{self.name}: {key} is {getattr(self, key)}, wanted {wanted}")

    @property
    def actions(self) -> Box:
        """The five agents' numbers side by side, named in `layout.ACTIONS`."""
        return Box(len(ACTIONS))

    @property
    def venue_share(self) -> tuple[float, ...]:
        """Share of depth and flow of each venue; 0 where there is none."""
        return tuple(getattr(self, f"share_{v}") if v <= len(self.execution_venues) else 0.0 for v in VENUES)

    @property
    def venue_depth(self) -> tuple[float, ...]:
        """Normal depth of each venue, shares a price unit."""
        return tuple(self.depth * share for share in self.venue_share)

    @property
    def venue_latency(self) -> tuple[float, ...]:
        """Median latency of each venue, seconds."""
        return (self.latency_1, self.latency_2, self.latency_3)

    @property
    def move(self) -> float:
        """Deviation of a mid's move in a step of the normal regime, price units."""
        return self.initial_price * self.volatility / math.sqrt(self.steps_per_day)

    @property
    def lots_a_share(self) -> float:
        """One over a lot."""
        return 1.0 / self.size_increment

    @property
    def marginal(self) -> float:
        """Part of the last share's concession that all pay: all of it, or the mean of a book that is walked up."""
        return 0.5 if self.market_impact_model == "obizhaeva_wang" else 1.0

    @property
    def square_root(self) -> bool:
        """Whether impact is that of the square root."""
        return self.market_impact_model == "square_root"

    @property
    def transient(self) -> bool:
        """Whether a part of the impact stays and decays."""
        return self.market_impact_model == "obizhaeva_wang"

    @property
    def smart_routing(self) -> bool:
        """Whether the routing agent's weights are tilts of the depths."""
        return self.venue_selection_algorithm == "smart_routing"

    @property
    def kept(self) -> float:
        """Share of transient impact that is left after a step."""
        return math.exp(-self.resilience)

    @property
    def per_step_time(self) -> float:
        """One over the seconds of a step."""
        return self.steps_per_day / SESSION

    @property
    def reward_unit(self) -> float:
        """Reward of one unit of account currency."""
        return self.reward_scale / self.capital

    @property
    def per_move(self) -> float:
        """One over the usual run of the price in an episode."""
        return 1.0 / max(self.move * math.sqrt(self.n_steps), 1e-4 * self.initial_price)

    @property
    def per_spread(self) -> float:
        """One over the half-spread."""
        return 1.0 / max(self.half_spread * self.initial_price, 1e-4 * self.initial_price)

    @property
    def per_parent(self) -> float:
        """One over the shares of both parents."""
        return 1.0 / max(self.parent_a + self.parent_b, 1.0)

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
        """Closes and volumes of one instrument; those of a second one are taken where given."""
        return recorded.NEEDS

    def over_limit(self, held: Floats, position: Floats, marks: Floats, nav: Floats) -> NDArray[np.bool_]:
        """(n,) paths whose step traded beyond a parent: the gap grew, or changed its side."""
        grew = np.abs(position) > np.abs(held) * (1.0 + 1e-9)
        return np.asarray((grew | (position * held < 0.0)).any(axis=0))

    def statistics(self, played: Played) -> dict[str, float]:
        """Shortfall and its parts, account currency an episode; `shortfall_bp` of the parents' value at arrival."""
        memory = played.memory
        shortfall = played.nav[0] - played.nav[-1]
        value = (
            np.abs(memory["parent_a"]) * memory["arrival_a"]
            + np.abs(memory["parent_b"]) * memory["arrival_b"]
        )
        worked = np.maximum(memory["made"] + memory["taken"], 1e-12)
        return {
            "shortfall": float(shortfall.mean()),
            "shortfall_std": float(shortfall.std()),
            "shortfall_bp": float(shortfall.sum() / max(value.sum(), 1e-12)) * 1e4,
            **{
                part: float(memory[part].mean())
                for part in ("spread", "impact", "permanent", "fees", "moves")
            },
            "posted_share": float((memory["made"] / worked).mean()),
            "fast_share": float((memory["fast"] / np.maximum(memory["taken"], 1e-12)).mean()),
        }
