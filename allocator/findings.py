"""The fund's report from what was played."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from allocator.cio import DESKS
from allocator.desks import Judged
from allocator.fund_play import FundPlayed
from fund.report import metrics
from fund.report.contents import Desk, Provenance, Report
from fund.report.findings import FEW
from fund.report.inference import paired
from fund.report.resampling import pbo

PBO_BLOCKS = 10
BOUND = "regime oracle (upper bound)"  # how the report calls it
FEWEST_DAYS = 100  # for a probability of backtest overfitting


def fund_report(
    subtitle: str,
    judged: Mapping[str, Judged],
    plays: Mapping[str, FundPlayed],
    run: Provenance,
    trials: int,
    times: np.ndarray[tuple[int], np.dtype[np.generic]] | None = None,
    warnings: tuple[str, ...] = (),
) -> Report:
    """All facts of a run; the first of `plays` is the fund."""
    fund = next(iter(plays.values()))
    days = fund.nav.shape[1]
    tried = {key: played for key, played in plays.items() if key != BOUND}
    sharpes = [float(metrics.sharpe(p.returns.ravel(), 252.0)) for p in tried.values()]
    return Report(
        title="Fund out of sample",
        subtitle=subtitle,
        times=np.arange(days) if times is None else times,
        navs={key: played.nav for key, played in plays.items()},
        periods_per_year=252.0,
        run=run,
        time_title="Trading day" if times is None else "Date",
        currency="USD",
        trials=max(trials, len(tried)),
        bounds=(BOUND,),
        trial_variance=float(np.nanvar(sharpes, ddof=1)),
        pbo=_overfitting(tried),
        desks=(*(one.desk for one in judged.values()), *_allocator(tried)),
        weights=fund.weights,
        weight_names=DESKS,
        attribution=_attribution(fund),
        costs=_costs(fund),
        contributions={d: part / fund.nav[:, :-1] for d, part in fund.contributions.items()},
        progress={key: one.progress for key, one in judged.items()},
        warnings=(*_players(judged), *warnings),
    )


def _allocator(tried: Mapping[str, FundPlayed]) -> tuple[Desk, ...]:
    """The CIO as one more agent: what it is paid for, beside the rule that is paid most on the same worlds."""
    fund, *_ = tried.values()
    if len(fund.reward) < FEW:
        return ()
    best = max(list(tried)[1:], key=lambda name: float(tried[name].reward.mean()))
    rule = tried[best]
    capital = fund.nav[0, 0]
    return (
        Desk(
            name="cio_allocator",
            algorithm="PPO",
            measure="reward over a world",
            score=float(fund.reward.mean()),
            rule=best,
            rule_score=float(rule.reward.mean()),
            difference=paired(fund.reward, rule.reward),
            profit=float(fund.nav[:, -1].mean() / capital - 1.0),
            rule_profit=float(rule.nav[:, -1].mean() / capital - 1.0),
        ),
    )


def _attribution(fund: FundPlayed) -> dict[str, float]:
    parts = {desk: float(part.sum(axis=1).mean()) for desk, part in fund.contributions.items()}
    return {**parts, "moving capital": -float(fund.fees.mean()), "interest": float(fund.interest.mean())}


def _costs(fund: FundPlayed) -> dict[str, dict[str, float]]:
    desks = {
        desk: {
            "spread and impact" if kind == "execution" else kind: float(paid.mean())
            for kind, paid in kinds.items()
        }
        for desk, kinds in fund.costs.items()
    }
    return {**desks, "CIO": {"moving capital": float(fund.fees.mean())}}


def _players(judged: Mapping[str, Judged]) -> tuple[str, ...]:
    return tuple(
        f"{name} is played by its rule {one.player}: on the selection episodes the agent was not better."
        for name, one in judged.items()
        if one.player != "agent"
    )


def _overfitting(plays: Mapping[str, FundPlayed]) -> float | None:
    returns = np.stack([played.returns[0] for played in plays.values()], axis=1)
    if len(returns) < FEWEST_DAYS:
        return None
    return float(pbo(returns, PBO_BLOCKS).probability)
