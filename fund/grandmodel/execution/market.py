"""The market of execution: two mids, their order books at three venues, by the minute.

    mid        S_{t+1} = S_t + sigma_t (s s_t + sqrt(1 - s^2) e_t),   e correlated between the two instruments
    imbalance  s_t autoregressive of unit variance, seen at t; `signal` is what it tells of the next move
    activity   a_t autoregressive: volume exp(.4 a), volatility exp(.2 a), spread exp(.1 a), times the hour's share
    hour       volume 1 + season (3 x^2 - 1), volatility 1 + season/2 (3 x^2 - 1), x from -1 at the open to 1 at the
               close: the U shape, of mean 1
    depth      of a venue, its share of `depth`, liquid as the weather and sqrt(volume), autoregressive
    queue      ahead of an order posted now, a share of the flow that a step brings
    outflow    what the flow of (t, t+1] takes from the parent's side of the touch; it is larger when the price is about
               to go through (`adverse`): who is filled at the bid has mostly bought too early

Regimes of the weather multiply volatility and divide liquidity. Whoever sets `signal`, `season`, `activity`, `adverse`
and `venue_noise` to 0 stands in the papers' world.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fund.compiled import compiled
from fund.grandmodel.execution.layout import FEATURES, INSTRUMENTS, Columns
from fund.market.streams import Paths, Streams
from fund.market.tape import Tape, empty_block
from fund.market.weather import Weather

if TYPE_CHECKING:
    from fund.grandmodel.execution.strategy import Execution

Floats = NDArray[np.float64]

CHUNK = 64  # paths drawn together; their noise stays in the cache
DRAWS = 27  # normals a row: moves 2, imbalance 2, activity 2, depth 6, queue 6, outflow 6, latency 3
KEPT = 0.9  # of depth and activity, a step
FLOW_NOISE, QUEUE_NOISE, LATENCY_NOISE = 0.8, 0.5, 0.4


# where the first of alike columns and features stands
MID, PARENT, SPREAD, MOVE, VOLUME, SURPRISE, AHEAD = (
    Columns._fields.index(f"{name}_a")
    for name in ("mid", "parent", "half_spread", "volatility", "volume", "surprise", "ahead")
)
DEPTH, QUEUE, OUTFLOW = (Columns._fields.index(f"{name}_a1") for name in ("depth", "queue", "outflow"))
LATENCY, MINUTE = Columns._fields.index("latency_1"), Columns._fields.index("minute")
SEEN_DEPTH, SEEN_QUEUE, SEEN_LATENCY, DAY = (
    FEATURES.index(name) for name in ("depth_a1", "queue_a1", "latency_1", "day_sin")
)


class World(NamedTuple):
    """The strategy's parameters as the loop takes them."""

    price: float
    move: float  # volatility a step, price units
    half_spread: float  # price units
    volume: float  # shares a step
    depth: Floats  # (3,) shares a price unit
    flow: Floats  # (3,) share of the volume that passes the parent's touch at a venue
    queue: float  # steps of flow ahead
    latency: Floats  # (3,) seconds
    active: float  # probability that a venue's touch sees any flow in a step
    signal: float
    persistence: float
    announced: float  # by the imbalance, of all later moves
    correlation: float
    season: float
    activity: float
    adverse: float
    noise: float  # of depth, queue, outflow and latency
    lot: float
    day: float  # steps
    target: float  # latency


class State(NamedTuple):
    """Arrays of one path that the loop carries along, by instrument."""

    mid: Floats  # (2,)
    said: Floats  # (2,) imbalance
    busy: Floats  # (2,) activity
    deep: Floats  # (6,) of the depths, by instrument and venue
    volume: Floats  # (2,) expected of the step that runs


def world_of(s: Execution) -> World:
    """The loop's parameters."""
    return World(
        s.initial_price, s.move, s.half_spread * s.initial_price, s.daily_volume / s.steps_per_day,
        np.array(s.venue_depth), np.array(s.venue_share) * s.flow_share, s.queue_steps, np.array(s.venue_latency),
        s.fill_probability, s.signal, s.signal_persistence, s.signal / (1.0 - s.signal_persistence), s.correlation,
        s.season, s.activity, s.adverse, s.venue_noise, s.size_increment, float(s.steps_per_day), s.latency_target,
    )  # fmt: skip


def record(s: Execution, paths: Paths, weather: Weather | None, orders: Floats | None = None) -> Tape:
    """The tape of generated paths; with `orders` (n, 2), shares, + to buy, in place of drawn parents."""
    rows, n = s.n_steps + 1, len(paths)
    sky = s.sky(paths, s.days + 1, weather)
    block = empty_block(rows, len(Columns._fields), n)
    features = np.zeros((rows, n, len(FEATURES)), dtype=np.float32)
    for cut, some in paths.parts(CHUNK):
        streams = some.streams(s.name)
        parents = _parents(s, streams.uniform("parents", 4)) if orders is None else orders[cut]
        first = _first_minute(s, streams.uniform("start", 1)[:, 0])
        heat, liquidity = sky.volatility[0, cut], sky.liquidity[0, cut]
        z, touched = streams.normal("market", rows, DRAWS), streams.uniform("venues", rows, 6)
        # whole blocks: of a slice the loop would not know that rows lie side by side
        by_path = block.transpose(0, 2, 1)
        _walk(by_path, features, cut.start, z, touched, parents, first, heat, liquidity, world_of(s))
        if s.poisson_flow:
            _pour(s, streams, block[:, :, cut])
    return Tape(Columns._fields, block, features)


def _pour(s: Execution, streams: Streams, block: Floats) -> None:
    # Cont and Kukanov's outflows, the same for both instruments
    mean = world_of(s).volume * s.flow_share * np.array(s.venue_share)
    for k in range(block.shape[2]):
        drawn = streams.at(k, "flow").poisson(mean, (len(block), len(mean)))
        for i in INSTRUMENTS:
            first = Columns._fields.index(f"outflow_{i}1")
            block[:, first : first + len(mean), k] = drawn


def _parents(s: Execution, uniform: Floats) -> Floats:
    # (n, 2) shares, whole lots, signed
    size = np.array([s.parent_a, s.parent_b]) * (1.0 + s.parent_spread * (2.0 * uniform[:, :2] - 1.0))
    whole = np.rint(size / s.size_increment) * s.size_increment
    return np.asarray(np.where(uniform[:, 2:] > 0.5, whole, -whole) if s.random_side else -whole)


def _first_minute(s: Execution, uniform: Floats) -> Floats:
    return np.floor(uniform * (s.steps_per_day - 1)) if s.random_start else np.zeros(len(uniform))


@compiled(nogil=True, error_model="numpy")
def _walk(
    block: Floats, features: NDArray[np.float32], first: int, z: Floats, uniform: Floats, parents: Floats,
    start: Floats, heat: Floats, liquidity: Floats, w: World,
) -> None:  # fmt: skip
    fresh_signal = math.sqrt(1.0 - w.persistence * w.persistence)
    other, unsaid = math.sqrt(1.0 - w.correlation * w.correlation), math.sqrt(1.0 - w.signal * w.signal)
    for k in range(z.shape[0]):
        i, state = first + k, State(np.full(2, w.price), np.zeros(2), np.zeros(2), np.zeros(6), np.zeros(2))
        shock, outlook = np.zeros(2), w.announced * w.move * heat[k]
        for t in range(z.shape[1]):
            minute = (start[k] + t) % w.day
            x = 2.0 * minute / w.day - 1.0
            row, seen, draw = block[t, i], features[t, i], z[k, t]
            for j in range(2):
                if t > 0:  # the flow of the step that ended, whose volume was expected at its start
                    against = -shock[j] if parents[k, j] > 0.0 else shock[j]
                    _flow(row, draw, uniform[k, t], j, state.volume[j], against, w)
                    row[SURPRISE + j] = block[t - 1, i, MOVE + j] * unsaid * shock[j]
                    row[SURPRISE + j] += outlook * fresh_signal * draw[2 + j]
                row[PARENT + j] = parents[k, j]
                _quote(row, seen, draw, state, j, x, heat[k], liquidity[k], fresh_signal, t == 0, w)
                row[AHEAD + j] = outlook * state.said[j]
            _venues(row, seen, draw, w)
            row[MINUTE], seen[DAY], seen[DAY + 1] = minute, math.sin(math.pi * x), math.cos(math.pi * x)
            shock[0], shock[1] = draw[0], w.correlation * draw[0] + other * draw[1]
            for j in range(2):
                state.mid[j] += row[MOVE + j] * (w.signal * state.said[j] + unsaid * shock[j])


@njit(forceinline=True)
def _quote(
    row: Any, seen: Any, draw: Any, state: State, j: int, x: float, heat: float, liquid: float, fresh_signal: float,
    opens: bool, w: World,
) -> None:  # fmt: skip
    # what is known of one instrument at the row; the hour's x is -1 at the open, 1 at the close
    hour, fresh = 1.0 + w.season * (3.0 * x * x - 1.0), math.sqrt(1.0 - KEPT * KEPT)
    calm = heat * (1.0 + 0.5 * w.season * (3.0 * x * x - 1.0))
    busy, said = state.busy, state.said
    busy[j] = draw[4 + j] if opens else KEPT * busy[j] + fresh * draw[4 + j]
    said[j] = draw[2 + j] if opens else w.persistence * said[j] + fresh_signal * draw[2 + j]
    lively = math.exp(0.2 * w.activity * busy[j])
    spread, volume = w.half_spread * math.sqrt(lively) / liquid, w.volume * hour * lively * lively
    row[MID + j], row[SPREAD + j], row[MOVE + j], row[VOLUME + j] = (
        state.mid[j],
        spread,
        w.move * calm * lively,
        volume,
    )
    seen[4 * j], seen[4 * j + 1] = spread / max(w.half_spread, 1e-12), calm * lively
    seen[4 * j + 2], seen[4 * j + 3] = hour * lively * lively, said[j]
    _rest(row, seen, draw, state.deep, j, liquid * math.sqrt(hour), volume, opens, fresh, w)
    state.volume[j] = volume


@njit(forceinline=True)
def _rest(
    row: Any, seen: Any, draw: Any, deep: Floats, j: int, thick: float, volume: float, opens: bool, fresh: float,
    w: World,
) -> None:  # fmt: skip
    # what rests in the books: depth, and the queue at the parent's side of the touch
    wide = QUEUE_NOISE * w.noise
    for c in range(3 * j, 3 * j + 3):
        deep[c] = draw[6 + c] if opens else KEPT * deep[c] + fresh * draw[6 + c]
        depth, flow = thick * math.exp(0.3 * w.noise * deep[c]), w.flow[c - 3 * j] * volume
        ahead = w.queue * flow * math.exp(wide * draw[12 + c] - 0.5 * wide * wide)
        row[DEPTH + c], row[QUEUE + c] = w.depth[c - 3 * j] * depth, math.floor(ahead / w.lot) * w.lot
        seen[SEEN_DEPTH + c], seen[SEEN_QUEUE + c] = depth, ahead / max(flow, 1e-12)


@njit(forceinline=True)
def _flow(row: Any, draw: Any, uniform: Any, j: int, volume: float, against: float, w: World) -> None:
    # larger when the price moved through the touch
    wide = FLOW_NOISE * w.noise
    for c in range(3 * j, 3 * j + 3):
        size = wide * draw[18 + c] + w.adverse * against - 0.5 * (wide * wide + w.adverse * w.adverse)
        came = w.flow[c - 3 * j] * volume * math.exp(size) if uniform[c] <= w.active else 0.0
        row[OUTFLOW + c] = math.floor(came / w.lot) * w.lot


@njit(forceinline=True)
def _venues(row: Any, seen: Any, draw: Any, w: World) -> None:
    wide = LATENCY_NOISE * w.noise
    for v in range(3):
        row[LATENCY + v] = w.latency[v] * math.exp(wide * draw[24 + v] - 0.5 * wide * wide)
        seen[SEEN_LATENCY + v] = row[LATENCY + v] / w.target
