"""The paper's world without noise: what an agent may be trained in, because the best policy is the same."""

import numpy as np
import pytest

from fund.envs.play import constant, play
from fund.errors import InvalidParameter
from fund.market.streams import Paths
from specialists.factor_tracking.strategy import FactorTracking

PATHS = Paths.of(3, 400)
QUIET = {"return_noise": 0.0, "signal_noise": 0.0, "initial_position": 0.5, "n_steps": 20}


def test_signals_decay_and_the_price_follows_them():
    strategy = FactorTracking.preset("garleanu_pedersen").with_parameters(**QUIET)
    tape = strategy.record(PATHS)
    t = np.arange(21)[:, None]
    assert tape["value_z"] == pytest.approx(tape["value_z"][0] * (1 - strategy.phi_1) ** t, abs=1e-9)
    assert tape["momentum_z"] == pytest.approx(tape["momentum_z"][0] * (1 - strategy.phi_2) ** t, abs=1e-9)
    expected = strategy.loading_1 * tape["value_z"] + strategy.loading_2 * tape["momentum_z"]
    assert np.diff(tape["value"], axis=0) == pytest.approx(expected[:-1], abs=1e-9)


def test_episodes_start_from_positions_within_the_share_of_the_limit():
    strategy = FactorTracking.preset("garleanu_pedersen").with_parameters(**QUIET)
    held = play(strategy, constant(strategy, 13), PATHS).position[0]
    bound = 0.5 * strategy.position_limit
    assert np.abs(held).max() <= bound
    assert held.std() == pytest.approx(bound / np.sqrt(3), rel=0.15)
    assert abs(held.mean()) < 4 * held.std() / 20


def test_the_world_itself_is_as_before():
    strategy = FactorTracking.preset("garleanu_pedersen").with_steps(30)
    tape = strategy.record(PATHS)
    assert not tape["quality_z"].any()
    assert not play(strategy, constant(strategy, 13), PATHS).position.any()


def test_what_is_taken_out_for_training_is_noise():
    """Of the tilts: zero in the mean, whatever is held, and nearly all of what a day's reward scatters by."""
    plain = FactorTracking(n_steps=60)
    trained = plain.with_parameters(control_variate=True)
    paths = Paths.of(11, 4000)
    for action in (26, 0, 9):
        before, after = (play(desk, constant(desk, action), paths).reward for desk in (plain, trained))
        noise = before - after
        assert abs(noise.mean()) < 4.0 * noise.std() / np.sqrt(len(noise))
        assert after.std() < 0.5 * before.std()  # what is left could be foreseen


def test_no_noise_is_known_of_a_record_or_of_one_asset():
    with pytest.raises(InvalidParameter, match="control_variate is True, wanted False"):
        FactorTracking.preset("garleanu_pedersen", control_variate=True)
