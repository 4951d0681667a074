"""The world of the execution stage: parameters, and what its episodes amount to."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fund.grandmodel.execution import market, recorded
from fund.grandmodel.execution.layout import ACTIONS, FEATURES, VENUES
from fund.grandmodel.execution.order_books import OrderBooks
from fund.grandmodel.execution.presets import PRESETS
from fund.grandmodel.execution.rules import RULES
from fund.grandmodel.execution.step import STEP
from fund.market.streams import Paths
from fund.market.tape import Tape
from fund.market.weather import Weather
from fund.parameter import inverse, parameter
from fund.strategy import Box, Played, Strategy

Floats = NDArray[np.float64]

SESSION = 23_400.0  # seconds of a trading day of six and a half hours


@dataclass(frozen=True)
class Execution(OrderBooks, Strategy):
    """Two parent orders to be worked within an episode."""

    name = "execution"
    step = STEP
    features = FEATURES
    rules = RULES
    presets = PRESETS
    actions = Box(len(ACTIONS))  # the five agents' numbers side by side
    warm_up = recorded.WARM_UP
    flat_action = None  # a parent order must be worked
    finite_horizon = True
    derived = (
        "lots_a_share", "marginal", "square_root", "transient", "smart_routing", "kept", "per_step_time",
        "reward_of_money", "per_move", "per_spread", "per_parent", "share_of_step",
    )  # fmt: skip

    n_steps: int = 200
    steps_per_day: int = 390
    capital: float = 1e7
    reward_scale: float = 1000.0
    parent_a: float = parameter(100_000.0, "shares of the first parent order", at_least=0.0)
    parent_b: float = parameter(80_000.0, "shares of the second parent order", at_least=0.0)
    parent_spread: float = parameter(
        0.5, "share by which parents differ from their size, up or down", at_least=0.0, below=1.0
    )
    random_side: bool = parameter(True, "whether a parent buys or sells by a coin; else it sells")
    random_start: bool = parameter(True, "whether an episode opens at any minute of the day")
    min_size: float = parameter(100.0, "shares of the smallest child order; D0", at_least=0.0)
    max_size: float = parameter(10_000.0, "shares of the largest child order; D0")
    size_increment: float = parameter(100.0, "shares a lot; D0", above=0.0)
    execution_slippage_tolerance: float = parameter(
        0.001, "share of the arrival price, unit of stop and target; D0"
    )
    execution_risk_limit: float = parameter(
        0.02, "deviation of the open value to the end over the parent's value; D0"
    )
    execution_cost_weight: float = parameter(0.3, "of cost against risk, in which parent goes first; D0")
    priority_strength: float = parameter(
        0.25, "how far risk and cost alone put one parent before the other, 0 to 1"
    )
    max_participation: float = parameter(
        0.25, "share of the expected volume that a step may trade", at_least=0.0
    )
    urgent: bool = parameter(True, "whether stop and target double the pace")
    venue_selection_algorithm: str = parameter(
        "smart_routing",
        "smart_routing: weights are tilts of the depths; agents: weights as they are; D0",
        one_of=("smart_routing", "agents"),
    )
    carry_over: bool = parameter(True, "whether what was not filled stays open for the next step")
    passive: bool = parameter(True, "whether orders may be posted")
    timed: bool = parameter(True, "whether market orders may wait for the end of the step")
    risk_aversion: float = parameter(
        1e-6, "lambda, per account currency; Almgren & Chriss (2000)", at_least=0.0
    )
    impact_penalty: float = parameter(0.1, "share of the impact's cost charged once more; D0")
    speed_bonus: float = parameter(0.2, "reward of sending all market orders below the latency target; D0")
    venue_bonus: float = parameter(0.1, "reward of splitting all market orders best over the venues; D0")
    control_variate: bool = parameter(
        False, "whether the reward leaves out what nobody can foresee of the mids' moves; for training"
    )

    def __post_init__(self) -> None:
        """Refuse names and numbers that no market has; raises UnknownName, InvalidParameter."""
        super().__post_init__()
        venues = self.execution_venues
        named = 1 <= len(venues) <= len(VENUES) and len(set(venues)) == len(venues)
        self.demand("execution_venues", named, "one to three different names")
        lot = max(self.min_size, self.size_increment)
        self.demand("max_size", self.max_size >= lot, "min_size and size_increment or more")
        self.demand("share_1", sum(self.venue_share) > 0.0, "some venue with a share above 0")

    lots_a_share = inverse("size_increment")

    @property
    def move(self) -> float:
        """Deviation of a mid's move in a step of the normal regime, price units."""
        return self.initial_price * self.volatility / math.sqrt(self.steps_per_day)

    @property
    def smart_routing(self) -> bool:
        """Whether the routing agent's weights are tilts of the depths."""
        return self.venue_selection_algorithm == "smart_routing"

    @property
    def per_step_time(self) -> float:
        """One over the seconds of a step."""
        return self.steps_per_day / SESSION

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
