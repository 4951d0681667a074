"""The RLlib example, in the environment of its own that it describes; skipped where RLlib is not installed.

Nothing of this project's Stable-Baselines3 is imported here: RLlib pins an older Gymnasium than it needs.
"""

import numpy as np
import pytest

pytest.importorskip("ray.rllib", reason="RLlib lives in an environment of its own")

import rllib_mappo


@pytest.mark.filterwarnings("ignore")  # RLlib's own, of many kinds
@pytest.mark.parametrize("name", ["simple_spread", "risk", "execution"])
def test_rllib_trains(name):
    """Two iterations of shared weights, or of one policy each where the spaces differ."""
    make = rllib_mappo.maker(name)
    found = rllib_mappo.train(make, iterations=2, steps=500, shared=name != "execution")
    assert len(found) == 2
    assert np.isfinite(found).all()
