"""What a desk says of itself so that its market can be held against files, and how it is found."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fund.calibration.matching import Bounds
from fund.errors import InvalidParameter
from fund.market.stylised_facts import returns_of
from fund.market.tape import Tape
from fund.roster import Spec
from fund.strategy import Strategy

Floats = NDArray[np.float64]


class Priced(NamedTuple):
    """Returns (T, n) of one price of a market, and whose bands they are held against."""

    kind: str  # of fund.market.stylised_bands
    returns: Floats


class Estimated(NamedTuple):
    """A parameter that a desk estimates from its record by its own means."""

    value: float
    error: float  # standard error


@dataclass(frozen=True)
class Calibration:
    """How a market is found in files, looked at, and fitted; a module `calibration` beside the strategy holds one."""

    files: str  # what `--data` may name, for help and errors
    prices: Callable[[Any, Tape], Mapping[str, Priced]]
    # one for each parameter in `bounds`, in the same order, each (n,)
    moments: Callable[[Any, Tape], Mapping[str, Floats]] = lambda desk, tape: {}
    bounds: Bounds = field(default_factory=dict)  # parameters that are fitted, and within what
    given: Callable[[Any, Tape], Mapping[str, Any]] = lambda desk, tape: {}  # what a record says outright
    # of a desk on its record and the market that is fitted: parameters with their errors, given which the rest is
    # matched
    estimated: Callable[[Any, Any], Mapping[str, Estimated]] = lambda desk, market: {}
    # of those in `bounds`, what a record tells nothing of
    untold: Callable[[Any], Collection[str]] = lambda desk: ()
    details: Callable[[Any, Tape], Mapping[str, Floats]] = lambda desk, tape: {}  # further facts, not judged
    # of a desk on a record of many instruments, the one on its own
    chosen: Callable[[Any], Strategy] = lambda desk: desk
    preset: str = "default"  # that is fitted where the user names none
    # that a record has after warming up
    steps: Callable[[Any], int] = lambda desk: len(desk.history) - 1 - desk.warm_up
    least_steps: int = 500  # of a record
    logs: bool = True  # whether prices must be above zero
    daily: bool = True  # whether its prices are held against the bands of daily returns
    # whether rows may be left out of a record so that one is left a day; not where a row says what was rolled in it
    thinned: bool = True


def calibration_of(spec: Spec) -> Calibration:
    """The `CALIBRATION` of the module `calibration` beside a strategy; raises InvalidParameter where there is none."""
    package = spec.where.partition(":")[0].rpartition(".")[0]
    try:
        found = importlib.import_module(f"{package}.calibration" if package else "calibration")
        calibration: Calibration = found.CALIBRATION
    except (ImportError, AttributeError):
        where = f"{package}.calibration" if package else "calibration"
        raise InvalidParameter(
            f"{spec.name}: no CALIBRATION in a module {where}, so its market cannot be held against files"
        ) from None
    return calibration


def log_prices(tape: Tape, kinds: Mapping[str, str]) -> dict[str, Priced]:
    """Log returns of some columns, by the kind of each."""
    return {column: Priced(kind, returns_of(tape[column])) for column, kind in kinds.items()}


def log_deviation(returns: Floats) -> Floats:
    """Logarithm of the root mean square (n,): a moment whose scatter depends on no unit."""
    return np.asarray(0.5 * np.log((returns**2).mean(axis=0)))


def mean_ratio(returns: Floats) -> Floats:
    """Mean over the root mean square, (n,)."""
    return np.asarray(returns.mean(axis=0) / np.sqrt((returns**2).mean(axis=0)))
