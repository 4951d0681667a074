"""The market's share of the observation, of drawn and recorded markets alike.

With r the log return of a step, dt its length, RV_n = sqrt(sum of the last n r^2 / (n dt)), IV the implied volatility
at the money of 30, 90 and 180 days, d and K life and strike of the series that is traded:

    implied_vol, realised_vol_n   2 ln(IV_30 / .16), 2 ln(RV_n / .16) for n = 5, 20, 60
    iv_minus_rv                   IV_30 - RV_20, in units of 5 points
    vol_of_vol                    root mean square of the last 20 changes of ln IV_30, over .06
    forward_variance              ln of the variance implied between 30 and 90 days over IV_30^2: the slope 30/90
    term_slope_90_180             10 ln(IV_180 / IV_90)
    skew                          (IV at one deviation below the spot - at one above) / IV_30, of 30 days, times 5
    iv_momentum_5                 5 (ln IV_30 - ln IV_30 five rows before)
    return_n                      sum of the last n r over (IV_30 of then) sqrt(n dt): n = 1, 5, 20
    days_to_expiry, moneyness     d / tenor; ln(S/K) / (sigma sqrt(d dt))
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fund.compiled import compiled
from fund.market.tape import places
from specialists.volatility_trading.step import Own

Floats = NDArray[np.float64]

MARKET_FEATURES = (
    "implied_vol",
    "realised_vol_5",
    "realised_vol_20",
    "realised_vol_60",
    "iv_minus_rv",
    "vol_of_vol",
    "forward_variance",
    "term_slope_90_180",
    "skew",
    "iv_momentum_5",
    "return_1",
    "return_5",
    "return_20",
    "days_to_expiry",
    "moneyness",
)
FEATURES = (*MARKET_FEATURES, *Own._fields)
AT = places(MARKET_FEATURES)
IMPLIED = places(("month", "quarter", "half_year", "skew"))  # rows of `far`
# sums of r^2, and of squared changes of ln IV_30
SUM = places(("square_5", "square_20", "square_60", "implied_20"))
WARM_UP = 80  # rows before the first decision
UNIT = 0.16  # volatility at which the logarithmic slots are zero
LOG_UNIT = math.log(UNIT)
LEAST = 0.005  # volatility below which nothing is told apart
DAYS = (30.0, 90.0)
WINDOWS = (5, 20, 60)


@compiled(nogil=True, error_model="numpy")
def write_features(log_spot: Floats, far: Floats, dt: float, warm_up: int, out: NDArray[np.float32]) -> None:
    """Fill the first thirteen slots of `out` (T + 1, n, width) from log spots (rows, n) and `far` (4, rows, n).

    `far` holds the implied volatilities of 30, 90 and 180 days and the skew; rows are `warm_up` + T + 1.
    """
    rows, n = log_spot.shape
    log_iv = np.log(far[IMPLIED.month])
    sums = np.zeros((len(SUM), n))
    for t in range(1, rows):
        for i in range(n):
            square = (log_spot[t, i] - log_spot[t - 1, i]) ** 2
            for k in range(3):
                sums[k, i] += square
                window = WINDOWS[k]
                if t > window:
                    sums[k, i] -= (log_spot[t - window, i] - log_spot[t - window - 1, i]) ** 2
            sums[SUM.implied_20, i] += (log_iv[t, i] - log_iv[t - 1, i]) ** 2
            if t > 20:
                sums[SUM.implied_20, i] -= (log_iv[t - 20, i] - log_iv[t - 21, i]) ** 2
        if t >= warm_up:
            for i in range(n):
                _write_row(log_spot, log_iv, far, sums, dt, t, i, out[t - warm_up, i])


@njit(forceinline=True, error_model="numpy")
def _write_row(
    log_spot: Floats,
    log_iv: Floats,
    far: Floats,
    sums: Floats,
    dt: float,
    t: int,
    i: int,
    out: NDArray[np.float32],
) -> None:
    near, middle, long = far[IMPLIED.month, t, i], far[IMPLIED.quarter, t, i], far[IMPLIED.half_year, t, i]
    out[AT.implied_vol] = 2.0 * (log_iv[t, i] - LOG_UNIT)
    least = LEAST * LEAST * dt
    for k in range(3):
        variance = max(sums[k, i], least * WINDOWS[k]) / (WINDOWS[k] * dt)
        out[AT.realised_vol_5 + k] = math.log(variance) - 2.0 * LOG_UNIT
    out[AT.iv_minus_rv] = (near - math.sqrt(max(sums[SUM.square_20, i], 0.0) / (20.0 * dt))) / 0.05
    out[AT.vol_of_vol] = math.sqrt(max(sums[SUM.implied_20, i], 0.0) / 20.0) / 0.06
    between = (DAYS[1] * middle * middle - DAYS[0] * near * near) / (DAYS[1] - DAYS[0])
    out[AT.forward_variance] = math.log(max(between, LEAST * LEAST) / (near * near))
    out[AT.term_slope_90_180] = 10.0 * math.log(long / middle)
    out[AT.skew] = 5.0 * far[IMPLIED.skew, t, i]
    out[AT.iv_momentum_5] = 5.0 * (log_iv[t, i] - log_iv[t - 5, i])
    for k, lag in ((AT.return_1, 1), (AT.return_5, 5), (AT.return_20, 20)):
        usual = far[IMPLIED.month, t - lag, i] * math.sqrt(lag * dt)
        out[k] = (log_spot[t, i] - log_spot[t - lag, i]) / usual
