"""Joint policies of the three tactical agents. Each sees the present row, and `gap_runs` its own past decisions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fund.grandmodel.voting_policies import all_follow, always_long, votes
from fund.strategy import Policy, View

if TYPE_CHECKING:
    from fund.grandmodel.tactical.strategy import Tactical

Floats = NDArray[np.float64]


def textbook(strategy: Tactical) -> Policy:
    """The side of the youngest open gap; the trend where it is strong; the entry, where price is not yet stretched.

    The momentum agent speaks only for a trend of at least `trend_threshold`, and is silent else; the entry agent agrees
    with the gap while the price stands within two usual moves of the session's VWAP.
    """

    def act(view: View) -> Floats:
        gap = np.sign(view.slot("fvg_bullish") - view.slot("fvg_bearish"))
        strength = view.slot("trend_strength")
        trend = np.where(np.abs(strength) >= strategy.trend_threshold, np.sign(strength), 0.0)
        near = np.where(np.abs(view.slot("vwap_deviation")) < 2.0, gap, 0.0)
        return votes(np.stack([gap, trend, near], axis=1))

    return act


def gap_runs(strategy: Tactical) -> Policy:
    """All three take a gap's side for as many bars as it runs: the optimum of the planted market without costs.

    A policy that remembers: one policy plays one batch at a time.
    """
    kept: list[Floats] = []

    def act(view: View) -> Floats:
        if not kept or len(kept[0]) != view.n:
            kept[:] = [np.zeros(view.n), np.zeros(view.n)]
        side, left = (np.where(view.clock == 0, 0.0, held) for held in kept)
        bull, bear = view.slot("fvg_bullish"), view.slot("fvg_bearish")
        fresh = np.where(bull > 0.99, 1.0, 0.0) - np.where(bear > 0.99, 1.0, 0.0)
        left = np.where(fresh != 0.0, float(strategy.gap_bars), left - 1.0)
        side = np.where(fresh != 0.0, fresh, np.where(left > 0.0, side, 0.0))
        kept[:] = [side, left]
        return votes(np.repeat(side[:, None], 3, axis=1))

    return act


RULES: Mapping[str, Callable[[Any], Policy]] = {
    "textbook": textbook,
    "gap_runs": gap_runs,
    "momentum": all_follow("price_momentum"),
    "always_long": always_long,
}
