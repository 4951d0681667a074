"""The loop over paths, compiled over a strategy's scalar functions.

One generic loop serves every strategy. Around the scalar functions stand small readers and writers that turn
columns of arrays into NamedTuples and back; they are generated from the field names, because a compiled tuple
must be spelt out. The loop is compiled when a strategy is first used, and kept on disk under the hash of all that
it was compiled from (`fund.compiled`), so that it cannot be stale.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fund.account.ledger import CASH, HELD, NAV, PEAK, book, mark, reopen
from fund.compiled import compiled
from fund.strategy import Account, Step, Strategy, names, parameter_type

Floats = NDArray[np.float64]

GOES_ON, TRUNCATED, TERMINATED = 0, 1, 2


def _never(p: Any, account: Any, memory: Any) -> bool:
    return False


def _compiled(source: str, **scope: Any) -> Callable[..., Any]:
    # the source is built from identifiers of this package's own classes, never from a user's text
    exec(source, scope)  # noqa: S102 - see above
    return njit(forceinline=True)(scope["generated"])


def _reader(kind: type[tuple[float, ...]], place: str, arguments: str) -> Callable[..., Any]:
    fields = ", ".join(place.format(k=k) for k in range(len(names(kind))))
    return _compiled(f"def generated({arguments}):\n    return Kind({fields})", Kind=kind)


def tuple_reader(count: int, place: str, arguments: str) -> Callable[..., Any]:
    """A compiled function of `arguments` that gives the tuple of `place` for k = 0 ... count - 1."""
    fields = "".join(place.format(k=k) + ", " for k in range(count))
    return _compiled(f"def generated({arguments}):\n    return ({fields})")


def _account_reader(instruments: int) -> Callable[..., Any]:
    held, marks = (
        "".join(f"accounts[i, {first + k}], " for k in range(instruments))
        for first in (HELD, HELD + instruments)
    )
    money = f"accounts[i, {CASH}], accounts[i, {NAV}], accounts[i, {PEAK}]"
    source = f"def generated(accounts, i, done, left):\n    return Account({money}, ({held}), ({marks}), done, left)"
    return _compiled(source, Account=Account)


def _writer(slots: Sequence[int], place: str, arguments: str) -> Callable[..., Any]:
    # gives back the sum of what it wrote, in order
    lines = "".join(f"    {place.format(slot=slot)} = values[{k}]\n" for k, slot in enumerate(slots))
    total = " + ".join(["0.0", *(f"values[{k}]" for k in range(len(slots)))])
    return _compiled(f"def generated({arguments}, values):\n{lines}    return {total}")


@compiled(nogil=True)
def take(given: Floats, low: float, high: float, whole: bool, actions: Floats) -> int:
    """Copy actions (n, a), clipped to their bounds; the first path whose action cannot be taken, or -1.

    Not finite, or, where they must be whole, not a whole number within the bounds. `actions` may have more columns.
    """
    wrong = 0
    for i in range(given.shape[0]):
        for k in range(given.shape[1]):
            action = given[i, k]
            fits = abs(action) < np.inf
            if whole:
                fits = low <= action <= high and action == np.floor(action)
            wrong += 0 if fits else 1  # counted, not left at: a loop without an exit is vectorised
            actions[i, k] = min(max(action, low), high)
    if wrong == 0:
        return -1
    for i in range(given.shape[0]):
        for k in range(given.shape[1]):
            action = given[i, k]
            if not abs(action) < np.inf or (
                whole and not (low <= action <= high and action == np.floor(action))
            ):
                return i
    return -1


@dataclass(frozen=True)
class Kernel:
    """The two compiled loops of a strategy."""

    advance: Callable[..., None]
    begin: Callable[..., None]


@cache
def kernel(of: type[Strategy]) -> Kernel:
    """The loops of one strategy class, compiled on their first call in this process."""
    access = _accessors(of)
    return Kernel(_advance(of.step, access), _begin(of.step, access))


@dataclass(frozen=True)
class _Access:
    parameters: Callable[..., Any]
    moment: Callable[..., Any]
    prices: Callable[..., Any]
    account: Callable[..., Any]
    action: Callable[..., Any]
    recall: Callable[..., Any]
    remember: Callable[..., Any]
    show: Callable[..., Any]
    account_parts: Callable[..., Any]
    width: int


def _accessors(of: type[Strategy]) -> _Access:
    step = of.step
    columns, own, memory = names(step.columns), names(step.own), names(step.memory)
    price_places = "".join(f"now[{columns.index(c)}], " for c in step.marks)
    at_columns = _compiled(f"def generated(p, now, memory):\n    return ({price_places})")
    return _Access(
        parameters=_reader(parameter_type(of), "p[{k}]", "p"),
        moment=_reader(step.columns, "block[t, i, {k}]", "block, t, i"),
        prices=at_columns if step.price is None else njit(forceinline=True)(step.price),
        account=_account_reader(len(step.marks)),
        action=tuple_reader(step.action_size, "actions[i, {k}]", "actions, i"),
        recall=_reader(step.memory, "block[i, {k}]", "block, i"),
        remember=_writer(range(len(memory)), "block[i, {slot}]", "block, i"),
        show=_writer([of.features.index(f) for f in own], "observations[i, {slot}]", "observations, i"),
        account_parts=_writer(range(len(names(step.parts))), "parts[i, {slot}]", "parts, i"),
        width=len(of.features),
    )


def _advance(step: Step, access: _Access) -> Callable[..., None]:
    # inlined, or every column of both rows would go through memory: half the time of a step
    trade, reward, observe = (njit(forceinline=True)(f) for f in (step.trade, step.reward, step.observe))
    parameters, moment, prices, account_of = access.parameters, access.moment, access.prices, access.account
    action, recall, remember = access.action, access.recall, access.remember
    show, write_parts, width = access.show, access.account_parts, access.width
    ended = njit(forceinline=True)(_never if step.ended is None else step.ended)
    legs, instruments = step.legs, len(step.marks)

    @compiled(nogil=True, error_model="numpy")
    def advance(
        p_array, block, features, accounts, memory, clock, which, actions, observations, rewards, parts, ends
    ):
        p = parameters(p_array)
        steps = block.shape[0] - 1
        floor = p.ruin * p.capital
        for place in range(len(which)):
            # unsigned: an index that may be negative costs a comparison at every access
            i, t = np.uintp(which[place]), np.uintp(clock[which[place]])
            later = t + np.uintp(1)
            now, nxt = moment(block, t, i), moment(block, later, i)
            before = account_of(accounts, i, float(t), float(steps) - float(t))
            fills, carry, memories = trade(p, now, nxt, before, recall(memory, i), action(actions, i))
            book(accounts, i, instruments, legs, fills, carry)
            mark(accounts, i, prices(p, nxt, memories))
            account = account_of(accounts, i, float(later), float(steps) - float(later))
            remember(memory, i, memories)
            rewards[i] = write_parts(parts, i, reward(p, before, account, memories))
            clock[i] = later
            for j in range(width):
                observations[i, j] = features[later, i, j]
            show(observations, i, observe(p, nxt, account, memories))
            over = account.nav <= floor or ended(p, account, memories)
            ends[i] = TERMINATED if over else (TRUNCATED if later == steps else GOES_ON)

    return advance


def _begin(step: Step, access: _Access) -> Callable[..., None]:
    opening, observe = njit(step.opening), njit(step.observe)
    parameters, moment, prices, account_of = access.parameters, access.moment, access.prices, access.account
    remember, show = access.remember, access.show

    @compiled(nogil=True, error_model="numpy")
    def begin(p_array, block, features, accounts, memory, clock, which, observations):
        p = parameters(p_array)
        steps = block.shape[0] - 1
        for i in which:
            now = moment(block, 0, i)
            position, memories = opening(p, now)
            reopen(accounts, i, p.capital, position, prices(p, now, memories))
            remember(memory, i, memories)
            clock[i] = 0
            account = account_of(accounts, i, 0.0, float(steps))
            for j in range(features.shape[2]):
                observations[i, j] = features[0, i, j]
            show(observations, i, observe(p, now, account, memories))

    return begin
