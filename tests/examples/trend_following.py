"""An eighth desk, in one file: trend following on one future.

World    a price with a slow drift that changes sign: dS = S (m dt + sigma dW), m a two-state Markov chain.
Action   Box(1): target position as a share of the leverage limit.
Reward   change of NAV over the capital.
Rules    `momentum` (sign of the 20-day return), `long`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from fund.account.costs import take
from fund.account.ledger import Fills
from fund.account.limits import exposure_limit
from fund.market.streams import Paths
from fund.market.tape import Tape, write_tape
from fund.market.weather import Weather, walk
from fund.parameter import parameter
from fund.strategy import Box, Policy, Step, Strategy, View


class Columns(NamedTuple):
    """Market columns."""

    price: float


class Memory(NamedTuple):
    """What a path remembers."""

    entry_nav: float  # NAV when the position was opened


class Own(NamedTuple):
    """The account's share of the observation."""

    position: float
    unrealised: float
    drawdown: float


class Parts(NamedTuple):
    """Parts of the reward."""

    pnl: float


def opening(p, now):  # type: ignore[no-untyped-def]
    """Nothing is held at the start."""
    return (0.0,), Memory(p.capital)


def trade(p, now, nxt, account, memory, action):  # type: ignore[no-untyped-def]
    """Trade to the target position at the close, crossing the spread."""
    target = action[0] * exposure_limit(account.nav, p.leverage) / now.price
    quantity = target - account.position[0]
    price, fee = take(quantity, now.price, 0.0, p.cost_rate)
    turned = target * account.position[0] <= 0.0
    return Fills((quantity,), (price,), (fee,)), 0.0, Memory(account.nav if turned else memory.entry_nav)


def reward(p, before, account, memory):  # type: ignore[no-untyped-def]
    """Change of NAV, scaled."""
    return Parts((account.nav - before.nav) / p.capital * p.reward_scale)


def observe(p, now, account, memory):  # type: ignore[no-untyped-def]
    """Own position in units of the limit, unrealised P&L, drawdown."""
    gross = account.position[0] * now.price / p.capital
    return Own(
        gross / p.leverage, (account.nav - memory.entry_nav) / p.capital, 1.0 - account.nav / account.peak
    )


def momentum(strategy: TrendFollowing) -> Policy:
    """Long after a rise over 20 days, short after a fall."""

    def act(view: View) -> np.ndarray[Any, np.dtype[np.float64]]:
        return np.sign(view.observation[:, [1]]).astype(np.float64)

    return act


def long(strategy: TrendFollowing) -> Policy:
    """Always long."""
    return lambda view: np.ones((view.n, 1))


RULES: Mapping[str, Callable[[Any], Policy]] = {"momentum": momentum, "long": long}
PRESETS: Mapping[str, Mapping[str, Any]] = {
    "default": {},
    "null": {"drift": 0.0},
    "planted": {"drift": 2.0, "cost_rate": 0.0},
}


@dataclass(frozen=True)
class TrendFollowing(Strategy):
    """One future with a hidden, changing drift."""

    name = "trend_following"
    actions = Box(1)  # the target position
    step = Step(Columns, Memory, Own, Parts, ("price",), (0,), 1, opening, trade, reward, observe)
    features = ("return_1", "return_20", "position", "unrealised", "drawdown")
    rules = RULES
    presets = PRESETS

    drift: float = parameter(0.4, "a year, up or down")
    volatility: float = parameter(0.15, "a year", above=0.0)
    turn: float = parameter(0.01, "probability a day that the drift changes sign", at_least=0.0, at_most=1.0)
    leverage: float = 1.0
    cost_rate: float = 0.0002
    warm_up: int = parameter(20, "days before the first", at_least=20)
    reward_scale: float = 100.0

    def record(self, paths: Paths, weather: Weather | None = None) -> Tape:
        """Prices and their past returns."""
        streams, days = paths.streams(self.name), self.warm_up + self.n_steps
        chain = np.array([[1 - self.turn, self.turn], [self.turn, 1 - self.turn]])
        state = walk(streams.uniform("drift", days).T.copy(), np.cumsum(chain, axis=1), np.array([0.5, 1.0]))
        dt = self.years_per_step
        shocks = streams.normal("price", days).T
        growth = (self.drift * (2.0 * state - 1.0) - self.volatility**2 / 2) * dt + self.volatility * np.sqrt(
            dt
        ) * shocks
        log_price = np.vstack([np.zeros(len(paths)), np.cumsum(growth, axis=0)])
        w, daily = self.warm_up, self.volatility * np.sqrt(dt)
        now = log_price[w:]
        features = {
            "return_1": (now - log_price[w - 1 : -1]) / daily,
            "return_20": (now - log_price[w - 20 : log_price.shape[0] - 20]) / (daily * np.sqrt(20)),
        }
        return write_tape({"price": 100.0 * np.exp(now)}, features, self.features)
