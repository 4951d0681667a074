"""Standings, verdicts, cautions and the conclusion: what the numbers say, on facts worked by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from fund.report import findings, tables, tearsheet
from fund.report.findings import standings, verdict
from fund.report.inference import Paired
from fund.report.tearsheet import Report
from tests.report.reports import ALONE, DAYS, DESKS, FULL, NAVS, PROFIT, RETURNS, WORLDS, difference, path


def test_standings_of_worlds_by_hand() -> None:
    fund, rule, _ = standings(FULL)
    assert fund.difference is None
    pooled = RETURNS[1].ravel()
    assert rule.sharpe == pytest.approx(pooled.mean() / pooled.std(ddof=1) * math.sqrt(252), abs=1e-9)
    assert rule.volatility == pytest.approx(pooled.std(ddof=1) * math.sqrt(252), abs=1e-12)
    daily = rule.sharpe / math.sqrt(252)
    wanted = math.sqrt(252 * (1 + daily**2 / 2) / (WORLDS * DAYS))
    assert rule.sharpe_se == pytest.approx(wanted, abs=1e-12)
    growth = np.prod(1 + RETURNS[1], axis=1) ** (252 / DAYS) - 1
    assert rule.annual_return == pytest.approx(growth.mean(), abs=1e-9)
    d = 252 * (RETURNS[0] - RETURNS[1]).mean(axis=1)
    assert rule.difference == Paired(
        pytest.approx(d.mean(), abs=1e-9),
        pytest.approx(d.std(ddof=1) / math.sqrt(WORLDS), abs=1e-9),
        pytest.approx(d.mean() / d.std(ddof=1) * math.sqrt(WORLDS), abs=1e-6),
        WORLDS,
    )


def test_standings_of_one_path_pair_the_days() -> None:
    one = replace(ALONE, times=np.arange(DAYS + 1), navs={n: nav[0] for n, nav in NAVS.items()})
    d = standings(one)[1].difference
    assert d is not None
    assert d.n == DAYS
    days = 252 * (RETURNS[0, 0] - RETURNS[1, 0])
    assert d.mean == pytest.approx(days.mean(), abs=1e-9)
    assert d.se == pytest.approx(days.std(ddof=1) / math.sqrt(DAYS), rel=0.25)


@pytest.mark.parametrize(
    ("d", "wanted"),
    [
        (difference(0.42, 0.1), "better than rule by 4.2 SE"),
        (difference(-0.5, 0.1), "worse than rule by 5.0 SE"),
        (difference(0.29, 0.1), "not distinguishable (+2.9 SE)"),
        (difference(-0.1, 0.1), "not distinguishable (-1.0 SE)"),
        (difference(5.0, 0.1, n=4), "too few pairs to tell (n = 4)"),
        (Paired(0.0, 0.0, math.nan, 100), "same as rule"),
        (Paired(0.1, 0.0, math.inf, 100), "better than rule in every pair alike"),
        (Paired(0.1, math.nan, math.nan, 1), "too few pairs to tell (n = 1)"),
    ],
)
def test_verdicts(d: Paired, wanted: str) -> None:
    assert verdict(d) == wanted


def test_above_the_optimum_is_a_fault() -> None:
    leak = replace(DESKS[0], against_optimum=difference(1.0, 0.2))
    assert findings.desk_verdict(leak) == "above the optimum by 5.0 SE: look for a leak"
    assert any(
        "market making: above the optimum" in text for text in findings.cautions(replace(FULL, desks=(leak,)))
    )
    assert findings.desk_verdict(DESKS[0]) == "better than rule by 70.0 SE"
    assert DESKS[0].gap_closed == pytest.approx(7 / 8)
    assert math.isnan(DESKS[1].gap_closed)


def test_deflated_sharpe_is_that_of_the_paper() -> None:
    """AL-9 through the report: annual SR 2.5, T = 1250, V = 1/2 a year, N = 100; a normal's moments instead."""
    r = np.random.default_rng(1).normal(size=1250)
    r = (r - r.mean()) / r.std(ddof=1) * 0.01 + 0.01 * 2.5 / math.sqrt(250)
    report = replace(ALONE, times=np.arange(1251), navs={"fund": path(r)}, periods_per_year=250)
    z = (2.5 / math.sqrt(250) - 0.1132) * math.sqrt(1249)
    assert findings.deflated(replace(report, trials=100, trial_variance=0.5)) == pytest.approx(
        0.5 * math.erfc(-z / math.sqrt(2)), abs=0.01
    )
    assert findings.deflated(report) > 0.9999


def test_cautions() -> None:
    assert findings.cautions(FULL)[0] == "The first day is missing."
    many = replace(FULL, trials=100_000, trial_variance=4.0, pbo=0.55, warnings=())
    luck, overfit = findings.cautions(many)
    assert "after 100,000 trials" in luck
    assert "overfitting 0.55" in overfit


def test_attribution_that_does_not_add_up_shows_it() -> None:
    assert findings.residual(FULL) == 0.0
    short = replace(FULL, attribution={"market_making": PROFIT - 500})
    assert findings.residual(short) == pytest.approx(500, abs=1e-6)
    assert any("500" in text and "does not add up" in text for text in findings.cautions(short))
    assert [row[0] for row in tables.attribution(short).rows] == ["market making", "unexplained", "Fund P&L"]
    assert trace_sum(short) == pytest.approx(PROFIT, abs=1e-6)


def trace_sum(report: Report) -> float:
    bars = tearsheet.figures(report)["attribution"].data[0]
    scale = 1e3 if abs(PROFIT) < 1e6 else 1e6
    return float(bars.y[-1]) * scale


def test_conclusion_does_not_praise_more_risk() -> None:
    calm = path(RETURNS[0])
    bold = path(3.0 * RETURNS[0] + np.where(np.arange(DAYS) % 2 == 0, 0.02, -0.02))
    text = findings.conclusion(replace(FULL, navs={"fund": bold, "calm": calm}))
    assert "below that of calm, the best rule by Sharpe ratio: worse than calm by" in text
    assert "a year more, at" in text and "times its volatility" in text


def test_conclusion_names_the_best_rule() -> None:
    navs = {"fund": NAVS["fund"], "bad": path(RETURNS[1] - 2e-3), "flat": np.full_like(NAVS["fund"], 1e6)}
    text = findings.conclusion(replace(FULL, navs=navs))
    assert "Against flat, the best rule by Sharpe ratio, it made" in text
    assert findings.conclusion(ALONE).startswith("The fund returned")
    assert "nan" not in findings.conclusion(ALONE)
