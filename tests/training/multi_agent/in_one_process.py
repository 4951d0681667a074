"""Shards without processes: the slow plain twin of workers and ranks."""

import torch

from fund.training.multi_agent.shards import Shard, joined


class Here:
    """A source of steps that plays all shards itself."""

    def __init__(self, plan):
        self.plan = plan
        self.shards = [Shard(plan, k) for k in range(plan.shards)]

    def collect(self, weights):
        return joined([shard.play(weights) for shard in self.shards])

    def states(self):
        return [shard.state() for shard in self.shards]

    def restore(self, states):
        for shard, state in zip(self.shards, states, strict=True):
            shard.restore(state)

    def numbers(self):
        return {}


def weights(learner):
    """All weights of a learner in one line."""
    return torch.cat([t.flatten().double() for _, t in sorted(learner.weights().items())])
