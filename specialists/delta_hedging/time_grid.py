"""How maturity, rebalancing and steps hang together."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from specialists.delta_hedging.strategy import DeltaHedging


def check(desk: DeltaHedging) -> None:
    """Refuse times that are no whole number of steps; raises InvalidParameter."""
    for name in ("maturity_days", "rebalance_days"):
        steps = getattr(desk, name) / desk.step_days
        whole = steps > 0.999 and abs(steps - round(steps)) < 1e-6
        desk.demand(name, whole, f"a multiple of step_days {desk.step_days:g}")
    if desk.market == "garch" and desk.history is None:
        told = f"1 in the market garch, which moves by the day: maturity_days, {desk.maturity_days:g}, is n_steps there"
        desk.demand("step_days", desk.step_days == 1.0, told)


def fitted(desk: DeltaHedging, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Step length, rebalancing interval and number of steps that go with some changes."""
    keys = {"maturity_days", "rebalance_days", "step_days", "steps_per_day", "n_steps"} & changes.keys()
    if not keys or any(not isinstance(changes[key], int | float) or not changes[key] > 0 for key in keys):
        return {}
    maturity = float(changes.get("maturity_days", desk.maturity_days))
    step = _step_days(desk, changes, maturity)
    interval = float(changes.get("rebalance_days", desk.rebalance_days if desk.rebalance_steps > 1 else step))
    if interval < step or abs(interval / step - round(interval / step)) > 1e-6:
        step = interval / math.ceil(interval / step - 1e-9)
    return {
        "step_days": step, "rebalance_days": interval, "n_steps": max(round(maturity / step), 1),
        "steps_per_day": max(round(1.0 / step), 1),
    }  # fmt: skip


def _step_days(desk: DeltaHedging, changes: Mapping[str, Any], maturity: float) -> float:
    if "n_steps" in changes:
        return maturity / changes["n_steps"]
    if "steps_per_day" in changes:
        return 1.0 / changes["steps_per_day"]
    return float(changes.get("step_days", desk.step_days))
