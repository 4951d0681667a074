"""FS-9: what a short training learns where only a constant premium pays, and where nothing does."""

import numpy as np
import pytest

from fund.envs.play import play
from fund.training.evaluate import held_out
from fund.training.store import ModelStore
from fund.training.train import settings_of, train
from specialists.futures_spreads import SPEC
from specialists.futures_spreads.strategy import FuturesSpreads

PATHS = 4096


def learned(tmp_path, **changes):
    """Statistics of the trained agent, log wealth of agent and optimum, all on the same unseen tapes."""
    desk = FuturesSpreads.preset("schwartz_smith", **changes)
    store = ModelStore(tmp_path / str(len(changes)))
    settings = settings_of(SPEC, "schwartz_smith", {"evaluations": 3, "evaluation_paths": 512})
    train(SPEC, desk, "schwartz_smith", seed=0, store=store, settings=settings)
    paths = held_out(PATHS)
    tape = desk.record(paths)
    agent, best = (
        play(desk, policy, paths, tape)
        for policy in (store.load(desk, "best", "schwartz_smith").policy(), desk.rules["optimum"](desk))
    )
    logs = [np.log(played.nav[-1] / desk.capital) for played in (agent, best)]
    return desk.statistics(agent), *logs


@pytest.mark.slow
def test_fs_9_growth_and_what_is_left_of_the_position_without_a_premium(tmp_path):
    with_premium, agent, best = learned(tmp_path)
    gap = agent - best
    # .90 of .2106, judged on the optimum's own tapes: the optimum's growth is known, the difference is measured
    assert 0.2106 + gap.mean() - 4.0 * gap.std() / np.sqrt(PATHS) >= 0.90 * 0.2106
    assert gap.mean() <= 3.0 * gap.std() / np.sqrt(PATHS)
    without, _, _ = learned(tmp_path, premium_scale=0.0)
    assert without["mean_square_position"] <= 0.1 * with_premium["mean_square_position"]
