"""Parameter sets in files: what `fund calibrate` writes and `--preset FILE` takes.

A file is JSON: the strategy, the named preset that it departs from, and the parameters that differ; what stands beside
them (standard errors, moments, the record) is for the reader and changes nothing.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fund.errors import DataError, InvalidParameter
from fund.paths import atomic_write

ENDING = ".json"
_PLAIN = (bool, int, float, str)


@dataclass(frozen=True)
class PresetFile:
    """A parameter set from a file."""

    strategy: str
    base: str  # the named preset below it
    parameters: Mapping[str, Any]
    label: str  # under which models trained on it are kept

    def over(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Its parameters with changes on top."""
        return {**self.parameters, **changes}


def is_file(preset: str) -> bool:
    """Whether `--preset` names a file, not a preset."""
    return preset.endswith(ENDING)


def label_of(path: str | os.PathLike[str]) -> str:
    """The name under which models of a preset file are kept: its own, in the letters that a folder may have."""
    stem = re.sub(r"[^a-z0-9_-]+", "_", Path(path).name.removesuffix(ENDING).lower())[:58]
    return f"file_{stem}"


def check_name(path: str | os.PathLike[str]) -> None:
    """Raise InvalidParameter for a file that `--preset` would not know as one."""
    if not is_file(str(path)):
        raise InvalidParameter(
            f'--out "{path}", wanted a name that ends with {ENDING}: --preset knows it by that'
        )


def write_preset(path: str | os.PathLike[str], content: Mapping[str, Any]) -> Path:
    """Write a preset file whole or not at all; raises InvalidParameter for a name without `.json`, DataError."""
    check_name(path)
    try:
        return atomic_write(path, (json.dumps(content, indent=1, allow_nan=False) + "\n").encode())
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({error.strerror or type(error).__name__})") from None


def read_preset(path: str | os.PathLike[str], strategy: str) -> PresetFile:
    """A preset file for a strategy; raises DataError where it is missing, damaged or for another strategy."""
    try:
        plain = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or type(error).__name__})") from None
    except ValueError as error:
        raise DataError(f"{path}: not a preset file, {error}") from None
    found = plain if isinstance(plain, dict) else {}
    parameters = found.get("parameters")
    if not isinstance(parameters, dict) or not isinstance(found.get("base"), str):
        raise DataError(f'{path}: not a preset file, wanted "strategy", "base" and "parameters"')
    wrong = [key for key, value in parameters.items() if not isinstance(value, _PLAIN)]
    if wrong:
        raise DataError(
            f'{path}: parameter "{wrong[0]}" is {parameters[wrong[0]]!r}, wanted a number or a text'
        )
    if found.get("strategy") != strategy:
        raise DataError(f'{path}: a preset of "{found.get("strategy")}", wanted one of "{strategy}"')
    return PresetFile(strategy, found["base"], parameters, label_of(path))
