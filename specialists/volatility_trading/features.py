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
    log_iv = np.log(far[0])
    sums = np.zeros((4, n))  # of r^2 over 5, 20, 60, of squared changes of ln IV over 20
    for t in range(1, rows):
        for i in range(n):
            square = (log_spot[t, i] - log_spot[t - 1, i]) ** 2
            for k in range(3):
                sums[k, i] += square
                window = WINDOWS[k]
                if t > window:
                    sums[k, i] -= (log_spot[t - window, i] - log_spot[t - window - 1, i]) ** 2
            sums[3, i] += (log_iv[t, i] - log_iv[t - 1, i]) ** 2
            if t > 20:
                sums[3, i] -= (log_iv[t - 20, i] - log_iv[t - 21, i]) ** 2
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
    near, middle, long = far[0, t, i], far[1, t, i], far[2, t, i]
    out[0] = 2.0 * (log_iv[t, i] - LOG_UNIT)
    least = LEAST * LEAST * dt
    for k in range(3):
        out[1 + k] = math.log(max(sums[k, i], least * WINDOWS[k]) / (WINDOWS[k] * dt)) - 2.0 * LOG_UNIT
    out[4] = (near - math.sqrt(max(sums[1, i], 0.0) / (20.0 * dt))) / 0.05
    out[5] = math.sqrt(max(sums[3, i], 0.0) / 20.0) / 0.06
    between = (DAYS[1] * middle * middle - DAYS[0] * near * near) / (DAYS[1] - DAYS[0])
    out[6] = math.log(max(between, LEAST * LEAST) / (near * near))
    out[7] = 10.0 * math.log(long / middle)
    out[8] = 5.0 * far[3, t, i]
    out[9] = 5.0 * (log_iv[t, i] - log_iv[t - 5, i])
    for k, lag in ((10, 1), (11, 5), (12, 20)):
        out[k] = (log_spot[t, i] - log_spot[t - lag, i]) / (far[0, t - lag, i] * math.sqrt(lag * dt))
