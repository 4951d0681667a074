"""Three pairs of three currencies: what goes round the loop, and how long it can.

The pairs are base/home, home/terms and the cross base/terms, each quoted as units of its second currency for one of
its first. Round the loop one way, and the other, one unit becomes

    clockwise       home -> base -> terms -> home:   bid_cross / (ask_base_home ask_home_terms)
    anticlockwise   home -> terms -> base -> home:   bid_base_home bid_home_terms / ask_cross

and whatever the quotes, ln clockwise + ln anticlockwise = -(sum of ln ask/bid): no more than one way can pay.

Opportunities, a product above one, come as a Poisson process while there is none and last as a mixture of two
exponentials. The defaults reproduce what Fenn et al. find for executable quotes of EUR/USD/JPY, 2003 to 2005: 60% last
no longer than one second and 95% no longer than five, which no single exponential can; and 94% are of one basis point
or less, which an exponential of mean 1 / ln(1 / .06) basis points gives.

Reference:
    Fenn, Howison, McDonald, Williams & Johnson (2009), "The mirage of triangular arbitrage in the spot foreign
    exchange market", International Journal of Theoretical and Applied Finance 12:1105-1123.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from fund.compiled import compiled
from fund.errors import InvalidParameter

Floats = NDArray[np.float64]

PAIRS = ("base_home", "home_terms", "cross")
DRAWS = 4  # uniforms an opportunity: the wait for it, how long, how large, which way


class Loops(NamedTuple):
    """What one unit of the home currency becomes round the loop, each of the broadcast shape."""

    clockwise: Floats
    anticlockwise: Floats


def loops(bid: ArrayLike, ask: ArrayLike) -> Loops:
    """Products of executable rates; `bid` and `ask` (3, ...), pairs in the order of `PAIRS`.

    Raises InvalidParameter where a quote is not above zero or a pair is crossed.
    """
    b, a = np.asarray(bid, dtype=np.float64), np.asarray(ask, dtype=np.float64)
    if b.shape != a.shape or b.shape[:1] != (3,):
        raise InvalidParameter(f"bids of shape {b.shape}, asks of {a.shape}; wanted (3, ...) each")
    if not (np.all(b > 0.0) and np.all(a >= b)):
        pair = PAIRS[int(np.argwhere(~((b > 0.0) & (a >= b)))[0][0])]
        raise InvalidParameter(f"{pair}: wanted 0 < bid <= ask in every quote")
    return Loops(b[2] / (a[0] * a[1]), b[0] * b[1] / a[2])


@dataclass(frozen=True)
class Durations:
    """A mixture of two exponentials, in seconds."""

    fast_share: float = 0.454
    fast_rate: float = 2.0  # a second
    slow_rate: float = 0.478

    def __post_init__(self) -> None:
        if not (0.0 <= self.fast_share <= 1.0 and self.fast_rate > 0.0 and self.slow_rate > 0.0):
            raise InvalidParameter(f"{self}: wanted a share from 0 to 1 and rates above 0")

    @property
    def mean(self) -> float:
        """Mean duration."""
        return self.fast_share / self.fast_rate + (1.0 - self.fast_share) / self.slow_rate

    @property
    def fast_share_of_time(self) -> float:
        """Share of the time with an opportunity that the fast kind has: what a look at a random time meets."""
        return self.fast_share / self.fast_rate / self.mean

    def shorter_than(self, seconds: ArrayLike) -> Floats:
        """Probability that one lasts no longer."""
        t = np.asarray(seconds, dtype=np.float64)
        fast, slow = np.exp(-self.fast_rate * t), np.exp(-self.slow_rate * t)
        return np.asarray(1.0 - self.fast_share * fast - (1.0 - self.fast_share) * slow)

    def time_open(self, rate: float) -> float:
        """Share of the time that an opportunity is open, where they come at `rate` a second while none is."""
        return rate * self.mean / (1.0 + rate * self.mean)


@njit(forceinline=True)
def mixed_exponential(uniform: float, fast_share: float, fast_rate: float, slow_rate: float) -> float:
    """A draw from a mixture of two exponentials by one uniform on (0, 1]."""
    if uniform <= fast_share:
        return -math.log(uniform / fast_share) / fast_rate
    return -math.log((uniform - fast_share) / (1.0 - fast_share)) / slow_rate


def most_opportunities(rate: float, seconds: float) -> int:
    """How many draws are enough for a span of time: ten standard deviations above the mean."""
    mean = rate * seconds
    return math.ceil(mean + 10.0 * math.sqrt(mean) + 10.0)


@compiled(nogil=True)
def open_at(
    uniforms: Floats,  # (n, most, DRAWS)
    rate: float,
    durations: tuple[float, float, float],
    mean_size: float,
    seconds: float,
    size: Floats,  # (rows, n), written
    age: Floats,  # (rows, n), written
) -> None:
    """Size, signed (+ clockwise), and age in seconds of the opportunity open at each row; zero where there is none.

    Row t is at t x `seconds`. Starts and ends lie anywhere between rows.
    """
    fast_share, fast_rate, slow_rate = durations
    rows, n = size.shape
    for i in range(n):
        start, end, edge, which = 0.0, 0.0, 0.0, 0
        for t in range(rows):
            now = t * seconds
            while end <= now and which < uniforms.shape[1] and rate > 0.0:
                start = end - math.log(uniforms[i, which, 0]) / rate
                end = start + mixed_exponential(uniforms[i, which, 1], fast_share, fast_rate, slow_rate)
                edge = -math.log(uniforms[i, which, 2]) * mean_size
                edge = edge if uniforms[i, which, 3] < 0.5 else -edge
                which += 1
            is_open = start <= now < end
            size[t, i] = edge if is_open else 0.0
            age[t, i] = now - start if is_open else 0.0
