"""What the stages of a chain see: bars of the chain's own days, as tapes of the stages' worlds.

The minutes of the days before, each from one mid to the next, make bars of any length: 30 minutes for strategic, 5 for
tactical and risk. Indicators and estimates are the stages' own code, over the bars up to the open of the day, so that
a stage sees in the chain what it would see in its environment of the same bars. A path is an instrument of a world,
or for risk four of them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fund.errors import DataError
from fund.grandmodel.bar_strategy import OPENS, BarStrategy, Drawn
from fund.grandmodel.bars import Bars, aggregate
from fund.grandmodel.intent import Intent
from fund.grandmodel.risk.market import Start, lay_out
from fund.grandmodel.risk.strategy import RiskManagement
from fund.market.streams import Paths
from fund.market.tape import Tape, empty_block
from fund.strategy import names

Floats = NDArray[np.float64]

SLACK = 2  # bars beyond those that the indicators need
RISK_BARS, USUAL_BARS = 156, 100  # 5-minute bars of the estimates, and of what is usual before them


def warm_up_days(session: int) -> int:
    """Days of so many minutes before the first, after which every stage has the bars that it needs."""
    from fund.grandmodel.strategic.strategy import Strategic
    from fund.grandmodel.tactical.strategy import Tactical

    bars = {30: _wanted(Strategic()), 5: max(_wanted(Tactical()), RISK_BARS + USUAL_BARS + 1)}
    return max(-(-count // -(-session // minutes)) for minutes, count in bars.items())


def _wanted(world: BarStrategy) -> int:
    return world.needed + world.window + SLACK


def minutes_of(intent: Intent) -> Bars:
    """One-minute bars of the days before, a path an instrument of a world."""
    opened = _by_path(intent.mids)
    close = np.concatenate([opened[:, 1:], intent.price.reshape(-1, 1)], axis=1)
    clock = np.arange(opened.shape[1])
    return Bars(
        opened, np.maximum(opened, close), np.minimum(opened, close), close, _by_path(intent.volumes),
        clock % intent.session, clock // intent.session, 1, intent.session,
    )  # fmt: skip


def _by_path(x: Floats) -> Floats:
    return np.ascontiguousarray(x.reshape(len(x), -1).T)


def bar_tape(world: BarStrategy, bars: Bars, half_spread: float) -> Tape:
    """Row 0 is the end of the last bar, row 1 the same again; the rows before are what agents look back on.

    Raises DataError where there are too few bars.
    """
    whole = aggregate(bars, world.minutes)
    if whole.rows < world.needed + world.window:
        raise DataError(
            f"{world.name}: {whole.rows} bars of {world.minutes} minutes before the day, wanted "
            f"{world.needed + world.window}; the chain's warm_up is too short"
        )
    drawn = Drawn(whole, None, np.full(whole.close.shape, half_spread), whole.close)
    columns, features = world.read(drawn, OPENS)
    n = len(whole.close)
    block = empty_block(2, len(names(world.step.columns)), n)
    for k, name in enumerate(names(world.step.columns)):
        block[:, k] = columns[name][:, -1]
    wide = np.zeros((world.window, n, len(world.features)), dtype=np.float32)
    for name, values in features.items():
        wide[:, :, world.features.index(name)] = values[:, -world.window :].T
    return Tape(names(world.step.columns), block, wide[[-1, -1]], past=wide[:-1].copy())


def fours(instruments: int) -> NDArray[np.int64]:
    """(groups, 4) instruments in fours; where the last four are not full, the first ones stand in, with no mandate."""
    groups = -(-instruments // 4)
    return np.resize(np.arange(instruments), (groups, 4))


def risk_tape(world: RiskManagement, intent: Intent, bars: Bars, mandate: Floats) -> Tape:
    """Row 0 is the open of the day for each world's fours, under a mandate (n, K) of convictions in [-1, 1].

    Raises DataError where there are too few bars.
    """
    close = aggregate(bars, 5).close.reshape(*intent.price.shape, -1)
    if close.shape[2] <= RISK_BARS + USUAL_BARS:
        raise DataError(
            f"{world.name}: {close.shape[2]} bars of 5 minutes before the day, wanted "
            f"{RISK_BARS + USUAL_BARS + 1}; the chain's warm_up is too short"
        )
    groups = fours(intent.price.shape[1])
    of_four = close[:, groups, -RISK_BARS - USUAL_BARS - 1 :].reshape(-1, 4, RISK_BARS + USUAL_BARS + 1)
    returns = (of_four[..., 1:] / of_four[..., :-1] - 1.0).transpose(0, 2, 1)
    before, ahead = returns[:, :USUAL_BARS], returns[:, USUAL_BARS:]
    m, short = len(returns), world.with_parameters(n_steps=RISK_BARS)
    start = Start(
        np.ascontiguousarray(of_four[:, :, USUAL_BARS]),
        np.maximum(np.sqrt((before**2).mean(axis=1)), 1e-9),
        np.concatenate([ahead, np.zeros((m, 1, 4))], axis=1),
    )
    usual = np.ones((short.days + 1, m))
    tape = lay_out(short, Paths.of(0, m), start, usual, usual, usual * world.correlation)
    last = Tape(tape.columns, tape.block[[-1, -1]], tape.features[[-1, -1]])
    stands_in = np.arange(groups.size).reshape(groups.shape) >= intent.price.shape[1]
    wanted = np.where(stands_in, 0.0, mandate[:, groups]).reshape(-1, 4)
    for k in range(4):
        last[f"mandate_{k + 1}"][:] = wanted[:, k]
        last[f"price_{k + 1}"][:] = of_four[:, k, -1]
    return last
