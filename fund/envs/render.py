"""What an episode looks like: a table for the terminal, a picture of the NAV."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from fund.envs.batch import Batch

WIDTH, HEIGHT, MARGIN = 480, 240, 24
INK, PAPER, GRID = (20, 60, 110), (255, 255, 255), (220, 220, 220)


def table(batch: Batch) -> str:
    """Observation by name and account of the batch's first path, as text."""
    view = batch.view()
    books = view.books
    lines = [f"{batch.strategy.name}  step {int(view.clock[0])}"]
    lines.append(
        f"  nav {books.nav[0]:.2f}  cash {books.cash[0]:.2f}  position {books.position[:, 0].round(4).tolist()}"
    )
    values = view.observation[0]
    lines += [
        f"  {name:<28}{value:>12.4f}" for name, value in zip(batch.strategy.features, values, strict=True)
    ]
    return "\n".join(lines)


def picture(navs: Sequence[float], title: str) -> NDArray[np.uint8]:
    """The NAV so far as an RGB image (height, width, 3)."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (WIDTH, HEIGHT), PAPER)
    pen = ImageDraw.Draw(image)
    low, high = min(navs), max(navs)
    span = (high - low) or 1.0
    pen.rectangle((MARGIN, MARGIN, WIDTH - MARGIN, HEIGHT - MARGIN), outline=GRID)
    pen.text((MARGIN, 6), f"{title}  NAV {navs[-1]:.2f}", fill=INK)
    across = (WIDTH - 2 * MARGIN) / max(len(navs) - 1, 1)
    points = [
        (MARGIN + k * across, HEIGHT - MARGIN - (nav - low) / span * (HEIGHT - 2 * MARGIN))
        for k, nav in enumerate(navs)
    ]
    if len(points) > 1:
        pen.line(points, fill=INK, width=2)
    return np.asarray(image, dtype=np.uint8)
