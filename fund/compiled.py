"""Compiled functions that are kept on disk, each under the hash of all that it was compiled from.

numba's own cache watches one file: it goes on running old code when a function in another file changes, and it
does not know one closure from another. Here the name of a stored compilation is a hash of the function's bytecode
and constants, of those of every function it calls (followed through globals and closures), of the constants
and tuple types that they read, of the argument types, the processor and the versions. So a stored compilation is
either exactly what would be compiled now, or is not found; nothing has to be compared or emptied.

    @compiled
    def loop(...): ...

The files lie in `FUND_CACHE`, else in the user's folder for caches. Where that cannot be written, everything is
compiled in the process, as before.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pickle
import platform
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any

import numba
import numpy as np
from numba import njit
from numba.core.compiler import CompileResult
from numba.core.dispatcher import Dispatcher
from numba.core.serialize import dumps

from fund.paths import atomic_write

CACHE_VARIABLE = "FUND_CACHE"
MOST_FILES, KEPT_FILES = 1500, 1000


def compiled(function: Callable[..., Any] | None = None, **options: Any) -> Any:
    """`numba.njit` with these options, whose results are kept on disk; as a decorator with or without brackets."""
    if function is None:
        return lambda later: compiled(later, **options)
    made: Any = njit(function, **options)
    if isinstance(made, Dispatcher):  # with NUMBA_DISABLE_JIT it is the function itself
        setattr(made, "_cache", _Kept(made))  # noqa: B010 - numba gives it no public name
    return made


def cache_folder() -> Path:
    """Folder of stored compilations."""
    named = os.environ.get(CACHE_VARIABLE)
    if named:
        return Path(named).expanduser().absolute()
    if sys.platform == "win32":
        home = Path(os.environ.get("LOCALAPPDATA") or Path.home())
    elif sys.platform == "darwin":
        home = Path.home() / "Library" / "Caches"
    else:
        home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return home / "fund" / "compiled"


class _Kept:
    """What numba's dispatcher asks of a cache: one file a compilation."""

    cache_path = ""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher
        self._digest: str | None = None
        self._enabled = True

    def enable(self) -> None:
        self._enabled = True

    def disable(self) -> None:
        self._enabled = False

    def flush(self) -> None:
        """Nothing: a file is right for ever, or never looked at again."""

    def load_overload(self, signature: Any, target_context: Any) -> Any:
        if not self._enabled:
            return None
        target_context.refresh()
        place = self._place(signature, target_context.codegen())
        try:
            content = pickle.loads(place.read_bytes())  # noqa: S301 - the user's own cache, as numba's
            os.utime(place)
            return CompileResult._rebuild(target_context, *content)
        except Exception:  # noqa: BLE001 - missing, cut short or of another build: compile instead
            return None

    def save_overload(self, signature: Any, result: Any) -> None:
        if (
            not self._enabled
            or result.library.has_dynamic_globals
            or any(not x.can_cache for x in result.lifted)
        ):
            return
        place = self._place(signature, result.codegen)
        with contextlib.suppress(OSError):
            atomic_write(place, dumps(result._reduce()))
            _sweep(place.parent)

    def _place(self, signature: Any, codegen: Any) -> Path:
        if self._digest is None:
            self._digest = digest(self._dispatcher)
        key = repr((self._digest, signature, codegen.magic_tuple()))
        name = self._dispatcher.py_func.__name__
        return cache_folder() / f"{name}-{hashlib.sha256(key.encode()).hexdigest()[:40]}.bin"


def _sweep(folder: Path) -> None:
    files = list(folder.glob("*.bin"))
    if len(files) > MOST_FILES:
        for old in sorted(files, key=lambda file: file.stat().st_mtime)[:-KEPT_FILES]:
            old.unlink(missing_ok=True)


def digest(function: Any) -> str:
    """Hash of everything that the compiled form of a function depends on."""
    total = hashlib.sha256()
    versions = (numba.__version__, version("llvmlite"), np.__version__, platform.python_version())
    settings = sorted(
        (k, v) for k, v in os.environ.items() if k.startswith("NUMBA_") and k != "NUMBA_CACHE_DIR"
    )
    total.update(repr((versions, settings)).encode())
    for line in _described(function, set()):
        total.update(line.encode() + b"\n")
    return total.hexdigest()


def _described(value: Any, seen: set[int]) -> Iterator[str]:
    if isinstance(value, Dispatcher):
        yield f"options {sorted(value.targetoptions.items(), key=str)}"
        yield from _described(value.py_func, seen)
    elif isinstance(value, FunctionType):
        if id(value) not in seen:
            seen.add(id(value))
            yield f"function {value.__qualname__} {value.__defaults__}"
            yield from _code(value.__code__)
            for name, read in _reads(value):
                yield f"reads {name}"
                yield from _described(read, seen)
    elif isinstance(value, np.ndarray):
        yield f"array {value.dtype} {value.shape} {hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()}"
    elif isinstance(value, type):
        yield f"type {value.__qualname__} {getattr(value, '_fields', '')}"
    elif isinstance(value, tuple):
        yield from getattr(value, "_fields", ())
        for item in value:
            yield from _described(item, seen)
    elif isinstance(value, (ModuleType, BuiltinFunctionType)):
        yield f"named {value.__name__}"
    else:
        yield (
            repr(value)
            if isinstance(value, (bool, int, float, str, bytes, type(None)))
            else f"of {type(value)}"
        )


def _code(code: CodeType) -> Iterator[str]:
    yield f"{code.co_code.hex()} {code.co_names} {code.co_varnames} {code.co_freevars}"
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _code(constant)
        else:
            yield repr(constant)


def _names(code: CodeType) -> set[str]:
    inner = (c for c in code.co_consts if isinstance(c, CodeType))
    return set(code.co_names).union(*map(_names, inner))


def _reads(function: FunctionType) -> Iterator[tuple[str, Any]]:
    # what a function finds by name: its closure, its module's globals, and attributes of modules it names
    cells = function.__closure__ or ()
    for name, cell in zip(function.__code__.co_freevars, cells, strict=True):
        yield name, cell.cell_contents
    names = sorted(_names(function.__code__))
    for name in names:
        if name not in function.__globals__:
            continue
        value = function.__globals__[name]
        yield name, value
        if isinstance(value, ModuleType):
            for inner in names:
                found = getattr(value, inner, None)
                if isinstance(found, (Dispatcher, FunctionType, int, float, tuple, np.ndarray)):
                    yield f"{name}.{inner}", found
