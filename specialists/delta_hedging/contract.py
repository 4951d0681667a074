"""Which parameters make a world, and how maturity, rebalancing and steps hang together."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fund.errors import InvalidParameter, UnknownName
from specialists.delta_hedging.market import MARKETS

if TYPE_CHECKING:
    from specialists.delta_hedging.strategy import DeltaHedging

WORDS = {
    "market": MARKETS,
    "action_form": ("multiple", "band"),
    "option": ("call", "put"),
    "settlement": ("cash", "stock"),
    "objective": ("cara", "mean_std"),
    "risk_form": ("quadratic", "cara", "downside", "none"),
}
_POSITIVE = (
    "spot", "strike", "maturity_days", "rebalance_days", "step_days", "days_per_year", "notional", "sigma", "capital",
    "reward_scale", "risk_volatility", "n_steps", "steps_per_day", "kappa", "theta", "xi",
)  # fmt: skip
_NOT_NEGATIVE = ("cost_rate", "risk_aversion", "risk_weight", "leverage", "std_weight", "volvol")
_CORRELATIONS = ("market_loading", "momentum", "rho")


def check(s: DeltaHedging) -> None:
    """Raise UnknownName for a word, InvalidParameter for a number, that makes no world."""
    for name, known in WORDS.items():
        if getattr(s, name) not in known:
            raise UnknownName(name, getattr(s, name), known)
    for name in _POSITIVE:
        _demand(s, name, getattr(s, name) > 0, "a number above zero")
    for name in _NOT_NEGATIVE:
        _demand(s, name, getattr(s, name) >= 0, "zero or more")
    for name in _CORRELATIONS:
        _demand(s, name, abs(getattr(s, name)) < 1, "a number between -1 and 1")
    _demand(s, "volatility_premium", s.volatility_premium > -1, "a share above -1")
    _check_grid(s)
    _check_reward(s)


def _demand(s: DeltaHedging, name: str, holds: bool, wanted: str) -> None:
    if not holds:
        raise InvalidParameter(f"{s.name}: {name} is {getattr(s, name)}, wanted {wanted}")


def _check_grid(s: DeltaHedging) -> None:
    for name in ("maturity_days", "rebalance_days"):
        steps = getattr(s, name) / s.step_days
        whole = steps > 0.999 and abs(steps - round(steps)) < 1e-6
        _demand(s, name, whole, f"a multiple of step_days {s.step_days:g}")
    if s.market == "garch" and s.history is None:
        _demand(s, "step_days", s.step_days == 1.0, "1 in the market garch, which moves by the day")
    if s.market == "binomial":
        _demand(s, "sigma", 0.0 < s.up_probability < 1.0, "enough for the drift of a step")


def _check_reward(s: DeltaHedging) -> None:
    known = s.market in ("garch", "gbm", "binomial") and s.momentum == 0.0 and s.history is None
    plain = s.risk_form in ("quadratic", "none") and not s.costs_in_risk
    wanted = "false: it is known on garch, gbm and binomial without momentum, for quadratic risk before costs"
    _demand(s, "control_variate", (known and plain) or not s.control_variate, wanted)
    _demand(s, "hedge_alone", s.control_variate or not s.hedge_alone, "false without control_variate")


def grid(s: DeltaHedging, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Step length, rebalancing interval and number of steps that go with some changes."""
    keys = {"maturity_days", "rebalance_days", "step_days", "steps_per_day", "n_steps"} & changes.keys()
    if not keys or any(not isinstance(changes[key], int | float) or not changes[key] > 0 for key in keys):
        return {}
    maturity = float(changes.get("maturity_days", s.maturity_days))
    step = _step_days(s, changes, maturity)
    interval = float(changes.get("rebalance_days", s.rebalance_days if s.rebalance_steps > 1 else step))
    if interval < step or abs(interval / step - round(interval / step)) > 1e-6:
        step = interval / math.ceil(interval / step - 1e-9)
    return {
        "step_days": step, "rebalance_days": interval, "n_steps": max(round(maturity / step), 1),
        "steps_per_day": max(round(1.0 / step), 1),
    }  # fmt: skip


def _step_days(s: DeltaHedging, changes: Mapping[str, Any], maturity: float) -> float:
    if "n_steps" in changes:
        return maturity / changes["n_steps"]
    if "steps_per_day" in changes:
        return 1.0 / changes["steps_per_day"]
    return float(changes.get("step_days", s.step_days))
