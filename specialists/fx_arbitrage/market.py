"""Generated markets: two currencies against a third, their rates, and the three pairs' executable quotes.

Rates. The differentials d_k = r_k - r_home of the base and the terms currency are autoregressive from month to month,
and constant in between, as between two meetings of a central bank.

Spots. The value S of a currency in home currency moves over a step dt by

    S' / S = (1 - roll + pi) exp(s z - s^2 / 2),   s = sigma V sqrt(dt),   z = b m + sqrt(1 - b^2) e

where 1 - roll is the forward over the spot (`fund.market.rates`), so that the excess return S'/S - 1 + roll has mean
pi exactly, with

    pi = (1 - beta) roll (1 + crash (mu - mean of mu))  beta: Fama's slope on the forward premium, 1: uncovered parity
    b  = loading sqrt(rho) min(|d| / 3%, 1) sign(d)     share of the common factor m: high interest is high beta

V is the weather's volatility to the power of `volatility_response`, mu and m drift and shock of its market factor, rho
its correlation. The premium is earned in calm times and paid back in a crisis, when all carry trades become one; over
the long run it is (1 - beta) d a year. The own shocks e of the two currencies correlate by `correlation`.

Quotes. Half-spreads and executable sizes vary around the normal ones, wider and smaller where liquidity is low. The
cross deviates from what the other two pairs imply by less than its own half-spread, except while an opportunity is
open (`fund.market.triangle`): then going round the triangle pays 1 + size, at the quotes. In the market `carry`, one
row a day, a row meets an opportunity as a look at a random time does; in `triangle` rows are fractions of a second, and
opportunities open and close between them.

References:
    Fama (1984), Journal of Monetary Economics 14:319-338; Lustig, Roussanov & Verdelhan (2011), Review of Financial
    Studies 24:3731-3777; Brunnermeier, Nagel & Pedersen (2009), NBER Macroeconomics Annual 23:313-347.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fund.market.rates import roll
from fund.market.streams import Paths, Streams
from fund.market.tape import Tape, empty_block
from fund.market.triangle import DRAWS, Durations, most_opportunities, open_at
from fund.market.weather import MARKET_DRIFT, Weather, stationary
from fund.strategy import names
from specialists.fx_arbitrage.features import WARM_UP, Sight, write_features
from specialists.fx_arbitrage.spots import DIGITS, PLACES, Draws, Pace, Sky, write_rows
from specialists.fx_arbitrage.step import Columns

if TYPE_CHECKING:
    from specialists.fx_arbitrage.strategy import FxArbitrage

Floats = NDArray[np.float64]

CHUNK = 64  # paths drawn together; bounds the memory beside the tape itself
MONTH = 21  # days
DEVIATION_MEMORY = 2.0  # seconds in which the cross's deviation has forgotten most of what it was


def record(desk: FxArbitrage, paths: Paths, weather: Weather | None) -> Tape:
    """The tape of generated paths."""
    columns, width = names(Columns), len(desk.features)
    block = empty_block(desk.n_steps + 1, len(columns), len(paths))
    wide = np.zeros((desk.n_steps + 1, len(paths), width), dtype=np.float32)
    for cut, some in paths.parts(CHUNK):
        # one day more than is traded: the last row shows the quotes of the day after
        sky = desk.sky(some, desk.days + 1, None if weather is None else weather.some(cut))
        _draw(desk, some.streams(desk.name), sky, block, wide, cut.start)
    return Tape(columns, block, wide)


def _draw(
    desk: FxArbitrage,
    streams: Streams,
    weather: Weather,
    block: Floats,
    wide: NDArray[np.float32],
    first: int,
) -> None:
    rows = WARM_UP + desk.n_steps + 1
    draws, levels = draws_of(desk, streams, rows), np.zeros((3, rows, len(streams)))
    write_rows(block, first, PLACES, pace_of(desk), sky_of(desk, weather), WARM_UP, desk.month, draws, levels)
    day = np.minimum(np.arange(desk.n_steps + 1) // desk.steps_per_day, len(weather.funding) - 1)
    cut = slice(first, first + len(streams))
    block[:, PLACES.funding, cut] = (
        desk.cost_scale * desk.years_per_step * (desk.funding + weather.funding[day])
    )
    write_features(wide, block, first, Sight(*levels, draws.age), desk.norms)


def pace_of(desk: FxArbitrage) -> Pace:
    """The desk's parameters, a step."""
    root = math.sqrt(desk.years_per_step)
    return Pace(
        base_price=desk.base_price,
        terms_price=1.0 / desk.home_price,
        base_step=desk.base_volatility * root,
        terms_step=desk.terms_volatility * root,
        correlation=desk.correlation,
        loading=desk.market_loading,
        premium=1.0 - desk.uip_beta,
        spreads=desk.spreads,
        spread_noise=desk.spread_noise,
        size=desk.size,
        size_noise=desk.size_noise,
        deviation=desk.deviation,
        kept=math.exp(-desk.seconds / DEVIATION_MEMORY),
    )


def sky_of(desk: FxArbitrage, weather: Weather) -> Sky:
    """The weather as the loop needs it."""
    mean = float(stationary() @ MARKET_DRIFT)
    return Sky(
        volatility=weather.volatility**desk.volatility_response,
        shock=weather.market,
        loading=np.sqrt(weather.correlation),
        pay=1.0 + desk.crash * (weather.drift - mean),
        liquidity=weather.liquidity,
        steps=desk.steps_per_day,
    )


def draws_of(desk: FxArbitrage, streams: Streams, rows: int) -> Draws:
    """All draws of some paths."""
    rates = differentials(desk, streams, -(-rows // desk.month))
    rolls = roll(desk.home_rate + rates, desk.home_rate, desk.years_per_step)
    edge, age = _seen(desk, streams) if desk.market == "triangle" else _met(desk, streams)
    return Draws(
        spot=streams.normal("spot", rows - 1, 2),
        quotes=streams.uniform("quotes", desk.n_steps + 1, 3),
        rates=rates,
        rolls=rolls,
        edge=edge,
        age=age,
    )


def differentials(desk: FxArbitrage, streams: Streams, months: int) -> Floats:
    """Rates of base and terms currency over home's, a year, (2, months, n); the first month is stationary."""
    kept = 0.5 ** (1.0 / desk.differential_half_life)
    fresh = desk.differential_deviation * math.sqrt(1.0 - kept * kept)
    shocks = streams.normal("rates", months, 2).transpose(2, 1, 0)
    mean = np.array([desk.base_differential, desk.terms_differential])[:, None]
    out = np.empty((2, months, len(streams)))
    out[:, 0] = desk.differential_deviation * shocks[:, 0]
    for month in range(1, months):
        out[:, month] = kept * out[:, month - 1] + fresh * shocks[:, month]
    out += mean[:, None]
    return out


def _seen(desk: FxArbitrage, streams: Streams) -> tuple[Floats, Floats]:
    # opportunities that open and close between the rows of a fine grid
    most = most_opportunities(desk.opportunity_rate, desk.n_steps * desk.seconds)
    edge, age = np.zeros((2, desk.n_steps + 1, len(streams)))
    uniforms = streams.uniform("opportunities", most, DRAWS)
    open_at(
        uniforms,
        desk.opportunity_rate,
        _three(desk.durations),
        desk.opportunity_size,
        desk.seconds,
        edge,
        age,
    )
    return edge, age


def _three(durations: Durations) -> tuple[float, float, float]:
    return durations.fast_share, durations.fast_rate, durations.slow_rate


def _met(desk: FxArbitrage, streams: Streams) -> tuple[Floats, Floats]:
    # opportunities that a look at a random time meets: the longer ones more often; ages of exponentials are
    # exponential with the same rate. The digits of one uniform tell whether, which way, how large and how old
    durations = desk.durations
    share = durations.time_open(desk.opportunity_rate)
    uniforms = streams.uniform("opportunities", desk.n_steps + 1).T
    edge, age = np.zeros((2, *uniforms.shape))
    where = np.nonzero(uniforms <= share)
    if not len(where[0]):
        return edge, age
    inner = 2.0 * uniforms[where] / share
    side = np.where(inner <= 1.0, 1.0, -1.0)
    lead = DIGITS * np.where(inner <= 1.0, inner, inner - 1.0)
    whole = np.minimum(np.floor(lead), DIGITS - 1.0)
    large, old = (whole + 0.5) / DIGITS, np.maximum(lead - whole, 1e-9)
    edge[where] = -side * np.log(large) * desk.opportunity_size
    fast = durations.fast_share_of_time
    age[where] = np.where(
        old <= fast,
        -np.log(old / fast) / durations.fast_rate if fast > 0.0 else 0.0,
        -np.log(np.maximum(old - fast, 1e-12) / max(1.0 - fast, 1e-12)) / durations.slow_rate,
    )
    return edge, age
