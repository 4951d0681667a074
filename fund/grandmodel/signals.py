"""What the strategic and the tactical stage read out of bars: the three signals of a synergy, and the usual move.

mlmi    at a crossover of WMA5 and WMA20, the direction of the neighbours' vote
nwrqk   where the slope of the kernel regression turns, its new direction
fvg     where a fair-value gap forms, its side
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fund.grandmodel.bar_market import day_shape
from fund.grandmodel.bars import SESSION, Bars
from fund.grandmodel.indicators.gaps import Gaps, fair_value_gaps
from fund.grandmodel.indicators.kernel_regression import nwrqk
from fund.grandmodel.indicators.neighbours import Vote, mlmi
from fund.grandmodel.indicators.regimes import usual_deviation
from fund.grandmodel.indicators.synergy import Synergy, find_synergy

Floats = NDArray[np.float64]

FIRST = 20  # bars of the first estimate of the usual move


class Signals(NamedTuple):
    """Indicators of bars, each (n, rows)."""

    vote: Vote
    smooth: Floats  # the kernel regression of the closes
    slope: Floats  # its log change
    gaps: Gaps
    synergy: Synergy


def signals_of(bars: Bars, impulse: float, window: int, cooldown: int, neighbours: int) -> Signals:
    """The three signals and the synergies they make."""
    vote, smooth = mlmi(bars.close, neighbours), nwrqk(bars.close)
    slope = np.full(smooth.shape, np.nan)
    slope[:, 1:] = np.log(smooth[:, 1:] / smooth[:, :-1])
    turn = np.zeros(slope.shape)
    turn[:, 1:] = np.where(slope[:, 1:] * slope[:, :-1] < 0.0, np.sign(slope[:, 1:]), 0.0)
    gaps = fair_value_gaps(bars.open, bars.high, bars.low, bars.close, bars.session, impulse)
    return Signals(vote, smooth, slope, gaps, find_synergy(vote.signal, turn, gaps.signal, window, cooldown))


def surprises(bars: Bars, u_shape: float, span: int) -> tuple[Floats, Floats]:
    """The usual move of a bar (n, rows), of the rows before it, and each bar's own move in units of it.

    Moves are taken from open to close and over the shape of the day, so that neither nights nor the hour count.
    """
    minute_shape = day_shape(u_shape, 1.0, SESSION)
    centre = (bars.minute + 0.5 * bars.minutes) / bars.session_length * SESSION
    shape = minute_shape[np.minimum(centre.astype(np.int64), SESSION - 1)]
    move = np.log(bars.close / bars.open) / shape
    usual = usual_deviation(move, span, FIRST)
    return usual, move / np.where(usual > 0.0, usual, 1.0)


def log_ratio(x: Floats, reference: Floats) -> Floats:
    """ln(x / reference) cut to +-3; -3 where x is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.log(np.where(x > 0.0, x, np.nan) / reference)
    return np.where(np.isnan(reference), np.nan, np.clip(np.nan_to_num(ratio, nan=-3.0), -3.0, 3.0))
