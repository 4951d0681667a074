"""Figures of the report, in plotly, from plain arrays and names.

Every function returns a `plotly.graph_objects.Figure`; plotly is imported when the first one is drawn. Names
are shown as text: markup in them is not interpreted. A series may hold n worlds, (n, T): the line is then
their median, and the first series, the fund, has a band from the 5% to the 95% quantile.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from fund.report import panels
from fund.report.inference import sharpe_se
from fund.report.metrics import sharpe
from fund.report.panels import ABOVE, label, sheet
from fund.report.wealth import simple_returns

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def equity(times: ArrayLike, navs: Mapping[str, ArrayLike], time_title: str = "Trading day") -> Figure:
    """Growth of 1 above, drawdown below; the fund first, then its benchmarks.

    `times`: (T+1,) day numbers or dates; `navs`: name to (T+1,) or (n worlds, T+1).
    """
    figure = sheet(2, 1, 520, shared_xaxes=True, row_heights=[0.66, 0.34], vertical_spacing=0.06)
    panels.growth(figure, 1, 1, times, navs)
    panels.drawdown(figure, 2, 1, times, navs)
    figure.update_xaxes(title_text=label(time_title), row=2, col=1)
    return figure.update_layout(hovermode="x unified")


def training_progress(runs: Mapping[str, Mapping[str, Any]]) -> Figure:
    """Evaluation score against environment steps, one panel a desk.

    `runs`: desk to {"steps": (k,), "score": (k,) or (seeds, k), "rule": number, "optimum": number, "measure":
    unit}; the last three may be missing or None. Several seeds: the median, and a band from the lowest to the
    highest.
    """
    cols = min(3, max(1, len(runs)))
    rows = max(1, -(-len(runs) // cols))
    spacing = {"horizontal_spacing": 0.1, "vertical_spacing": 0.3 / rows}
    figure = sheet(rows, cols, 100 + 230 * rows, subplot_titles=[label(name) for name in runs], **spacing)
    for i, run in enumerate(runs.values()):
        row, col = i // cols + 1, i % cols + 1
        panels.learning(figure, row, col, run, legend=i == 0)
        if i + cols >= len(runs):  # the lowest of its column
            figure.update_xaxes(title_text="Environment steps", row=row, col=col)
    figure.update_annotations(font_size=13)
    return figure.update_layout(legend={**ABOVE, "y": 1 + 36 / (230 * rows)}, margin={"t": 76})


def returns_distribution(returns: ArrayLike, name: str = "fund", period: str = "day") -> Figure:
    """Histogram of returns with the normal of the same mean and deviation, and a normal quantile plot.

    `returns`: any shape, fractions a period; at least one.
    """
    titles = [f"Returns of {label(name)}", "Against the normal"]
    figure = sheet(1, 2, 380, subplot_titles=titles, horizontal_spacing=0.12)
    panels.histogram(figure, 1, 1, returns, period)
    panels.quantiles(figure, 1, 2, returns, period)
    figure.update_annotations(font_size=13)
    return figure.update_layout(showlegend=False, margin={"t": 48})


def comparison(
    names: Sequence[str],
    values: ArrayLike,
    errors: ArrayLike,
    axis_title: str,
    band: float | None = None,
) -> Figure:
    """One bar a name with its error bar, the first name on top.

    `values`, `errors`: (k,), the bar shows value +- error. Without a `band` the first bar is the fund and
    black; with one there is a grey zone of that half-width around 0, inside which nothing is told apart.
    """
    figure = sheet(1, 1, 100 + 34 * len(names))
    panels.bars(figure, 1, 1, names, values, errors, axis_title, fund_first=band is None)
    if band is not None:
        figure.add_vrect(x0=-band, x1=band, fillcolor=panels.BAND, line_width=0, layer="below")
    return figure.update_layout(showlegend=False, margin={"t": 12})


def weights(
    times: ArrayLike, weights: ArrayLike, names: Sequence[str], time_title: str = "Trading day"
) -> Figure:
    """Allocation over time, shares of NAV stacked; lines where a weight is negative.

    `times`: (T,); `weights`: (T, k) or (n worlds, T, k), of which the mean is drawn; `names`: k desks.
    """
    figure = sheet(1, 1, 380)
    panels.areas(figure, 1, 1, times, weights, names)
    figure.update_xaxes(title_text=label(time_title))
    return figure.update_layout(hovermode="x unified", legend={"traceorder": "normal"})


def attribution(parts: Mapping[str, float], total_name: str = "Fund P&L", unit: str = "") -> Figure:
    """Waterfall of P&L: gains and losses in order, their sum last. `parts` in account currency (`unit`)."""
    figure = sheet(1, 1, 400)
    panels.waterfall(figure, 1, 1, parts, total_name, unit)
    return figure.update_layout(showlegend=False, margin={"t": 24})


def dashboard(
    times: ArrayLike,
    navs: Mapping[str, ArrayLike],
    weights: ArrayLike,
    names: Sequence[str],
    parts: Mapping[str, float],
    periods_per_year: float,
    unit: str = "",
    time_title: str = "Trading day",
) -> Figure:
    """The fund on one page: growth, drawdown, weights, Sharpe ratios, distribution of returns, attribution.

    Arguments as in `equity`, `weights` and `attribution`; error bars are Lo's standard errors.
    """
    titles = ["Growth", "Drawdown", "Weights", "Sharpe ratios", "Returns of the fund", "Attribution"]
    cells = [[{}, {}], [{"colspan": 2}, None], [{}, {}], [{"colspan": 2}, None]]
    space = {"vertical_spacing": 0.1, "horizontal_spacing": 0.12}
    figure = sheet(4, 2, 1400, specs=cells, subplot_titles=titles, **space)
    panels.growth(figure, 1, 1, times, navs)
    panels.drawdown(figure, 1, 2, times, navs)
    panels.areas(figure, 2, 1, np.asarray(times)[: np.shape(weights)[-2]], weights, names, legend="legend2")
    returns = [simple_returns(nav).ravel() for nav in navs.values()]
    ratios = [float(sharpe(r, periods_per_year)) for r in returns]
    errors = [float(sharpe_se(s, r.size, periods_per_year)) for s, r in zip(ratios, returns, strict=True)]
    panels.bars(figure, 3, 1, list(navs), ratios, errors, "Sharpe ratio a year, with its standard error")
    panels.histogram(figure, 3, 2, returns[0], "period")
    panels.waterfall(figure, 4, 1, parts, "Fund P&L", unit)
    for row, col in ((1, 1), (1, 2), (2, 1)):
        figure.update_xaxes(title_text=label(time_title), row=row, col=col)
    figure.update_annotations(font_size=14)
    lower = {**ABOVE, "traceorder": "normal", "y": figure.layout.yaxis3.domain[0] - 0.035, "yanchor": "top"}
    return figure.update_layout(legend={**ABOVE, "y": 1.03}, legend2=lower, margin={"t": 90})
