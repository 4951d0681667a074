"""Figures: the numbers that they show, their units, and names that are only text."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from scipy import stats

from fund.errors import DataError
from fund.report import plots
from fund.report.panels import PALETTE, POINTS


def trace(figure: Any, name: str, which: int = 0) -> Any:
    return [t for t in figure.data if t.name == name][which]


def axis_titles(figure: Any) -> set[str]:
    axes = [figure.layout[key] for key in figure.layout if key.startswith(("xaxis", "yaxis"))]
    return {axis.title.text for axis in axes if axis.title.text}


def test_importing_the_plots_does_not_import_plotly() -> None:
    code = (
        "import sys, fund.report.tearsheet; sys.exit('plotly' in sys.modules or 'scipy.stats' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_equity_and_drawdown() -> None:
    figure = plots.equity([0, 1, 2, 3], {"fund": [200, 220, 110, 165], "equal_weight": [10, 10, 10, 11]})
    assert trace(figure, "fund").y.tolist() == pytest.approx([1, 1.1, 0.55, 0.825])
    assert trace(figure, "fund", 1).y.tolist() == pytest.approx([0, 0, -0.5, -0.25])
    assert trace(figure, "equal weight").y.tolist() == pytest.approx([1, 1, 1, 1.1])
    assert trace(figure, "fund").line.width > trace(figure, "equal weight").line.width
    assert {"Growth of 1", "Drawdown", "Trading day"} <= axis_titles(figure)


def test_equity_of_many_worlds_is_their_median_with_a_band() -> None:
    nav = np.ones((101, 3)) * np.arange(101)[:, None] / 100 + 1
    nav[:, 0] = 1.0
    figure = plots.equity([0, 1, 2], {"fund": nav, "rule": nav})
    assert trace(figure, "fund").y.tolist() == pytest.approx([1, 1.5, 1.5])
    assert trace(figure, "fund, 5% to 95%").y.tolist() == pytest.approx([1, 1.95, 1.95])
    assert not [t for t in figure.data if t.name == "rule, 5% to 95%"]
    assert "Growth of 1, median of 101 worlds" in axis_titles(figure)


def test_dates_and_long_series() -> None:
    days = np.datetime64("2020-01-01") + np.arange(10_000)
    nav = np.linspace(1, 2, 10_000)
    line = trace(plots.equity(days, {"fund": nav}, "Date"), "fund")
    assert len(line.x) == len(line.y) <= POINTS
    assert line.y[0] == 1.0
    assert line.y[-1] == 2.0
    assert np.datetime64(line.x[-1], "D") == days[-1]


def test_nav_that_is_not_a_number_is_refused() -> None:
    with pytest.raises(DataError, match="NAV at index 1 "):
        plots.equity([0, 1], {"fund": [1.0, float("nan")]})


def test_distribution() -> None:
    r = np.random.default_rng(0).standard_t(4, 3000) / 100
    figure = plots.returns_distribution(r, "fund", "hour")
    bars = next(t for t in figure.data if t.type == "bar")
    assert bars.y.sum() == 3000
    points = trace(figure, "returns")
    (theory, ordered), _ = stats.probplot(r)
    assert np.allclose(np.interp(points.x, theory, ordered)[5:-5], points.y[5:-5], atol=2e-3)
    assert points.y[[0, -1]].tolist() == [r.min(), r.max()]
    line = trace(figure, "normal", 1)
    assert (line.y[1] - line.y[0]) / (line.x[1] - line.x[0]) == pytest.approx(r.std())
    normal = trace(figure, "normal")
    assert np.trapezoid(normal.y, normal.x) / bars.width == pytest.approx(3000, rel=0.01)
    assert {"Return a hour", "Number of hours"} <= axis_titles(figure)


@pytest.mark.parametrize("returns", [[0.01], [0.0, 0.0, 0.0]])
def test_distribution_of_nothing_much(returns: list[float]) -> None:
    figure = plots.returns_distribution(returns)
    assert next(t for t in figure.data if t.type == "bar").y.sum() == len(returns)


def test_comparison_has_error_bars_and_a_zone() -> None:
    figure = plots.comparison(["fund", "equal_weight"], [1.2, 0.7], [0.3, 0.2], "Sharpe ratio a year")
    bars = figure.data[0]
    assert list(bars.y) == ["fund", "equal weight"]
    assert bars.x.tolist() == [1.2, 0.7]
    assert bars.error_x.array.tolist() == [0.3, 0.2]
    assert bars.marker.color[0] != bars.marker.color[1]
    assert figure.layout.yaxis.autorange == "reversed"
    zone = plots.comparison(["a", "b"], [5, -1], [1, 1], "standard errors", band=3.0).layout.shapes[0]
    assert (zone.x0, zone.x1) == (-3.0, 3.0)


def test_weights_are_stacked_unless_short() -> None:
    w = np.array([[0.2, 0.5, 0.3], [0.1, 0.6, 0.3]])
    figure = plots.weights([0, 1], w, ("market_making", "fx_arbitrage", "cash"))
    assert [t.stackgroup for t in figure.data] == ["one"] * 3
    assert pytest.approx(w) == np.array([t.y for t in figure.data]).T
    assert figure.layout.yaxis.tickformat == ".0%"
    short = plots.weights([0, 1], w - 0.25, ("a", "b", "c"))
    assert [t.stackgroup for t in short.data] == [None] * 3
    mean = plots.weights([0, 1], np.stack([w, w + 0.2]), ("a", "b", "c"))
    assert mean.data[1].y.tolist() == pytest.approx([0.6, 0.7])


def test_seven_desks_and_cash_have_eight_colours() -> None:
    names = [*"abcdefg", "cash"]
    figure = plots.weights([0, 1], np.full((2, 8), 0.125), names)
    assert len({t.fillcolor for t in figure.data}) == 8
    okabe_ito = {"#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442"}
    assert set(PALETTE[:7]) == okabe_ito


def test_attribution_adds_up() -> None:
    figure = plots.attribution({"market_making": 3e6, "execution": -5e5}, unit="USD")
    bars = figure.data[0]
    assert list(bars.x) == ["market making", "execution", "Fund P&amp;L"]
    assert bars.y.tolist() == pytest.approx([3.0, -0.5, 2.5])
    assert list(bars.measure) == ["relative", "relative", "total"]
    assert list(bars.text) == ["+3.00", "-0.50", "+2.50"]
    assert axis_titles(figure) == {"P&amp;L, USD m"}
    assert plots.attribution({"a": 120.0, "b": -20.0}).data[0].text[-1] == "+100"
    assert plots.attribution({}).data[0].y.tolist() == [0.0]


def test_training_progress() -> None:
    runs = {
        "market_making": {"steps": [0, 10], "score": [[1, 2], [3, 6], [5, 7]], "rule": 2.5, "optimum": 8.0},
        "fx_arbitrage": {"steps": [0, 5], "score": [0.1, 0.2], "measure": "return a year"},
        "a": {"steps": [0], "score": [1]},
        "b": {"steps": [0], "score": [1], "rule": None},
    }
    figure = plots.training_progress(runs)
    assert trace(figure, "agent").y.tolist() == [3, 6]
    assert trace(figure, "seeds").y.tolist() == [5, 7]
    assert list(trace(figure, "rule").y) == [2.5, 2.5]
    assert list(trace(figure, "optimum").y) == [8.0, 8.0]
    assert len([t for t in figure.data if t.name == "rule"]) == 1
    assert {a.text for a in figure.layout.annotations} == {"market making", "fx arbitrage", "a", "b"}
    assert {"Environment steps", "return a year", "Score"} <= axis_titles(figure)
    assert sum(bool(t.showlegend) for t in figure.data if t.name == "agent") == 1


def test_dashboard_holds_all_panels() -> None:
    rng = np.random.default_rng(1)
    navs = {name: np.cumprod(1 + rng.normal(0, 0.01, 50)) for name in ("fund", "rule")}
    figure = plots.dashboard(
        np.arange(50), navs, np.full((49, 2), 0.5), ("a", "b"), {"a": 2.0, "b": -1.0}, 252
    )
    titles = ["Growth", "Drawdown", "Weights", "Sharpe ratios", "Returns of the fund", "Attribution"]
    assert [a.text for a in figure.layout.annotations] == titles
    assert {t.type for t in figure.data} == {"scatter", "bar", "waterfall"}
    r = navs["rule"][1:] / navs["rule"][:-1] - 1
    bars = next(t for t in figure.data if t.type == "bar" and t.orientation == "h")
    assert bars.x[1] == pytest.approx(r.mean() / r.std(ddof=1) * np.sqrt(252))


def test_names_are_text_and_never_markup() -> None:
    bad = "<b>x</b><script>alert(1)</script>"
    drawn = [
        plots.equity([0, 1], {bad: [1, 2]}, bad),
        plots.returns_distribution([0.1, 0.2], bad, bad),
        plots.comparison([bad], [1], [1], bad),
        plots.weights([0], [[1.0]], [bad], bad),
        plots.attribution({bad: 1.0}, bad, bad),
        plots.training_progress({bad: {"steps": [0], "score": [1], "measure": bad}}),
        plots.dashboard([0, 1, 2], {bad: [1, 2, 3]}, [[1.0], [1.0]], [bad], {bad: 1.0}, 252, bad, bad),
    ]
    for figure in drawn:
        text = figure.to_json().replace("\\u003c", "<")
        assert "<b>" not in text
        assert "<script" not in text
        assert "&lt;b&gt;x" in text.replace("\\u0026", "&")
