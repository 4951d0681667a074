"""NAVs to simple returns and back.

r_t = NAV_t / NAV_{t-1} - 1, a fraction a period; W_t = prod_{s<=t} max(1 + r_s, 0), the growth of 1, which
stays at nought once everything is lost. Last axis = time.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fund.errors import DataError

Floats = NDArray[np.float64]


def finite(values: ArrayLike, what: str = "return") -> Floats:
    """Values as float64, at least one axis. DataError names the first index that is not finite."""
    array = np.atleast_1d(np.asarray(values, dtype=np.float64))
    bad = ~np.isfinite(array)
    if bad.any():
        index = tuple(int(i) for i in np.unravel_index(np.argmax(bad), array.shape))
        place = index[0] if len(index) == 1 else index
        raise DataError(
            f"The {what} at index {place} is {array[index]}; every {what} must be a finite number."
        )
    return array


def simple_returns(nav: ArrayLike) -> Floats:
    """NAV_t / NAV_{t-1} - 1, shape (..., T) from (..., T+1).

    A NAV at or below nought is ruin: the return into it is at most -1 and those after it are 0. DataError
    where the first NAV is not positive, or where a ruined NAV rises above nought again.
    """
    values = finite(nav, "NAV")
    before, after = values[..., :-1], values[..., 1:]
    alive = before > 0
    if not (values[..., :1] > 0).all() or (~alive & (after > 0)).any():
        raise DataError("A NAV must start above 0 and cannot return from ruin (NAV <= 0).")
    return np.where(alive, after / np.where(alive, before, 1.0) - 1.0, 0.0)


def wealth(returns: ArrayLike) -> Floats:
    """Growth of 1, shape (..., T+1) from (..., T)."""
    growth = np.cumprod(np.maximum(1.0 + finite(returns), 0.0), axis=-1)
    return np.concatenate([np.ones((*growth.shape[:-1], 1)), growth], axis=-1)


def drawdowns(nav: ArrayLike) -> Floats:
    """Fraction below the highest NAV so far, in [0, 1], same shape as `nav` (which starts above 0)."""
    values = finite(nav, "NAV")
    return 1.0 - np.maximum(values, 0.0) / np.maximum.accumulate(values, axis=-1)
