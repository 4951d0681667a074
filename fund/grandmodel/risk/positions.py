"""From a mandate to positions: weights, limits, stops, orders and the value at risk (see `step`).

Money is account currency, volatilities and correlations are of a bar's returns, weights and VaR are shares.

Sources: Kelly (1956), and Thorp (1997) for its continuous form (mu - r)/v^2; RiskMetrics (1996) for the normal VaR of
EWMA covariances; Wilder (1978) for stops in average true ranges.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from numba import njit

from fund.account.limits import within

POOREST = 0.01  # share of the capital below which shares of the NAV divide by this


class Four(NamedTuple):
    """A number an asset."""

    one: float
    two: float
    three: float
    four: float


@njit(forceinline=True)
def base_of(p: Any, nav: float) -> float:
    """Money that positions are a share of."""
    return max(nav, 0.0) if p.compound > 0.0 else p.capital


@njit(forceinline=True)
def variance(now: Any, x: Any) -> float:
    """Variance of a bar's P&L of exposures, account currency squared: x' C x."""
    a, b, c, d = (
        x.one * now.volatility_1,
        x.two * now.volatility_2,
        x.three * now.volatility_3,
        x.four * now.volatility_4,
    )
    crossed = a * b * now.correlation_12 + a * c * now.correlation_13 + a * d * now.correlation_14
    crossed += b * c * now.correlation_23 + b * d * now.correlation_24 + c * d * now.correlation_34
    return max(a * a + b * b + c * c + d * d + 2.0 * crossed, 0.0)


@njit(forceinline=True)
def value_at_risk(p: Any, now: Any, x: Any, base: float) -> float:
    """Normal VaR of exposures over the horizon, share of the base: z sqrt(horizon x' C x); RiskMetrics (1996)."""
    return p.var_factor * math.sqrt(variance(now, x)) / max(base, POOREST * p.capital)


@njit(forceinline=True)
def too_alike(p: Any, now: Any) -> Any:
    """Factors that bring pairs whose positions move alike down to the correlation limit."""
    q = Four(now.mandate_1, now.mandate_2, now.mandate_3, now.mandate_4)
    one = max(alike(q.one, q.two, now.correlation_12), alike(q.one, q.three, now.correlation_13),
              alike(q.one, q.four, now.correlation_14))  # fmt: skip
    two = max(alike(q.one, q.two, now.correlation_12), alike(q.two, q.three, now.correlation_23),
              alike(q.two, q.four, now.correlation_24))  # fmt: skip
    three = max(alike(q.one, q.three, now.correlation_13), alike(q.two, q.three, now.correlation_23),
                alike(q.three, q.four, now.correlation_34))  # fmt: skip
    four = max(alike(q.one, q.four, now.correlation_14), alike(q.two, q.four, now.correlation_24),
               alike(q.three, q.four, now.correlation_34))  # fmt: skip
    limit = p.correlation_limit
    return Four(
        limit / one if one > limit else 1.0, limit / two if two > limit else 1.0,
        limit / three if three > limit else 1.0, limit / four if four > limit else 1.0,
    )  # fmt: skip


@njit(forceinline=True)
def alike(one: float, two: float, correlation: float) -> float:
    """Correlation of two positions."""
    return correlation if one * two > 0.0 else -correlation


@njit(forceinline=True)
def weights_of(p: Any, now: Any, blend: float) -> Any:
    """Shares of the exposure, unsigned: the mandate's and inverse volatilities', mixed; each at most `max_weight`."""
    a, b, c, d = abs(now.mandate_1), abs(now.mandate_2), abs(now.mandate_3), abs(now.mandate_4)
    wanted = 1.0 / max(a + b + c + d, 1e-12)
    i, j, k, m = (
        1.0 / now.volatility_1,
        1.0 / now.volatility_2,
        1.0 / now.volatility_3,
        1.0 / now.volatility_4,
    )
    even = 1.0 / (i + j + k + m)
    most, keep = p.max_weight, 1.0 - blend
    f = too_alike(p, now)
    return Four(
        min(keep * a * wanted + blend * i * even, most) * f.one,
        min(keep * b * wanted + blend * j * even, most) * f.two,
        min(keep * c * wanted + blend * k * even, most) * f.three,
        min(keep * d * wanted + blend * m * even, most) * f.four,
    )


@njit(forceinline=True)
def most_of(p: Any, conviction: float, volatility: float) -> float:
    """Largest position of an asset, share of NAV: the limit, and a fraction of Kelly's, (S v |m| - r) / v^2."""
    if p.kelly_fraction <= 0.0:
        return p.max_position
    v = volatility * p.bars_a_year_root
    kelly = p.kelly_fraction * (p.expected_sharpe * v * abs(conviction) - p.risk_free_rate) / (v * v)
    return within(kelly, 0.0, p.max_position)


@njit(forceinline=True)
def exposure(
    p: Any, conviction: float, weight: float, volatility: float, full: float, base: float, wait: float
) -> float:
    """Wanted position of one asset, account currency."""
    if wait > 0.0 or conviction == 0.0:
        return 0.0
    size = min(full * weight, most_of(p, conviction, volatility) * base)
    return size if conviction > 0.0 else -size


@njit(forceinline=True)
def hit(p: Any, held: float, price: float, entry: float, distance: float) -> float:
    """1 where the stop is reached, 2 for the target, else 0."""
    if held == 0.0 or p.stops_on == 0.0:
        return 0.0
    run = price - entry if held > 0.0 else entry - price
    return 1.0 if run <= -distance else 2.0 if run >= p.profit_target_ratio * distance else 0.0


@njit(forceinline=True)
def order(p: Any, held: float, price: float, wanted: float, full: float) -> float:
    """Units to trade; none where the gap is small, all where a position is to be closed or turned."""
    gap = wanted - held * price
    if wanted * held <= 0.0 or abs(gap) > p.rebalance_threshold * full:
        return wanted / price - held
    return 0.0


@njit(forceinline=True)
def entered(held: float, bought: float, price: float, entry: float) -> float:
    """Average price of entry after a trade; a reduction leaves it."""
    after = held + bought
    if after == 0.0:
        return 0.0
    if held * after <= 0.0:
        return price
    return (entry * held + price * bought) / after if abs(after) > abs(held) else entry


@njit(forceinline=True)
def limit_scale(p: Any, now: Any, x: Any, base: float) -> float:
    """What the emergency protocols leave of wanted exposures."""
    if p.emergency_protocols == 0.0:
        return 1.0
    var = value_at_risk(p, now, x, base)
    keep = p.var_threshold / var if var > p.var_threshold else 1.0
    return 0.5 * keep if now.correlation_shock > p.correlation_shock_threshold else keep


@njit(forceinline=True)
def hits(p: Any, now: Any, held: Any, memory: Any, multiple: float) -> Any:
    """Of each asset: 1 where its stop is reached, 2 for its target."""
    return Four(
        hit(p, held[0], now.price_1, memory.entry_1, multiple * now.atr_1),
        hit(p, held[1], now.price_2, memory.entry_2, multiple * now.atr_2),
        hit(p, held[2], now.price_3, memory.entry_3, multiple * now.atr_3),
        hit(p, held[3], now.price_4, memory.entry_4, multiple * now.atr_4),
    )


@njit(forceinline=True)
def waits(p: Any, memory: Any, out: Any) -> Any:
    """Bars that each asset stays out."""
    return Four(
        p.cooldown if out.one > 0.0 else memory.wait_1,
        p.cooldown if out.two > 0.0 else memory.wait_2,
        p.cooldown if out.three > 0.0 else memory.wait_3,
        p.cooldown if out.four > 0.0 else memory.wait_4,
    )


@njit(forceinline=True)
def exposures(p: Any, now: Any, weight: Any, full: float, base: float, wait: Any) -> Any:
    """Wanted positions, account currency."""
    return Four(
        exposure(p, now.mandate_1, weight.one, now.volatility_1, full, base, wait.one),
        exposure(p, now.mandate_2, weight.two, now.volatility_2, full, base, wait.two),
        exposure(p, now.mandate_3, weight.three, now.volatility_3, full, base, wait.three),
        exposure(p, now.mandate_4, weight.four, now.volatility_4, full, base, wait.four),
    )


@njit(forceinline=True)
def orders(p: Any, now: Any, held: Any, wanted: Any, keep: float, full: float) -> Any:
    """Units to trade to the share `keep` of wanted positions."""
    return Four(
        order(p, held[0], now.price_1, wanted.one * keep, full),
        order(p, held[1], now.price_2, wanted.two * keep, full),
        order(p, held[2], now.price_3, wanted.three * keep, full),
        order(p, held[3], now.price_4, wanted.four * keep, full),
    )
