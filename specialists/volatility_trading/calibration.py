"""The index and its quoted volatilities fitted to closes of an index and its volatility index.

    parameter           moment
    theta               ln root mean square of the daily return
    xi                  standard deviation of the ln of the variance realised over 20 days
    rho                 correlation of a day's return and its change of ln quoted volatility
    demand_mean         mean ln quoted volatility less ln root mean square return, a year
    demand_deviation    ln root mean square of what the day's return leaves of the change of ln quoted volatility
    kappa               slope of ln(IV_90 / IV_30) on ln IV_30: the faster variance reverts, the less of it is in IV_90
    jump_rate           ln of the share of days with L below -`BEYOND`
    jump_mean           ln of the share of days with L above `BEYOND`
    jump_deviation      ln of mean square over bipower variation, pi/2 mean |r_t r_(t-1)|: what jumps add to variance

L is a day's return over the root of the bipower variation of the `WINDOW` days before it (Lee & Mykland, 2008,
Review of Financial Studies 21:2535-2563; bipower variation: Barndorff-Nielsen & Shephard, 2004, Journal of Financial
Econometrics 2:1-37). By daily closes alone a large move need not be a jump: the same is asked of drawn tapes, so that
what diffusion and regimes make of L is taken out.

`demand_half_life` and premia under Q stay as they are: quoted volatilities of two maturities do not tell them from
`kappa`. Where a record has no IV_90, `kappa` stays, too.
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
WINDOW = 16  # days of the local variance
BEYOND = 4.5  # local deviations from which on a move is taken for a jump; of a Gaussian, one day in 150,000


def prices(desk: VolatilityTrading, tape: Tape) -> Mapping[str, Priced]:
    """An index."""
    return log_prices(tape, {"spot": "equity"})


def moments(desk: VolatilityTrading, tape: Tape) -> Mapping[str, Floats]:
    """As the module says, each (n,)."""
    r = returns_of(tape["spot"])
    log_iv, realised = (_feature(desk, tape, name) for name in ("implied_vol", "realised_vol_20"))
    log_iv = 0.5 * log_iv + LOG_UNIT
    moves, size = np.diff(log_iv, axis=0), log_deviation(r)
    level = log_iv - log_iv.mean(axis=0)
    slope = (moves * r).sum(axis=0) / (r * r).sum(axis=0)
    return {
        "volatility": size,
        "variance_scatter": np.log(realised[::MONTH].std(axis=0)),
        "return_and_quote": correlation(r, moves),
        "implied_over_realised": log_iv.mean(axis=0) - size - 0.5 * math.log(1.0 / desk.years_per_step),
        "quote_moves": log_deviation(moves - slope * r),
        "term_slope": (level * term_structure(desk, tape)).sum(axis=0) / (level * level).sum(axis=0),
        **jump_moments(r),
    }


def term_structure(desk: VolatilityTrading, tape: Tape) -> Floats:
    """ln(IV_90 / IV_30), (T + 1, n): 90 IV_90^2 = 60 forward + 30 IV_30^2."""
    forward = np.exp(_feature(desk, tape, "forward_variance"))
    return np.asarray(0.5 * np.log((2.0 * forward + 1.0) / 3.0))


def jump_moments(r: Floats) -> dict[str, Floats]:
    """Shares of days with large moves down and up, what is above bipower variation, of returns (T, n), each (n,)."""
    size = np.abs(r)
    products = 0.5 * np.pi * size[1:] * size[:-1]
    total = np.concatenate([np.zeros((1, r.shape[1])), np.cumsum(products, axis=0)])
    rows = np.arange(WINDOW + 1, len(r))
    local = (total[rows - 1] - total[rows - 1 - WINDOW]) / WINDOW
    statistic = r[rows] / np.sqrt(np.maximum(local, 1e-300))
    falls, rises = (np.count_nonzero(side * statistic > BEYOND, axis=0) for side in (-1.0, 1.0))
    return {
        "large_falls": np.log((falls + 0.5) / len(rows)),  # half a day, so that none has a logarithm
        "large_rises": np.log((rises + 0.5) / len(rows)),
        "above_bipower": np.log((r**2).mean(axis=0) / products.mean(axis=0)),
    }


def untold(desk: VolatilityTrading) -> tuple[str, ...]:
    """`kappa` of a record without IV_90, which is then made of IV_30 with it."""
    assert desk.history is not None
    return () if "iv_90" in desk.history.names else ("kappa",)


def _feature(desk: VolatilityTrading, tape: Tape, name: str) -> Floats:
    return tape.features[:, :, desk.features.index(name)].astype(np.float64)


CALIBRATION = Calibration(
    files='one file with the columns "index" and "iv_30" (decimal), or closes of an index, of its 30-day volatility '
    "index and perhaps of its 90-day one",
    prices=prices,
    moments=moments,
    bounds={
        "theta": (0.0005, 1.0), "xi": (0.02, 3.0), "rho": (-0.95, 0.95), "demand_mean": (-1.5, 1.5),
        "demand_deviation": (0.01, 2.0), "kappa": (2.5, 40.0), "jump_rate": (0.05, 25.0), "jump_mean": (-0.1, 0.05),
        "jump_deviation": (0.002, 0.15),
    },
    untold=untold,
)  # fmt: skip
