"""How sure a performance number is: paired differences, Sharpe ratios, trials, overfitting.

SR is the Sharpe ratio a period (not annualised), T the number of periods, g3 and g4 skew and kurtosis (3 =
normal), Phi the normal distribution function, g = 0.5772... Euler's constant.

Standard error        sqrt((1 - g3 SR + (g4 - 1)/4 SR^2) / T); for normal returns sqrt((1 + SR^2/2) / T)
                      (Lo 2002, FAJ 58(4); Mertens 2002)
Annualisation         eta(q) = q / sqrt(q + 2 sum_{k<q} (q - k) rho^k) for AR(1) returns; sqrt(q) at rho = 0
                      (Lo 2002)
Probabilistic Sharpe  PSR = Phi((SR - SR*) sqrt(T - 1) / sqrt(1 - g3 SR + (g4 - 1)/4 SR^2))
                      (Bailey & Lopez de Prado 2012, J. Risk 15(2))
Best of N normals     (1 - g) Phi^-1(1 - 1/N) + g Phi^-1(1 - 1/(N e))
Deflated Sharpe       PSR at SR* = sqrt(V) times the best of N, V the variance of the N trials' SR
                      (Bailey & Lopez de Prado 2014, JPM 40(5))
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri

from fund.errors import DataError, InvalidParameter
from fund.report.wealth import Floats, finite


@dataclass(frozen=True)
class Paired:
    """A mean paired difference: `mean`, its standard error `se`, `t` = mean/se, sample size `n`."""

    mean: float
    se: float
    t: float
    n: int


def paired(a: ArrayLike, b: ArrayLike, lags: int = 0) -> Paired:
    """Mean of a - b, pair by pair (same tapes), with its standard error.

    `a`, `b`: shape (n,), one score an episode, world or day. With `lags` > 0 the standard error is that of
    Newey & West (1987), for differences of consecutive days. Fewer than two pairs: se and t are nan.
    Differences that do not vary: se 0, t infinite with the sign of the mean (nan where the mean is 0).
    DataError on unequal shapes.
    """
    x, y = finite(a, "score"), finite(b, "score")
    if x.ndim != 1 or x.shape != y.shape:
        raise DataError(
            f"A paired difference needs two samples of one length; found {x.shape} and {y.shape}."
        )
    d, n = x - y, x.size
    mean = float(d.mean()) if n else float("nan")
    if n < 2:
        return Paired(mean, float("nan"), float("nan"), n)
    if np.ptp(d) <= 1e-14 * max(np.abs(x).max(), np.abs(y).max()):
        return Paired(mean, 0.0, float(np.sign(mean) * np.inf) if mean else float("nan"), n)
    se = float(np.sqrt(_long_run_covariance(d[:, None], lags)[0, 0] / (n - 1)))
    return Paired(mean, se, mean / se, n)


def newey_west_lags(n: int) -> int:
    """floor(4 (n/100)^(2/9)), the rule of thumb of Newey & West (1994)."""
    return int(4 * (n / 100) ** (2 / 9))


def _long_run_covariance(x: Floats, lags: int) -> Floats:
    # Bartlett weights keep the estimate positive semi-definite (Newey & West 1987); x is (T, k)
    n, d = len(x), x - x.mean(axis=0)
    total = d.T @ d
    for j in range(1, min(lags, n - 1) + 1):
        gamma = d[j:].T @ d[:-j]
        total += (1 - j / (lags + 1)) * (gamma + gamma.T)
    return np.asarray(total / n)


def sharpe_difference(a: ArrayLike, b: ArrayLike, periods_per_year: float = 1.0, lags: int = 0) -> Paired:
    """Annualised Sharpe ratio of `a` minus that of `b`, returns of shape (T,), with a robust standard error.

    Delta method on the first two moments with their long-run covariance (Ledoit & Wolf 2008, J. Emp. Finance
    15, section 3.1, Bartlett kernel). Population moments, as there. DataError where a series does not vary.
    """
    pair = np.stack([finite(a), finite(b)], axis=-1)
    mean, square = pair.mean(axis=0), (pair**2).mean(axis=0)
    variance = square - mean**2
    if pair.shape[0] < 2 or (variance <= 1e-28).any():
        raise DataError("A difference of Sharpe ratios needs two series of at least two returns that vary.")
    difference = mean[0] / np.sqrt(variance[0]) - mean[1] / np.sqrt(variance[1])
    gradient = np.concatenate([square / variance**1.5, -mean / 2 / variance**1.5]) * np.array([1, -1, 1, -1])
    moments = np.concatenate([pair, pair**2], axis=1)
    se = np.sqrt(gradient @ _long_run_covariance(moments, lags) @ gradient / len(pair))
    root = np.sqrt(periods_per_year)
    t = difference / se if se > 0 else np.nan
    return Paired(float(difference * root), float(se * root), float(t), len(pair))


def _spread(sharpe: ArrayLike, skew: float, kurtosis: float) -> Floats:
    sr = np.asarray(sharpe, dtype=np.float64)
    return np.sqrt(1 - skew * sr + (kurtosis - 1) / 4 * sr**2)


def sharpe_se(
    sharpe: ArrayLike, n: int, periods_per_year: float = 1.0, skew: float = 0.0, kurtosis: float = 3.0
) -> Floats:
    """Standard error of a Sharpe ratio from `n` returns, in the units of `sharpe` (annualised by the root).

    Lo (2002) at skew 0 and kurtosis 3; nan where n = 0.
    """
    if n < 1:
        return np.full(np.shape(sharpe), np.nan)[()]
    root = np.sqrt(periods_per_year)
    return (root * _spread(np.asarray(sharpe) / root, skew, kurtosis) / np.sqrt(n))[()]


def eta(periods: int, rho: float) -> float:
    """Factor from the Sharpe ratio of one period to that of `periods`, AR(1) returns of correlation `rho`.

    Raises InvalidParameter outside periods >= 1, -1 < rho < 1.
    """
    if not -1 < rho < 1 or periods < 1:
        raise InvalidParameter(f"eta needs periods >= 1 and -1 < rho < 1; found {periods} and {rho}.")
    k = np.arange(1, periods)
    return float(periods / np.sqrt(periods + 2 * np.sum((periods - k) * rho**k)))


def probabilistic_sharpe(
    sharpe: ArrayLike, n: int, benchmark: float = 0.0, skew: float = 0.0, kurtosis: float = 3.0
) -> Floats:
    """PSR: probability that the true Sharpe ratio exceeds `benchmark`; ratios a period, `n` returns."""
    if n < 2:
        return np.full(np.shape(sharpe), np.nan)[()]
    z = (np.asarray(sharpe) - benchmark) * np.sqrt(n - 1) / _spread(sharpe, skew, kurtosis)
    return ndtr(z)[()]


def expected_maximum(trials: int) -> float:
    """Expected largest of `trials` standard normals, by the formula at the head; 0 for one.

    Raises InvalidParameter for fewer than one trial.
    """
    if trials < 1:
        raise InvalidParameter(f"The number of trials is {trials}; wanted 1 or more.")
    if trials == 1:
        return 0.0
    return float(-(1 - np.euler_gamma) * ndtri(1 / trials) - np.euler_gamma * ndtri(1 / (trials * np.e)))


def best_of_trials(trials: int, variance: float) -> float:
    """SR*: Sharpe ratio expected of the best of `trials` worthless ones, `variance` that of their ratios."""
    return float(np.sqrt(variance) * expected_maximum(trials))


def deflated_sharpe(
    sharpe: ArrayLike, n: int, trials: int, variance: float, skew: float = 0.0, kurtosis: float = 3.0
) -> Floats:
    """DSR: the PSR against `best_of_trials`; Sharpe ratio and variance of the trials' ratios a period."""
    return probabilistic_sharpe(sharpe, n, best_of_trials(trials, variance), skew, kurtosis)


def min_track_record(
    sharpe: float,
    benchmark: float = 0.0,
    confidence: float = 0.95,
    skew: float = 0.0,
    kurtosis: float = 3.0,
) -> float:
    """MinTRL: number of returns at which PSR reaches `confidence`; infinite where sharpe <= benchmark.

    1 + (1 - g3 SR + (g4 - 1)/4 SR^2) (z/(SR - SR*))^2 (Bailey & Lopez de Prado 2012).
    """
    if sharpe <= benchmark:
        return float("inf")
    return float(1 + _spread(sharpe, skew, kurtosis) ** 2 * (ndtri(confidence) / (sharpe - benchmark)) ** 2)


def min_backtest_years(trials: int, target: float = 1.0) -> float:
    """MinBTL: years within which the best of `trials` worthless strategies should reach a Sharpe `target`.

    (expected_maximum / target)^2 (Bailey, Borwein, Lopez de Prado & Zhu 2014, Notices AMS 61(5)).
    """
    return (expected_maximum(trials) / target) ** 2
