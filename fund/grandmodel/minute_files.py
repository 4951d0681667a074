"""Files of one-minute bars among a user's files, as the recorded market of a stage.

A stage's module `files` names `markets`, so that `fund evaluate STAGE --data FILE` finds it. Which hours are a session,
and of which zone, are the stage's own parameters (`zone`, `opens`, `closes`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fund.errors import DataError
from fund.market.draft import Rules
from fund.market.readers import bars
from fund.market.sources import label, sniff


def markets(desk: Any, found: Mapping[str, Sequence[Any]], notes: list[str]) -> dict[str, Any]:
    """The stage's world on every file of intraday bars, by the file's name; minutes without volume are left out.

    Of several files a damaged one is told in `notes`; raises DataError where it is the only one.
    """
    files = [path for path in found["other"] if isinstance(path, Path) and sniff(path) == "bars_intraday"]
    out: dict[str, Any] = {}
    for path in files:
        try:
            out[label(path)] = desk.on(bars(path, rules=Rules(zero_volume="drop")).select(desk.needs()))
        except DataError as error:
            if len(files) == 1:
                raise
            notes.append(str(error))
    return out
