"""Broker integration without a network: orders and their states, a paper broker, a link that fails, a gateway.

session = Session.of(market, tape)            one day of the simulated market of the execution stage
broker = PaperBroker(session)                 takes orders, fills them, keeps a statement
gateway = OrderGateway(Link(broker), session.instruments)    ours: a journal, a ledger, every report once
work_parents(gateway, broker, parents)        parent orders of the chain in, fills out
reconcile(gateway, broker.statement())        what the two books disagree on; nothing, when all is well
    GrandModel(market).run(targets, capital, BrokerPlayer())     all of that, every day, for the chain
"""

from fund.grandmodel.broker.gateway import OrderGateway
from fund.grandmodel.broker.journal import Journal
from fund.grandmodel.broker.link import Link, draw_faults
from fund.grandmodel.broker.orders import Order, Report, Status
from fund.grandmodel.broker.paper import Limits, PaperBroker
from fund.grandmodel.broker.parents import work_parents
from fund.grandmodel.broker.player import BrokerPlayer
from fund.grandmodel.broker.reconciliation import Difference, reconcile
from fund.grandmodel.broker.session import Session

__all__ = [
    "BrokerPlayer",
    "Difference",
    "Journal",
    "Limits",
    "Link",
    "Order",
    "OrderGateway",
    "PaperBroker",
    "Report",
    "Session",
    "Status",
    "draw_faults",
    "reconcile",
    "work_parents",
]
