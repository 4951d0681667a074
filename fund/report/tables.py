"""The tables of a report, as text, in one form for HTML, Markdown and the terminal."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from fund.report import findings, metrics
from fund.report.contents import Report
from fund.report.samples import contributions
from fund.report.wealth import Floats, simple_returns
from fund.report.wording import NONE, money, number, percent, plus_minus, ratio, shown


@dataclass(frozen=True)
class Table:
    """A table of texts; `align` has one letter a column, l or r; `total` marks the last row as a sum.

    A second line in a cell says more about the first.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    align: str
    note: str = ""
    total: bool = False

    def pick(self, *columns: str) -> Table:
        """The same table with only these columns."""
        at = [self.columns.index(column) for column in columns]
        rows = tuple(tuple(row[i] for i in at) for row in self.rows)
        return Table(self.title, columns, rows, "".join(self.align[i] for i in at), self.note, self.total)


def headline(report: Report) -> Table:
    """The fund against each rule."""
    columns = (
        "Strategy",
        "Return a year",
        "Volatility",
        "Sharpe ratio",
        "Max drawdown",
        "Return difference",
        "Sharpe difference",
        "By Sharpe ratio, fund is",
    )
    rows = []
    for line in findings.standings(report):
        d, s = line.difference, line.sharpe_difference
        rows.append(
            (
                shown(line.name),
                percent(line.annual_return),
                percent(line.volatility),
                ratio(line.sharpe, line.sharpe_se),
                percent(line.max_drawdown),
                plus_minus(d.mean, d.se, 100, "%") if d else "",
                plus_minus(s.mean, s.se) if s else "",
                findings.verdict(s) if s else findings.verdict(d) if d else "",
            )
        )
    return Table("Fund against its rules", columns, tuple(rows), "lrrrrrrl", _headline_note(report))


def _headline_note(report: Report) -> str:
    played = f"{report.worlds} worlds of" if report.worlds > 1 else "One path of"
    trials = f"{report.trials:,} trial{'s' if report.trials != 1 else ''}"
    pbo = "not computed" if report.pbo is None else f"{report.pbo:.2f}"
    chance = number(findings.deflated(report), 3)
    return (
        f"{played} {report.years:.1f} years, net of costs. ± is one standard error: Sharpe ratios after Lo (2002), "
        "differences paired on the same tapes, those of Sharpe ratios after Ledoit & Wolf (2008). "
        f"Deflated Sharpe ratio of the fund {chance} with {trials}; probability of backtest overfitting {pbo}. "
        f"A difference counts from {findings.CLEAR:.0f} standard errors on."
    )


def desks(report: Report) -> Table:
    """Each agent against its best rule and, where known, the optimum; a second line says of what."""
    columns = (
        "Desk",
        "Agent",
        "Best rule",
        "Optimum",
        "Agent minus rule",
        "Agent is",
        "P&L of agent",
        "P&L of rule",
    )
    rows = []
    for desk in report.desks:
        best = "" if desk.optimum is None else number(desk.optimum)
        gap = f"\n{percent(desk.gap_closed, 0)} of gap closed" if math.isfinite(desk.gap_closed) else ""
        rows.append(
            (
                f"{shown(desk.name)}\n{desk.measure}",
                f"{number(desk.score)}\n{desk.algorithm}",
                f"{number(desk.rule_score)}\n{shown(desk.rule)}",
                best + gap,
                f"{plus_minus(desk.difference.mean, desk.difference.se)}\n{desk.difference.n:,} pairs",
                findings.desk_verdict(desk),
                "" if desk.profit is None else percent(desk.profit, 2),
                "" if desk.rule_profit is None else percent(desk.rule_profit, 2),
            )
        )
    note = (
        "Scores of agent, rule and optimum on the same tapes; gap closed: (agent - rule)/(optimum - rule). "
        "P&L: mean of an episode over the desk's capital, which a desk that is charged with risk does not maximise."
    )
    return Table("Desks: agent against rule", columns, tuple(rows), "lrrrrlrr", note)


def contribution(report: Report) -> Table:
    """What each desk adds to the fund's return and risk."""
    columns = ("Desk", "Return a year", "Volatility", "Correlation with sum", "Share of risk")
    year = report.periods_per_year
    parts = {name: np.ravel(part) for name, part in report.contributions.items()}
    rows = tuple(
        (
            shown(name),
            percent(part["mean"] * year, 2),
            percent(part["std"] * math.sqrt(year), 2),
            f"{part['correlation']:.2f}" if math.isfinite(part["correlation"]) else NONE,
            percent(part["risk_share"], 0),
        )
        for name, part in contributions(parts).items()
    )
    note = "P&L of each desk over the fund's NAV; share of risk = covariance with the sum over its variance."
    return Table("Contribution of each desk", columns, rows, "lrrrr", note)


def attribution(report: Report) -> Table:
    """Where the fund's P&L came from, adding up to its NAV."""
    start = float(np.mean(report.nav(report.fund)[..., 0]))
    parts = dict(report.attribution)
    if left := findings.residual(report):
        parts["unexplained"] = left
    parts["Fund P&L"] = report.profit
    rows = tuple((shown(name), money(part), percent(part / start, 2)) for name, part in parts.items())
    columns = ("Source", f"P&L {report.currency}".strip(), "Of first NAV")
    over = f", mean of {report.worlds} worlds" if report.worlds > 1 else ""
    return Table(
        "Attribution", columns, rows, "lrr", f"Whole horizon{over}. The last line is the ledger's.", True
    )


def costs(report: Report) -> Table:
    """What was paid, by whom and for what."""
    kinds = list(dict.fromkeys(kind for paid in report.costs.values() for kind in paid))
    lines = {shown(name): [paid.get(kind, 0.0) for kind in kinds] for name, paid in report.costs.items()}
    lines["Total"] = [math.fsum(column) for column in zip(*lines.values(), strict=True)]
    nav_years = float(np.mean(report.nav(report.fund))) * report.years
    rows = tuple(
        (name, *map(money, paid), money(math.fsum(paid)), f"{1e4 * math.fsum(paid) / nav_years:.1f}")
        for name, paid in lines.items()
    )
    columns = ("Paid by", *map(shown, kinds), "Total", "bp of NAV a year")
    unit = f"In {report.currency}, money" if report.currency else "Money"
    return Table("Costs", columns, rows, "l" + "r" * (len(columns) - 1), f"{unit} paid is positive.", True)


STATISTICS: tuple[tuple[str, str, Callable[[float], str]], ...] = (
    ("Total return", "total_return", percent),
    ("Sortino ratio", "sortino", lambda x: number(x, 3)),
    ("Calmar ratio", "calmar", lambda x: number(x, 3)),
    ("VaR 95%", "var_95", lambda x: percent(x, 2)),
    ("CVaR 95%", "cvar_95", lambda x: percent(x, 2)),
    ("Winning periods", "win_rate", percent),
    ("Profit factor", "profit_factor", lambda x: number(x, 3)),
    ("Average win", "average_win", lambda x: percent(x, 2)),
    ("Average loss", "average_loss", lambda x: percent(x, 2)),
    ("Largest win", "largest_win", lambda x: percent(x, 2)),
    ("Largest loss", "largest_loss", lambda x: percent(x, 2)),
    ("Skew", "skew", lambda x: f"{x:.2f}" if math.isfinite(x) else NONE),
    ("Kurtosis (normal: 3)", "kurtosis", lambda x: f"{x:.1f}" if math.isfinite(x) else NONE),
)


def statistics(report: Report) -> Table:
    """Risk and return of every strategy in detail."""
    found = {
        name: metrics.summary(simple_returns(report.nav(name)), report.periods_per_year)
        for name in report.navs
    }
    rows = tuple(
        (title, *(show(_mean(summary[key])) for summary in found.values())) for title, key, show in STATISTICS
    )
    over = f" Means over {report.worlds} worlds." if report.worlds > 1 else ""
    note = f"Per {report.period} unless a year is named; losses are positive numbers.{over}"
    columns = ("Statistic", *map(shown, report.navs))
    return Table("Risk and return in detail", columns, rows, "l" + "r" * len(report.navs), note)


def _mean(values: Floats) -> float:
    known = np.atleast_1d(values)[np.isfinite(np.atleast_1d(values))]
    return float(known.mean()) if known.size else math.nan


def provenance(report: Report) -> Table:
    """What was run, and on what."""
    run = report.run
    minutes, seconds = divmod(round(run.wall_time_s), 60)
    facts = {
        "Command": run.command,
        "Seed": str(run.seed),
        "When": run.when,
        "Wall time": f"{minutes} min {seconds} s" if minutes else f"{run.wall_time_s:.1f} s",
        "Hardware": run.hardware,
        "Data": run.data,
        "Data hash": run.data_hash,
        "Git commit": run.git_commit,
        "Versions": ", ".join(f"{name} {version}" for name, version in run.versions.items()),
    }
    rows = tuple((name, fact) for name, fact in facts.items() if fact)
    return Table("What was run, and on what", ("Fact", "Value"), rows, "ll")


def all_tables(report: Report) -> Iterable[Table]:
    """Every table for which the report holds facts, in reading order."""
    yield headline(report)
    if report.desks:
        yield desks(report)
    if report.contributions:
        yield contribution(report)
    if report.attribution:
        yield attribution(report)
    if report.costs:
        yield costs(report)
    yield statistics(report)
    yield provenance(report)
