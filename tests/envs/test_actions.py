"""Actions on their way into the loop: copied, clipped, or refused with the path that is wrong."""

import numpy as np
import pytest
from trend_following import TrendFollowing

from fund.envs.batch import Batch
from fund.envs.kernel import take
from fund.errors import InvalidAction, InvalidParameter
from fund.roster import rosters


def plain(given, low, high, whole):
    # the slow twin
    for i, row in enumerate(given):
        for action in row:
            if not np.isfinite(action) or (whole and not (low <= action <= high and action == int(action))):
                return i, None
    return -1, np.clip(given, low, high)


@pytest.mark.parametrize("whole", [False, True])
def test_the_loop_is_its_plain_twin(whole):
    generator = np.random.default_rng(0)
    for case in range(200):
        given = (
            generator.integers(-2, 6, (5, 2)).astype(float) if case % 2 else generator.normal(0, 2, (5, 2))
        )
        if case % 3 == 0:
            given[generator.integers(5), generator.integers(2)] = generator.choice(
                [np.nan, np.inf, -np.inf, 1e308]
            )
        out = np.zeros((5, 3))
        wanted, clipped = plain(given, 0.0, 3.0, whole)
        assert take(given, 0.0, 3.0, whole, out) == wanted
        if wanted < 0:
            np.testing.assert_array_equal(out[:, :2], clipped)


@pytest.fixture
def batch():
    made = Batch(rosters()["factor_tracking"].cls(n_steps=5), 3)
    made.reset(0)
    return made


@pytest.mark.parametrize("bad", [27, -1, 1.5, np.nan])
def test_a_choice_must_be_one_of_them(batch, bad):
    with pytest.raises(InvalidAction, match=r"of path 1, wanted a whole number from 0 to 26"):
        batch.step(np.array([0.0, bad, 1.0]))


@pytest.mark.parametrize("given", [["a", "b", "c"], [None, 1, 2], [[0], [1], [2, 3]]])
def test_actions_must_be_numbers(batch, given):
    with pytest.raises(InvalidAction, match="wanted"):
        batch.step(np.array(given, dtype=object))


def test_any_layout_and_type_is_taken(batch):
    for given in (
        np.arange(3),
        np.arange(3, dtype=np.float32),
        np.broadcast_to(4, 3),
        np.arange(6)[::2],
        [1, 2, 3],
    ):
        batch.step(given)
        np.testing.assert_array_equal(batch._actions[:, 0], given)


def test_a_market_beyond_all_numbers_is_refused_before_it_is_played():
    desk = rosters()["statistical_arbitrage"].cls()
    with pytest.raises(InvalidParameter, match="no market can be drawn with these parameters: overflow"):
        Batch(desk.with_parameters(premium=1e7), 2).reset(0)
    with pytest.raises(
        InvalidParameter, match="no market can be drawn with these parameters: Unable to allocate"
    ):
        Batch(desk.with_parameters(n_steps=10**14), 2).reset(0)


class Exploding(TrendFollowing):
    """A market whose last price nobody can pay."""

    def record(self, paths, weather=None):
        """One price is infinite."""
        tape = super().record(paths, weather)
        tape["price"][-1, 0] = np.inf
        return tape


def test_a_price_that_is_not_finite_is_named():
    with pytest.raises(InvalidParameter, match="the market is not finite: price"):
        Batch(Exploding(n_steps=5), 2).reset(0)
