"""The Riccati equation with constant coefficients, from zero.

    A' = c1 + c2 A + c3 A^2,  A(0) = 0,  A = -y'/(c3 y),  y = exp(c2 t/2) q,  q = cosh(ht) - c2 sinh(ht)/(2h),

with h = sqrt(c2^2 - 4 c1 c3)/2, which may be imaginary: q is then a cosine and A explodes at its first zero. Hence
int A = -ln(y)/c3, and a companion B' = (c2/2 + c3 A) B + b0 + b1 A, B(0) = 0, is

    B = (b0 - b1 c2/(2 c3)) (int q)/q - (b1/c3) (1 - 1/q).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Solution(NamedTuple):
    """A and its relatives at the times asked for."""

    a: Floats
    log_y: Floats
    area: Floats  # (int q)/q
    rise: Floats  # 1 - 1/q

    def companion(self, of: Riccati, b0: float, b1: float) -> Floats:
        """B of the module docstring."""
        return (b0 - b1 * of.c2 / (2.0 * of.c3)) * self.area - b1 / of.c3 * self.rise


class Riccati(NamedTuple):
    """The three coefficients; c3 is not 0."""

    c1: float
    c2: float
    c3: float

    @property
    def discriminant(self) -> float:
        """c2^2 - 4 c1 c3; below 0 every solution explodes."""
        return self.c2**2 - 4.0 * self.c1 * self.c3

    def explosion(self) -> float:
        """First time at which A is infinite."""
        h = math.sqrt(abs(self.discriminant)) / 2.0
        if self.discriminant < 0.0:
            return (math.pi / 2.0 - math.atan(self.c2 / (2.0 * h))) / h
        if self.c2 > 2.0 * h:
            return math.atanh(2.0 * h / self.c2) / h if h > 0.0 else 2.0 / self.c2
        return math.inf

    def solve(self, tau: Floats) -> Solution:
        """The solution at times `tau`, each before the explosion."""
        # everything scaled by exp(-ht), so that long horizons do not overflow
        h = np.sqrt(complex(self.discriminant)) / 2.0
        e = np.exp(-h * tau)
        sinh = tau * (1.0 + 0.0j) if h == 0.0 else -np.expm1(-2.0 * h * tau) / (2.0 * h)
        half = tau * (0.5 + 0.0j) if h == 0.0 else -np.expm1(-h * tau) / (2.0 * h)
        q = (1.0 + e * e) / 2.0 - self.c2 / 2.0 * sinh
        area = (sinh - self.c2 * half * half) / q
        log_y = self.c2 * tau / 2.0 + (h * tau + np.log(q)).real
        return Solution((self.c1 * sinh / q).real, log_y, area.real, (1.0 - e / q).real)
