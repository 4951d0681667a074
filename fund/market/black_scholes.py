"""Black and Scholes' formula with a yield: prices, Greeks and implied volatilities of European options.

The underlier pays a continuous yield q: a share's dividends, or the foreign rate of a currency (Garman & Kohlhagen,
1983, where `rate` is the domestic one). With s = +1 for a call and -1 for a put,

    value = s (S exp(-q T) N(s d1) - K exp(-r T) N(s d2))
    d1, d2 = (ln(S/K) + (r - q) T) / w +- w / 2,    w = sigma sqrt(T)

Where w is zero everything is the limit: the payoff on the forward, its slope, and at the forward itself the mean of
both sides. The scalar functions want spot and strike above zero, time and sigma not below; they are compiled into the
kernels that call them, and run as plain Python without compilation. The functions of arrays check what they are given.

References:
    Black & Scholes (1973), Journal of Political Economy 81:637-654; Merton (1973), Bell Journal of Economics 4:141-183;
    Garman & Kohlhagen (1983), Journal of International Money and Finance 2:231-237; Jaeckel (2006), "By implication".
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from fund.compiled import compiled
from fund.errors import InvalidParameter

Floats = NDArray[np.float64]

CALL, PUT = 1.0, -1.0
_ROOT_HALF = math.sqrt(0.5)
_DENSITY = 1.0 / math.sqrt(2.0 * math.pi)
_ITERATIONS = 100  # six are usual; bisection ends within a hundred


class Greeks(NamedTuple):
    """An option's price and its derivatives, each of the broadcast shape."""

    value: Floats
    delta: Floats  # by the spot
    gamma: Floats  # twice by the spot
    vega: Floats  # by sigma, for a change of one (100 points)
    theta: Floats  # by calendar time, a year
    vanna: Floats  # by the spot and sigma
    volga: Floats  # twice by sigma


@njit(forceinline=True)
def normal_cdf(x: float) -> float:
    """Standard normal distribution function, to full relative precision in the lower tail."""
    return 0.5 * math.erfc(-x * _ROOT_HALF)


@njit(forceinline=True)
def normal_pdf(x: float) -> float:
    """Standard normal density."""
    return _DENSITY * math.exp(-0.5 * x * x)


@njit(forceinline=True)
def d_plus(spot: float, strike: float, time: float, rate: float, dividend: float, sigma: float) -> float:
    """d1; where sigma sqrt(T) is zero its limit: infinite on either side of the forward, 0 at it."""
    money = math.log(spot / strike) + (rate - dividend) * time
    deviation = sigma * math.sqrt(time)
    if deviation > 0.0:
        return money / deviation + 0.5 * deviation
    if money > 0.0:
        return math.inf
    return -math.inf if money < 0.0 else 0.0


@njit(forceinline=True)
def value(
    sign: float, spot: float, strike: float, time: float, rate: float, dividend: float, sigma: float
) -> float:
    """Price of a call (sign +1) or put (-1)."""
    d1 = d_plus(spot, strike, time, rate, dividend, sigma)
    d2 = d1 - sigma * math.sqrt(time)
    received = spot * math.exp(-dividend * time) * normal_cdf(sign * d1)
    return max(sign * (received - strike * math.exp(-rate * time) * normal_cdf(sign * d2)), 0.0)


@njit(forceinline=True)
def delta(
    sign: float, spot: float, strike: float, time: float, rate: float, dividend: float, sigma: float
) -> float:
    """Derivative by the spot."""
    d1 = d_plus(spot, strike, time, rate, dividend, sigma)
    return sign * math.exp(-dividend * time) * normal_cdf(sign * d1)


@njit(forceinline=True)
def gamma(spot: float, strike: float, time: float, rate: float, dividend: float, sigma: float) -> float:
    """Second derivative by the spot, of call and put alike; zero where sigma sqrt(T) is zero."""
    width = spot * sigma * math.sqrt(time)
    if width <= 0.0:
        return 0.0
    return math.exp(-dividend * time) * normal_pdf(d_plus(spot, strike, time, rate, dividend, sigma)) / width


@njit(forceinline=True)
def vega(spot: float, strike: float, time: float, rate: float, dividend: float, sigma: float) -> float:
    """Derivative by sigma, of call and put alike."""
    density = normal_pdf(d_plus(spot, strike, time, rate, dividend, sigma))
    return spot * math.exp(-dividend * time) * density * math.sqrt(time)


@njit(forceinline=True)
def theta(
    sign: float, spot: float, strike: float, time: float, rate: float, dividend: float, sigma: float
) -> float:
    """Derivative by calendar time, a year; at expiry without the term of the gamma."""
    d1 = d_plus(spot, strike, time, rate, dividend, sigma)
    root = math.sqrt(time)
    received, paid = spot * math.exp(-dividend * time), strike * math.exp(-rate * time)
    carry = dividend * received * normal_cdf(sign * d1) - rate * paid * normal_cdf(sign * (d1 - sigma * root))
    decay = 0.5 * received * normal_pdf(d1) * sigma / root if root > 0.0 else 0.0
    return sign * carry - decay


@njit(forceinline=True)
def vanna(spot: float, strike: float, time: float, rate: float, dividend: float, sigma: float) -> float:
    """Derivative of delta by sigma, of vega by the spot; zero where sigma sqrt(T) is zero."""
    deviation = sigma * math.sqrt(time)
    if deviation <= 0.0:
        return 0.0
    d1 = d_plus(spot, strike, time, rate, dividend, sigma)
    return -math.exp(-dividend * time) * _by_density(d1, d1 - deviation) / sigma


@njit(forceinline=True)
def volga(spot: float, strike: float, time: float, rate: float, dividend: float, sigma: float) -> float:
    """Second derivative by sigma; zero where sigma sqrt(T) is zero."""
    root = math.sqrt(time)
    if sigma * root <= 0.0:
        return 0.0
    d1 = d_plus(spot, strike, time, rate, dividend, sigma)
    return spot * math.exp(-dividend * time) * root * _by_density(d1, d1 * (d1 - sigma * root)) / sigma


@njit(forceinline=True)
def _by_density(d1: float, factor: float) -> float:
    # beyond 38 deviations the density is zero, and the factor may be infinite
    return normal_pdf(d1) * factor if abs(d1) < 39.0 else 0.0


@njit
def implied_volatility(
    sign: float, price: float, spot: float, strike: float, time: float, rate: float, dividend: float
) -> float:
    """The sigma at which `value` is `price`: 0 at the lower arbitrage bound, NaN outside the bounds or at expiry.

    Newton's method within a bracket, on the out-of-the-money option of forward and strike. Below the inflection of
    the price b(w) the iteration is on (-ln b)^(-1/2), there almost linear in w (after Jaeckel, 2006).
    """
    received, paid = spot * math.exp(-dividend * time), strike * math.exp(-rate * time)
    unit = math.sqrt(received * paid)
    money = -abs(math.log(spot / strike) + (rate - dividend) * time)
    # parity: what is in the money is worth its intrinsic value and the other option
    target = (price - max(sign * (received - paid), 0.0)) / unit
    if not (time > 0.0 and target < math.exp(0.5 * money)) or target < -1e-14 * price / unit:
        return math.nan
    if target <= 0.0:
        return 0.0
    return _total_deviation(money, target) / math.sqrt(time)


@njit
def _normalised(money: float, w: float) -> tuple[float, float]:
    # out-of-the-money price over sqrt(forward strike), money = -|ln(F/K)|, and its derivative by w
    d1 = money / w + 0.5 * w
    half = math.exp(0.5 * money)
    return half * normal_cdf(d1) - normal_cdf(d1 - w) / half, half * normal_pdf(d1)


@njit
def _total_deviation(money: float, target: float) -> float:
    inflection = math.sqrt(-2.0 * money)
    w = max(inflection, target / _DENSITY) if target < 0.5 else max(inflection, 1.0)
    lower = inflection > 0.0 and target < _normalised(money, inflection)[0]
    w = inflection if lower else w
    low, high = 0.0, 80.0
    for _ in range(_ITERATIONS):
        found, slope = _normalised(money, w)
        if found > target:
            high = w
        else:
            low = w
        step = w
        if lower and 0.0 < found < 1.0 and slope > 0.0:
            log = -math.log(found)
            step = 2.0 * log * (1.0 - math.sqrt(log / -math.log(target))) * found / slope
        elif slope > 0.0:
            step = (found - target) / slope
        after = w - step
        if not low < after < high:
            after = 0.5 * (low + high)
        if abs(after - w) <= 4e-16 * w:
            return after
        w = after
    return w


@compiled
def _values(sign: Any, spot: Any, strike: Any, time: Any, rate: Any, dividend: Any, sigma: Any) -> Floats:
    out = np.empty(len(sign))
    for i in range(len(sign)):
        out[i] = value(sign[i], spot[i], strike[i], time[i], rate[i], dividend[i], sigma[i])
    return out


@compiled
def _greeks(sign: Any, spot: Any, strike: Any, time: Any, rate: Any, dividend: Any, sigma: Any) -> Floats:
    out = np.empty((7, len(sign)))
    for i in range(len(sign)):
        s, k, t, r, q, v = spot[i], strike[i], time[i], rate[i], dividend[i], sigma[i]
        out[0, i], out[1, i] = value(sign[i], s, k, t, r, q, v), delta(sign[i], s, k, t, r, q, v)
        out[2, i], out[3, i] = gamma(s, k, t, r, q, v), vega(s, k, t, r, q, v)
        out[4, i] = theta(sign[i], s, k, t, r, q, v)
        out[5, i], out[6, i] = vanna(s, k, t, r, q, v), volga(s, k, t, r, q, v)
    return out


@compiled
def _implied(sign: Any, price: Any, spot: Any, strike: Any, time: Any, rate: Any, dividend: Any) -> Floats:
    out = np.empty(len(sign))
    for i in range(len(sign)):
        out[i] = implied_volatility(sign[i], price[i], spot[i], strike[i], time[i], rate[i], dividend[i])
    return out


def values(
    sign: ArrayLike, spot: ArrayLike, strike: ArrayLike, time: ArrayLike,
    rate: ArrayLike, dividend: ArrayLike, sigma: ArrayLike,
) -> Floats:  # fmt: skip
    """Prices, of the broadcast shape. Raises InvalidParameter for a spot or strike that is not positive, ..."""
    shape, flat = _checked(
        "sign spot strike time rate dividend sigma", sign, spot, strike, time, rate, dividend, sigma
    )
    return _values(*flat).reshape(shape)


def greeks(
    sign: ArrayLike, spot: ArrayLike, strike: ArrayLike, time: ArrayLike,
    rate: ArrayLike, dividend: ArrayLike, sigma: ArrayLike,
) -> Greeks:  # fmt: skip
    """Prices and Greeks, each of the broadcast shape. Raises InvalidParameter."""
    shape, flat = _checked(
        "sign spot strike time rate dividend sigma", sign, spot, strike, time, rate, dividend, sigma
    )
    return Greeks(*_greeks(*flat).reshape(7, *shape))


def implied_volatilities(
    sign: ArrayLike, price: ArrayLike, spot: ArrayLike, strike: ArrayLike,
    time: ArrayLike, rate: ArrayLike, dividend: ArrayLike,
) -> Floats:  # fmt: skip
    """Implied volatilities, of the broadcast shape; NaN where no volatility gives the price.

    Raises InvalidParameter.
    """
    shape, flat = _checked(
        "sign price spot strike time rate dividend", sign, price, spot, strike, time, rate, dividend
    )
    return _implied(*flat).reshape(shape)


_WANTED: dict[str, tuple[str, Callable[[Floats], NDArray[np.bool_]]]] = {
    "sign": ("+1 for a call or -1 for a put", lambda x: np.abs(x) == 1.0),
    "spot": ("above zero", lambda x: (x > 0.0) & (x < np.inf)),
    "strike": ("above zero", lambda x: (x > 0.0) & (x < np.inf)),
    "time": ("zero or more years", lambda x: (x >= 0.0) & (x < np.inf)),
    "sigma": ("zero or more", lambda x: (x >= 0.0) & (x < np.inf)),
    "price": ("a finite number", np.isfinite),
    "rate": ("a finite number", np.isfinite),
    "dividend": ("a finite number", np.isfinite),
}


def _checked(names: str, *given: ArrayLike) -> tuple[tuple[int, ...], list[Floats]]:
    arrays = {name: np.asarray(a, dtype=np.float64) for name, a in zip(names.split(), given, strict=True)}
    for name, array in arrays.items():
        wanted, holds = _WANTED[name]
        fine = holds(array)
        if not np.all(fine):
            first = array[~fine].flat[0] if array.ndim else array
            raise InvalidParameter(f"option {name}: found {first}, wanted {wanted}")
    try:
        wide = np.broadcast_arrays(*arrays.values())
    except ValueError:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
        raise InvalidParameter(f"option: shapes do not broadcast: {shapes}") from None
    return wide[0].shape, [np.ascontiguousarray(array).ravel() for array in wide]
