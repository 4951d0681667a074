"""Several processes that learn as one: data parallelism by torch.distributed (gloo), on one machine.

    with ranked(job, seed, ranks=2) as job:
        train_team(job, seed)

Each rank plays its own shards (`shards`) and hands round what it played, so that all know the whole rollout. Of each
batch a rank takes every n-th sequence, weighs its losses by its share of the batch, and the gradients are summed
over the ranks before the step: the step of the whole batch, in each. Rank 0 trains, selects and saves; the others
follow, and get all that rank 0 resumed from.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from fund.errors import InvalidParameter
from fund.training.multi_agent.group import Group
from fund.training.multi_agent.learner import Learner
from fund.training.multi_agent.losses import Batch, Losses, descend, losses_of, picked
from fund.training.multi_agent.shards import Experience, Plan, Shard, ShardedLearner, joined

PATIENCE = timedelta(minutes=10)


class Ranks:
    """A `shards.Source`: this rank plays every n-th shard, and hears of the others'."""

    def __init__(self, plan: Plan, rank: int, world: int) -> None:
        if not 1 <= world <= plan.shards:
            raise InvalidParameter(f"{world} ranks for {plan.shards} shards, wanted 1 to {plan.shards}")
        self.plan, self.rank, self.world = plan, rank, world
        self._mine = {k: Shard(plan, k) for k in range(rank, plan.shards, world)}
        self._states: list[dict[str, Tensor]] = []

    def collect(self, weights: Mapping[str, Tensor]) -> Experience:
        """A rollout of all shards, the same on all ranks."""
        own = {k: (shard.play(weights), shard.state()) for k, shard in self._mine.items()}
        heard: list[Any] = [None] * self.world
        dist.all_gather_object(heard, own)
        whole = {k: played for part in heard for k, played in part.items()}
        self._states = [whole[k][1] for k in range(self.plan.shards)]
        return joined([whole[k][0] for k in range(self.plan.shards)])

    def states(self) -> list[dict[str, Tensor]]:
        """Of all shards."""
        return self._states or [Shard(self.plan, k).state() for k in range(self.plan.shards)]

    def restore(self, states: Sequence[dict[str, Tensor]]) -> None:
        """Go on from `states`."""
        self._states = list(states)
        for k, shard in self._mine.items():
            shard.restore(states[k])

    def numbers(self) -> dict[str, float]:
        """Nothing."""
        return {}


class RankLearner(ShardedLearner):
    """One of several learners that take the same steps."""

    def __init__(self, source: Ranks) -> None:
        super().__init__(source)
        self.rank, self.world = source.rank, source.world
        self._news: Any = None  # what rank 0 resumed from
        for group in self.groups:
            for parameter in (*group.actor.parameters(), *group.critic.parameters()):
                # torch gives it no types
                parameter.register_post_accumulate_grad_hook(_summed)  # type: ignore[no-untyped-call]

    def iterate(self) -> dict[str, float]:
        """As all ranks do at the same time."""
        if self.rank == 0:
            dist.broadcast_object_list([True, self._news], src=0)
            self._news = None
        return super().iterate()

    def descend(self, group: Group, batch: Batch, clip: float, weight: float) -> tuple[float, ...]:
        """The step of the whole batch, of which this rank looks at its part."""
        size, settings = batch.action.shape[1], group.settings
        if size < self.world:
            raise InvalidParameter(
                f"a batch of {size} sequences for {self.world} ranks; use fewer minibatches"
            )
        mine = picked(batch, torch.arange(self.rank, size, self.world))
        losses = losses_of(group, mine, settings, clip)
        living = mine.alive.sum() / batch.alive.sum().clamp(min=1.0)
        rows = torch.tensor(mine.action.shape[1] / size)
        shares = (living, rows, living, living, living)  # of the value's loss, that of all sequences
        part = Losses(*(loss * share for loss, share in zip(losses, shares, strict=True)))
        found = torch.tensor(descend(group, part, weight, settings.max_grad_norm), dtype=torch.float64)
        whole = found[: len(part)].clone()
        dist.all_reduce(whole)  # the norms are of summed gradients already
        return (*whole.tolist(), *found[len(part) :].tolist())

    def resume(self, named: Mapping[str, Tensor], where: Mapping[str, int]) -> None:
        """Go on from a snapshot; the other ranks do so before their next rollout."""
        super().resume(named, where)
        self._news = ({key: t.clone() for key, t in named.items()}, dict(where))

    def take_over(self, other: Learner) -> None:
        """Go on with what another learner has learned; the other ranks do so before their next rollout."""
        super().take_over(other)
        self._news = self.snapshot()

    def follow(self) -> None:
        """Do what rank 0 does, until it ends."""
        while True:
            told: list[Any] = [None, None]
            dist.broadcast_object_list(told, src=0)
            goes_on, news = told
            if not goes_on:
                return
            if news is not None:
                self.resume(*news)
            self.iterate()

    def dismiss(self) -> None:
        """Tell the other ranks that it is over."""
        dist.broadcast_object_list([False, None], src=0)


def _summed(parameter: Tensor) -> None:
    # after the backward pass has come to it: all ranks come to all parameters in the same order
    dist.all_reduce(parameter.grad)


def _join(path: Path, rank: int, world: int) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=path.as_uri(), rank=rank, world_size=world, timeout=PATIENCE)


def _follower(path: Path, plan: Plan, rank: int, world: int) -> None:
    _join(path, rank, world)
    RankLearner(Ranks(plan, rank, world)).follow()
    dist.destroy_process_group()


@contextlib.contextmanager
def ranked(job: Any, seed: int, ranks: int, shards: int | None = None) -> Iterator[Any]:
    """The same `session.Job`, learned by so many processes; raises InvalidParameter.

    Ends the processes when the block ends. Raises RuntimeError (of torch) in the block where one of them dies.
    """
    plan = Plan.of(job.make, job.settings, seed, shards)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "meeting"
        context = get_context("spawn")
        others = [
            context.Process(target=_follower, args=(path, plan, rank, ranks), daemon=True)
            for rank in range(1, ranks)
        ]
        first: list[RankLearner] = []

        def learner(job: Any, seed: int) -> RankLearner:
            first.append(RankLearner(Ranks(plan, 0, ranks)))
            return first[0]

        for process in others:
            process.start()
        try:
            _join(path, 0, ranks)
            yield replace(job, learner=learner)
            if first:
                first[0].dismiss()
        except BaseException:
            for process in others:
                process.kill()
            raise
        finally:
            for process in others:
                process.join()
            if dist.is_initialized():
                dist.destroy_process_group()
