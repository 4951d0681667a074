"""How names and numbers are worded for readers."""

from __future__ import annotations

import math

NONE = "n/a"


def shown(name: str) -> str:
    """A name as it is shown to readers, underscores as spaces."""
    return name.replace("_", " ")


def percent(value: float, digits: int = 1) -> str:
    """0.0123 as 1.2%."""
    return f"{100 * value:.{digits}f}%" if math.isfinite(value) else NONE


def number(value: float, digits: int = 4) -> str:
    """A number to so many significant digits, thousands set apart."""
    if not math.isfinite(value):
        return NONE
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value)))) if value else 0
    return f"{value + 0.0:,.{min(decimals, 8)}f}"


def money(value: float) -> str:
    """An amount, without cents from a thousand on."""
    return f"{value:,.0f}" if abs(value) >= 1000 or value == 0 else f"{value:,.2f}"


def ratio(value: float, se: float) -> str:
    """A Sharpe ratio and its standard error, to two digits."""
    return f"{value:.2f} ± {se:.2f}" if math.isfinite(value) else NONE


def plus_minus(value: float, se: float, scale: float = 1.0, unit: str = "") -> str:
    """A difference and its standard error, both to the second digit of the error."""
    if not math.isfinite(value):
        return NONE
    value, se = scale * value, scale * se
    if not (math.isfinite(se) and se > 0):
        return f"{value:+.4g}{unit}"
    decimals = min(8, max(0, 1 - math.floor(math.log10(se))))
    return f"{value:+,.{decimals}f} ± {se:,.{decimals}f}{unit}"
