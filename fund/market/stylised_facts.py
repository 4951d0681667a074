"""Stylised facts of returns: what a price does that a random walk does not, as numbers.

Returns come as (T, n), one column a path. A day's return is a log return, or a price change where prices may be
negative. All are sample statistics of the path as it is: no bias is taken out, because the bands that they are held
against (`fund.market.stylised_bands`) are of sample statistics, too.

    kurtosis               fourth moment over squared variance; 3 for a Gaussian
    aggregation            kurtosis of sums of 20 returns over that of single ones: falls as sums grow Gaussian
    autocorrelation        of returns, of their size |r|, of their square
    leverage               correlation of r_t and r^2_(t + lag)
    hill                   tail index of |r| from its largest 2%; Hill (1975)
    hurst                  1 + half the slope of ln Var(mean of m values) on ln m; Taqqu, Teverovsky & Willinger (1995)
    variance_ratio         Var(sum of q returns) / (q Var(return)); Lo & MacKinlay (1988)

Source of the list: Cont (2001), "Empirical properties of asset returns", Quantitative Finance 1:223-236.
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fund.errors import DataError

Floats = NDArray[np.float64]

AGGREGATED = 20  # returns in a sum
TAIL = 0.02  # share of the largest |r|
SCALES = 2 ** np.arange(1, 8)  # block lengths of the Hurst exponent, 2 to 128
WORST = 0.05  # share of days on which a market is at its worst
LEAST = 256  # returns: two blocks of the longest scale


def returns_of(prices: ArrayLike, logs: bool = True) -> Floats:
    """Log returns (T, n) of prices (T + 1, n) or (T + 1,); price changes with `logs` off, for prices below zero.

    Raises DataError where a price of a log return is not above zero.
    """
    levels = np.asarray(prices, dtype=np.float64)
    levels = levels[:, None] if levels.ndim == 1 else levels
    if logs and levels.min() <= 0.0:
        row, path = (int(k) for k in np.argwhere(levels <= 0.0)[0])
        raise DataError(f"row {row}, path {path}: the price is {levels[row, path]:g}, wanted above 0")
    return np.asarray(np.diff(np.log(levels) if logs else levels, axis=0))


def kurtosis(r: Floats) -> Floats:
    """Kurtosis (n,) of each path."""
    around = r - r.mean(axis=0)
    return np.asarray((around**4).mean(axis=0) / (around**2).mean(axis=0) ** 2)


def sums(r: Floats, count: int) -> Floats:
    """Sums of `count` neighbours that do not overlap, (T // count, n); the rest at the end is left out."""
    whole = len(r) // count
    return np.asarray(r[: whole * count].reshape(whole, count, -1).sum(axis=1))


def aggregation(r: Floats, count: int = AGGREGATED) -> Floats:
    """Kurtosis of sums of `count` returns over that of single ones, (n,)."""
    return np.asarray(kurtosis(sums(r, count)) / kurtosis(r))


def autocorrelation(x: Floats, lag: int) -> Floats:
    """Sample autocorrelation (n,) at a lag: sum of lagged products over the sum of squares, around one mean."""
    around = x - x.mean(axis=0)
    return np.asarray((around[lag:] * around[:-lag]).sum(axis=0) / (around**2).sum(axis=0))


def correlation(x: Floats, y: Floats) -> Floats:
    """Correlation (n,) of the columns of two arrays (T, n)."""
    a, b = x - x.mean(axis=0), y - y.mean(axis=0)
    return np.asarray((a * b).sum(axis=0) / np.sqrt((a**2).sum(axis=0) * (b**2).sum(axis=0)))


def leverage(r: Floats, lag: int) -> Floats:
    """Correlation (n,) of a return with the square of that `lag` later: below zero where falls bring volatility."""
    return correlation(r[:-lag], r[lag:] ** 2)


def hill(r: Floats, share: float = TAIL) -> Floats:
    """Hill's tail index (n,): one over the mean excess of ln |r| in the largest `share` over the next largest.

    With k = share T and |r| in falling order, k / sum_(i <= k) ln(|r|_(i) / |r|_(k + 1)).
    """
    size = np.sort(np.abs(r), axis=0)[::-1]
    k = max(int(share * len(r)), 1)
    return np.asarray(k / np.log(size[:k] / size[k]).sum(axis=0))


def hurst(x: Floats, scales: NDArray[np.int64] = SCALES) -> Floats:
    """Hurst exponent (n,) by aggregated variance over blocks of `scales` values; 1/2 without long memory."""
    log_scale = np.log(scales)
    spread = np.log([(sums(x, int(m)) / m).var(axis=0) for m in scales])
    around = log_scale - log_scale.mean()
    return np.asarray(1.0 + 0.5 * (around @ spread) / (around @ around))


def variance_ratio(r: Floats, count: int) -> Floats:
    """Variance of overlapping sums of `count` returns over `count` times that of one, (n,); 1 for a random walk."""
    level = np.concatenate([np.zeros((1, r.shape[1])), np.cumsum(r - r.mean(axis=0), axis=0)])
    long = level[count:] - level[:-count]
    return np.asarray((long**2).mean(axis=0) / (count * r.var(axis=0)))


def facts(r: Floats) -> dict[str, Floats]:
    """The twelve lines of the bands, each (n,), by name; raises DataError where there are too few returns."""
    if len(r) < LEAST:
        raise DataError(f"{len(r)} returns, wanted {LEAST} or more for stylised facts")
    size = np.abs(r)
    return {
        "kurtosis": kurtosis(r),
        "aggregation": aggregation(r),
        "autocorrelation": np.maximum(np.abs(autocorrelation(r, 1)), np.abs(autocorrelation(r, 5))),
        **{f"size_autocorrelation_{lag}": autocorrelation(size, lag) for lag in (1, 10, 50, 100)},
        **{f"leverage_{lag}": leverage(r, lag) for lag in (1, 20)},
        "hill": hill(r),
        "hurst_of_size": hurst(size),
        "hurst": hurst(r),
    }


def tail_correlation_rise(r: Floats, worst: float = WORST) -> float:
    """By how much the mean pairwise correlation of assets (T, assets) is higher on the market's worst days than is due.

    The market is the assets' mean m. Choosing days by m changes correlations by itself (Forbes & Rigobon, 2002): of
    Gaussian returns of covariance S, with b = cov(r, m) / var m and z the normal quantile of `worst`, the days below it
    have covariance S - b b' var m (1 - k), k = 1 + z l - l^2, l = -pdf(z) / worst the mean of m there. The rise is the
    correlation seen on the worst days less this one, so that it is 0 of a Gaussian and above 0 of assets that fall
    together (Longin & Solnik, 2001).
    """
    market = r.mean(axis=1)
    seen = _mean_correlation(np.cov(r[market <= np.quantile(market, worst)], rowvar=False))
    whole = np.cov(r, rowvar=False)
    z = NormalDist().inv_cdf(worst)
    mean = -NormalDist().pdf(z) / worst
    with_market = whole.mean(axis=1)
    gone = np.outer(with_market, with_market) / whole.mean() * (1.0 - (1.0 + z * mean - mean * mean))
    return seen - _mean_correlation(whole - gone)


def _mean_correlation(covariance: Floats) -> float:
    deviation = np.sqrt(np.diag(covariance))
    off = np.triu_indices(len(deviation), 1)
    return float(np.mean((covariance / np.outer(deviation, deviation))[off]))
