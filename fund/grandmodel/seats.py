"""A stage's seat at the chain: its agents see what they see in their own environment, and speak one round.

A seat takes a tape of the stage's own columns and features, whose first row is the present, and the accounts as they
stand. It shows each agent its window and what it is told, asks them in speaking order, and lets the stage's own step
say what comes of it: targets, thresholds, quorums and limits are those of the environment. Nothing is booked here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fund.account.ledger import Ledger
from fund.errors import UnknownName
from fund.market.tape import Tape
from fund.stage import Agent, Scene, Stage
from fund.strategy import Account, Policy, View, names

Floats = NDArray[np.float64]

Speaker = Callable[[NDArray[np.float32]], NDArray[Any]]
"""A policy of one agent: what it sees (n, k) in, its actions out."""


class Spoken(NamedTuple):
    """What a round came to, before the market moves."""

    joint: Floats  # (n, a) what was said
    quantity: Floats  # (n, legs) what the stage's step trades on it, from flat
    memory: list[Any]  # the stage's own memory of each path, after it


@dataclass(frozen=True)
class Seat:
    """A stage, and who sits for it: a speaker for each agent, or a joint rule."""

    stage: Stage
    speakers: Mapping[str, Speaker] | None = None
    rule: Policy | None = None

    @classmethod
    def ruled(cls, stage: Stage, rule: str) -> Seat:
        """The stage's rule of that name; raises UnknownName."""
        if rule not in stage.rules:
            raise UnknownName(f"{stage.name} rule", rule, stage.rules)
        return cls(stage, rule=stage.rules[rule](stage.strategy))

    def speak(self, tape: Tape, accounts: Sequence[Account], memory: Sequence[Any] | None = None) -> Spoken:
        """One round at row 0 of the tape; without memories those of an episode's start. Raises InvalidAction."""
        step, p = self.stage.strategy.step, self.stage.strategy.parameters()
        rows = [step.columns(*tape.block[0, :, i].tolist()) for i in range(tape.n)]
        kept = list(memory) if memory is not None else [step.opening(p, row)[1] for row in rows]
        joint = self._joint(self._scene(tape, rows, accounts, kept))
        quantity, after = [], []
        flat = (0.0,) * len(step.marks)
        for row, account, before, said in zip(rows, accounts, kept, joint.tolist(), strict=True):
            free = account._replace(cash=account.nav, position=flat)
            fills, _, left = step.trade(p, row, row, free, before, tuple(said))
            quantity.append(fills.quantity)
            after.append(left)
        return Spoken(joint, np.array(quantity), after)

    def _joint(self, scene: Scene) -> Floats:
        if self.rule is not None:
            return np.asarray(self.rule(scene.view), dtype=np.float64)
        assert self.speakers is not None
        said: dict[str, Floats] = {}
        numbers = []
        for agent in self.stage.agents:
            entries = agent.numbers(self.speakers[agent.name](sight(scene, agent, said)), scene.n)
            numbers.append(entries)
            if self.stage.in_turn:
                said |= dict(zip(agent.said, agent.message(entries).T, strict=True))
        return np.concatenate(numbers, axis=1)

    def _scene(
        self, tape: Tape, rows: list[Any], accounts: Sequence[Account], memory: Sequence[Any]
    ) -> Scene:
        world, n = self.stage.strategy, tape.n
        step, p = world.step, world.parameters()
        observation = tape.features[0].copy()
        own = [
            step.observe(p, row, account, kept)
            for row, account, kept in zip(rows, accounts, memory, strict=True)
        ]
        for k, slot in enumerate(names(step.own)):
            observation[:, world.features.index(slot)] = [one[k] for one in own]
        told = np.array(memory, dtype=np.float64).reshape(n, -1).T
        view = View(
            world, observation, books_of(world.step.marks, accounts), np.zeros(n, dtype=np.int64),
            {name: tape[name][0] for name in tape.columns}, dict(zip(names(step.memory), told, strict=True)),
        )  # fmt: skip
        return Scene(view, tape)


def sight(scene: Scene, agent: Agent, said: Mapping[str, Floats]) -> NDArray[np.float32]:
    """What an agent sees (n, k): its window, oldest row first, then what it is told; silence is 0."""
    window = scene.window(agent.columns, agent.window).reshape(scene.n, -1)
    features = scene.view.strategy.features
    told = [
        scene.slot(name) if name in features else said.get(name, np.zeros(scene.n)) for name in agent.told
    ]
    return np.concatenate([window, *(x[:, None] for x in told)], axis=1, dtype=np.float32)


def books_of(marks: Sequence[str], accounts: Sequence[Account]) -> Any:
    """The accounts as a ledger's books, for rules that look at them."""
    ledger = Ledger.empty(tuple(marks), len(accounts))
    books = ledger.books
    for i, account in enumerate(accounts):
        books.cash[i], books.nav[i], books.peak[i] = account.cash, account.nav, account.peak
        books.position[:, i], books.marks[:, i] = account.position, account.mark
    return books
