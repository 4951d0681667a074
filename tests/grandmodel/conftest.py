"""What tests of several stages play with."""

import numpy as np
import pytest

from fund.envs.batch import Batch
from fund.market.streams import Paths


@pytest.fixture
def parts_total():
    """Plays n episodes with a policy: parts of the reward by name, each (n,)."""

    def play(strategy, policy, n=400):
        batch = Batch(strategy, n)
        batch.start(Paths.of(0, n))
        total = np.zeros((len(batch.part_names), n))
        for _ in range(strategy.n_steps):
            batch.step(policy(batch.view()))
            total += batch.parts
        return dict(zip(batch.part_names, total, strict=True))

    return play
