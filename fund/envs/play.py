"""Play episodes with a policy, many at a time, and keep what the reports need."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fund.envs.batch import Batch
from fund.errors import InvalidParameter
from fund.market.streams import Paths
from fund.market.tape import Tape
from fund.strategy import Box, Played, Policy, Strategy, View

CHUNK = 4096  # paths stepped together; bounds the memory


def flat(strategy: Strategy) -> Policy:
    """The action that holds nothing; raises InvalidParameter where there is none."""
    if strategy.flat_action is None:
        raise InvalidParameter(f"{strategy.name}: no action holds nothing, so there is no flat policy")
    size = getattr(strategy.actions, "size", 1)
    shape = (lambda n: (n, size)) if isinstance(strategy.actions, Box) else (lambda n: (n,))
    return lambda view: np.full(shape(view.n), strategy.flat_action)


def constant(strategy: Strategy, action: Any) -> Policy:
    """One action for ever."""
    row = np.atleast_1d(np.asarray(action))
    return lambda view: (
        np.broadcast_to(row, (view.n, len(row)))
        if isinstance(strategy.actions, Box)
        else np.full(view.n, row[0])
    )


def random(strategy: Strategy, seed: int = 0) -> Policy:
    """Uniform actions, from a generator of its own."""
    generator = np.random.default_rng(seed)
    space = strategy.actions

    def act(view: View) -> NDArray[Any]:
        if isinstance(space, Box):
            return generator.uniform(space.low, space.high, (view.n, space.size))
        return generator.integers(space.count, size=view.n)

    return act


def lagged(policy: Policy, strategy: Strategy) -> Policy:
    """The same policy one step late: what is left of it when every decision is a bar old."""
    first = flat(strategy)
    waiting: list[NDArray[Any]] = []

    def act(view: View) -> NDArray[Any]:
        if not view.clock.any():
            waiting[:] = [np.asarray(first(view))]
        waiting.append(np.array(policy(view)))
        return waiting.pop(0)

    return act


def play(strategy: Strategy, policy: Policy, paths: Paths, tape: Tape | None = None) -> Played:
    """Play one episode a path to its end. Paths beyond `CHUNK` are played in turns; all results are joined."""
    if tape is not None or len(paths) <= CHUNK:
        return _play(strategy, policy, paths, tape)
    return join([_play(strategy, policy, some, None) for _, some in paths.parts(CHUNK)])


def _play(strategy: Strategy, policy: Policy, paths: Paths, tape: Tape | None) -> Played:
    batch = Batch(strategy, len(paths), tape=tape)
    batch.start(paths)
    recorded = batch.current_tape
    nav = np.empty((recorded.steps + 1, batch.n))
    nav[0] = batch.ledger.books.nav
    total = np.zeros(batch.n)
    for t in range(recorded.steps):
        out = batch.step(policy(batch.view()))
        total += out.reward
        nav[t + 1] = batch.ledger.books.nav
    books = batch.ledger.books
    return Played(
        strategy=strategy,
        tape=recorded,
        nav=nav,
        reward=total,
        position=books.position.copy(),
        memory={name: values.copy() for name, values in batch.memory().items()},
        lines=batch.ledger.attribution(),
        traded=books.traded.copy(),
        length=batch.clock.copy(),
    )


def join(parts: list[Played]) -> Played:
    """The episodes of several plays as one; the tape is that of the first."""
    first = parts[0]
    return Played(
        strategy=first.strategy,
        tape=first.tape,
        nav=np.concatenate([p.nav for p in parts], axis=1),
        reward=np.concatenate([p.reward for p in parts]),
        position=np.concatenate([p.position for p in parts], axis=1),
        memory={k: np.concatenate([p.memory[k] for p in parts]) for k in first.memory},
        lines={k: np.concatenate([p.lines[k] for p in parts]) for k in first.lines},
        traded=np.concatenate([p.traded for p in parts]),
        length=np.concatenate([p.length for p in parts]),
    )
