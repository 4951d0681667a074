"""Choices as directions and as probabilities, and who is paid what share of a reward."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from fund.compiled import compiled
from fund.errors import InvalidAction

Floats = NDArray[np.float64]


@cache
def direction_of(count: int) -> Floats:
    """-1 to 1, the direction of each choice."""
    return np.linspace(-1.0, 1.0, count)


@cache
def sides_of(count: int) -> Floats:
    """(count, 3): what each choice is of short, neutral and long."""
    d = direction_of(count)
    return np.stack([np.maximum(-d, 0.0), 1.0 - np.abs(d), np.maximum(d, 0.0)], axis=1)


def sided(shares: Floats) -> Floats:
    """Probabilities of choices (n, count) as those of short, neutral and long, (n, 3)."""
    if shares.shape[1] == 3:
        return shares
    return np.asarray((shares[:, :, None] * sides_of(shares.shape[1])).sum(axis=1))


@compiled(nogil=True)
def share_out(parts: Floats, shares: Floats) -> Floats:
    """(n, agents) of parts (parts, n) and the agents' shares of them (parts, agents)."""
    out = np.zeros((parts.shape[1], shares.shape[1]))
    for i in range(out.shape[0]):
        for a in range(out.shape[1]):
            for k in range(parts.shape[0]):
                out[i, a] += parts[k, i] * shares[k, a]
    return out


def shaped(given: Floats, wanted: tuple[int, int], name: str) -> Floats:
    """`given` in the wanted shape; raises InvalidAction."""
    if given.shape == wanted:
        return given
    if wanted[1] == 1 and given.shape == wanted[:1]:
        return given[:, None]
    raise InvalidAction(f"{name}: actions of shape {given.shape}, wanted {wanted}")


def distribution(given: Floats) -> Floats:
    """Weights (n, count) as probabilities: no preference where all are 0; raises InvalidAction."""
    if not np.isfinite(given).all():
        raise InvalidAction(f"a probability is {given[~np.isfinite(given)][0]}, wanted finite")
    weight = np.maximum(given, 0.0)
    total = weight.sum(axis=1, keepdims=True)
    return np.where(total > 0.0, weight / np.where(total > 0.0, total, 1.0), 1.0 / given.shape[1])
