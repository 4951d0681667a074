"""What a trade costs: quantity and price in, price and fee out; the same two functions for every desk and stage.

take   crosses the spread:  price = mid (1 +- half_spread),  fee = rate |q| price
make   trades at our own quote:  price = quote,  fee = -rebate |q| quote

A fee below zero is a rebate; the ledger books it on a line of its own.
"""

from __future__ import annotations

from numba import njit


@njit(inline="always")
def take(quantity: float, mid: float, half_spread: float, rate: float) -> tuple[float, float]:
    """Price and fee of crossing the spread for `quantity` units (signed); no trade costs nothing."""
    side = 1.0 if quantity > 0.0 else -1.0
    price = mid * (1.0 + side * half_spread)
    return price, rate * abs(quantity) * abs(price)


@njit(inline="always")
def make(quantity: float, quote: float, rebate: float) -> tuple[float, float]:
    """Price and fee (negative: a rebate) of being filled at our own quote."""
    return quote, -rebate * abs(quantity) * abs(quote)
