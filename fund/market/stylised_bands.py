"""Bands of stylised facts by kind of price, and how a market stands to them.

`equity` bands are those of 5,000 daily equity-index returns; a GJR-GARCH with t shocks passes every line in the median
of 40 paths, a Gaussian or a t walk without clustering does not, nor does a GARCH without leverage. Of currencies the
same source asks for kurtosis 4 to 10 and leverage near 0, of commodities for leverage near 0 or positive: "near" is
taken as twice what the sample's leverage of 5,000 returns scatters by. Lines without a band are shown and not judged.

Sources: Cont (2001), Quantitative Finance 1:223-236; simulated medians of common models beside them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fund.errors import UnknownName
from fund.market.stylised_facts import facts

Floats = NDArray[np.float64]

NEAR = 0.05  # of leverage
LINES_HELD = 10  # of twelve: one path often misses one or two
PATHS_HELD = 0.6  # share of paths on which so many hold


class Band(NamedTuple):
    """What is accepted, ends included."""

    low: float
    high: float

    def holds(self, value: Floats | float) -> NDArray[np.bool_]:
        """Whether it lies within."""
        return np.asarray((np.asarray(value) >= self.low) & (np.asarray(value) <= self.high))


EQUITY: Mapping[str, Band] = {
    "kurtosis": Band(5.0, 25.0),
    "aggregation": Band(0.0, 0.85),
    "autocorrelation": Band(0.0, 0.05),
    "size_autocorrelation_1": Band(0.10, 0.35),
    "size_autocorrelation_10": Band(0.08, 0.30),
    "size_autocorrelation_50": Band(0.03, 0.20),
    "size_autocorrelation_100": Band(0.01, math.inf),
    "leverage_1": Band(-0.15, -0.02),
    "leverage_20": Band(-0.08, 0.0),
    "hill": Band(2.5, 5.0),
    "hurst_of_size": Band(0.68, 0.95),
    "hurst": Band(0.45, 0.55),
}
_WALK = {name: EQUITY[name] for name in ("autocorrelation", "hurst")}
_NEAR = {name: Band(-NEAR, NEAR) for name in ("leverage_1", "leverage_20")}
BANDS: Mapping[str, Mapping[str, Band]] = {
    "equity": EQUITY,
    "fx": {**_WALK, **_NEAR, "kurtosis": Band(4.0, 10.0)},
    "commodity": {**_WALK, **{name: Band(-NEAR, math.inf) for name in _NEAR}},
    "portfolio": _WALK,  # long and short at once: only that its returns cannot be told from its past
}


@dataclass(frozen=True)
class Line:
    """One stylised fact of a market."""

    name: str
    band: Band | None
    median: float  # over paths
    held: float  # share of paths within the band; NaN without one

    @property
    def within(self) -> bool | None:
        """Whether the median lies in the band; None without one."""
        return None if self.band is None else bool(self.band.holds(self.median))


@dataclass(frozen=True)
class Verdict:
    """The lines of one price, and on which share of paths enough of them hold."""

    kind: str
    lines: tuple[Line, ...]
    paths: int
    # share of paths on which at least ten of the twelve hold; NaN where not all lines have a band
    enough: float

    @property
    def holds(self) -> bool:
        """Whether every median is in its band, and enough lines hold on enough paths."""
        inside = all(line.within is not False for line in self.lines)
        return inside and (math.isnan(self.enough) or self.paths < 2 or self.enough >= PATHS_HELD)

    @property
    def outside(self) -> tuple[str, ...]:
        """Names of the lines whose median is out of its band."""
        return tuple(line.name for line in self.lines if line.within is False)


def judge(returns: Floats, kind: str = "equity") -> Verdict:
    """Returns (T, n) held against the bands of their kind; raises UnknownName, DataError."""
    if kind not in BANDS:
        raise UnknownName("kind of price", kind, BANDS)
    bands, found = BANDS[kind], facts(returns)
    within = {name: bands[name].holds(values) for name, values in found.items() if name in bands}
    lines = tuple(
        Line(name, bands.get(name), float(np.median(values)), float(np.mean(within.get(name, np.nan))))
        for name, values in found.items()
    )
    count = np.sum(list(within.values()), axis=0)
    enough = float(np.mean(count >= LINES_HELD)) if len(within) == len(found) else math.nan
    return Verdict(kind, lines, returns.shape[1], enough)
