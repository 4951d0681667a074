"""The underlier's market fitted to daily prices and a quoted volatility.

    parameter            moment
    sigma                ln root mean square of the daily return
    mu                   mean over root mean square of the daily return
    volatility_premium   mean ln quoted volatility less ln root mean square return, a year

The drift's standard error is sigma over the root of the years: ten years of a stock leave it open by 6 % a year.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fund.calibration.calibration import Calibration, Priced, log_deviation, log_prices, mean_ratio
from fund.market.stylised_facts import returns_of
from fund.market.tape import Tape

if TYPE_CHECKING:
    from specialists.delta_hedging.strategy import DeltaHedging

Floats = NDArray[np.float64]


def prices(desk: DeltaHedging, tape: Tape) -> Mapping[str, Priced]:
    """A stock."""
    return log_prices(tape, {"spot": "equity"})


def moments(desk: DeltaHedging, tape: Tape) -> Mapping[str, Floats]:
    """As the module says, each (n,)."""
    r = returns_of(tape["spot"])
    size = log_deviation(r)
    a_year = 0.5 * math.log(1.0 / desk.years_per_step)
    return {
        "volatility": size,
        "mean": mean_ratio(r),
        "implied_over_realised": np.log(tape["sigma"]).mean(axis=0) - size - a_year,
    }


CALIBRATION = Calibration(
    files='one file with the columns "spot" and "implied_volatility" (decimal), or daily prices and a volatility index',
    prices=prices,
    moments=moments,
    bounds={"sigma": (0.005, 3.0), "mu": (-1.0, 1.0), "volatility_premium": (-0.8, 3.0)},
)
