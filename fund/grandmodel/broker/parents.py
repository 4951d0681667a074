"""Parent orders of the chain, worked through a broker: a schedule of child orders in, fills out.

Each row sends what the schedule says and the children before have left undone: a part posted at the touch, the rest
by market order. What was posted in the row before is taken back first, so that a parent is never over-filled; while
the line is down nothing is sent, and what is due then is sent later. Parent = fills + open, at all times.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fund.errors import BrokerUnavailable, DataError
from fund.grandmodel.broker.gateway import OrderGateway
from fund.grandmodel.broker.orders import Order, Tracked
from fund.grandmodel.broker.paper import PaperBroker

Floats = NDArray[np.float64]
Schedule = Callable[[float, int], Floats]
"""Shares and steps in, shares that should be left at each row out (steps + 1,): those of `almgren_chriss`."""


def straight_line(shares: float, steps: int) -> Floats:
    """Equal slices (TWAP)."""
    return np.asarray(shares * (1.0 - np.arange(steps + 1) / steps))


@dataclass(frozen=True)
class Worked:
    """What became of the parents of a day, each (K,)."""

    parents: Floats  # shares, signed
    filled: Floats
    paid: Floats  # sum of shares times price
    fees: Floats  # less rebates

    @property
    def open(self) -> Floats:
        """Shares not filled."""
        return np.asarray(self.parents - self.filled)

    def shortfall(self, opened: Floats, closed: Floats) -> Floats:
        """Cost against trading all at the mids of the open, account currency (K,); open shares at the close."""
        return np.asarray(self.paid - self.filled * opened + self.fees + self.open * (closed - opened))


def work_parents(
    gateway: OrderGateway,
    broker: PaperBroker,
    parents: Floats,
    schedule: Schedule = straight_line,
    posted: float = 0.5,
    label: str = "parent",
) -> Worked:
    """Work parents (K,), shares, over the broker's session, from its present row to its close.

    `posted` is the share of a slice that is posted at the touch; in the last step all goes by market order. `label`
    names the day: ids are `<label>-<instrument>-<number>`. Called again after a crash, with the gateway of the
    journal, it goes on with what is open. Raises DataError, ContractBroken.
    """
    session, wanted = broker.session, np.asarray(parents, dtype=np.float64)
    if wanted.shape != (len(session.instruments),) or not np.isfinite(wanted).all():
        raise DataError(f"parents of shape {wanted.shape}, wanted {len(session.instruments)} finite numbers")
    plans = [schedule(shares, session.steps) for shares in wanted.tolist()]
    day = _Day(gateway, broker, label)
    for row in range(broker.row, session.steps):
        last = row == session.steps - 1
        if gateway.reconnect() and day.take_back():
            for k, plan in enumerate(plans):
                day.send(k, float(wanted[k] - plan[row + 1]), 0.0 if last else posted)
        broker.advance()
        gateway.poll()
    day.close()
    return day.worked(wanted)


class _Day:
    # the children of one day
    def __init__(self, gateway: OrderGateway, broker: PaperBroker, label: str) -> None:
        self.gateway, self.broker, self.label = gateway, broker, label
        self.lot = broker.session.market.size_increment

    def children(self, k: int) -> list[Tracked]:
        start = f"{self.label}-{self.broker.session.instruments[k]}-"
        return [t for name, t in self.gateway.orders.items() if name.startswith(start)]

    def take_back(self) -> bool:
        # whether all children are gone; a line that fails meanwhile leaves it for the next row
        try:
            for name, tracked in list(self.gateway.orders.items()):
                if tracked.open:
                    self.gateway.cancel(name)
        except BrokerUnavailable:
            return False
        return self.gateway.ready

    def send(self, k: int, due: float, posted: float) -> None:
        market, gap = self.broker.session.market, due - sum(t.filled for t in self.children(k))
        size = float(np.floor(abs(gap) / self.lot + 0.5) * self.lot)
        if size < market.min_size or due * gap <= 0.0:
            return
        behind = float(np.floor(size * posted / self.lot) * self.lot)
        behind = behind if behind >= market.min_size else 0.0
        side = 1.0 if gap > 0.0 else -1.0
        for part, kind in ((behind, "limit"), (size - behind, "market")):
            for shares in _pieces(part, market.max_size, market.min_size):
                self._order(k, side * shares, kind)

    def _order(self, k: int, quantity: float, kind: str) -> None:
        name, price = self.broker.session.instruments[k], None
        number = len(self.children(k)) + 1
        if kind == "limit":
            half = float(self.broker.session.half_spread[self.broker.row, k])
            price = float(self.broker.mids[k]) - (half if quantity > 0.0 else -half)
        try:
            self.gateway.submit(Order(f"{self.label}-{name}-{number}", name, quantity, kind, price))
        except BrokerUnavailable:
            return  # held: the next row sends what is due then

    def close(self) -> None:
        # the day is not over before every order of it is accounted for
        heard = False
        while not heard:
            self.gateway.reconnect()
            self.gateway.poll()
            heard = self.gateway.ready

    def worked(self, parents: Floats) -> Worked:
        sums = np.zeros((3, len(parents)))
        for k in range(len(parents)):
            for t in self.children(k):
                sums[:, k] += (t.filled, t.value, t.fees)
        return Worked(parents, *sums)


def _pieces(size: float, most: float, least: float) -> list[float]:
    # a slice in orders that the broker takes
    pieces = []
    while size > most:
        pieces.append(most if size - most >= least else most - least)
        size -= pieces[-1]
    return [*pieces, size] if size > 0.0 else pieces
