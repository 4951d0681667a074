"""A region of no trade as the last layer of a network: the no-transaction band.

Where a trade costs a share of its value, the best policy leaves what is held alone inside a band and trades to its
nearer edge outside (Davis & Norman, 1990, Mathematics of Operations Research 15:676-713). A network that names the
target itself cannot stand still; this one names the band (Imaki, Imajo, Ito, Minami & Nakagawa, 2021, arXiv
2103.01775). With y the network's two outputs, within one,

    c = centre + REACH y_0,    w = width exp(SPREAD y_1)
    action = clamp(held, c - w, c + w) / unit

where held, centre, width and unit are slots of the observation: what is held, a textbook's centre and half-width of the
band, and what one of an action stands for. The action space, and so the environment, is what it was. In settings:

    network: band
    band: [current_hedge, delta, band_width, delta]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Self

import torch
from torch import Tensor, nn

from fund.errors import InvalidParameter, UnknownName

SLOTS = ("held", "centre", "width", "unit")
REACH = 0.25  # of the band's centre, units of what is held
SPREAD = 2.0  # of the logarithm of its width
TINY = 1e-12  # square of a unit by which nothing can be reached


def band_slots(features: Sequence[str], named: Sequence[str]) -> list[int]:
    """Places of held, centre, width and unit; raises InvalidParameter, UnknownName."""
    if len(named) != len(SLOTS):
        raise InvalidParameter(f"band is {list(named)}, wanted the features of {', '.join(SLOTS)}")
    for name in named:
        if name not in features:
            raise UnknownName("feature", name, features)
    return [list(features).index(name) for name in named]


class NoTransaction(nn.Module):
    """Observations (n, k) and outputs (n, 2) within one as actions (n, 1)."""

    slots: Tensor

    def __init__(self, slots: Sequence[int]) -> None:
        super().__init__()
        self.register_buffer("slots", torch.tensor(list(slots), dtype=torch.int64))

    @classmethod
    def of(cls, weights: Mapping[str, Tensor], prefix: str) -> Self | None:
        """Out of a state dict; None where there is none under the prefix."""
        found = weights.get(f"{prefix}slots")
        return None if found is None else cls(found.tolist())

    def forward(self, observations: Tensor, outputs: Tensor) -> Tensor:
        """The multiple of the unit that is held afterwards, within no bounds."""
        held, centre, width, unit = observations[:, self.slots].unbind(dim=1)
        middle, half = centre + REACH * outputs[:, 0], width * torch.exp(SPREAD * outputs[:, 1])
        target = torch.minimum(torch.maximum(held, middle - half), middle + half)
        return (target * unit / (unit * unit + TINY)).unsqueeze(1)

    def effect(self, observations: Tensor, actions: Tensor) -> Tensor:
        """(n, 3) what actions lead to: distance from the centre, trade, and the size of the trade."""
        held, centre, _, unit = observations[:, self.slots].unbind(dim=1)
        target = actions[:, 0] * unit
        trade = target - held
        return torch.stack([target - centre, trade, trade.abs()], dim=1)
