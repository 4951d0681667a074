"""Two implementations of one world side by side: mpe2's own and ours, from the same seeds."""

import numpy as np
import pytest
from mpe2 import simple_spread_v3
from simple_spread import SimpleSpread

from fund.envs.parallel import ParallelTeam

N = 8


def mpe2_team(n):
    return ParallelTeam.of(
        lambda: simple_spread_v3.parallel_env(N=3, max_cycles=25, local_ratio=0.5, continuous_actions=False),
        n,
    )


@pytest.mark.parametrize("attract", [0.0, 0.9])
def test_ours_is_mpe2s_step_by_step(attract):
    """Random actions, and agents that run into each other."""
    theirs, ours = mpe2_team(N), SimpleSpread(N)
    generator = np.random.default_rng(1)
    seen, again = theirs.reset(7), ours.reset(7)
    bumps = 0
    for _ in range(50):
        for a in ours.agents:
            np.testing.assert_array_equal(seen[a], again[a])
        np.testing.assert_array_equal(theirs.state(), ours.state())
        actions = {}
        for a in ours.agents:
            toward = seen[a][:, 10:12]  # the other agent's relative position
            along = np.where(np.abs(toward[:, 0]) > np.abs(toward[:, 1]), 0, 1)
            chase = 1 + 2 * along + (np.take_along_axis(toward, along[:, None], 1)[:, 0] > 0)
            blind = generator.integers(5, size=N)
            actions[a] = np.where(generator.random(N) < attract, chase, blind)
        one, two = theirs.step(actions), ours.step(actions)
        np.testing.assert_allclose(one.reward, two.reward, rtol=0, atol=1e-12)
        np.testing.assert_array_equal(one.truncated, two.truncated)
        bumps += int((two.reward.max(axis=1) - two.reward.min(axis=1) > 0.4).sum())
        seen, again = one.observation, two.observation
        if one.truncated.any():
            seen, again = theirs.renew(one.truncated), ours.renew(two.truncated)
    assert (bumps > 0) or attract == 0.0


def test_random_agents_get_what_was_published():
    """PAPERS.md 10.2: -26.61 an agent, standard deviation 23.8 of the sum of three over episodes."""
    team, generator = SimpleSpread(4000), np.random.default_rng(0)
    team.reset(0)
    total = sum(
        team.step({a: generator.integers(5, size=4000) for a in team.agents}).reward.sum(axis=1)
        for _ in range(25)
    )
    error = 23.8 / 3 / np.sqrt(500)  # of the published mean, over 500 episodes
    assert abs(total.mean() / 3 + 26.61) < 4 * error
    assert total.mean() / 3 <= -25.0


def test_a_random_team_on_mpe2_itself_stays_below_minus_25():
    team, generator = mpe2_team(40), np.random.default_rng(3)
    team.reset(0)
    total = np.zeros(40)
    for _ in range(5):
        for _ in range(25):
            total += (
                team.step({a: generator.integers(5, size=40) for a in team.agents}).reward.mean(axis=1) / 5
            )
        team.renew(np.ones(40, bool))
    assert total.mean() <= -25.0
