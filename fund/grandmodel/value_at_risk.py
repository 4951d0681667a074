"""Value at risk and expected shortfall of a book: parametric, historical, Monte Carlo, EWMA.

With w the exposures (k,), Sigma the covariance of a period's returns, c the confidence, L = -w'r the loss:

    parametric    VaR = z_c sqrt(w' Sigma w) - w' mu, ES likewise; normal, or Student t of nu degrees of freedom
    historical    VaR = the ceil(c m)-th smallest of m losses; ES = min_z z + E(L - z)^+ / (1 - c), reached there
                  (Rockafellar & Uryasev, 2000)
    Monte Carlo   the historical one of losses -w' (mu + C x), C C' = Sigma, for shocks x that the caller drew
    EWMA          sigma^2_t = d sigma^2_{t-1} + (1 - d) r^2_{t-1}, d = .94 a day (RiskMetrics, 1996): sigma_t does
                  not know r_t

All are positive losses in the unit of the exposures. Backtests of VaR and ES are in `fund.account.tail_risk`.

A Brownian P&L of drift mu > 0 and volatility sigma loses more than x from its start, ever, with probability
exp(-2 mu x / sigma^2); without drift its expected maximum drawdown over T is sqrt(pi/2) sigma sqrt(T) (Magdon-Ismail
et al., 2004).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fund.account.tail_risk import normal_es, normal_var, student_es, student_var
from fund.compiled import compiled
from fund.errors import DataError, InvalidParameter

Floats = NDArray[np.float64]

DECAY = 0.94  # a day; RiskMetrics (1996)


class TailLoss(NamedTuple):
    """A loss that is exceeded with probability 1 - c, and the mean loss beyond it."""

    var: Floats
    es: Floats


def parametric(
    exposures: ArrayLike,
    covariance: ArrayLike,
    confidence: float = 0.95,
    mean: ArrayLike = 0.0,
    freedom: float | None = None,
) -> TailLoss:
    """Normal (or Student t) VaR and ES of exposures (..., k) with covariance (..., k, k), shape (...)."""
    _share(confidence)
    w, sigma = np.asarray(exposures, dtype=np.float64), np.asarray(covariance, dtype=np.float64)
    _fits(w, sigma)
    variance = np.einsum("...i,...ij,...j->...", w, sigma, w)
    deviation, drift = np.sqrt(np.maximum(variance, 0.0)), (w * np.asarray(mean)).sum(axis=-1)
    if freedom is None:
        unit = normal_var(confidence), normal_es(confidence)
    else:
        unit = student_var(confidence, freedom), student_es(confidence, freedom)
    return TailLoss(deviation * unit[0] - drift, deviation * unit[1] - drift)


def historical(returns: ArrayLike, confidence: float = 0.95) -> TailLoss:
    """VaR and ES of a sample of returns or P&L (..., m), shape (...); raises DataError where m = 0."""
    _share(confidence)
    loss = -np.asarray(returns, dtype=np.float64)
    if loss.ndim == 0 or loss.shape[-1] == 0 or not np.isfinite(loss).all():
        raise DataError("A sample of returns must have at least one, and all of them finite.")
    m = loss.shape[-1]
    ordered = np.sort(loss, axis=-1)
    rank = min(max(math.ceil(confidence * m - 1e-9), 1), m)  # .95 x 100 is 95, not 95.00000000000001
    var = ordered[..., rank - 1]
    beyond = np.maximum(loss - var[..., None], 0.0).mean(axis=-1)
    return TailLoss(var, var + beyond / (1.0 - confidence))


def monte_carlo(
    exposures: ArrayLike,
    covariance: ArrayLike,
    shocks: ArrayLike,
    confidence: float = 0.95,
    mean: ArrayLike = 0.0,
) -> TailLoss:
    """VaR and ES of exposures (k,) over unit shocks (m, k), mixed by a root of the covariance (k, k).

    Raises DataError for shocks of another shape.
    """
    w, sigma = np.asarray(exposures, dtype=np.float64), np.asarray(covariance, dtype=np.float64)
    x = np.asarray(shocks, dtype=np.float64)
    _fits(w, sigma)
    if x.ndim != 2 or x.shape[1] != len(w):
        raise DataError(f"shocks of shape {x.shape}, wanted (m, {len(w)})")
    values, vectors = np.linalg.eigh(sigma)  # also where assets move as one
    mixed = x @ (vectors * np.sqrt(np.maximum(values, 0.0))).T
    return historical((mixed + np.asarray(mean)) @ w, confidence)


def ewma_variance(returns: ArrayLike, start: float | None = None, decay: float = DECAY) -> Floats:
    """Variance (..., T+1) before each return of (..., T) and after the last; `start` is the first.

    Without a start the first is the first return's square, a guess that the decay forgets.

    Raises DataError for no returns, or one that is not finite.
    """
    _share(decay)
    r = np.asarray(returns, dtype=np.float64)
    if r.ndim == 0 or r.shape[-1] == 0 or not np.isfinite(r).all():
        raise DataError("An EWMA needs at least one return, and all of them finite.")
    out = np.empty((*r.shape[:-1], r.shape[-1] + 1))
    out[..., 0] = r[..., 0] ** 2 if start is None else start
    _decay(r.reshape(-1, r.shape[-1]), out.reshape(-1, out.shape[-1]), decay)
    return out


@compiled(nogil=True)
def _decay(returns: Floats, variance: Floats, decay: float) -> None:
    for i in range(returns.shape[0]):
        for t in range(returns.shape[1]):
            variance[i, t + 1] = decay * variance[i, t] + (1.0 - decay) * returns[i, t] * returns[i, t]


def ewma_covariance(returns: ArrayLike, decay: float = DECAY, start: ArrayLike | None = None) -> Floats:
    """Covariance (k, k) after returns (T, k), weights (1 - d) d^age; `start` (k, k) is the one before, else none.

    Without a start the weights are scaled to sum to one.

    Raises DataError for returns of another shape.
    """
    _share(decay)
    r = np.asarray(returns, dtype=np.float64)
    if r.ndim != 2 or not len(r):
        raise DataError(f"returns of shape {r.shape}, wanted (T, assets)")
    weight = (1.0 - decay) * decay ** np.arange(len(r) - 1, -1, -1.0)
    seen = (r * weight[:, None]).T @ r
    if start is None:
        return np.asarray(seen / weight.sum())
    return np.asarray(decay ** len(r) * np.asarray(start) + seen)


def ewma(
    returns: ArrayLike, confidence: float = 0.95, decay: float = DECAY, start: float | None = None
) -> TailLoss:
    """Normal VaR and ES (..., T) of each day, from the days before it alone."""
    _share(confidence)
    deviation = np.sqrt(ewma_variance(returns, start, decay)[..., :-1])
    return TailLoss(deviation * normal_var(confidence), deviation * normal_es(confidence))


def exceptions(returns: ArrayLike, var: ArrayLike) -> NDArray[np.bool_]:
    """Days whose loss exceeds their VaR, for `fund.account.tail_risk`."""
    return np.asarray(-np.asarray(returns, dtype=np.float64) > np.asarray(var))


def ever_loses(loss: float, drift: float, volatility: float) -> float:
    """Probability that a Brownian P&L ever stands below its start by more than `loss`; 1 without drift.

    Raises InvalidParameter for a volatility that is not above 0 or a loss below 0.
    """
    if volatility <= 0.0 or loss < 0.0:
        raise InvalidParameter(f"volatility {volatility} and loss {loss}, wanted above 0 and 0 or more")
    return math.exp(-2.0 * drift * loss / volatility**2) if drift > 0.0 else 1.0


def expected_drawdown(volatility: float, years: float) -> float:
    """Expected maximum drawdown of a Brownian P&L without drift, sqrt(pi/2) sigma sqrt(T)."""
    return math.sqrt(0.5 * math.pi * years) * volatility


def _share(value: float) -> None:
    if not 0.0 < value < 1.0:
        raise InvalidParameter(f"A confidence or decay of {value}; wanted a number between 0 and 1.")


def _fits(exposures: Floats, covariance: Floats) -> None:
    k = exposures.shape[-1] if exposures.ndim else 0
    if covariance.shape[-2:] != (k, k):
        raise DataError(f"covariance of shape {covariance.shape}, wanted (..., {k}, {k})")
