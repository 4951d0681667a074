"""The 7 columns of the tactical observation, and what its step reads beside them.

fvg_bullish, fvg_bearish   freshness of the youngest open gap of that kind, 1 when it forms, 0 without one
fvg_nearest_level          from the close to the middle of the nearest open gap, in ATR(14), cut to +-5
price_momentum             (r_t - r_(t-w)) / (s sqrt w), r the log close, s a bar's usual move; w is 14
trend_strength             |r_t - r_(t-w)| / sum |r_k - r_(k-1)|, signed: Kaufman's efficiency ratio
volume_ratio               ln(volume / its mean of 20 bars)
vwap_deviation             ln(close / VWAP of the session) / (s sqrt 10)
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from fund.grandmodel.bar_strategy import Drawn
from fund.grandmodel.indicators.moving import momentum, sma
from fund.grandmodel.indicators.oscillators import atr, vwap
from fund.grandmodel.signals import Signals, log_ratio, signals_of, surprises

Floats = NDArray[np.float64]

MATRIX = (
    "fvg_bullish", "fvg_bearish", "fvg_nearest_level",
    "price_momentum", "trend_strength", "volume_ratio", "vwap_deviation",
)  # fmt: skip
SPAN = 156  # bars of the usual move: 2 sessions


def read(
    drawn: Drawn, u_shape: float, impulse: float, momentum_window: int, synergy: tuple[int, int]
) -> tuple[Mapping[str, Floats], Mapping[str, Floats]]:
    """Columns and features of bars; `impulse` is what a gap's middle bar must exceed, in mean bodies."""
    bars = drawn.bars
    signals = signals_of(bars, impulse, synergy[0], synergy[1], 200)
    usual, _ = surprises(bars, u_shape, SPAN)
    columns = {
        "price": bars.close,
        "half_spread": drawn.half_spread,
        "martingale": bars.close - drawn.foreseen,
        "synergy_kind": signals.synergy.kind,
        "gap_side": np.sign(signals.gaps.bullish - signals.gaps.bearish),
    }
    move = momentum(bars.close, momentum_window)
    steps = np.zeros(bars.close.shape)
    steps[:, 1:] = np.abs(np.log(bars.close[:, 1:] / bars.close[:, :-1]))
    walked = sma(steps, momentum_window) * momentum_window
    average = vwap(bars.high, bars.low, bars.close, bars.volume, bars.session)
    features = {
        **_gap_columns(drawn, signals),
        "price_momentum": move / (usual * np.sqrt(momentum_window)),
        "trend_strength": move / np.where(walked > 0.0, walked, 1.0),
        "volume_ratio": log_ratio(bars.volume, sma(bars.volume, 20)),
        "vwap_deviation": np.log(bars.close / average) / (usual * np.sqrt(10.0)),
    }
    return columns, features


def _gap_columns(drawn: Drawn, signals: Signals) -> dict[str, Floats]:
    bars = drawn.bars
    unit = atr(bars.high, bars.low, bars.close, 14)
    level = np.clip(signals.gaps.level / np.where(unit > 0.0, unit, np.nan), -5.0, 5.0)
    level[:, 14:] = np.nan_to_num(level[:, 14:])
    return {
        "fvg_bullish": signals.gaps.bullish,
        "fvg_bearish": signals.gaps.bearish,
        "fvg_nearest_level": level,
    }
