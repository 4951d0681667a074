"""The generated market of one instrument, minute by minute, seen in bars of any length.

A minute of a session, with x the log price, V the weather's volatility and U the shape of the day,

    x' = x + d - s^2 w / 2 + s sqrt(w) z,    s = daily / sqrt(minutes) U_m V sqrt(g),    d = trend + signal + gap
    w = exp(c e - c^2/2)                     how much is going on (Clark, 1973): fat tails, and the volume
    volume = base U'_m w (0.6 + 0.4 z^2)
    g                                        a day's GJR-GARCH variance, 1 on average, fed by the moves of the night and
                                             the session before; 1 throughout with `clustering` off

    trend    Ornstein-Uhlenbeck, drawn each half hour: what the experts of the strategic stage look for
    signal   `edge` times a standard normal known half an hour before: the planted signal
    gap      after a fair-value gap of the 5-minute bars the price runs on for some bars, or comes back to fill it

High and low are the extremes of the Brownian bridge between open and close (each exact, drawn apart). Overnight moves
and jumps have mean 1 in price, so that without d the price is a martingale.

Sources: Admati & Pfleiderer (1988) for the U shape; Clark (1973); Merton (1976) for the jumps; Glosten, Jagannathan &
Runkle (1993).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from fund.grandmodel.bars import SESSION
from fund.parameter import check_bounds, parameter

Floats = NDArray[np.float64]

SIGNAL_MINUTES, GAP_MINUTES = 30, 5  # how long a signal holds; the bars that gaps are seen in


@dataclass(frozen=True)
class BarMarket:
    """Parameters of the generated market."""

    name: ClassVar[str] = "bars"

    price: float = parameter(100.0, "at the start of the warm-up, account currency", above=0.0)
    daily_volatility: float = parameter(
        0.010, "of a session, without the night, in the normal regime", above=0.0
    )
    overnight_volatility: float = parameter(0.005, "of a night, in the normal regime")
    clustering: bool = parameter(
        True,
        "whether volatility has a memory of days and falls raise it. Glosten, Jagannathan & Runkle (1993)",
    )
    u_shape: float = parameter(
        1.2, "volatility at the ends of a session over that at noon, less 1. Admati & Pfleiderer (1988)"
    )
    volume: float = parameter(20_000.0, "units a minute, on average", above=0.0)
    activity: float = parameter(0.5, "standard deviation of the logarithm of activity. Clark (1973)")
    jump_rate: float = parameter(0.05, "a day. Merton (1976)", at_least=0.0, at_most=1.0)
    jump_size: float = parameter(0.01, "standard deviation of a jump's logarithm")
    trend_ratio: float = parameter(3.0, "yearly Sharpe ratio of knowing a trend of one standard deviation")
    trend_days: float = parameter(5.0, "half-life of the trend, days", above=0.0)
    edge: float = parameter(
        0.0, "drift of a half hour per unit of the signal, in a half hour's deviations; 0: there is no signal"
    )
    gap_edge: float = parameter(0.12, "drift of a 5-minute bar after a fair-value gap, in its deviations")
    gap_run: float = parameter(
        0.75, "share of gaps after which the price runs on; after the others it comes back",
        at_least=0.0, at_most=1.0,
    )  # fmt: skip
    gap_bars: int = parameter(12, "5-minute bars that this lasts")
    impulse: float = parameter(1.5, "mean bodies that the middle bar of a gap must exceed", above=0.0)

    def __post_init__(self) -> None:
        """Refuse numbers that no market has; raises InvalidParameter."""
        check_bounds(self.name, self)

    @property
    def half_hour_deviation(self) -> float:
        """Usual deviation of a half hour's return in the normal regime."""
        return self.daily_volatility * math.sqrt(SIGNAL_MINUTES / SESSION)


def without_edges(market: BarMarket) -> BarMarket:
    """The same market with nothing to be known: no trend, no signal, no drift after gaps."""
    return replace(market, trend_ratio=0.0, edge=0.0, gap_edge=0.0)


def day_shape(amplitude: float, power: float = 1.0, length: int = SESSION) -> Floats:
    """U shape over the minutes of a session, (length,); the mean of its square is 1 (of itself, with power .5)."""
    x = (np.arange(length) + 0.5) / length
    shape = 1.0 + amplitude * (2.0 * x - 1.0) ** 2
    return np.asarray(shape / np.mean(shape ** (2.0 * power)) ** (0.5 / power))
