"""What a stage looks like: a table for the terminal, and a picture of market, position and NAV so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fund.envs.render import GRID, INK, MARGIN, PAPER
from fund.envs.rounds import Rounds

WIDTH, PANEL = 480, 110
COLOURS = {"market": INK, "position": (170, 90, 20), "NAV": (30, 120, 60)}


class Moment(NamedTuple):
    """One row of the picture."""

    market: float  # mark of the first instrument
    position: float  # units of it
    nav: float


def moment(rounds: Rounds) -> Moment:
    """The present one of the first path."""
    books = rounds.batch.ledger.books
    return Moment(float(books.marks[0, 0]), float(books.position[0, 0]), float(books.nav[0]))


def table(rounds: Rounds, said: Mapping[str, object], parts: Mapping[str, float]) -> str:
    """Account, last decisions, last reward by part, and the observation by name, as text."""
    batch, stage = rounds.batch, rounds.stage
    books = batch.ledger.books
    held = books.position[:, 0].round(4).tolist()
    lines = [
        f"{stage.name}  round {int(batch.clock[0])}",
        f"  nav {books.nav[0]:.2f}  cash {books.cash[0]:.2f}  position {held}",
        "  said   " + "  ".join(f"{name}: {_short(said.get(name, '-'))}" for name in stage.names),
        "  reward " + "  ".join(f"{name}: {value:+.6f}" for name, value in parts.items()),
    ]
    values = batch.view().observation[0]
    cells = [f"{name:<24}{value:>10.4f}" for name, value in zip(stage.strategy.features, values, strict=True)]
    half = -(-len(cells) // 2)
    pairs = zip(cells[:half], [*cells[half:], ""][:half], strict=True)
    return "\n".join([*lines, *(f"  {left}    {right}".rstrip() for left, right in pairs)])


def _short(value: object) -> str:
    return np.array2string(np.asarray(value), precision=2, separator=",").replace("\n", "")


def picture(moments: Sequence[Moment], title: str) -> NDArray[np.uint8]:
    """Market, position and NAV, one panel each, as an RGB image (height, width, 3)."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (WIDTH, MARGIN + PANEL * len(Moment._fields)), PAPER)
    pen = ImageDraw.Draw(image)
    pen.text((MARGIN, 6), title, fill=INK)
    for k, (name, colour) in enumerate(COLOURS.items()):
        series = [row[k] for row in moments]
        top, bottom = MARGIN + k * PANEL, MARGIN + (k + 1) * PANEL - 16
        pen.rectangle((MARGIN, top, WIDTH - MARGIN, bottom), outline=GRID)
        pen.text((MARGIN + 4, top + 2), f"{name}  {series[-1]:.2f}", fill=colour)
        low, span = min(series), (max(series) - min(series)) or 1.0
        across = (WIDTH - 2 * MARGIN) / max(len(series) - 1, 1)
        line = [
            (MARGIN + j * across, bottom - 2 - (value - low) / span * (bottom - top - 20))
            for j, value in enumerate(series)
        ]
        if len(line) > 1:
            pen.line(line, fill=colour, width=2)
    return np.asarray(image, dtype=np.uint8)
