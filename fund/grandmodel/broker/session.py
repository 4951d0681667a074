"""A day of the simulated market as a broker sees it: one world, some instruments, some venues, row by row.

It is the tape of the execution stage (`fund.grandmodel.execution.market`), and nothing more: row t holds the quotes
of t; flow of row t+1 is what came in (t, t+1].
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fund.errors import DataError
from fund.grandmodel.execution.child import Book, beyond_mid
from fund.grandmodel.execution.layout import INSTRUMENTS, VENUES
from fund.grandmodel.execution.strategy import Execution
from fund.market.tape import Tape

Floats = NDArray[np.float64]

_plain_beyond_mid = getattr(beyond_mid, "py_func", beyond_mid)  # one price at a time needs no compilation


@dataclass(frozen=True)
class Session:
    """Quotes and flow of K instruments at V venues, T+1 rows."""

    market: Execution
    instruments: tuple[str, ...]
    mid: Floats  # (T+1, K)
    half_spread: Floats  # (T+1, K) price units
    volatility: Floats  # (T+1, K) of a step, price units
    volume: Floats  # (T+1, K) expected over the step that begins, shares
    depth: Floats  # (T+1, K, V) shares a price unit of impact; 0 is closed
    queue: Floats  # (T+1, K, V) shares ahead of an order posted now
    outflow: Floats  # (T+1, K, V) what left the touch, or was filled there, in the step that ended

    @classmethod
    def of(
        cls, market: Execution, tape: Tape, paths: Sequence[int] = (0,), price: Sequence[float] | None = None
    ) -> Session:
        """Some paths of a tape, two instruments each, in order; `price` is where their mids begin (K,).

        Raises DataError where the prices are not one an instrument.
        """
        count = len(INSTRUMENTS) * len(paths)
        names = tuple(f"instrument_{k + 1}" for k in range(count))
        opened = [market.initial_price] * count if price is None else list(price)
        if len(opened) != count:
            raise DataError(f"{len(opened)} prices, wanted one for each of {count} instruments")

        def rows(column: str) -> Floats:
            return np.stack([tape[f"{column}_{i}"][:, p] for p in paths for i in INSTRUMENTS], axis=1)

        def venues(column: str) -> Floats:
            return np.stack(
                [[tape[f"{column}_{i}{v}"][:, p] for v in VENUES] for p in paths for i in INSTRUMENTS]
            ).transpose(2, 0, 1)

        return cls(
            market, names, rows("mid") - market.initial_price + np.array(opened), rows("half_spread"),
            rows("volatility"), rows("volume"), venues("depth"), venues("queue"), venues("outflow"),
        )  # fmt: skip

    @property
    def steps(self) -> int:
        """Steps T."""
        return len(self.mid) - 1

    @property
    def venues(self) -> tuple[str, ...]:
        """Names of the venues."""
        return self.market.execution_venues

    def fee(self, venue: int) -> float:
        """Fee of a market order there, price units a share."""
        return (self.market.fee_1, self.market.fee_2, self.market.fee_3)[venue]

    def rebate(self, venue: int) -> float:
        """Paid for a posted share there, price units."""
        return (self.market.rebate_1, self.market.rebate_2, self.market.rebate_3)[venue]

    def concession(self, row: int, instrument: int, venue: int, shares: float) -> float:
        """What market orders of that many shares pay beyond the half-spread, price units a share."""
        depth, now = self.depth[row, instrument], (row, instrument)
        told = {
            "mid": self.mid[now], "half_spread": self.half_spread[now], "volatility": self.volatility[now],
            "volume": self.volume[now], **{f"depth_{v}": depth[v - 1] for v in VENUES},
        }  # fmt: skip
        # the other fields, queues and flow, are no part of a concession
        book = Book(**{**dict.fromkeys(Book._fields, 0.0), **told})
        return float(_plain_beyond_mid(self.market, book, shares, depth[venue]))

    def offered(self, row: int, instrument: int, venue: int) -> float:
        """Most shares that market orders get at a venue in a step: its part of the largest participation."""
        depth = self.depth[row, instrument]
        share = depth[venue] / max(depth.sum(), 1e-12)
        most = self.market.max_participation * self.volume[row, instrument] * share
        return float(np.floor(most / self.market.size_increment) * self.market.size_increment)
