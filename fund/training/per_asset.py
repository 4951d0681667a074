"""A backbone for several assets: one encoder for all of them, and attention among them.

    h_i = phi(x_i, c)                          what is said of asset i, and of nobody in particular
    z_i = h_i + sum_j softmax_j(q_i k_j / sqrt(d)) v_j,    q, k, v linear in h

Each asset is read by the same weights, and what an asset hears of the others does not depend on their order: to
permute the assets permutes the z_i and changes nothing else (Zaheer et al., 2017, "Deep sets"; Vaswani et al., 2017,
eq. 1; a graph network on the complete graph). What follows is an ordinary network, whose input is (z_1 ... z_A, c).

An asset's slots are found by name: `value_return_1` and `weight_value` belong to the asset `value`. In settings:

    network: per_asset
    assets: [value, momentum, quality]
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from fund.errors import InvalidParameter

WIDTH = 16  # of an asset's embedding
ACTIVATIONS: dict[str, type[nn.Module]] = {"tanh": nn.Tanh, "relu": nn.ReLU}


def slots_of(features: Sequence[str], assets: Sequence[str]) -> tuple[list[list[int]], list[int]]:
    """(assets, k) places of what is said of every asset, in one order for all, and the places of the rest.

    Raises InvalidParameter where there are less than two assets, or nothing is said of them all.
    """
    if len(assets) < 2:
        raise InvalidParameter(f"assets are {list(assets)}, wanted the names of two or more")
    said = [{word: k for k, name in enumerate(features) for word in _words(name, asset)} for asset in assets]
    common = sorted(set.intersection(*map(set, said)), key=lambda word: said[0][word])
    if not common:
        raise InvalidParameter(
            f"no feature is there for each of {', '.join(assets)}, such as {assets[0]}_return_1"
        )
    slots = [[of[word] for word in common] for of in said]
    taken = {k for row in slots for k in row}
    return slots, [k for k in range(len(features)) if k not in taken]


def _words(name: str, asset: str) -> list[str]:
    # what a feature says of an asset: `value_return_1` and `weight_value` say `_return_1` and `weight_`
    found = []
    if name.startswith(f"{asset}_"):
        found.append(name[len(asset) :])
    if name.endswith(f"_{asset}"):
        found.append(name[: -len(asset)])
    return found


class PerAsset(nn.Module):
    """Observations (n, k) as (n, assets * width + rest): each asset's z, then the rest."""

    slots: Tensor
    rest: Tensor

    def __init__(
        self,
        slots: Sequence[Sequence[int]],
        rest: Sequence[int],
        activation: str = "tanh",
        width: int = WIDTH,
    ) -> None:
        super().__init__()
        self.register_buffer("slots", torch.tensor(slots, dtype=torch.int64))
        self.register_buffer("rest", torch.tensor(list(rest), dtype=torch.int64))
        act = ACTIVATIONS[activation]
        size = self.slots.shape[1] + len(self.rest)
        self.encode = nn.Sequential(nn.Linear(size, width), act(), nn.Linear(width, width), act())
        self.query, self.key = nn.Linear(width, width), nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width)
        self.width = width

    @classmethod
    def of(cls, weights: Mapping[str, Tensor], prefix: str, activation: str) -> PerAsset | None:
        """Out of a state dict; None where there is none under the prefix."""
        own = {key[len(prefix) :]: t for key, t in weights.items() if key.startswith(prefix)}
        if "slots" not in own:
            return None
        made = cls(own["slots"].tolist(), own["rest"].tolist(), activation, int(own["query.weight"].shape[0]))
        made.load_state_dict(own)
        return made.eval().requires_grad_(False)

    @property
    def reads(self) -> int:
        """Slots of the observation."""
        return int(self.slots.numel() + self.rest.numel())

    @property
    def gives(self) -> int:
        """Numbers that come out."""
        return int(len(self.slots) * self.width + len(self.rest))

    def embeddings(self, x: Tensor) -> Tensor:
        """(n, assets, width)."""
        common = x[:, self.rest].unsqueeze(1).expand(-1, len(self.slots), -1)
        h = self.encode(torch.cat([x[:, self.slots], common], dim=-1))
        score = self.query(h) @ self.key(h).transpose(1, 2) / math.sqrt(self.width)
        heard: Tensor = torch.softmax(score, dim=-1) @ self.value(h)
        return h + heard

    def forward(self, x: Tensor) -> Tensor:
        """(n, assets * width + rest)."""
        return torch.cat([self.embeddings(x).flatten(1), x[:, self.rest]], dim=1)
