"""Our side of the line: every order under one name, every report once, and the ledger from the reports alone.

    gateway = OrderGateway(Link(broker), session.instruments, capital)
    gateway.submit(Order("day0-1", "instrument_1", 500.0))
    gateway.poll()                                       hear what came of it
    gateway.reconnect(seconds=60.0)                      after BrokerUnavailable: wait, ask, send again what never came

What is sent and not answered is `unknown`: it is neither counted as dead nor sent under another name. After a
reconnection the broker is asked for every unknown order by its id; one that it does not know is sent again under the
same id, so that no order is ever doubled. Until that is done nothing new is sent (`ready`).

Reports are numbered: one that was heard is dropped, and a hole in the numbers means asking again from the hole.
"""

from __future__ import annotations

from collections.abc import Sequence

from fund.account.ledger import Fills, Ledger, book, mark, reopen
from fund.errors import BrokerUnavailable, ContractBroken, UnknownName
from fund.grandmodel.broker.journal import Journal
from fund.grandmodel.broker.link import Link
from fund.grandmodel.broker.orders import Order, Report, Status, Tracked

FIRST_WAIT, LONGEST_WAIT = 1.0, 32.0  # seconds between tries to connect, doubled each time


class OrderGateway:
    """Orders of one account, what was heard of them, and its ledger."""

    def __init__(
        self,
        link: Link,
        instruments: Sequence[str],
        capital: float = 1e7,
        journal: Journal | None = None,
        prices: Sequence[float] | None = None,
    ) -> None:
        """A journal that is not empty is played again: the gateway is where it stopped, and not `ready`.

        `prices` are the marks at the start (K,), zero where not given. Raises DataError, ContractBroken for a journal
        that cannot be.
        """
        self.link, self.instruments, self.capital = link, tuple(instruments), capital
        self.orders: dict[str, Tracked] = {}
        self.last_report, self.waited = 0, 0.0
        self.journal = journal or Journal()
        self.ledger = Ledger.empty(self.instruments, 1)
        nothing = (0.0,) * len(self.instruments)
        reopen(self.ledger.accounts, 0, capital, nothing, nothing if prices is None else tuple(prices))
        self.ready = not self.journal.lines
        for entry in self.journal.entries():
            if isinstance(entry, Order):
                self.orders[entry.client_order_id] = Tracked(entry, Status.UNKNOWN)
            else:
                self._apply(entry)

    def submit(self, order: Order) -> Status:
        """Send an order, once; the same id again is the same order. Raises BrokerUnavailable while not `ready`."""
        name = order.client_order_id
        if name in self.orders:
            if self.orders[name].order != order:
                raise ContractBroken(f"order {name}: the id belongs to another order")
            return self.orders[name].status
        if order.instrument not in self.instruments:
            raise UnknownName("instrument", order.instrument, self.instruments)
        if not self.ready:
            raise BrokerUnavailable(f"order {name} is held: reconnect first")
        self.journal.sending(order)
        self.orders[name] = Tracked(order)
        return self._send(order)

    def cancel(self, client_order_id: str) -> Status:
        """Ask for an order back; its end is in the reports. Raises UnknownName, BrokerUnavailable."""
        if client_order_id not in self.orders:
            raise UnknownName("order", client_order_id, self.orders)
        try:
            self.link.cancel(client_order_id)
        except BrokerUnavailable:
            self.ready = False
            raise
        self.poll()
        return self.orders[client_order_id].status

    def poll(self) -> int:
        """Hear what is new; reports applied. A line that fails is noticed (`ready`), not raised."""
        before = self.last_report
        try:
            self._hear(self.link.reports_after(self.last_report))
        except BrokerUnavailable:
            self.ready = False
        return self.last_report - before

    def reconnect(self, seconds: float = 60.0) -> bool:
        """Try for that much simulated time to be connected and to settle unknown orders; whether it is `ready`."""
        spent, wait = 0.0, FIRST_WAIT
        while not self.ready:
            if self.link.connect() and self._settle():
                self.ready = True
                break
            if spent + wait > seconds:
                break
            spent, wait = spent + wait, min(2.0 * wait, LONGEST_WAIT)
        self.waited += spent
        return self.ready

    def open_quantity(self, instrument: str) -> float:
        """Shares that orders may still fill, signed; unknown ones are counted."""
        return sum(t.open for t in self.orders.values() if t.order.instrument == instrument)

    def position(self, instrument: str) -> float:
        """Shares held, by the ledger."""
        return float(self.ledger.books.position[self.instruments.index(instrument), 0])

    def mark(self, prices: Sequence[float]) -> None:
        """Value the positions at new prices (K,), and check that the money adds up."""
        mark(self.ledger.accounts, 0, tuple(prices))
        self.ledger.check(self.capital)

    def _send(self, order: Order) -> Status:
        tracked = self.orders[order.client_order_id]
        try:
            self.link.submit(order)
        except BrokerUnavailable:
            tracked.become(Status.UNKNOWN)
            self.ready = False
            return tracked.status
        self.poll()
        return tracked.status

    def _settle(self) -> bool:
        # first what the broker tells, then what it does not know of
        try:
            self._hear(self.link.reports_after(self.last_report))
            for name, tracked in self.orders.items():
                if tracked.status == Status.UNKNOWN and self.link.status(name) is None:
                    self.link.submit(tracked.order)
            self._hear(self.link.reports_after(self.last_report))
        except BrokerUnavailable:
            return False
        return all(t.status != Status.UNKNOWN for t in self.orders.values())

    def _hear(self, reports: Sequence[Report]) -> None:
        for report in reports:
            if report.sequence <= self.last_report:
                continue  # heard before
            if report.sequence > self.last_report + 1:
                break  # a hole: what lies behind it comes with the next call
            self.journal.heard(report)
            self._apply(report)

    def _apply(self, report: Report) -> None:
        if report.client_order_id not in self.orders:
            raise ContractBroken(f"a report of an order that was never sent: {report.client_order_id}")
        self.orders[report.client_order_id].apply(report)
        self.last_report = report.sequence
        if report.quantity:
            place = self.instruments.index(self.orders[report.client_order_id].order.instrument)
            fills = Fills((report.quantity,), (report.price,), (report.fee,))
            book(self.ledger.accounts, 0, len(self.instruments), (place,), fills, 0.0)
