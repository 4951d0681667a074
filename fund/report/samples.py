"""Statistics of samples: episode rewards, and what each desk adds to the fund."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from fund.errors import DataError
from fund.report.metrics import kurtosis, skew
from fund.report.wealth import finite


def describe(values: ArrayLike) -> dict[str, float]:
    """Mean, sample standard deviation, median, min, max, skew, kurtosis of a sample, such as episode rewards.

    Empty: every value nan; one value: std, skew and kurtosis nan. Kurtosis is 3 for a normal.
    """
    x = finite(values, "value").ravel()
    if x.size == 0:
        return dict.fromkeys(("mean", "std", "median", "min", "max", "skew", "kurtosis"), float("nan"))
    spread = float(x.std(ddof=1)) if x.size > 1 else float("nan")
    centre = {"mean": float(x.mean()), "std": spread, "median": float(np.median(x))}
    tails = {"skew": float(skew(x)), "kurtosis": float(kurtosis(x))}
    return {**centre, "min": float(x.min()), "max": float(x.max()), **tails}


def contributions(parts: Mapping[str, ArrayLike]) -> dict[str, dict[str, float]]:
    """What each part adds to the sum: `mean` and `std` a period, `correlation` with the sum, `risk_share`.

    risk_share = cov(part, sum) / var(sum); the shares add up to 1 (Euler). Parts are series of one length
    (T,); a part without variation has correlation nan, and so has every part where the sum has none.
    DataError where the lengths differ or T < 2.
    """
    series = [finite(part, "contribution").ravel() for part in parts.values()]
    lengths = {part.size for part in series}
    if len(lengths) != 1 or min(lengths) < 2:
        raise DataError(
            f"Contributions need series of one length, 2 or more; found lengths {sorted(lengths)}."
        )
    whole = np.sum(series, axis=0)
    return {name: _contribution(part, whole) for name, part in zip(parts, series, strict=True)}


def _contribution(part: np.ndarray, whole: np.ndarray) -> dict[str, float]:
    covariance = np.cov(part, whole)
    variance, total = covariance[0, 0], covariance[1, 1]
    correlation = covariance[0, 1] / np.sqrt(variance * total) if variance > 0 and total > 0 else np.nan
    share = covariance[0, 1] / total if total > 0 else np.nan
    return {
        "mean": float(part.mean()),
        "std": float(np.sqrt(variance)),
        "correlation": float(correlation),
        "risk_share": float(share),
    }
