"""MA-6: with one agent, MAPPO is PPO. The same batch into Stable-Baselines3's PPO and into ours, in doubles.

Agents that share one policy and judge by their own eyes (IPPO) are SB3's PPO on so many more environments, as SuperSuit
gives them to it.
"""

from dataclasses import astuple

import gymnasium as gym
import numpy as np
import pytest
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.torch_layers import FlattenExtractor
from stable_baselines3.common.vec_env import DummyVecEnv

from fund.training.multi_agent.group import Rollout
from fund.training.multi_agent.learner import Learner
from fund.training.multi_agent.settings import Settings

N, T = 16, 12  # an episode of Guess ends within a rollout
RATE, CLIP, ENTROPY = 1e-3, 0.2, 0.01
ALIKE = 1e-9  # of losses and weights, absolute; MA-6 asks for 1e-6


class Spaces(gym.Env):
    """What SB3 needs to build its networks; never stepped."""

    def __init__(self, kind):
        self.observation_space = gym.spaces.Box(-1.0, 1.0, (4,), np.float32)
        self.action_space = gym.spaces.Discrete(4) if kind == "discrete" else gym.spaces.Box(-1.0, 1.0, (1,))


class Double(FlattenExtractor):
    """SB3 makes observations single; its networks are double here."""

    def forward(self, observations):
        return super().forward(observations).double()


def ours(guess, kind, epochs, agents):
    plain = Settings(
        copies=N, rollout=T, critic="central" if agents == 1 else "own", own_view=False, names=False,
        feature_norm=False, layer_norm=False,
        value_norm=False, clip_value=False, huber=None, epochs=epochs, actor_rate=RATE, critic_rate=RATE,
        clip=CLIP, entropy=ENTROPY, max_grad_norm=1e9, net_arch=(16, 16), output_gain=1.0,
    )  # fmt: skip
    return Learner(guess(N, agents=agents, kind=kind), plain, seed=3)


def theirs(kind, epochs, agents):
    vec = DummyVecEnv([lambda: Spaces(kind)] * (N * agents))
    model = PPO(
        "MlpPolicy", vec, learning_rate=RATE, n_steps=T, batch_size=N * T * agents, n_epochs=epochs, clip_range=CLIP,
        ent_coef=ENTROPY, vf_coef=1.0, max_grad_norm=1e9, device="cpu",
        policy_kwargs={"net_arch": [16, 16], "features_extractor_class": Double},
    )  # fmt: skip
    model.policy.double()
    model.set_logger(Logger(None, []))
    return model


def give_weights(model, group):
    pairs = [
        (group.actor.torso.layers[0], model.policy.mlp_extractor.policy_net[0]),
        (group.actor.torso.layers[2], model.policy.mlp_extractor.policy_net[2]),
        (group.actor.head, model.policy.action_net),
        (group.critic.torso.layers[0], model.policy.mlp_extractor.value_net[0]),
        (group.critic.torso.layers[2], model.policy.mlp_extractor.value_net[2]),
        (group.critic.head, model.policy.value_net),
    ]
    for mine, other in pairs:
        other.load_state_dict(mine.state_dict())
    return pairs


def fill(buffer, rollout, reward, ended, last):
    """What was played, into SB3's buffer, which would keep it in single precision; its own advantages."""
    each = reward.shape[1] * reward.shape[2]  # of SB3's environments: our copies' agents side by side
    buffer.reset()
    buffer.observations = rollout.seen.numpy().reshape(T, each, -1)
    buffer.actions = rollout.action.numpy().reshape(T, each, -1)
    buffer.rewards, buffer.values = reward.reshape(T, each), rollout.value.numpy().reshape(T, each)
    buffer.log_probs, buffer.advantages = rollout.log_prob.numpy().reshape(T, each), np.zeros((T, each))
    over = np.repeat(ended, reward.shape[2], axis=1)
    buffer.episode_starts = np.concatenate([np.ones((1, each)), over[:-1]])
    buffer.pos, buffer.full = T, True
    buffer.compute_returns_and_advantage(torch.from_numpy(last.reshape(each)), over[-1])


@pytest.mark.parametrize("agents", [1, 3])
@pytest.mark.parametrize("epochs", [1, 3])
@pytest.mark.parametrize("kind", ["discrete", "continuous"])
def test_one_agent_or_several_that_share_are_stable_baselines3s_ppo(guess, kind, epochs, agents):
    learner, model = ours(guess, kind, epochs, agents), theirs(kind, epochs, agents)
    group = learner.groups[0]
    pairs = give_weights(model, group)
    learner.observation = learner.team.reset(0)
    (rollout,), reward, ended = learner.collect()
    last = learner._values()
    learner._values = lambda: last
    rollout = Rollout(*(x.double() for x in astuple(rollout)))
    for network in (group.actor, group.critic):
        network.double()
    fill(model.rollout_buffer, rollout, reward, ended, last)
    model.train()
    found = learner._improve(group, rollout, reward, ended)
    logged = model.logger.name_to_value
    assert found["policy"] == pytest.approx(logged["train/policy_gradient_loss"], rel=0, abs=ALIKE)
    assert found["value"] == pytest.approx(logged["train/value_loss"], rel=0, abs=ALIKE)
    assert found["entropy"] == pytest.approx(-logged["train/entropy_loss"], rel=0, abs=ALIKE)
    assert found["clipped"] == pytest.approx(logged["train/clip_fraction"], rel=0, abs=ALIKE)
    for mine, other in pairs:
        np.testing.assert_allclose(mine.weight.detach(), other.weight.detach(), rtol=0, atol=ALIKE)
    if kind == "continuous":
        np.testing.assert_allclose(
            group.actor.log_std.detach(), model.policy.log_std.detach(), rtol=0, atol=ALIKE
        )
