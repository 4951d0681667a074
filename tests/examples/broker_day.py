"""A day's parent orders through a paper broker, over a line that loses calls; then the two books side by side.

python tests/examples/broker_day.py --lost 0.05 --unanswered 0.05
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

from fund.grandmodel.broker import (
    Link,
    OrderGateway,
    PaperBroker,
    Session,
    draw_faults,
    reconcile,
    work_parents,
)
from fund.grandmodel.execution.market import record
from fund.grandmodel.execution.strategy import Execution
from fund.market.streams import Paths


def day(
    parents: tuple[float, float], seed: int = 0, lost: float = 0.0, unanswered: float = 0.0
) -> dict[str, Any]:
    """Buy (+) or sell (-) shares of two instruments within 200 minutes."""
    market, wanted = Execution(), np.array(parents)
    session = Session.of(market, record(market, Paths.of(seed, 1), None, wanted[None]))
    broker = PaperBroker(session)
    link = Link(broker, draw_faults(seed, 5_000, lost, unanswered))
    gateway = OrderGateway(link, session.instruments, prices=session.mid[0].tolist())
    done = work_parents(gateway, broker, wanted)
    gateway.mark(session.mid[-1].tolist())
    return {
        "filled": done.filled.tolist(),
        "open": done.open.tolist(),
        "shortfall": float(done.shortfall(session.mid[0], session.mid[-1]).sum()),
        "orders": len(gateway.orders),
        "seconds waited": gateway.waited,
        "differences": reconcile(gateway, broker.statement()),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--lost", type=float, default=0.0)
    parser.add_argument("--unanswered", type=float, default=0.0)
    options = parser.parse_args()
    for name, value in day((60_000.0, -40_000.0), options.seed, options.lost, options.unanswered).items():
        print(f"{name}: {value}")
