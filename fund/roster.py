"""The roster: one line a strategy, found by name; light to import.

A package that has strategies declares its roster as an entry point of the group `fund.rosters`; a new line in it
brings the Gymnasium id, the commands, the model folder, the contract tests, the report's row and the CIO's column.
"""

from __future__ import annotations

import dataclasses
import importlib
import importlib.util
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

from fund.errors import DataError, InvalidParameter, UnknownName

if TYPE_CHECKING:
    from fund.strategy import Strategy


GROUP = "fund.rosters"  # of entry points


@dataclass(frozen=True)
class Spec:
    """One line of a roster: a strategy's name, where its class is, what trains it and how."""

    name: str
    where: str  # "package.module:Class", imported when it is needed
    algorithm: str  # PPO, DDPG or DQN
    horizon: int  # steps of an episode under the default preset
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)  # tuned, for fund.training

    @property
    def cls(self) -> type[Strategy]:
        """The strategy's class. Raises InvalidParameter where Python cannot import it."""
        module, _, attribute = self.where.partition(":")
        try:
            found: type[Strategy] = getattr(importlib.import_module(module), attribute)
        except (ImportError, AttributeError) as error:
            raise InvalidParameter(
                f'"{self.where}": {error}; wanted module:Class that Python imports from the working folder'
            ) from error
        return found

    def markets(
        self, desk: Strategy, found: Mapping[str, Sequence[Any]], notes: list[str]
    ) -> dict[str, Strategy]:
        """The strategy on every recorded market among files (`sources.discover`), each by its name.

        Tables with the columns that it needs, and what a module `files` of its package makes of vendors' files:
        `markets(desk, found, notes)`. What had to be left out or chosen is told in `notes`. Raises DataError.
        """
        from fund.market.sources import tables

        own = {name: desk.on(table) for name, table in tables(found, desk.needs()).items()}
        files = f"{self.where.partition(':')[0].rpartition('.')[0]}.files"
        if own or not importlib.util.find_spec(files):
            return own
        return dict(importlib.import_module(files).markets(desk, found, notes))

    def market(self, desk: Strategy, data: str, name: str = "") -> Strategy:
        """The strategy on a recorded market of a file, a folder or `builtin`; `name` says which of several.

        Raises DataError where it holds none, InvalidParameter or UnknownName with their names where it holds others.
        """
        from fund.market import sources

        found = sources.builtin() if data == "builtin" else sources.discover(data)
        notes: list[str] = []
        markets = self.markets(desk, found, notes)
        if not markets:
            notes += [text for text in (sources.lacking(found, desk.needs()),) if text]
            told = f" ({'; '.join(notes)})" if notes else ""
            wanted = f"wanted a vendor's files, or a table with the columns {', '.join(desk.needs())}"
            raise DataError(f"{data}: no market of {self.name}; {wanted}{told}")
        if name and name not in markets:
            raise UnknownName("market", name, markets)
        if len(markets) > 1 and not name:
            several = ", ".join(f'"{market}"' for market in markets)
            raise InvalidParameter(f"{data} holds several markets; name one as --market: {several}")
        return markets[name] if name else next(iter(markets.values()))

    @property
    def title(self) -> str:
        """CamelCase form of the name."""
        return "".join(word.capitalize() for word in self.name.split("_"))

    @property
    def gym_id(self) -> str:
        """Gymnasium id."""
        return f"fund/{self.title}-v0"


class Roster(Mapping[str, Spec]):
    """Specs by name; an unknown name is answered with the nearest known one."""

    def __init__(self, specs: Iterable[Spec] = ()) -> None:
        self._specs = {spec.name: spec for spec in specs}

    def __getitem__(self, name: str) -> Spec:
        if name not in self._specs:
            raise UnknownName("strategy", name, self._specs)
        return self._specs[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._specs)

    def __len__(self) -> int:
        return len(self._specs)


def import_rosters() -> None:
    """Import every package that declares a roster; each registers its own Gymnasium ids.

    A package that is being imported just now, and therefore imports this one, is left to finish.
    """
    for point in entry_points(group=GROUP):
        importlib.import_module(point.module)


@cache
def rosters() -> Roster:
    """Every strategy of the installed packages that declare an entry point in the group `fund.rosters`."""
    points = entry_points(group=GROUP)
    return Roster(
        spec for point in sorted(points, key=lambda p: p.name, reverse=True) for spec in point.load().values()
    )
