"""Stylised facts of a market in bars: closes of sessions as daily returns, and the shape of the session."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fund.calibration.calibration import Priced
from fund.market.stylised_facts import LEAST, autocorrelation, returns_of
from fund.market.stylised_facts_intraday import time_of_day, u_shape
from fund.market.tape import Tape

if TYPE_CHECKING:
    from fund.grandmodel.bar_strategy import BarStrategy

Floats = NDArray[np.float64]

FILES = 'bars of a minute with the columns "open", "high", "low", "close" and "volume"'


def steps(stage: BarStrategy) -> int:
    """Bars of a record after those that the indicators need."""
    from fund.grandmodel.bar_strategy import recorded

    assert stage.history is not None
    return recorded(stage, stage.history)[0].bars.rows - 1 - stage.first


def prices(stage: BarStrategy, tape: Tape) -> Mapping[str, Priced]:
    """The close of every session; none where a record has too few."""
    closes = tape["price"][:: stage.steps_per_day]
    return {"close": Priced("equity", returns_of(closes))} if len(closes) > LEAST else {}


def details(stage: BarStrategy, tape: Tape) -> Mapping[str, Floats]:
    """The U of volatility over the session, nights left out, and how far a bar's return tells the next, each (n,)."""
    day = stage.steps_per_day
    r = returns_of(tape["price"])
    inside = np.arange(len(r)) % day != 0  # row 0 is a close: the first return of a day has the night in it
    time = time_of_day(len(r), day)
    return {
        "volatility_u": u_shape(np.abs(r[inside]), time[inside]),
        "bar_autocorrelation_1": autocorrelation(r[inside], 1),
    }
