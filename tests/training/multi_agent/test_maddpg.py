"""MADDPG on a team problem with a known optimum, and what a critic and an actor may see."""

import numpy as np
import pytest
import torch

from fund.strategy import Choice
from fund.training.multi_agent.acting import Actors, play_team
from fund.training.multi_agent.algorithms import learner_of, method_of
from fund.training.multi_agent.maddpg import DeterministicActor
from fund.training.multi_agent.networks import Sequence
from fund.training.multi_agent.off_policy import OffPolicy
from tests.training.multi_agent.games import Radner

TEAM = OffPolicy(
    "maddpg", steps=25_000, copies=64, rollout=1, updates=1, batch=512, capacity=32_768, epsilon=(1.0, 0.1), noise=0.2,
    rate=(2e-3, 1e-4), tau=0.02, net_arch=(32, 32), feature_norm=False, shared=False,
)  # fmt: skip
X = np.array([[-2.0], [-1.0], [0.0], [1.0], [2.0]], np.float32)


def trained(team, settings, seed=0):
    learner = learner_of(team, settings, seed)
    while learner.progress < 1.0:
        learner.iterate()
    return learner


def test_the_closed_form_of_the_team_problem():
    """What the test below is judged by, checked by simulation: k = 1/4 pays -1.5, k = 1/2 pays -2."""
    for slope, pays in ((Radner.SLOPE, Radner.BEST), (0.5, Radner.ALONE), (0.0, Radner.ALONE)):
        team = Radner(400_000)
        seen = team.reset(3)
        reward = team.step({a: slope * x for a, x in seen.items()}).reward[:, 0]
        assert abs(reward.mean() - pays) < 4 * reward.std() / np.sqrt(team.n)


def test_a_team_learns_to_think_of_the_other():
    """-1.5 is the best there is; who forgets the other gets -2. Slopes are a quarter, not a half."""
    learner = trained(Radner(64), TEAM)
    actors = Actors(learner.groups)
    played = play_team(Radner(50_000), actors, 1).per_agent
    assert -1.53 < played.mean() < Radner.BEST + 4 * played.std() / np.sqrt(len(played))
    actors.begin(len(X))
    for agent in ("one", "two"):
        slope = float(np.polyfit(X[:, 0], actors.act(agent, X)[:, 0], 1)[0])
        assert abs(slope - Radner.SLOPE) < 0.06


@pytest.mark.parametrize("kind", ["discrete", "continuous"])
def test_the_right_answers_are_learned(guess, kind):
    """Choices: 2 of 8 by chance, 8 at best. Numbers: zero for ever costs 8 / 12, the right answer nothing."""
    iterations = 250 if kind == "discrete" else 100
    settings = OffPolicy(
        "maddpg", steps=32 * 4 * iterations, updates=3, net_arch=(32,), gamma=0.5, capacity=8192, rate=(3e-3, 5e-4),
        tau=0.05, warmup=500, epsilon=(1.0, 0.1), team_reward=False,
    )  # fmt: skip
    learner = trained(guess(32, kind=kind), settings)
    found = play_team(guess(200, kind=kind), Actors(learner.groups), 10**9).per_agent.mean()
    assert found > (6.0 if kind == "discrete" else -0.25 * 8 / 12)


def test_gradients_pass_through_a_choice():
    """Forward it is one-hot, backward the softmax's: the gradient of a linear worth is softmax' Jacobian times it."""
    torch.manual_seed(0)
    actor = DeterministicActor(3, Choice(4), OffPolicy("maddpg", net_arch=(8,)))
    raw = torch.randn(6, 4, requires_grad=True)
    given, worth = actor.given(raw), torch.randn(4)
    assert set(given.detach().unique().tolist()) <= {0.0, 1.0}
    torch.testing.assert_close(given.detach().argmax(dim=1), raw.argmax(dim=1))
    (found,) = torch.autograd.grad((given @ worth).sum(), raw)
    p = torch.softmax(raw.detach(), dim=1)
    torch.testing.assert_close(found, p * (worth - (p @ worth).unsqueeze(1)), atol=1e-6, rtol=1e-5)


def test_draws_of_a_choice_follow_the_softmax():
    actor = DeterministicActor(3, Choice(3), OffPolicy("maddpg", net_arch=(8,)))
    raw = torch.tensor([0.5, -0.3, 1.0]).expand(40_000, 3)
    drawn = actor.given(raw, torch.Generator().manual_seed(0)).mean(dim=0)
    p = torch.softmax(raw[0], dim=0)
    assert ((drawn - p).abs() < 4 * (p * (1 - p) / 40_000).sqrt()).all()


def test_an_actor_sees_its_own_and_the_critic_everything():
    team = Radner(8)
    method = method_of(team, OffPolicy("maddpg", net_arch=(8,), own_view=False, shared=False))
    assert method.players[0].actor.torso.layers[0].normalized_shape == (1,)
    assert method.parts[0].critic[0][0].normalized_shape == (2 + 2,)  # the state, both actions
    acted, _ = method.players[0].actor(Sequence(torch.randn(1, 5, 1), torch.zeros(5, 0), torch.zeros(1, 5)))
    assert acted.mode().abs().max() <= 2.0
