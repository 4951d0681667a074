"""The index and its quoted volatilities fitted to closes of an index and its volatility index.

    parameter           moment
    theta               ln root mean square of the daily return
    xi                  standard deviation of the ln of the variance realised over 20 days
    rho                 correlation of a day's return and its change of ln quoted volatility
    demand_mean         mean ln quoted volatility less ln root mean square return, a year
    demand_deviation    ln root mean square of what the day's return leaves of the change of ln quoted volatility

`kappa`, `demand_half_life`, jumps and premia under Q stay as they are: quoted volatilities of one maturity do not tell
them apart.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fund.calibration.calibration import Calibration, Priced, log_deviation, log_prices
from fund.market.stylised_facts import correlation, returns_of
from fund.market.tape import Tape
from specialists.volatility_trading.features import LOG_UNIT

if TYPE_CHECKING:
    from specialists.volatility_trading.strategy import VolatilityTrading

Floats = NDArray[np.float64]

MONTH = 20


def prices(desk: VolatilityTrading, tape: Tape) -> Mapping[str, Priced]:
    """An index."""
    return log_prices(tape, {"spot": "equity"})


def moments(desk: VolatilityTrading, tape: Tape) -> Mapping[str, Floats]:
    """As the module says, each (n,)."""
    r = returns_of(tape["spot"])
    log_iv, realised = (_feature(desk, tape, name) for name in ("implied_vol", "realised_vol_20"))
    log_iv = 0.5 * log_iv + LOG_UNIT
    moves, size = np.diff(log_iv, axis=0), log_deviation(r)
    slope = (moves * r).sum(axis=0) / (r * r).sum(axis=0)
    return {
        "volatility": size,
        "variance_scatter": np.log(realised[::MONTH].std(axis=0)),
        "return_and_quote": correlation(r, moves),
        "implied_over_realised": log_iv.mean(axis=0) - size - 0.5 * math.log(1.0 / desk.years_per_step),
        "quote_moves": log_deviation(moves - slope * r),
    }


def _feature(desk: VolatilityTrading, tape: Tape, name: str) -> Floats:
    return tape.features[:, :, desk.features.index(name)].astype(np.float64)


CALIBRATION = Calibration(
    files='one file with the columns "index" and "iv_30" (decimal), or closes of an index, of its 30-day volatility '
    "index and perhaps of its 90-day one",
    prices=prices,
    moments=moments,
    bounds={
        "theta": (0.0005, 1.0), "xi": (0.02, 3.0), "rho": (-0.95, 0.95), "demand_mean": (-1.5, 1.5),
        "demand_deviation": (0.01, 2.0),
    },
)  # fmt: skip
