"""The best that can be done on Garleanu and Pedersen's problem when positions are restricted to a few levels.

The desk's action is one of a finite set, so its optimum lies below the linear-quadratic one. Here it is computed by
dynamic programming: the position is one of L levels, the moves may be limited, and each factor is a Markov chain.

The chain is Rouwenhorst's: N equally spaced nodes of spacing 2 sigma / sqrt(N - 1), binomial in the long run. It
reproduces the AR(1)'s conditional mean, autocorrelation and long-run variance exactly, at any N. A linear-quadratic
problem depends on nothing else, so the linear-quadratic value on the chain *is* the closed form
(`theory.optimal_value`), and restricting positions can only lower it: no discretised value exceeds the closed form.

Value iteration, with G(x', f) = delta (x' B f - gamma/2 Sigma x'^2 + E[V(x', f') | f]):

    V(x, f) = max over allowed x' of  G(x', f) - lambda/2 Sigma (x' - x)^2

stopped by MacQueen's bounds, which hold the error of the value below the tolerance.

Sources: Rouwenhorst (1995); Kopecky & Suen (2010), "Finite state Markov-chain approximations to highly persistent
processes", Review of Economic Dynamics 13:701-714; MacQueen (1966), J. Math. Anal. Appl. 14:38-43.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RegularGridInterpolator
from scipy.stats import binom

from fund.errors import InvalidParameter
from specialists.factor_tracking.theory import TradingProblem

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Integers = NDArray[np.int64]

MAX_SWEEPS = 50_000


@dataclass(frozen=True, eq=False)
class DiscreteOptimum:
    """Value and policy of the best strategy on a grid of positions."""

    value: float  # from no position and factors in their long-run distribution
    levels: Floats  # (L,), positions
    moves: Bools  # (L, L), moves[i, j]: from level i one may go to level j
    nodes: tuple[Floats, ...]  # k grids of factor values
    policy: Integers  # (L, N_1, ..., N_k), index of the level to go to
    action_value: Floats  # (L, N_1, ..., N_k), G of the level gone to, before the cost of going there
    cost: Floats  # (L, L), of going from level i to level j

    def decide(self, held: Integers, factors: Floats) -> Integers:
        """Indices of the levels to go to; `held` (m,) indices of the levels held, `factors` (m, k) of any value.

        G is interpolated between the nodes of the chains, so the policy is played between them, too.
        """
        inside = np.column_stack([np.clip(factors[:, j], g[0], g[-1]) for j, g in enumerate(self.nodes)])
        gains = RegularGridInterpolator(self.nodes, np.moveaxis(self.action_value, 0, -1))(inside)
        offers = np.where(self.moves[held], gains - self.cost[held], -np.inf)
        return np.argmax(offers, axis=1)


def rouwenhorst(persistence: float, deviation: float, n_nodes: int) -> tuple[Floats, Floats]:
    """Markov chain for an AR(1) of mean zero: nodes (N,) and transition matrix (N, N), rows from, columns to.

    Raises InvalidParameter for fewer than two nodes or a persistence outside (-1, 1).
    """
    if n_nodes < 2 or not -1.0 < persistence < 1.0:
        raise InvalidParameter(
            f"n_nodes={n_nodes}, persistence={persistence}; wanted n_nodes >= 2 and |p| < 1."
        )
    p = 0.5 * (1.0 + persistence)
    chain = np.array([[p, 1.0 - p], [1.0 - p, p]])
    for n in range(3, n_nodes + 1):
        larger = np.zeros((n, n))
        larger[:-1, :-1] += p * chain
        larger[:-1, 1:] += (1.0 - p) * chain
        larger[1:, :-1] += (1.0 - p) * chain
        larger[1:, 1:] += p * chain
        larger[1:-1] *= 0.5
        chain = larger
    return np.linspace(-1.0, 1.0, n_nodes) * deviation * np.sqrt(n_nodes - 1), chain


def all_moves(n_levels: int) -> Bools:
    """From any level to any level: the action names the position."""
    return np.ones((n_levels, n_levels), dtype=np.bool_)


def limited_moves(n_levels: int, reach: int) -> Bools:
    """At most `reach` levels up or down: the action names the trade."""
    index = np.arange(n_levels)
    return np.asarray(np.abs(index[:, None] - index[None, :]) <= reach)


def discrete_optimum(
    problem: TradingProblem,
    levels: Floats,
    moves: Bools | None = None,
    n_nodes: tuple[int, ...] = (15, 41),
    tolerance: float = 1e-9,
) -> DiscreteOptimum:
    """The optimum with positions restricted to `levels` (L,), for one asset and independent factors.

    `moves` (L, L) says which level may follow which, all where omitted. `n_nodes` gives one chain length per factor,
    `tolerance` the error allowed in the value. From no position the first move may go where the level nearest to
    none may.
    Raises InvalidParameter for several assets, dependent factors or shapes that do not fit.
    """
    levels = np.asarray(levels, dtype=np.float64)
    moves = all_moves(len(levels)) if moves is None else np.asarray(moves, dtype=np.bool_)
    _check(problem, levels, moves, n_nodes)
    nodes, chains, weights = _factor_chains(problem, n_nodes)
    grids = np.meshgrid(*nodes, indexing="ij")
    premium = sum(b * grid for b, grid in zip(problem.loadings[0], grids, strict=True))
    variance = float(problem.sigma[0, 0])
    shape = (len(levels),) + (1,) * len(nodes)
    x = levels.reshape(shape)
    reward = problem.delta * (x * premium - 0.5 * problem.gamma * variance * x**2)
    cost = 0.5 * problem.lambda_ * variance * (levels[None, :] - levels[:, None]) ** 2
    allowed_cost = np.where(moves, cost, np.inf)
    gains = _iterate(reward, allowed_cost, chains, problem.delta, tolerance)
    policy = np.stack([np.argmax(gains - row.reshape(shape), axis=0) for row in allowed_cost])
    entry = np.where(moves[np.argmin(np.abs(levels))], 0.5 * problem.lambda_ * variance * levels**2, np.inf)
    value = float(np.sum(np.max(gains - entry.reshape(shape), axis=0) * weights))
    return DiscreteOptimum(value, levels, moves, nodes, policy, gains, cost)


def _check(problem: TradingProblem, levels: Floats, moves: Bools, n_nodes: tuple[int, ...]) -> None:
    n, k = problem.loadings.shape
    if n != 1:
        raise InvalidParameter(f"The problem has {n} assets; wanted one.")
    for name, matrix in (("phi", problem.phi), ("omega", problem.omega)):
        if np.any(matrix != np.diag(np.diag(matrix))):
            raise InvalidParameter(f"{name} is not diagonal; wanted independent factors.")
    if len(n_nodes) != k:
        raise InvalidParameter(f"n_nodes has {len(n_nodes)} entries; wanted one per factor, {k}.")
    if levels.ndim != 1 or moves.shape != (len(levels), len(levels)):
        raise InvalidParameter(
            f"moves has shape {moves.shape} for levels of shape {levels.shape}; wanted (L, L)."
        )
    if not moves.any(axis=1).all():
        raise InvalidParameter("moves leaves a level with nowhere to go; wanted one move at least from each.")


def _factor_chains(
    problem: TradingProblem, n_nodes: tuple[int, ...]
) -> tuple[tuple[Floats, ...], list[Floats], Floats]:
    deviations = np.sqrt(np.diag(problem.factor_covariance))
    persistence = np.diag(problem.decay)
    pairs = [rouwenhorst(p, d, n) for p, d, n in zip(persistence, deviations, n_nodes, strict=True)]
    weights = reduce(np.multiply.outer, [binom.pmf(np.arange(n), n - 1, 0.5) for n in n_nodes])
    return tuple(nodes for nodes, _ in pairs), [chain for _, chain in pairs], weights


def _iterate(reward: Floats, cost: Floats, chains: list[Floats], delta: float, tolerance: float) -> Floats:
    # MacQueen: the true value lies between V + least change * delta/rho and V + greatest change * delta/rho.
    shape = (len(reward),) + (1,) * (reward.ndim - 1)
    values = np.zeros_like(reward)
    for _ in range(MAX_SWEEPS):
        gains = reward + delta * _expect(values, chains)
        new = np.stack([np.max(gains - row.reshape(shape), axis=0) for row in cost])
        low, high = (new - values).min(), (new - values).max()
        values = new
        ahead = delta / (1.0 - delta)
        if (high - low) * ahead <= 2.0 * tolerance:
            shift = 0.5 * (low + high) * ahead
            return np.asarray(gains + shift)
    raise InvalidParameter(f"Value iteration did not settle in {MAX_SWEEPS} sweeps; tolerance={tolerance}.")


def _expect(values: Floats, chains: list[Floats]) -> Floats:
    for axis, chain in enumerate(chains, start=1):
        values = np.moveaxis(np.tensordot(values, chain, axes=(axis, 1)), -1, axis)
    return values
