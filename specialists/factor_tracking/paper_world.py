"""One asset whose returns two signals predict, as Garleanu & Pedersen (2013) state it.

    P' = P + B_1 f_1 + B_2 f_2 + sqrt(Sigma) u,     f_j' = (1 - phi_j) f_j + eps_j,     f_j of unit variance for ever

P is a price of one unit, so that P&L is arithmetic. f_1 stands in the slot and column of value's valuation
spread, f_2 in that of momentum's; the held position in that of value's weight. All other slots are silent:
the other two instruments never move and are never traded. `return_noise` scales u alone, not the risk
penalty: at zero an agent learns the same policy from expected returns. `signal_noise` scales eps alone: the
problem is linear-quadratic, so its best policy does not depend on the noise at all (certainty equivalence; Simon 1956,
Theil 1957), and training may do without it where episodes start all over the state space. A position held at the
start, uniform within `initial_position` of the limit, stands in the column of quality's valuation spread.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fund.compiled import compiled
from fund.market.streams import Paths
from fund.market.tape import Tape
from specialists.factor_tracking.features import COLUMN, VALUATION_Z, checked, empty

if TYPE_CHECKING:
    from specialists.factor_tracking.strategy import FactorTracking

Floats = NDArray[np.float64]

CHUNK = 256  # paths drawn together
PRICE = 1000.0


def record(desk: FactorTracking, paths: Paths) -> Tape:
    """The tape of these paths."""
    tape, steps = empty(desk.n_steps, len(paths)), desk.n_steps
    prices, volatilities = COLUMN.market + 1, COLUMN.value_volatility
    tape.block[:, :prices], tape.block[:, volatilities : volatilities + 3] = PRICE, 1.0
    numbers = np.array([desk.loading_1, desk.loading_2, 1.0 - desk.phi_1, 1.0 - desk.phi_2])
    bound = 2.0 * desk.initial_position * desk.position_limit
    deviation = desk.return_noise * math.sqrt(desk.sigma)
    for cut, some in paths.parts(CHUNK):
        streams = some.streams(desk.name)
        start = streams.normal("start", 2)
        shocks = desk.signal_noise * streams.normal("signals", steps, 2)
        if bound > 0.0:
            tape.block[:, COLUMN.quality_z, cut] = bound * (streams.uniform("position", 1)[:, 0] - 0.5)
        _walk(tape.block[:, :, cut], numbers, start, shocks, deviation * streams.normal("returns", steps))
    for slot, column in zip(VALUATION_Z[:2], ("value_z", "momentum_z"), strict=True):
        tape.features[:, :, slot] = tape[column]
    return checked(tape)


@compiled(nogil=True)
def _walk(block: Floats, numbers: Floats, start: Floats, shocks: Floats, noise: Floats) -> None:
    b_1, b_2, kept_1, kept_2 = numbers
    fresh_1, fresh_2 = math.sqrt(1.0 - kept_1**2), math.sqrt(1.0 - kept_2**2)
    for i in range(block.shape[2]):
        f_1, f_2 = start[i]
        block[0, 4, i], block[0, 5, i] = f_1, f_2
        for t in range(noise.shape[1]):
            block[t + 1, 0, i] = block[t, 0, i] + b_1 * f_1 + b_2 * f_2 + noise[i, t]
            f_1 = kept_1 * f_1 + fresh_1 * shocks[i, t, 0]
            f_2 = kept_2 * f_2 + fresh_2 * shocks[i, t, 1]
            block[t + 1, 4, i], block[t + 1, 5, i] = f_1, f_2
