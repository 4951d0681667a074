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

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from fund.calibration.calibration import Calibration, Files, Priced, log_deviation, log_prices
from fund.errors import DataError
from fund.market.history import History, panel
from fund.market.readers import read_csv
from fund.market.sources import READERS, sniff
from fund.market.stylised_facts import returns_of, variance_ratio
from fund.market.tape import Tape
from fund.strategy import Strategy
from specialists.statistical_arbitrage.strategy import StatisticalArbitrage

Floats = NDArray[np.float64]

SHORT, LONG = 5, 60  # days of the variance ratios


def read(desk: Strategy, files: Files) -> History:
    """Both legs: columns `leg_1` and `leg_2` of one file, or the closes of two files.

    Raises UnknownName for a missing column, DataError for a price that is not above zero.
    """
    assert isinstance(desk, StatisticalArbitrage)
    legs = (desk.leg_1, desk.leg_2)
    if len(files) == 1:
        found = READERS[sniff(files[0])](files[0]) if sniff(files[0]) in READERS else read_csv(files[0])
        return found.select(legs)
    if len(files) != 2:
        raise DataError(f"{desk.name}: {len(files)} files, wanted {CALIBRATION.files}")
    kinds = [sniff(path) for path in files]
    closes = {
        leg: (READERS.get(kind, read_csv)(path)).select(["close"])
        for leg, path, kind in zip(legs, files, kinds, strict=True)
    }
    return panel(closes, "close")


def prices(desk: Strategy, tape: Tape) -> Mapping[str, Priced]:
    """Both legs are stocks."""
    return log_prices(tape, {"leg_1": "equity", "leg_2": "equity"})


def moments(desk: Strategy, tape: Tape) -> Mapping[str, Floats]:
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
    files='one file with the columns "leg_1" and "leg_2" (--set leg_1=KO leg_2=PEP), or one file of closes a leg',
    read=read,
    prices=prices,
    moments=moments,
    bounds={
        "leg_volatility": (0.01, 3.0), "hedge_ratio": (-5.0, 5.0), "eta": (0.002, 3.0), "alpha": (1.0, 1000.0),
        "break_size": (1e-4, 0.5),
    },
)  # fmt: skip
