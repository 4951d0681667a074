"""Reports on hand-made facts: one with every part, one with nothing but a NAV."""

import numpy as np

from fund.report.inference import Paired
from fund.report.tearsheet import Desk, Progress, Provenance, Report

DAYS, WORLDS = 504, 20
RETURNS = np.random.default_rng(0).normal(4e-4, 6e-3, (3, WORLDS, DAYS))
RUN = Provenance(
    command="python -m fund run --seed -3",
    seed=-3,
    git_commit="0123abcd",
    wall_time_s=134.4,
    hardware="2 cores",
    data="generated",
    data_hash="sha256 99ff",
    versions={"numpy": "2.4.6", "torch": "2.13.0"},
    when="2026-11-21 04:00 UTC",
)


def path(r: np.ndarray) -> np.ndarray:
    return 1e6 * np.concatenate([np.ones((*r.shape[:-1], 1)), np.cumprod(1 + r, axis=-1)], axis=-1)


def difference(mean: float, se: float, n: int = 1000) -> Paired:
    return Paired(mean, se, mean / se, n)


DESKS = (
    Desk(
        "market_making",
        "DDPG",
        measure="CARA utility",
        score=64.0,
        rule="symmetric",
        rule_score=57.0,
        difference=difference(7.0, 0.1),
        optimum=65.0,
        against_optimum=difference(-1, 0.2),
        profit=0.0012,
        rule_profit=0.0034,
    ),
    Desk("factor_tracking", "DQN", "net return", 0.03, "equal_long", 0.031, difference(-0.001, 0.002)),
    Desk("fx_arbitrage", "DDPG", "net return", 0.02, "carry", 0.05, difference(-0.03, 0.005)),
)
NAVS = {"fund": path(RETURNS[0]), "equal_weight": path(RETURNS[1]), "ERC": path(RETURNS[2])}
PROFIT = float(np.mean(NAVS["fund"][:, -1] - 1e6))
FULL = Report(
    title="A fund",
    subtitle="Generated markets, out of sample.",
    times=np.arange(DAYS + 1),
    navs=NAVS,
    periods_per_year=252,
    run=RUN,
    currency="USD",
    trials=12,
    trial_variance=0.3,
    pbo=0.25,
    desks=DESKS,
    weights=np.full((DAYS, 3), 1 / 3),
    weight_names=("market_making", "factor_tracking", "cash"),
    attribution={"market_making": PROFIT + 4000, "execution": -4000.0},
    costs={"market_making": {"fees": 1200.0, "rebates": -200.0}, "execution": {"spread": 4000.0}},
    contributions={"market_making": RETURNS[0, 0] * 0.7, "factor_tracking": RETURNS[0, 0] * 0.3},
    progress={"market_making": Progress([0, 10_000], [1.0, 60.0], "CARA utility", 57.0, 65.0)},
    warnings=("The first day is missing.",),
)
ALONE = Report("Alone", "", np.arange(3), {"fund": [1.0, 1.02, 1.01]}, 252, RUN)
