"""The report in Markdown and in a terminal."""

import re
from dataclasses import replace

from fund.report.tearsheet import console, markdown
from tests.report.reports import FULL, NAVS


def test_markdown_tables_are_whole() -> None:
    text = markdown(FULL)
    assert text.startswith("# A fund\n")
    assert "| market making (CARA utility) | 64.00 (DDPG) | 57.00 (symmetric) |" in text
    assert "Simulation only" in text
    for block in re.findall(r"(?:^\|.*\|\n)+", text, flags=re.MULTILINE):
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
        assert len(widths) == 1


def test_console_is_short_and_plain() -> None:
    text = console(FULL)
    assert text.isascii()
    assert max(map(len, text.splitlines()[2:-2])) <= 110
    assert len(text.splitlines()) < 25
    for word in (
        "fund",
        "equal weight",
        "ERC",
        "market making",
        "better than rule by 70.0 SE",
        "Simulation only.",
    ):
        assert word in text
    assert "\x1b" not in console(replace(FULL, warnings=("\x1b[2J",), navs={"\x1b[31mfund": NAVS["fund"]}))
