"""What the desk's P&L is made of, and what its episodes amount to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fund.account.utility import LEAST_WEALTH
from fund.strategy import Played
from specialists.futures_spreads import market, theory

if TYPE_CHECKING:
    from specialists.futures_spreads.strategy import FuturesSpreads


def statistics(desk: FuturesSpreads, played: Played) -> dict[str, float]:
    """Attribution, margin, growth, and moments of the market.

    return_rate = spread_pnl + roll_yield + carry + fees, shares of the capital a year: roll_yield is what the
    contracts would have earned on curves that stay as they are, spread_pnl the rest of what they earned.
    margin_calls and liquidations an episode; average_margin_use a share of the NAV; mean_square_position of shares
    of the full one; log_growth a year. near_, far_ and spread_volatility and spread_drift a year: of leg 1, leg 2
    and one money unit of the direction.
    """
    steps = float(played.length.sum())
    money, roll = desk.capital * steps / market.YEAR, float(played.memory["roll"].sum())
    lines = {name: float(values.sum()) for name, values in played.lines.items()}
    wealth = np.maximum(played.nav[-1] / desk.capital, LEAST_WEALTH)
    going = np.arange(played.nav.shape[0] - 1)[:, None] < played.length
    posted, worth = float(played.memory["margin_sum"].sum()), float((played.nav[1:] * going).sum())
    return {
        "return_rate": float((played.nav[-1] - played.nav[0]).sum()) / money,
        "spread_pnl": (lines["holding"] + lines["execution"] - roll) / money,
        "roll_yield": roll / money,
        "carry": lines["carry"] / money,
        "fees": (lines["fees"] + lines["rebates"]) / money,
        "log_growth": float(np.log(wealth).sum()) * market.YEAR / steps,
        "margin_calls": float(played.memory["calls"].mean()),
        "liquidations": float((played.nav[-1] < played.memory["maintenance"]).mean()),
        "average_margin_use": posted / worth,
        "mean_square_position": float(played.memory["square"].sum()) / steps,
        **theory.recorded_moments(played.tape),
    }
