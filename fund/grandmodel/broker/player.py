"""The chain's orders through brokers: what `GrandModel.run` asks of a player, answered by paper brokers.

    brokers = BrokerPlayer()
    GrandModel(market).run(targets, capital, brokers)      instead of `fund.envs.play.play`

Each world has an account for each of its pairs of instruments, kept from day to day: a paper broker, a line, a gateway
with its journal and ledger. A day's parents are worked as child orders by the player's own schedule (the execution
policy is not asked), and at every close the two books of every account are reconciled. What comes back is what the
chain books: shares, prices and fees, from the gateways' reports alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from fund.account.ledger import LINES
from fund.errors import ContractBroken, InvalidParameter
from fund.grandmodel.broker.gateway import OrderGateway
from fund.grandmodel.broker.link import Link
from fund.grandmodel.broker.paper import Limits, PaperBroker
from fund.grandmodel.broker.parents import Schedule, Worked, straight_line, work_parents
from fund.grandmodel.broker.reconciliation import reconcile
from fund.grandmodel.broker.session import Session
from fund.grandmodel.execution.layout import INSTRUMENTS
from fund.grandmodel.execution.strategy import Execution
from fund.market.streams import Paths
from fund.market.tape import Tape
from fund.strategy import Played, Policy, Strategy

Floats = NDArray[np.float64]


@dataclass
class Account:
    """A pair of instruments in one world, from day to day."""

    broker: PaperBroker
    gateway: OrderGateway


@dataclass
class BrokerPlayer:
    """Plays the execution stage's tapes through paper brokers; satisfies `fund.grandmodel.chain.Player`."""

    schedule: Schedule = straight_line
    posted: float = 0.5  # share of a slice that is posted at the touch
    capital: float = 1e9  # of an account at its broker
    limits: Limits = field(default_factory=Limits)
    faults: Callable[[int], Iterable[int]] = lambda number: ()  # of the line of each account, by its number
    accounts: dict[tuple[int, int], Account] = field(default_factory=dict)

    def __call__(self, strategy: Strategy, policy: Policy, paths: Paths, tape: Tape | None = None) -> Played:
        """Work the parents of every path over its tape; raises InvalidParameter, ContractBroken."""
        if not isinstance(strategy, Execution):
            raise InvalidParameter(f"{strategy.name}: brokers play the execution stage alone")
        tape = strategy.record(paths) if tape is None else tape
        worked = [self._day(strategy, tape, i, *key) for i, key in enumerate(_places(paths))]
        return _played(strategy, tape, worked)

    def _day(self, market: Execution, tape: Tape, path: int, seed: int, pair: int, episode: int) -> Worked:
        account = self.accounts.get((seed, pair))
        # the market is arithmetic: a day goes on from the last close
        opened = None if account is None else account.broker.session.mid[-1].tolist()
        session = Session.of(market, tape, (path,), opened)
        if account is None:
            account = self.accounts[seed, pair] = self._opened(session)
        else:
            account.broker.open(session)
        parents = np.array([tape[f"parent_{i}"][0, path] for i in INSTRUMENTS])
        done = work_parents(
            account.gateway, account.broker, parents, self.schedule, self.posted, f"day-{episode}"
        )
        account.gateway.mark(session.mid[-1].tolist())
        differences = reconcile(account.gateway, account.broker.statement())
        if differences:
            raise ContractBroken(f"broker, seed {seed}, pair {pair}, day {episode}: {differences[0]}")
        shift = session.mid[0] - market.initial_price
        return Worked(done.parents, done.filled, done.paid - done.filled * shift, done.fees)

    def _opened(self, session: Session) -> Account:
        broker = PaperBroker(session, self.capital, self.limits)
        link = Link(broker, self.faults(len(self.accounts)))
        prices = session.mid[0].tolist()
        return Account(broker, OrderGateway(link, session.instruments, self.capital, prices=prices))


def _places(paths: Paths) -> list[tuple[int, int, int]]:
    # seed, pair within the seed's world, episode: a world's pairs are paths of one seed, side by side
    seen: dict[int, int] = {}
    places = []
    for seed, episode in zip(paths.seeds, paths.episodes, strict=True):
        pair = seen[seed] = seen.get(seed, -1) + 1
        places.append((int(seed), pair, int(episode)))
    return places


def _played(strategy: Execution, tape: Tape, worked: list[Worked]) -> Played:
    n = len(worked)
    opened, closed = (np.stack([tape[f"mid_{i}"][t] for i in INSTRUMENTS], axis=1) for t in (0, -1))
    lost = np.array([w.shortfall(opened[k], closed[k]).sum() for k, w in enumerate(worked)])
    charged = np.array([w.fees.sum() for w in worked])
    nav = strategy.capital + np.linspace(0.0, -1.0, tape.steps + 1)[:, None] * lost
    memory = {
        f"{name}_{i}": np.array([getattr(w, of)[k] for w in worked])
        for k, i in enumerate(INSTRUMENTS)
        for name, of in (("parent", "parents"), ("open", "open"), ("paid", "paid"), ("charged", "fees"))
    }
    memory |= {f"arrival_{i}": opened[:, k] for k, i in enumerate(INSTRUMENTS)}
    lines = {**dict.fromkeys(LINES, np.zeros(n)), "execution": charged - lost, "fees": -charged}
    reward, held = -lost * strategy.reward_scale / strategy.capital, -np.array([w.open for w in worked]).T
    return Played(
        strategy, tape, nav, reward, held, memory, lines,
        np.array([np.abs(w.paid).sum() for w in worked]), np.full(n, tape.steps),
    )  # fmt: skip
