"""The report as one self-contained HTML page; `fund.report.texts` has it as Markdown and for the terminal.

The page opens offline: plotly stands in it once, and a content security policy forbids every request and
every script but the two whose SHA-256 it names. All texts are escaped. Equal reports give equal bytes.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fund.paths import atomic_write
from fund.report import findings, metrics, plots, tables
from fund.report.contents import Desk, Progress, Provenance, Report
from fund.report.style import STYLE
from fund.report.tables import Table
from fund.report.texts import SIMULATION, console, markdown
from fund.report.wealth import Floats, simple_returns
from fund.report.wording import number, percent, ratio

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

__all__ = [
    "Desk",
    "Progress",
    "Provenance",
    "Report",
    "console",
    "dashboard",
    "figures",
    "markdown",
    "page",
    "write",
]

CLEAR = ("better than", "worse than", "above the")  # verdicts that stand out
CAPTIONS = {
    "equity": "NAV over first NAV, and fraction below the highest NAV so far. Net of costs.",
    "sharpe": "Sharpe ratio a year; the bar is one standard error (Lo 2002).",
    "desks": "Agent minus best rule in standard errors of the paired difference; the grey zone tells nothing apart.",
    "weights": "Share of NAV given to each desk; with several worlds, the mean over them.",
    "attribution": "From the desks' P&L to the fund's: gains blue, losses red.",
    "returns": "Returns of the fund; the line is the normal of the same mean and deviation.",
    "training": "Evaluation score on held-out seeds during training; the band spans the seeds.",
}


def figures(report: Report) -> dict[str, Figure]:
    """The figures for which the report holds facts, by the name of their place on the page."""
    navs = {name: report.nav(name) for name in report.navs}
    lines = findings.standings(report)
    ratios, errors = [line.sharpe for line in lines], [line.sharpe_se for line in lines]
    found = {
        "equity": plots.equity(report.times, navs, report.time_title),
        "sharpe": plots.comparison([line.name for line in lines], ratios, errors, "Sharpe ratio a year"),
        "returns": plots.returns_distribution(simple_returns(navs[report.fund]), report.fund, report.period),
    }
    if report.desks:
        t = [np.nan_to_num(desk.difference.t, posinf=np.nan, neginf=np.nan) for desk in report.desks]
        names, title = [desk.name for desk in report.desks], "Agent minus rule, standard errors"
        found["desks"] = plots.comparison(names, t, np.ones(len(t)), title, findings.CLEAR)
    if report.weights is not None:
        times = report.times[:-1]
        found["weights"] = plots.weights(times, report.weights, report.weight_names, report.time_title)
    if report.attribution:
        found["attribution"] = plots.attribution(_parts(report), "Fund P&L", report.currency)
    if report.progress:
        found["training"] = plots.training_progress(
            {name: vars(run) for name, run in report.progress.items()}
        )
    return found


def _parts(report: Report) -> dict[str, float]:
    left = findings.residual(report)
    return {**report.attribution, **({"unexplained": left} if left else {})}


def dashboard(report: Report) -> Figure:
    """The whole fund in one figure (`plots.dashboard`)."""
    navs = {name: report.nav(name) for name in report.navs}
    weights = np.zeros((np.size(report.times) - 1, 0)) if report.weights is None else report.weights
    facts = (weights, report.weight_names, _parts(report), report.periods_per_year)
    return plots.dashboard(report.times, navs, *facts, report.currency, report.time_title)


def _table(table: Table) -> str:
    def cells(row: Iterable[str], tag: str) -> str:
        parts = zip(row, table.align, strict=True)
        return "".join(f'<{tag} class="{side}">{_cell(text, side)}</{tag}>' for text, side in parts)

    last = len(table.rows) - 1
    body = "\n".join(
        f"<tr{' class=total' if table.total and i == last else ''}>{cells(row, 'td')}</tr>"
        for i, row in enumerate(table.rows)
    )
    note = f'<p class="note">{_text(table.note)}</p>' if table.note else ""
    head = f"<thead><tr>{cells(table.columns, 'th')}</tr></thead>"
    kind = ' class="facts"' if table.columns == ("Fact", "Value") else ""
    return f'<div class="wide"><table{kind}>{head}<tbody>{body}</tbody></table></div>{note}'


def _text(text: str) -> str:
    return html.escape(text, quote=True)


def _cell(text: str, side: str) -> str:
    first, *more = (_text(part) for part in text.split("\n"))
    if text.startswith(CLEAR):
        first = f"<strong>{first}</strong>"
    escaped = first + "".join(f'<br><span class="more">{part}</span>' for part in more)
    # a true minus sign is as wide as the digits; only in columns of numbers, never in a command
    return re.sub(r"(?<![\w.])-(?=\d)", "\N{MINUS SIGN}", escaped) if side == "r" else escaped


def _key_figures(report: Report) -> str:
    fund = findings.standings(report)[0]
    pairs = [
        ("Return a year", percent(fund.annual_return)),
        ("Volatility a year", percent(fund.volatility)),
        ("Sharpe ratio", ratio(fund.sharpe, fund.sharpe_se)),
        ("Max drawdown", percent(fund.max_drawdown)),
        ("Deflated Sharpe", number(findings.deflated(report), 3)),
        ("CVaR 95% a " + report.period, percent(float(np.mean(_cvar(report))), 2)),
    ]
    return "".join(f"<div><dt>{_text(name)}</dt><dd>{_cell(value, 'r')}</dd></div>" for name, value in pairs)


def _cvar(report: Report) -> Floats:
    return metrics.conditional_value_at_risk(simple_returns(report.nav(report.fund)))


def _sections(report: Report, drawn: Iterable[str]) -> Iterable[str]:
    # each table, then the figures that belong to it
    beside = {
        "Fund against its rules": ("equity", "sharpe"),
        "Desks: agent against rule": ("desks",),
        "Attribution": ("attribution",),
        "Risk and return in detail": ("returns",),
    }
    places = set(drawn)
    for table in tables.all_tables(report):
        if table.title == "What was run, and on what" and "training" in places:
            yield f"<section><h2>Training</h2>{_figure('training')}</section>"
        plots_of = "".join(_figure(name) for name in beside.get(table.title, ()) if name in places)
        yield f"<section><h2>{_text(table.title)}</h2>{_table(table)}{plots_of}</section>"
        if table.title == "Fund against its rules" and "weights" in places:
            yield f"<section><h2>Allocation</h2>{_figure('weights')}</section>"


def _figure(name: str) -> str:
    caption = _text(CAPTIONS[name])
    plot = f'<div id="figure-{name}" class="plot" role="img" aria-label="{caption}"></div>'
    return f"<figure>{plot}<figcaption>{caption}</figcaption></figure>"


def _warnings(report: Report) -> str:
    found = findings.cautions(report)
    items = "".join(f"<li>{_text(text)}</li>" for text in found)
    return f'<section class="warnings"><h2>Warnings</h2><ul>{items}</ul></section>' if found else ""


def _script(drawn: dict[str, Figure]) -> str:
    # "<" never stands in a script, so that no text can end it
    data = {f"figure-{name}": json.loads(figure.to_json()) for name, figure in drawn.items()}
    config = {"displayModeBar": False, "responsive": True}
    plain = json.dumps({"figures": data, "config": config}, separators=(",", ":"), sort_keys=True)
    safe = plain.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return (
        f"const report={safe};\nfor(const[id,figure]of Object.entries(report.figures))"
        "Plotly.newPlot(id,figure.data,figure.layout,report.config);"
    )


def _policy(scripts: Iterable[str]) -> str:
    hashes = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    allowed = " ".join(f"'sha256-{value}'" for value in hashes)
    return f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:"


def page(report: Report) -> str:
    """The report as one HTML document."""
    from plotly.offline import get_plotlyjs

    drawn = figures(report)
    scripts = (get_plotlyjs().replace("\r", ""), _script(drawn))
    title = _text(report.title)
    body = "\n".join(_sections(report, drawn))
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_policy(scripts)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{STYLE}</style>
</head>
<body>
<main>
<header>
<p class="simulation">Simulation only</p>
<h1>{title}</h1>
<p class="subtitle">{_text(report.subtitle)}</p>
<p class="conclusion">{_text(findings.conclusion(report))}</p>
<dl class="key">{_key_figures(report)}</dl>
</header>
{_warnings(report)}
{body}
<footer><p>{SIMULATION}</p></footer>
</main>
<script>{scripts[0]}</script>
<script>{scripts[1]}</script>
</body>
</html>
"""


def write(report: Report, path: str | Path) -> None:
    """Write the page to `path`: the old file or the new one, never a part."""
    atomic_write(Path(path), page(report).encode())
