"""What rewards are made of: named components, their history over a training, and what that says.

components    of the last step of a team: {part: (n, agents)}, which add up to its reward
Recorded      a team that keeps each episode's sums; the trainer logs their means as `reward/<part>`
analyse       of recorded episodes, or of a training's progress.csv: mean, share, trend, memory, agents' correlation
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fund.envs.team import Outcome, Team
from fund.errors import DataError, InvalidParameter
from fund.training.multi_agent.rewards import Around

Floats = NDArray[np.float64]
KEPT = 100_000  # episodes


def components(team: Any) -> dict[str, Floats]:
    """Of the step just taken, (n, agents) each; they add up to its reward. Raises InvalidParameter.

    A stage's parts are shared out as its `credit` says; of several stages together, each agent's own are named
    `<stage>.<part>`. A team of another kind says them itself, by a method `components`.
    """
    if hasattr(team, "components"):
        return dict(team.components())
    if hasattr(team, "rounds"):
        return _side_by_side({name: components(one) for name, one in team.rounds.items()})
    if not hasattr(team, "stage"):
        raise InvalidParameter(f"{type(team).__name__}: its rewards have no named components")
    parts, shares = team.batch.parts, team.stage.shares
    return {name: parts[k][:, None] * shares[k][None, :] for k, name in enumerate(team.batch.part_names)}


def _side_by_side(stages: Mapping[str, Mapping[str, Floats]]) -> dict[str, Floats]:
    widths = [next(iter(parts.values())).shape[1] for parts in stages.values()]
    n, out, start = len(next(iter(next(iter(stages.values())).values()))), {}, 0
    for (stage, parts), width in zip(stages.items(), widths, strict=True):
        for name, x in parts.items():
            whole = np.zeros((n, sum(widths)))
            whole[:, start : start + width] = x
            out[f"{stage}.{name}"] = whole
        start += width
    return out


class Recorded(Around):
    """A team that remembers what each of its last episodes was paid for: `episodes`, {part: (episodes, agents)}."""

    def __init__(self, team: Team) -> None:
        super().__init__(team)
        self.sums: dict[str, Floats] = {}
        self.kept: dict[str, list[Floats]] = {}
        self._told = 0

    def step(self, actions: Any) -> Outcome:
        """One step of every copy."""
        out = self.team.step(actions)
        ended = np.flatnonzero(out.terminated | out.truncated)
        for name, x in components(self.team).items():
            total = self.sums.setdefault(name, np.zeros_like(x))
            total += x
            kept = self.kept.setdefault(name, [])
            kept.extend(total[ended])
            del kept[:-KEPT]
            total[ended] = 0.0
        self._told += len(ended)
        return out

    @property
    def episodes(self) -> dict[str, Floats]:
        """In the order of their ends."""
        return {name: np.array(kept) for name, kept in self.kept.items()}

    def numbers(self) -> dict[str, float]:
        """Means over agents and episodes since the last time, for the log."""
        new, self._told = min(self._told, KEPT), 0
        if new == 0:
            return {}
        return {f"reward/{name}": float(np.mean(kept[-new:])) for name, kept in self.kept.items()}

    def get_state(self) -> Mapping[str, NDArray[Any]] | None:
        """With the sums of the episodes under way; the history is the log's."""
        state = self.team.get_state()
        return None if state is None else {**state, **{f"sums.{k}": x.copy() for k, x in self.sums.items()}}

    def set_state(self, state: Mapping[str, NDArray[Any]]) -> Any:
        """Go on from `get_state`."""
        self.sums = {key[5:]: np.array(x) for key, x in state.items() if key.startswith("sums.")}
        return self.team.set_state({key: x for key, x in state.items() if not key.startswith("sums.")})


class Component(NamedTuple):
    """What the history of one component says."""

    mean: float
    deviation: float  # between episodes, or rows of a log
    share: float  # cov(component, total) / var(total); these add up to 1
    trend: float  # from first to last, by least squares
    trend_t: float  # over its standard error, which takes neighbours' correlation into account
    memory: float  # correlation with the one before


class Analysis(NamedTuple):
    """Of all components, and between agents."""

    components: dict[str, Component]
    agents: Floats  # (agents, agents) correlation of their totals; nan where one never varies


def analyse(history: Mapping[str, Floats] | Path | str) -> Analysis:
    """What a reward history says: {part: (episodes,) or (episodes, agents)}, or the progress.csv of a training.

    The standard error of a trend is that of least squares times sqrt((1 + r) / (1 - r)), r the lag-one correlation of
    the residuals where it is positive: the variance of a mean under AR(1) noise. Raises DataError, InvalidParameter.
    """
    given = _from_log(Path(history)) if isinstance(history, (Path, str)) else history
    parts = {name: np.asarray(x, dtype=np.float64).reshape(len(x), -1) for name, x in given.items()}
    if not parts or min(len(x) for x in parts.values()) < 3:
        raise InvalidParameter("a history of fewer than three episodes, wanted more")
    total = np.sum(list(parts.values()), axis=0)
    whole = total.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        agents = np.atleast_2d(np.corrcoef(total, rowvar=False))
        return Analysis({name: _component(x.sum(axis=1), whole) for name, x in parts.items()}, agents)


def _component(x: Floats, whole: Floats) -> Component:
    n, variance = len(x), whole.var()
    t = np.arange(n) - 0.5 * (n - 1)
    slope = float(t @ x / (t @ t))
    left = x - x.mean() - slope * t
    r = max(_lag_one(left), 0.0)
    error = np.sqrt(left @ left / (n - 2) / (t @ t) * (1.0 + r) / max(1.0 - r, 1e-9))
    share = float(np.mean((x - x.mean()) * (whole - whole.mean())) / variance) if variance > 0.0 else 0.0
    trend_t = float(slope / error) if error > 0.0 else 0.0
    return Component(
        float(x.mean()), float(x.std(ddof=1)), share, slope * (n - 1), trend_t, _lag_one(x - x.mean())
    )


def _lag_one(x: Floats) -> float:
    square = float(x @ x)
    return float(x[1:] @ x[:-1] / square) if square > 0.0 else 0.0


def _from_log(path: Path) -> dict[str, Floats]:
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    names = [key for key in (rows[0] if rows else {}) if key.startswith("reward/")]
    if not names:
        raise DataError(f"{path.name}: no columns reward/..., wanted the progress.csv of a stage's training")
    told = [row for row in rows if all(row[key] for key in names)]
    return {key[7:]: np.array([float(row[key]) for row in told]) for key in names}
