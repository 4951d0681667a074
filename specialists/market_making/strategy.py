"""The desk: its parameters, how its tape is made, and what its episodes amount to."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from fund.account.utility import cara_equivalent
from fund.market.draft import Rules
from fund.market.streams import Paths
from fund.market.tape import Tape
from fund.market.weather import Weather
from fund.parameter import inverse, parameter
from fund.strategy import Box, Played, Strategy
from specialists.market_making import attribution, market, recorded
from specialists.market_making.features import FEATURES
from specialists.market_making.presets import PRESETS
from specialists.market_making.rules import RULES
from specialists.market_making.step import ORDERS, STEP

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class MarketMaking(Strategy):
    """Two quotes around the mid, an inventory, and the order flow that fills them."""

    name = "market_making"
    actions = Box(2)  # distances of bid and ask, affine from the least to the widest; +1 is no quote
    step = STEP
    features = FEATURES
    rules = RULES
    presets = PRESETS
    statistics = attribution.statistics
    warm_up = recorded.WARM_UP
    checks = Rules(kind="numbers")  # of prices that no quote meets, too
    flat_action = 1.0
    finite_horizon = True
    derived = (
        "per_day", "centre", "half_range", "per_tick", "per_quote", "capacity", "sweeps", "staying", "phi_dt",
        "reward_of_money", "move", "dt",
    )  # fmt: skip

    n_steps: int = 390
    steps_per_day: int = 390
    capital: float = 2e5
    reward_scale: float = 1000.0
    gamma: float = parameter(
        5e-4, "absolute risk aversion (CARA), per account currency; Avellaneda & Stoikov (2008)", at_least=0.0
    )
    sigma: float = parameter(
        1.7,
        "volatility of the mid, price units per root of the horizon's unit; default a share of 27 % a year",
        at_least=0.0,
    )
    horizon: float = parameter(
        1.0, "length of an episode, in the paper's unit of time; default one trading day", above=0.0
    )
    arrival_rate: float = parameter(
        200.0,
        "A, market orders a side and unit of time that reach the mid; Avellaneda & Stoikov (2008)",
        at_least=0.0,
    )
    depth_decay: float = parameter(
        14.0,
        "k, decay of fills with the distance from the mid, per price unit; Avellaneda & Stoikov (2008)",
        above=0.0,
    )
    min_half_spread: float = parameter(0.0, "distance from the mid of action -1, price units")
    max_half_spread: float = parameter(0.6, "distance from the mid just below action +1, price units")
    tick: float = parameter(
        0.05,
        "price units, quotes are rounded outward to it; 0 for continuous; default HKEX at 20-100 (2020)",
        at_least=0.0,
    )
    phi: float = parameter(
        7e-4,
        "running inventory penalty, account currency per unit squared and time; Cartea et al. (2015, ch. 10)",
        at_least=0.0,
    )
    alpha: float = parameter(
        0.0,
        "terminal inventory penalty, account currency per unit squared; Cartea et al. (2015, ch. 10)",
        at_least=0.0,
    )
    max_inventory: float = parameter(2000.0, "units, long or short", at_least=0.0)
    initial_inventory_bound: int = parameter(
        0, "quote sizes; the inventory at the start is uniform between plus and minus this", at_least=0
    )
    maker_rebate: float = parameter(2e-4, "share of the value of a fill at our quote")
    taker_fee: float = parameter(5e-4, "share of the value traded when the inventory is flattened")
    flatten: bool = parameter(True, "whether the last step of a day crosses the spread until flat")
    risk_weight: float = parameter(0.0, "weight of the local CARA utility in the reward", at_least=0.0)
    control_variate: bool = parameter(
        False,
        "whether the reward leaves out noise, for training: papers' world, its mean over fills and the mid's move; "
        "book, without the surprise of that move for what was held before",
    )
    leverage: float = parameter(
        2.0, "gross exposure over NAV beyond which no quote adds inventory", at_least=0.0
    )
    quote_size: float = parameter(100.0, "units quoted on each side", above=0.0)
    initial_price: float = parameter(100.0, "price units")
    book: bool = parameter(True, "limit order book with informed flow; off: the papers' world")
    sweep: bool = parameter(
        True, "whether a mid that moves through a quote takes it; Budish, Cramton & Shim (2015)"
    )
    poisson: bool = parameter(
        False, "papers' world: Poisson counts of fills in place of at most one a side and step"
    )
    binary_moves: bool = parameter(
        True, "papers' world: the mid moves by +-sigma sqrt(dt) in place of a normal draw"
    )
    signal: float = parameter(
        0.04, "standard deviation of the move of the mid that can be foreseen, price units", at_least=0.0
    )
    signal_persistence: float = parameter(
        0.8, "AR(1) coefficient a step of what moves the mid foreseeably", at_least=0.0, below=1.0
    )
    half_spread: float = parameter(0.1, "normal half-spread of the market, price units", above=0.0)
    flow_share: float = parameter(
        0.4,
        "share of the variance of the mid that order flow causes; Hasbrouck (1991) finds about a third",
        at_least=0.0,
        below=1.0,
    )
    excitation: float = parameter(
        0.5,
        "share of the order flow that past flow causes; Bacry, Mastromatteo & Muzy (2015)",
        at_least=0.0,
        below=1.0,
    )
    order_size: float = parameter(1.5, "mean volume of a market order, quote sizes", above=0.0)
    queue_depth: float = parameter(2.0, "normal volume at the touch, quote sizes", at_least=0.0)
    cancel_rate: float = parameter(
        0.1, "share of the queue ahead that cancels in a step", at_least=0.0, below=1.0
    )

    def __post_init__(self) -> None:
        """Refuse parameters that make no market; raises InvalidParameter."""
        super().__post_init__()
        averse = self.signal > 0.0 and self.risk_weight > 0.0 and self.gamma > 0.0
        strange = not self.book and (averse or self.poisson or self.sweep or self.flatten)
        strange = strange or self.history is not None
        wanted = "False on a record, or in a papers' world with Poisson counts, close, or risk aversion to a signal"
        self.demand("control_variate", not (self.control_variate and strange), wanted)
        wider = self.max_half_spread > self.min_half_spread
        self.demand("max_half_spread", wider, f"above min_half_spread, {self.min_half_spread:g}")

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

    def record(self, paths: Paths, weather: Weather | None = None) -> Tape:
        """The tape of these paths: windows of the history where there is one, else drawn."""
        if self.history is not None:
            return recorded.record(self, self.history, paths)
        return market.record(self, paths, weather)

    def over_limit(self, held: Floats, position: Floats, marks: Floats, nav: Floats) -> NDArray[np.bool_]:
        """(n,) paths beyond `max_inventory` or the leverage, unless the step reduced the position."""
        now, past = np.abs(position[0]), np.abs(held[0])
        beyond = (now > self.max_inventory * (1.0 + 1e-9)) & (now > past)
        return np.asarray(beyond | super().over_limit(held, position, marks, nav))

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
    def move(self) -> float:
        """Standard deviation of the mid's move in a step, price units."""
        return self.sigma * math.sqrt(self.dt)

    per_day = inverse("day")
    per_quote = inverse("quote_size")

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
