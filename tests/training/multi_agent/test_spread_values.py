"""QMIX on mpe2's simple_spread_v3, in short; MAPPO's own is `test_spread`."""

import numpy as np
import pytest
import torch
from simple_spread import SimpleSpread
from train_simple_spread import on_mpe2

from fund.training.multi_agent.acting import Actors, play_team
from fund.training.multi_agent.algorithms import learner_of
from fund.training.multi_agent.off_policy import OffPolicy

SHORT = OffPolicy(
    "qmix", steps=130_000, copies=32, rollout=4, updates=4, capacity=65_536, rate=(2e-3, 2e-4), tau=0.02, gamma=0.95,
    epsilon_share=0.3, layer_norm=True,
)  # fmt: skip
BAR, BEST_KNOWN = -19.5, -7.5  # random gets -26.6, untrained argmax less, PAPERS.md 10.2


@pytest.mark.slow
def test_qmix_learns_to_spread_on_a_world_that_no_one_here_wrote():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    learner = learner_of(SimpleSpread(SHORT.copies), SHORT, 0)
    untrained = play_team(SimpleSpread(1000), Actors(learner.groups), 10**9).per_agent.mean()
    while learner.progress < 1.0:
        learner.iterate()
    actors = Actors(learner.groups)
    here = play_team(SimpleSpread(1000), actors, 10**9).per_agent.mean()
    there = on_mpe2(actors, 200).per_agent
    torch.set_num_threads(before)
    assert untrained < -24.0
    assert BAR < here < BEST_KNOWN
    assert abs(there.mean() - here) < 4 * there.std() / np.sqrt(200)  # the same world, to its standard error
