"""What an action was worth: generalised advantages, and the units in which a critic learns."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

Floats = NDArray[np.float64]


def advantages(
    reward: Floats, value: Floats, last: Floats, ended: NDArray[np.bool_], gamma: float, gae_lambda: float
) -> Floats:
    """Generalised advantage estimates (Schulman et al., 2016, eq. 16), (T, n, agents) as `reward` and `value`.

        delta_t = r_t + gamma (1 - ended_t) V_(t+1) - V_t,     A_t = delta_t + gamma lambda (1 - ended_t) A_(t+1)

    `ended` (T, n) says whether an episode ended with step t, `last` (n, agents) is the value behind the last step.
    What lies behind an end by the clock is in `reward` already.
    """
    out = np.empty_like(value)
    ahead, next_value = np.zeros_like(last), last
    for t in range(len(reward) - 1, -1, -1):
        goes_on = gamma * ~ended[t][:, None]
        delta = reward[t] + goes_on * next_value - value[t]
        ahead = delta + goes_on * gae_lambda * ahead
        out[t], next_value = ahead, value[t]
    return out


class ValueNorm(nn.Module):
    """Mean and deviation of returns; each update weighs `memory` times as much as the next.

    After batches x_1 ... x_K the weight of x_k is proportional to memory^(K - k); with no batch yet it changes
    nothing. (Yu et al., 2022, section 3; after PopArt, van Hasselt et al., 2016, without its rescaling of the layer.)
    """

    total: Tensor
    mean_sum: Tensor
    square_sum: Tensor

    def __init__(self, memory: float) -> None:
        super().__init__()
        self.memory = memory
        for name in ("total", "mean_sum", "square_sum"):
            self.register_buffer(name, torch.zeros((), dtype=torch.float64))

    def update(self, x: Tensor) -> None:
        """Count in a batch of returns."""
        x = x.double()
        self.total.mul_(self.memory).add_(1.0)
        self.mean_sum.mul_(self.memory).add_(x.mean())
        self.square_sum.mul_(self.memory).add_((x * x).mean())

    @property
    def mean(self) -> float:
        """Of the returns."""
        return float(self.mean_sum / self.total) if self.total > 0 else 0.0

    @property
    def deviation(self) -> float:
        """Standard deviation of the returns, at least 1e-4."""
        if self.total == 0:
            return 1.0
        return max(float(self.square_sum / self.total) - self.mean**2, 1e-8) ** 0.5

    def into(self, x: Tensor) -> Tensor:
        """Returns in the critic's units."""
        return (x - self.mean) / self.deviation

    def out_of(self, x: Tensor) -> Tensor:
        """The critic's units as returns."""
        return x * self.deviation + self.mean
