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
from fund.errors import InvalidParameter
from fund.market.streams import Paths
from fund.market.tape import Tape
from fund.market.weather import Weather
from fund.strategy import Box, Played, Policy, Step, Strategy
from specialists.market_making import market, recorded, rules
from specialists.market_making.features import FEATURES
from specialists.market_making.presets import PRESETS, UNITS
from specialists.market_making.step import (
    ORDERS,
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


@dataclass(frozen=True)
class MarketMaking(Strategy):
    """Two quotes around the mid, an inventory, and the order flow that fills them; parameters are in `presets`."""

    name: ClassVar[str] = "market_making"
    step: ClassVar[Step] = Step(
        Columns, Memory, Own, Parts, ("mid",), (0, 0), 2, opening, trade, reward, observe
    )
    features: ClassVar[tuple[str, ...]] = FEATURES
    units: ClassVar[Mapping[str, str]] = UNITS
    rules: ClassVar[Mapping[str, Callable[[Any], Policy]]] = rules.RULES
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = PRESETS
    warm_up: ClassVar[int] = recorded.WARM_UP
    flat_action: ClassVar[float | None] = 1.0
    finite_horizon: ClassVar[bool] = True
    derived: ClassVar[tuple[str, ...]] = (
        "per_day", "centre", "half_range", "per_tick", "per_quote", "capacity", "sweeps", "staying", "phi_dt",
        "reward_unit", "move", "dt",
    )  # fmt: skip

    n_steps: int = 390
    steps_per_day: int = 390
    capital: float = 2e5
    reward_scale: float = 1000.0
    gamma: float = 5e-4
    sigma: float = 1.7
    horizon: float = 1.0
    arrival_rate: float = 200.0
    depth_decay: float = 14.0
    min_half_spread: float = 0.0
    max_half_spread: float = 0.6
    tick: float = 0.05
    phi: float = 7e-4
    alpha: float = 0.0
    max_inventory: float = 2000.0
    initial_inventory_bound: int = 0
    maker_rebate: float = 2e-4
    taker_fee: float = 5e-4
    flatten: bool = True
    risk_weight: float = 0.0
    control_variate: bool = False
    leverage: float = 2.0
    quote_size: float = 100.0
    initial_price: float = 100.0
    book: bool = True
    sweep: bool = True
    poisson: bool = False
    binary_moves: bool = True
    signal: float = 0.04
    signal_persistence: float = 0.8
    half_spread: float = 0.1
    flow_share: float = 0.4
    excitation: float = 0.5
    order_size: float = 1.5
    queue_depth: float = 2.0
    cancel_rate: float = 0.1

    def __post_init__(self) -> None:
        """Refuse parameters that make no market."""
        positive = (
            "depth_decay",
            "horizon",
            "quote_size",
            "half_spread",
            "order_size",
            "capital",
            "reward_scale",
        )
        shares = ("flow_share", "excitation", "cancel_rate", "signal_persistence")
        rest = (
            "gamma",
            "sigma",
            "arrival_rate",
            "tick",
            "phi",
            "alpha",
            "max_inventory",
            "signal",
            "queue_depth",
        )
        for name in positive:
            self._demand(name, getattr(self, name) > 0, "a number above zero")
        for name in shares:
            self._demand(name, 0 <= getattr(self, name) < 1, "a share from 0 to below 1")
        for name in (*rest, "initial_inventory_bound", "risk_weight", "leverage"):
            self._demand(name, getattr(self, name) >= 0, "zero or more")
        for name in ("n_steps", "steps_per_day"):
            self._demand(name, getattr(self, name) >= 1, "one or more")
        averse = self.signal > 0.0 and self.risk_weight > 0.0 and self.gamma > 0.0
        strange = self.book or averse or self.poisson or self.sweep or self.flatten
        known = not strange and self.history is None
        self._demand(
            "control_variate",
            known or not self.control_variate,
            "a papers' world without Poisson counts, close, or risk aversion to a signal",
        )
        self._demand(
            "max_half_spread", self.max_half_spread > self.min_half_spread, "more than min_half_spread"
        )

    def _demand(self, name: str, holds: bool, wanted: str) -> None:
        if not holds:
            raise InvalidParameter(f"{self.name}: {name} is {getattr(self, name)}, wanted {wanted}")

    @property
    def move(self) -> float:
        """Standard deviation of the mid's move in a step, price units."""
        return self.sigma * math.sqrt(self.dt)

    @property
    def actions(self) -> Box:
        """Distances of bid and ask from the mid, affine from the least to the widest; +1 is no quote."""
        return Box(2)

    def record(self, paths: Paths, weather: Weather | None = None) -> Tape:
        """The tape of these paths: windows of the history where there is one, else drawn."""
        if self.history is not None:
            return recorded.record(self, self.history, paths)
        return market.record(self, paths, weather)

    @classmethod
    def needs(cls) -> tuple[str, ...]:
        """Columns of `fund.market.orderbook.quote_tape` that a history must have."""
        return recorded.NEEDED

    def on(self, data: Any) -> Self:
        """The same strategy on a recorded order book; the time step becomes the record's, as a share of a day."""
        strategy = super().on(data)
        step = strategy.history.step if strategy.history is not None else 0
        day = max(1, round(recorded.SESSION * 1e6 / max(step, 1)))
        return dataclasses.replace(strategy, steps_per_day=day, horizon=self.n_steps / day)

    def with_parameters(self, **changes: Any) -> Self:
        """A copy with other parameters; where a day was one episode it stays one."""
        if "n_steps" in changes and self.steps_per_day == self.n_steps:
            changes.setdefault("steps_per_day", changes["n_steps"])
        return super().with_parameters(**changes)

    def with_steps(self, steps: int) -> Self:
        """The same world over another number of steps: the horizon goes with them, the time step stays."""
        return dataclasses.replace(self, n_steps=steps, horizon=self.horizon * steps / self.n_steps)

    def over_limit(self, held: Floats, position: Floats, marks: Floats, nav: Floats) -> NDArray[np.bool_]:
        """(n,) paths beyond `max_inventory` or the leverage, unless the step reduced the position."""
        now, past = np.abs(position[0]), np.abs(held[0])
        beyond = (now > self.max_inventory * (1.0 + 1e-9)) & (now > past)
        return np.asarray(beyond | super().over_limit(held, position, marks, nav))

    def statistics(self, played: Played) -> dict[str, float]:
        """Quotes, inventory and P&L of the episodes; `value` is the mean reward in account currency.

        average_spread: over the steps that quoted both sides. fills: sides filled, an episode.
        """
        pnl, held, memory = played.nav[-1] - played.nav[0], played.position[0], played.memory
        quotes = float(memory["quotes"].sum())
        return {
            "average_spread": float(memory["spread"].sum()) / quotes if quotes > 0 else float("nan"),
            "final_inventory_mean": float(held.mean()),
            "final_inventory_std": float(held.std()),
            "fills": float(memory["fills"].mean()),
            "profit_mean": float(pnl.mean()),
            "profit_std": float(pnl.std()),
            "value": float(played.reward.mean()) / self.reward_unit,
        }

    def certainty_equivalent(self, played: Played) -> float | None:
        """CARA certainty equivalent of the episodes' P&L, account currency; none where gamma is zero."""
        return cara_equivalent(played.nav[-1] - played.nav[0], self.gamma) if self.gamma > 0 else None

    @property
    def dt(self) -> float:
        """Length of a step, in the unit of the horizon; rounded, so that `with_steps` keeps every bit of it."""
        return float(f"{self.horizon / self.n_steps:.12g}")

    @property
    def day(self) -> int:
        """Steps from an opening to the close: a trading day where inventory is flattened, else the episode."""
        return self.steps_per_day if self.flatten else self.n_steps

    @property
    def per_day(self) -> float:
        """One over the steps of a day."""
        return 1.0 / self.day

    @property
    def centre(self) -> float:
        """Distance of action 0."""
        return (self.min_half_spread + self.max_half_spread) / 2

    @property
    def half_range(self) -> float:
        """Distance of an action of one from action 0."""
        return (self.max_half_spread - self.min_half_spread) / 2

    @property
    def per_tick(self) -> float:
        """Ticks a price unit; zero where prices are continuous."""
        return 1.0 / self.tick if self.tick > 0 else 0.0

    @property
    def per_quote(self) -> float:
        """One over the quote size."""
        return 1.0 / self.quote_size

    @property
    def capacity(self) -> float:
        """Units that a side can trade in a step: the Poisson world renews a quote as often as it is filled."""
        return self.quote_size * (ORDERS if self.poisson and self.history is None else 1)

    @property
    def sweeps(self) -> float:
        """One where a mid that moves through a quote takes it; a record has prints for that."""
        return float(self.sweep and self.history is None)

    @property
    def staying(self) -> float:
        """Share of a queue that has not cancelled by the next step."""
        return 1.0 - self.cancel_rate

    @property
    def phi_dt(self) -> float:
        """Running penalty of a step."""
        return self.phi * self.dt

    @property
    def reward_unit(self) -> float:
        """Reward of one unit of account currency."""
        return self.reward_scale / self.capital
