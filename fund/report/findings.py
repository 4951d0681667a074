"""What the facts of a report say: standings, verdicts, cautions.

With one world, a difference of strategies is the annualised mean of their daily differences and its standard
error that of Newey & West; with n worlds it is the mean over worlds, with the standard error between worlds.
Sharpe ratio and volatility are those of all periods of all worlds together, with Lo's standard error; annual
return and largest drawdown are means over worlds. The deflated Sharpe ratio takes skew and kurtosis from the
same
returns.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fund.errors import DataError
from fund.report import metrics
from fund.report.contents import Desk, Report
from fund.report.inference import (
    Paired,
    deflated_sharpe,
    newey_west_lags,
    paired,
    sharpe_difference,
    sharpe_se,
)
from fund.report.wealth import Floats, simple_returns
from fund.report.wording import percent, plus_minus, ratio, shown

CLEAR = 3.0  # standard errors from which on a difference counts
FEW = 5  # pairs below which no difference counts
SURE = 0.95  # deflated Sharpe ratio that is asked for
LUCK = 0.5  # probability of backtest overfitting of a coin


@dataclass(frozen=True)
class Standing:
    """One strategy's line: annual figures, and the fund minus it in annual return and Sharpe ratio."""

    name: str
    annual_return: float
    volatility: float
    sharpe: float
    sharpe_se: float
    max_drawdown: float
    difference: Paired | None  # none for the fund itself
    sharpe_difference: Paired | None  # none, too, where a strategy does not vary


def standings(report: Report) -> tuple[Standing, ...]:
    """A line for the fund and for each rule, in the order of `report.navs`."""
    year = report.periods_per_year
    fund = simple_returns(report.nav(report.fund))
    lines = []
    for name in report.navs:
        r = simple_returns(report.nav(name))
        ratio = float(metrics.sharpe(r.ravel(), year))
        lines.append(
            Standing(
                name=name,
                annual_return=float(np.mean(metrics.annual_return(r, year))),
                volatility=float(metrics.annual_volatility(r.ravel(), year)),
                sharpe=ratio,
                sharpe_se=float(sharpe_se(ratio, r.size, year)),
                max_drawdown=float(np.mean(metrics.max_drawdown(r))),
                difference=None if name == report.fund else _difference(fund, r, year),
                sharpe_difference=None if name == report.fund else _sharpe_difference(fund, r, year),
            )
        )
    return tuple(lines)


def _difference(fund: Floats, rule: Floats, year: float) -> Paired:
    if fund.ndim == 2 and len(fund) > 1:
        return paired(year * fund.mean(axis=1), year * rule.mean(axis=1))
    return paired(year * fund.ravel(), year * rule.ravel(), newey_west_lags(fund.size))


def _sharpe_difference(fund: Floats, rule: Floats, year: float) -> Paired | None:
    try:
        return sharpe_difference(fund.ravel(), rule.ravel(), year, newey_west_lags(fund.shape[-1]))
    except DataError:
        return None


def deflated(report: Report) -> float:
    """Deflated Sharpe ratio of the fund, for the number of trials that the report states."""
    r = simple_returns(report.nav(report.fund)).ravel()
    variance = report.trial_variance / report.periods_per_year
    skew, kurtosis = float(metrics.skew(r)), float(metrics.kurtosis(r))
    return float(deflated_sharpe(metrics.sharpe(r, 1.0), r.size, report.trials, variance, skew, kurtosis))


def best_rule(lines: tuple[Standing, ...], bounds: tuple[str, ...] = ()) -> Standing | None:
    """The rule of the highest Sharpe ratio (0 for one without risk); none where the fund stands alone."""
    rules = [line for line in lines if line.difference is not None and line.name not in bounds]
    return max(rules, key=lambda line: 0.0 if math.isnan(line.sharpe) else line.sharpe, default=None)


def verdict(difference: Paired, rival: str = "rule") -> str:
    """A paired difference in words: better or worse by so many standard errors, or not distinguishable."""
    if difference.se == 0.0 and difference.mean == 0.0:
        return f"same as {rival}"
    if difference.n < FEW or math.isnan(difference.t):
        return f"too few pairs to tell (n = {difference.n})"
    if abs(difference.t) < CLEAR:
        return f"not distinguishable ({difference.t:+.1f} SE)"
    word = "better" if difference.t > 0 else "worse"
    if math.isinf(difference.t):
        return f"{word} than {rival} in every pair alike"
    return f"{word} than {rival} by {abs(difference.t):.1f} SE"


def above_optimum(desk: Desk) -> bool:
    """Whether the agent scores above the optimum by more than chance: a fault, not a triumph."""
    return desk.against_optimum is not None and desk.against_optimum.t > CLEAR


def desk_verdict(desk: Desk) -> str:
    """Verdict on a desk's agent."""
    if above_optimum(desk) and desk.against_optimum is not None:
        return f"above the optimum by {desk.against_optimum.t:.1f} SE: look for a leak"
    return verdict(desk.difference)


def residual(report: Report) -> float:
    """The fund's P&L that the attribution leaves unexplained; 0 within 1e-9 of the money at stake."""
    if not report.attribution:
        return 0.0
    left = report.profit - math.fsum(report.attribution.values())
    stake = max(float(np.abs(report.nav(report.fund)).max()), max(map(abs, report.attribution.values())))
    return left if abs(left) > 1e-9 * stake else 0.0


def cautions(report: Report) -> tuple[str, ...]:
    """The report's own warnings, then what its numbers warn of."""
    found = [f"{shown(desk.name)}: {desk_verdict(desk)}." for desk in report.desks if above_optimum(desk)]
    if left := residual(report):
        found.append(f"The attribution does not add up: {left:,.6g} {report.currency} is unexplained.")
    if (chance := deflated(report)) < SURE:
        of = "one trial" if report.trials == 1 else f"{report.trials:,} trials"
        found.append(f"Deflated Sharpe ratio {chance:.2f} after {of}: below {SURE}, luck is not ruled out.")
    if report.pbo is not None and report.pbo >= LUCK:
        of = f"Probability of backtest overfitting {report.pbo:.2f}"
        found.append(f"{of}: choosing by backtest is no better than chance.")
    return (*report.warnings, *found)


def conclusion(report: Report) -> str:
    """What the page says first: the fund, then what it is beside the best rule for the risk taken, then in return."""
    lines = standings(report)
    fund, rule = lines[0], best_rule(lines, report.bounds)
    risk = f"{percent(fund.volatility)} volatility (Sharpe ratio {ratio(fund.sharpe, fund.sharpe_se)})"
    text = f"The {shown(fund.name)} returned {percent(fund.annual_return)} a year at {risk}."
    if rule is None or rule.difference is None:
        return text
    d, s = rule.difference, rule.sharpe_difference
    size = f"{plus_minus(abs(d.mean), d.se, 100, '%').lstrip('+')} a year {'more' if d.mean >= 0 else 'less'}"
    named = f"{shown(rule.name)}, the best rule by Sharpe ratio"
    if s is None or not math.isfinite(s.mean):
        return f"{text} Against {named}, it made {size}: {verdict(d, shown(rule.name))}."
    # return alone would call a fund better that only took more risk
    apart = f"{plus_minus(abs(s.mean), s.se).lstrip('+')} {'above' if s.mean >= 0 else 'below'}"
    judged = verdict(s, shown(rule.name))
    level = (
        f"{fund.volatility / rule.volatility:.1f} times its volatility"
        if rule.volatility > 0
        else "no less risk"
    )
    beside = f"its Sharpe ratio is {apart} that of {named}: {judged}"
    return f"{text} For the risk taken, {beside}; it made {size}, at {level}."
