"""Mixing is monotonic; QMIX learns the two-step game of its paper, the sum cannot."""

import numpy as np
import pytest
import torch

from fund.errors import InvalidParameter, UnknownName
from fund.training.multi_agent.acting import Actors, play_team
from fund.training.multi_agent.algorithms import learner_of, method_of
from fund.training.multi_agent.off_policy import OffPolicy
from fund.training.multi_agent.qmix import Monotonic, QNetwork
from fund.training.multi_agent.replay import Row
from tests.training.multi_agent.games import Climb, TwoSteps

# uniform play, as in the paper: what differs is the algorithm, not what it has seen
UNIFORM = {
    "steps": 24_000, "copies": 32, "rollout": 2, "updates": 2, "batch": 128, "capacity": 8192, "warmup": 500,
    "epsilon": 1.0, "rate": (3e-3, 3e-4), "tau": 0.02, "net_arch": (32,), "feature_norm": False, "gamma": 1.0,
    "mixing": 8, "shared": False,
}  # fmt: skip
PAIRS = [torch.tensor([[0], [0], [1], [1]]), torch.tensor([[0], [1], [0], [1]])]


def trained(team, settings, seed=0):
    learner = learner_of(team, settings, seed)
    while learner.progress < 1.0:
        learner.iterate()
    return learner


def table(learner, where):
    """Q_tot (2, 2) of a state of the two-step game."""
    method, state = learner.method, torch.eye(3)[[where] * 4]
    row = Row([state.unsqueeze(1)] * 2, PAIRS, state, torch.ones(4, 2))
    with torch.no_grad():
        values = method.values(row, PAIRS, method.fast)
        return method.total(values, state, method.fast).reshape(2, 2).numpy()


def test_what_an_agent_is_worth_never_lowers_the_total():
    """dQ_tot/dQ_i >= 0 everywhere, by automatic differentiation and by finite steps."""
    torch.manual_seed(0)
    mixer = Monotonic(agents=4, state_size=5, width=16)
    values, state = 3.0 * torch.randn(500, 4, requires_grad=True), torch.randn(500, 5)
    (slope,) = torch.autograd.grad(mixer(values, state).sum(), values)
    assert slope.min() >= 0.0
    assert slope.max() > 0.01
    for k in range(4):
        more = values.detach().clone()
        more[:, k] += 0.5
        assert (mixer(more, state) >= mixer(values, state) - 1e-5).all()


def test_each_ones_best_choices_are_the_best_joint_choice():
    torch.manual_seed(1)
    mixer, own, state = Monotonic(3, 5, 16), torch.randn(200, 3, 4), torch.randn(200, 5)
    best = own.max(dim=-1).values
    joint = torch.cartesian_prod(*[torch.arange(4)] * 3)  # all 64 joint choices
    totals = torch.stack([mixer(own[:, range(3), a], state) for a in joint], dim=1)
    torch.testing.assert_close(mixer(best, state), totals.max(dim=1).values)


def test_qmix_learns_eight_in_the_two_step_game():
    """Rashid et al. (2018), table 1: 7 in the first game, [[0, 1], [1, 8]] in the second, so 8 at the start."""
    learner = trained(TwoSteps(32), OffPolicy("qmix", **UNIFORM))
    np.testing.assert_allclose(table(learner, 0), [[7.0, 7.0], [8.0, 8.0]], atol=0.1)
    np.testing.assert_allclose(table(learner, 1), np.full((2, 2), 7.0), atol=0.1)
    np.testing.assert_allclose(table(learner, 2), [[0.0, 1.0], [1.0, 8.0]], atol=0.1)
    np.testing.assert_array_equal(play_team(TwoSteps(4), Actors(learner.groups), 0).per_agent, 8.0)


def test_a_sum_of_values_learns_seven():
    """The least squares fit of r_a + c_b to [[0, 1], [1, 8]] is [[-1.5, 2.5], [2.5, 6.5]]: it shuns the second game."""
    learner = trained(TwoSteps(32), OffPolicy("vdn", **UNIFORM))
    np.testing.assert_allclose(table(learner, 2), [[-1.5, 2.5], [2.5, 6.5]], atol=0.3)
    np.testing.assert_allclose(table(learner, 0), [[7.0, 7.0], [6.5, 6.5]], atol=0.2)
    np.testing.assert_array_equal(play_team(TwoSteps(4), Actors(learner.groups), 0).per_agent, 7.0)


def test_agents_each_on_its_own_learn_the_mean_over_the_other():
    """Others play uniformly: an agent's choices in the second game are worth (0 + 1) / 2 and (1 + 8) / 2; so 7 it is.

    The second agent's choice at the start changes nothing: the mean of 7 and 4.5.
    """
    learner = trained(TwoSteps(32), OffPolicy("dqn", **UNIFORM))
    with torch.no_grad():
        found = [player.actor.values(torch.eye(3)).numpy() for player in learner.groups]
    for own, start in zip(found, ([7.0, 4.5], [5.75, 5.75]), strict=True):
        np.testing.assert_allclose(own, [start, [7.0, 7.0], [0.5, 4.5]], atol=0.25)
    np.testing.assert_array_equal(play_team(TwoSteps(4), Actors(learner.groups), 0).per_agent, 7.0)


def test_a_sum_of_values_ends_at_the_safe_place_of_the_climbing_game():
    """Least squares: row mean + column mean - mean, largest where both take the third choice, which pays 5."""
    learner = trained(Climb(32), OffPolicy("vdn", **UNIFORM))
    with torch.no_grad():
        one, two = (player.actor.values(torch.ones(1, 1))[0].numpy() for player in learner.groups)
    pay = Climb.PAY
    fit = pay.mean(axis=1, keepdims=True) + pay.mean(axis=0) - pay.mean()
    np.testing.assert_allclose(one[:, None] + two, fit, atol=1.0)
    assert np.unravel_index(fit.argmax(), fit.shape) == (2, 2)
    np.testing.assert_array_equal(play_team(Climb(4), Actors(learner.groups), 0).per_agent, 5.0)


SMALL = {
    "steps": 32 * 4 * 120, "rollout": 4, "updates": 4, "net_arch": (32,), "gamma": 0.5, "capacity": 8192,
    "rate": (3e-3, 1e-3), "tau": 0.05, "warmup": 500,
}  # fmt: skip


@pytest.mark.parametrize("algorithm", ["qmix", "dqn"])
def test_the_right_answers_are_learned(guess, algorithm):
    """A random answer earns 1/4 a step, the right one 1; episodes have 8 steps."""
    learner = trained(guess(32), OffPolicy(algorithm, **SMALL))
    assert 6.5 < play_team(guess(200), Actors(learner.groups), 10**9).per_agent.mean() <= 8.0


def test_the_dead_are_worth_nothing(guess):
    """The second agent takes part in three of eight steps: 3 and 8 right answers, 5.5 on average."""
    learner = trained(guess(32, dies=True), OffPolicy("vdn", **SMALL))
    sample = learner.replay.sample(512, learner.generator)
    values = learner.method.values(sample.now, sample.now.action, learner.method.fast)
    dead = sample.now.alive[:, 1] == 0
    assert dead.any()
    assert not values[dead, 1].any()
    assert play_team(guess(200, dies=True), Actors(learner.groups), 10**9).per_agent.mean() > 4.5


def test_dueling_values_are_the_state_and_what_a_choice_adds_to_the_mean():
    """Q = V + A - mean A, by hand."""
    torch.manual_seed(2)
    network = QNetwork(4, 5, OffPolicy("dqn", dueling=True))
    x = torch.randn(7, 4)
    with torch.no_grad():
        features = network.torso.layers(x)
        worth, adds = network.value(features), network.head(features)
        torch.testing.assert_close(network.values(x), worth + adds - adds.mean(dim=1, keepdim=True))
        torch.testing.assert_close(network.values(x).mean(dim=1, keepdim=True), worth)


def test_double_targets_judge_the_networks_choice_by_the_slow_copy(guess):
    """By hand on a sample: y = r + gamma (1 - over) Q'(s', argmax Q(s'))."""
    learner = learner_of(guess(8), OffPolicy("dqn", net_arch=(8,), gamma=0.9, warmup=0, rate=0.05), 0)
    for _ in range(5):
        learner.iterate()
    method, sample = learner.method, learner.replay.sample(64, learner.generator)
    seen = sample.then.seen[0]
    with torch.no_grad():
        fast, slow = method.fast[0].values(seen), method.slow[0].values(seen)
        judged = slow.gather(-1, fast.argmax(dim=-1, keepdim=True)).squeeze(-1) * sample.then.alive
    reward = sample.reward.mean(dim=1, keepdim=True)
    by_hand = reward + 0.9 * (1.0 - sample.over).unsqueeze(1) * judged
    torch.testing.assert_close(method.target(sample), by_hand)
    assert (fast.argmax(dim=-1) != slow.argmax(dim=-1)).any()


def test_numbers_are_not_choices_and_names_are_known(guess):
    with pytest.raises(InvalidParameter, match="agent_0 gives numbers, qmix chooses.*use maddpg"):
        method_of(guess(4, kind="continuous"), OffPolicy("qmix"))
    with pytest.raises(UnknownName, match='Did you mean "qmix"'):
        OffPolicy("qmx")
    with pytest.raises(UnknownName, match='Did you mean "capacity"'):
        OffPolicy.of({"algorithm": "qmix", "capcity": 3})
    with pytest.raises(InvalidParameter, match="capacity 40, wanted at least two steps of 32"):
        learner_of(guess(32), OffPolicy("qmix", capacity=40), 0)
