"""The pair's market fitted to two price series.

    parameter         moment
    leg_volatility    ln root mean square of leg 2's daily return
    hedge_ratio       slope of leg 1's returns on leg 2's
    eta               ln root mean square of what that slope leaves
    alpha             ln of the median of 1 - autocorrelation of a month and a half's residual, levels on levels
    break_size        ln variance ratio of it over 60 days: the part that does not come back

The autocorrelation is that of a regression over `WINDOW` rows, as a Dickey-Fuller test takes it, and far below the true
one in so few rows (Kendall, 1954; Marriott & Pope, 1954). Drawn tapes are as far below it, so that the bias goes out;
the median leaves out the windows in which the pair breaks.

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

WINDOW, LONG = 30, 60  # rows of a regression, and of the variance ratio


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
        "forgotten_in_a_day": np.log(
            np.median(forgotten(np.log(tape["leg_1"]), np.log(tape["leg_2"])), axis=0)
        ),
        "residual_ratio_60": np.log(variance_ratio(rest, LONG)),
    }


def forgotten(one: Floats, two: Floats) -> Floats:
    """1 - first autocorrelation of the residual of `one` on `two`, (windows, n), of windows that do not overlap."""
    windows = len(one) // WINDOW
    y, x = (level[: windows * WINDOW].reshape(windows, WINDOW, -1) for level in (one, two))
    y, x = y - y.mean(axis=1, keepdims=True), x - x.mean(axis=1, keepdims=True)
    slope = (x * y).sum(axis=1, keepdims=True) / np.maximum((x * x).sum(axis=1, keepdims=True), 1e-300)
    rest = y - slope * x
    square = np.maximum((rest**2).sum(axis=1), 1e-300)
    return np.asarray(1.0 - (rest[:, 1:] * rest[:, :-1]).sum(axis=1) / square)


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
