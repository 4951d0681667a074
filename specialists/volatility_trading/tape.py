"""From a market to the tape: series listed, columns and features written, some paths at a time."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fund.errors import DataError
from fund.market.streams import Paths
from fund.market.tape import Tape, empty_block
from fund.market.weather import Weather
from fund.strategy import names
from specialists.volatility_trading import market, other_markets
from specialists.volatility_trading.features import WARM_UP, write_features
from specialists.volatility_trading.listing import (
    ACTIVE,
    CLAIMS,
    CROSS_PNL,
    DELTA,
    FIRST,
    GAMMA_PNL,
    HELD_DELTA,
    HELD_GAMMA,
    HELD_THETA,
    HELD_VEGA,
    MARGIN,
    SECOND,
    SIZE,
    THETA_PNL,
    VARIANCE,
    VEGA,
    VEGA_PNL,
    Claim,
    Smile,
    list_series,
)
from specialists.volatility_trading.market import Market
from specialists.volatility_trading.step import Columns
from specialists.volatility_trading.surface import Bates, Surface, surface

if TYPE_CHECKING:
    from specialists.volatility_trading.strategy import VolatilityTrading

Floats = NDArray[np.float64]

CHUNK = 128  # paths drawn together; what they need stays in the cache
DRAWN = {
    "heston": market.heston,
    "variance": market.heston,
    "gbm": market.gbm,
    "gjr": other_markets.gjr,
    "rough": other_markets.rough,
}
ON_SURFACE = ("heston", "variance")


def record(desk: VolatilityTrading, paths: Paths, weather: Weather) -> Tape:
    """The tape of generated paths."""
    tape = blank(desk, len(paths))
    for cut, some in paths.parts(CHUNK):
        sky = market.sky_of(desk, weather.some(cut))
        fill(desk, tape, cut, DRAWN[desk.market](desk, some, sky), phases(desk, some))
    return checked(tape)


def blank(desk: VolatilityTrading, n: int) -> Tape:
    """A tape of zeros, to be filled."""
    columns = names(Columns)
    wide = np.zeros((desk.n_steps + 1, n, len(desk.features)), dtype=np.float32)
    return Tape(columns, empty_block(desk.n_steps + 1, len(columns), n), wide)


def phases(desk: VolatilityTrading, paths: Paths) -> NDArray[np.int64]:
    """Age (n,) of each path's series at row 0, in steps."""
    most = min(desk.life - desk.roll, WARM_UP)
    if not desk.aged or most <= 1:
        return np.zeros(len(paths), dtype=np.int64)
    return paths.streams(desk.name).integers("phase", most).reshape(len(paths))


def claim_of(desk: VolatilityTrading) -> Claim:
    """What is listed."""
    calls, puts = CLAIMS[desk.claim]
    limit = -desk.contracts / desk.capital if desk.contracts > 0.0 else 100.0 * desk.vega_limit
    sigma = desk.realised_volatility if desk.hedge_at == "realised" else 0.0
    return Claim(calls, puts, desk.life, desk.roll, desk.dt, limit, desk.margin_rate, sigma)


@cache
def _no_surface() -> Surface:
    return surface(Bates(1.0, 0.1, 0.0, (0.04,), ((1.0,),), 1.0 / 12.0), 1, 1)


def fill(
    desk: VolatilityTrading,
    tape: Tape,
    cut: slice,
    found: Market,
    phase: NDArray[np.int64],
    smile: Smile | None = None,
) -> None:
    """Write some paths of a tape."""
    on_surface = desk.history is None and desk.market in ON_SURFACE
    block, wide = tape.by_path[:, cut], tape.features[:, cut]
    write_features(found.log_spot, found.far, desk.dt, WARM_UP, wide)
    fade = market.fading(desk, desk.dt * np.arange(desk.life + 1))
    flat = desk.market == "gbm" and desk.history is None
    shape = smile or (Smile(0.0, 0.0) if flat else Smile(desk.smile_slope, desk.smile_bend))
    table = market.table(desk) if on_surface else _no_surface()
    list_series(
        claim_of(desk), table, shape, on_surface, desk.initial_price * np.exp(found.log_spot), found.variance,
        found.regime, found.lift, fade, desk.demand_mean, found.far, phase, block, wide, 13,
    )  # fmt: skip
    if desk.market == "variance" and desk.history is None:
        _put_claim(desk, block, found)


def _put_claim(desk: VolatilityTrading, block: Floats, found: Market) -> None:
    price, v = market.variance_claim(desk, found)
    zero = (ACTIVE, DELTA, MARGIN, HELD_DELTA, HELD_GAMMA, HELD_THETA, GAMMA_PNL, THETA_PNL, CROSS_PNL)
    for column in zero:
        block[:, :, column] = 0.0
    block[:, :, FIRST], block[:, :, SECOND] = price, 1.0
    block[:, :, VEGA], block[:, :, HELD_VEGA], block[:, :, SIZE] = 1.0, 1.0, desk.exposure_limit
    block[1:, :, VEGA_PNL] = np.diff(price, axis=0)
    block[:, :, VARIANCE] = v


def checked(tape: Tape) -> Tape:
    """The tape, if all its numbers are finite; raises DataError."""
    if not (np.isfinite(tape.block.sum()) and np.isfinite(tape.features.sum(dtype=np.float64))):
        raise DataError("volatility_trading: a column or a feature is not finite")
    return tape
