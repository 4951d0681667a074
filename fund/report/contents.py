"""What a report is made from: plain frozen records of arrays, numbers and names.

A report holds facts only. Every statistic that it shows is computed from them (`fund.report.findings`), so
that no two tables can disagree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fund.errors import DataError
from fund.report.inference import Paired
from fund.report.wealth import Floats, finite


@dataclass(frozen=True)
class Desk:
    """One desk's agent against its best rule, on the same tapes; a higher score is better."""

    name: str
    algorithm: str  # PPO, DDPG, DQN, or "rule" where nothing is trained
    measure: str  # what a score is, with its unit
    score: float  # of the agent
    rule: str  # name of the best rule
    rule_score: float
    difference: Paired  # agent minus rule
    optimum: float | None = None  # score of the known optimum on the same grid
    against_optimum: Paired | None = None  # agent minus optimum
    profit: float | None = None  # mean P&L of an episode, share of capital
    rule_profit: float | None = None

    @property
    def gap_closed(self) -> float:
        """(agent - rule)/(optimum - rule); nan where no optimum above the rule is known."""
        if self.optimum is None or self.optimum <= self.rule_score:
            return float("nan")
        return (self.score - self.rule_score) / (self.optimum - self.rule_score)


@dataclass(frozen=True)
class Progress:
    """Evaluation scores during training, with the levels of the rule and the optimum."""

    steps: ArrayLike  # (k,), environment steps
    score: ArrayLike  # (k,) or (seeds, k)
    measure: str = "Score"
    rule: float | None = None
    optimum: float | None = None


@dataclass(frozen=True)
class Provenance:
    """What was run, and on what: enough to repeat the numbers."""

    command: str
    seed: int
    git_commit: str
    wall_time_s: float
    hardware: str
    data: str  # where the markets came from
    data_hash: str
    versions: Mapping[str, str] = field(default_factory=dict)  # package to version
    when: str = ""  # date and time, with its zone


@dataclass(frozen=True)
class Report:
    """A fund's run. DataError where lengths disagree or a number is not finite.

    T periods; every series but `times` may hold n worlds: NAVs (n, T+1), weights (n, T, k), contributions (n,
    T). Amounts of money are means over worlds, in account currency, and of the whole horizon.
    """

    title: str
    subtitle: str  # one sentence: which markets, which period, in or out of sample
    times: NDArray[Any]  # (T+1,), day numbers or dates
    navs: Mapping[str, ArrayLike]  # (T+1,) each; the fund first, then the rules it is held against
    periods_per_year: float
    run: Provenance
    time_title: str = "Trading day"
    period: str = "day"
    currency: str = ""
    trials: int = 1  # configurations tried, as the store counted them
    trial_variance: float = 0.0  # of their annual Sharpe ratios
    bounds: tuple[str, ...] = ()  # those of `navs` that know what nobody can: upper bounds, no rules
    pbo: float | None = None  # probability of backtest overfitting over the configuration grid
    desks: tuple[Desk, ...] = ()
    weights: ArrayLike | None = None  # (T, k), shares of NAV held during each period
    weight_names: tuple[str, ...] = ()
    attribution: Mapping[str, float] = field(default_factory=dict)  # adds up to the fund's P&L
    # payer to kind to amount, paid > 0
    costs: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    contributions: Mapping[str, ArrayLike] = field(default_factory=dict)  # desk P&L over fund NAV, (T,) each
    progress: Mapping[str, Progress] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what does not fit together."""
        periods = np.size(self.times) - 1
        if not self.navs or periods < 1:
            raise DataError("A report needs the fund's NAV at two times or more.")
        shapes = {name: self.nav(name).shape for name in self.navs}
        for name, shape in shapes.items():
            if shape[-1] != periods + 1 or len(shape) > 2 or shape[:-1] != shapes[self.fund][:-1]:
                raise DataError(
                    f'NAV of "{name}" has shape {shape}; wanted {(*shapes[self.fund][:-1], periods + 1)}.'
                )
        if self.weights is not None:
            shape = finite(self.weights, "weight").shape
            if len(shape) not in (2, 3) or shape[-2:] != (periods, len(self.weight_names)):
                raise DataError(f"Weights have shape {shape}; wanted {(periods, len(self.weight_names))}.")
        for name, part in self.contributions.items():
            if finite(part, "contribution").shape[-1] != periods:
                raise DataError(f'Contribution of "{name}" has shape {np.shape(part)}; wanted {(periods,)}.')

    @property
    def fund(self) -> str:
        """Name of the fund, the first of `navs`."""
        return next(iter(self.navs))

    def nav(self, name: str) -> Floats:
        """NAV of a strategy, (T+1,) or (n, T+1)."""
        return finite(self.navs[name], "NAV")

    @property
    def worlds(self) -> int:
        """Number of worlds played, 1 for a history."""
        return len(np.atleast_2d(self.nav(self.fund)))

    @property
    def years(self) -> float:
        """Length of one world in years."""
        return (np.size(self.times) - 1) / self.periods_per_year

    @property
    def profit(self) -> float:
        """The fund's P&L from first to last NAV, mean over worlds."""
        nav = self.nav(self.fund)
        return float(np.mean(nav[..., -1] - nav[..., 0]))
