"""What the CIO sees of the streams: rolling statistics, causal, row t from the returns of days before t.

Windows are counted in days; `WARM_UP` rows of returns stand before the first row that a tape shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from fund.compiled import compiled
from fund.market.tape import places

Floats = NDArray[np.float64]

WARM_UP = 120
SHORT, MEDIUM, LONG = 20, 60, 120
PER_DESK = (
    "mean", "volatility", "sharpe", "max_drawdown", "return_5", "return_21", "momentum", "skew", "win_rate",
    "sortino", "calmar", "volatility_change",
)  # fmt: skip
MARKET = (
    "market_return_1", "market_return_5", "market_return_20", "market_return_60", "market_volatility_5",
    "market_volatility_20", "market_volatility_60", "market_volatility_ratio", "market_drawdown", "market_skew",
    "market_momentum_120", "dispersion", "breadth", "average_correlation", "equal_weight_volatility",
)  # fmt: skip
TINY = 1e-12


def pairs(desks: Sequence[str]) -> list[tuple[int, int]]:
    """Index pairs i < j of the desks."""
    return list(combinations(range(len(desks)), 2))


def feature_names(desks: Sequence[str]) -> tuple[str, ...]:
    """The observation: 12 a desk, 15 of the market, the portfolio (weights and 3), correlations."""
    per_desk = [f"{desk}_{name}" for desk in desks for name in PER_DESK]
    own = [*(f"weight_{desk}" for desk in desks), "drawdown", "volatility", "turnover"]
    correlations = [f"correlation_{desks[i]}_{desks[j]}" for i, j in pairs(desks)]
    return (*per_desk, *MARKET, *own, *correlations)


def moments(returns: Floats) -> tuple[Floats, Floats]:
    """Mean (T+1, n, desks) and covariance (T+1, n, desks, desks) of the last 60 days, from (W+T, n, desks)."""
    windows = np.lib.stride_tricks.sliding_window_view(returns, MEDIUM, axis=0)[WARM_UP - MEDIUM :]
    mean = windows.mean(axis=-1)
    centred = windows - mean[..., None]
    return mean, np.einsum("tnad,tnbd->tnab", centred, centred) / (MEDIUM - 1)


def market_features(returns: Floats, market: Floats, covariance: Floats) -> dict[str, Floats]:
    """Market and cross-section, each (T+1, n)."""
    table = _rolling(np.ascontiguousarray(market[:, :, None]))
    whole = {name: table[:, :, 0, k] for k, name in enumerate(_STATISTICS)}
    recent = np.lib.stride_tricks.sliding_window_view(returns, SHORT, axis=0)[WARM_UP - SHORT :].sum(axis=-1)
    together = np.lib.stride_tricks.sliding_window_view(returns.mean(axis=2), SHORT, axis=0)[
        WARM_UP - SHORT :
    ]
    scale = 100.0
    return {
        "market_return_1": whole["return_1"] * scale,
        "market_return_5": whole["return_5"] * scale / 2.0,
        "market_return_20": whole["return_20"] * scale / 4.0,
        "market_return_60": whole["return_60"] * scale / 8.0,
        "market_volatility_5": whole["volatility_5"] * scale,
        "market_volatility_20": whole["volatility_20"] * scale,
        "market_volatility_60": whole["volatility_60"] * scale,
        "market_volatility_ratio": whole["volatility_20"] / (whole["volatility_60"] + TINY) - 1.0,
        "market_drawdown": whole["drawdown_120"] * 10.0,
        "market_skew": whole["skew_60"],
        "market_momentum_120": whole["return_120"] * scale / 11.0,
        "dispersion": recent.std(axis=2) * scale / 2.0,
        "breadth": (recent > 0).mean(axis=2) * 2.0 - 1.0,
        "average_correlation": _average_correlation(covariance),
        "equal_weight_volatility": together.std(axis=-1) * scale * 2.0,
    }


def desk_features(returns: Floats, desks: Sequence[str]) -> dict[str, Floats]:
    """Twelve statistics a desk, each (T+1, n), of order one."""
    table = _rolling(np.ascontiguousarray(returns))
    out: dict[str, Floats] = {}
    for d, desk in enumerate(desks):
        s = {name: table[:, :, d, k] for k, name in enumerate(_STATISTICS)}
        deviation = s["volatility_60"] + TINY
        values = (
            s["mean_60"] * 1e3,
            s["volatility_20"] * 1e2,
            s["mean_60"] / deviation * np.sqrt(60.0) / 2.0,
            s["drawdown_60"] * 10.0,
            s["return_5"] / (deviation * np.sqrt(5.0)),
            s["return_21"] / (deviation * np.sqrt(21.0)),
            (s["return_60"] - s["return_5"]) / (deviation * np.sqrt(55.0)),
            s["skew_60"],
            s["win_20"] * 2.0 - 1.0,
            np.clip(s["mean_60"] / (s["downside_60"] + TINY), -2.0, 2.0),
            np.clip(s["mean_60"] * 60.0 / (s["drawdown_60"] + 1e-4), -5.0, 5.0),
            s["volatility_20"] / deviation - 1.0,
        )
        out.update({f"{desk}_{name}": value for name, value in zip(PER_DESK, values, strict=True)})
    return out


def correlation_features(covariance: Floats, desks: Sequence[str]) -> dict[str, Floats]:
    """Pairwise correlations over 60 days, each (T+1, n)."""
    deviation = np.sqrt(np.einsum("tnaa->tna", covariance)) + TINY
    return {
        f"correlation_{desks[i]}_{desks[j]}": covariance[:, :, i, j]
        / (deviation[:, :, i] * deviation[:, :, j])
        for i, j in pairs(desks)
    }


def _average_correlation(covariance: Floats) -> Floats:
    n = covariance.shape[-1]
    deviation = np.sqrt(np.einsum("tnaa->tna", covariance)) + TINY
    correlation = covariance / (deviation[..., :, None] * deviation[..., None, :])
    return np.asarray((correlation.sum(axis=(2, 3)) - n) / max(n * (n - 1), 1))


_STATISTICS = (
    "return_1", "return_5", "return_20", "return_21", "return_60", "return_120", "mean_60", "volatility_5",
    "volatility_20", "volatility_60", "downside_60", "drawdown_60", "drawdown_120", "skew_60", "win_20",
)  # fmt: skip
AT = places(_STATISTICS)


@compiled
def _rolling(returns: Floats) -> Floats:
    """Statistics (T+1, n, desks, len(_STATISTICS)) of the days before each row, from (W+T, n, desks)."""
    total, n, desks = returns.shape
    out = np.empty((total - WARM_UP + 1, n, desks, len(_STATISTICS)))
    for row in range(total - WARM_UP + 1):
        for i in range(n):
            for d in range(desks):
                _one(returns, row + WARM_UP, i, d, out[row, i, d])
    return out


@compiled
def _one(returns: Floats, end: int, i: int, d: int, out: Floats) -> None:
    out[AT.return_1] = returns[end - 1, i, d]
    out[AT.return_5] = _total(returns, end, 5, i, d)
    out[AT.return_20] = _total(returns, end, 20, i, d)
    out[AT.return_21] = _total(returns, end, 21, i, d)
    out[AT.return_60] = _total(returns, end, 60, i, d)
    out[AT.return_120] = _total(returns, end, 120, i, d)
    out[AT.mean_60] = out[AT.return_60] / 60.0
    out[AT.volatility_5] = _deviation(returns, end, 5, i, d)
    out[AT.volatility_20] = _deviation(returns, end, 20, i, d)
    out[AT.volatility_60] = _deviation(returns, end, 60, i, d)
    below, cubed, mean, wins = 0.0, 0.0, out[AT.mean_60], 0.0
    for t in range(end - 60, end):
        r = returns[t, i, d]
        below += min(r, 0.0) ** 2
        cubed += (r - mean) ** 3
        if t >= end - 20 and r > 0.0:
            wins += 1.0
    out[AT.downside_60] = np.sqrt(below / 60.0)
    out[AT.drawdown_60] = _drawdown(returns, end, 60, i, d)
    out[AT.drawdown_120] = _drawdown(returns, end, 120, i, d)
    out[AT.skew_60] = cubed / 60.0 / (out[AT.volatility_60] ** 3 + 1e-18)
    out[AT.win_20] = wins / 20.0


@compiled
def _total(returns: Floats, end: int, window: int, i: int, d: int) -> float:
    total = 0.0
    for t in range(end - window, end):
        total += returns[t, i, d]
    return total


@compiled
def _deviation(returns: Floats, end: int, window: int, i: int, d: int) -> float:
    mean = _total(returns, end, window, i, d) / window
    squares = 0.0
    for t in range(end - window, end):
        squares += (returns[t, i, d] - mean) ** 2
    return float(np.sqrt(squares / (window - 1)))


@compiled
def _drawdown(returns: Floats, end: int, window: int, i: int, d: int) -> float:
    level, peak, worst = 1.0, 1.0, 0.0
    for t in range(end - window, end):
        level *= 1.0 + returns[t, i, d]
        peak = max(peak, level)
        worst = max(worst, 1.0 - level / peak)
    return worst
