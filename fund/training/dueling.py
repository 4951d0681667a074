"""DQN with a dueling network and double targets, as an algorithm of Stable-Baselines3.

    Q(s, a) = V(s) + A(s, a) - mean_b A(s, b)    Wang et al. (2016), "Dueling network architectures", eq. 9
    y = r + gamma Q'(s', argmax_a Q(s', a)),  ' slow    van Hasselt, Guez & Silver (2016), eq. 4

The best action is that of A alone, so that a trained policy is played, exported and checked as plain layers: those of
the torso, then A's.

    fund train factor_tracking --algorithm DuelingDQN
"""

from __future__ import annotations

from typing import Any

from gymnasium import spaces
from stable_baselines3 import DQN
from stable_baselines3.common.torch_layers import create_mlp
from stable_baselines3.dqn.policies import DQNPolicy, QNetwork
from torch import Tensor, nn


class DuelingNetwork(QNetwork):
    """A torso, and on it what the state is worth and what each action adds."""

    def __init__(
        self, observation_space: spaces.Space[Any], action_space: spaces.Discrete, **given: Any
    ) -> None:
        super().__init__(observation_space, action_space, **given)
        del self.q_net
        width = self.net_arch[-1] if self.net_arch else self.features_dim
        self.torso = nn.Sequential(*create_mlp(self.features_dim, -1, self.net_arch, self.activation_fn))
        self.value = nn.Linear(width, 1)
        self.advantage = nn.Linear(width, int(action_space.n))

    def forward(self, obs: Any) -> Tensor:
        """(B, actions)."""
        features = self.torso(self.extract_features(obs, self.features_extractor))
        adds = self.advantage(features)
        worth: Tensor = self.value(features) + adds - adds.mean(dim=1, keepdim=True)
        return worth


class DuelingPolicy(DQNPolicy):
    """SB3's DQN policy with that network."""

    def make_q_net(self) -> DuelingNetwork:
        """A network of its own."""
        arguments = self._update_features_extractor(self.net_args, features_extractor=None)
        return DuelingNetwork(**arguments).to(self.device)


class Judge:
    """What the slow copy says of the action that the network would choose, (B, 1)."""

    def __init__(self, fast: nn.Module, slow: nn.Module) -> None:
        self.fast, self.slow = fast, slow

    def __call__(self, observations: Any) -> Tensor:
        """SB3 takes the largest of each row: there is but one."""
        chosen = self.fast(observations).argmax(dim=1, keepdim=True)
        judged: Tensor = self.slow(observations).gather(1, chosen)
        return judged


class DuelingDQN(DQN):
    """SB3's DQN whose targets are double; with the alias `MlpPolicy` its network is dueling."""

    policy_aliases = {**DQN.policy_aliases, "MlpPolicy": DuelingPolicy}  # noqa: RUF012 - SB3's own declaration

    def train(self, gradient_steps: int, batch_size: int = 100) -> None:
        """SB3's gradient steps, with another judge of what comes next."""
        slow: Any = self.q_net_target
        judge: Any = Judge(self.q_net, slow)
        self.q_net_target = judge
        try:
            super().train(gradient_steps, batch_size)
        finally:
            self.q_net_target = slow
