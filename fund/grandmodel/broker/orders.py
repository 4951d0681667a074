"""An order, its states, and the reports that move it from one to the next; words are those of the FIX protocol.

    pending_new --> new --> partially_filled --> filled
        |            |             |
        |            +-------------+--> canceled, expired
        +--> rejected
        +--> unknown      sent, and nothing heard: neither filled nor free to be sent again under another name

An order ends once. A fill after the end, a fill beyond the quantity, a step back: `ContractBroken`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from fund.errors import ContractBroken, UnknownName

KINDS = ("market", "limit")
TIMES_IN_FORCE = ("day", "ioc")  # until the close; at once or not at all


class Status(StrEnum):
    """Where an order stands."""

    PENDING_NEW = "pending_new"
    UNKNOWN = "unknown"
    NEW = "new"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"

    @property
    def ended(self) -> bool:
        """Whether nothing more can happen to it."""
        return self in ENDED


ENDED = frozenset({Status.FILLED, Status.CANCELED, Status.EXPIRED, Status.REJECTED})
_WORKING = frozenset({Status.NEW, Status.PARTIALLY_FILLED})
NEXT: dict[Status, frozenset[Status]] = {
    Status.PENDING_NEW: frozenset({Status.UNKNOWN, Status.REJECTED, Status.NEW}),
    Status.UNKNOWN: frozenset({Status.REJECTED, Status.NEW, Status.PENDING_NEW}),
    Status.NEW: _WORKING | ENDED - {Status.REJECTED},
    Status.PARTIALLY_FILLED: _WORKING | ENDED - {Status.REJECTED},
    **dict.fromkeys(ENDED, frozenset()),
}
"""What may follow what."""


@dataclass(frozen=True)
class Order:
    """What is asked of a broker; two orders of one `client_order_id` are the same order."""

    client_order_id: str
    instrument: str
    quantity: float  # shares, + to buy, - to sell
    kind: str = "market"
    limit_price: float | None = None  # of a limit order, price units
    venue: str | None = None  # the deepest where not given
    time_in_force: str = "day"

    def __post_init__(self) -> None:
        """Refuse words that are none; raises UnknownName."""
        if self.kind not in KINDS:
            raise UnknownName("kind of order", self.kind, KINDS)
        if self.time_in_force not in TIMES_IN_FORCE:
            raise UnknownName("time in force", self.time_in_force, TIMES_IN_FORCE)

    def plain(self) -> dict[str, Any]:
        """As JSON takes it."""
        return dict(self.__dict__)


@dataclass(frozen=True)
class Report:
    """An execution report: what happened to one order."""

    sequence: int  # 1, 2, 3, ... over all reports of a broker
    client_order_id: str
    status: Status
    quantity: float = 0.0  # shares filled by this report, signed
    price: float = 0.0  # of those
    fee: float = 0.0  # of those, account currency; below zero a rebate
    reason: str = ""  # of a reject

    def plain(self) -> dict[str, Any]:
        """As JSON takes it."""
        return {**self.__dict__, "status": str(self.status)}


@dataclass
class Tracked:
    """An order and what has been heard of it."""

    order: Order
    status: Status = Status.PENDING_NEW
    filled: float = 0.0  # shares, signed
    value: float = 0.0  # sum of shares times price
    fees: float = 0.0
    reason: str = ""
    reports: list[Report] = field(default_factory=list)

    @property
    def open(self) -> float:
        """Shares that may still be filled, signed."""
        return 0.0 if self.status.ended else self.order.quantity - self.filled

    def become(self, status: Status) -> None:
        """Move on; raises ContractBroken where that state cannot follow."""
        if status not in NEXT[self.status]:
            name = self.order.client_order_id
            raise ContractBroken(f"order {name}: {status} after {self.status}")
        self.status = status

    def apply(self, report: Report) -> None:
        """Take a report; raises ContractBroken for one that cannot be."""
        filled, wanted = self.filled + report.quantity, self.order.quantity
        if report.quantity * wanted < 0.0 or abs(filled) > abs(wanted):
            name = self.order.client_order_id
            raise ContractBroken(f"order {name}: {filled} filled of {wanted}")
        if self.status in (Status.PENDING_NEW, Status.UNKNOWN) and report.status in _WORKING | {
            Status.FILLED
        }:
            self.become(Status.NEW)
        if report.status != self.status or self.status.ended:
            self.become(report.status)
        self.filled = filled
        self.value += report.quantity * report.price
        self.fees += report.fee
        self.reason = report.reason or self.reason
        self.reports.append(report)
