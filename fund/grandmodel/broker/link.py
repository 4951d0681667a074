"""The line to a broker, and how it fails: by a script drawn beforehand, so that every failure can be played again.

    ok           the call arrives, the answer comes back
    lost         the call never arrives; the line is down
    unanswered   the call arrives, the answer does not come back; the line is down
    twice        the call arrives twice, one answer comes back

Nobody behind the line can tell `lost` from `unanswered`: that is the whole difficulty. A line that is down stays down
until a try to connect meets no fault.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from fund.errors import BrokerUnavailable, InvalidParameter
from fund.grandmodel.broker.orders import Order, Report, Status
from fund.grandmodel.broker.paper import PaperBroker, Statement
from fund.market.streams import Paths

OK, LOST, UNANSWERED, TWICE = 0, 1, 2, 3
T = TypeVar("T")


def draw_faults(
    seed: int, calls: int, lost: float = 0.0, unanswered: float = 0.0, twice: float = 0.0
) -> NDArray[np.int64]:
    """(calls,) what happens to each call, by its probabilities; raises InvalidParameter where they are none."""
    odds = (lost, unanswered, twice)
    if min(odds) < 0.0 or sum(odds) > 1.0:
        raise InvalidParameter(f"probabilities {odds}, wanted 0 or more each, and at most 1 together")
    drawn = Paths.of(seed, 1).streams("broker link").uniform("faults", calls)[0]
    edges = np.cumsum(odds)
    return np.asarray((np.searchsorted(edges, drawn, side="left") + 1) % (len(odds) + 1))


class Link:
    """Calls to a broker, each with its fault; behind the script's end all is well."""

    def __init__(self, broker: PaperBroker, faults: Iterable[int] = ()) -> None:
        self.broker, self.up, self.calls = broker, True, 0
        self._faults = [int(fault) for fault in faults]

    def submit(self, order: Order) -> Status:
        """Send an order."""
        return self._pass(lambda: self.broker.submit(order))

    def cancel(self, client_order_id: str) -> Status | None:
        """Ask for an order back; None where the broker has none of that id."""
        return self._pass(lambda: self.broker.cancel(client_order_id))

    def status(self, client_order_id: str) -> Status | None:
        """Where an order stands; None where the broker has none of that id."""
        return self._pass(lambda: self.broker.status(client_order_id))

    def reports_after(self, sequence: int) -> list[Report]:
        """Reports behind that one; a call that comes twice brings them twice."""
        twice = self._next_is(TWICE)
        found = self._pass(lambda: self.broker.reports_after(sequence))
        return found * 2 if twice else found

    def statement(self) -> Statement:
        """The broker's books."""
        return self._pass(self.broker.statement)

    def connect(self) -> bool:
        """One try to be connected again; a fault is a try in vain."""
        if not self.up:
            self.up = self._fault() in (OK, TWICE)
        return self.up

    def _pass(self, call: Callable[[], T]) -> T:
        if not self.up:
            raise BrokerUnavailable("the line to the broker is down; reconnect first")
        fault = self._fault()
        if fault == LOST:
            self.up = False
            raise BrokerUnavailable("the broker does not answer")
        answer = call()
        if fault == TWICE:
            answer = call()
        if fault == UNANSWERED:
            self.up = False
            raise BrokerUnavailable("the broker does not answer")
        return answer

    def _next_is(self, fault: int) -> bool:
        return self.calls < len(self._faults) and self._faults[self.calls] == fault

    def _fault(self) -> int:
        found = self._faults[self.calls] if self.calls < len(self._faults) else OK
        self.calls += 1
        return found
