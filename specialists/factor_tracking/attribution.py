"""What the episodes of the desk amount to."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from fund.strategy import Played
from specialists.factor_tracking.features import FACTORS

if TYPE_CHECKING:
    from specialists.factor_tracking.strategy import FactorTracking


def statistics(desk: FactorTracking, played: Played) -> dict[str, float]:
    """Exposures, turnover, hit rate and tracking error; in the paper's world its objective, P&L and cost a step.

    Exposures are shares of the capital, turnover is value traded over capital a year, hit rate is the share of
    factor-days with a position that earned, tracking error is that against an equal-weighted long-only benchmark,
    a year.
    """
    steps = float(played.length.sum())
    if desk.trade_form:
        return {
            "value": float(played.memory["worth"].mean()),
            "pnl_per_step": float(played.lines["holding"].sum()) / steps,
            "cost_per_step": -float(played.lines["fees"].sum()) / steps,
        }
    held = {
        f"{factor}_exposure": float(played.memory[f"{factor}_held"].sum()) / steps / desk.capital
        for factor in FACTORS
    }
    bets = float(played.memory["bets"].sum())
    return {
        **held,
        "turnover_per_year": float(played.traded.sum()) / desk.capital / (steps * desk.years_per_step),
        "hit_rate": float(played.memory["hits"].sum()) / bets if bets else math.nan,
        "tracking_error": tracking_error(played),
    }


def tracking_error(played: Played) -> float:
    """Standard deviation of the return less the benchmark's, a year, over the paths of the tape."""
    indices = np.stack([played.tape[factor] for factor in FACTORS])
    benchmark = (indices[:, 1:] / indices[:, :-1] - 1.0).mean(axis=0)
    nav = played.nav[:, : played.tape.n]
    earned = np.diff(nav, axis=0) / np.maximum(nav[:-1], 1e-12)
    return float((earned - benchmark).std() * math.sqrt(1.0 / played.strategy.years_per_step))
