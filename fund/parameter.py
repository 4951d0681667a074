"""A parameter of a strategy: default, unit and source, and the bounds of its value; stated once, checked in one place.

A strategy states what is its own with `parameter`. A name of `COMMON` means the same in every strategy, so that a
default is all that it needs; `parameter` describes it anew where it means something more.

    @dataclass(frozen=True)
    class Pair(Strategy):
        leverage: float = 1.5  # of COMMON
        market: str = parameter("pair", "pair (cointegrated legs) or walks", one_of=("pair", "walks"))
        alpha: float = parameter(60.0, "speed of mean reversion, a year", above=0.0)
        beta: float = parameter(0.9, "share of a shock that stays; Engle (1982)", at_least=0.0, below=1.0)

        def __post_init__(self) -> None:
            super().__post_init__()  # every parameter's own bounds
            self.demand("beta", self.beta * self.alpha < 10.0, "below 10 / alpha")  # what is between two of them

`Strategy.__post_init__` checks the bounds, so a strategy without such ties between parameters writes no
`__post_init__`. A word that is none of `one_of` raises UnknownName with the nearest that is; a number out of its
bounds, or no number at all (nan), raises InvalidParameter: `pair: alpha is -1.0, wanted above 0`.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from fund.errors import InvalidParameter, UnknownName

Value = TypeVar("Value")

KEY = "parameter"  # of a field's metadata
LARGEST = 1e18  # of a number, beyond which products of a few overflow; its inverse is the smallest


@dataclass(frozen=True)
class Parameter:
    """What a parameter is, and which values it may have; a bound that is not given bounds nothing."""

    unit: str  # and source
    above: float | None = None
    at_least: float | None = None
    below: float | None = None
    at_most: float | None = None
    one_of: tuple[Any, ...] = ()

    @property
    def wanted(self) -> str:
        """The values it may have, in words; empty where it may have any."""
        if self.one_of:
            return f"one of {', '.join(str(value) for value in self.one_of)}"
        bounds = {
            "above": self.above,
            "at least": self.at_least,
            "below": self.below,
            "at most": self.at_most,
        }
        return " and ".join(f"{words} {bound:g}" for words, bound in bounds.items() if bound is not None)

    def allows(self, value: Any) -> bool:
        """Whether the value is within the bounds; nan is within none."""
        return (
            (not self.one_of or value in self.one_of)
            and (self.above is None or value > self.above)
            and (self.at_least is None or value >= self.at_least)
            and (self.below is None or value < self.below)
            and (self.at_most is None or value <= self.at_most)
        )

    def check(self, owner: str, name: str, value: Any) -> None:
        """Raise UnknownName for a word, InvalidParameter for a number, that it may not be."""
        if self.allows(value):
            return
        if self.one_of and isinstance(value, str):
            raise UnknownName(name, value, self.one_of)
        raise InvalidParameter(f"{owner}: {name} is {value}, wanted {self.wanted}")


COMMON: Mapping[str, Parameter] = {
    "n_steps": Parameter("steps an episode", at_least=1),
    "steps_per_day": Parameter("steps a trading day", at_least=1),
    "capital": Parameter("account currency at the start of an episode", above=0.0),
    "ruin": Parameter("share of the capital at which an episode is terminated"),
    "reward_scale": Parameter("reward of a gain of the whole capital", above=0.0),
    "weather": Parameter("whether the regimes of fund.market.weather are on"),
    "history": Parameter("a recorded market instead of a generated one"),
    "leverage": Parameter("largest gross exposure over NAV when trading", at_least=0.0),
    "compound": Parameter("whether positions are shares of the NAV, not of the capital"),
    "band": Parameter("smallest change that is traded, share of a full position", at_least=0.0),
    "cost_rate": Parameter("fee of a trade, share of traded value, one way", at_least=0.0, at_most=1.0),
    "utility_power": Parameter("g of wealth^g / g; 0 logarithm, 1 none (reward is P&L)", at_most=1.0),
    "control_variate": Parameter("whether the reward has its zero-mean noise taken out; for training"),
}
"""Parameters that mean the same wherever they stand."""


def parameter(default: Value, unit: str, **bounds: Any) -> Value:
    """A dataclass field that is a parameter: its default, its unit and source, and the bounds of `Parameter`."""
    return dataclasses.field(default=default, metadata={KEY: Parameter(unit, **bounds)})


def inverse(name: str, scale: float = 1.0) -> property:
    """A property of a strategy: `scale` over one of its numbers, for scalar functions, which multiply."""

    def divided(strategy: Any) -> float:
        return scale / float(getattr(strategy, name))

    divided.__doc__ = f"{scale:g} over `{name}`."
    return property(divided)


@cache
def described(of: type[Any]) -> Mapping[str, Parameter]:
    """The parameters of a dataclass that are described, in its own words or in COMMON's, by name and in order."""
    found = {field.name: field.metadata.get(KEY, COMMON.get(field.name)) for field in dataclasses.fields(of)}
    return {name: parameter for name, parameter in found.items() if parameter is not None}


def check_bounds(owner: str, configuration: Any) -> None:
    """Check every described parameter of a dataclass; raises UnknownName, InvalidParameter."""
    for name, parameter in described(configuration.__class__).items():
        parameter.check(owner, name, getattr(configuration, name))


def fitted(owner: str, name: str, present: Any, value: Any) -> Any:
    """A value in the place of the present one, as its kind; raises InvalidParameter.

    A truth takes true or false, a whole number a whole one (1e3, too), a list of words their text with commas. What
    cannot be written, such as a recorded market, is taken as it is, but not as a word or a number.
    """
    said = f'{owner}: parameter "{name}" is {value!r}, wanted'
    if isinstance(present, bool):
        if not isinstance(value, bool):
            raise InvalidParameter(f"{said} true or false")
        return value
    if isinstance(present, (int, float)):
        return _number(said, present, value)
    written = isinstance(value, (str, int, float)) and not isinstance(value, bool)
    if isinstance(present, str):
        if not written:
            raise InvalidParameter(f"{said} a word")
        return str(value)
    if isinstance(present, tuple):
        return _words(said, value)
    if written or isinstance(value, bool):
        raise InvalidParameter(f"{said} data, which no text can say; `--data PATH` reads a record")
    return value


def _words(said: str, value: Any) -> tuple[Any, ...]:
    if isinstance(value, str):
        return tuple(word.strip() for word in value.split(","))
    if not isinstance(value, (tuple, list)):
        raise InvalidParameter(f"{said} words with commas between")
    return tuple(value)


def _number(said: str, present: float, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InvalidParameter(f"{said} a number")
    if not math.isfinite(value) and math.isfinite(present):
        raise InvalidParameter(f"{said} a finite number")
    if math.isfinite(value) and value != 0 and not 1.0 / LARGEST < abs(value) < LARGEST:
        raise InvalidParameter(f"{said} a size between {1.0 / LARGEST:g} and {LARGEST:g}, or 0")
    if isinstance(present, int):
        if value != int(value):
            raise InvalidParameter(f"{said} a whole number")
        return int(value)
    return value
