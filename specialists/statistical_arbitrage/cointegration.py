"""Do two prices belong together? Tests of cointegration, estimates of mean reversion, and the choice of pairs.

- Engle & Granger (1987): regress one price on the other, test the residual for a unit root. The residual was fitted, so
  that MacKinnon's (2010) critical values for N series apply, not those of a plain Dickey-Fuller test; the test depends
  on which price stands on the left.
- Johansen (1991): likelihood ratio test of the number of cointegrating relations; the 5% value for "none of two" with a
  constant, 15.49, supposes prices with drift: on driftless walks the test rejects about 10% of the time.
- Ornstein-Uhlenbeck: x_{t+1} = c + b x_t + noise, kappa = -ln(b)/dt. Least squares finds b too low by about (1 + 3b)/n
  (Kendall 1954), so that a slow spread looks fast: a half-life from 60 days is mostly noise.

statsmodels takes seconds to import and is imported where it is used.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fund.errors import DataError
from specialists.statistical_arbitrage.rolling import half_life, rolling_dickey_fuller
from specialists.statistical_arbitrage.theory import require

Floats = NDArray[np.float64]
_SAME = 1e-9  # a residual this small beside its leg: the two prices are one series
_FIVE_PERCENT = 1  # column of the tables, whose columns are 10%, 5%, 1% (Johansen) or 1%, 5%, 10% (MacKinnon)


class UnitRoot(NamedTuple):
    """Augmented Dickey-Fuller test; `p_value` of the hypothesis that there is a unit root."""

    statistic: float
    p_value: float
    lags: int
    critical_values: tuple[float, float, float]  # 1%, 5%, 10%


@dataclass(frozen=True, eq=False)
class EngleGranger:
    """Engle-Granger test; `p_value` of the hypothesis that the two prices are not cointegrated."""

    statistic: float
    p_value: float
    critical_values: tuple[float, float, float]  # 1%, 5%, 10%
    hedge_ratio: float
    intercept: float
    residual: Floats  # (T,), y - intercept - hedge_ratio x


@dataclass(frozen=True, eq=False)
class Johansen:
    """Johansen test of k prices; entry r of each statistic tests "at most r relations"."""

    trace: Floats  # (k,)
    trace_critical: Floats  # (k, 3), 10%, 5%, 1%
    max_eigen: Floats  # (k,)
    max_eigen_critical: Floats  # (k, 3), 10%, 5%, 1%
    vectors: Floats  # (k, k), one relation a column, the strongest first

    @property
    def rank(self) -> int:
        """Number of relations by the trace test at 5%."""
        accepted = np.flatnonzero(self.trace <= self.trace_critical[:, _FIVE_PERCENT])
        return int(accepted[0]) if accepted.size else self.trace.size


class MeanReversion(NamedTuple):
    """Ornstein-Uhlenbeck parameters of each series, floats or (n,) arrays; NaN where b is not between 0 and 1."""

    kappa: Floats  # speed, per unit of time
    mean: Floats
    sigma: Floats  # volatility per square root of a unit of time
    b: Floats  # kept from one row to the next, as estimated


@dataclass(frozen=True)
class Pair:
    """A tested pair: spread = dependent - intercept - hedge_ratio * other, all fitted on the training rows."""

    dependent: str
    other: str
    columns: tuple[int, int]
    hedge_ratio: float
    intercept: float
    p_value: float  # Engle-Granger, of the better of the two directions
    trace: float  # Johansen, of "no relation"
    trace_critical: float  # its 5% value
    half_life: float  # rows
    deviation: float  # standard deviation of the spread
    accepted: bool


@dataclass(frozen=True)
class PairRule:
    """When a pair is accepted: Engle-Granger in the better direction, Johansen at 5%, hedge ratio > 0, half-life."""

    level: float = 0.05  # of the Engle-Granger test
    lags: int | None = 1  # of the Engle-Granger test; None chooses by AIC
    johansen_lags: int = 1
    shortest: float = 1.0  # half-life, rows
    longest: float = math.inf  # half-life, rows


def adf(x: ArrayLike, lags: int | None = None, trend: str = "c") -> UnitRoot:
    """Augmented Dickey-Fuller test of one series; without `lags` they are chosen by AIC. `trend` "n", "c" or "ct".

    Raises DataError for a series that is constant or not of shape (rows,).
    """
    from statsmodels.tsa.stattools import adfuller

    series = np.asarray(x, dtype=np.float64)
    if series.ndim != 1 or not np.ptp(series) > 0.0:
        raise DataError(f"series of shape {series.shape}: wanted (rows,), finite and not constant.")
    how = "AIC" if lags is None else None
    found = adfuller(series, maxlag=lags, regression=trend, autolag=how, result_object=True)
    values = _three(found.critical_values[level] for level in ("1%", "5%", "10%"))
    return UnitRoot(float(found.statistic), float(found.pvalue), int(found.lags), values)


def critical_values(n_series: int, n_rows: float = math.inf, trend: str = "c") -> Floats:
    """MacKinnon's (2010) 1%, 5% and 10% values: of the ADF test for 1 series, of Engle-Granger for more."""
    from statsmodels.tsa.adfvalues import mackinnoncrit

    return np.asarray(mackinnoncrit(N=n_series, regression=trend, nobs=n_rows), dtype=np.float64)


def engle_granger(y: ArrayLike, x: ArrayLike, lags: int | None = None) -> EngleGranger:
    """Engle-Granger test of `y` on `x` with a constant, both (T,); without `lags` they are chosen by AIC.

    Raises DataError where one price is a multiple of the other.
    """
    from statsmodels.tsa.adfvalues import mackinnonp

    left = np.asarray(y, dtype=np.float64)
    slope, intercept, residual = _ols(left, np.asarray(x, dtype=np.float64))
    if not np.std(residual) > _SAME * np.std(left):
        raise DataError("the two prices are multiples of each other: wanted two that differ.")
    test = adf(residual, lags, trend="n")
    values = _three(critical_values(2, residual.size - 1))
    p_value = float(mackinnonp(test.statistic, regression="c", N=2))
    return EngleGranger(test.statistic, p_value, values, float(slope), float(intercept), residual)


def engle_granger_statistics(y: ArrayLike, x: ArrayLike, lags: int = 0) -> Floats:
    """The statistic of `engle_granger` for each of n pairs at once; `y`, `x` (T, n), `lags` 0 or 1, answer (n,)."""
    _, _, residual = _ols(np.asarray(y, dtype=np.float64), np.asarray(x, dtype=np.float64))
    return rolling_dickey_fuller(residual, residual.shape[0], lags, constant=False).statistic[-1]


def johansen(prices: ArrayLike, lags: int = 1, det_order: int = 0) -> Johansen:
    """Johansen test of `prices` (T, k) with `lags` lagged differences; `det_order` -1 none, 0 constant, 1 trend."""
    from statsmodels.tsa.vector_ar.vecm import coint_johansen

    found = coint_johansen(np.asarray(prices, dtype=np.float64), det_order, lags)
    return Johansen(
        found.trace_stat,
        found.trace_stat_crit_vals,
        found.max_eig_stat,
        found.max_eig_stat_crit_vals,
        found.evec,
    )


def fit_mean_reversion(x: ArrayLike, dt: float) -> MeanReversion:
    """Least-squares Ornstein-Uhlenbeck parameters of each column of `x`, (T,) or (T, n); `dt` is the time of a row."""
    data = np.asarray(x, dtype=np.float64)
    require(
        dt > 0.0 and data.shape[0] >= 4, f"dt = {dt}, {data.shape[0]} rows", "dt above 0 and 4 rows or more"
    )
    b, intercept, residual = _ols(data[1:], data[:-1])
    inside = (b > 0.0) & (b < 1.0)
    kept = np.where(inside, b, math.nan)
    kappa = -np.log(kept) / dt
    variance = np.sum(residual**2, axis=0) / (residual.shape[0] - 2)
    sigma = np.sqrt(variance * 2.0 * kappa / (1.0 - kept**2))
    return MeanReversion(kappa, intercept / (1.0 - kept), sigma, b)


def kendall_corrected(b: ArrayLike, n_pairs: int) -> Floats:
    """Autoregressive coefficient freed of its bias, b with b - (1 + 3b)/n = estimate; it may exceed 1."""
    require(n_pairs > 3, f"n_pairs = {n_pairs}", "more than 3")
    return (n_pairs * np.asarray(b, dtype=np.float64) + 1.0) / (n_pairs - 3.0)


def select_pairs(
    prices: ArrayLike,
    train_rows: slice,
    names: Sequence[str],
    rule: PairRule | None = None,
    candidates: Iterable[tuple[int, int]] | None = None,
) -> tuple[Pair, ...]:
    """Every pair of columns tested on `train_rows` of `prices` (T, k) and on no other row, the likeliest first.

    Accepted pairs stand before the others, either by p-value. Trying both directions and many pairs makes p-values too
    small: the length of the answer says how many were tried. Two columns that are one series are left out;
    `candidates` limits the pairs to these columns.

    Raises DataError for fewer than 30 rows, or prices that are constant or not finite.
    """
    window = np.array(np.asarray(prices)[train_rows], dtype=np.float64)
    if window.ndim != 2 or window.shape[1] != len(names) or window.shape[0] < 30:
        raise DataError(
            f"training prices of shape {window.shape}: wanted (30 rows or more, {len(names)} names)."
        )
    for column, name in enumerate(names):
        if not (np.isfinite(window[:, column]).all() and np.ptp(window[:, column]) > 0.0):
            raise DataError(f'training prices of "{name}": wanted finite numbers that are not all the same.')
    chosen = combinations(range(len(names)), 2) if candidates is None else candidates
    tested = [_pair(window, i, j, names, rule or PairRule()) for i, j in chosen if not _same(window, i, j)]
    return tuple(sorted(tested, key=lambda pair: (not pair.accepted, pair.p_value, pair.columns)))


def _pair(window: Floats, i: int, j: int, names: Sequence[str], rule: PairRule) -> Pair:
    legs = ((i, j), (j, i))
    tests = [engle_granger(window[:, a], window[:, b], rule.lags) for a, b in legs]
    best = 0 if tests[0].p_value <= tests[1].p_value else 1
    test, (a, b) = tests[best], legs[best]
    trace = johansen(window[:, [i, j]], rule.johansen_lags)
    slope, _, _ = _ols(np.diff(test.residual), test.residual[:-1])
    life = float(half_life(slope))
    return Pair(
        dependent=names[a],
        other=names[b],
        columns=(a, b),
        hedge_ratio=test.hedge_ratio,
        intercept=test.intercept,
        p_value=test.p_value,
        trace=float(trace.trace[0]),
        trace_critical=float(trace.trace_critical[0, _FIVE_PERCENT]),
        half_life=life,
        deviation=float(test.residual.std(ddof=2)),
        accepted=test.p_value <= rule.level
        and trace.rank >= 1
        and test.hedge_ratio > 0.0
        and rule.shortest <= life <= rule.longest,
    )


def _same(window: Floats, i: int, j: int) -> bool:
    _, _, residual = _ols(window[:, i], window[:, j])
    return not float(np.std(residual)) > _SAME * float(np.std(window[:, i]))


def _three(values: Iterable[float]) -> tuple[float, float, float]:
    one, five, ten = (float(v) for v in values)
    return one, five, ten


def _ols(y: Floats, x: Floats) -> tuple[Floats, Floats, Floats]:
    # slope, intercept and residual of y on x, column by column
    if y.shape != x.shape:
        raise DataError(f"legs of shapes {y.shape} and {x.shape}: wanted two of one shape.")
    u, v = x - x.mean(axis=0), y - y.mean(axis=0)
    slope = np.sum(u * v, axis=0) / np.sum(u * u, axis=0)
    return slope, y.mean(axis=0) - slope * x.mean(axis=0), v - slope * u
