"""Advantages against a plain loop and Stable-Baselines3's buffer; value normalisation against its definition."""

import numpy as np
import pytest
import torch

from fund.training.multi_agent.returns import ValueNorm, advantages

T, N, M = 12, 5, 3


def random_rollout(seed):
    g = np.random.default_rng(seed)
    return g.normal(size=(T, N, M)), g.normal(size=(T, N, M)), g.normal(size=(N, M)), g.random((T, N)) < 0.2


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("gamma", "lam"), [(0.99, 0.95), (0.9, 0.0), (1.0, 1.0)])
def test_advantages_are_the_sum_of_their_definition(seed, gamma, lam):
    """A_t = sum over k of (gamma lambda)^k delta_(t+k), up to the end of the episode."""
    reward, value, last, ended = random_rollout(seed)
    found = advantages(reward, value, last, ended, gamma, lam)
    for t in range(T):
        for i in range(N):
            for a in range(M):
                total, weight = 0.0, 1.0
                for u in range(t, T):
                    after = last[i, a] if u == T - 1 else value[u + 1, i, a]
                    total += weight * (reward[u, i, a] + gamma * after * (not ended[u, i]) - value[u, i, a])
                    weight *= gamma * lam
                    if ended[u, i]:
                        break
                assert found[t, i, a] == pytest.approx(total, abs=1e-12)


def test_advantages_with_lambda_one_are_returns_less_values():
    reward, value, _, _ = random_rollout(0)
    ended = np.zeros((T, N), bool)
    ended[-1] = True
    found = advantages(reward, value, np.full((N, M), 99.0), ended, 1.0, 1.0)
    np.testing.assert_allclose(found, np.cumsum(reward[::-1], axis=0)[::-1] - value, atol=1e-12)


@pytest.mark.parametrize("memory", [0.5, 0.99, 1.0])
def test_the_normaliser_is_a_weighted_mean_and_deviation(memory):
    g, norm = np.random.default_rng(0), ValueNorm(memory)
    batches = [g.normal(5.0 + k, 2.0, 64) for k in range(6)]
    for batch in batches:
        norm.update(torch.from_numpy(batch))
    weights = np.repeat([memory ** (5 - k) for k in range(6)], 64)
    everything = np.concatenate(batches)
    mean = np.average(everything, weights=weights)
    deviation = np.sqrt(np.average((everything - mean) ** 2, weights=weights))
    assert norm.mean == pytest.approx(mean, rel=1e-12)
    assert norm.deviation == pytest.approx(deviation, rel=1e-9)
    x = torch.linspace(-3.0, 3.0, 7)
    np.testing.assert_allclose(norm.out_of(norm.into(x)), x, atol=1e-5)
    np.testing.assert_allclose(norm.into(x), (x.numpy() - mean) / deviation, atol=1e-5)


def test_a_normaliser_that_has_seen_nothing_changes_nothing():
    x = torch.tensor([1.0, -2.0])
    assert torch.equal(ValueNorm(0.9).into(x), x)
    assert torch.equal(ValueNorm(0.9).out_of(x), x)


def test_constant_returns_leave_finite_units():
    norm = ValueNorm(0.9)
    norm.update(torch.full((8,), 3.0))
    assert torch.isfinite(norm.into(torch.tensor([3.0, 4.0]))).all()
