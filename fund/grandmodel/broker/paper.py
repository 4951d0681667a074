"""A paper broker: it takes orders for the simulated market, fills them by its tape, and keeps a statement.

Market order     at the quotes of row t, before the clock moves: mid +- (half-spread + concession), at most the
                 venue's part of the largest participation in a step; the rest waits for the next row (`ioc`: ends)
Limit order      posted at its price behind the venue's queue; while its price is the touch or better than it, the
                 flow of (t, t+1] first takes the queue, then fills it; a price that crosses the other side fills at
                 the limit, as a market order does
Close            what is open at the last row expires

Own trades move the price by the market's permanent impact. An id that was seen is answered with the order that has it
(idempotence), and rejected where it is another order. A broker's reports are numbered; whoever was away asks for those
after the last that he saw.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fund.errors import ResetNeeded
from fund.grandmodel.broker.orders import Order, Report, Status, Tracked
from fund.grandmodel.broker.session import Session

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Limits:
    """What a broker lets an account do."""

    leverage: float = 4.0  # gross value over equity, open orders counted
    collar: float = 0.1  # a limit price may be that far from the mid, share of it


@dataclass(frozen=True)
class Statement:
    """A broker's own books, from its executions alone."""

    cash: float
    positions: Mapping[str, float]
    fees: float
    open: Mapping[str, float]  # client order id -> shares that may still be filled
    last_report: int


@dataclass
class _Resting:
    # an order in the books; `ahead` is the queue before it, once it stands at the touch
    tracked: Tracked
    instrument: int
    venue: int
    ahead: float | None = None


class PaperBroker:
    """One account; a session a day."""

    def __init__(self, session: Session, capital: float = 1e7, limits: Limits | None = None) -> None:
        self.limits, self.cash, self.fees = limits or Limits(), capital, 0.0
        self.orders: dict[str, Tracked] = {}
        self.reports: list[Report] = []
        self._positions: dict[str, float] = {}
        self.open(session)

    def open(self, session: Session) -> None:
        """The next day: row 0 of a session. Orders of the day before have expired."""
        self.session, self.row = session, 0
        self.displaced = np.zeros(len(session.instruments))  # permanent impact of the day, price units
        self._resting: list[_Resting] = []
        self._used = np.zeros(
            (len(session.instruments), len(session.venues))
        )  # of the shares offered in this step

    @property
    def mids(self) -> Floats:
        """Mids now, (K,), with what own trades did to them."""
        return np.asarray(self.session.mid[self.row] + self.displaced)

    def submit(self, order: Order) -> Status:
        """Take an order; the same again changes nothing. Its fate is in the reports."""
        known = self.orders.get(order.client_order_id)
        if known is not None:
            return known.status if known.order == order else Status.REJECTED
        tracked = self.orders[order.client_order_id] = Tracked(order)
        reason = self._refusal(order)
        if reason:
            self._tell(tracked, Status.REJECTED, reason=reason)
            return tracked.status
        self._tell(tracked, Status.NEW)
        place = self.session.instruments.index(order.instrument)
        resting = _Resting(tracked, place, self._venue(order, place))
        self._resting.append(resting)
        self._at_once(resting)
        if order.time_in_force == "ioc" and not tracked.status.ended:
            self._tell(tracked, Status.CANCELED)
        self._clear()
        return tracked.status

    def cancel(self, client_order_id: str) -> Status | None:
        """Take an order back; None where there is none of that id, its end where it has ended."""
        tracked = self.orders.get(client_order_id)
        if tracked is None:
            return None
        if not tracked.status.ended:
            self._tell(tracked, Status.CANCELED)
            self._clear()
        return tracked.status

    def status(self, client_order_id: str) -> Status | None:
        """Where an order stands; None where it never came."""
        tracked = self.orders.get(client_order_id)
        return None if tracked is None else tracked.status

    def reports_after(self, sequence: int) -> list[Report]:
        """All reports behind that one, in order."""
        return self.reports[sequence:]

    def statement(self) -> Statement:
        """Cash, positions, fees, open orders, number of the last report."""
        left = {name: t.open for name, t in self.orders.items() if not t.status.ended}
        return Statement(self.cash, dict(self._positions), self.fees, left, len(self.reports))

    def advance(self) -> None:
        """One row on: flow fills what is posted, market orders go on, the close ends all. Raises ResetNeeded."""
        if self.row >= self.session.steps:
            raise ResetNeeded("the session is over; open the next one")
        self.row += 1
        self._used[:] = 0.0
        for resting in self._resting:
            self._by_flow(resting)
        closing = self.row == self.session.steps
        for resting in self._resting:
            if not closing and not resting.tracked.status.ended:
                self._at_once(resting)
            if closing and not resting.tracked.status.ended:
                self._tell(resting.tracked, Status.EXPIRED)
        self._clear()

    def _refusal(self, order: Order) -> str:
        s, market = self.session, self.session.market
        if self.row >= s.steps:
            return "the market is closed"
        if order.instrument not in s.instruments:
            return f'no instrument "{order.instrument}"'
        if order.venue is not None and order.venue not in s.venues:
            return f'no venue "{order.venue}"'
        size = abs(order.quantity)
        if not market.min_size <= size <= market.max_size or size % market.size_increment:
            lots = f"{market.min_size:g} to {market.max_size:g} in steps of {market.size_increment:g}"
            return f"{order.quantity:g} shares, wanted {lots}"
        mid = float(self.mids[s.instruments.index(order.instrument)])
        return self._price_refusal(order, mid) or self._margin_refusal()

    def _price_refusal(self, order: Order, mid: float) -> str:
        if order.kind == "market":
            return "a market order has no limit price" if order.limit_price is not None else ""
        if order.limit_price is None or not np.isfinite(order.limit_price):
            return "a limit order has a finite limit price"
        if abs(order.limit_price / mid - 1.0) > self.limits.collar:
            return f"limit price {order.limit_price:g} is beyond the collar around {mid:g}"
        return ""

    def _margin_refusal(self) -> str:
        # worst case: every open order on the side that it adds to is filled
        mids = dict(zip(self.session.instruments, self.mids.tolist(), strict=True))
        equity = self.cash + sum(q * mids[name] for name, q in self._positions.items())
        reach = {name: [q, q] for name, q in {**dict.fromkeys(mids, 0.0), **self._positions}.items()}
        for tracked in self.orders.values():  # this one is among them
            if tracked.order.instrument in reach and tracked.open:
                reach[tracked.order.instrument][int(tracked.open > 0.0)] += tracked.open
        gross = sum(max(map(abs, both)) * mids[name] for name, both in reach.items())
        return (
            "margin: gross exposure would exceed the leverage"
            if gross > self.limits.leverage * equity
            else ""
        )

    def _venue(self, order: Order, instrument: int) -> int:
        if order.venue is not None:
            return self.session.venues.index(order.venue)
        return int(np.argmax(self.session.depth[self.row, instrument, : len(self.session.venues)]))

    def _at_once(self, r: _Resting) -> None:
        # what crosses the spread now
        order, (k, v) = r.tracked.order, (r.instrument, r.venue)
        side = 1.0 if order.quantity > 0.0 else -1.0
        used = self._used[k, v]
        size = min(abs(r.tracked.open), self.session.offered(self.row, k, v) - used)
        mid, half = float(self.mids[k]), float(self.session.half_spread[self.row, k])
        if order.limit_price is not None:
            if side * (order.limit_price - mid) < half:
                return
            price = order.limit_price
        else:
            # those who came before in this step have used up the front of the book
            price = mid + side * (half + self.session.concession(self.row, k, v, used + size))
        if size > 0.0:
            self._used[k, v] += size
            self._fill(r, side * size, price, self.session.fee(v) * size)

    def _by_flow(self, r: _Resting) -> None:
        # the flow of the step that ended, against a price that stood at the touch when it began
        order, (k, v) = r.tracked.order, (r.instrument, r.venue)
        if order.limit_price is None:
            return
        side, before = (1.0 if order.quantity > 0.0 else -1.0), self.row - 1
        s = self.session
        touch = s.mid[before, k] + self.displaced[k] - side * s.half_spread[before, k]
        if side * (order.limit_price - touch) < -1e-9 * touch:
            r.ahead = None  # the touch ran away; whoever comes back stands at the end of the queue
            return
        ahead = float(s.queue[before, k, v]) if r.ahead is None else r.ahead
        came = float(s.outflow[self.row, k, v])
        r.ahead = max(ahead - came, 0.0)
        size = min(max(came - ahead, 0.0), abs(r.tracked.open))
        if size > 0.0:
            self._fill(r, side * size, order.limit_price, -s.rebate(v) * size)

    def _fill(self, r: _Resting, quantity: float, price: float, fee: float) -> None:
        name = r.tracked.order.instrument
        self.cash -= quantity * price + fee
        self.fees += fee
        self._positions[name] = self._positions.get(name, 0.0) + quantity
        self.displaced[r.instrument] += self.session.market.permanent * quantity
        rest = r.tracked.open - quantity
        self._tell(r.tracked, Status.PARTIALLY_FILLED if rest else Status.FILLED, quantity, price, fee)

    def _tell(
        self, tracked: Tracked, status: Status, quantity: float = 0.0, price: float = 0.0, fee: float = 0.0,
        reason: str = "",
    ) -> None:  # fmt: skip
        name = tracked.order.client_order_id
        report = Report(len(self.reports) + 1, name, status, quantity, price, fee, reason)
        tracked.apply(report)
        self.reports.append(report)

    def _clear(self) -> None:
        self._resting = [r for r in self._resting if not r.tracked.status.ended]
