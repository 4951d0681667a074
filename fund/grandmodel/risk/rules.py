"""Textbook risk management as policies of the four agents.

limits_only        nobody does anything: the mandate at full size, and the environment's limits. The yardstick
target_volatility  size in inverse proportion to the volatility, where that is above normal
crisis_response    out when a crisis is seen, back when the stress is over
diversify          the mandate's convictions give way to inverse volatilities
prudent            all three
full, none         as much as can be, and nothing

These are textbook rules, not tuned ones. Tuned on 4,096 training paths (of some thirty tried), crisis_response that is
back with the end of the alarm, stops out of the way, is worth .024 of reward more, and size 3 over the square of the
volatility regime another .009; the fall with no liquidity that comes back is worth .017 beyond that to who tells it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fund.strategy import Policy, View

if TYPE_CHECKING:
    from fund.grandmodel.risk.strategy import RiskManagement

Floats = NDArray[np.float64]

SIZES, CAPS, BLENDS = (0.25, 0.1), (0.5, 0.2), (0.5, 0.2)
STEPS = np.array([-1.0, -1.0, 0.0, 1.0, 1.0])
CALM = 1.3  # stress below which a crisis is over


def towards(present: Floats, wanted: Floats, moves: tuple[float, float]) -> Floats:
    """The choice of five that brings a setting nearest to where it is wanted."""
    strong, slight = moves
    reached = present[:, None] + np.array([-strong, -slight, 0.0, slight, strong])
    gap = np.abs(np.clip(reached, 0.0, 1.0) - wanted[:, None])
    # of equals the mildest: MAINTAIN first
    return np.asarray(np.argmin(gap + 1e-9 * np.array([2.0, 1.0, 0.0, 1.0, 2.0]), axis=1), dtype=np.float64)


def _still(view: View) -> Floats:
    return np.full((view.n, 4), 2.0)


def limits_only(s: RiskManagement) -> Policy:
    """MAINTAIN, all four: the mandate within the limits."""
    return _still


def target_volatility(s: RiskManagement) -> Policy:
    """Size 1 / regime where the volatility is above normal."""

    def act(view: View) -> Floats:
        out = _still(view)
        regime = view.slot("volatility_regime")
        out[:, 0] = towards(view.memory["size"], np.minimum(1.0, 1.0 / regime), SIZES)
        return out

    return act


def crisis_response(s: RiskManagement) -> Policy:
    """The monitor's cap to nothing in a crisis, back to all when the stress is over."""

    def act(view: View) -> Floats:
        out, row, cap = _still(view), view.row, view.memory["cap"]
        over = (row["crisis"] == 0.0) & (row["stress"] < CALM)
        wanted = np.where(row["crisis"] > 0.0, 0.0, np.where(over, 1.0, cap))
        out[:, 2] = towards(cap, wanted, CAPS)
        return out

    return act


def diversify(s: RiskManagement) -> Policy:
    """Weights of inverse volatility."""

    def act(view: View) -> Floats:
        out = _still(view)
        # REDUCE_RISK is the way to more diversification
        out[:, 3] = 4.0 - towards(view.memory["blend"], np.ones(view.n), BLENDS)
        return out

    return act


def prudent(s: RiskManagement) -> Policy:
    """Volatility target, response to crises and diversification together."""
    parts = (target_volatility(s), crisis_response(s), diversify(s))

    def act(view: View) -> Floats:
        sized, watched, spread = (part(view) for part in parts)
        return np.stack([sized[:, 0], sized[:, 1], watched[:, 2], spread[:, 3]], axis=1)

    return act


def _always(choice: float) -> Callable[[Any], Policy]:
    return lambda s: lambda view: np.full((view.n, 4), choice)


RULES: dict[str, Callable[[Any], Policy]] = {
    "limits_only": limits_only,
    "target_volatility": target_volatility,
    "crisis_response": crisis_response,
    "diversify": diversify,
    "prudent": prudent,
    "full": _always(4.0),
    "none": _always(0.0),
}
