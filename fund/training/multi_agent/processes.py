"""The same training in several processes: workers that play (`workers`), or ranks that play and learn (`ranks`)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace

from fund.errors import InvalidParameter
from fund.training.multi_agent.learner import Learner
from fund.training.multi_agent.ranks import ranked
from fund.training.multi_agent.session import Job
from fund.training.multi_agent.settings import Settings
from fund.training.multi_agent.shards import Plan, ShardedLearner
from fund.training.multi_agent.workers import Workers


@contextlib.contextmanager
def in_processes(job: Job, seed: int = 0, workers: int = 0, ranks: int = 1) -> Iterator[Job]:
    """The job as it is, or with so many workers, or so many ranks; the processes end with the block.

    Which of these, and how many, changes the result by rounding at most: of workers, by nothing. Both play the copies
    in shards, as `shards.Plan` cuts them; without processes they are not cut, and draw other actions. Raises
    InvalidParameter for an algorithm that cannot be played in parts.
    """
    if workers and ranks > 1:
        raise InvalidParameter(f"{workers} workers and {ranks} ranks, wanted one kind")
    if ranks > 1:
        with ranked(_taught(job, seed), seed, ranks) as one_of_many:
            yield one_of_many
    elif workers:
        with Workers(Plan.of(job.make, job.settings, seed), workers) as crew:
            yield replace(_taught(job, seed), learner=crew.learner)
    else:
        yield job


def _taught(job: Job, seed: int) -> Job:
    # who starts from a teacher learns from it in this process, with all copies
    teach, settings = job.start, job.settings
    if teach is None or not isinstance(settings, Settings):
        return job

    def start(learner: ShardedLearner) -> None:
        whole = Learner(job.make(settings.copies), settings, seed)
        teach(whole)
        learner.take_over(whole)

    return replace(job, start=start)
