"""The 13 columns of the strategic observation, and what its step reads beside them.

With r the log of the close, s the usual move of a bar, L the range of the last 100 bars:

    mlmi_value, mlmi_signal       the neighbours' vote in [-1, 1]; its direction at a crossover, else 0
    lvn_distance, lvn_strength    to the nearest low-volume node, tenths of L; how thin it is
    nwrqk_value, nwrqk_slope      ln(close / yhat) / s, and the change of ln yhat / s
    momentum_20                   (r_t - r_(t-20)) / (s sqrt 20)
    external_signal               what is known of the next half hour; else the momentum of 50 bars
    mmd_score                     5 times the discrepancy of the last 100 moves from the reference's
    volatility_30                 root mean square of the last 30 moves over s
    volume_ratio                  ln(volume / its mean of 20 bars)
    hour_sin, hour_cos            of the time of day
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from fund.grandmodel.bar_strategy import Drawn, clock_features
from fund.grandmodel.indicators.discrepancy import mmd
from fund.grandmodel.indicators.moving import momentum, sma
from fund.grandmodel.indicators.regimes import REGIMES, regime_probabilities
from fund.grandmodel.indicators.volume_profile import low_volume_node
from fund.grandmodel.signals import Signals, log_ratio, signals_of, surprises

Floats = NDArray[np.float64]

MATRIX = (
    "mlmi_value", "mlmi_signal", "lvn_distance", "lvn_strength",
    "nwrqk_value", "nwrqk_slope", "momentum_20", "external_signal",
    "mmd_score", "volatility_30", "volume_ratio", "hour_sin", "hour_cos",
)  # fmt: skip
REGIME_SLOTS = tuple(f"regime_{name}" for name in REGIMES)
SPAN = 260  # bars of the usual move: 20 sessions


def read(
    drawn: Drawn, opens: int, u_shape: float, synergy: tuple[int, int], neighbours: int, caution: float
) -> tuple[Mapping[str, Floats], Mapping[str, Floats]]:
    """Columns and features of bars; `synergy` is window and cooldown, `caution` the cut of a stressed market."""
    bars = drawn.bars
    signals = signals_of(bars, 1.5, synergy[0], synergy[1], neighbours)
    usual, surprise = surprises(bars, u_shape, SPAN)
    regimes = regime_probabilities(np.nan_to_num(surprise))
    columns = {
        "price": bars.close,
        "half_spread": drawn.half_spread,
        "martingale": bars.close - drawn.foreseen,
        "synergy": signals.synergy.direction,
        "synergy_kind": signals.synergy.kind,
        "regime_scale": 1.0 - caution * regimes[2],
    }
    features = {
        **_experts(drawn, signals, usual),
        "mmd_score": 5.0 * mmd(np.nan_to_num(surprise)),
        "volatility_30": np.sqrt(sma(np.nan_to_num(surprise) ** 2, 30)),
        "volume_ratio": log_ratio(bars.volume, sma(bars.volume, 20)),
        **clock_features(bars, opens),
        **dict(zip(REGIME_SLOTS, regimes, strict=True)),
    }
    return columns, features


def _experts(drawn: Drawn, signals: Signals, usual: Floats) -> dict[str, Floats]:
    bars = drawn.bars
    node = low_volume_node(bars.high, bars.low, bars.close, bars.volume)
    external = drawn.signal
    if external is None:
        external = momentum(bars.close, 50) / (usual * np.sqrt(50.0))
    return {
        "mlmi_value": signals.vote.value,
        "mlmi_signal": signals.vote.signal,
        "lvn_distance": 10.0 * node.distance,
        "lvn_strength": node.strength,
        "nwrqk_value": np.log(bars.close / signals.smooth) / usual,
        "nwrqk_slope": signals.slope / usual,
        "momentum_20": momentum(bars.close, 20) / (usual * np.sqrt(20.0)),
        "external_signal": external,
    }
