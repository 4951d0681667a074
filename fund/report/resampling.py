"""Resampling: the stationary bootstrap, and the probability of backtest overfitting.

Stationary bootstrap (Politis & Romano 1994, JASA 89): blocks of geometric length, mean `block`, starting
anywhere, wrapped around the end; block = 1 is the iid bootstrap.

PBO by CSCV (Bailey, Borwein, Lopez de Prado & Zhu 2017, J. Comp. Finance 20(4)): cut T returns of N
configurations into S blocks; in each of the C(S, S/2) splits take the best in sample, and its rank r out of
sample among N (1 = worst); omega = r/(N + 1), logit = ln(omega/(1 - omega)); PBO = share of splits with logit
<= 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import logit

from fund.errors import DataError, InvalidParameter
from fund.report.wealth import Floats, finite

CHUNK = 1 << 20  # numbers resampled at a time, 8 MiB


@dataclass(frozen=True)
class Overfitting:
    """Outcome of CSCV: `probability` (PBO) and the `logits` of the splits, shape (C(S, S/2),)."""

    probability: float
    logits: Floats


def stationary_indices(n: int, block: float, resamples: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Row numbers of stationary resamples, shape (resamples, n).

    Raises InvalidParameter for n or a block below 1.
    """
    if n < 1 or block < 1:
        raise InvalidParameter(
            f"The stationary bootstrap needs n >= 1 and block >= 1; found {n} and {block}."
        )
    fresh = rng.random((resamples, n)) < 1.0 / block
    fresh[:, 0] = True
    here = np.broadcast_to(np.arange(n), fresh.shape)
    since = here - np.maximum.accumulate(np.where(fresh, here, 0), axis=1)
    starts = rng.integers(0, n, fresh.shape)
    return (np.take_along_axis(starts, here - since, axis=1) + since) % n


def _mean(x: Floats) -> Floats:
    return np.asarray(x.mean(axis=-1))


def bootstrap_se(
    values: ArrayLike,
    block: float,
    rng: np.random.Generator,
    resamples: int = 1000,
    statistic: Callable[[Floats], Floats] = _mean,
) -> Floats:
    """Standard error of a statistic of a stationary series by the stationary bootstrap.

    `values`: (..., T), rows resampled together; `statistic` maps (..., T) to (...). `block`: mean block
    length in periods, a few times the reach of the autocorrelation.
    """
    x = finite(values, "value")
    n, drawn = x.shape[-1], []
    size = max(1, CHUNK // max(x.size, 1))
    for first in range(0, resamples, size):
        index = stationary_indices(n, block, min(size, resamples - first), rng)
        drawn.append(statistic(x[..., index]))
    return np.concatenate(drawn, axis=-1).std(axis=-1, ddof=1)[()]


def pbo(returns: ArrayLike, blocks: int = 10) -> Overfitting:
    """Probability of backtest overfitting of a grid of configurations, ranked by Sharpe ratio.

    `returns`: (T, N), one column a configuration, N >= 2. `blocks`: even. Ties out of sample share the mean
    rank. A configuration that does not vary counts with Sharpe ratio 0. DataError, InvalidParameter
    otherwise.
    """
    x = finite(returns)
    if x.ndim != 2 or x.shape[1] < 2:
        raise DataError(f"PBO needs returns of shape (T, N >= 2); found {x.shape}.")
    if blocks < 2 or blocks % 2 or len(x) < 2 * blocks:
        raise InvalidParameter(
            f"PBO needs an even number of blocks of 2 or more rows; found {blocks}, T = {len(x)}."
        )
    chosen = np.zeros((comb(blocks, blocks // 2), blocks))
    for row, members in zip(chosen, combinations(range(blocks), blocks // 2), strict=True):
        row[list(members)] = 1.0
    inside, outside = _sharpes(x, chosen), _sharpes(x, 1.0 - chosen)
    best = outside[np.arange(len(chosen)), inside.argmax(axis=1)][:, None]
    rank = (outside < best).sum(axis=1) + ((outside == best).sum(axis=1) + 1) / 2
    logits = logit(rank / (x.shape[1] + 1))
    return Overfitting(float(np.mean(logits <= 0)), logits)


def _sharpes(x: Floats, chosen: Floats) -> Floats:
    # Sharpe ratio of each configuration over the chosen blocks, (splits, N), from the blocks' sums
    parts = np.array_split(x - x.mean(axis=0), chosen.shape[1])
    count = (chosen @ [float(len(part)) for part in parts])[:, None]
    first = chosen @ np.array([part.sum(axis=0) for part in parts]) / count
    second = chosen @ np.array([(part**2).sum(axis=0) for part in parts]) / count
    variance = second - first**2
    varies = variance > 1e-28 * (1 + x.mean(axis=0) ** 2)
    return np.where(varies, (first + x.mean(axis=0)) / np.sqrt(np.where(varies, variance, 1.0)), 0.0)


def cpcv_counts(groups: int, test_groups: int) -> tuple[int, int]:
    """Splits C(N, k) and paths k/N C(N, k) of combinatorial purged cross-validation (Lopez de Prado 2018).

    Raises InvalidParameter outside 0 < test groups < groups.
    """
    if not 0 < test_groups < groups:
        raise InvalidParameter(f"CPCV needs 0 < test groups < groups; found {test_groups} of {groups}.")
    splits = comb(groups, test_groups)
    return splits, splits * test_groups // groups
