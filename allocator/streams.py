"""NAV streams: daily returns of the desks over many worlds, the market that the CIO trades in.

They come from the trained desks, played over one weather (`play_desks`), or from a stand-in generator with the
same shape, so that the CIO can be built and tested before anything is trained.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fund.account.ledger import LINES
from fund.envs.batch import Batch
from fund.envs.play import CHUNK
from fund.errors import DataError
from fund.market import weather as sky
from fund.market.streams import Paths
from fund.market.weather import Weather
from fund.strategy import Policy, Strategy

Floats = NDArray[np.float64]

MARKET_VOLATILITY = 0.16  # a year, of the common factor in the normal regime
# annual Sharpe ratio by regime (calm, normal, stressed, crisis) of the stand-in desks
STAND_IN = {
    "statistical_arbitrage": (0.8, 0.9, 0.5, -1.0),
    "market_making": (1.0, 1.2, 1.0, 0.2),
    "volatility_trading": (1.2, 0.8, -0.5, -3.0),
    "delta_hedging": (0.3, 0.3, 0.3, 0.3),
    "futures_spreads": (0.6, 0.6, 0.4, 0.2),
    "factor_tracking": (0.6, 0.5, 0.0, -1.2),
    "fx_arbitrage": (0.9, 0.7, -0.3, -2.5),
}
STAND_IN_DEFAULT = (0.5, 0.5, 0.2, -0.5)
STAND_IN_VOLATILITY = 0.10  # a year
COSTS = ("execution", "fees", "rebates")  # the ledger's lines of trading; execution: spread and impact


@dataclass(frozen=True, eq=False, repr=False)
class NavStreams:
    """Daily simple returns of desks over worlds that share one weather."""

    desks: tuple[str, ...]
    returns: Floats  # (days, worlds, desks)
    market: Floats  # (days, worlds), of the common market factor
    source: str = ""
    regime: NDArray[np.int64] | None = (
        None  # (days, worlds), known at the start of a day; None where nobody knows
    )
    costs: Mapping[str, Floats] = field(
        default_factory=dict
    )  # kind to (days, worlds, desks), shares of a desk's NAV

    def __post_init__(self) -> None:
        """Check shapes and that no desk loses more than it has. Raises DataError."""
        if self.returns.shape != (*self.market.shape, len(self.desks)):
            raise DataError(
                f"streams of {self.returns.shape} for {len(self.desks)} desks and market {self.market.shape}"
            )
        if self.regime is not None and self.regime.shape != self.market.shape:
            raise DataError(f"streams: regimes of {self.regime.shape}, wanted {self.market.shape}")
        if not (np.isfinite(self.returns).all() and np.isfinite(self.market).all()):
            raise DataError("streams: found a return that is not finite")
        if (self.returns <= -1.0).any():
            day, world, desk = np.argwhere(self.returns <= -1.0)[0]
            raise DataError(f"streams: {self.desks[desk]} loses all on day {day} of world {world}")

    def __repr__(self) -> str:
        """One line."""
        days, worlds = self.market.shape
        return f"NavStreams({', '.join(self.desks)}; {days} days, {worlds} worlds, {self.sha256[:12]})"

    @property
    def days(self) -> int:
        """Days."""
        return int(self.market.shape[0])

    @property
    def worlds(self) -> int:
        """Worlds."""
        return int(self.market.shape[1])

    @cached_property
    def sha256(self) -> str:
        """Hash of the numbers and names."""
        total = hashlib.sha256(",".join(self.desks).encode())
        total.update(
            np.ascontiguousarray(self.returns).tobytes() + np.ascontiguousarray(self.market).tobytes()
        )
        return total.hexdigest()

    def between(self, start: int, stop: int) -> NavStreams:
        """The days from start to stop."""
        regime = None if self.regime is None else self.regime[start:stop]
        costs = {kind: paid[start:stop] for kind, paid in self.costs.items()}
        returns, market = self.returns[start:stop], self.market[start:stop]
        return replace(self, returns=returns, market=market, regime=regime, costs=costs)

    @property
    def known_regime(self) -> NDArray[np.int64]:
        """Regimes (days, worlds); the normal one where nobody knows."""
        return np.ones(self.market.shape, dtype=np.int64) if self.regime is None else self.regime


def market_returns(weather: Weather) -> Floats:
    """Daily returns of the common market factor, (days, n)."""
    daily = MARKET_VOLATILITY / np.sqrt(252.0)
    return weather.drift / 252.0 + daily * weather.volatility * weather.market


def stand_in(desks: Sequence[str], paths: Paths, days: int, sharpe_scale: float, edge: float) -> NavStreams:
    """Generated streams: Sharpe ratios that depend on the regime, a common factor that tightens in a crisis."""
    weather = sky.draw(paths, days)
    own = paths.streams("desks").normal("returns", days, len(desks)).transpose(1, 0, 2)
    share = weather.correlation[:, :, None]
    shocks = np.sqrt(share) * weather.market[:, :, None] + np.sqrt(1.0 - share) * own
    table = np.array([STAND_IN.get(desk, STAND_IN_DEFAULT) for desk in desks]) * sharpe_scale
    sharpe = table.T[weather.regime].copy()  # (days, n, desks)
    sharpe[:, :, 0] += edge
    daily = STAND_IN_VOLATILITY / np.sqrt(252.0) * np.minimum(weather.volatility, 1.6)[:, :, None]
    returns = np.maximum(daily * (sharpe / np.sqrt(252.0) + shocks), -0.5)
    return NavStreams(tuple(desks), returns, market_returns(weather), "stand-in", weather.regime)


def play_desks(
    desks: Mapping[str, tuple[Strategy, Policy]], seed: int, worlds: int, days: int, source: str = ""
) -> NavStreams:
    """Play every desk's policy over the same weather; world w is the path of seed + w."""
    paths = Paths.of(seed, worlds)
    weather = sky.draw(paths, days)
    played = [desk_days(strategy, policy, paths, weather) for strategy, policy in desks.values()]
    return NavStreams(
        tuple(desks),
        np.stack([one.returns for one in played], axis=2),
        market_returns(weather),
        source,
        weather.regime,
        {kind: np.stack([one.costs[k] for one in played], axis=2) for k, kind in enumerate(COSTS)},
    )


class DeskDays(NamedTuple):
    """What a desk made and paid each day, as shares of its NAV when the day began."""

    returns: Floats  # (days, n)
    costs: Floats  # (kinds of COSTS, days, n), paid > 0; part of the returns already


def desk_days(strategy: Strategy, policy: Policy, paths: Paths, weather: Weather) -> DeskDays:
    """Daily returns and costs of one desk under a given weather.

    A desk whose episode is a day starts every day anew with its capital, so its return is the day's P&L over that
    capital. A desk over many days is played through; after ruin its return is zero: what is lost stays lost.
    """
    if strategy.days == 1:
        return _day_by_day(strategy, policy, paths, weather)
    days = weather.regime.shape[0]
    long = strategy.with_steps(days * strategy.steps_per_day)
    books = [
        _books(long, policy, some, part, strategy.steps_per_day) for some, part in _chunks(paths, weather)
    ]
    nav, *paid = np.concatenate(books, axis=2)
    alive, before = nav[:-1] > 0.0, np.maximum(nav[:-1], 1e-12)
    costs = np.where(alive, np.diff(np.stack(paid), axis=1) / before, 0.0)
    return DeskDays(np.where(alive, np.maximum(nav[1:] / before - 1.0, -0.999), 0.0), costs)


def _day_by_day(strategy: Strategy, policy: Policy, paths: Paths, weather: Weather) -> DeskDays:
    days, n = weather.regime.shape
    flat = Weather(**{name: values.reshape(1, -1) for name, values in vars(weather).items()})
    every = Paths(tuple(paths.seeds) * days, tuple(day for day in range(days) for _ in range(n)))
    books = [_books(strategy, policy, some, part, strategy.n_steps) for some, part in _chunks(every, flat)]
    made = np.diff(np.concatenate(books, axis=2), axis=1)[:, 0].reshape(-1, days, n) / strategy.capital
    return DeskDays(np.maximum(made[0], -0.999), made[1:])


def _chunks(paths: Paths, weather: Weather) -> list[tuple[Paths, Weather]]:
    return [(some, weather.some(cut)) for cut, some in paths.parts(CHUNK)]


def _books(strategy: Strategy, policy: Policy, paths: Paths, weather: Weather, every: int) -> Floats:
    """NAV, then what was paid so far of each kind, at the start and after every so many steps: (1 + kinds, T+1, n)."""
    batch = Batch(strategy, tape=strategy.record(paths, weather))
    batch.start(paths)
    books, paid = batch.ledger.books, [LINES.index(kind) for kind in COSTS]
    rows = [np.vstack([books.nav, -books.lines[paid]])]
    for step in range(1, strategy.n_steps + 1):
        batch.step(policy(batch.view()))
        if step % every == 0:
            rows.append(np.vstack([books.nav, -books.lines[paid]]))
    return np.stack(rows, axis=1)
