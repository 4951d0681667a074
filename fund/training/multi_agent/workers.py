"""Worker processes that play shards (`shards`): who is idle plays next, and who dies is replaced.

    with Workers(Plan.of(make, settings, seed), workers=4) as workers:
        learner = ShardedLearner(workers)
        learner.iterate()

Each worker first plays the shards that it played last time, whose worlds it still holds. When it has none left, it
takes one that another worker has not come to, with that shard's state: a slow worker so keeps fewer. A worker that dies
(or does not answer for `patience` seconds, and is killed) is replaced by a new process, and its shard is played again
from the state before. None of this changes a number: training is the same, bit for bit, with any number of workers
and any number of deaths.
"""

from __future__ import annotations

import contextlib
import pickle
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Self

import torch
from torch import Tensor

from fund.errors import InvalidParameter, ModelError
from fund.training.multi_agent.shards import Experience, Plan, Shard, ShardedLearner, joined

DEATHS = 3  # of workers over one shard's rollout, after which the training stops
PATIENCE = 600.0
STARTED = ("started", None, None)


def _serve(connection: Connection, plan: Plan) -> None:
    # a worker's whole life: (index, state or None, weights, what to keep) in, ("played", experience, state) out
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that trains
    torch.set_num_threads(1)
    held: dict[int, Shard] = {}
    _send(connection, STARTED)
    while (task := _heard(connection)) is not None:
        index, state, weights, holds = task
        held = {k: shard for k, shard in held.items() if k in holds}
        try:
            if index not in held or state is not None:
                held[index] = Shard(plan, index)
                if state:
                    held[index].restore(state)
            experience = held[index].play(weights)
            _send(connection, ("played", experience, held[index].state()))
        except Exception as error:  # noqa: BLE001 - whatever it is, the process that trains must hear of it
            _send(connection, ("failed", f"{type(error).__name__}: {error}", None))


def _send(connection: Connection, what: Any) -> None:
    # not `connection.send`: torch would put tensors into shared memory, which is lost with the process that made it
    connection.send_bytes(pickle.dumps(what))


def _heard(connection: Connection) -> Any:
    return pickle.loads(connection.recv_bytes())  # noqa: S301 - from a process of our own


@dataclass
class Worker:
    """One process, and what it is at."""

    process: BaseProcess
    connection: Connection
    shard: int | None = None  # being played
    since: float = 0.0
    started: bool = False  # its imports are done; only then does its time count
    busy: float = 0.0  # seconds so far
    played: int = 0  # rollouts so far
    holds: set[int] = field(default_factory=set)  # shards whose worlds it has as they are now


class Workers:
    """A `shards.Source` of several processes; a context, that ends them."""

    def __init__(self, plan: Plan, workers: int, patience: float = PATIENCE) -> None:
        if workers < 1:
            raise InvalidParameter(f"{workers} workers, wanted at least 1")
        self.plan, self.patience = plan, patience
        self._context = get_context("spawn")
        self._states: list[dict[str, Tensor]] = [{} for _ in range(plan.shards)]  # {}: at its beginning
        self.workers = [self._hire() for _ in range(min(workers, plan.shards))]
        for k in range(plan.shards):
            self.workers[k % len(self.workers)].holds.add(k)
        self._fresh = set(range(plan.shards))  # shards that no living worker holds as they are
        self.deaths = self.moves = 0
        self._elapsed = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _hire(self) -> Worker:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_serve, args=(theirs, self.plan), daemon=True)
        process.start()
        theirs.close()
        return Worker(process, ours)

    def learner(self, job: Any, seed: int) -> ShardedLearner:
        """What a `session.Job` takes as its `learner`."""
        return ShardedLearner(self)

    def collect(self, weights: Mapping[str, Tensor]) -> Experience:
        """A rollout of all shards; raises ModelError where one fails or kills its workers."""
        start, deaths = time.monotonic(), [0] * self.plan.shards
        waiting, done = set(range(self.plan.shards)), dict[int, Experience]()
        while len(done) < self.plan.shards:
            self._give(waiting, weights)
            for worker in self._ready():
                index = worker.shard
                assert index is not None
                answer = self._answer(worker)
                if answer is None:
                    deaths[index] += 1
                    if deaths[index] >= DEATHS:
                        raise ModelError(
                            f"shard {index} ended {DEATHS} workers, the last by {self._end}; training stops"
                        )
                    waiting.add(index)
                    continue
                what, done_or_text, state = answer
                if what == "started":
                    continue
                if what == "failed":
                    raise ModelError(f"a worker failed on shard {index}: {done_or_text}")
                done[index], self._states[index] = done_or_text, state
        self._elapsed += time.monotonic() - start
        return joined([done[k] for k in range(self.plan.shards)])

    def _give(self, waiting: set[int], weights: Mapping[str, Tensor]) -> None:
        # idle workers first take what they hold, then what those hold who have most before them
        for worker in self.workers:
            if worker.shard is not None or not waiting:
                continue
            own = worker.holds & waiting
            if own:
                index = min(own)
            else:
                behind = max(self.workers, key=lambda other: len(other.holds & waiting))
                index = max(behind.holds & waiting)
                behind.holds.discard(index)
                worker.holds.add(index)
                self._fresh.add(index)
                self.moves += 1
            waiting.discard(index)
            state = self._states[index] if index in self._fresh else None
            self._fresh.discard(index)
            worker.shard, worker.since = index, time.monotonic()
            with contextlib.suppress(OSError):  # it is dead: its end of the line will say so
                _send(worker.connection, (index, state, dict(weights), set(worker.holds)))

    def _ready(self) -> list[Worker]:
        # workers that have answered, or died; who is silent for too long is made to die
        by_line = {worker.connection: worker for worker in self.workers if worker.shard is not None}
        begun = [worker.since for worker in by_line.values() if worker.started]
        timeout = max(self.patience - (time.monotonic() - min(begun)), 0.0) if begun else None
        ready = wait(list(by_line), timeout)
        late = [w for w in by_line.values() if w.started and time.monotonic() - w.since > self.patience]
        for worker in [] if ready else late:
            worker.process.kill()
            worker.process.join()
        return [by_line[line] for line in ready] or late  # type: ignore[index]  # of the lines that it was given

    def _answer(self, worker: Worker) -> Any:
        # None of a dead one, whose place a new one has
        worker.busy += time.monotonic() - worker.since
        try:
            answer = _heard(worker.connection)
        except (EOFError, OSError):
            self._replace(worker)
            return None
        if answer == STARTED:
            worker.started, worker.since = True, time.monotonic()
            return answer
        worker.shard, worker.played = None, worker.played + 1
        return answer

    def _replace(self, worker: Worker) -> None:
        worker.connection.close()
        worker.process.join()
        self._end = f"exit code {worker.process.exitcode}"
        self.deaths += 1
        new = self._hire()
        worker.process, worker.connection = new.process, new.connection
        worker.shard, worker.started = None, False
        self._fresh |= worker.holds  # the new process holds nothing yet: it is told their states

    def states(self) -> list[dict[str, Tensor]]:
        """Of all shards."""
        if not all(self._states):
            return [state or Shard(self.plan, k).state() for k, state in enumerate(self._states)]
        return list(self._states)

    def restore(self, states: Sequence[dict[str, Tensor]]) -> None:
        """Go on from `states`."""
        self._states, self._fresh = list(states), set(range(self.plan.shards))

    def numbers(self) -> dict[str, float]:
        """Share of the time that workers were at work, deaths, and shards that changed hands, so far."""
        working = sum(worker.busy for worker in self.workers)
        return {
            "workers/busy": working / max(self._elapsed * len(self.workers), 1e-9),
            "workers/deaths": float(self.deaths), "workers/moves": float(self.moves),
        }  # fmt: skip

    def close(self) -> None:
        """End all processes."""
        for worker in self.workers:
            with contextlib.suppress(OSError):
                _send(worker.connection, None)
        for worker in self.workers:
            worker.process.join(timeout=5.0)
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
            worker.connection.close()
