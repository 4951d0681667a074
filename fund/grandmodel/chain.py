"""A GrandModel as a chain: parent orders in, fills out, each stage's effect in money.

Every day the desks' targets pass through four stages, each a rule or whatever was trained in its place:

    strategic   target -> target within `tilt` of it             rule: hold the mandate
    tactical    share of the gap to be traded today, 0 ... 1     rule: trade at the schedule, all of it
    risk        share of the position to be held, 0 ... 1        rule: limits only, all of it
    execution   a policy of `fund.grandmodel.execution`          rule: Almgren-Chriss with Cont-Kukanov routing

The bounds hold whatever a stage says: strategic and tactical are cut to theirs, and after risk the leverage and VaR
limits scale positions down. Parents are whole lots; parent = sum of child fills + open quantity, exactly, and what a
stage left open is in the next day's gap.

Money is kept in one ledger over all instruments. Marks are the mids as the market alone moved them: own impact is paid
in the fills, not counted again. With position paths p_0 (the desks' targets), p_1 (after strategic), p_2 (tactical),
p_3 (risk), each held from the day's open to its close at the mids,

    fund P&L = paper P&L of p_0 + sum of effects (p_k - p_{k-1}) - execution cost + financing

is an identity, because the execution cost is the shortfall that the execution stage's own ledger measured. It is
checked every day.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fund.account.ledger import Fills, Ledger, book, mark, reopen
from fund.account.tail_risk import normal_var
from fund.errors import ContractBroken, DataError, InvalidParameter
from fund.grandmodel.execution.layout import INSTRUMENTS
from fund.grandmodel.execution.market import record
from fund.grandmodel.execution.strategy import Execution
from fund.grandmodel.intent import Decision, Intent, hold_the_mandate, limits_only, trade_at_the_schedule
from fund.market.streams import Paths
from fund.market.tape import Tape
from fund.market.weather import Weather, draw, fair
from fund.strategy import Played, Policy, Strategy

Floats = NDArray[np.float64]

EFFECTS = ("strategic", "tactical", "risk")


class Player(Protocol):
    """`fund.envs.play.play`, handed in: this layer stands below the environments."""

    def __call__(self, strategy: Strategy, policy: Policy, paths: Paths, tape: Tape | None = None) -> Played:
        """Play one episode a path to its end."""


@dataclass(frozen=True)
class ChainPlayed:
    """The fund over n worlds and D days."""

    nav: Floats  # (D+1, n)
    position: Floats  # (D, n, K) shares at the close
    parents: Floats  # (D, n, K) shares to be traded, signed
    filled: Floats  # (D, n, K)
    open: Floats  # (D, n, K) what is not filled
    price: Floats  # (D+1, n, K) mids at the open of each day, and after the last
    paper: Floats  # (D, n) P&L of the desks' targets at the mids
    effects: Mapping[str, Floats]  # stage -> (D, n)
    cost: Floats  # (D, n) shortfall of execution, positive when paid
    financing: Floats  # (D, n)
    lines: Mapping[str, Floats]  # of the fund's ledger, each (n,)


@dataclass(frozen=True)
class GrandModel:
    """Four stages around the market of the execution stage."""

    market: Execution = field(default_factory=Execution)
    strategic: Decision = hold_the_mandate
    tactical: Decision = trade_at_the_schedule
    risk: Decision = limits_only
    execution: Policy | None = None  # its rule where there is none
    tilt: float = 0.25  # most that strategic may move a target, share of it
    leverage: float = 2.0  # gross exposure over NAV
    var_threshold: float = 0.05  # one-day 95 % VaR over NAV
    cash_rate: float = 0.02  # a year
    warm_up: int = 0  # days of the market before the first, which stages look back on

    def __post_init__(self) -> None:
        """Refuse limits that are none."""
        if not 0.0 <= self.tilt <= 1.0:
            raise InvalidParameter(f"tilt is {self.tilt}, wanted from 0 to 1")
        if not (self.leverage > 0.0 and self.var_threshold > 0.0):
            raise InvalidParameter("leverage and var_threshold must be above 0")

    @property
    def deviation(self) -> float:
        """Deviation of a day's session, price units."""
        return self.market.move * float(np.sqrt(self.market.n_steps))

    def positions(self, intent: Intent) -> tuple[Floats, Floats, Floats]:
        """Wanted positions after strategic, tactical and risk, each (n, K), whole lots."""
        lot, near = self.market.size_increment, self.tilt * np.abs(intent.target)
        lean = np.clip(self.strategic(intent), intent.target - near, intent.target + near)
        share = np.clip(self.tactical(replace(intent, target=lean)), 0.0, 1.0)
        timed = intent.held + _whole(share * (lean - intent.held), lot)
        kept = timed * np.clip(self.risk(replace(intent, target=timed)), 0.0, 1.0)
        limited = kept * self._scale(intent, kept)[:, None]
        # towards zero, so that rounding breaks no limit; a position that no stage touched is already whole
        return lean, timed, np.where(limited == timed, timed, np.trunc(limited / lot) * lot)

    def _scale(self, intent: Intent, position: Floats) -> Floats:
        nav, value = np.maximum(intent.nav, 0.0), position * intent.price
        gross = self.leverage * nav / np.maximum(np.abs(value).sum(axis=1), 1e-12)
        risk = position * intent.deviation
        square, total = (risk**2).sum(axis=1), risk.sum(axis=1) ** 2
        deviation = np.sqrt(np.maximum(square + intent.correlation * (total - square), 0.0))
        var = self.var_threshold * nav / np.maximum(normal_var(0.95) * deviation, 1e-12)
        return np.minimum(np.minimum(gross, var), 1.0)

    def run(self, desks: Floats, capital: float, play: Player, seed: int = 0) -> ChainPlayed:
        """Play the targets of desks (desks, D, n, K), or their sum (D, n, K), in shares; raises DataError.

        `play` is `fund.envs.play.play`.
        """
        targets = np.asarray(desks, dtype=np.float64)
        targets = targets.sum(axis=0) if targets.ndim == 4 else targets
        if targets.ndim != 3 or not np.isfinite(targets).all():
            raise DataError(
                f"targets of shape {targets.shape}, wanted (days, worlds, instruments), all finite"
            )
        run = _Run(self, targets, capital, play, seed)
        for day in range(len(targets)):
            run.step(day)
        return run.played()


def _whole(shares: Floats, lot: float) -> Floats:
    return np.asarray(np.rint(shares / lot) * lot)


class _Run:
    """One run of the chain; keeps the fund's ledger and what happened each day."""

    def __init__(self, model: GrandModel, targets: Floats, capital: float, play: Player, seed: int) -> None:
        self.model, self.targets, self.play, self.seed = model, targets, play, seed
        _, self.n, self.k = targets.shape
        self.pairs = -(-self.k // 2)
        self.price = np.full((self.n, self.k), model.market.initial_price)
        self.ledger = Ledger.empty(tuple(f"instrument_{j + 1}" for j in range(self.k)), self.n)
        for i in range(self.n):
            reopen(self.ledger.accounts, i, capital, (0.0,) * self.k, tuple(self.price[i].tolist()))
        self.capital, worlds = capital, Paths.of(seed, self.n)
        self.sky = draw(worlds, len(targets)) if model.market.weather else fair(worlds, len(targets))
        self.mids: list[Floats] = []
        self.volumes: list[Floats] = []
        self._warm_up(len(targets))
        self.days: list[dict[str, Any]] = []
        self.navs, self.prices = [self.ledger.books.nav.copy()], [self.price.copy()]

    def step(self, day: int) -> None:
        """One day: the stages decide, execution trades, the ledger books and marks."""
        books, market = self.ledger.books, self.model.market
        held, open_price, nav = books.position.T.copy(), self.price.copy(), books.nav.copy()
        mids, volumes = (np.concatenate(x) if x else np.zeros((0, self.n, self.k)) for x in self.history)
        intent = Intent(
            day, self.targets[day], held, open_price, nav, books.peak.copy(), np.full(self.k, self.model.deviation),
            market.correlation, mids, volumes, market.n_steps, market.half_spread,
        )  # fmt: skip
        lean, timed, wanted = self.model.positions(intent)
        parents = wanted - held
        done = self._execute(day, parents)
        financing = books.cash * self.model.cash_rate / 252.0
        self._book(done, financing)
        move = self.price - open_price
        paths = (self.targets[day], lean, timed, wanted)
        pnl = [(position * move).sum(axis=1) for position in paths]
        self.days.append(
            {
                "parents": parents, "filled": done["quantity"], "open": parents - done["quantity"],
                "position": books.position.T.copy(), "paper": pnl[0], "cost": done["cost"], "financing": financing,
                **{name: later - earlier for name, earlier, later in zip(EFFECTS, pnl, pnl[1:], strict=False)},
            }
        )  # fmt: skip
        self.navs.append(books.nav.copy())
        self.prices.append(self.price.copy())
        self._check(day, nav)

    @property
    def history(self) -> tuple[list[Floats], list[Floats]]:
        """Mids and volumes of the days before."""
        return self.mids, self.volumes

    def _execute(self, day: int, parents: Floats) -> dict[str, Floats]:
        market, orders = self.model.market, np.zeros((self.n, 2 * self.pairs))
        orders[:, : self.k] = parents
        paths, tape = self._tape(day, day, orders)
        policy = self.model.execution or next(iter(market.rules.values()))(market)
        played = self.play(market, policy, paths, tape)

        def by_instrument(names: str) -> Floats:
            both = np.stack([played.memory[f"{names}_{i}"] for i in INSTRUMENTS], axis=1)
            return both.reshape(self.n, 2 * self.pairs)[:, : self.k]

        # a tape's mids begin at the initial price; the market is arithmetic, so a day goes on from the last close
        mids = self._over_time(tape, "mid") - market.initial_price + self.price
        self.mids.append(mids[:-1])
        self.volumes.append(self._over_time(tape, "volume")[:-1])
        quantity = parents - by_instrument("open")
        paid = by_instrument("paid") + quantity * (self.price - market.initial_price)
        self.price = mids[-1]
        cost = (played.nav[0] - played.nav[-1]).reshape(self.n, self.pairs).sum(axis=1)
        return {"quantity": quantity, "paid": paid, "fee": by_instrument("charged"), "cost": cost}

    def _tape(self, day: int, weather: int, orders: Floats) -> tuple[Paths, Tape]:
        # instruments two by two: a world's pair is a path of the execution stage
        pairs = self.pairs
        seeds = tuple(self.seed + i for i in range(self.n) for _ in range(pairs))
        paths = Paths(seeds, tuple(day * pairs + j for _ in range(self.n) for j in range(pairs)))
        return paths, record(self.model.market, paths, self._weather(weather, pairs), orders.reshape(-1, 2))

    def _over_time(self, tape: Tape, column: str) -> Floats:
        both = np.stack([tape[f"{column}_{i}"] for i in INSTRUMENTS], axis=2)
        return both.reshape(len(both), self.n, 2 * self.pairs)[:, :, : self.k]

    def _warm_up(self, days: int) -> None:
        # days of their own, numbered behind the last, in the first day's weather; they end where the first day begins
        for k in range(self.model.warm_up):
            _, tape = self._tape(days + k, 0, np.zeros((self.n, 2 * self.pairs)))
            self.mids.append(self._over_time(tape, "mid"))
            self.volumes.append(self._over_time(tape, "volume")[:-1])
        close = self.price
        for k in reversed(range(len(self.mids))):
            mids = self.mids[k] + (close - self.mids[k][-1])
            self.mids[k], close = mids[:-1], mids[0]

    def _weather(self, day: int, pairs: int) -> Weather:
        # one weather a world, the same for all its instruments
        return Weather(
            **{
                name: np.repeat(getattr(self.sky, name)[day : day + 1], pairs, axis=1)
                for name in self.sky.__dict__
            }
        )

    def _book(self, done: Mapping[str, Floats], financing: Floats) -> None:
        accounts, traded = self.ledger.accounts, done["quantity"] != 0.0
        price = np.where(traded, done["paid"] / np.where(traded, done["quantity"], 1.0), 0.0)
        legs = tuple(range(self.k))
        for i in range(self.n):
            quantity, paid, fee = (tuple(x[i].tolist()) for x in (done["quantity"], price, done["fee"]))
            book(accounts, i, self.k, legs, Fills(quantity, paid, fee), float(financing[i]))
            mark(accounts, i, tuple(self.price[i].tolist()))

    def _check(self, day: int, before: Floats) -> None:
        last, books = self.days[-1], self.ledger.books
        self.ledger.check(self.capital)
        told = last["paper"] + sum(last[name] for name in EFFECTS) - last["cost"] + last["financing"]
        gap = np.abs(books.nav - before - told)
        scale = np.maximum(np.abs(self.capital), np.abs(books.position * books.marks).sum(axis=0))
        if (gap > 1e-9 * scale).any():
            raise ContractBroken(f"chain, day {day}: the P&L misses the sum of its parts by {gap.max():.3g}")

    def played(self) -> ChainPlayed:
        """What the days came to."""
        told = {name: np.stack([day[name] for day in self.days]) for name in self.days[0]}
        effects = {name: told.pop(name) for name in EFFECTS}
        return ChainPlayed(
            nav=np.stack(self.navs),
            price=np.stack(self.prices),
            effects=effects,
            lines=self.ledger.attribution(),
            **told,
        )
