"""What a strategy is: frozen parameters, a market to record, two scalar functions, textbook rules.

The clock of one step, the same for every strategy:

    row t known          row t+1 becomes known
        |                        |
     observe -> decide -> fill -> mark -> reward -> observe
     (row t)   (action)  (trade reads the quotes of row t, and the order flow of (t, t+1] in row t+1)

`Step` holds the scalar functions of one path. They are plain Python, are compiled into one loop by
`fund.envs.kernel`, and give the same numbers uncompiled (`NUMBA_DISABLE_JIT=1`). They may use arithmetic,
comparisons, tuples and compiled functions of `fund.account`; no arrays, no random numbers, no objects.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections import namedtuple
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from fund.errors import InvalidParameter, UnknownName
from fund.market.draft import Rules
from fund.market.history import History
from fund.market.streams import Paths
from fund.market.tape import Tape
from fund.market.weather import Weather, draw, fair
from fund.parameter import check_bounds, described, fitted, inverse

if TYPE_CHECKING:
    from fund.account.ledger import Books

Floats = NDArray[np.float64]


class Account(NamedTuple):
    """What a scalar function sees of one path's account."""

    cash: float
    nav: float
    peak: float
    position: tuple[float, ...]  # (instruments,)
    mark: tuple[float, ...]  # (instruments,) prices at which the NAV was struck
    step: float  # steps done
    left: float  # steps to the horizon


@dataclass(frozen=True)
class Step:
    """The scalar functions of a strategy, and the names of what they read and write.

    opening(p, now) -> (position, Memory)                     positions and memory at the start
    trade(p, now, nxt, account, memory, action) -> (Fills, carry, Memory)
    reward(p, before, account, memory) -> Parts               named parts; their sum is the reward
    observe(p, now, account, memory) -> Own                   the account's share of the observation
    price(p, now, memory) -> marks                            where what is held has terms of its own, or own trading
                                                              moves the price; else the columns named in `marks`
    ended(p, account, memory) -> bool                         an economic end beside ruin: liquidation, margin-out
    """

    columns: type[tuple[float, ...]]  # NamedTuple of the tape's columns
    memory: type[tuple[float, ...]]  # NamedTuple of what a path remembers beside its account
    own: type[tuple[float, ...]]  # NamedTuple of the observation's slots that depend on the account
    parts: type[tuple[float, ...]]  # NamedTuple of the parts of the reward
    marks: tuple[str, ...]  # the column that prices each instrument
    legs: tuple[int, ...]  # the instrument of each leg of a fill
    action_size: int  # numbers in an action (1 for a Choice)
    opening: Callable[..., Any]
    trade: Callable[..., Any]
    reward: Callable[..., Any]
    observe: Callable[..., Any]
    price: Callable[..., Any] | None = None
    ended: Callable[..., Any] | None = None


def names(of: type[tuple[float, ...]]) -> tuple[str, ...]:
    """Field names of a NamedTuple class."""
    return tuple(of._fields)  # type: ignore[attr-defined]  # NamedTuple is no type of its own


@dataclass(frozen=True)
class Box:
    """Continuous actions in [low, high]^size."""

    size: int
    low: float = -1.0
    high: float = 1.0


@dataclass(frozen=True)
class Choice:
    """Discrete actions 0 ... count - 1."""

    count: int


@dataclass(frozen=True)
class View:
    """What a policy may see at time t, for all n paths of a batch: nothing later than row t."""

    strategy: Strategy
    observation: NDArray[np.float32]  # (n, k)
    books: Books
    clock: NDArray[np.int64]  # (n,) steps done
    row: Mapping[str, Floats]  # this moment's columns by name, each (n,)
    memory: Mapping[str, Floats]  # each (n,)

    @property
    def n(self) -> int:
        """Paths."""
        return len(self.clock)

    def slot(self, name: str) -> Floats:
        """One slot of the observation, (n,)."""
        return self.observation[:, self.strategy.features.index(name)].astype(np.float64)


Policy = Callable[[View], NDArray[Any]]
"""View in, actions out: (n, a) for a Box, (n,) for a Choice."""


@dataclass(frozen=True)
class Played:
    """What n episodes left behind, for a strategy's own statistics."""

    strategy: Strategy
    tape: Tape
    nav: Floats  # (T+1, n); after an early end it stays what it was
    reward: Floats  # (n,) sum over the episode
    position: Floats  # (instruments, n) at the end
    memory: Mapping[str, Floats]  # at the end, each (n,)
    lines: Mapping[str, Floats]  # attribution, each (n,)
    traded: Floats  # (n,) value traded
    length: NDArray[np.int64]  # (n,) steps played


@dataclass(frozen=True)
class Strategy(ABC):
    """Parameters of one strategy; every field is a parameter of `--set` and a field of its presets.

    `fund.parameter` says how a field states its unit and its bounds.
    """

    name: ClassVar[str]
    version: ClassVar[int] = 0
    step: ClassVar[Step]
    features: ClassVar[tuple[str, ...]]  # the observation's slots, in order
    derived: ClassVar[tuple[str, ...]] = ()  # properties that the scalar functions read beside the fields
    rules: ClassVar[Mapping[str, Callable[[Any], Policy]]]  # textbook policies; the first is the yardstick
    checks: ClassVar[Rules] = Rules()  # of a DataFrame that it is put `on`
    warm_up: ClassVar[int] = 0  # rows of a history before the first that an episode can open at
    presets: ClassVar[Mapping[str, Mapping[str, Any]]]  # named parameter sets; `default` is {}
    flat_action: ClassVar[float | None] = 0.0  # the action that holds nothing, if there is one
    finite_horizon: ClassVar[bool] = False  # the objective ends at the horizon: no value beyond it

    n_steps: int = 252
    steps_per_day: int = 1
    capital: float = 1e6
    ruin: float = 0.0  # the episode is terminated when the NAV is at or below this share of the capital
    reward_scale: float = 1.0  # rewards are account currency times this over capital
    weather: bool = True  # regimes of fund.market.weather; off: the normal regime for ever
    history: History | None = None  # recorded market instead of a generated one

    def __post_init__(self) -> None:
        """Refuse names and numbers that no world has; raises UnknownName, InvalidParameter."""
        check_bounds(self.name, self)

    def demand(self, parameter: str, holds: bool, wanted: str) -> None:
        """Refuse the value of a parameter unless something holds; raises InvalidParameter, found and wanted."""
        if not holds:
            raise InvalidParameter(f"{self.name}: {parameter} is {getattr(self, parameter)}, wanted {wanted}")

    @property
    @abstractmethod
    def actions(self) -> Box | Choice:
        """The action space."""

    @abstractmethod
    def record(self, paths: Paths, weather: Weather | None = None) -> Tape:
        """Draw, or cut out of the history, the tape of these paths; weather given (days, n) is used as it is."""

    @classmethod
    def unit_of(cls, parameter: str) -> str:
        """Unit and source of a parameter."""
        known = described(cls)
        return known[parameter].unit if parameter in known else ""

    @classmethod
    def wanted_of(cls, parameter: str) -> str:
        """The values that a parameter may have, in words; empty where it may have any."""
        known = described(cls)
        return known[parameter].wanted if parameter in known else ""

    @classmethod
    def needs(cls) -> tuple[str, ...]:
        """Columns that a history must have; none: this strategy has no recorded form."""
        return ()

    def on(self, data: Any) -> Self:
        """The same strategy on a recorded market: a History, or a DataFrame with the columns of `needs`."""
        if not isinstance(data, History):
            data = History.from_frame(data, required=self.needs(), rules=self.checks)
        history: History = data
        return dataclasses.replace(self, history=history)

    def statistics(self, played: Played) -> dict[str, float]:
        """The strategy's own numbers over n episodes."""
        return {}

    def certainty_equivalent(self, played: Played) -> float | None:
        """Certainty equivalent of the episodes, where the strategy has a risk aversion; in its own units."""
        return None

    def with_steps(self, steps: int) -> Self:
        """The same world over another number of steps; a shorter tape is the beginning of a longer one."""
        return self.with_parameters(n_steps=steps)

    def over_limit(self, held: Floats, position: Floats, marks: Floats, nav: Floats) -> NDArray[np.bool_]:
        """(n,) paths whose step broke a limit: `position` (instruments, n) after it, at the marks and NAV before.

        By default gross exposure against `leverage` times the NAV; a step that only reduced a position is fair.
        """
        gross, past = np.abs(position * marks).sum(axis=0), np.abs(held * marks).sum(axis=0)
        limit = getattr(self, "leverage", np.inf) * np.maximum(nav, 0.0)
        return np.asarray((gross > limit * (1.0 + 1e-9) + 1e-9) & (gross > past * (1.0 + 1e-9)))

    def sky(self, paths: Paths, days: int, given: Weather | None) -> Weather:
        """The weather to record under: the given one, or this strategy's own draw."""
        if given is not None:
            return given
        return draw(paths, days) if self.weather else fair(paths, days)

    @property
    def days(self) -> int:
        """Trading days that an episode covers."""
        return -(-self.n_steps // self.steps_per_day)

    def with_parameters(self, **changes: Any) -> Self:
        """A copy with other parameters; raises UnknownName with the nearest parameter, InvalidParameter."""
        known = {f.name: f for f in dataclasses.fields(self)}
        for key in changes:
            if key not in known:
                raise UnknownName("parameter", key, known)
        kinds = {key: fitted(self.name, key, getattr(self, key), value) for key, value in changes.items()}
        return dataclasses.replace(self, **kinds)

    @classmethod
    def preset(cls, preset: str = "default", **changes: Any) -> Self:
        """The strategy under a named parameter set, with changes on top; raises UnknownName."""
        if preset not in cls.presets:
            raise UnknownName("preset", preset, cls.presets)
        return cls().with_parameters(**{**cls.presets[preset], **changes})

    def parameters(self) -> tuple[float, ...]:
        """The numeric fields and derived properties, as the NamedTuple that the scalar functions read."""
        kind = parameter_type(type(self))
        values = [float(getattr(self, field)) for field in names(kind)]
        return kind(*values)  # type: ignore[arg-type]  # a NamedTuple class takes its fields

    @property
    def years_per_step(self) -> float:
        """Length of a step, in years of 252 days."""
        return 1.0 / (252.0 * self.steps_per_day)

    @property
    def reward_of_money(self) -> float:
        """Reward of one unit of account currency."""
        return self.reward_scale / self.capital

    per_capital = inverse("capital")
    tenth_of_capital = inverse("capital", 10.0)  # the unit's inverse in which P&L is observed
    share_of_step = inverse("n_steps")  # of the episode


@cache
def parameter_type(of: type[Strategy]) -> type[tuple[float, ...]]:
    """NamedTuple type of a strategy's numeric fields and derived properties."""
    numeric = [f.name for f in dataclasses.fields(of) if f.type in ("int", "float", "bool", int, float, bool)]
    return namedtuple("Parameters", [*numeric, *of.derived])
