"""A made record for each desk, with the columns that it needs: what a user's own table looks like."""

from __future__ import annotations

from typing import Any

import numpy as np

DAYS = 900


def table(desk: str, rows: int = DAYS, seed: int = 0) -> dict[str, Any]:
    """Columns by name, each (rows,); the desk's own words."""
    draw = np.random.default_rng(seed).normal(0.0, 0.01, (rows, 4)).cumsum(axis=0)
    grown = 100.0 * np.exp(draw)
    if desk == "market_making":
        return order_book(rows, seed)
    apart = np.exp(np.random.default_rng(seed + 1).normal(0.0, 0.01, rows))
    gap = np.exp(0.3 * (draw[:, 1] - draw[:, 0].mean()))
    pair = 1.1 * np.exp(0.5 * draw[:, 0]), 110.0 * np.exp(0.5 * draw[:, 1])
    return {
        "statistical_arbitrage": {"leg_1": grown[:, 0], "leg_2": grown[:, 0] * apart},
        "volatility_trading": {"index": grown[:, 0], "iv_30": 0.18 + 0.04 * np.sin(np.arange(rows) / 30)},
        "delta_hedging": {"spot": grown[:, 0], "implied_volatility": 0.18 + 0.02 * np.cos(np.arange(rows) / 20)},
        "futures_spreads": {"near": grown[:, 0], "far": grown[:, 0] * gap},
        "factor_tracking": dict(zip(("value", "momentum", "quality", "market"), grown.T, strict=True)),
        "fx_arbitrage": {
            "EURUSD": pair[0], "USDJPY": pair[1], "EURJPY": pair[0] * pair[1], "EUR_rate": np.full(rows, -0.005),
            "USD_rate": np.full(rows, 0.02), "JPY_rate": np.full(rows, 0.0),
        },
    }[desk]  # fmt: skip


def order_book(rows: int, seed: int) -> dict[str, Any]:
    """Quotes about 200 dollars, and the trades between two rows; where nothing traded, prices that no quote meets."""
    draw = np.random.default_rng(seed)
    bid = 200.0 + np.round(draw.normal(0.0, 0.02, rows).cumsum(), 2)
    traded = {side: draw.random(rows) < 0.3 for side in ("sell", "buy")}
    columns = {
        "bid": bid,
        "ask": bid + 0.05,
        "bid_size": np.full(rows, 300.0),
        "ask_size": np.full(rows, 200.0),
    }
    for side, low, touch in (("sell", "sell_low", bid), ("buy", "buy_high", bid + 0.05)):
        none = 1e9 if side == "sell" else -1e9
        columns |= {
            f"{side}_volume": np.where(traded[side], 100.0, 0.0), f"{side}_orders": traded[side].astype(float),
            low: np.where(traded[side], touch, none),
        }  # fmt: skip
    return columns


def stamps(desk: str, rows: int = DAYS) -> np.ndarray[Any, Any]:
    """The rows' times: seconds of a session for the order book, else weekdays."""
    if desk == "market_making":
        return np.datetime64("2024-03-04T09:30:00", "s") + np.arange(rows)
    return np.busday_offset("2015-01-01", np.arange(rows), roll="forward")


def frame(desk: str, rows: int = DAYS, seed: int = 0, **changed: Any) -> Any:
    """The table as a DataFrame; `changed` replaces columns, None takes one out."""
    import pandas

    columns = {**table(desk, rows, seed), **changed}
    kept = {name: values for name, values in columns.items() if values is not None}
    return pandas.DataFrame(kept, index=pandas.DatetimeIndex(stamps(desk, rows), name="date"))
