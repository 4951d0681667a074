"""Ctrl-C and SIGTERM: what is learnt is saved, what is written is whole, and the exit code says which it was.

Within a training the first signal ends it before its next rollout, the second at once. Elsewhere Ctrl-C raises
KeyboardInterrupt, as always, and SIGTERM raises `Terminated`, so that files are closed, locks are given back and
helpers are ended. The exit code is 128 and the signal's number: 130 for Ctrl-C, 143 for SIGTERM.
"""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Iterator
from typing import Any, Protocol

ONE_SIGNAL = 1.0  # second: whoever signals a whole group reaches a helper twice


class Terminated(KeyboardInterrupt):
    """SIGTERM came: the process is asked to end."""


class Watched(Protocol):
    """A training that looks at `interrupted` between its rollouts."""

    interrupted: int  # the signal that came, 0 for none


def exit_code(error: KeyboardInterrupt) -> int:
    """What a process that this ended exits with."""
    return 128 + (signal.SIGTERM if isinstance(error, Terminated) else signal.SIGINT)


def demand_whole(interrupted: int) -> None:
    """Raise Terminated or KeyboardInterrupt where a signal ended a training that other work stands on."""
    if interrupted:
        raise Terminated if interrupted == signal.SIGTERM else KeyboardInterrupt


@contextlib.contextmanager
def terminable() -> Iterator[None]:
    """Within the block SIGTERM raises Terminated."""

    def stop(number: int, frame: object) -> None:
        raise Terminated

    with _handled({signal.SIGTERM: stop}):
        yield


@contextlib.contextmanager
def interruptible(training: Watched) -> Iterator[None]:
    """Within the block the first signal is left in `training.interrupted`; the second raises."""
    came = 0.0

    def stop(number: int, frame: object) -> None:
        nonlocal came
        if training.interrupted and time.monotonic() - came > ONE_SIGNAL:
            demand_whole(number)
        training.interrupted, came = number, came or time.monotonic()

    with _handled({signal.SIGINT: stop, signal.SIGTERM: stop}):
        yield


@contextlib.contextmanager
def _handled(handlers: dict[signal.Signals, Any]) -> Iterator[None]:
    before: dict[signal.Signals, Any] = {}
    with contextlib.suppress(ValueError):  # not the main thread: signals go elsewhere
        for number, handler in handlers.items():
            if signal.getsignal(number) is not signal.SIG_IGN:  # whoever ignores it means it
                before[number] = signal.signal(number, handler)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
