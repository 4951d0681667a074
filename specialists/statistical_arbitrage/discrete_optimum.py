"""The best position in a mean-reverting spread when one may trade at n times only, by dynamic programming.

With y = x sqrt(kappa)/sigma and h = kappa horizon/n the spread moves exactly, y' = y exp(-h) + sqrt((1-exp(-2h))/2) z,
and wealth becomes W (1 + a (y' - y)), a being the position per unit of wealth. Power utility factorises, so that the
value is W^g/g exp(v_t(y)) and

    exp(v_t(y)) / g = max over a of E[(1 + a (y' - y))^g exp(v_{t+1}(y'))] / g,         v_n = 0,
    v_t(y) = max over a of E[ln(1 + a (y' - y))] + E[v_{t+1}(y')]                        for log (g = 0).

Both are concave in a: a safeguarded Newton iteration solves the first-order condition on every node of y, and a bound
on the position cuts the result. Expectations are Gauss-Hermite sums; v is interpolated by local cubics, and constant
beyond the outermost nodes, so that the outermost standard deviation of y is rough, and nothing else.

Ruin: a normal shock has no bound, so that for g <= 0 any position held over a finite step has utility -infinity.
The sum over nodes is the same problem with shocks that end at the outermost node (5.2 standard deviations for 11
nodes), and positions are kept where no node ruins. With hundreds of steps that limit lies beyond every position that is
ever taken; with a handful of steps it binds, and the answer belongs to the truncated shock.

Costs of trading would add the position held to the state and are left out.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from specialists.statistical_arbitrage.theory import require, require_positive

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Policy = Callable[[int, Floats], Floats]  # step and distances from the mean -> positions per unit of wealth

_NEWTON_STEPS = 100


@dataclass(frozen=True)
class Grid:
    """How finely the distance from the mean and the shock are cut."""

    half_width: float = 6.0  # in stationary standard deviations
    nodes: int = 401  # of the distance
    shocks: int = 11  # nodes of the Gauss-Hermite sum


@dataclass(frozen=True)
class Problem:
    """An investor with power utility W^g/g (log for 0) who trades a spread `n_steps` times until `horizon`."""

    horizon: float
    n_steps: int
    g: float
    kappa: float = 1.0  # speed of mean reversion
    sigma: float = 1.0  # volatility
    max_position: float = math.inf  # absolute, units of spread per unit of wealth

    def __post_init__(self) -> None:
        require_positive(horizon=self.horizon, kappa=self.kappa, sigma=self.sigma)
        require(self.n_steps >= 1, f"n_steps = {self.n_steps}", "1 or more")
        require(math.isfinite(self.g) and self.g < 1.0, f"g = {self.g}", "a finite number below 1")
        require(self.max_position >= 0.0, f"max_position = {self.max_position}", "0 or more")

    @property
    def unit(self) -> float:
        """The spread's sigma/sqrt(kappa), by which distances are measured."""
        return self.sigma / math.sqrt(self.kappa)


@dataclass(frozen=True, eq=False)
class DiscreteOptimum:
    """Value and position at every trading time."""

    x: Floats  # (m,), distance from the mean
    position: Floats  # (n_steps, m), units of spread per unit of wealth, held from step t to t+1
    certainty_equivalents: Floats  # (m,), sure final wealth worth starting at x with wealth 1

    def decide(self, step: int, x: ArrayLike) -> Floats:
        """Positions at the distances `x`, linear between the nodes and constant beyond them."""
        return np.interp(np.asarray(x, dtype=np.float64), self.x, self.position[step])

    def certainty_equivalent(self, x: float = 0.0) -> float:
        """Sure final wealth worth starting at distance `x` with wealth 1."""
        places, shares = _local_cubic(self.x, np.clip(x, self.x[0], self.x[-1]))
        return float(np.exp(np.log(self.certainty_equivalents[places]) @ shares))


def discrete_optimum(problem: Problem, grid: Grid | None = None) -> DiscreteOptimum:
    """The optimal positions of `problem` on its own trading times."""
    chain = _Chain.of(problem, grid or Grid())
    limit = problem.max_position * problem.unit
    value = np.zeros_like(chain.y)
    positions = np.zeros((problem.n_steps, chain.y.size))
    guess = np.zeros_like(chain.y)
    for t in range(problem.n_steps - 1, -1, -1):
        ahead = chain.ahead(value)
        guess = chain.best(ahead, problem.g, guess)
        held = np.clip(guess, -limit, limit)
        positions[t] = held / problem.unit
        value = chain.worth(held, ahead, problem.g)
    return DiscreteOptimum(chain.y * problem.unit, positions, np.exp(value / (problem.g or 1.0)))


def policy_worth(problem: Problem, policy: Policy, grid: Grid | None = None) -> DiscreteOptimum:
    """What `policy` is worth, and holds, on the trading times of `problem` and within its limits."""
    chain = _Chain.of(problem, grid or Grid())
    limit = problem.max_position * problem.unit
    value = np.zeros_like(chain.y)
    positions = np.zeros((problem.n_steps, chain.y.size))
    for t in range(problem.n_steps - 1, -1, -1):
        wanted = np.asarray(policy(t, chain.y * problem.unit), dtype=np.float64) * problem.unit
        held = np.clip(np.clip(wanted, -limit, limit), chain.lowest, chain.highest)
        positions[t] = held / problem.unit
        value = chain.worth(held, chain.ahead(value), problem.g)
    return DiscreteOptimum(chain.y * problem.unit, positions, np.exp(value / (problem.g or 1.0)))


@dataclass(frozen=True, eq=False)
class _Chain:
    y: Floats  # (m,), distance in units
    moves: Floats  # (m, k), y' - y
    weights: Floats  # (k,), of the shocks
    places: Integers  # (m, k, 4), nodes around y'
    shares: Floats  # (m, k, 4), their weights in the local cubic
    lowest: Floats  # (m,), positions at which the worst shock leaves next to nothing
    highest: Floats

    @staticmethod
    def of(problem: Problem, grid: Grid) -> _Chain:
        require(grid.nodes >= 4 and grid.shocks >= 2, f"{grid}", "at least 4 nodes and 2 shocks")
        h = problem.kappa * problem.horizon / problem.n_steps
        z, weights = np.polynomial.hermite_e.hermegauss(grid.shocks)
        y = np.linspace(-1.0, 1.0, grid.nodes) * grid.half_width * math.sqrt(0.5)
        after = y[:, None] * math.exp(-h) + math.sqrt(-math.expm1(-2.0 * h) / 2.0) * z
        places, shares = _local_cubic(y, np.clip(after, y[0], y[-1]))
        moves = after - y[:, None]
        spare = 1.0 - 1e-9
        up, down = moves.max(axis=1), -moves.min(axis=1)
        lowest = np.where(up > 0.0, -spare / np.where(up > 0.0, up, 1.0), -np.inf)
        highest = np.where(down > 0.0, spare / np.where(down > 0.0, down, 1.0), np.inf)
        return _Chain(y, moves, weights / weights.sum(), places, shares, lowest, highest)

    def ahead(self, value: Floats) -> Floats:
        # v_{t+1}(y') at every node and shock
        return np.einsum("mkj,mkj->mk", value[self.places], self.shares)

    def best(self, ahead: Floats, g: float, guess: Floats) -> Floats:
        weights = self.weights * (np.exp(ahead - ahead.max(axis=1, keepdims=True)) if g != 0.0 else 1.0)
        low, high, a = self.lowest.copy(), self.highest.copy(), guess
        for _ in range(_NEWTON_STEPS):
            growth = 1.0 + a[:, None] * self.moves
            curve = weights * self.moves * growth ** (g - 2.0)
            slope = np.sum(curve * growth, axis=1)
            low, high = np.where(slope > 0.0, a, low), np.where(slope > 0.0, high, a)
            after = a + slope / ((1.0 - g) * np.sum(curve * self.moves, axis=1))
            after = np.where((after < low) | (after > high), 0.5 * (low + high), after)
            done = np.abs(after - a) <= 1e-12 * (1.0 + np.abs(a))
            a = after
            if done.all():
                break
        return a

    def worth(self, held: Floats, ahead: Floats, g: float) -> Floats:
        log_growth = np.log1p(held[:, None] * self.moves)
        if g == 0.0:
            return (log_growth + ahead) @ self.weights
        log_utility = g * log_growth + ahead
        top = log_utility.max(axis=1)
        return top + np.log(np.exp(log_utility - top[:, None]) @ self.weights)


def _local_cubic(nodes: Floats, points: Floats) -> tuple[Integers, Floats]:
    # Lagrange weights on the four evenly spaced nodes around each point, the outermost four next to the ends
    step = nodes[1] - nodes[0]
    first = np.clip(np.floor((points - nodes[0]) / step).astype(np.int64) - 1, 0, nodes.size - 4)
    u = (points - nodes[first]) / step
    shares = np.stack(
        [
            -(u - 1.0) * (u - 2.0) * (u - 3.0) / 6.0,
            u * (u - 2.0) * (u - 3.0) / 2.0,
            -u * (u - 1.0) * (u - 3.0) / 2.0,
            u * (u - 1.0) * (u - 2.0) / 6.0,
        ],
        axis=-1,
    )
    return first[..., None] + np.arange(4), shares
