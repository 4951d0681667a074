"""Shaping leaves policies as they are, mixtures say who learns for whom, nobody on the Pareto front is dominated."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fund.errors import InvalidParameter
from fund.training.multi_agent.learner import Learner
from fund.training.multi_agent.rewards import Mixed, Scaled, Shaped, competitive, cooperative, pareto
from fund.training.multi_agent.settings import Settings

GAMMA = 0.9


def play(team, steps=8, seed=0):
    """Rewards (T, n, agents) and outcomes of random play."""
    g, outs = np.random.default_rng(seed), []
    team.reset(0)
    for _ in range(steps):
        outs.append(team.step({a: g.integers(4, size=team.n) for a in team.agents}))
    return np.array([o.reward for o in outs])


def phi(team):
    return team.state()[:, :2].astype(float) ** 2 + team.clock[:, None]


@pytest.mark.parametrize("horizon_ends", [True, False])
def test_shaping_adds_up_to_the_ends_of_the_episode(guess, horizon_ends):
    """sum gamma^t (gamma Phi_(t+1) - Phi_t) = gamma^T Phi_T - Phi_0, whatever is done: policies keep their order."""
    plain = play(guess(5))
    start = guess(5)
    start.reset(0)
    first = phi(start)
    for seed in (0, 1):
        shaped = Shaped(guess(5), phi, GAMMA, horizon_ends)
        added = play(shaped, seed=seed) - play(guess(5), seed=seed)
        weights = GAMMA ** np.arange(8)[:, None, None]
        last = 0.0 if horizon_ends else GAMMA**8 * phi(shaped.team)
        np.testing.assert_allclose((weights * added).sum(axis=0), last - first, atol=1e-6)
    assert np.abs(play(Shaped(guess(5), phi, GAMMA)) - plain).max() > 0.1


def test_the_dead_are_not_shaped(guess):
    shaped = play(Shaped(guess(5, dies=True), lambda team: np.arange(5.0) + team.clock, GAMMA))
    assert not shaped[3:, :, 1].any()
    assert shaped[:3, :, 1].any()


def test_mixtures(guess):
    plain = play(guess(6, agents=3))
    team = play(Mixed(guess(6, agents=3), cooperative(3)))
    np.testing.assert_allclose(team, np.repeat(plain.mean(axis=2, keepdims=True), 3, axis=2))
    np.testing.assert_allclose(play(Mixed(guess(6, agents=3), cooperative(3, 0.0))), plain)
    against = play(Mixed(guess(6, agents=3), competitive(3)))
    np.testing.assert_allclose(against.sum(axis=2), 0.0, atol=1e-12)
    np.testing.assert_allclose(against[..., 0], plain[..., 0] - 0.5 * (plain[..., 1] + plain[..., 2]))
    with pytest.raises(InvalidParameter, match=r"wanted finite ones of \(3, 3\)"):
        Mixed(guess(6, agents=3), np.eye(2))
    with pytest.raises(InvalidParameter, match="at least 2"):
        competitive(1)


def test_scaled_rewards_have_returns_of_deviation_one(guess):
    """Against the deviation of all discounted returns so far, computed at once."""
    steps, plain, scaled = 40, guess(50), Scaled(guess(50), GAMMA)
    g = np.random.default_rng(0)
    plain.reset(0), scaled.reset(0)
    running, seen = np.zeros((50, 2)), []
    for _ in range(steps):
        actions = {a: g.integers(4, size=50) for a in plain.agents}
        one, two = plain.step(actions), scaled.step(actions)
        running = GAMMA * running + one.reward
        seen.append(running.copy())
        deviation = np.concatenate(seen).std(axis=0)
        np.testing.assert_allclose(two.reward, np.clip(one.reward / deviation, -10, 10), rtol=1e-6)
        if one.truncated.any():
            plain.renew(one.truncated), scaled.renew(two.truncated)
            running[one.truncated] = 0.0


def test_a_team_around_a_team_can_be_trained_and_resumed(guess):
    settings = Settings(copies=8, rollout=10, epochs=1, net_arch=(8,))

    def make():
        return Scaled(Mixed(Shaped(guess(8), phi, GAMMA), cooperative(2)), GAMMA)

    whole = Learner(make(), settings)
    whole.iterate()
    named, where = whole.snapshot()
    kept = {key: t.clone() for key, t in named.items()}
    resumed = Learner(make(), settings, seed=9)
    resumed.resume(kept, where)
    assert [whole.iterate() for _ in range(2)] == [resumed.iterate() for _ in range(2)]
    assert all(torch.isfinite(p).all() for p in whole.groups[0].actor.parameters())


def test_a_pareto_front_by_hand():
    points = np.array([[1.0, 5.0], [2.0, 4.0], [2.0, 3.0], [3.0, 1.0], [0.0, 5.0], [3.0, 1.0]])
    assert pareto(points).tolist() == [True, True, False, True, False, True]


@given(st.lists(st.tuples(*[st.integers(0, 4)] * 3), min_size=1, max_size=20))
def test_a_pareto_front_is_that_of_a_plain_loop(rows):
    found = pareto(np.array(rows, dtype=float))
    for k, row in enumerate(rows):
        beaten = any(all(a >= b for a, b in zip(other, row, strict=True)) and other != row for other in rows)
        assert found[k] == (not beaten)


def test_results_that_are_not_finite_are_refused():
    with pytest.raises(InvalidParameter, match="wanted finite"):
        pareto(np.array([[1.0, np.nan]]))
