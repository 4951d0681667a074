"""A trained policy as plain layers: played in batches, without SB3 and without executing anything from a file.

An SB3 zip holds the weights as a torch archive beside pickled Python objects. Only the weights are read
(`weights_only`), the architecture follows from their names and shapes, so that a hostile file can at most be
refused.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from fund.errors import ModelError
from fund.strategy import Box, Choice, Policy, Strategy, View
from fund.training.band import NoTransaction
from fund.training.per_asset import PerAsset

# which layers of a state dict act, and what follows the last one
ACTORS = {
    "PPO": (("mlp_extractor.policy_net.", "action_net."), "clip"),
    "A2C": (("mlp_extractor.policy_net.", "action_net."), "clip"),
    "DDPG": (("actor.mu.",), "tanh"),
    "TD3": (("actor.mu.",), "tanh"),
    "DQN": (("q_net.q_net.",), "argmax"),
    "DuelingDQN": (("q_net.torso.", "q_net.advantage."), "argmax"),
}
# where the backbone that acts lies, where there is one
FRONTS = {
    "PPO": "features_extractor.assets.",
    "A2C": "features_extractor.assets.",
    "DDPG": "actor.features_extractor.assets.",
    "TD3": "actor.features_extractor.assets.",
    "DQN": "q_net.features_extractor.assets.",
    "DuelingDQN": "q_net.features_extractor.assets.",
}
BAND = "actor.band."  # where a band lies, where there is one
ACTIVATIONS = {"tanh": torch.tanh, "relu": torch.relu}
MOST_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True)
class Network:
    """Layers of a multilayer perceptron: observation (n, k) in, actions out."""

    layers: tuple[tuple[torch.Tensor, torch.Tensor], ...]  # weight (out, in), bias (out,)
    activation: str
    head: str  # clip, tanh or argmax
    low: float = -1.0  # least and greatest action, where actions are numbers
    high: float = 1.0
    front: PerAsset | None = None  # what the layers read, in place of the observation
    band: NoTransaction | None = None  # whose edges the layers give, in place of actions

    @classmethod
    def of(
        cls, weights: Mapping[str, torch.Tensor], algorithm: str, activation: str, actions: Box | Choice
    ) -> Network:
        """The acting layers of an SB3 state dict; raises ModelError where they are not there."""
        prefixes, head = ACTORS[algorithm]
        layers = []
        for prefix in prefixes:
            places = sorted(
                {key.rsplit(".", 1)[0] for key in weights if key.startswith(prefix)},
                key=lambda place: [int(number) for number in re.findall(r"\d+", place)],
            )
            layers += [
                (weights[f"{p}.weight"].detach().clone(), weights[f"{p}.bias"].detach().clone())
                for p in places
            ]
        if not layers:
            raise ModelError(f"found no layers {' or '.join(prefixes)} of a {algorithm} policy")
        front = PerAsset.of(weights, FRONTS[algorithm], activation)
        if isinstance(actions, Choice):
            return cls(tuple(layers), activation, head, front=front)
        band = NoTransaction.of(weights, BAND)
        return cls(tuple(layers), activation, head, actions.low, actions.high, front, band)

    @torch.no_grad()
    def __call__(self, observation: NDArray[np.float32]) -> NDArray[Any]:
        """Deterministic actions: (n, a) float32, or (n,) integers."""
        seen = x = torch.from_numpy(np.ascontiguousarray(observation))
        if self.front is not None:
            x = self.front(x)
        act = ACTIVATIONS[self.activation]
        for weight, bias in self.layers[:-1]:
            x = act(torch.addmm(bias, x, weight.T))
        weight, bias = self.layers[-1]
        x = torch.addmm(bias, x, weight.T)
        if self.head == "argmax":
            return np.asarray(x.argmax(dim=1).numpy())
        if self.band is not None:
            return np.asarray(self.band(seen, torch.tanh(x)).clamp(self.low, self.high).numpy())
        if self.head == "tanh":
            # SB3's actors answer within one, whatever the bounds
            return np.asarray((torch.tanh(x) * self.half_range + self.centre).numpy())
        return np.asarray(x.clamp(self.low, self.high).numpy())

    @property
    def centre(self) -> float:
        """The middle of the actions."""
        return 0.5 * (self.low + self.high)

    @property
    def half_range(self) -> float:
        """From there to the greatest action."""
        return 0.5 * (self.high - self.low)

    def policy(self) -> Policy:
        """As a policy of `fund.envs.play`."""

        def act(view: View) -> NDArray[Any]:
            return self(view.observation)

        return act

    def check(self, strategy: Strategy) -> None:
        """Raise ModelError where inputs or outputs are not the strategy's."""
        wanted = len(strategy.features)
        found = int(self.layers[0][0].shape[1]) if self.front is None else self.front.reads
        if found != wanted:
            raise ModelError(
                f"{strategy.name}: the model reads {found} features, the environment gives {wanted}"
            )
        actions = strategy.actions
        size = actions.count if isinstance(actions, Choice) else actions.size
        if self.band is not None:
            size *= 2  # edges
        if int(self.layers[-1][0].shape[0]) != size:
            raise ModelError(
                f"{strategy.name}: the model gives {self.layers[-1][0].shape[0]} actions, wanted {size}"
            )
        if (self.head == "argmax") == isinstance(actions, Box):
            raise ModelError(f"{strategy.name}: the model's actions are of another kind")
        if not all(torch.isfinite(w).all() and torch.isfinite(b).all() for w, b in self.layers):
            raise ModelError(f"{strategy.name}: the model has weights that are not finite")


def read_weights(content: bytes, name: str) -> dict[str, torch.Tensor]:
    """The policy's weights out of an SB3 zip; raises ModelError for anything else."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            inside = archive.getinfo("policy.pth")
            if inside.file_size > MOST_BYTES:
                raise ModelError(f"{name}: weights of {inside.file_size} bytes, wanted at most {MOST_BYTES}")
            raw = archive.read("policy.pth")
        weights = torch.load(io.BytesIO(raw), map_location="cpu", weights_only=True)
    except ModelError:
        raise
    except Exception as error:  # noqa: BLE001 - a damaged zip or archive fails in a dozen ways; all mean the same to a user
        first = str(error).splitlines()[0] if str(error) else ""
        raise ModelError(f"{name}: not a readable model ({type(error).__name__}: {first[:120]})") from None
    if not isinstance(weights, dict):
        raise ModelError(f"{name}: found {type(weights).__name__} for weights, wanted a state dict")
    return weights
