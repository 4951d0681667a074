"""What an option is worth and how it moves, row by row: the tape's columns and the market's share of the observation.

Everything here depends on the underlier and the quotes alone, and is computed once a tape. With T the life of an
option at its sale and s the parameter `sigma`:

    moneyness               (S/K - 1) / (s sqrt T)              gamma         Gamma S s sqrt T
    log_forward_moneyness   ln(F/K) / (iv sqrt tau)             vega          Vega / (S sqrt T)
    time_to_expiry          tau / T                             theta         Theta sqrt T / (S s)
    implied_vol             iv/s - 1                            last_return   (S'/S - 1) / (s sqrt dt)
    realised_vol            root of the decayed mean square return, over s sqrt dt, less 1
    band_width              half-width of the band of Whalley & Wilmott (1997), at the implied volatility
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fund.compiled import compiled
from fund.errors import DataError
from fund.market.black_scholes import d_plus, normal_cdf, normal_pdf, value
from fund.market.tape import Tape, empty_block
from fund.strategy import names
from specialists.delta_hedging.step import Columns, Own

if TYPE_CHECKING:
    from specialists.delta_hedging.strategy import DeltaHedging

Floats = NDArray[np.float64]

MARKET = (
    "moneyness",
    "log_forward_moneyness",
    "time_to_expiry",
    "delta",
    "gamma",
    "vega",
    "theta",
    "implied_vol",
    "realised_vol",
    "last_return",
    "band_width",
)
FEATURES = (*MARKET, *Own._fields)
MEMORY = 0.1  # weight of the newest square return in the realised volatility
FARTHEST = 5.0  # deviations at which the standardised moneyness is cut
LEAST = 0.25  # of the quoted volatility, below which a skew does not lead


class Quotes(NamedTuple):
    """What is known of the market, each (T+1, n); an option is described at the rows from which it is held."""

    spot: Floats
    strike: Floats
    time: Floats  # years to expiry, above zero
    implied: Floats  # volatility
    sale: Floats  # one where an option is sold, the one before having expired
    open: Floats  # one where the hedge may be changed
    heat: Floats  # (n,) realised volatility at row 0
    price: Floats  # of the option held from a row on; no rows: its value at the implied volatility


class Places(NamedTuple):
    """Where the columns stand in a tape."""

    spot: int
    option: int
    premium: int
    shadow: int
    delta: int
    units: int
    sale: int
    open: int
    strike: int
    time: int
    sigma: int
    gamma: int


PLACES = Places(*(names(Columns).index(name) for name in Places._fields))


class Terms(NamedTuple):
    """Numbers of the contract and of the scaling."""

    sign: float
    rate: float
    dividend: float
    shadow: float  # multiple of the implied volatility
    skew: float  # added to that, times ln(K/S)
    notional: float  # value of the underlier of the options sold
    life: float  # years
    sigma: float
    dt: float
    band: float  # 1.5 lambda / gamma, gamma for one option


def terms_of(desk: DeltaHedging) -> Terms:
    """The strategy's parameters."""
    aversion = desk.risk_aversion * desk.notional / desk.spot if desk.risk_aversion > 0.0 else 1.0
    return Terms(
        desk.sign, desk.rate, desk.dividend, desk.risk_volatility, desk.risk_skew, desk.notional, desk.life,
        desk.sigma, desk.dt, 1.5 * desk.cost_rate / aversion
    )  # fmt: skip


def lay_out(desk: DeltaHedging, quotes: Quotes, rows: NDArray[np.int64] | None = None) -> Tape:
    """The tape of these quotes; raises DataError where a number is not finite."""
    steps, n = quotes.spot.shape[0] - 1, quotes.spot.shape[1]
    block = empty_block(steps + 1, len(names(Columns)), n)
    features = np.zeros((steps + 1, n, len(FEATURES)), dtype=np.float32)
    _write(block.transpose(0, 2, 1), features, PLACES, terms_of(desk), quotes)
    if not (np.isfinite(block.sum()) and np.isfinite(features.sum())):
        _name_the_first(block)
    return Tape(names(Columns), block, features, np.zeros(0, dtype=np.int64) if rows is None else rows)


def _name_the_first(block: Floats) -> None:
    bad = np.argwhere(~np.isfinite(block))
    t, k, path = bad[0] if len(bad) else (0, 0, 0)
    found = block[t, k, path]
    raise DataError(
        f'column "{names(Columns)[k]}", row {t}, path {path}: found {found}, wanted a finite number'
    )


@compiled(nogil=True)
def _write(block: Floats, features: NDArray[np.float32], at: Places, terms: Terms, quotes: Quotes) -> None:
    # both by path: rows, then paths, then columns or slots
    rows, n = quotes.spot.shape
    units, square = np.empty(n), quotes.heat**2 * terms.dt
    quoted = quotes.price.shape[0] == rows
    for t in range(rows):
        for i in range(n):
            out = block[t, i]
            spot, strike, time = quotes.spot[t, i], quotes.strike[t, i], quotes.time[t, i]
            if t == 0 or quotes.sale[t, i] > 0.0:
                units[i] = terms.notional / spot
            move = spot / quotes.spot[t - 1, i] - 1.0 if t > 0 else 0.0
            if t > 0:
                square[i] += MEMORY * (move * move - square[i])
            out[at.spot], out[at.strike], out[at.time], out[at.units] = spot, strike, time, units[i]
            out[at.sale], out[at.open] = quotes.sale[t, i], quotes.open[t, i]
            _value(out, features[t, i], at, terms, quotes.implied[t, i])
            if quoted:
                out[at.premium] = quotes.price[t, i]
            out[at.option] = out[at.premium]
            if t > 0 and quotes.sale[t, i] > 0.0:
                out[at.option] = max(terms.sign * (spot - quotes.strike[t - 1, i]), 0.0)
            features[t, i, 8] = math.sqrt(square[i] / terms.dt) / terms.sigma - 1.0
            features[t, i, 9] = move / (terms.sigma * math.sqrt(terms.dt))


@njit(forceinline=True)
def shadow_volatility(terms: Terms, sigma: float, spot: float, strike: float) -> float:
    """Volatility at which the risk term values an option that is quoted at sigma; not below `LEAST` of that."""
    return max(terms.shadow * sigma + terms.skew * math.log(strike / spot), LEAST * sigma)


@compiled(nogil=True)
def _value(out: Floats, row: NDArray[np.float32], at: Places, terms: Terms, sigma: float) -> None:
    # price and Greeks of one option, and the slots of the observation that they fill
    spot, strike, time, sign = out[at.spot], out[at.strike], out[at.time], terms.sign
    root, whole = math.sqrt(time), math.sqrt(terms.life)
    d1 = d_plus(spot, strike, time, terms.rate, terms.dividend, sigma)
    d2, away, back = d1 - sigma * root, math.exp(-terms.dividend * time), math.exp(-terms.rate * time)
    held, paid = away * normal_cdf(sign * d1), back * strike * normal_cdf(sign * d2)
    density = away * normal_pdf(d1)
    theta = sign * (terms.dividend * spot * held - terms.rate * paid) - 0.5 * spot * density * sigma / root
    gamma = density / (spot * sigma * root)
    out[at.sigma], out[at.delta], out[at.gamma] = sigma, sign * held, gamma
    out[at.premium] = max(sign * (spot * held - paid), 0.0)
    out[at.shadow] = out[at.premium]
    if terms.shadow != 1.0 or terms.skew != 0.0:
        out[at.shadow] = value(
            sign,
            spot,
            strike,
            time,
            terms.rate,
            terms.dividend,
            shadow_volatility(terms, sigma, spot, strike),
        )
    scale = terms.sigma * whole
    row[0] = (spot / strike - 1.0) / scale
    row[1] = min(max(0.5 * (d1 + d2), -FARTHEST), FARTHEST)
    row[2] = time / terms.life
    row[3], row[4], row[5] = sign * held, gamma * spot * scale, density * root / whole
    row[6], row[7] = theta * whole / (spot * terms.sigma), sigma / terms.sigma - 1.0
    row[10] = (terms.band * back * spot * gamma * gamma) ** (1.0 / 3.0)


class Schedule(NamedTuple):
    """When options are sold and hedges may change, by row of an episode; each (T+1,)."""

    since: NDArray[np.int64]  # steps since the sale of the option held from here on
    left: NDArray[np.int64]  # steps that it has left
    sale: Floats
    open: Floats


def schedule(desk: DeltaHedging) -> Schedule:
    """One option after the other."""
    since = np.arange(desk.n_steps + 1) % desk.option_steps
    opens = since % desk.rebalance_steps == 0
    return Schedule(since, desk.option_steps - since, (since == 0).astype(float), opens.astype(float))


def strikes(desk: DeltaHedging, spot: Floats) -> Floats:
    """Strikes (T+1, n) of options sold at the same moneyness, one after the other."""
    rows = np.arange(len(spot))
    return np.asarray(spot[rows - rows % desk.option_steps] * (desk.strike / desk.spot))
