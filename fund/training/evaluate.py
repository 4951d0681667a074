"""How good a policy is: seeded episodes, paired comparisons, the strategy's own numbers."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fund.envs import play as players
from fund.envs.play import play
from fund.errors import UnknownName
from fund.market.streams import Paths
from fund.report import metrics
from fund.strategy import Played, Policy, Strategy

if TYPE_CHECKING:
    from fund.training.store import ModelStore

Floats = NDArray[np.float64]

# path seeds of training start at 0; nobody trains this far, so the three sets never meet
SELECTION_SEEDS, TEST_SEEDS = 10**9, 2 * 10**9
PLAIN = {"flat": players.flat, "random": players.random}


@dataclass(frozen=True)
class Spread:
    """Mean of a sample, its standard deviation, and the standard error of the mean."""

    mean: float
    std: float
    se: float

    @classmethod
    def of(cls, values: Floats) -> Spread:
        """Of one number an episode."""
        std = float(np.std(values, ddof=1)) if len(values) > 1 else math.nan
        return cls(float(np.mean(values)), std, std / math.sqrt(len(values)))


@dataclass(frozen=True)
class Evaluation:
    """What `fund evaluate --json` prints."""

    name: str
    policy: str
    preset: str
    episodes: int
    seed: int
    pnl: Spread  # account currency an episode
    reward: Spread
    certainty_equivalent: float | None
    statistics: dict[str, float]

    def plain(self) -> dict[str, Any]:
        """As JSON types; numbers that are not finite become null."""
        return _finite_or_null(asdict(self))


def _finite_or_null(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite_or_null(inner) for key, inner in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def held_out(episodes: int, seed: int = 0) -> Paths:
    """Paths on which nobody trained or selected."""
    return Paths.of(TEST_SEEDS + seed * 10**6, episodes)


def daily_returns(played: Played) -> Floats:
    """Simple returns (n, days) of the NAV from day to day."""
    nav = played.nav[:: played.strategy.steps_per_day]
    if (nav.shape[0] - 1) * played.strategy.steps_per_day < played.nav.shape[0] - 1:  # a day cut short
        nav = np.vstack([nav, played.nav[-1:]])
    return np.asarray((nav[1:] / nav[:-1] - 1.0).T)


def statistics(played: Played) -> dict[str, float]:
    """Numbers that every desk has, and its own.

    sharpe: a year of 252 days, all days of all episodes pooled. max_drawdown: mean over episodes. turnover: value
    traded over capital, a year. costs: fees net of rebates, account currency an episode.
    """
    strategy = played.strategy
    returns = daily_returns(played)
    years = (played.nav.shape[0] - 1) * strategy.years_per_step
    deviation = float(returns.std())
    common = {
        "sharpe": float(returns.mean()) / deviation * math.sqrt(252.0) if deviation > 0 else math.nan,
        "max_drawdown": float(np.mean(metrics.max_drawdown(returns))),
        "turnover": float(np.mean(played.traded)) / strategy.capital / years,
        "costs": float(-np.mean(played.lines["fees"] + played.lines["rebates"])),
    }
    return {**common, **strategy.statistics(played)}


def policy_named(
    strategy: Strategy, name: str, store: ModelStore | None = None, preset: str = "default"
) -> Policy:
    """A policy from what `--policy` may say.

    A rule's name, `flat`, `random`, `best`, `latest`, or a model file. Raises UnknownName, ModelError.
    """
    if name in strategy.rules:
        return strategy.rules[name](strategy)
    if name in PLAIN:
        return PLAIN[name](strategy)
    if name in ("best", "latest"):
        from fund.training.store import ModelStore

        return (store or ModelStore()).load(strategy, name, preset).policy()
    if name.endswith(".zip"):
        from fund.training.store import load_file

        return load_file(strategy, Path(name)).policy()
    raise UnknownName("policy", name, [*strategy.rules, *PLAIN, "best", "latest", "<model>.zip"])


def evaluate(
    strategy: Strategy,
    policy: Policy,
    name: str,
    episodes: int = 1000,
    seed: int = 0,
    preset: str = "default",
) -> Evaluation:
    """Play seeded episodes nobody trained on and report them."""
    played = play(strategy, policy, held_out(episodes, seed))
    return Evaluation(
        name=strategy.name,
        policy=name,
        preset=preset,
        episodes=episodes,
        seed=seed,
        pnl=Spread.of(played.nav[-1] - played.nav[0]),
        reward=Spread.of(played.reward),
        certainty_equivalent=strategy.certainty_equivalent(played),
        statistics=statistics(played),
    )
