"""What the episodes of the desk amount to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fund.strategy import Played

if TYPE_CHECKING:
    from specialists.statistical_arbitrage.strategy import StatisticalArbitrage

Floats = NDArray[np.float64]


def statistics(desk: StatisticalArbitrage, played: Played) -> dict[str, float]:
    """Return rate, cycles and time in the market; mean and skewness of the months of all episodes.

    return_rate: P&L over the capital, a year. cycles_per_year, round_trips: an opening and a closing are half a
    cycle each. monthly_mean, monthly_skew: NAV of a month over that before, less interest.
    """
    years = float(played.length.sum()) * desk.dt
    half_trips = played.memory["half_trips"]
    return {
        "return_rate": float((played.nav[-1] / desk.capital - 1.0).sum()) / years,
        "cycles_per_year": float(half_trips.sum()) / 2.0 / years,
        "round_trips": float(half_trips.mean()) / 2.0,
        "time_in_market": float(played.memory["exposed"].sum() / played.length.sum()),
        **_months(desk, played.nav),
    }


def _months(desk: StatisticalArbitrage, nav: Floats) -> dict[str, float]:
    month = max(round(1.0 / (12.0 * desk.dt)), 1)
    ends = nav[::month]
    returns = (ends[1:] / ends[:-1] - 1.0).ravel() - desk.interest * month * desk.dt
    if not returns.size:
        return {}
    around, deviation = returns - returns.mean(), float(returns.std())
    skew = float((around**3).mean()) / deviation**3 if deviation > 0.0 else 0.0
    return {"monthly_mean": float(returns.mean()), "monthly_skew": skew}
