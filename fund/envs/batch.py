"""n episodes of one strategy, stepped together: the core under every face.

One episode is a batch of one, bit for bit: a path is named by (seed, episode), draws its tape from its own
generators, and is stepped by scalar code. Arrays that come back are overwritten two steps later (observations
alternate between two buffers); a face that hands them on copies them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from fund.account.ledger import Ledger
from fund.envs.kernel import GOES_ON, TERMINATED, TRUNCATED, kernel, take
from fund.errors import InvalidAction, InvalidParameter, ResetNeeded
from fund.market.streams import Paths
from fund.market.tape import Tape
from fund.strategy import Box, Choice, Strategy, View, names

Floats = NDArray[np.float64]


# uncompiled, the streams' integers and a kernel's own infinities would count as the market's
STRICT: Any = {} if numba.config.DISABLE_JIT else {"over": "raise", "divide": "raise", "invalid": "raise"}
LINKED = ("_kernel", "_books", "_accounts", "_memory_by_path", "_parts_by_path")


class Outcome(NamedTuple):
    """What one step of a batch gives back."""

    observation: NDArray[np.float32]  # (n, k)
    reward: Floats  # (n,)
    terminated: NDArray[np.bool_]  # (n,) economic end: ruin
    truncated: NDArray[np.bool_]  # (n,) end of the tape


class Batch:
    """Episodes of n paths. `tape` replaces the strategy's own recording (and is then never redrawn)."""

    def __init__(self, strategy: Strategy, n: int = 1, seed: int = 0, tape: Tape | None = None) -> None:
        if n < 1:
            raise InvalidParameter(f"{strategy.name}: a batch of {n} paths, wanted at least 1")
        self.strategy = strategy
        self.n = n if tape is None else tape.n
        self._fixed_tape = tape
        self._parameters = np.array(strategy.parameters())
        step = strategy.step
        self.ledger = Ledger.empty(step.marks, self.n)
        self._memory = np.zeros((self.n, len(names(step.memory)))).T
        self.clock = np.zeros(self.n, dtype=np.int64)
        self.parts = np.zeros((self.n, len(names(step.parts)))).T
        width = len(strategy.features)
        self._buffers = [np.zeros((self.n, width), dtype=np.float32) for _ in range(2)]
        self._turn = 0
        self._rewards = np.zeros(self.n)
        self._ends = np.full(self.n, TRUNCATED, dtype=np.uint8)
        self._all = np.arange(self.n)
        self._space = strategy.actions
        self._shape = (self.n, self._space.size if isinstance(self._space, Box) else 1)
        self._actions = np.zeros((self.n, step.action_size))
        self._whole = isinstance(self._space, Choice)
        self._low, self._high = bounds(self._space)
        self.paths = Paths.of(seed, self.n)
        self.tape: Tape | None = None
        self._link()

    def _link(self) -> None:
        # views and compiled code: made anew after unpickling, or they would be views of nothing
        self._kernel = kernel(type(self.strategy))
        self._books, self._accounts = self.ledger.books, self.ledger.accounts
        self._memory_by_path, self._parts_by_path = self._memory.T, self.parts.T

    def __getstate__(self) -> dict[str, Any]:
        """All but the views."""
        return {key: value for key, value in self.__dict__.items() if key not in LINKED}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore, and link the views again."""
        self.__dict__.update(state)
        self._link()

    @property
    def part_names(self) -> tuple[str, ...]:
        """Names of the reward's parts, the rows of `parts`."""
        return names(self.strategy.step.parts)

    @property
    def ended(self) -> NDArray[np.bool_]:
        """(n,) paths that wait for a reset."""
        return self._ends != GOES_ON

    def reset(self, seed: int | Sequence[int] | None = None) -> NDArray[np.float32]:
        """First observations (n, k). A seed starts its first episode (path i takes seed + i); None goes on."""
        if seed is not None:
            seeds = tuple(range(seed, seed + self.n)) if isinstance(seed, (int, np.integer)) else tuple(seed)
            self.paths = Paths(tuple(int(s) for s in seeds), (0,) * self.n)
        elif self.tape is not None:
            self.paths = Paths(self.paths.seeds, tuple(e + 1 for e in self.paths.episodes))
        return self.start(self.paths)

    def start(self, paths: Paths) -> NDArray[np.float32]:
        """First observations (n, k) of the named episodes."""
        self.paths = paths
        if self._fixed_tape is None:
            self.tape = None  # given back before the next is drawn: one tape in memory, not two
            self.tape = drawn(self.strategy, paths)
        else:
            self.tape = self._fixed_tape
        self._begin(self._all)
        return self._buffers[self._turn]

    def renew(self, ended: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Start the next episode of those paths that have ended; observations of all (n, k)."""
        if ended.all():
            return self.reset()
        which = np.flatnonzero(ended)
        if len(which) and self._fixed_tape is None:
            episodes = list(self.paths.episodes)
            for i in which:
                episodes[i] += 1
            self.paths = Paths(self.paths.seeds, tuple(episodes))
            some = Paths(tuple(self.paths.seeds[i] for i in which), tuple(episodes[i] for i in which))
            self.current_tape.put(which, drawn(self.strategy, some))
        self._begin(which)
        return self._buffers[self._turn]

    def restart(self, which: NDArray[np.intp], seeds: Sequence[int]) -> NDArray[np.float32]:
        """Start the first episodes of given seeds on some paths; observations of all (n, k)."""
        old, episodes = list(self.paths.seeds), list(self.paths.episodes)
        for i, seed in zip(which, seeds, strict=True):
            old[i], episodes[i] = int(seed), 0
        self.paths = Paths(tuple(old), tuple(episodes))
        some = Paths(tuple(int(s) for s in seeds), (0,) * len(which))
        self.current_tape.put(which, drawn(self.strategy, some))
        self._begin(which)
        return self._buffers[self._turn]

    def step(self, actions: Any) -> Outcome:
        """One step of every path that has not ended. Raises InvalidAction: not finite, or ill-shaped."""
        self._take(actions)
        going = not (self._ends[0] if self.n == 1 else self._ends.any())
        which = self._all if going else np.flatnonzero(self._ends == GOES_ON)
        tape = self.current_tape
        if len(which) < self.n:
            np.copyto(self._buffers[1 - self._turn], self._buffers[self._turn])
            self._rewards[:], self.parts[:] = 0.0, 0.0
        self._turn = 1 - self._turn
        observation = self._buffers[self._turn]
        self._kernel.advance(
            self._parameters, tape.by_path, tape.features, self._accounts, self._memory_by_path, self.clock, which,
            self._actions, observation, self._rewards, self._parts_by_path, self._ends,
        )  # fmt: skip
        return Outcome(observation, self._rewards, self._ends == TERMINATED, self._ends == TRUNCATED)

    def view(self) -> View:
        """What a policy may see now."""
        tape = self.current_tape
        row = tape.block[self.clock, :, self._all] if self.clock.any() else tape.block[0].T
        return View(
            strategy=self.strategy,
            observation=self._buffers[self._turn],
            books=self._books,
            clock=self.clock,
            row={name: row[:, k] for k, name in enumerate(tape.columns)},
            memory=self.memory(),
        )

    def memory(self) -> Mapping[str, Floats]:
        """The strategy's memory by name, each (n,)."""
        return dict(zip(names(self.strategy.step.memory), self._memory, strict=True))

    def get_state(self) -> dict[str, NDArray[Any]]:
        """The whole state in plain arrays; the tape is a function of the paths and is drawn again."""
        return {
            "seeds": np.array(self.paths.seeds),
            "episodes": np.array(self.paths.episodes),
            "clock": self.clock.copy(),
            "ledger": self.ledger.block.copy(),
            "memory": self._memory.copy(),
            "ends": self._ends.copy(),
            "observation": self._buffers[self._turn].copy(),
        }

    def set_state(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Continue from `get_state`, also of another process; raises InvalidParameter where it does not fit."""
        if state["ledger"].shape != self.ledger.block.shape:
            raise InvalidParameter(f"state of {state['ledger'].shape}, wanted {self.ledger.block.shape}")
        self.paths = Paths(tuple(map(int, state["seeds"])), tuple(map(int, state["episodes"])))
        self.tape = self._fixed_tape if self._fixed_tape is not None else drawn(self.strategy, self.paths)
        self.clock[:], self.ledger.block[:] = state["clock"], state["ledger"]
        self._memory[:], self._ends[:] = state["memory"], state["ends"]
        self._buffers[self._turn][:] = state["observation"]

    @property
    def current_tape(self) -> Tape:
        """The tape being played; raises ResetNeeded before the first reset."""
        if self.tape is None:
            raise ResetNeeded(f"{self.strategy.name}: step before reset; call reset first")
        return self.tape

    def _begin(self, which: NDArray[np.intp]) -> None:
        tape = self.current_tape
        self._ends[which] = GOES_ON
        self._kernel.begin(
            self._parameters, tape.by_path, tape.features, self._accounts, self._memory_by_path, self.clock, which,
            self._buffers[self._turn],
        )  # fmt: skip

    def _take(self, actions: Any) -> None:
        space, name = self._space, self.strategy.name
        given = np.asarray(actions)
        if given.dtype != np.float64 or not given.flags.carray:
            try:
                given = np.array(given, dtype=np.float64)  # the compiled copy knows one kind of array
            except (TypeError, ValueError):
                raise InvalidAction(f"{name}: actions of type {given.dtype}, wanted numbers") from None
        if given.shape != self._shape:
            given = _shaped(given, self._shape, space, name)
        wrong = take(given, self._low, self._high, self._whole, self._actions)
        if wrong >= 0:
            raise InvalidAction(_refusal(name, space, given, wrong))


def drawn(strategy: Strategy, paths: Paths) -> Tape:
    """The strategy's tape of some paths; raises InvalidParameter where its numbers leave those of a computer."""
    try:
        with np.errstate(**STRICT):
            tape = strategy.record(paths)
    except (ArithmeticError, MemoryError) as error:
        raise InvalidParameter(
            f"{strategy.name}: no market can be drawn with these parameters: {error}"
        ) from None
    wild = ~np.isfinite(tape.block[-1]).all(axis=1)  # what is not finite once stays so to the end
    if wild.any():
        names_of = ", ".join(name for name, is_wild in zip(tape.columns, wild, strict=True) if is_wild)
        raise InvalidParameter(f"{strategy.name}: with these parameters the market is not finite: {names_of}")
    return tape


def bounds(space: Box | Choice) -> tuple[float, float]:
    """Least and greatest action."""
    return (space.low, space.high) if isinstance(space, Box) else (0.0, float(space.count - 1))


def _shaped(given: NDArray[Any], wanted: tuple[int, ...], space: Box | Choice, name: str) -> NDArray[Any]:
    one_number_a_path = wanted[1] == 1 and given.shape == wanted[:1]
    if one_number_a_path:
        return given.reshape(wanted)
    shape = wanted[:1] if isinstance(space, Choice) else wanted
    raise InvalidAction(f"{name}: actions of shape {given.shape}, wanted {shape}")


def _refusal(name: str, space: Box | Choice, given: NDArray[np.float64], path: int) -> str:
    if isinstance(space, Choice):
        return f"{name}: action {given[path, 0]} of path {path}, wanted a whole number from 0 to {space.count - 1}"
    k = int(np.flatnonzero(~np.isfinite(given[path]))[0])
    return f"{name}: action {k} of path {path} is {given[path, k]}, wanted finite"
