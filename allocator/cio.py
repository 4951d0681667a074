"""The CIO: one more strategy, whose instruments are the desks and whose tape is their NAVs.

World        daily NAVs of the desks over one weather, played by their trained policies (`streams`), or a stand-in.
Action       Box(desks): a wish, mapped from [-1, 1] to [floor, cap] and then projected on the mandate: floor and
             cap a desk, weights that sum to one (to at most one with a cash sleeve), turnover at a rebalance.
Clock        weights are set every `rebalance_days` and drift between; every day's return counts.
Observation  12 statistics a desk, 15 of the market, own weights, drawdown, volatility, turnover, correlations.
Reward       `pnl`, `risk` (-risk_aversion r^2 / 2), `target_volatility` (running volatility above the target),
             `control` (a learner's world only: minus what equal weights would have made).
Ends         the horizon truncates, ruin terminates.
Rules        equal weight, inverse volatility, equal risk contribution, HRP, minimum variance, shrunk Kelly; and the
             regime oracle (`oracle`), an upper bound.

The sum of the sleeves and the cash is the fund's NAV, at every step, because the ledger says so.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from allocator import features as seen
from allocator.oracle import regime_oracle
from allocator.policies import RULES
from allocator.projection import check_bounds, project
from allocator.streams import NavStreams, stand_in
from fund.account.ledger import Fills
from fund.envs.kernel import tuple_reader
from fund.errors import DataError
from fund.market.streams import Paths
from fund.market.tape import Tape, write_tape
from fund.market.weather import Weather
from fund.parameter import parameter
from fund.strategy import Box, Played, Step, Strategy
from specialists import ROSTER

Floats = NDArray[np.float64]

DESKS = tuple(ROSTER)
COUNT = len(DESKS)

# as many fields as the roster has desks, which a type checker cannot know
_COLUMNS = [
    *(f"nav_{d}" for d in DESKS), *(f"mean_{d}" for d in DESKS),
    *(f"variance_{d}" for d in DESKS), *(f"covariance_{DESKS[i]}_{DESKS[j]}" for i, j in seen.pairs(DESKS)), "regime",
]  # fmt: skip
_OWN = [*(f"weight_{d}" for d in DESKS), "drawdown", "volatility", "turnover"]
Columns = namedtuple("Columns", _COLUMNS)  # type: ignore[misc]  # its columns are the desks
Memory = namedtuple("Memory", ["variance", "turnover", "nav", "equal"])
Own = namedtuple("Own", _OWN)  # type: ignore[misc]  # its columns are the desks
Parts = namedtuple("Parts", ["pnl", "risk", "target_volatility", "control"])

_as_tuple = tuple_reader(COUNT, "array[{k}]", "array")
_own = tuple_reader(COUNT + 3, "array[{k}]", "array")
CHUNK = 128  # paths recorded together
ORACLE = "regime_oracle"  # an upper bound, not a rule to be held against
DECAY = 0.94  # a day, of the running variance (RiskMetrics, 1996)


def opening(p, now):  # type: ignore[no-untyped-def]
    """Equal weights, paid for at the mark."""
    held = np.empty(COUNT)
    for k in range(COUNT):
        held[k] = p.capital / COUNT / now[k]
    return _as_tuple(held), Memory(p.start_variance, 0.0, p.capital, 0.0)


def trade(p, now, nxt, account, memory, action):  # type: ignore[no-untyped-def]
    """On a rebalancing day, trade to the projected wish; on others let the weights drift."""
    quantity, price, fee, equal = np.zeros(COUNT), np.empty(COUNT), np.zeros(COUNT), 0.0
    for k in range(COUNT):
        price[k] = now[k]
        equal += (nxt[k] / now[k] - 1.0) / COUNT
    turnover = 0.0
    daily = account.nav / memory.nav - 1.0 if memory.nav > 0.0 else 0.0
    variance = (
        memory.variance if account.step == 0.0 else DECAY * memory.variance + (1.0 - DECAY) * daily * daily
    )
    if account.step % p.rebalance_days == 0.0 and account.nav > 0.0:
        wish, held, weights = np.empty(COUNT), np.empty(COUNT), np.empty(COUNT)
        for k in range(COUNT):
            wish[k] = p.floor + (action[k] + 1.0) * 0.5 * (p.cap - p.floor)
            held[k] = account.position[k] * price[k] / account.nav
        project(wish, held, p.floor, p.cap, p.max_turnover, p.cash_sleeve > 0.5, weights)
        for k in range(COUNT):
            turnover += abs(weights[k] - held[k])
        # fees are set aside first, so that buying never overdraws the cash
        money = account.nav * (1.0 - p.cost_rate * turnover * (1.0 + p.cost_rate))
        for k in range(COUNT):
            quantity[k] = weights[k] * money / price[k] - account.position[k]
            fee[k] = p.cost_rate * abs(quantity[k]) * price[k]
    fills = Fills(_as_tuple(quantity), _as_tuple(price), _as_tuple(fee))
    interest = account.cash * p.cash_rate * p.years_per_step
    return fills, interest, Memory(variance, turnover, account.nav, equal)


def reward(p, before, account, memory):  # type: ignore[no-untyped-def]
    """Change of NAV, minus the price of risk, minus running volatility above the target."""
    change = (account.nav - before.nav) / p.capital
    daily = account.nav / before.nav - 1.0 if before.nav > 0.0 else 0.0
    excess = memory.variance * 252.0 / (p.target_volatility * p.target_volatility) - 1.0
    penalty = -p.volatility_penalty * max(excess, 0.0) / 252.0
    # what equal weights would have made does not depend on the action, but carries most of the noise
    control = -p.equal_share * memory.equal * before.nav / p.capital
    risk = -0.5 * p.risk_aversion * daily * daily
    return Parts(change * p.reward_scale, risk * p.reward_scale, penalty, control * p.reward_scale)


def observe(p, now, account, memory):  # type: ignore[no-untyped-def]
    """Own weights against equal ones, drawdown, running volatility against its target, last turnover."""
    own = np.empty(COUNT + 3)
    nav = max(account.nav, 1e-9)
    for k in range(COUNT):
        own[k] = (account.position[k] * account.mark[k] / nav - 1.0 / COUNT) * COUNT
    own[COUNT] = 10.0 * (1.0 - account.nav / account.peak)
    own[COUNT + 1] = memory.variance * 252.0 / (p.target_volatility * p.target_volatility)
    own[COUNT + 2] = 4.0 * memory.turnover
    return _own(own)


STEP = Step(
    Columns, Memory, Own, Parts, tuple(f"nav_{d}" for d in DESKS), tuple(range(COUNT)), COUNT, opening, trade, reward,
    observe,
)  # fmt: skip
PRESETS: Mapping[str, Mapping[str, Any]] = {
    "default": {},
    "null": {"sharpe_scale": 0.0},
    "planted": {"sharpe_scale": 0.0, "edge": 4.0, "cost_rate": 0.0},
}


@dataclass(frozen=True)
class CioAllocator(Strategy):
    """Capital allocation among the desks of the roster."""

    name = "cio_allocator"
    actions = Box(COUNT)  # a wish for each desk
    step = STEP
    features = seen.feature_names(DESKS)
    rules = RULES | {ORACLE: regime_oracle}
    presets = PRESETS
    flat_action = None  # a fund without a cash sleeve is always invested
    derived = ("years_per_step", "start_variance", "equal_share")

    floor: float = parameter(0.05, "least weight of a desk")
    cap: float = parameter(0.40, "greatest weight of a desk")
    max_turnover: float = parameter(0.50, "sum of absolute changes of weights at a rebalance", at_least=0.0)
    rebalance_days: int = parameter(5, "days between rebalances", at_least=1)
    target_volatility: float = parameter(0.12, "a year", above=0.0)
    volatility_penalty: float = parameter(1.0, "reward a year where running variance is twice the target's")
    risk_aversion: float = parameter(4.0, "of squared daily returns in the reward")
    cost_rate: float = parameter(
        0.0001, "fee of moving capital, share of the value moved", at_least=0.0, at_most=1.0
    )
    cash_sleeve: bool = parameter(False, "whether weights may sum to less than one")
    cash_rate: float = parameter(0.0, "interest on cash, a year")
    sharpe_scale: float = parameter(1.0, "multiple of the stand-in desks' Sharpe ratios")
    edge: float = parameter(0.0, "annual Sharpe ratio added to the first stand-in desk")
    in_order: bool = parameter(False, "path of seed s plays world s, from its first day")
    control_variate: bool = parameter(
        False, "whether the reward has what equal weights would have made taken out; for training"
    )
    reward_scale: float = 100.0
    streams: NavStreams | None = parameter(None, "recorded NAV streams instead of the stand-in")

    def __post_init__(self) -> None:
        """Refuse a mandate that no weights satisfy; raises InvalidParameter."""
        super().__post_init__()
        check_bounds(COUNT, self.floor, self.cap, self.cash_sleeve)

    @property
    def start_variance(self) -> float:
        """Running daily variance at the start: half the target's."""
        return 0.5 * self.target_volatility**2 / 252.0

    @property
    def equal_share(self) -> float:
        """Share of the equal-weight fund's P&L that is taken out of the reward."""
        return 1.0 if self.control_variate else 0.0

    def record(self, paths: Paths, weather: Weather | None = None) -> Tape:
        """NAVs of the desks, each starting at 1, with the statistics of the days before."""
        # some paths at a time: what is computed on the way takes four times the memory of the tape
        (_, some), *more = paths.parts(CHUNK)
        first = self._record(some)
        if not more:
            return first
        whole = first.widened(len(paths))
        for cut, some in more:
            whole.put(np.arange(len(paths))[cut], self._record(some))
        return whole

    def _record(self, paths: Paths) -> Tape:
        returns, market, regime, rows = self._returns(paths)
        mean, covariance = seen.moments(returns)
        navs = np.cumprod(
            np.concatenate([np.ones((1, *returns.shape[1:])), 1.0 + returns[seen.WARM_UP :]]), axis=0
        )
        columns = {f"nav_{d}": navs[:, :, k] for k, d in enumerate(DESKS)}
        columns |= {f"mean_{d}": mean[:, :, k] for k, d in enumerate(DESKS)}
        columns |= {f"variance_{d}": covariance[:, :, k, k] for k, d in enumerate(DESKS)}
        for i, j in seen.pairs(DESKS):
            columns[f"covariance_{DESKS[i]}_{DESKS[j]}"] = covariance[:, :, i, j]
        # of the day that begins at a row, for the oracle alone; on the last row no day begins
        columns["regime"] = np.concatenate([regime[seen.WARM_UP :], regime[-1:]]).astype(np.float64)
        told = seen.desk_features(returns, DESKS) | seen.market_features(returns, market, covariance)
        return write_tape(columns, told | seen.correlation_features(covariance, DESKS), self.features, rows)

    def known_streams(self) -> NavStreams:
        """The streams themselves, or a sample of the stand-in's, with their regimes."""
        if self.streams is not None:
            return self.streams
        return stand_in(DESKS, Paths.of(0, 64), 1260, self.sharpe_scale, self.edge)

    def _returns(self, paths: Paths) -> tuple[Floats, Floats, NDArray[np.int64], NDArray[np.int64] | None]:
        days = seen.WARM_UP + self.n_steps
        if self.streams is None:
            drawn = stand_in(DESKS, paths, days, self.sharpe_scale, self.edge)
            return drawn.returns, drawn.market, drawn.known_regime, None
        streams = self.streams
        if streams.desks != DESKS:
            raise DataError(f"streams of {', '.join(streams.desks)}, wanted {', '.join(DESKS)}")
        if streams.days < days:
            raise DataError(
                f"streams of {streams.days} days, wanted at least {days} (warm-up {seen.WARM_UP})"
            )
        world, start = self._places(paths, streams, days)
        span = start[None, :] + np.arange(days)[:, None]
        cut = (span, world)
        return streams.returns[cut], streams.market[cut], streams.known_regime[cut], start + seen.WARM_UP

    def _places(self, paths: Paths, streams: NavStreams, days: int) -> tuple[Any, Any]:
        if self.in_order:
            return np.array(paths.seeds) % streams.worlds, np.zeros(len(paths), dtype=np.int64)
        draws = paths.streams(self.name)
        return draws.integers("world", streams.worlds), draws.integers("start", streams.days - days + 1)

    def over_limit(self, held: Floats, position: Floats, marks: Floats, nav: Floats) -> NDArray[np.bool_]:
        """(n,) paths that hold more than they have, or a desk short."""
        worth = position * marks
        return np.asarray(
            (worth.sum(axis=0) > np.maximum(nav, 0.0) * (1 + 1e-9)) | (worth < -1e-9).any(axis=0)
        )

    def statistics(self, played: Played) -> dict[str, float]:
        """Fund volatility a year, and value moved a year over capital."""
        returns = played.nav[1:] / played.nav[:-1] - 1.0
        return {"volatility": float(returns.std() * np.sqrt(252.0))}
