"""Learners: what networks see, what they are paid, which weights act."""

import numpy as np
import pytest
import torch

from fund.envs.vec import FundVecEnv
from fund.errors import UnknownName
from fund.roster import rosters
from fund.training.learners import Centred, Settings, learner, training_env, visible
from fund.training.network import Network
from fund.training.selection import ActingMean

DDPG = {"learning_starts": 256, "batch_size": 64, "buffer_size": 2048}
PPO = {"n_steps": 16, "batch_size": 64, "n_epochs": 2}


@pytest.mark.parametrize(("algorithm", "model"), [("PPO", PPO), ("DDPG", DDPG)])
def test_hidden_features_stay_hidden(algorithm, model, strategy):
    """After learning, what a hidden slot says changes no action; what a seen one says does."""
    seen = strategy.features[1]
    settings = Settings.of(
        {"n_envs": 16, "net_arch": [8, 8], "features": [seen], "learning_rate": 1e-2, "model": model}
    )
    agent = learner(algorithm, training_env(strategy, settings, 0), strategy, settings, 0)
    before = {key: w.clone() for key, w in agent.policy.state_dict().items()}
    agent.learn(1024)
    network = Network.of(agent.policy.state_dict(), algorithm, settings.activation, strategy.actions)
    moved = [key for key, w in agent.policy.state_dict().items() if not torch.equal(w, before[key])]
    assert len(moved) > len(before) / 2
    observation = np.random.default_rng(0).normal(size=(50, len(strategy.features))).astype(np.float32)
    other = observation + 1.0
    other[:, 1] = observation[:, 1]
    assert np.array_equal(network(observation), network(other))
    assert not np.array_equal(network(observation), network(observation + 1.0))


def test_a_hidden_feature_of_another_name_is_answered_with_the_nearest(strategy):
    name = strategy.features[0]
    with pytest.raises(UnknownName, match=f'Did you mean "{name}"'):
        visible(strategy, [name + "x"])


def test_centred_rewards_by_hand(strategy):
    plain, centred = FundVecEnv(strategy, 3, 5), Centred(FundVecEnv(strategy, 3, 5), 0.25)
    assert np.array_equal(plain.reset(), centred.reset())
    for _ in range(5):
        action = np.ones((3, 1), dtype=np.float32)
        expected, found = plain.step(action), centred.step(action)
        assert found[1] == pytest.approx(expected[1] - 0.25, abs=1e-6)
        assert np.array_equal(found[0], expected[0])


def test_the_acting_mean_by_hand(strategy):
    """A plain mean; the learner's own weights come back."""
    settings = Settings.of({"n_envs": 4, "net_arch": [4], "model": PPO})
    agent = learner("PPO", training_env(strategy, settings, 0), strategy, settings, 0)
    mean = ActingMean(agent, "PPO")
    weight = agent.policy.action_net.weight
    for number in (1.0, 2.0, 3.0, 7.0):
        with torch.no_grad():
            weight.fill_(number)
        mean.update()
    with mean.acts():
        acting = Network.of(agent.policy.state_dict(), "PPO", "tanh", strategy.actions).layers[-1][0]
        assert acting.numpy() == pytest.approx(13.0 / 4)
    assert weight.detach().numpy() == pytest.approx(7.0)


@pytest.mark.parametrize(("algorithm", "model"), [("PPO", PPO), ("DDPG", DDPG)])
def test_a_network_acts_as_the_learner_does_whatever_the_bounds(algorithm, model):
    """Hedges are from -1.5 to 1.5: the oracle is SB3's own way from an observation to an action."""
    hedger = rosters()["delta_hedging"].cls.preset("cao_2021")
    settings = Settings.of({"n_envs": 4, "net_arch": [8], "model": model})
    agent = learner(algorithm, training_env(hedger, settings, 0), hedger, settings, 0)
    with torch.no_grad():
        last = agent.policy.action_net if algorithm == "PPO" else agent.policy.actor.mu[2]
        last.weight.mul_(500.0)
    network = Network.of(agent.policy.state_dict(), algorithm, settings.activation, hedger.actions)
    observation = np.random.default_rng(0).normal(size=(200, len(hedger.features))).astype(np.float32)
    expected, _ = agent.predict(observation, deterministic=True)
    assert np.abs(expected).max() > 1.2
    assert network(observation) == pytest.approx(expected, abs=1e-5)


def test_an_actor_learns_at_its_share_of_the_rate(strategy):
    settings = Settings.of(
        {
            "n_envs": 16,
            "net_arch": [8],
            "learning_rate": 1e-3,
            "final_learning_rate": 1e-3,
            "actor_rate": 0.1,
            "model": DDPG,
        }
    )
    agent = learner("DDPG", training_env(strategy, settings, 0), strategy, settings, 0)
    agent.learn(1024)
    assert agent.critic.optimizer.param_groups[0]["lr"] == pytest.approx(1e-3)
    assert agent.actor.optimizer.param_groups[0]["lr"] == pytest.approx(1e-4)
