"""The order book fitted to a record of quotes and trades on a regular grid.

    parameter       moment
    sigma           ln root mean square of the mid's moves
    half_spread     ln mean half-spread
    arrival_rate    ln of the rate at which market orders come as far as the usual half-spread
    depth_decay     the same at twice that, less the former
    order_size      ln mean volume of a step in which orders came
    queue_depth     ln mean volume at the touch
    flow_share      root of the share of the mid's variance that a regression on net flow explains
    excitation      mean autocorrelation of the signs of net flow over lags 1 to 5

The queue of a drawn market is the same on average in all its tapes: the error of `queue_depth` says nothing of how far
a real queue's mean is from one day to another.

Tick, price and half-spread's unit are the record's. A step is the record's; a LOBSTER day is read at one second.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fund.calibration.calibration import Calibration, Priced, log_deviation
from fund.errors import DataError
from fund.market.stylised_facts import autocorrelation, correlation
from fund.market.stylised_facts_intraday import time_of_day, u_shape
from fund.market.tape import Tape
from specialists.market_making.market import NEVER
from specialists.market_making.recorded import NEEDED
from specialists.market_making.step import ORDERS

if TYPE_CHECKING:
    from specialists.market_making.strategy import MarketMaking

Floats = NDArray[np.float64]

LAGS = (1, 10)
EXCITED = (1, 2, 3, 4, 5)  # lags over which past flow brings flow
STEPS = 390  # of an episode
WHOLE = 0.95  # share of a day's steps that counts as a day


def prices(desk: MarketMaking, tape: Tape) -> Mapping[str, Priced]:
    """None: no band is of a mid by the second."""
    return {}


def _came(tape: Tape, side: str) -> Floats:
    # (T, n) orders of a side in each step, of the three that a tape shows
    return np.sum([tape[f"{side}_reach_{j + 1}"][1:] > 0.5 * NEVER for j in range(ORDERS)], axis=0).astype(
        np.float64
    )


def _volumes(tape: Tape) -> tuple[Floats, Floats]:
    sold, bought = (tape[f"{side}_volume"][1:] * _came(tape, side) for side in ("sell", "buy"))
    return sold, bought


def _rate(tape: Tape, distance: Floats) -> Floats:
    # ln of orders a side and step that come as far as a distance (n,), by the share of steps in which none does
    deepest = [tape[f"{side}_reach_1"][1:] >= distance for side in ("sell", "buy")]
    least = 0.5 / deepest[0].shape[0]
    share = np.clip(0.5 * (deepest[0].mean(axis=0) + deepest[1].mean(axis=0)), least, 1.0 - least)
    return np.asarray(np.log(-np.log1p(-share)))


def moments(desk: MarketMaking, tape: Tape) -> Mapping[str, Floats]:
    """As the module says, each (n,)."""
    half = (0.5 * (tape["best_ask"] - tape["best_bid"])).mean(axis=0)
    sold, bought = _volumes(tape)
    steps = (sold > 0.0).sum(axis=0) + (bought > 0.0).sum(axis=0)
    moves = np.diff(tape["mid"], axis=0)
    near, deep = _rate(tape, half), _rate(tape, 2.0 * half)
    return {
        "mid_deviation": log_deviation(moves),
        "half_spread": np.log(half),
        "arrivals": near,
        "decay": deep - near,
        "volume": np.log((sold + bought).sum(axis=0) / np.maximum(steps, 1)),
        "queue": np.log((tape["bid_queue"] + tape["ask_queue"]).mean(axis=0)),
        "flow": correlation(moves, np.sign(bought - sold)),
        "signs": np.mean([autocorrelation(np.sign(bought - sold), lag) for lag in EXCITED], axis=0),
    }


def details(desk: MarketMaking, tape: Tape) -> Mapping[str, Floats]:
    """What the literature finds in order books, each (n,).

    flow_r2: of a step's move on its net signed volume (about .65 of the whole order-flow imbalance: Cont, Kukanov &
    Stoikov, 2014). sign_autocorrelation: of the signs of steps with net flow (long memory; Bouchaud et al., 2004).
    impact_exponent: slope of ln mean |move| on ln net volume over fifths of it (.4 to .7). spread_and_volatility: of
    the half-spread and the size of the next move (above 0). volume_u, volatility_u: where the tape is a whole day.
    """
    sold, bought = _volumes(tape)
    net, moves = bought - sold, np.diff(tape["mid"], axis=0)
    signs, half = np.sign(net), 0.5 * (tape["best_ask"] - tape["best_bid"])
    return {
        "flow_r2": correlation(moves, net) ** 2,
        **{f"sign_autocorrelation_{lag}": autocorrelation(signs, lag) for lag in LAGS},
        "impact_exponent": np.array([_exponent(net[:, i], moves[:, i]) for i in range(tape.n)]),
        "move_autocorrelation_1": autocorrelation(moves, 1),
        "spread_and_volatility": correlation(half[:-1], np.abs(moves)),
        **_day(desk, np.abs(moves), sold + bought),
    }


def _day(desk: MarketMaking, size: Floats, volume: Floats) -> dict[str, Floats]:
    if len(size) < WHOLE * desk.steps_per_day:
        return {}
    time = time_of_day(len(size), desk.steps_per_day)
    return {"volume_u": u_shape(volume, time), "volatility_u": u_shape(size, time)}


def _exponent(net: Floats, move: Floats) -> float:
    some = net != 0.0
    size, moved = np.abs(net[some]), (np.sign(net) * move)[some]
    edges = np.quantile(size, np.linspace(0.0, 1.0, 6)) if some.sum() >= 50 else np.zeros(0)
    cells = [(size >= low) & (size <= high) for low, high in pairwise(edges)]
    points = [(np.log(size[c].mean()), moved[c].mean()) for c in cells if c.any() and moved[c].mean() > 0.0]
    if len(points) < 3:
        return float("nan")
    x, y = np.array(points).T
    return float(np.polyfit(x, np.log(y), 1)[0])


def given(desk: MarketMaking, tape: Tape) -> Mapping[str, Any]:
    """Tick, price and widest quote of the record, and its step."""
    bid, ask = tape["best_bid"][:, 0], tape["best_ask"][:, 0]
    levels = np.unique(np.concatenate([bid, ask]))
    gaps = np.diff(levels)[np.diff(levels) > 1e-9]
    half = float(0.5 * (ask - bid).mean())
    if not len(gaps) or half <= 0.0:
        raise DataError(f"{desk.name}: the record's quotes never move")
    return {
        "tick": round(float(gaps.min()), 9), "initial_price": float(tape["mid"][0, 0]), "min_half_spread": 0.0,
        "max_half_spread": 4.0 * half, "steps_per_day": desk.steps_per_day, "n_steps": STEPS,
        "horizon": STEPS / desk.steps_per_day,
    }  # fmt: skip


CALIBRATION = Calibration(
    files="a LOBSTER day (its message and orderbook files), or one table with the columns " + ", ".join(NEEDED),
    prices=prices,
    moments=moments,
    given=given,
    details=details,
    bounds={
        "sigma": (1e-4, 1e3), "half_spread": (1e-5, 1e2), "arrival_rate": (1e-2, 1e7), "depth_decay": (1e-3, 1e5),
        "order_size": (1e-3, 1e3), "queue_depth": (1e-3, 1e4), "flow_share": (0.0, 0.95),
        "excitation": (0.0, 0.9),
    },
    preset="history",
    daily=False,
    logs=False,
)  # fmt: skip
