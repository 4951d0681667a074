"""Joint policies of the three experts, from the textbook. Each sees only the present row.

An expert's opinion is a direction; its probability of long or short is 1 (a policy that is learned may be less sure).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fund.grandmodel.voting_policies import slot, votes
from fund.strategy import Policy, View

Floats = NDArray[np.float64]


def experts(strategy: Any) -> Policy:
    """Each expert by its own indicator: the neighbours' vote, the slope of the kernel regression, the trend.

    The regime expert follows the momentum of 20 bars, and is neutral where the market is probably stressed.
    """

    def act(view: View) -> Floats:
        calm = slot(view, "regime_stressed") < 0.5
        trend = np.where(calm, slot(view, "momentum_20"), 0.0)
        return votes(np.stack([slot(view, "mlmi_value"), slot(view, "nwrqk_slope"), trend], axis=1))

    return act


def momentum(strategy: Any) -> Policy:
    """All three follow the longer momentum: Moskowitz, Ooi & Pedersen (2012), time series momentum."""
    return lambda view: votes(np.repeat(slot(view, "momentum_20")[:, None], 3, axis=1))


def external(strategy: Any) -> Policy:
    """All three follow the external signal: the optimum of the planted market without costs."""
    return lambda view: votes(np.repeat(slot(view, "external_signal")[:, None], 3, axis=1))


def synergy(strategy: Any) -> Policy:
    """All three take the side of a synergy while it is in force, and nothing without one."""
    return lambda view: votes(np.repeat(view.row["synergy"][:, None], 3, axis=1))


def always_long(strategy: Any) -> Policy:
    """All three long for ever."""
    return lambda view: votes(np.ones((view.n, 3)))


RULES: Mapping[str, Callable[[Any], Policy]] = {
    "experts": experts,
    "momentum": momentum,
    "external": external,
    "synergy": synergy,
    "always_long": always_long,
}
