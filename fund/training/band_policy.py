"""The no-transaction band (`fund.training.band`) as a policy of Stable-Baselines3's DDPG and TD3.

The critic reads, in place of the action, what it leads to: the distance from the centre, the trade, and its size, in
which the cost has its kink.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from stable_baselines3.common.policies import ContinuousCritic
from stable_baselines3.common.torch_layers import create_mlp
from stable_baselines3.td3.policies import Actor, TD3Policy
from torch import Tensor, nn

from fund.training.band import NoTransaction

SEEN = 10.0  # times a distance, as a critic reads it: those of interest are about a tenth


class BandActor(Actor):
    """SB3's actor that ends in a band."""

    def __init__(self, *given: Any, slots: Sequence[int], **more: Any) -> None:
        super().__init__(*given, **more)
        layers = create_mlp(self.features_dim, 2, self.net_arch, self.activation_fn, squash_output=True)
        self.mu = nn.Sequential(*layers)
        self.band = NoTransaction(slots)

    def forward(self, obs: Tensor) -> Tensor:
        """(n, 1) within one, whatever the bounds of the actions."""
        outputs = self.mu(self.extract_features(obs, self.features_extractor))
        low, high = bounds(self)
        return (2.0 * (self.band(obs, outputs) - low) / (high - low) - 1.0).clamp(-1.0, 1.0)


class BandCritic(ContinuousCritic):
    """SB3's critic that reads what an action leads to."""

    def __init__(self, *given: Any, slots: Sequence[int], **more: Any) -> None:
        super().__init__(*given, **more)
        self.band = NoTransaction(slots)
        arch, width = more["net_arch"], more["features_dim"] + 3
        self.q_networks = []
        for k in range(self.n_critics):
            layers = create_mlp(width, 1, arch, more["activation_fn"])
            self.add_module(f"qf{k}", nn.Sequential(*layers))
            self.q_networks.append(getattr(self, f"qf{k}"))

    def forward(self, obs: Tensor, actions: Tensor) -> tuple[Tensor, ...]:
        """What each network says."""
        read = self._read(obs, actions)
        return tuple(q(read) for q in self.q_networks)

    def q1_forward(self, obs: Tensor, actions: Tensor) -> Tensor:
        """What the first one says."""
        worth: Tensor = self.q_networks[0](self._read(obs, actions))
        return worth

    def _read(self, obs: Tensor, actions: Tensor) -> Tensor:
        low, high = bounds(self)
        led = self.band.effect(obs, low + 0.5 * (actions + 1.0) * (high - low))
        return torch.cat([self.extract_features(obs, self.features_extractor), SEEN * led], dim=1)


class BandPolicy(TD3Policy):
    """SB3's policy of DDPG and TD3 with both: `policy_kwargs={"slots": [...]}`."""

    def __init__(self, *given: Any, slots: Sequence[int], **more: Any) -> None:
        self.slots = list(slots)  # the networks are built in what follows
        super().__init__(*given, **more)

    def make_actor(self, features_extractor: Any = None) -> BandActor:
        """An actor of its own."""
        arguments = self._update_features_extractor(self.actor_kwargs, features_extractor)
        return BandActor(**arguments, slots=self.slots).to(self.device)

    def make_critic(self, features_extractor: Any = None) -> BandCritic:
        """A critic of its own."""
        arguments = self._update_features_extractor(self.critic_kwargs, features_extractor)
        return BandCritic(**arguments, slots=self.slots).to(self.device)

    def effect(self, observations: Tensor, actions: Tensor) -> Tensor:
        """What actions within one lead to; see `NoTransaction`."""
        low, high = bounds(self)
        band: Any = self.actor.band
        found: Tensor = band.effect(observations, low + 0.5 * (actions + 1.0) * (high - low))
        return found

    def _get_constructor_parameters(self) -> dict[str, Any]:
        return {**super()._get_constructor_parameters(), "slots": self.slots}


def bounds(of: Any) -> tuple[float, float]:
    """Least and greatest action of an SB3 network's space."""
    return float(of.action_space.low[0]), float(of.action_space.high[0])
