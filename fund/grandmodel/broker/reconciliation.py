"""Two books of one account, ours and the broker's: where they differ."""

from __future__ import annotations

from typing import NamedTuple

from fund.grandmodel.broker.gateway import OrderGateway
from fund.grandmodel.broker.paper import Statement


class Difference(NamedTuple):
    """One thing on which the books do not agree."""

    what: str  # "cash", "position instrument_1", "open day0-1", "reports"
    ours: float
    theirs: float


def reconcile(gateway: OrderGateway, statement: Statement, tolerance: float = 1e-9) -> list[Difference]:
    """Cash, fees, every position, every open order, the reports heard; empty where all agree.

    Money may differ by `tolerance` of the capital, for the order of additions; shares may not.
    """
    books = gateway.ledger.books
    fees = -float(books.lines[2, 0] + books.lines[3, 0])
    ours = {"cash": float(books.cash[0]), "fees": fees, "reports": float(gateway.last_report)}
    theirs = {"cash": statement.cash, "fees": statement.fees, "reports": float(statement.last_report)}
    for name in {*gateway.instruments, *statement.positions}:
        known = name in gateway.instruments
        ours[f"position {name}"] = gateway.position(name) if known else 0.0
        theirs[f"position {name}"] = statement.positions.get(name, 0.0)
    working = {name: t.open for name, t in gateway.orders.items() if t.open}
    for name in {*working, *statement.open}:
        ours[f"open {name}"], theirs[f"open {name}"] = working.get(name, 0.0), statement.open.get(name, 0.0)
    money = {"cash", "fees"}
    return [
        Difference(what, ours[what], theirs[what])
        for what in sorted(ours)
        if abs(ours[what] - theirs[what]) > (tolerance * gateway.capital if what in money else 0.0)
    ]
