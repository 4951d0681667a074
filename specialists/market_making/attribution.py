"""What the episodes of the desk amount to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fund.strategy import Played

if TYPE_CHECKING:
    from specialists.market_making.strategy import MarketMaking


def statistics(desk: MarketMaking, played: Played) -> dict[str, float]:
    """Quotes, inventory and P&L of the episodes; `value` is the mean reward in account currency.

    average_spread: over the steps that quoted both sides. fills: sides filled, an episode.
    """
    pnl, held, memory = played.nav[-1] - played.nav[0], played.position[0], played.memory
    quotes = float(memory["quotes"].sum())
    return {
        "average_spread": float(memory["spread"].sum()) / quotes if quotes > 0 else float("nan"),
        "final_inventory_mean": float(held.mean()),
        "final_inventory_std": float(held.std()),
        "fills": float(memory["fills"].mean()),
        "profit_mean": float(pnl.mean()),
        "profit_std": float(pnl.std()),
        "value": float(played.reward.mean()) / desk.reward_of_money,
    }
