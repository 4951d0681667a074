"""Stylised facts within the day: what a session looks like from the open to the close.

Volume and volatility are higher at both ends of a session than at noon (Wood, McInish & Ord, 1985; Admati & Pfleiderer,
1988), and they move together (Karpoff, 1987). Arrays are (T, n), one row a step of the day.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fund.errors import DataError

Floats = NDArray[np.float64]

END, NOON = 0.1, 0.2  # shares of the day: each end, and the middle that they are held against


def u_shape(values: Floats, time: Floats) -> Floats:
    """Mean in the first and last tenth of the day over that in its middle fifth, (n,); above 1 for a U.

    `time` (T,) or (T, n) is the share of the session that has passed, from 0 to 1. Raises DataError where there are no
    rows of one of them.
    """
    at = np.broadcast_to(time[:, None] if time.ndim == 1 else time, values.shape)
    ends, middle = (at < END) | (at >= 1.0 - END), np.abs(at - 0.5) < 0.5 * NOON
    if not (ends.any(axis=0).all() and middle.any(axis=0).all()):
        raise DataError(f"{len(values)} rows without both an end and the middle of a day")
    sides = [np.where(part, values, 0.0).sum(axis=0) / part.sum(axis=0) for part in (ends, middle)]
    return np.asarray(sides[0] / sides[1])


def time_of_day(steps: int, a_day: int, first: int = 0) -> Floats:
    """Share of the session that has passed in the middle of each of `steps` steps, `a_day` of them a day, (steps,)."""
    return np.asarray(((first + np.arange(steps)) % a_day + 0.5) / a_day)
