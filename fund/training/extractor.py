"""The backbone of several assets (`per_asset`) as a features extractor of Stable-Baselines3."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from torch import Tensor

from fund.training.per_asset import PerAsset


class PerAssetExtractor(BaseFeaturesExtractor):
    """`policy_kwargs={"features_extractor_class": PerAssetExtractor, "features_extractor_kwargs": {...}}`."""

    def __init__(
        self,
        observation_space: gym.Space[Any],
        slots: Sequence[Sequence[int]],
        rest: Sequence[int],
        activation: str = "tanh",
    ) -> None:
        assets = PerAsset(slots, rest, activation)
        super().__init__(observation_space, assets.gives)
        self.assets = assets

    def forward(self, observations: Tensor) -> Tensor:
        """(n, assets * width + rest)."""
        found: Tensor = self.assets(observations)
        return found
