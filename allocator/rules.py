"""Textbook allocations among n strategies: from covariances, or from windows of returns, to weights.

Rules on moments take mean (..., n) and covariance (..., n, n) per period and give weights (..., n); leading axes are
paths. Weights are long only; they sum to one, save Kelly's, which sum to at most the leverage bound, and Merton's,
which are unbounded. `RULES` holds the same rules on windows of returns (..., T, n).

Covariances of windows are Schaefer & Strimmer's: variances as they are, correlations shrunk by

    r*_ij = (1 - s) r_ij,    s = sum_{i != j} Var(r_ij) / sum_{i != j} r_ij^2,  within [0, 1]

so that windows shorter than the number of strategies give a positive-definite matrix. Means are James & Stein's, drawn
towards their grand mean mu_0 (Jorion 1986):

    mu* = (1 - phi) mu + phi mu_0,   phi = (n + 2) / (n + 2 + T (mu - mu_0)' Sigma^{-1} (mu - mu_0))

Declared fallback: a path whose covariance cannot be used - a number that is not finite, a variance below DEAD times
the mean variance, a negative eigenvalue, fewer than three rows - gets equal weights (Kelly: as much of them as the
leverage bound allows). A singular covariance is usable: a ridge of RIDGE times the mean variance is added.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.optimize import brentq, nnls
from scipy.spatial.distance import squareform

from fund.errors import InvalidParameter

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

RIDGE = 1e-10  # of the mean variance
DEAD = 1e-12  # of the mean variance: a strategy that does not move
PARITY_SWEEPS = 2_000
PARITY_TOLERANCE = 1e-13


def equal_weight(n: int) -> Floats:
    """1/n each, (n,)."""
    return np.full(n, 1.0 / n)


def usable(covariance: Floats) -> Bools:
    """Paths (...) whose covariance is finite and positive semi-definite, with no variance next to nothing."""
    return np.asarray(_repaired(covariance)[1][..., 0])


def _repaired(covariance: Floats) -> tuple[Floats, Bools]:
    # The covariance with its ridge, the identity in place of an unusable one, and which are usable, (..., 1).
    covariance = np.asarray(covariance, dtype=np.float64)
    n = covariance.shape[-1] if covariance.ndim else 0
    if covariance.ndim < 2 or covariance.shape[-2] != n or n == 0:
        raise InvalidParameter(f"The covariance has shape {covariance.shape}; wanted (..., n, n).")
    finite = np.asarray(np.isfinite(covariance).all(axis=(-2, -1)))
    safe = np.where(finite[..., None, None], covariance, np.eye(n))
    variance = np.diagonal(safe, axis1=-2, axis2=-1)
    scale = np.abs(variance).mean(axis=-1)
    moving = (scale > 0.0) & (variance.min(axis=-1) > DEAD * scale)
    good = np.asarray(finite & moving & (np.linalg.eigvalsh(safe)[..., 0] > -0.5 * RIDGE * scale))
    ridge = np.where(good, RIDGE * scale, 0.0)[..., None, None] * np.eye(n)
    return np.where(good[..., None, None], safe, np.eye(n)) + ridge, good[..., None]


def inverse_volatility(covariance: Floats) -> Floats:
    """Weights in proportion to 1/volatility: risk parity that ignores correlation."""
    safe, good = _repaired(covariance)
    weights = 1.0 / np.sqrt(np.diagonal(safe, axis1=-2, axis2=-1))
    return np.where(good, weights / weights.sum(axis=-1, keepdims=True), 1.0 / weights.shape[-1])


def risk_contributions(weights: Floats, covariance: Floats) -> Floats:
    """Each strategy's share of the portfolio variance, w_i (Sigma w)_i / w' Sigma w; they sum to one."""
    marginal = np.einsum("...ij,...j->...i", covariance, weights)
    return np.asarray(weights * marginal / np.sum(weights * marginal, axis=-1, keepdims=True))


def equal_risk_contribution(covariance: Floats) -> Floats:
    """Weights under which every strategy adds the same risk: w_i (Sigma w)_i equal.

    Minimises y'Cy/2 - sum log(y_i)/n over y > 0 by cyclical coordinate descent on the correlation matrix C,

        y_i = (-c + sqrt(c^2 + 4/n)) / 2,   c = sum_{j != i} C_ij y_j;   then w is y/volatility, scaled to one.

    Maillard, Roncalli & Teiletche (2010), J. Portfolio Management 36(4); Griveau-Billion, Richard & Roncalli (2013).
    """
    safe, good = _repaired(covariance)
    n = safe.shape[-1]
    volatility = np.sqrt(np.diagonal(safe, axis1=-2, axis2=-1))
    correlation = safe / (volatility[..., :, None] * volatility[..., None, :])
    y = np.broadcast_to(
        1.0 / np.sqrt(correlation.sum(axis=(-2, -1)).clip(min=RIDGE))[..., None], volatility.shape
    )
    y = y.copy()
    for _ in range(PARITY_SWEEPS):
        for i in range(n):
            c = np.sum(correlation[..., i, :] * y, axis=-1) - y[..., i]
            # The rationalised root: the plain one cancels for large c.
            root = np.sqrt(c**2 + 4.0 / n)
            y[..., i] = np.where(c > 0.0, (2.0 / n) / (c + root), 0.5 * (root - c))
        share = n * y * np.einsum("...ij,...j->...i", correlation, y)
        if np.abs(share - 1.0).max(initial=0.0) <= PARITY_TOLERANCE * n:
            break
    weights = y / volatility
    return np.where(good, weights / weights.sum(axis=-1, keepdims=True), 1.0 / n)


def minimum_variance(covariance: Floats) -> Floats:
    """Long-only weights of least variance."""
    safe, good = _repaired(covariance)
    weights = _each_path(_least_variance, safe)
    return np.where(good, weights, 1.0 / safe.shape[-1])


def _least_variance(covariance: Floats) -> Floats:
    # min w'Sw over the simplex is, up to scale, min y'Sy/2 - 1'y over y >= 0: a non-negative least-squares problem.
    root = np.linalg.cholesky(covariance / np.trace(covariance)).T
    y, _ = nnls(root, np.linalg.solve(root.T, np.ones(len(covariance))))
    return np.asarray(y / y.sum())


def hierarchical_risk_parity(covariance: Floats) -> Floats:
    """Lopez de Prado's HRP: cluster by correlation, then split capital top down by inverse cluster variance.

    Distance d_ij = sqrt((1 - rho_ij)/2); single linkage on the Euclidean distance between columns of d; the ordered
    list is halved again and again, a half getting the share 1 - v/(v + v_other), v its variance under
    inverse-variance weights. Lopez de Prado (2016), J. Portfolio Management 42(4):59-69.
    """
    safe, good = _repaired(covariance)
    weights = _each_path(_hierarchical, safe)
    return np.where(good, weights, 1.0 / safe.shape[-1])


def _hierarchical(covariance: Floats) -> Floats:
    n = len(covariance)
    weights = np.ones(n)
    if n == 1:
        return weights
    volatility = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(volatility, volatility)
    distance = np.sqrt(0.5 * (1.0 - correlation).clip(0.0, 2.0))
    apart = np.sqrt(((distance[:, :, None] - distance[:, None, :]) ** 2).sum(axis=0))
    clusters = [leaves_list(linkage(squareform(apart, checks=False), "single"))]
    while clusters:
        group = clusters.pop()
        if len(group) == 1:
            continue
        left, right = group[: len(group) // 2], group[len(group) // 2 :]
        v_left, v_right = _cluster_variance(covariance, left), _cluster_variance(covariance, right)
        weights[left] *= v_right / (v_left + v_right)
        weights[right] *= v_left / (v_left + v_right)
        clusters += [left, right]
    return weights


def _cluster_variance(covariance: Floats, group: NDArray[np.int_]) -> float:
    block = covariance[np.ix_(group, group)]
    inverse = 1.0 / np.diag(block)
    weights = inverse / inverse.sum()
    return float(weights @ block @ weights)


def kelly(mean: Floats, covariance: Floats, fraction: float = 1.0, max_leverage: float = 1.0) -> Floats:
    """Long-only weights of the greatest growth, w'mu - w'Sigma w/(2 fraction), with sum w <= max_leverage.

    `mean` is over the cash rate; what the weights leave of one is in cash. `fraction` is the share of full Kelly,
    the inverse of the risk aversion. Unusable means, too, get the fallback.

    Raises InvalidParameter where fraction or leverage is not above zero.
    """
    if not (fraction > 0.0 and max_leverage > 0.0):
        raise InvalidParameter(f"fraction={fraction}, max_leverage={max_leverage}; wanted both above zero.")
    safe, good = _repaired(covariance)
    mean = np.asarray(mean, dtype=np.float64)
    good = good & np.isfinite(mean).all(axis=-1, keepdims=True)
    stacked = np.concatenate([safe / fraction, np.where(good, mean, 0.0)[..., None, :]], axis=-2)
    weights = _each_path(lambda block: _greatest_growth(block[:-1], block[-1], max_leverage), stacked)
    return np.where(good, weights, min(1.0, max_leverage) / safe.shape[-1])


def _greatest_growth(covariance: Floats, mean: Floats, max_leverage: float) -> Floats:
    root = np.linalg.cholesky(covariance).T

    def charged(price: float) -> Floats:  # the best weights where leverage costs `price` a unit
        return np.asarray(nnls(root, np.linalg.solve(root.T, mean - price))[0])

    weights = charged(0.0)
    if weights.sum() <= max_leverage:
        return weights
    price = brentq(lambda p: charged(p).sum() - max_leverage, 0.0, mean.max(), xtol=1e-15 * mean.max())
    weights = charged(price)
    return np.asarray(weights * (max_leverage / weights.sum()))


def _each_path(rule: Callable[[Floats], Floats], blocks: Floats) -> Floats:
    flat = blocks.reshape(-1, *blocks.shape[-2:])
    return np.stack([rule(block) for block in flat]).reshape(*blocks.shape[:-2], blocks.shape[-1])


def merton(mean: Floats, covariance: Floats, gamma: float) -> Floats:
    """Merton's weights Sigma^{-1} mu / gamma, `mean` over the cash rate; unbounded, gamma = 1 is Kelly's.

    Raises InvalidParameter for an unusable or singular covariance: an optimum must not be guessed.
    """
    if not gamma > 0.0:
        raise InvalidParameter(f"gamma={gamma}; wanted above zero.")
    covariance = np.asarray(covariance, dtype=np.float64)
    if not (usable(covariance).all() and np.linalg.cond(covariance).max() * RIDGE < 1.0):
        raise InvalidParameter(
            f"A covariance is not usable or nearly singular; wanted condition below {1 / RIDGE:g}."
        )
    excess = np.asarray(mean, dtype=np.float64)[..., None]
    return np.asarray(np.linalg.solve(covariance, excess)[..., 0] / gamma, dtype=np.float64)


def shrunk_covariance(returns: Floats) -> Floats:
    """Covariance (..., n, n) of windows (..., T, n), correlations shrunk towards none.

    Schaefer & Strimmer (2005), Stat. Appl. Genet. Mol. Biol. 4(1):32, target D. NaN where T < 3: with two rows
    every correlation is one or minus one and seems certain.
    """
    returns = np.asarray(returns, dtype=np.float64)
    t, n = returns.shape[-2:]
    if t < 3:
        return np.full((*returns.shape[:-2], n, n), np.nan)
    returns = np.where(np.isfinite(returns), returns, np.nan)
    deviation = returns - returns.mean(axis=-2, keepdims=True)
    volatility = np.sqrt((deviation**2).sum(axis=-2) / (t - 1))
    # What rounding leaves of a constant is no volatility.
    volatility = np.where(volatility <= 1e-12 * np.abs(returns).max(axis=-2), 0.0, volatility)
    z = deviation / np.where(volatility > 0.0, volatility, 1.0)[..., None, :]
    correlation = np.swapaxes(z, -1, -2) @ z / (t - 1)
    squares = np.swapaxes(z**2, -1, -2) @ z**2
    scatter = (squares - (t - 1) ** 2 / t * correlation**2) * t / (t - 1) ** 3
    off = ~np.eye(n, dtype=np.bool_)
    signal = (correlation**2 * off).sum(axis=(-2, -1))
    noise = (scatter * off).sum(axis=(-2, -1))
    share = np.clip(noise / np.where(signal > 0.0, signal, 1.0), 0.0, 1.0)
    shrunk = np.where(off, (1.0 - share)[..., None, None] * correlation, 1.0)
    return np.asarray(shrunk * volatility[..., :, None] * volatility[..., None, :])


def shrunk_mean(returns: Floats) -> Floats:
    """Means (..., n) of windows (..., T, n), drawn towards their minimum-variance grand mean (Jorion 1986)."""
    returns = np.asarray(returns, dtype=np.float64)
    t, n = returns.shape[-2:]
    returns = np.where(np.isfinite(returns), returns, np.nan)
    mean = returns.mean(axis=-2)
    safe, good = _repaired(shrunk_covariance(returns))
    precision = np.linalg.inv(safe)
    weights = precision.sum(axis=-1) / precision.sum(axis=(-2, -1))[..., None]
    centre = np.sum(weights * mean, axis=-1, keepdims=True)
    gap = mean - centre
    distance = np.einsum("...i,...ij,...j->...", gap, precision, gap)[..., None]
    share = (n + 2.0) / (n + 2.0 + t * distance)
    return np.where(good, (1.0 - share) * mean + share * centre, mean)


def _shrunk_kelly(returns: Floats) -> Floats:
    return kelly(shrunk_mean(returns), shrunk_covariance(returns))


def _equal(returns: Floats) -> Floats:
    return np.full((*returns.shape[:-2], returns.shape[-1]), 1.0 / returns.shape[-1])


RULES: dict[str, Callable[[Floats], Floats]] = {
    "equal_weight": _equal,
    "inverse_volatility": lambda returns: inverse_volatility(shrunk_covariance(returns)),
    "equal_risk_contribution": lambda returns: equal_risk_contribution(shrunk_covariance(returns)),
    "hierarchical_risk_parity": lambda returns: hierarchical_risk_parity(shrunk_covariance(returns)),
    "minimum_variance": lambda returns: minimum_variance(shrunk_covariance(returns)),
    "shrunk_kelly": _shrunk_kelly,
}
