"""The two instruments' market by the minute: the U of volume and volatility, and how they move together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fund.calibration.calibration import Calibration, Priced
from fund.grandmodel.bar_strategy import OPENS
from fund.grandmodel.bars import SESSION
from fund.market.stylised_facts import autocorrelation, correlation
from fund.market.stylised_facts_intraday import u_shape
from fund.market.tape import Tape

if TYPE_CHECKING:
    from fund.grandmodel.execution.strategy import Execution

Floats = NDArray[np.float64]


def prices(stage: Execution, tape: Tape) -> Mapping[str, Priced]:
    """None: no band is of a mid by the minute."""
    return {}


def details(stage: Execution, tape: Tape) -> Mapping[str, Floats]:
    """Over the paths, which open at any minute of the day: one number for all of them, (1,); and of each path, (n,).

    The column of a record is a share of the 24 hours, of which some are before the open and after the close: the shape
    of the day is that of the session, 09:30 to 16:00, where the record has any of it.
    """
    minute = tape["minute"][:-1]
    clock = (minute + 0.5) * 1440.0 / stage.steps_per_day
    inside = (clock >= OPENS) & (clock < OPENS + SESSION)
    inside = inside if stage.history is not None and inside.any() else minute >= 0.0
    time = (minute - minute[inside].min() + 0.5) / (np.ptp(minute[inside]) + 1.0)
    moves, volume = np.diff(tape["mid_a"], axis=0), tape["volume_a"][:-1]
    together = [array[inside].reshape(-1, 1) for array in (np.abs(moves), volume, time)]
    return {
        "volatility_u": u_shape(together[0], together[2]),
        "volume_u": u_shape(together[1], together[2]),
        "volume_and_volatility": correlation(together[0], together[1]),
        "move_autocorrelation_1": autocorrelation(moves, 1),
    }


CALIBRATION = Calibration(
    files="recorded bars of the execution stage",
    prices=prices,
    details=details,
    daily=False,
    logs=False,
    least_steps=60,
)
