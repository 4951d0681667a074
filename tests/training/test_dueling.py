"""Dueling and double DQN: both formulas by hand, and a decision problem that is solved by hand."""

import gymnasium as gym
import numpy as np
import pytest
import torch
from stable_baselines3.common.env_util import make_vec_env

from fund.strategy import Choice
from fund.training.dueling import DuelingDQN, DuelingNetwork, Judge
from fund.training.network import Network

GAMMA = 0.5
PAYS = np.array([[0.0, 0.2, 1.0, 0.4, 0.0], [1.0, 0.0, 0.5, 0.0, 3.0], [0.0, 2.0, 0.0, 0.5, 0.0]])


class Wheel(gym.Env):
    """Three places; action a of five pays PAYS[place, a] and turns the wheel by a."""

    observation_space = gym.spaces.Box(0.0, 1.0, (3,), np.float32)
    action_space = gym.spaces.Discrete(5)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.place, self.left = int(self.np_random.integers(3)), 20
        return np.eye(3, dtype=np.float32)[self.place], {}

    def step(self, action):
        pay = float(PAYS[self.place, action])
        self.place, self.left = (self.place + int(action)) % 3, self.left - 1
        return np.eye(3, dtype=np.float32)[self.place], pay, False, self.left == 0, {}


def solved():
    """Q* (3, 5), from the best policy's three linear equations.

    At 0 turn by 1 (.2) or 2 (1, to place 2); at 1 take 3, to place 2; at 2 take 2, to place 0. From 0 by way of 2 and
    back: V0 = 1 + V2 / 2, V2 = 2 + V0 / 2, so V0 = 8/3 and V2 = 10/3; V1 = 3 + V2 / 2 = 14/3. By way of 1 it would
    be V0 = .2 + V1 / 2 = 2.53: less.
    """
    v = np.array([8.0, 14.0, 10.0]) / 3.0
    return np.array([[PAYS[s, a] + GAMMA * v[(s + a) % 3] for a in range(5)] for s in range(3)])


def made(**changes):
    torch.set_num_threads(1)
    given = {"learning_rate": 3e-3, "buffer_size": 4096, "learning_starts": 200, "batch_size": 64, "gamma": GAMMA,
             "target_update_interval": 64, "train_freq": 4, "gradient_steps": 4, "exploration_final_eps": 1.0,
             "policy_kwargs": {"net_arch": [32]}, "seed": 0, "device": "cpu"}  # fmt: skip
    return DuelingDQN("MlpPolicy", make_vec_env(Wheel, 4, seed=0), **{**given, **changes})


@pytest.fixture(scope="module")
def learned():
    return made().learn(10_000)


def test_the_hand_solution_is_one():
    """Bellman's equation holds for it."""
    q = solved()
    again = np.array([[PAYS[s, a] + GAMMA * q[(s + a) % 3].max() for a in range(5)] for s in range(3)])
    np.testing.assert_allclose(q, again, atol=1e-12)


def test_the_values_of_a_solved_problem_are_learned(learned):
    with torch.no_grad():
        found = learned.q_net(torch.eye(3)).numpy()
    np.testing.assert_allclose(found, solved(), atol=0.1)
    np.testing.assert_array_equal(
        learned.predict(np.eye(3, dtype=np.float32), deterministic=True)[0], [2, 4, 1]
    )


def test_played_as_plain_layers_it_acts_alike(learned):
    network = Network.of(learned.policy.state_dict(), "DuelingDQN", "relu", Choice(5))
    seen = np.random.default_rng(0).uniform(size=(200, 3)).astype(np.float32)
    np.testing.assert_array_equal(network(seen), learned.predict(seen, deterministic=True)[0])


def test_the_network_is_the_state_and_what_an_action_adds_to_the_mean(learned):
    network, x = learned.q_net, torch.randn(50, 3)
    assert isinstance(network, DuelingNetwork)
    with torch.no_grad():
        features = network.torso(x)
        worth, adds = network.value(features), network.advantage(features)
        torch.testing.assert_close(network(x), worth + adds - adds.mean(dim=1, keepdim=True))
        torch.testing.assert_close(network(x).mean(dim=1, keepdim=True), worth)


def test_targets_are_judged_by_the_slow_copy_at_the_networks_choice():
    fast = torch.tensor([[1.0, 5.0, 2.0], [4.0, 0.0, 3.0]])
    slow = torch.tensor([[9.0, 1.0, 7.0], [6.0, 8.0, 7.0]])
    judged = Judge(lambda x: fast, lambda x: slow)(None)
    torch.testing.assert_close(
        judged, torch.tensor([[1.0], [6.0]])
    )  # not 9 and 8, the slow copy's own largest


def test_a_step_is_the_double_targets_gradient():
    """One step of plain gradient descent on one batch, by hand, equals the algorithm's."""
    model = made(policy_kwargs={"net_arch": [8], "optimizer_class": torch.optim.SGD}, learning_rate=0.1)
    model.learn(300)  # fills the buffer; the networks differ from their slow copies
    for weight in model.q_net.parameters():
        weight.data.add_(0.1 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(1)))
    state = np.random.get_state()  # noqa: NPY002 - the generator that SB3 draws batches from
    batch = model.replay_buffer.sample(16)
    with torch.no_grad():
        chosen = model.q_net(batch.next_observations).argmax(dim=1, keepdim=True)
        ahead = model.q_net_target(batch.next_observations).gather(1, chosen)
        target = batch.rewards + (1 - batch.dones) * GAMMA * ahead
        largest = model.q_net_target(batch.next_observations).max(dim=1, keepdim=True).values
    assert not torch.equal(ahead, largest)
    found = model.q_net(batch.observations).gather(1, batch.actions.long())
    loss = torch.nn.functional.smooth_l1_loss(found, target)
    names, weights = zip(*model.q_net.named_parameters(), strict=True)
    slopes = torch.autograd.grad(loss, weights)
    wanted = {name: w.detach() - 0.1 * slope for name, w, slope in zip(names, weights, slopes, strict=True)}
    np.random.set_state(state)  # noqa: NPY002 - as above
    model.train(1, 16)
    for name, weight in model.q_net.named_parameters():
        torch.testing.assert_close(weight.detach(), wanted[name], atol=1e-6, rtol=1e-5)
