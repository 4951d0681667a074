"""The optimum of hedging at a proportional cost on the environment's own binomial grid, and exact prices of any band.

The problem and its recursion are in `backward_induction`. Prices are indifference prices of the writer of one option:
what he asks for so as to be as well off with the option and its hedge as without.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fund.errors import InvalidParameter
from specialists.delta_hedging.backward_induction import Tree, evaluate, induct
from specialists.delta_hedging.theory import Band

if TYPE_CHECKING:
    from specialists.delta_hedging.strategy import DeltaHedging

Floats = NDArray[np.float64]

WIDTH = 0.001  # of the grid of hedges
LEAST, MOST = -0.1, 1.1  # hedges of a call, units an option


@dataclass(frozen=True)
class Solution:
    """The optimum: price of the first row, and edges (steps, steps + 1) by step and number of ups."""

    price: float
    band: Band


def tree_of(desk: DeltaHedging) -> Tree:
    """The strategy's own grid; raises InvalidParameter, naming what keeps it from being one."""
    wanted = {
        "market": (desk.market, desk.market == "binomial"),
        "history": (desk.history is not None, desk.history is None),
        "objective": (desk.objective, desk.objective == "cara"),
        "risk_aversion": (desk.risk_aversion, desk.risk_aversion > 0.0),
        "dividend": (desk.dividend, desk.dividend == 0.0),
    }
    for name, (found, fine) in wanted.items():
        if not fine:
            raise InvalidParameter(
                f"{desk.name}: no optimum is known with {name} {found}; wanted the preset hodges_neuberger"
            )
    units = desk.notional / desk.spot
    return Tree(
        desk.option_steps, desk.spot, desk.strike, desk.sign, desk.move, desk.up_probability,
        1.0 + desk.growth, desk.cost_rate, desk.set_up_rate, desk.unwind_rate, desk.delivery,
        desk.risk_aversion * units, desk.rebalance_steps,
    )  # fmt: skip


def hedges(sign: float, width: float = WIDTH) -> Floats:
    """The grid of hedges, (k,); zero is on it."""
    grid = np.arange(round(LEAST / width), round(MOST / width) + 1) * width
    return np.asarray(grid if sign > 0.0 else -grid[::-1], dtype=np.float64)


def optimum(tree: Tree, width: float = WIDTH) -> Solution:
    """Solve the tree by backward induction on a grid of hedges."""
    grid = hedges(tree.sign, width)
    value, lower, upper = induct(tree, grid)
    return Solution(float(value[np.argmin(np.abs(grid))]), Band(lower, upper))


def price_of(tree: Tree, band: Band, width: float = WIDTH) -> float:
    """Indifference price of one who clamps his hedge to a band, edges (steps, steps + 1); no simulation."""
    grid = hedges(tree.sign, width)
    return float(evaluate(tree, grid, *band)[np.argmin(np.abs(grid))])


def spots(tree: Tree) -> Floats:
    """Spot (steps, steps + 1) by step and number of ups; nodes that cannot be reached continue the row."""
    step, ups = np.arange(tree.steps)[:, None], np.arange(tree.steps + 1)[None, :]
    return np.asarray(tree.spot * np.exp(tree.move * (2 * ups - step)))
