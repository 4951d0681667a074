"""The four assets' market beside its bands: daily returns of each, and how they fall together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fund.calibration.calibration import Calibration, Priced
from fund.grandmodel.risk.layout import ASSETS
from fund.market.stylised_facts import LEAST, returns_of, tail_correlation_rise
from fund.market.stylised_facts_intraday import time_of_day, u_shape
from fund.market.tape import Tape

if TYPE_CHECKING:
    from fund.grandmodel.risk.strategy import RiskManagement

Floats = NDArray[np.float64]


def _daily(stage: RiskManagement, tape: Tape) -> dict[str, Floats]:
    days = slice(None, None, stage.steps_per_day)
    return {f"price_{k}": returns_of(tape[f"price_{k}"][days]) for k in ASSETS}


def prices(stage: RiskManagement, tape: Tape) -> Mapping[str, Priced]:
    """The first asset; the others differ by their volatility. None where a record has too few days."""
    first = _daily(stage, tape)["price_1"]
    return {"price_1": Priced("equity", first)} if len(first) >= LEAST else {}


def details(stage: RiskManagement, tape: Tape) -> Mapping[str, Floats]:
    """The U of volatility over the day, and by how much correlations are higher on the worst days, each (n,)."""
    r = returns_of(tape["price_1"])
    days = np.stack(list(_daily(stage, tape).values()), axis=2)  # (days, n, assets)
    found = {"volatility_u": u_shape(np.abs(r), time_of_day(len(r), stage.steps_per_day))}
    if len(days) >= LEAST:
        found["tail_correlation_rise"] = np.array([tail_correlation_rise(days[:, i]) for i in range(tape.n)])
    return found


CALIBRATION = Calibration(
    files='a table with the columns "price_1" to "price_4"', prices=prices, details=details, least_steps=78
)
