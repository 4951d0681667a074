"""The plain twin: one path stepped by the uncompiled scalar functions and a ledger written a second time.

It shares no code with `fund.account.ledger` and none with the compiled loop, so that an error in either shows.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fund.envs.batch import Batch, Outcome
from fund.errors import ContractBroken
from fund.market.tape import Tape
from fund.strategy import Account, Box, Strategy, names


class Twin:
    """One path of a tape, in plain Python."""

    def __init__(self, strategy: Strategy, tape: Tape, path: int) -> None:
        self.strategy, self.tape, self.path = strategy, tape, path
        self.p: Any = strategy.parameters()
        self.t = 0
        now = self._row(0)
        self.position, self.memory = strategy.step.opening(self.p, now)
        self.marks = self._prices(now, self.memory)
        self.cash = strategy.capital - sum(q * m for q, m in zip(self.position, self.marks, strict=True))
        self.nav = self.peak = strategy.capital
        self.fees = 0.0

    def step(self, action: Any) -> None:
        """One step of the clock: decide, fill, mark, reward."""
        step, left = self.strategy.step, self.tape.steps - self.t
        now, nxt = self._row(self.t), self._row(self.t + 1)
        before = Account(
            self.cash, self.nav, self.peak, self.position, self.marks, float(self.t), float(left)
        )
        fills, carry, self.memory = step.trade(self.p, now, nxt, before, self.memory, self._clipped(action))
        position = list(self.position)
        for leg, k in enumerate(step.legs):
            self.cash -= fills.quantity[leg] * fills.price[leg] + fills.fee[leg]
            self.fees += max(fills.fee[leg], 0.0)
            position[k] += fills.quantity[leg]
        self.cash += carry
        self.position, self.marks = tuple(position), self._prices(nxt, self.memory)
        self.nav = self.cash + sum(q * m for q, m in zip(self.position, self.marks, strict=True))
        self.peak, self.t = max(self.peak, self.nav), self.t + 1
        account = Account(
            self.cash,
            self.nav,
            self.peak,
            self.position,
            self.marks,
            float(self.t),
            float(self.tape.steps - self.t),
        )
        self.parts = step.reward(self.p, before, account, self.memory)
        self.own = step.observe(self.p, nxt, account, self.memory)

    def compare(self, batch: Batch, i: int, out: Outcome) -> None:
        """Raise ContractBroken where the batch's path i is not this twin."""
        books, name = batch.ledger.books, self.strategy.name
        scale = max(1.0, abs(self.strategy.capital), abs(self.cash))
        pairs = {
            "cash": (books.cash[i], self.cash, scale),
            "NAV": (books.nav[i], self.nav, scale),
            "fees": (-batch.ledger.attribution()["fees"][i], self.fees, scale),
            "reward": (out.reward[i], sum(self.parts), max(1.0, abs(sum(self.parts)))),
        }
        for slot, value in zip(names(self.strategy.step.own), self.own, strict=True):
            seen = out.observation[i, self.strategy.features.index(slot)]
            pairs[slot] = (float(seen), float(np.float32(value)), max(1.0, abs(value)) * 1e3)
        for what, (found, wanted, unit) in pairs.items():
            if not abs(found - wanted) <= 1e-9 * unit:
                raise ContractBroken(f"{name}: step {self.t}, {what} is {found}, the plain twin has {wanted}")

    def _row(self, t: int) -> Any:
        return self.strategy.step.columns(*self.tape.block[t, :, self.path].tolist())

    def _prices(self, row: Any, memory: Any) -> tuple[float, ...]:
        if self.strategy.step.price is not None:
            return tuple(self.strategy.step.price(self.p, row, memory))
        return tuple(getattr(row, name) for name in self.strategy.step.marks)

    def _clipped(self, action: Any) -> tuple[float, ...]:
        space = self.strategy.actions
        if isinstance(space, Box):
            return tuple(np.clip(action, space.low, space.high).tolist())
        return (float(np.asarray(action).ravel()[0]),)
