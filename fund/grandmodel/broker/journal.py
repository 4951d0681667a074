"""What a gateway did and heard, one line of JSON each, written before it acts on it; a run goes on from there.

    {"send": order}     about to be sent, perhaps sent
    {"heard": report}   applied once

In memory, or in a file that is flushed and synchronised line by line. A last line that a crash cut off is left out.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fund.errors import DataError
from fund.grandmodel.broker.orders import Order, Report, Status


class Journal:
    """An append-only list of lines."""

    def __init__(self, path: str | Path | None = None) -> None:
        """Read what is there already; raises DataError for a line within that is none."""
        self.path = None if path is None else Path(path)
        self.lines: list[str] = []
        if self.path is not None and self.path.exists():
            self.lines = _whole_lines(self.path)
            # what a crash cut off must not be the beginning of the next line
            self.path.write_text("".join(f"{line}\n" for line in self.lines), encoding="utf-8")

    def sending(self, order: Order) -> None:
        """An order is about to be sent."""
        self._append({"send": order.plain()})

    def heard(self, report: Report) -> None:
        """A report is about to be applied."""
        self._append({"heard": report.plain()})

    def entries(self) -> Iterator[Order | Report]:
        """All that was written, in order; raises DataError for a line that is no entry."""
        for number, line in enumerate(self.lines, 1):
            try:
                ((kind, content),) = json.loads(line).items()
                yield Order(**content) if kind == "send" else _report(content)
            except (ValueError, TypeError, AttributeError, KeyError) as error:
                place = self.path or "journal"
                raise DataError(f"{place}:{number}: no entry of a journal ({error})") from None

    def _append(self, entry: dict[str, Any]) -> None:
        line = json.dumps(entry, sort_keys=True)
        if self.path is not None:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
                file.flush()
                os.fsync(file.fileno())
        self.lines.append(line)


def _report(content: dict[str, Any]) -> Report:
    return Report(**{**content, "status": Status(content["status"])})


def _whole_lines(path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8")
    return text[: text.rfind("\n") + 1].splitlines()
