"""What may be held: leverage is tested when a trade is made, against the equity of that moment."""

from __future__ import annotations

from numba import njit


@njit(inline="always")
def within(value: float, low: float, high: float) -> float:
    """`value` clipped to [low, high]."""
    return min(max(value, low), high)


@njit(inline="always")
def exposure_limit(nav: float, leverage: float) -> float:
    """Largest gross exposure that `nav` may carry, in account currency; none once the equity is gone."""
    return leverage * nav if nav > 0.0 else 0.0


@njit(inline="always")
def scale_to(gross: float, limit: float) -> float:
    """Factor in [0, 1] that brings a gross exposure under its limit."""
    return limit / gross if gross > limit else 1.0
