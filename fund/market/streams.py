"""Random numbers of many paths, each path from generators of its own.

A path is named by (seed, episode, world); a purpose ("prices", "fills", ...) opens a stream of its own in it, so
that a draw added to one purpose moves no other, and a batch of n paths draws what n single paths draw.
The generator is Philox (Salmon et al., 2011): key = hash of the path's name, counter = the purpose.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator, Philox, SeedSequence
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def _number(word: str) -> int:
    return zlib.crc32(word.encode())


@dataclass(frozen=True)
class Paths:
    """Names of n paths: which seed and which episode of it; the world's name is given where numbers are drawn."""

    seeds: tuple[int, ...]  # (n,)
    episodes: tuple[int, ...]  # (n,), how often the path was reset before

    @classmethod
    def of(cls, seed: int, n: int) -> Paths:
        """The first episodes of seeds `seed`, `seed + 1`, ..., `seed + n - 1`."""
        return cls(tuple(range(seed, seed + n)), (0,) * n)

    def __len__(self) -> int:
        return len(self.seeds)

    def streams(self, world: str) -> Streams:
        """The generators of these paths in one world (a strategy's name, or `weather`)."""
        return Streams(self, world)


class Streams:
    """Draws of n paths in one world; every method returns (n, *shape), one row a path."""

    def __init__(self, paths: Paths, world: str) -> None:
        salt = (_number(world),)
        names = zip(paths.seeds, paths.episodes, strict=True)
        keys = [SeedSequence(name, spawn_key=salt).generate_state(2, np.uint64) for name in names]
        self._keys = keys
        self._bits = Philox(0)
        self._state = self._bits.state
        self._generator = Generator(self._bits)

    def __len__(self) -> int:
        return len(self._keys)

    def at(self, path: int, purpose: str) -> Generator:
        """The generator of one path and purpose, at its start. One at a time: the next call takes it over."""
        state = self._state
        state["state"]["key"][:] = self._keys[path]
        state["state"]["counter"][:] = (0, 0, 0, _number(purpose))
        state["buffer_pos"], state["has_uint32"], state["uinteger"] = 4, 0, 0
        self._bits.state = state
        return self._generator

    def normal(self, purpose: str, *shape: int) -> Floats:
        """Standard normal draws."""
        out = np.empty((len(self), *shape))
        for path in range(len(self)):
            self.at(path, purpose).standard_normal(out=out[path])
        return out

    def uniform(self, purpose: str, *shape: int) -> Floats:
        """Uniform draws on (0, 1]: safe under a logarithm."""
        out = np.empty((len(self), *shape))
        for path in range(len(self)):
            self.at(path, purpose).random(out=out[path])
        return np.subtract(1.0, out, out=out)

    def student(self, purpose: str, freedom: float, *shape: int) -> Floats:
        """Student t draws of `freedom` degrees, scaled to unit variance (freedom > 2)."""
        out = np.empty((len(self), *shape))
        for path in range(len(self)):
            out[path] = self.at(path, purpose).standard_t(freedom, size=shape)
        return out * np.sqrt((freedom - 2.0) / freedom)

    def integers(self, purpose: str, high: Sequence[int] | int, *shape: int) -> Ints:
        """Integers in [0, high); `high` is one number, or one a path."""
        highs = np.broadcast_to(np.asarray(high), (len(self),))
        out = np.empty((len(self), *shape), dtype=np.int64)
        for path in range(len(self)):
            out[path] = self.at(path, purpose).integers(highs[path], size=shape)
        return out
