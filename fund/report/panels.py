"""Panels: what the figures of `fund.report.plots` are put together from.

A panel function draws into one cell (row, column) of a figure and titles its axes. Colours are those of Okabe
& Ito (2008), which colour-blind readers tell apart; the fund is black and cash is grey.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri

from fund.report.wealth import Floats, drawdowns, finite
from fund.report.wording import shown

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

INK, GREY, GRID, BAND = "#222222", "#999999", "#E8E8E8", "rgba(0,0,0,0.10)"
BLUE, PALE_BLUE, VERMILLION = "#0072B2", "#8FBCDB", "#D55E00"
PALETTE = (BLUE, "#E69F00", "#009E73", "#CC79A7", "#56B4E9", VERMILLION, "#F0E442", "#7F5539")
POINTS = 1500  # of a line; more cannot be seen and only swell the file
FONT = "system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif"
ABOVE = {"orientation": "h", "x": 0.0, "xanchor": "left", "y": 1.02, "yanchor": "bottom"}
NORMAL = {"line": {"color": INK, "width": 1.4}, "showlegend": False, "hoverinfo": "skip"}
UNITS = ((1e9, "bn"), (1e6, "m"), (1e3, "k"), (0.0, ""))


def label(name: str) -> str:
    """A name as it is shown: underscores as spaces, markup as text."""
    return html.escape(shown(name), quote=False)


def sheet(rows: int, cols: int, height: int, **layout: Any) -> Figure:
    """An empty figure of rows x cols cells in the house style; `height` in pixels."""
    from plotly.graph_objects import layout as layouts
    from plotly.subplots import make_subplots

    figure = make_subplots(rows=rows, cols=cols, **layout)
    axis = {"linecolor": GREY, "tickcolor": GREY, "ticks": "outside", "ticklen": 4, "automargin": True}
    axis["title"] = {"font": {"size": 13}, "standoff": 8}
    theme = {
        "font": {"family": FONT, "size": 13, "color": INK},
        "paper_bgcolor": "white",
        "plot_bgcolor": "white",
        "margin": {"l": 64, "r": 24, "t": 40, "b": 48},
        "xaxis": {**axis, "showgrid": False, "zeroline": False},
        "yaxis": {**axis, "gridcolor": GRID, "zerolinecolor": GREY, "zerolinewidth": 1},
        "hoverlabel": {"font": {"size": 12}, "namelength": -1},
        "legend": ABOVE,
    }
    return figure.update_layout(template=layouts.Template(layout=theme), height=height)


def line(figure: Figure, row: int, col: int, x: Any, y: Any, name: str, **style: Any) -> None:
    """One line; `style` goes to plotly's Scatter."""
    from plotly.graph_objects import Scatter

    figure.add_trace(Scatter(x=x, y=y, name=name, **{"mode": "lines", **style}), row, col)


def _thin(n: int) -> NDArray[np.int64]:
    return np.unique(np.linspace(0, n - 1, min(n, POINTS)).round().astype(np.int64))


def _styles(names: Iterable[str]) -> dict[str, dict[str, Any]]:
    first, *others = names
    styles: dict[str, dict[str, Any]] = {first: {"color": INK, "width": 2.4}}
    for i, name in enumerate(others):
        styles[name] = {"color": PALETTE[i % len(PALETTE)], "width": 1.3}
    return styles


def fan(
    figure: Figure,
    row: int,
    col: int,
    times: ArrayLike,
    series: Mapping[str, Floats],
    hover: str,
    legend: bool = True,
) -> None:
    """Lines of several strategies, (T,) or (n worlds, T): medians, and a 5% to 95% band around the first."""
    keep = _thin(np.size(times))
    x = np.asarray(times)[keep]
    for name, style in _styles(series).items():
        worlds = np.atleast_2d(series[name])[:, keep]
        if len(worlds) > 1 and style["color"] == INK:
            low, high = np.quantile(worlds, [0.05, 0.95], axis=0)
            _band(figure, row, col, x, low, high, f"{label(name)}, 5% to 95%", BAND, legend)
        extra = {"legendgroup": label(name), "showlegend": legend, "hovertemplate": hover}
        line(figure, row, col, x, np.median(worlds, axis=0), label(name), line=style, **extra)


def _band(
    figure: Figure,
    row: int,
    col: int,
    x: Any,
    low: Floats,
    high: Floats,
    name: str,
    colour: str,
    legend: bool = False,
) -> None:
    edge = {"line": {"width": 0}, "hoverinfo": "skip", "legendgroup": name}
    line(figure, row, col, x, low, "", showlegend=False, **edge)
    line(figure, row, col, x, high, name, showlegend=legend, fill="tonexty", fillcolor=colour, **edge)


def growth(figure: Figure, row: int, col: int, times: ArrayLike, navs: Mapping[str, ArrayLike]) -> None:
    """NAV over first NAV."""
    paths = {name: finite(nav, "NAV") for name, nav in navs.items()}
    fan(figure, row, col, times, {name: nav / nav[..., :1] for name, nav in paths.items()}, "%{y:.3f}")
    worlds = max(len(np.atleast_2d(path)) for path in paths.values())
    title = "Growth of 1" + (f", median of {worlds} worlds" if worlds > 1 else "")
    figure.update_yaxes(title_text=title, tickformat=".2f", row=row, col=col)


def drawdown(figure: Figure, row: int, col: int, times: ArrayLike, navs: Mapping[str, ArrayLike]) -> None:
    """Fraction below the highest NAV so far, downwards."""
    fan(figure, row, col, times, {name: -drawdowns(nav) for name, nav in navs.items()}, "%{y:.1%}", False)
    figure.update_yaxes(title_text="Drawdown", tickformat=".0%", rangemode="tozero", row=row, col=col)


def learning(figure: Figure, row: int, col: int, run: Mapping[str, Any], legend: bool) -> None:
    """Score against steps, with the levels of the rule and the optimum; `run` as in `training_progress`."""
    steps, seeds = np.asarray(run["steps"]), np.atleast_2d(np.asarray(run["score"], dtype=float))
    if len(seeds) > 1:
        _band(figure, row, col, steps, seeds.min(0), seeds.max(0), "seeds", "rgba(0,114,178,0.18)")
    mode = "lines+markers" if steps.size <= 40 else "lines"
    style = {"line": {"color": BLUE, "width": 2}, "marker": {"size": 4}, "mode": mode}
    group = {"legendgroup": "agent", "showlegend": legend}
    line(figure, row, col, steps, np.median(seeds, axis=0), "agent", **style, **group)
    for name, dash, colour in (("rule", "dash", INK), ("optimum", "dot", VERMILLION)):
        level = run.get(name)
        if level is not None and steps.size:
            ends, look = [steps.min(), steps.max()], {"color": colour, "dash": dash, "width": 1.4}
            group = {"legendgroup": name, "showlegend": legend}
            line(figure, row, col, ends, [level] * 2, name, mode="lines", line=look, **group)
    figure.update_xaxes(tickformat="~s", row=row, col=col)
    figure.update_yaxes(title_text=label(run.get("measure") or "Score"), row=row, col=col)


def histogram(figure: Figure, row: int, col: int, returns: ArrayLike, period: str) -> None:
    """Counts of returns, and the normal of the same mean and deviation."""
    from plotly.graph_objects import Bar

    r = finite(returns).ravel()
    counts, edges = np.histogram(r, bins=min(80, max(10, int(2 * r.size ** (1 / 3)))))
    centres, width = (edges[1:] + edges[:-1]) / 2, edges[1] - edges[0]
    style = {"marker": {"color": PALE_BLUE, "line": {"width": 0}}, "showlegend": False}
    hover = "%{x:.2%}: %{y} periods<extra></extra>"
    figure.add_trace(Bar(x=centres, y=counts, width=width, hovertemplate=hover, **style), row, col)
    if (spread := r.std()) > 0:
        x = np.linspace(edges[0], edges[-1], 200)
        density = np.exp(-0.5 * ((x - r.mean()) / spread) ** 2) / (spread * np.sqrt(2 * np.pi))
        line(figure, row, col, x, density * r.size * width, "normal", **NORMAL)
    figure.update_xaxes(title_text=f"Return a {label(period)}", tickformat=".1%", row=row, col=col)
    figure.update_yaxes(title_text=f"Number of {label(period)}s", row=row, col=col)


def quantiles(figure: Figure, row: int, col: int, returns: ArrayLike, period: str) -> None:
    """Ordered returns against normal quantiles, and the line on which a normal lies."""
    r = np.sort(finite(returns).ravel())
    q = ndtri((np.arange(r.size) + 0.5) / r.size)
    # points evenly spaced along the axis, so that the tails keep every one
    even = ndtr(np.linspace(q[0], q[-1], 800)) * r.size - 0.5
    keep = np.unique(even.round().astype(int).clip(0, r.size - 1))
    ends = q[[0, -1]]
    line(figure, row, col, ends, r.mean() + r.std() * ends, "normal", **NORMAL)
    points = {"mode": "markers", "marker": {"color": BLUE, "size": 4}, "showlegend": False}
    hover = "normal quantile %{x:.2f}: %{y:.2%}<extra></extra>"
    line(figure, row, col, q[keep], r[keep], "returns", hovertemplate=hover, **points)
    figure.update_xaxes(title_text="Normal quantile (standard deviations)", row=row, col=col)
    figure.update_yaxes(title_text=f"Return a {label(period)}", tickformat=".1%", row=row, col=col)


def bars(
    figure: Figure,
    row: int,
    col: int,
    names: Sequence[str],
    values: ArrayLike,
    errors: ArrayLike,
    axis_title: str,
    fund_first: bool = True,
) -> None:
    """Horizontal bars with error bars, the first on top and, with `fund_first`, in black."""
    from plotly.graph_objects import Bar

    v, e = np.asarray(values, dtype=float), np.asarray(errors, dtype=float)
    colours = [INK if i == 0 and fund_first else PALE_BLUE for i in range(len(v))]
    style = {"orientation": "h", "width": 0.6, "marker": {"color": colours}, "showlegend": False}
    error = {"type": "data", "array": e, "color": GREY, "thickness": 1.6, "width": 5}
    hover = "%{x:.3g} &plusmn; %{customdata:.2g}<extra>%{y}</extra>"
    shown = [label(name) for name in names]
    figure.add_trace(Bar(y=shown, x=v, error_x=error, customdata=e, hovertemplate=hover, **style), row, col)
    grid = {"showgrid": True, "gridcolor": GRID, "zeroline": True, "zerolinecolor": INK, "zerolinewidth": 1}
    figure.update_xaxes(title_text=label(axis_title), **grid, row=row, col=col)
    figure.update_yaxes(autorange="reversed", showgrid=False, tickcolor="white", row=row, col=col)


def areas(
    figure: Figure,
    row: int,
    col: int,
    times: ArrayLike,
    weights: ArrayLike,
    names: Sequence[str],
    **extra: Any,
) -> None:
    """Weights (T, k) stacked over time; a (n worlds, T, k) array by its mean; lines where one is negative."""
    w = finite(weights, "weight")
    w = w.mean(axis=0) if w.ndim == 3 else w
    keep = _thin(len(w))
    x, stacked = np.asarray(times)[keep], bool((w >= 0).all())
    colours = iter(PALETTE * (1 + len(names) // len(PALETTE)))
    for name, share in zip(names, w[keep].T, strict=True):
        colour = "#C8C8C8" if name == "cash" else next(colours)
        area = {"stackgroup": "one", "fillcolor": colour} if stacked else {}
        edge = {"color": "white" if stacked else colour, "width": 0.5 if stacked else 1.6, "shape": "hv"}
        line(figure, row, col, x, share, label(name), line=edge, hovertemplate="%{y:.1%}", **area, **extra)
    top = {"range": [0, max(1.0, float(w.sum(axis=1).max()))]} if stacked else {}
    figure.update_yaxes(title_text="Share of NAV", tickformat=".0%", **top, row=row, col=col)


def waterfall(
    figure: Figure, row: int, col: int, parts: Mapping[str, float], total_name: str, unit: str
) -> None:
    """Gains and losses in order, their sum last."""
    from plotly.graph_objects import Waterfall

    values = finite(list(parts.values()), "part")
    largest = max(float(np.abs(values).max(initial=0.0)), abs(float(values.sum())))
    scale, suffix = next(step for step in UNITS if largest >= step[0])
    heights = np.append(values, values.sum()) / (scale or 1.0)
    decimals = 2 if np.abs(heights).max() < 10 else 1 if np.abs(heights).max() < 100 else 0
    trace = Waterfall(
        x=[label(name) for name in (*parts, total_name)],
        y=heights,
        measure=["relative"] * len(parts) + ["total"],
        text=[f"{height:+,.{decimals}f}" for height in heights],
        textposition="outside",
        cliponaxis=False,
        increasing={"marker": {"color": BLUE}},
        decreasing={"marker": {"color": VERMILLION}},
        totals={"marker": {"color": INK}},
        connector={"line": {"color": GREY, "width": 1}},
        hovertemplate="%{x}: %{text}<extra></extra>",
        showlegend=False,
    )
    figure.add_trace(trace, row, col)
    of = " ".join(word for word in (label(unit), suffix) if word)
    figure.update_yaxes(title_text="P&amp;L" + (f", {of}" if of else ""), row=row, col=col)
    figure.update_xaxes(tickangle=-30, row=row, col=col)
