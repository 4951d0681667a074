"""What has been played, for learners that learn from it more than once: a ring of rows, one a step of all copies.

Row t + 1 follows row t, so that what was seen is kept once. Where agents speak in turn, a row holds what each saw when
it was its turn. A row's step is learned from when the next row is there; where an episode was cut off by the clock and
a value lies behind, the row that would say so belongs to the next episode: that step is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from fund.errors import InvalidParameter

# an episode at this step: goes on; is over, and nothing lies behind; is cut, and what lies behind is not known
GOES_ON, OVER, CUT = 0.0, 1.0, 2.0


class Row(NamedTuple):
    """One step of n copies; a list has an entry for each group of agents."""

    seen: list[Tensor]  # (n, m, k)
    action: list[Tensor]  # (n, m) choices or (n, m, a) numbers
    state: Tensor  # (n, s)
    alive: Tensor  # (n, agents)


class Sample(NamedTuple):
    """B steps of all groups, and what followed."""

    now: Row
    reward: Tensor  # (B, agents)
    over: Tensor  # (B,) 1 where nothing lies behind
    weight: Tensor  # (B,) 0 where what followed is not known
    then: Row


class Replay:
    """The last `capacity` steps of n copies."""

    def __init__(self, first: Row, agents: int, capacity: int) -> None:
        self.n = len(first.state)
        self.rows = capacity // self.n
        if self.rows < 2:
            raise InvalidParameter(f"capacity {capacity}, wanted at least two steps of {self.n} copies each")

        def room(x: Tensor) -> Tensor:
            return torch.zeros(self.rows, *x.shape)

        self.seen, self.action = [room(x) for x in first.seen], [room(x) for x in first.action]
        self.state, self.alive = room(first.state), room(first.alive)
        self.reward = torch.zeros(self.rows, self.n, agents)
        self.end = torch.zeros(self.rows, self.n)
        self.place = self.held = 0  # where the next row goes; rows that there are

    def add(self, row: Row, reward: Tensor, end: Tensor) -> None:
        """Keep one step: rewards (n, agents), and how it ended (n,), one of the module's three."""
        p = self.place
        for kept, new in zip([*self.seen, *self.action], [*row.seen, *row.action], strict=True):
            kept[p] = new
        self.state[p], self.alive[p], self.reward[p], self.end[p] = row.state, row.alive, reward, end
        self.place, self.held = (p + 1) % self.rows, min(self.held + 1, self.rows)

    def cut(self) -> None:
        """What comes next does not follow from the last row."""
        last = self.end[self.place - 1]
        last[last == GOES_ON] = CUT

    def sample(self, size: int, generator: torch.Generator) -> Sample:
        """Steps drawn alike, with replacement, from all that have a next row."""
        back = torch.randint(1, self.held, (size,), generator=generator)  # rows behind the newest
        t = (self.place - 1 - back) % self.rows
        i = torch.randint(self.n, (size,), generator=generator)
        end = self.end[t, i]
        return Sample(
            self._row(t, i), self.reward[t, i], (end == OVER).float(), (end != CUT).float(),
            self._row((t + 1) % self.rows, i),
        )  # fmt: skip

    def _row(self, t: Tensor, i: Tensor) -> Row:
        seen, action = [x[t, i] for x in self.seen], [x[t, i] for x in self.action]
        return Row(seen, action, self.state[t, i], self.alive[t, i])

    def tensors(self) -> dict[str, Tensor]:
        """All that a checkpoint must hold, by name; rows that are not there are left out."""
        named = {key: x[: self.held] for key, x in self._named().items()}
        return named | {"place": torch.tensor([self.place, self.held])}

    def load(self, named: Mapping[str, Tensor]) -> None:
        """Take over what `tensors` gave; raises RuntimeError, KeyError where it does not fit."""
        self.place, self.held = named["place"].tolist()
        for key, x in self._named().items():
            x[: self.held] = named[key]

    def _named(self) -> dict[str, Tensor]:
        lists: Sequence[tuple[str, list[Tensor]]] = (("seen", self.seen), ("action", self.action))
        named = {f"{key}/{k}": x for key, many in lists for k, x in enumerate(many)}
        return named | {"state": self.state, "alive": self.alive, "reward": self.reward, "end": self.end}
