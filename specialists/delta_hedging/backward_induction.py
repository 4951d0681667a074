"""The exact optimum of hedging at a proportional cost, on a recombining binomial tree: compiled loops.

Hodges & Neuberger (1989), Review of Futures Markets 8:222-239; Davis, Panas & Zariphopoulou (1993), SIAM Journal on
Control and Optimization 31:470-493. A writer with utility -exp(-g W) of wealth at expiry holds y units. Let L_t(S, y)
be the cash that makes him indifferent to the option, the y units included; with g_t = g exp(r (T - t)),

    hold    exp(g_t L^h_t(S, y)) = E exp(g_(t+1) L_(t+1)(S', y))
    trade   L_t(S, y) = min over z of  L^h_t(S, z) + (z - y) S + l |z - y| S
    end     L_T(S, y) = payoff - y S + l S |y - delivered|

With X = L^h + y S the minimum is X itself where leaving y alone is best, and outside an interval [lower, upper] the
running minima of X +- l S y: one buys up to its lower edge, sells down to its upper one. X is convex in y.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fund.compiled import compiled

Floats = NDArray[np.float64]


class Tree(NamedTuple):
    """Numbers of the problem; node (t, j) has the spot S exp(move (2 j - t))."""

    steps: int
    spot: float
    strike: float
    sign: float
    move: float  # of the logarithm
    up: float  # probability
    growth: float  # of cash over a step
    cost: float  # l, before expiry
    set_up: float  # l at the first row
    unwind: float  # l at expiry
    delivery: float  # one where shares are delivered
    aversion: float  # g, for one option
    every: int  # steps between two trades


@compiled(nogil=True)
def spot_at(tree: Tree, t: int, j: int) -> float:
    """Spot of a node."""
    return tree.spot * math.exp(tree.move * (2 * j - t))


@compiled(nogil=True)
def _expiry(tree: Tree, grid: Floats) -> Floats:
    liability = np.empty((tree.steps + 1, grid.size))
    for j in range(tree.steps + 1):
        spot = spot_at(tree, tree.steps, j)
        payoff = max(tree.sign * (spot - tree.strike), 0.0)
        delivered = tree.sign if tree.delivery > 0.0 and payoff > 0.0 else 0.0
        for k in range(grid.size):
            liability[j, k] = payoff - grid[k] * spot + tree.unwind * spot * abs(grid[k] - delivered)
    return liability


@compiled(nogil=True)
def _hold(tree: Tree, ahead: Floats, t: int, j: int, grid: Floats, out: Floats) -> None:
    # X = L^h + y S at every y; g_t = g growth^(steps - t)
    after = tree.aversion * tree.growth ** (tree.steps - t - 1)
    now, spot = after * tree.growth, spot_at(tree, t, j)
    for k in range(grid.size):
        up, down = after * ahead[j + 1, k], after * ahead[j, k]
        top = max(up, down)
        mean = tree.up * math.exp(up - top) + (1.0 - tree.up) * math.exp(down - top)
        out[k] = (top + math.log(mean)) / now + grid[k] * spot


@compiled(nogil=True)
def induct(tree: Tree, grid: Floats) -> tuple[Floats, Floats, Floats]:
    """Liability (grid,) before the first trade, and edges (steps, steps + 1) of the region of no trade."""
    lower, upper = (
        np.full((tree.steps, tree.steps + 1), -np.inf),
        np.full((tree.steps, tree.steps + 1), np.inf),
    )
    ahead, held = _expiry(tree, grid), np.empty(grid.size)
    for t in range(tree.steps - 1, -1, -1):
        here = np.empty((t + 1, grid.size))
        rate = tree.set_up if t == 0 else tree.cost
        for j in range(t + 1):
            spot = spot_at(tree, t, j)
            _hold(tree, ahead, t, j, grid, held)
            if t % tree.every == 0:
                lower[t, j], upper[t, j] = _envelope(held, grid, rate * spot)
            for k in range(grid.size):
                here[j, k] = held[k] - grid[k] * spot
        ahead = here
    return ahead[0], lower, upper


@compiled(nogil=True)
def _envelope(held: Floats, grid: Floats, price: float) -> tuple[float, float]:
    # running minima of held + price y from above, and of held - price y from below; the edges of where neither helps
    best = held[grid.size - 1] + price * grid[grid.size - 1]
    low = grid.size - 1
    for k in range(grid.size - 2, -1, -1):
        cost = held[k] + price * grid[k]
        if cost <= best:
            best, low = cost, k
    top = held[0] - price * grid[0]
    high = 0
    for k in range(1, grid.size):
        cost = held[k] - price * grid[k]
        if cost <= top:
            top, high = cost, k
    for k in range(grid.size):
        if k < low:
            held[k] = best - price * grid[k]
        elif k > high:
            held[k] = top + price * grid[k]
    return grid[low], grid[high]


@compiled(nogil=True)
def evaluate(tree: Tree, grid: Floats, lower: Floats, upper: Floats) -> Floats:
    """Liability (grid,) before the first trade of one who clamps his hedge to given edges (steps, steps + 1)."""
    ahead, held = _expiry(tree, grid), np.empty(grid.size)
    width = grid[1] - grid[0]
    for t in range(tree.steps - 1, -1, -1):
        here = np.empty((t + 1, grid.size))
        rate = tree.set_up if t == 0 else tree.cost
        for j in range(t + 1):
            spot = spot_at(tree, t, j)
            _hold(tree, ahead, t, j, grid, held)
            for k in range(grid.size):
                y = min(max(grid[k], lower[t, j]), upper[t, j])
                place = min(max((y - grid[0]) / width, 0.0), grid.size - 1.000001)
                at = int(place)
                share = place - at
                value = held[at] * (1.0 - share) + held[at + 1] * share
                here[j, k] = value + rate * spot * abs(y - grid[k]) - grid[k] * spot
        ahead = here
    return ahead[0]
