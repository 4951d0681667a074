"""The factors' market fitted to a record of factor portfolios.

Premia, volatilities and correlations by the moments of the same name. A premium is taken as the record has it:
`premium_scale` becomes 1 (0.42 would shrink it as McLean & Pontiff found out of sample; `--set premium_scale=0.42`).
A premium's standard error is a month's volatility over the root of the months: twenty years leave a third of it open.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fund.calibration.calibration import Calibration, Priced, log_deviation, log_prices, mean_ratio
from fund.market.stylised_facts import correlation
from fund.market.tape import Tape
from specialists.factor_tracking.features import FACTORS

if TYPE_CHECKING:
    from specialists.factor_tracking.strategy import FactorTracking

Floats = NDArray[np.float64]

PAIRS = (("value", "momentum"), ("value", "quality"), ("momentum", "quality"))


def prices(desk: FactorTracking, tape: Tape) -> Mapping[str, Priced]:
    """The market is an index, the factors are long and short."""
    return log_prices(tape, {"market": "equity", **dict.fromkeys(FACTORS, "portfolio")})


def moments(desk: FactorTracking, tape: Tape) -> Mapping[str, Floats]:
    """Mean over deviation, ln deviation, correlations of daily returns, each (n,)."""
    r = {factor: tape[factor][1:] / tape[factor][:-1] - 1.0 for factor in FACTORS}
    return {
        **{f"{factor}_mean": mean_ratio(r[factor]) for factor in FACTORS},
        **{f"{factor}_deviation": log_deviation(r[factor]) for factor in FACTORS},
        **{f"{one}_{two}": correlation(r[one], r[two]) for one, two in PAIRS},
    }


def given(desk: FactorTracking, tape: Tape) -> Mapping[str, Any]:
    """Premia as the record has them."""
    return {"premium_scale": 1.0}


CALIBRATION = Calibration(
    files='one file with the columns "value", "momentum", "quality" and "market" (indices), or two of Kenneth French: '
    "daily five factors and momentum",
    prices=prices,
    moments=moments,
    given=given,
    bounds={
        **{f"{factor}_premium": (-0.05, 0.05) for factor in FACTORS},
        **{f"{factor}_volatility": (0.002, 0.5) for factor in FACTORS},
        **{f"{one}_{two}_correlation": (-0.95, 0.95) for one, two in PAIRS},
    },
)
