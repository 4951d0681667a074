"""The market of the risk stage: four assets by five-minute bars, a mandate, and scenarios that change the path.

    r_k = S s_k v_k / (bars a year) + v_k h (sqrt(rho) f + sqrt(1 - rho) e_k) + scenario,    all bars alike but for
    v_k   a bar's volatility: the hour's U shape, the weather's regime
    h^2   GARCH(1,1) of the common factor, mean 1
    s_k   the mandate's conviction, autoregressive around `mandate_bias`; S is the Sharpe ratio a year of a full one

Scenarios begin at any bar, at most one at a time; each of their rates is an expected number in 500 bars:

    black swan          all fall by `jump` at once and go on falling for 60 bars, at 2.5 times the volatility
    flash crash         all fall by 6 x .8 % in 6 bars without liquidity, and win most of it back in the next 12
    correlation spike   correlation .95 for 100 bars
    liquidity drought   a seventh of the liquidity for 100 bars

What is observed (volatilities, correlations, ranges, stress, crises) is estimated from the bars up to it. A crisis is
seen where the fast volatility passes `STRESSED` times the slow one, or where the correlation shock passes its
threshold; it lasts for `RESPONSE` bars from there. Agents see it in `market_stress`: who is paid for the response to an
alarm, and whose rule is told of it, hears it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fund.compiled import compiled
from fund.grandmodel.risk.layout import FEATURES, Columns
from fund.market.streams import Paths
from fund.market.tape import Tape, empty_block
from fund.market.weather import Weather

if TYPE_CHECKING:
    from fund.grandmodel.risk.strategy import RiskManagement

Floats = NDArray[np.float64]

CHUNK = 64
DRAWS = 9  # normals a row: factor, four assets, four convictions
YEAR = 252.0
ARCH, GARCH = 0.05, 0.93  # a bar
MANDATE_KEPT = 0.995
VOLATILITY_KEPT, FAST_KEPT, SLOW_KEPT = 0.97, 0.84, 0.995  # EWMA weights a bar
CORRELATION_KEPT = 0.98
STRESSED, RESPONSE, QUIET = 2.0, 6, 24
RANGE = 1.6  # expected range of a day over its volatility, sqrt(8/pi)
SWAN, FLASH, SPIKE, DROUGHT = 1, 2, 3, 4
DURATION = np.array([0, 60, 18, 100, 100])
HEAT = np.array([1.0, 2.5, 2.0, 1.0, 1.1])
LIQUID = np.array([1.0, 0.4, 0.15, 0.8, 0.15])
ALIKE = np.array([0.0, 0.85, 0.95, 0.95, 0.0])
SWAN_DRIFT, FLASH_FALL, FLASH_RISE = -0.0008, -0.008, 0.0035


# scalars of a path: factor's variance, fast and slow variance, slow correlation, scenario and its age, bars without
# an alarm, bars that a crisis is still seen for
FACTOR, QUICK, SLOW, USUAL, RUNS, AGE, CALM, ALERT = range(8)

# where the first of alike columns stands
PRICE, MANDATE, DEVIATION, ATR, SHOCK = (
    Columns._fields.index(f"{name}_1") for name in ("price", "mandate", "volatility", "atr", "shock")
)
CORRELATION, MEAN, JUMPED, COST, STRESS, CRISIS = (
    Columns._fields.index(name)
    for name in ("correlation_12", "mean_correlation", "correlation_shock", "cost", "stress", "crisis")
)
ALARMING = 0.3  # a correlation shock is seen in units of it; D0's threshold
CALLED = 4.0  # what a crisis adds to the stress that is seen: more than stress is without one
SEEN_REGIME, SEEN_CORRELATION, SEEN_HOUR, SEEN_STRESS, SEEN_LIQUIDITY = (
    FEATURES.index(name)
    for name in ("volatility_regime", "correlation_risk", "time_of_day_risk", "market_stress", "liquidity")
)


class World(NamedTuple):
    """The strategy's parameters as the loop takes them."""

    bars: float  # a day
    sharpe: float
    mandate_bias: float
    mandate_spread: float
    correlation: float  # without weather
    season: float
    clustering: float  # 1: GARCH, 0: none
    jump: float
    hazards: Floats  # (4,) cumulative, a bar
    cost: float
    shock: float  # threshold


class State(NamedTuple):
    """Arrays of one path that the loop carries along."""

    price: Floats
    move: Floats  # (4,) usual volatility of a bar
    conviction: Floats
    covariance: Floats  # (4, 4) EWMA, of returns over the hour's volatility
    shock: Floats  # (4,) of the last bar's returns
    scalars: Floats  # (8,), named above


class Start(NamedTuple):
    """Where paths begin, and what they do where it is on record."""

    price: Floats  # (n, 4)
    move: Floats  # (n, 4)
    returns: Floats  # (n, rows, 4) of the bar that begins at each row; no paths: to be drawn


def world_of(s: RiskManagement) -> World:
    """The loop's parameters."""
    rates = np.array([s.black_swan, s.flash_crash, s.correlation_spike, s.liquidity_drought])
    return World(
        float(s.steps_per_day), s.expected_sharpe, s.mandate_bias, s.mandate_spread, s.correlation,
        s.season, float(s.clustering), s.jump, np.cumsum(rates) / 500.0, s.cost_rate, s.correlation_shock_threshold,
    )  # fmt: skip


def record(s: RiskManagement, paths: Paths, weather: Weather | None) -> Tape:
    """The tape of generated paths."""
    n, sky = len(paths), s.sky(paths, s.days + 1, weather)
    alike = sky.correlation if s.weather else np.full_like(sky.correlation, s.correlation)
    move = s.volatility * np.array([0.8, 0.9, 1.1, 1.2]) / math.sqrt(YEAR * s.steps_per_day)
    start = Start(np.full((n, 4), 100.0), np.tile(move, (n, 1)), np.zeros((0, 0, 4)))
    return lay_out(s, paths, start, sky.volatility, sky.liquidity, alike)


def lay_out(
    s: RiskManagement, paths: Paths, start: Start, heat: Floats, liquidity: Floats, alike: Floats
) -> Tape:
    """The tape of paths that start there, under factors (days, n)."""
    rows, n = s.n_steps + 1, len(paths)
    block = empty_block(rows, len(Columns._fields), n)
    features = np.zeros((rows, n, len(FEATURES)), dtype=np.float32)
    for cut, some in paths.parts(CHUNK):
        streams = some.streams(s.name)
        z, onset = streams.normal("returns", rows, DRAWS), streams.uniform("scenarios", rows)
        part = Start(start.price[cut], start.move[cut], start.returns[cut])
        factors = (heat[:, cut], liquidity[:, cut], alike[:, cut])
        _walk(block.transpose(0, 2, 1), features, cut.start, z, onset, part, *factors, world_of(s))
    return Tape(Columns._fields, block, features)


@compiled(nogil=True, error_model="numpy")
def _walk(
    block: Floats, features: NDArray[np.float32], first: int, z: Floats, onset: Floats, start: Start, heat: Floats,
    liquidity: Floats, alike: Floats, w: World,
) -> None:  # fmt: skip
    n, rows = onset.shape
    for k in range(n):
        state = _begin(start.price[k], start.move[k], z[k, 0], alike[0, k])
        returns, scenario = np.zeros(4), 0
        for t in range(rows):
            day, x = int(t // w.bars), 2.0 * (t % w.bars) / w.bars - 1.0
            hour = 1.0 + w.season * (3.0 * x * x - 1.0)
            # what is seen is of the bar that ended: a scenario that begins is no news before its first bar is over
            row, seen = block[t, first + k], features[t, first + k]
            _show(row, seen, state, hour, liquidity[day, k] * LIQUID[scenario], w)
            if start.returns.shape[0] > 0:
                returns[:] = start.returns[k, t]
            else:
                scenario = _scenario(state, onset[k, t], w)
                hot = hour * heat[day, k] * HEAT[scenario]
                _draw(returns, state, z[k, t], scenario, hot, alike[day, k], w)
            _learn(state, returns, hour)
            for j in range(4):
                state.price[j] *= max(1.0 + returns[j], 0.01)
                if t + 1 < rows:
                    fresh = math.sqrt(1.0 - MANDATE_KEPT * MANDATE_KEPT)
                    state.conviction[j] = MANDATE_KEPT * state.conviction[j] + fresh * z[k, t + 1, 5 + j]


@njit(forceinline=True)
def _begin(price: Floats, move: Floats, z: Any, alike: float) -> State:
    state = State(price.copy(), move, z[5:9].copy(), np.zeros((4, 4)), np.zeros(4), np.zeros(8))
    for i in range(4):
        for j in range(4):
            state.covariance[i, j] = move[i] * move[j] * (1.0 if i == j else alike)
    state.scalars[FACTOR] = state.scalars[QUICK] = state.scalars[SLOW] = 1.0
    state.scalars[USUAL], state.scalars[CALM] = alike, QUIET
    return state


@njit(forceinline=True)
def _scenario(state: State, uniform: float, w: World) -> int:
    # the scenario of the bar that begins
    at = state.scalars
    now = int(at[RUNS])
    if now > 0:
        at[AGE] += 1.0
        if at[AGE] >= DURATION[now]:
            at[RUNS] = 0.0
            now = 0
    elif uniform <= w.hazards[3]:
        now = 1
        while uniform > w.hazards[now - 1]:
            now += 1
        at[RUNS], at[AGE] = now, 0.0
    return now


@njit(forceinline=True)
def _conviction(state: State, j: int, w: World) -> float:
    return min(max(w.mandate_bias + w.mandate_spread * state.conviction[j], -1.0), 1.0)


@njit(forceinline=True)
def _draw(returns: Floats, state: State, z: Any, scenario: int, hot: float, alike: float, w: World) -> None:
    # returns of the bar that begins
    at, extra = state.scalars, 0.0
    if scenario == SWAN:
        extra = -w.jump if at[AGE] == 0.0 else SWAN_DRIFT
    elif scenario == FLASH:
        extra = FLASH_FALL if at[AGE] < 6.0 else FLASH_RISE
    rho = max(alike, ALIKE[scenario])
    common, own = math.sqrt(rho * at[FACTOR]), math.sqrt((1.0 - rho) * at[FACTOR])
    for j in range(4):
        drift = w.sharpe * _conviction(state, j, w) * state.move[j] / math.sqrt(YEAR * w.bars)
        state.shock[j] = state.move[j] * hot * (common * z[0] + own * z[1 + j])
        returns[j] = drift + state.shock[j] + extra
    if w.clustering > 0.0:
        at[FACTOR] = 1.0 - ARCH - GARCH + at[FACTOR] * (ARCH * z[0] * z[0] + GARCH)


@njit(forceinline=True)
def _learn(state: State, returns: Floats, hour: float) -> None:
    # estimates, after the bar; the hour's shape is known and taken out
    square, at = 0.0, state.scalars
    for i in range(4):
        one = returns[i] / hour
        square += 0.25 * one * one / (state.move[i] * state.move[i])
        for j in range(4):
            kept = VOLATILITY_KEPT if i == j else CORRELATION_KEPT
            state.covariance[i, j] = kept * state.covariance[i, j] + (1.0 - kept) * one * returns[j] / hour
    at[QUICK] = FAST_KEPT * at[QUICK] + (1.0 - FAST_KEPT) * square
    at[SLOW] = SLOW_KEPT * at[SLOW] + (1.0 - SLOW_KEPT) * square


@njit(forceinline=True)
def _correlation(state: State, i: int, j: int) -> float:
    # the two decays differ, so that a quotient may leave [-1, 1]
    size = math.sqrt(state.covariance[i, i] * state.covariance[j, j])
    return min(max(state.covariance[i, j] / max(size, 1e-18), -0.99), 0.99)


@njit(forceinline=True)
def _show(row: Any, seen: Any, state: State, hour: float, liquid: float, w: World) -> None:
    mean, pair, regime = 0.0, CORRELATION, 0.0
    for j in range(4):
        deviation = math.sqrt(state.covariance[j, j])
        row[PRICE + j], row[MANDATE + j] = state.price[j], _conviction(state, j, w)
        row[DEVIATION + j], row[SHOCK + j] = deviation * hour, state.shock[j]
        row[ATR + j] = RANGE * deviation * math.sqrt(w.bars) * state.price[j]
        regime += 0.25 * deviation / state.move[j]
        for i in range(j):
            mean += _correlation(state, i, j) / 6.0
    for i in range(4):
        for j in range(i + 1, 4):
            row[pair] = _correlation(state, i, j)
            pair += 1
    row[COST] = w.cost / liquid
    _watch(row, state.scalars, mean, w)
    seen[SEEN_REGIME], seen[SEEN_CORRELATION], seen[SEEN_HOUR] = regime, row[JUMPED] / ALARMING, hour
    seen[SEEN_STRESS], seen[SEEN_LIQUIDITY] = row[STRESS] + CALLED * row[CRISIS], liquid


@njit(forceinline=True)
def _watch(row: Any, at: Floats, mean: float, w: World) -> None:
    # correlation, stress, and whether a crisis is seen
    at[USUAL] = SLOW_KEPT * at[USUAL] + (1.0 - SLOW_KEPT) * mean
    stress = math.sqrt(at[QUICK] / at[SLOW])
    row[MEAN], row[JUMPED], row[STRESS] = mean, mean - at[USUAL], stress
    alarm = stress > STRESSED or row[JUMPED] > w.shock
    if alarm and at[CALM] >= QUIET:
        at[ALERT] = RESPONSE
    at[CALM] = 0.0 if alarm else at[CALM] + 1.0
    row[CRISIS] = 1.0 if at[ALERT] > 0.0 else 0.0
    at[ALERT] = max(at[ALERT] - 1.0, 0.0)
