"""What the episodes of the desk amount to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fund.account.utility import cara_equivalent
from fund.strategy import Played

if TYPE_CHECKING:
    from specialists.delta_hedging.strategy import DeltaHedging


def statistics(desk: DeltaHedging, played: Played) -> dict[str, float]:
    """What hedging cost, in % of the premiums; y0 is its mean plus `std_weight` standard deviations.

    price: at which the writer is indifferent to one option, hedged like this. hedge_error: P&L of one option.
    """
    pnl, premiums = played.nav[-1] - played.nav[0], played.memory["premiums"]
    cost = -100.0 * pnl / premiums
    equivalent = cara_equivalent(pnl, desk.risk_aversion) if desk.risk_aversion > 0.0 else float(pnl.mean())
    one, discount = desk.spot / desk.notional, (1.0 + desk.growth) ** -desk.n_steps
    return {
        "cost_mean_pct": float(cost.mean()),
        "cost_std_pct": float(cost.std()),
        "y0": float(cost.mean() + desk.std_weight * cost.std()),
        "trades": float(played.memory["trades"].mean()),
        "premium": float(premiums.mean()) * one,
        "price": (float(premiums.mean()) - discount * equivalent) * one,
        "hedge_error_mean": float(pnl.mean()) * one,
        "hedge_error_std": float(pnl.std()) * one,
    }
