"""The pair's market fitted to two price series.

    parameter         moment
    leg_volatility    ln root mean square of leg 2's daily return
    hedge_ratio       slope of leg 1's returns on leg 2's
    eta               ln root mean square of what that slope leaves
    alpha             ln variance ratio of it over 5 days: the part that comes back
    break_size        ln variance ratio of it over 60 days: the part that does not

Where the legs do not revert at all, alpha runs to its lower bound, and the fit says so.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fund.calibration.calibration import Calibration, Priced, log_deviation, log_prices
from fund.market.stylised_facts import returns_of, variance_ratio
from fund.market.tape import Tape

if TYPE_CHECKING:
    from specialists.statistical_arbitrage.strategy import StatisticalArbitrage

Floats = NDArray[np.float64]

SHORT, LONG = 5, 60  # days of the variance ratios


def chosen(desk: StatisticalArbitrage) -> StatisticalArbitrage:
    """The pair that `leg_1` and `leg_2` name, or the two instruments that there are, in the files' order.

    Raises UnknownName for a leg that is not there.
    """
    assert desk.history is not None
    known, legs = desk.history.names, (desk.leg_1, desk.leg_2)
    pair = known if len(known) == 2 and legs == desk.needs() else legs
    history = desk.history.select(pair).rename(dict(zip(pair, desk.needs(), strict=True)))
    return dataclasses.replace(desk, history=history, leg_1="leg_1", leg_2="leg_2")


def prices(desk: StatisticalArbitrage, tape: Tape) -> Mapping[str, Priced]:
    """Both legs are stocks."""
    return log_prices(tape, {"leg_1": "equity", "leg_2": "equity"})


def moments(desk: StatisticalArbitrage, tape: Tape) -> Mapping[str, Floats]:
    """As the module says, each (n,)."""
    one, two = returns_of(tape["leg_1"]), returns_of(tape["leg_2"])
    slope = (one * two).sum(axis=0) / (two * two).sum(axis=0)
    rest = one - slope * two
    return {
        "leg_2_volatility": log_deviation(two),
        "slope": slope,
        "residual_volatility": log_deviation(rest),
        "residual_ratio_5": np.log(variance_ratio(rest, SHORT)),
        "residual_ratio_60": np.log(variance_ratio(rest, LONG)),
    }


CALIBRATION = Calibration(
    files='a table with the columns "leg_1" and "leg_2", or daily closes of two stocks (of more with --set leg_1=KO)',
    chosen=chosen,
    prices=prices,
    moments=moments,
    bounds={
        "leg_volatility": (0.01, 3.0), "hedge_ratio": (-5.0, 5.0), "eta": (0.002, 3.0), "alpha": (1.0, 1000.0),
        "break_size": (1e-4, 0.5),
    },
)  # fmt: skip
