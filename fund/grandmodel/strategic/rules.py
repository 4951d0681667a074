"""Joint policies of the three experts, from the textbook. Each sees only the present row.

An expert's opinion is a direction; its probability of long or short is 1 (a policy that is learned may be less sure).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fund.grandmodel.voting_policies import all_follow, always_long, votes
from fund.strategy import Policy, View

Floats = NDArray[np.float64]


def experts(strategy: Any) -> Policy:
    """Each expert by its own indicator: the neighbours' vote, the slope of the kernel regression, the trend.

    The regime expert follows the momentum of 20 bars, and is neutral where the market is probably stressed.
    """

    def act(view: View) -> Floats:
        calm = view.slot("regime_stressed") < 0.5
        trend = np.where(calm, view.slot("momentum_20"), 0.0)
        return votes(np.stack([view.slot("mlmi_value"), view.slot("nwrqk_slope"), trend], axis=1))

    return act


def synergy(strategy: Any) -> Policy:
    """All three take the side of a synergy while it is in force, and nothing without one."""
    return lambda view: votes(np.repeat(view.row["synergy"][:, None], 3, axis=1))


RULES: Mapping[str, Callable[[Any], Policy]] = {
    "experts": experts,
    "momentum": all_follow("momentum_20"),  # Moskowitz, Ooi & Pedersen (2012), time series momentum
    "external": all_follow("external_signal"),  # the optimum of the planted market without costs
    "synergy": synergy,
    "always_long": always_long,
}
