"""The report as Markdown, and as a short text for the terminal."""

from __future__ import annotations

import html
import re

from fund.report import findings, tables
from fund.report.contents import Report
from fund.report.tables import Table

SIMULATION = (
    "Simulation only. Nothing here was traded; simulated results are no promise of real ones, and nothing here is "
    "investment advice."
)


def markdown(report: Report) -> str:
    """The report without its figures, in Markdown."""
    head = [
        f"# {_markdown(report.title)}",
        _markdown(report.subtitle),
        _markdown(findings.conclusion(report)),
    ]
    found = findings.cautions(report)
    if found:
        head.append("## Warnings\n\n" + "\n".join(f"- {_markdown(text)}" for text in found))
    body = [_markdown_table(table) for table in tables.all_tables(report)]
    return "\n\n".join([*head, *body, f"*{SIMULATION}*"]) + "\n"


def _markdown(text: str) -> str:
    # entities and backslashes, so that neither HTML nor a link, a picture or a new line gets through
    flat = html.escape(_plain(" ".join(text.split())), quote=False)
    return re.sub(r"([\\`*_\[\]|])", r"\\\1", flat)


def _markdown_table(table: Table) -> str:
    rule = " | ".join("---:" if side == "r" else "---" for side in table.align)
    rows = [" | ".join(_markdown(_one_line(text)) for text in row) for row in (table.columns, *table.rows)]
    lines = "\n".join(f"| {row} |" for row in (rows[0], rule, *rows[1:]))
    note = f"\n\n{_markdown(table.note)}" if table.note else ""
    return f"## {_markdown(table.title)}\n\n{lines}{note}"


def _one_line(text: str) -> str:
    first, *more = text.split("\n")
    return f"{first} ({', '.join(more)})" if more else first


def console(report: Report) -> str:
    """A short plain text: conclusion, the fund against its rules, the desks, warnings. ASCII but for names."""
    columns = (
        "Strategy",
        "Return a year",
        "Volatility",
        "Sharpe ratio",
        "Max drawdown",
        "Return difference",
        "Sharpe difference",
    )
    chosen = [tables.headline(report).pick(*columns)]
    if report.desks:
        chosen.append(tables.desks(report).pick("Desk", "Agent", "Best rule", "Agent minus rule", "Agent is"))
    warned = [f"Warning: {_plain(text)}" for text in findings.cautions(report)]
    body = "\n\n".join(_plain_table(table) for table in chosen)
    text = "\n".join([_plain(findings.conclusion(report)), "", body, "", *warned, "Simulation only."])
    return text.replace("±", "+-")


def _plain_table(table: Table) -> str:
    rows = [tuple(_plain(text) for text in row) for row in (table.columns, *table.rows)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(table.columns))]
    sides = [str.rjust if side == "r" else str.ljust for side in table.align]
    lines = [
        "  ".join(side(text, w) for text, w, side in zip(row, widths, sides, strict=True)).rstrip()
        for row in rows
    ]
    return "\n".join([lines[0], "-" * (sum(widths) + 2 * (len(widths) - 1)), *lines[1:]])


def _plain(text: str) -> str:
    # the first line only, and no control character
    return "".join(sign if sign.isprintable() else " " for sign in text.split("\n")[0])
