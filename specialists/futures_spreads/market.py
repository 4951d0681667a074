"""The generated market: contracts with expiries on curves of two factors, a season, a mispricing that comes and goes.

The curve is that of `fund.market.term_structure`, one row a day. Contracts expire every `contract_days` days; a leg
holds the contract of its rank, counted from the front, and leaves it `roll_days` before the front one expires:

    days to expiry = rank contract_days + roll_days - phase,   phase = (day + roll_days) mod contract_days.

Weather. The factors' shocks are V times as large, V the weather's volatility, xi's with the market's shock in them. So
that a future stays a martingale up to its premium, whatever V does, its log price takes the convexity that V left out,

    d0/2 + e^{-kT} d1 + e^{-2kT} d2/2,
    d0' = d0 + (1 - V^2) var_xi,  d1' = e^{-k dt} d1 + (1 - V^2) cov,  d2' = e^{-2k dt} d2 + (1 - V^2) var_chi,

with the variances of a step. The premium on chi is PREMIUM times the normal one: in a crisis carry crashes.

Mispricing. The near leg, and the contract it rolls into, trade at F (1 + m), dm = -mispricing_kappa m dt +
mispricing_sigma dW, sampled exactly; in bad weather its shocks are V times as large and its speed SPEED times.

Two commodities (`market` inter). Leg 2 is on a curve of its own: the same xi, a chi of its own whose shocks beside
xi's are correlated by `chi_correlation`; leg 1 costs `price_ratio` times as much.

Reported inventories move against chi (theory of storage), with noise.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fund.compiled import compiled
from fund.market.streams import Paths
from fund.market.tape import Tape
from fund.market.weather import Weather
from specialists.futures_spreads.features import WARM_UP, Chain, empty, fill
from specialists.futures_spreads.theory import tangency_shares

if TYPE_CHECKING:
    from specialists.futures_spreads.strategy import FuturesSpreads

Floats = NDArray[np.float64]

CHUNK = 32  # paths drawn together; what lies between drawing and tape stays in the cache
YEAR = 252  # days
SPEED = np.array([1.2, 1.0, 0.7, 0.4])  # of the mispricing's mean reversion, by regime
PREMIUM = np.array([1.3, 1.0, 0.5, -1.5])  # of the premium on chi, by regime; about 1 on average
NORMAL_CORRELATION = 0.30  # of the weather, at which `market_loading` is the loading
HIGHEST_LOADING = 0.95
MARKET_VOLATILITY = 0.16  # a year, of the common factor in the normal regime
REPORTED = 0.8  # correlation of the reported change of inventory with the true one
UNSEEN = math.sqrt(1.0 - REPORTED**2)
INVENTORY_ROWS = 5


class Model(NamedTuple):
    """Numbers of a step, and tables by days to expiry."""

    kept: float  # of chi in a step, under P
    kept_q: float
    chi_deviation: float  # of a step, in the normal regime
    xi_deviation: float
    correlation: float
    chi_premium: float  # mean of chi in a step, under P less under Q at chi = 0
    xi_drift: float
    xi_premium: float
    market_share: float  # of the common factor's drift that xi earns, per unit of loading
    variances: tuple[float, float, float]  # of a step: xi, both, chi
    other: float  # weight of leg 2's own chi shock; -1: one curve
    shared: float  # and of leg 1's in it
    price_ratio: float
    inventory_unit: float
    loading: Floats  # e^{-kT}, (days,)
    intercept: Floats  # A(T), (days,)
    season: Floats  # of the log price, by day of the year (252,)


class Calendar(NamedTuple):
    """Which contract each leg holds, in days."""

    period: int  # between expiries
    roll: int  # before the expiry of the front contract
    near: int  # rank times period
    far: int
    long: int  # a third point of leg 1's curve


def model(desk: FuturesSpreads) -> Model:
    """The desk's curve as numbers of a daily step and tables."""
    curve, dt = desk.curve, 1.0 / YEAR
    step, fair = curve.transition(dt), curve.transition(dt, risk_neutral=True)
    days = np.arange(longest(calendar(desk)) + 1) / YEAR
    both = fair.correlation * fair.chi_deviation * fair.xi_deviation
    shared = desk.chi_correlation
    return Model(
        step.kept, fair.kept, step.chi_deviation, step.xi_deviation, step.correlation,
        -fair.chi_shift, step.xi_shift, step.xi_shift - fair.xi_shift,
        desk.market_premium * curve.sigma_xi / MARKET_VOLATILITY * dt,
        (fair.xi_deviation**2, both, fair.chi_deviation**2),
        math.sqrt(1.0 - shared**2) if desk.market == "inter" else -1.0, shared,
        desk.price_ratio if desk.market == "inter" else 1.0,
        step.chi_deviation * math.sqrt(INVENTORY_ROWS) / REPORTED,
        curve.loading(days), curve.intercept(days), desk.seasonality(np.arange(YEAR) / YEAR),
    )  # fmt: skip


def calendar(desk: FuturesSpreads) -> Calendar:
    """The desk's contracts."""
    period = desk.contract_days
    long = desk.far_contract if desk.market == "calendar" else desk.near_contract + 4
    return Calendar(
        period, desk.roll_days, desk.near_contract * period, desk.far_contract * period,
        max(long, desk.near_contract + 2) * period,
    )  # fmt: skip


def longest(contracts: Calendar) -> int:
    """Most days to expiry of any contract that is looked at."""
    return max(contracts.long, contracts.far, contracts.near + contracts.period) + contracts.roll


def record(desk: FuturesSpreads, paths: Paths, weather: Weather | None) -> Tape:
    """The tape of generated paths."""
    sky = desk.sky(paths, desk.n_steps, weather)
    numbers, contracts = model(desk), calendar(desk)
    tape = empty(desk.n_steps, len(paths))
    for cut, some in paths.parts(CHUNK):
        by_path = Weather(**{name: values.T.copy() for name, values in vars(sky.some(cut)).items()})
        fill(desk, draw(desk, numbers, contracts, some, by_path), tape, cut.start)
    return tape


def draw(desk: FuturesSpreads, numbers: Model, contracts: Calendar, paths: Paths, weather: Weather) -> Chain:
    """What the contracts cost on some paths; `weather` is by path, (n, days)."""
    n, rows = len(paths), WARM_UP + desk.n_steps + 1
    streams = paths.streams(desk.name)
    shocks = streams.normal("shocks", rows + 1, 5 if desk.market == "inter" else 4)
    first_day = streams.integers("day", YEAR) if desk.random_start else np.zeros(n, dtype=np.int64)
    speed = desk.mispricing_kappa * SPEED / YEAR
    noise = desk.mispricing_sigma * np.sqrt(-np.expm1(-2.0 * speed) / (2.0 * speed) / YEAR)
    chain = Chain.empty(n, rows)
    _walk(
        numbers, contracts, shocks, _starts(desk, shocks[:, 0]), first_day,
        math.log(desk.spot), weather.volatility, weather.regime, weather.market, weather.drift,
        loadings(desk, weather.correlation), np.exp(-speed), noise, chain,
    )  # fmt: skip
    chain.day[:] = (first_day[:, None] + np.arange(rows)) % YEAR
    phase = (first_day[:, None] + np.arange(rows) + contracts.roll) % contracts.period
    chain.to_roll[:] = 1.0 - phase / contracts.period
    chain.rolls_1[:], chain.rolls_2[:] = phase == 0, phase == 0
    chain.next_gap[:], chain.long_gap[:] = contracts.period / YEAR, (contracts.long - contracts.near) / YEAR
    if desk.legs == "tangency":
        by_phase = [
            tangency_shares(
                desk.published_curve, (contracts.near + days) / YEAR, (contracts.far + days) / YEAR
            )
            for days in range(contracts.roll, contracts.roll - contracts.period, -1)
        ]
        chain.share_1[:], chain.share_2[:] = np.array(by_phase).T[:, phase]
    past = np.maximum(np.arange(rows) - WARM_UP - 1, 0)  # margins and costs follow the day that has ended
    chain.margin[:] = np.minimum(desk.initial_margin * np.maximum(weather.volatility, 1.0)[:, past], 1.0)
    chain.cost[:] = desk.cost_rate / weather.liquidity[:, past]
    return chain


def loadings(desk: FuturesSpreads, correlation: Floats) -> Floats:
    """Loading of xi on the weather's common factor, where risky assets are correlated as much."""
    loading = desk.market_loading * np.sqrt(correlation / NORMAL_CORRELATION)
    return np.asarray(np.clip(loading, -HIGHEST_LOADING, HIGHEST_LOADING))


def _starts(desk: FuturesSpreads, drawn: Floats) -> Floats:
    # chi of each leg and the mispricing at the first row, (n, 3); chi_0, chi_0 and 0 where they are not drawn
    spread = desk.curve.sigma_chi / math.sqrt(2.0 * desk.curve.kappa) if desk.random_start else 0.0
    gap = desk.mispricing_deviation if desk.random_start else 0.0
    first, second = desk.chi_0 + spread * drawn[:, 0], desk.chi_0 + spread * drawn[:, -1]
    return np.column_stack([first, second, gap * drawn[:, 1]])


@compiled(nogil=True)
def _walk(
    m: Model, c: Calendar, shocks: Floats, start: Floats, first_day: NDArray[np.int64], log_spot: float,
    volatility: Floats, regime: NDArray[np.int64], market: Floats, drift: Floats, loading: Floats, kept: Floats,
    deviation: Floats, out: Chain,
) -> None:  # fmt: skip
    # one path after the other: the states stay in registers, and what is read and written lies in a row
    paths, rows = out.near_new.shape
    left, past = math.sqrt(1.0 - m.correlation**2), np.empty(rows)
    for i in range(paths):
        chi_1, chi_2, gap = start[i, 0], start[i, 1], start[i, 2]
        xi, d0, d1, d2 = log_spot, 0.0, 0.0, 0.0
        for t in range(rows):
            day, today = first_day[i] + t, min(max(t - WARM_UP, 0), volatility.shape[1] - 1)
            state, v, z = regime[i, today], volatility[i, today], shocks[i, t + 1]
            chi_2 = chi_1 if m.other < 0.0 else chi_2
            _quote(m, c, i, t, day, chi_1 + d1, chi_2 + d1, d2, xi + 0.5 * d0, 1.0 + gap, out)
            past[t] = chi_1
            drawn_down = (past[max(t - INVENTORY_ROWS, 0)] - chi_1) / m.inventory_unit
            out.inventory[i, t] = drawn_down + UNSEEN * z[3]
            # the step to the next row; before day 0 the weather's shocks are not on record
            load = loading[i, today] if t >= WARM_UP else 0.0
            chi_extra = (PREMIUM[state] - 1.0) * m.chi_premium
            xi_extra = m.market_share * load * drift[i, today]
            corrected = (1.0 + kept[state] * gap) / (1.0 + gap)
            _expect(m, c, i, t, day, chi_1, chi_2, chi_extra, xi_extra, corrected, out)
            z_x = load * market[i, today] + math.sqrt(1.0 - load * load) * z[0]
            chi_1 = m.kept * chi_1 + chi_extra + v * m.chi_deviation * (m.correlation * z_x + left * z[1])
            if m.other >= 0.0:
                z_2 = m.correlation * z_x + left * (m.shared * z[1] + m.other * z[4])
                chi_2 = m.kept * chi_2 + chi_extra + v * m.chi_deviation * z_2
            xi += m.xi_drift + xi_extra + v * m.xi_deviation * z_x
            gap = kept[state] * gap + v * deviation[state] * z[2]
            rest = 1.0 - v * v
            d0, d1 = d0 + rest * m.variances[0], m.kept_q * d1 + rest * m.variances[1]
            d2 = m.kept_q * m.kept_q * d2 + rest * m.variances[2]


@njit(forceinline=True)
def _quote(
    m: Model, c: Calendar, i: int, t: int, day: int, chi_1: float, chi_2: float, d2: float, level: float,
    fair: float, out: Chain,
) -> None:  # fmt: skip
    """Prices of a row, and what a day makes of them on curves that stay as they are."""
    phase = (day + c.roll) % c.period
    near, far, scale = c.near + c.roll - phase, c.far + c.roll - phase, m.price_ratio * fair
    p_1 = scale * math.exp(_log(m, chi_1, d2, level, near, day))
    p_2 = math.exp(_log(m, chi_2, d2, level, far, day))
    out.near_new[i, t], out.far_new[i, t] = p_1, p_2
    out.near_old[i, t], out.far_old[i, t] = p_1, p_2
    if phase == 0:
        out.near_old[i, t] = scale * math.exp(_log(m, chi_1, d2, level, near - c.period, day))
        out.far_old[i, t] = math.exp(_log(m, chi_2, d2, level, far - c.period, day))
    out.next[i, t] = scale * math.exp(_log(m, chi_1, d2, level, near + c.period, day))
    out.long[i, t] = m.price_ratio * math.exp(_log(m, chi_1, d2, level, c.long + c.roll - phase, day))
    out.roll_1[i, t], out.roll_2[i, t] = p_1 * _aged(m, chi_1, d2, near), p_2 * _aged(m, chi_2, d2, far)


@njit(forceinline=True)
def _expect(
    m: Model, c: Calendar, i: int, t: int, day: int, chi_1: float, chi_2: float, chi_extra: float,
    xi_extra: float, corrected: float, out: Chain,
) -> None:  # fmt: skip
    """Expected prices of the held contracts at the next row: premia, and the mispricing's way back."""
    phase = (day + c.roll) % c.period
    near, far = c.near + c.roll - phase, c.far + c.roll - phase
    slope, chi_up, xi_up = m.kept - m.kept_q, m.chi_premium + chi_extra, m.xi_premium + xi_extra
    up_1 = m.loading[near - 1] * (slope * chi_1 + chi_up) + xi_up
    up_2 = m.loading[far - 1] * (slope * chi_2 + chi_up) + xi_up
    out.mean_1[i, t] = out.near_new[i, t] * corrected * _grown(up_1)
    out.mean_2[i, t] = out.far_new[i, t] * _grown(up_2)


@njit(forceinline=True)
def _log(m: Model, chi: float, d2: float, level: float, days: int, day: int) -> float:
    """Log price of a contract of some days to expiry."""
    e = m.loading[days]
    return e * chi + 0.5 * e * e * d2 + level + m.intercept[days] + m.season[(day + days) % YEAR]


@njit(forceinline=True)
def _aged(m: Model, chi: float, d2: float, days: int) -> float:
    """Relative change of the same contract when it is a day older and nothing else has changed."""
    e, older = m.loading[days], m.loading[days - 1]
    moved = (older - e) * chi + 0.5 * (older * older - e * e) * d2 + m.intercept[days - 1] - m.intercept[days]
    return _grown(moved) - 1.0


@njit(forceinline=True)
def _grown(x: float) -> float:
    """The exponential of a step's small number, to 1e-13 for |x| below .01."""
    return 1.0 + x * (1.0 + x * (0.5 + x * (1.0 / 6.0 + x * (1.0 / 24.0 + x / 120.0))))
