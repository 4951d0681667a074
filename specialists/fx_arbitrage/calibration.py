"""The triangle's market fitted to rates of three currencies and their interest.

    parameter                 moment
    base_, terms_volatility   ln root mean square of the daily returns in home currency
    correlation               of these
    base_, terms_differential mean of what a day's carry pays, a year
    differential_deviation    ln deviation of the monthly carry from its mean, both currencies
    differential_half_life    ln root mean square of its monthly change over that deviation
    uip_beta                  mean of excess return times carry, over the root mean square of both

Half-spreads are the record's where it has bids and asks, the home rate and the last prices always. The premium of a few
years of carry says little of uip_beta, and its standard error says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fund.calibration.calibration import Calibration, Priced, log_deviation, log_prices
from fund.market.stylised_facts import correlation, returns_of
from fund.market.tape import Tape

if TYPE_CHECKING:
    from specialists.fx_arbitrage.strategy import FxArbitrage

Floats = NDArray[np.float64]

MONTH, YEAR = 21, 252


def prices(desk: FxArbitrage, tape: Tape) -> Mapping[str, Priced]:
    """Both currencies in home currency, and the cross."""
    return log_prices(tape, dict.fromkeys(("base", "terms", "cross"), "fx"))


def moments(desk: FxArbitrage, tape: Tape) -> Mapping[str, Floats]:
    """As the module says, each (n,)."""
    r = [returns_of(tape[name]) for name in ("base", "terms")]
    carry = [tape[name][:-1] for name in ("base_roll", "terms_roll")]
    months = np.stack([_monthly(c) * YEAR for c in carry])  # (2, months, n)
    around = months - months.mean(axis=1, keepdims=True)
    spread = 0.5 * np.log((around**2).mean(axis=(0, 1)) + 1e-16)
    change = 0.5 * np.log((np.diff(months, axis=1) ** 2).mean(axis=(0, 1)) + 1e-16)
    excess = [np.expm1(x) + c for x, c in zip(r, carry, strict=True)]
    paid = sum((x * c).mean(axis=0) for x, c in zip(excess, carry, strict=True))
    risk = np.sqrt(sum((x**2).mean(axis=0) * (c**2).mean(axis=0) for x, c in zip(excess, carry, strict=True)))
    return {
        "base_deviation": log_deviation(r[0]), "terms_deviation": log_deviation(r[1]),
        "correlation": correlation(r[0], r[1]),
        "base_carry": months[0].mean(axis=0), "terms_carry": months[1].mean(axis=0),
        "carry_spread": spread, "carry_change": change - spread,
        "carry_paid": np.asarray(paid / np.maximum(risk, 1e-300)),
    }  # fmt: skip


def _monthly(carry: Floats) -> Floats:
    whole = len(carry) // MONTH
    return np.asarray(carry[: whole * MONTH].reshape(whole, MONTH, -1).mean(axis=1))


def given(desk: FxArbitrage, tape: Tape) -> Mapping[str, Any]:
    """The home rate, the last prices, and half-spreads where the record has quotes."""
    assert desk.history is not None
    home = f"{desk.triple[1]}_rate"
    halves = {
        f"{pair}_half_spread": float(tape[f"{pair}_spread"].mean())
        for pair in ("base_home", "home_terms", "cross")
    }
    quoted = any(name.endswith("_bid") for name in desk.history.names)
    return {
        **({"home_rate": float(desk.history.column(home).mean())} if home in desk.history.names else {}),
        "base_price": float(tape["base"][-1, 0]), "home_price": float(1.0 / tape["terms"][-1, 0]),
        **(halves if quoted else {}),
    }  # fmt: skip


CALIBRATION = Calibration(
    files='one file with the columns "EURUSD", "USDJPY" and "EUR_rate", "USD_rate", "JPY_rate" (--set currencies=...), '
    "or a file of daily bars a pair and one of OECD short-term interest",
    logs=False,  # rates may be below zero; `recorded` refuses prices that are
    prices=prices,
    moments=moments,
    given=given,
    bounds={
        "base_volatility": (0.005, 1.0), "terms_volatility": (0.005, 1.0), "correlation": (-0.95, 0.95),
        "base_differential": (-0.2, 0.2), "terms_differential": (-0.2, 0.2), "differential_deviation": (1e-4, 0.2),
        "differential_half_life": (0.5, 240.0), "uip_beta": (-20.0, 20.0),
    },
)  # fmt: skip
