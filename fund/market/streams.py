"""Random numbers of many paths, each path from generators of its own.

A path is named by (seed, episode, world); a purpose ("prices", "fills", ...) opens a stream of its own in it, so
that a draw added to one purpose moves no other, and a batch of n paths draws what n single paths draw.
The generator is Philox (Salmon et al., 2011): key = hash of the path's name, counter = the purpose.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.random import Generator, Philox, SeedSequence
from numpy.typing import NDArray

from fund.compiled import compiled

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Words = NDArray[np.uint32]


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

    def some(self, cut: slice) -> Paths:
        """Those paths that stand in a slice."""
        return Paths(self.seeds[cut], self.episodes[cut])

    def parts(self, most: int) -> Iterator[tuple[slice, Paths]]:
        """All paths, at most `most` at a time: where they stand, and they themselves."""
        for start in range(0, len(self), most):
            cut = slice(start, min(start + most, len(self)))
            yield cut, self.some(cut)

    def streams(self, world: str) -> Streams:
        """The generators of these paths in one world (a strategy's name, or `weather`)."""
        return Streams(self, world)


def keys(paths: Paths, salt: int) -> NDArray[np.uint64]:
    """Keys (n, 2): `SeedSequence((seed, episode), spawn_key=(salt,)).generate_state(2, np.uint64)` of every path."""
    seeds, episodes = np.array(paths.seeds, dtype=object), np.array(paths.episodes, dtype=object)
    small = (
        len(paths) > 0 and min(seeds.min(), episodes.min()) >= 0 and max(seeds.max(), episodes.max()) < 2**32
    )
    if not small:  # a number of more than one word is mixed in more rounds
        named = zip(paths.seeds, paths.episodes, strict=True)
        rows = [SeedSequence(name, spawn_key=(salt,)).generate_state(2, np.uint64) for name in named]
        return np.array(rows, dtype=np.uint64).reshape(len(rows), 2)
    out = np.empty((len(paths), 2), dtype=np.uint64)
    _mix(seeds.astype(np.uint32), episodes.astype(np.uint32), np.uint32(salt), out)
    return out


@compiled
def _mix(seeds: Words, episodes: Words, salt: np.uint32, out: NDArray[np.uint64]) -> None:
    # NumPy's SeedSequence (after O'Neill's seed_seq), which costs ten microseconds a path in Python
    mask = np.uint64(0xFFFFFFFF)
    pool = np.empty(4, dtype=np.uint64)
    for i in range(len(seeds)):
        pool[0], pool[1], pool[2], pool[3] = (
            np.uint64(seeds[i]),
            np.uint64(episodes[i]),
            np.uint64(0),
            np.uint64(0),
        )
        hashing = np.uint64(0x43B0D7E5)
        for j in range(4):
            hashing, pool[j] = _hashed(hashing, pool[j], np.uint64(0x931E8875), mask)
        for source in range(4):
            for target in range(4):
                if source != target:
                    hashing, word = _hashed(hashing, pool[source], np.uint64(0x931E8875), mask)
                    pool[target] = _joined(pool[target], word, mask)
        for target in range(4):
            hashing, word = _hashed(hashing, np.uint64(salt), np.uint64(0x931E8875), mask)
            pool[target] = _joined(pool[target], word, mask)
        hashing = np.uint64(0x8B51F9DD)
        for j in range(2):
            hashing, low = _hashed(hashing, pool[2 * j], np.uint64(0x58F38DED), mask)
            hashing, high = _hashed(hashing, pool[2 * j + 1], np.uint64(0x58F38DED), mask)
            out[i, j] = low | (high << np.uint64(32))


@njit(inline="always")
def _hashed(hashing: Any, word: Any, multiplier: Any, mask: Any) -> Any:
    after = (hashing * multiplier) & mask
    word = ((word ^ hashing) * after) & mask
    return after, word ^ (word >> np.uint64(16))


@njit(inline="always")
def _joined(left: Any, right: Any, mask: Any) -> Any:
    word = (left * np.uint64(0xCA01F9DD) - right * np.uint64(0x4973F715)) & mask
    return word ^ (word >> np.uint64(16))


class Streams:
    """Draws of n paths in one world; every method returns (n, *shape), one row a path."""

    def __init__(self, paths: Paths, world: str) -> None:
        self._keys = keys(paths, _number(world))
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
