"""Backtests of value at risk, and expected shortfall in closed form.

T days, N exceptions (days whose loss exceeds the VaR), p the nominal rate; 0 ln 0 = 0.

Kupiec (1995)         LR_pof = -2 ln[(1-p)^(T-N) p^N] + 2 ln[(1-N/T)^(T-N) (N/T)^N]  ~ chi2(1)
Christoffersen (1998) n_ij: days in state j after state i (1 = exception); pi01 = n01/(n00+n01),
                      pi11 = n11/(n10+n11), pi = (n01+n11)/n;
                      LR_ind = -2 ln[(1-pi)^(n00+n10) pi^(n01+n11)]
                               + 2 ln[(1-pi01)^n00 pi01^n01 (1-pi11)^n10 pi11^n11]  ~ chi2(1);
                      LR_cc = LR_pof + LR_ind  ~ chi2(2)
Expected shortfall    normal: phi(z)/(1-c); Student t: f(q)/(1-c) (nu+q^2)/(nu-1), times sqrt((nu-2)/nu) for
                      unit variance (McNeil, Frey & Embrechts 2015, section 2.3.4)
Acerbi & Szekely 2014 Z2 = 1 - sum_t(L_t 1{L_t > VaR}) / (T a ES): 0 when right, negative when ES is too small

VaR and ES are positive losses. Small samples: of 250 days at 1% the Kupiec test rejects a right model 9% of
the time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import bdtr, chdtrc, gammaln, ndtri, stdtrit, xlog1py, xlogy

from fund.errors import DataError, InvalidParameter

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class LikelihoodRatio:
    """A likelihood-ratio `statistic` and its chi-squared `p_value`, shape (...)."""

    statistic: Floats
    p_value: Floats


@dataclass(frozen=True)
class Coverage:
    """The three tests of Christoffersen (1998): `unconditional` (Kupiec), `independence`, `conditional`."""

    unconditional: LikelihoodRatio
    independence: LikelihoodRatio
    conditional: LikelihoodRatio


def _bernoulli(zeros: Floats, ones: Floats, p: Floats) -> Floats:
    return xlog1py(zeros, -p) + xlogy(ones, p)  # 0 ln 0 = 0


def _share(part: Floats, whole: Floats) -> Floats:
    return np.where(whole > 0, part / np.where(whole > 0, whole, 1), 0.0)


def _rate(p: float) -> Floats:
    if not 0 < p < 1:
        raise InvalidParameter(f"The exception rate is {p}; wanted a number between 0 and 1.")
    return np.asarray(p)


def _ratio(likelihood: Floats, restricted: Floats, freedom: int) -> LikelihoodRatio:
    statistic = np.maximum(2 * (likelihood - restricted), 0.0)[()]  # rounding can leave -1e-16
    return LikelihoodRatio(statistic, chdtrc(freedom, statistic)[()])


def kupiec(exceptions: ArrayLike, n: ArrayLike, p: float) -> LikelihoodRatio:
    """Test that `exceptions` in `n` days come at the rate `p`; shapes broadcast.

    Raises DataError for a number of exceptions that the days cannot have.
    """
    ones, days = np.asarray(exceptions, dtype=np.float64), np.asarray(n, dtype=np.float64)
    if (ones < 0).any() or (ones > days).any() or (days < 1).any():
        raise DataError("The number of exceptions must lie between 0 and the number of days.")
    zeros = days - ones
    return _ratio(_bernoulli(zeros, ones, ones / days), _bernoulli(zeros, ones, _rate(p)), 1)


def christoffersen(hits: ArrayLike, p: float) -> Coverage:
    """Tests of a series of exceptions, shape (..., T) of 0 and 1: their rate, their independence, both.

    Raises DataError for fewer than two days.
    """
    h = np.asarray(hits).astype(bool)
    if h.ndim == 0 or h.shape[-1] < 2:
        raise DataError("The independence test needs at least two days.")
    before, after = h[..., :-1], h[..., 1:]
    n00, n01, n10, n11 = (
        np.sum((before == i) & (after == j), axis=-1).astype(float)
        for i in (False, True)
        for j in (False, True)
    )
    markov = _bernoulli(n00, n01, _share(n01, n00 + n01)) + _bernoulli(n10, n11, _share(n11, n10 + n11))
    same = _bernoulli(n00 + n10, n01 + n11, (n01 + n11) / (h.shape[-1] - 1))
    pof, independence = kupiec(h.sum(axis=-1), h.shape[-1], p), _ratio(markov, same, 1)
    both = pof.statistic + independence.statistic
    return Coverage(pof, independence, LikelihoodRatio(both, chdtrc(2, both)[()]))


def basel_zone(exceptions: int, n: int = 250, p: float = 0.01) -> str:
    """Traffic light of Basel (1996): P(N <= exceptions) below 95% green, below 99.99% yellow, else red."""
    probability = float(bdtr(exceptions, n, float(_rate(p))))
    return "green" if probability < 0.95 else "yellow" if probability < 0.9999 else "red"


def normal_var(confidence: float, sigma: float = 1.0) -> float:
    """VaR of N(0, sigma^2) at `confidence`."""
    return float(sigma * ndtri(confidence))


def normal_es(confidence: float, sigma: float = 1.0) -> float:
    """Expected shortfall of N(0, sigma^2) at `confidence`."""
    density = np.exp(-0.5 * ndtri(confidence) ** 2) / np.sqrt(2 * np.pi)
    return float(sigma * density / (1 - confidence))


def student_var(confidence: float, nu: float, sigma: float = 1.0) -> float:
    """VaR of a Student t of `nu` > 2 degrees of freedom scaled to standard deviation `sigma`."""
    return float(sigma * _unit(nu) * stdtrit(nu, confidence))


def student_es(confidence: float, nu: float, sigma: float = 1.0) -> float:
    """Expected shortfall of a Student t of `nu` > 2 degrees of freedom scaled to standard deviation `sigma`."""
    q = stdtrit(nu, confidence)
    log_density = gammaln((nu + 1) / 2) - gammaln(nu / 2) - 0.5 * np.log(nu * np.pi)
    density = np.exp(log_density - (nu + 1) / 2 * np.log1p(q * q / nu))
    return float(sigma * _unit(nu) * density / (1 - confidence) * (nu + q * q) / (nu - 1))


def _unit(nu: float) -> float:
    if nu <= 2:
        raise InvalidParameter(f"A Student t of {nu} degrees of freedom has no variance; wanted more than 2.")
    return float(np.sqrt((nu - 2) / nu))


def acerbi_szekely(returns: ArrayLike, var: ArrayLike, es: ArrayLike, tail: float) -> Floats:
    """Z2 of Acerbi & Szekely (2014) for forecasts `var` and `es` at `tail`, (..., T); 5% point about -0.70.

    Raises DataError for a return that is not finite.
    """
    loss = -np.asarray(returns, dtype=np.float64)
    if not np.isfinite(loss).all():
        raise DataError("Every return must be a finite number.")
    beyond = np.where(loss > np.asarray(var), loss, 0.0) / np.asarray(es)
    return (1.0 - beyond.sum(axis=-1) / (loss.shape[-1] * tail))[()]
