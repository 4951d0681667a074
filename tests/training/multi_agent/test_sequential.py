"""One after another (HAPPO): by hand, against all at once, and on games whose answers are known."""

import dataclasses

import numpy as np
import pytest
import torch

from fund.training.multi_agent.acting import Actors, play_team
from fund.training.multi_agent.learner import Learner
from fund.training.multi_agent.losses import losses_of, prepared, sequences
from fund.training.multi_agent.returns import advantages
from fund.training.multi_agent.sequential import likelier, together, weighed
from fund.training.multi_agent.settings import Settings
from tests.training.multi_agent.games import Climb, TwoSteps

SMALL = Settings(
    copies=16, rollout=8, net_arch=(16,), epochs=3, minibatches=1, steps=16 * 8 * 40, gamma=0.5, actor_rate=5e-3,
    critic_rate=5e-3, shared=False, team_reward=True, order="sequential",
)  # fmt: skip


def weights(learner):
    return [t.clone() for group in learner.groups for t in group.actor.state_dict().values()]


def equal(one, two):
    return all(torch.equal(a, b) for a, b in zip(one, two, strict=True))


@pytest.mark.parametrize("length", [1, 4])
def test_sequences_go_back_to_where_they_came_from(length):
    x = torch.arange(8 * 3 * 2).reshape(8, 3, 2)
    assert torch.equal(together(sequences(x, length), 8, 3, 2), x)


def test_the_product_of_ratios_is_that_of_the_living_by_hand(guess):
    learner = Learner(guess(16, dies=True), dataclasses.replace(SMALL, shared=True), 0)
    group = learner.groups[0]
    (rollout,), _, _ = learner.collect()
    np.testing.assert_allclose(likelier(group, rollout), 1.0, atol=1e-5)  # nothing has been learned yet
    with torch.no_grad():
        for parameter in group.actor.parameters():
            parameter.add_(0.1)
    found = likelier(group, rollout)
    for t, i in ((0, 0), (5, 3), (7, 15)):
        product = 1.0
        for j in range(2):
            if rollout.alive[t, i, j]:
                features = group.actor.torso.layers(rollout.seen[t, i, j])
                now = torch.log_softmax(group.actor.head(features), dim=-1)[int(rollout.action[t, i, j])]
                product *= float((now - rollout.log_prob[t, i, j]).exp().detach())
        assert float(found[t, i]) == pytest.approx(product, rel=1e-5)
    assert not rollout.alive[5, :, 1].any()


def test_the_loss_counts_by_what_others_have_changed(guess):
    """-mean M min(ratio A, clip(ratio) A), M a number of each step, by hand."""
    learner = Learner(guess(16), SMALL, 0)
    group = learner.groups[0]
    rollouts, reward, ended = learner.collect()
    worth = advantages(
        reward[:, :, :1], rollouts[0].value.double().numpy(), learner._values()[:, :1], ended, 0.5, 0.95
    )
    whole = prepared(group, rollouts[0], worth, group.settings)
    changed = torch.linspace(0.5, 1.5, 8 * 16).reshape(8, 16)
    with torch.no_grad():
        for parameter in group.actor.parameters():
            parameter.mul_(1.3)
        found = losses_of(group, weighed(whole, changed, 1, 1), group.settings, 0.2).policy
        acted, _ = group.actor(whole.seen)
        ratio = (acted.log_prob(whole.action) - whole.log_prob).exp()[0]
        clipped = ratio.clamp(0.8, 1.2)
        by_hand = -(
            changed.flatten() * torch.minimum(ratio * whole.advantage[0], clipped * whole.advantage[0])
        ).mean()
    torch.testing.assert_close(found, by_hand)


def test_the_first_learns_as_all_at_once_and_the_next_otherwise(guess):
    one, two = (
        Learner(guess(16), dataclasses.replace(SMALL, order=order), 5) for order in ("sequential", "together")
    )
    first = one._order()[0]  # draws; the other one draws as much, so that both play alike
    two.generator.set_state(one.generator.get_state())
    one._order = lambda: [first, 1 - first]
    for learner in (one, two):
        learner.iterate()
    for k, (a, b) in enumerate(zip(one.groups, two.groups, strict=True)):
        alike = equal(list(a.actor.state_dict().values()), list(b.actor.state_dict().values()))
        assert alike == (k == first)  # a batch whole: the order in which it is drawn is nothing


def test_the_order_changes_the_update_and_comes_from_the_seed(guess):
    def run(order=None, seed=5):
        learner = Learner(guess(16), SMALL, seed)
        if order is not None:
            learner._order = lambda: order
        learner.iterate()
        return weights(learner)

    assert not equal(run([0, 1]), run([1, 0]))
    drawn = Learner(guess(16), SMALL, 5)
    orders = [tuple(drawn._order()) for _ in range(40)]
    assert set(orders) == {(0, 1), (1, 0)}
    again = Learner(guess(16), SMALL, 5)
    assert orders == [tuple(again._order()) for _ in range(40)]
    assert equal(run(), run())


def trained(team, settings, seed):
    learner = Learner(team, settings, seed)
    while learner.progress < 1.0:
        learner.iterate()
    return play_team(type(team)(4), Actors(learner.groups), 0).per_agent.mean()


GAME = dataclasses.replace(
    SMALL, copies=64, rollout=4, steps=64 * 4 * 150, net_arch=(16,), feature_norm=False, entropy=(0.5, 0.0), gamma=1.0,
    actor_rate=3e-3,
)  # fmt: skip


@pytest.mark.parametrize("order", ["sequential", "together"])
def test_both_orders_end_where_nobody_gains_alone(order):
    """In the climbing game nobody gains by itself at (0, 0), which pays 11, and at (1, 1), 7; from (2, 2) one does."""
    assert trained(Climb(64), dataclasses.replace(GAME, order=order), 0) in (7.0, 11.0)


@pytest.mark.parametrize("order", ["sequential", "together"])
def test_both_orders_learn_eight_in_the_two_step_game(order):
    """Rashid et al. (2018): 8 is the best there is, 7 is safe."""
    found = trained(TwoSteps(64), dataclasses.replace(GAME, order=order, entropy=(0.3, 0.0)), 0)
    assert found in (7.0, 8.0)
