"""The strategy: parameters, presets, and what ties step, market and rules together."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from fund.errors import InvalidParameter
from fund.market.streams import Paths
from fund.market.tape import Tape
from fund.market.weather import Weather
from fund.strategy import Box, Played, Policy, Step, Strategy, cara_equivalent
from specialists.market_making import market, rules
from specialists.market_making.features import FEATURES
from specialists.market_making.step import Columns, Memory, Own, Parts, observe, opening, reward, trade

Floats = NDArray[np.float64]

_PAPER: dict[str, Any] = {
    "book": False, "sweep": False, "weather": False, "flatten": False, "capital": 1000.0, "reward_scale": 1000.0, "ruin": -1e9,
    "leverage": 1e9, "max_inventory": 100.0, "quote_size": 1.0, "tick": 0.0, "maker_rebate": 0.0, "taker_fee": 0.0,
    "signal": 0.0, "phi": 0.0, "alpha": 0.0,
}  # fmt: skip
PRESETS: dict[str, dict[str, Any]] = {
    "default": {},
    "null": {"arrival_rate": 0.0, "signal": 0.0, "maker_rebate": 0.0},
    "planted": {
        **_PAPER, "gamma": 0.0, "sigma": 0.1, "horizon": 1.0, "n_steps": 100, "steps_per_day": 100,
        "arrival_rate": 20.0, "depth_decay": 1.0, "min_half_spread": -1.0, "max_half_spread": 4.0,
        "signal": 1.5, "max_inventory": 1000.0,
    },
    "avellaneda_stoikov": {
        **_PAPER, "gamma": 0.1, "sigma": 2.0, "horizon": 1.0, "n_steps": 200, "steps_per_day": 200,
        "arrival_rate": 140.0, "depth_decay": 1.5, "min_half_spread": -2.0, "max_half_spread": 6.0,
        "risk_weight": 1.0,
    },
    "cartea_jaimungal": {
        **_PAPER, "gamma": 0.0, "sigma": 0.1, "horizon": 1.0, "n_steps": 100, "steps_per_day": 100,
        "arrival_rate": 10.0, "depth_decay": 1.0, "min_half_spread": 0.0, "max_half_spread": 4.0,
        "phi": 0.5, "alpha": 0.001, "binary_moves": False, "max_inventory": 30.0,
    },
}  # fmt: skip


@dataclass(frozen=True)
class MarketMaking(Strategy):
    """Two quotes around the mid, inventory, and the flow that fills them."""

    name: ClassVar[str] = "market_making"
    step: ClassVar[Step] = Step(
        Columns, Memory, Own, Parts, ("mid",), (0, 0), 2, opening, trade, reward, observe
    )
    features: ClassVar[tuple[str, ...]] = FEATURES
    rules: ClassVar[Mapping[str, Callable[[Any], Policy]]] = rules.RULES
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = PRESETS
    flat_action: ClassVar[float | None] = 1.0
    finite_horizon: ClassVar[bool] = True
    derived: ClassVar[tuple[str, ...]] = (
        "day", "kept", "weight", "centre", "half_range", "per_tick", "capacity", "staying", "phi_dt", "reward_unit",
        "per_quote", "per_day",
    )  # fmt: skip

    n_steps: int = 390
    steps_per_day: int = 390
    capital: float = 2e5
    reward_scale: float = 1000.0
    gamma: float = 1e-3
    sigma: float = 1.5
    horizon: float = 1.0
    arrival_rate: float = 200.0
    depth_decay: float = 14.0
    min_half_spread: float = 0.0
    max_half_spread: float = 0.6
    tick: float = 0.05
    phi: float = 1e-3
    alpha: float = 0.0
    max_inventory: float = 2000.0
    initial_inventory_bound: int = 0
    maker_rebate: float = 2e-4
    taker_fee: float = 5e-4
    flatten: bool = True
    risk_weight: float = 0.0
    leverage: float = 2.0
    quote_size: float = 100.0
    initial_price: float = 100.0
    book: bool = True
    sweep: bool = True
    poisson: bool = False
    binary_moves: bool = True
    signal: float = 0.05
    signal_persistence: float = 0.8
    half_spread: float = 0.1
    flow_share: float = 0.3
    excitation: float = 0.5
    order_size: float = 1.5
    queue_depth: float = 2.0
    cancel_rate: float = 0.1

    @property
    def actions(self) -> Box:
        """Bid and ask distances."""
        return Box(2)

    def record(self, paths: Paths, weather: Weather | None = None) -> Tape:
        """The tape of these paths."""
        return market.record(self, paths, weather)

    def with_steps(self, steps: int) -> Self:
        """The same world over another number of steps: the horizon goes with them, the time step stays."""
        return dataclasses.replace(self, n_steps=steps, horizon=self.horizon * steps / self.n_steps)

    @property
    def dt(self) -> float:
        """Length of a step, in the unit of the horizon; rounded, so that `with_steps` leaves every bit of it."""
        return float(f"{self.horizon / self.n_steps:.12g}")

    @property
    def day(self) -> float:
        """Steps from the opening to the close."""
        return float(self.steps_per_day if self.flatten else self.n_steps)

    @property
    def per_day(self) -> float:
        return 1.0 / self.day

    @property
    def kept(self) -> float:
        return 0.9

    @property
    def weight(self) -> float:
        return 0.1

    @property
    def centre(self) -> float:
        return (self.min_half_spread + self.max_half_spread) / 2

    @property
    def half_range(self) -> float:
        return (self.max_half_spread - self.min_half_spread) / 2

    @property
    def per_tick(self) -> float:
        return 1.0 / self.tick if self.tick > 0 else 0.0

    @property
    def capacity(self) -> float:
        return self.quote_size * (market.ORDERS if self.poisson else 1)

    @property
    def staying(self) -> float:
        return 1.0 - self.cancel_rate

    @property
    def phi_dt(self) -> float:
        return self.phi * self.dt

    @property
    def reward_unit(self) -> float:
        return self.reward_scale / self.capital

    @property
    def per_quote(self) -> float:
        return 1.0 / self.quote_size

    def certainty_equivalent(self, played: Played) -> float | None:
        """CARA certainty equivalent of the episodes' P&L."""
        return cara_equivalent(played.nav[-1] - played.nav[0], self.gamma) if self.gamma > 0 else None
