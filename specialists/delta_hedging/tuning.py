"""The tuned band: four numbers chosen by simulation, the bar that a trained hedger has to clear.

A hedge is left alone within

    m delta(v sigma) + shift  +-  b (3/2 exp(-r tau) l S Gamma^2)^(1/3)

Nelder & Mead's method moves (b, m, v, shift) to the best objective over `EPISODES` episodes of the
strategy's own world, on seeds that nothing else uses. What was found for the papers' cells lies in `tuned.json`, each
with the command that made it; a world that is not there is tuned when it is asked for, on fewer episodes.

    python -m specialists.delta_hedging.tuning --preset cao_2021 --set rebalance_days=5.0
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import fields, replace
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.optimize import minimize

from fund.envs.play import play
from fund.market.streams import Paths
from fund.strategy import Played

if TYPE_CHECKING:
    from specialists.delta_hedging.strategy import DeltaHedging

SEEDS = 3 * 10**9  # of the episodes; training, selection and tests have others
EPISODES, FEWER = 15_000, 4_096
STORED = "tuned.json"
DAYS = 21  # of an option in the world that stands for a record
# what a band does not depend on: how rewards are written down, and what only a reward or an account knows
_APART = {
    "reward_scale", "risk_form", "risk_weight", "costs_in_risk", "risk_volatility", "risk_skew", "control_variate",
    "hedge_alone", "ruin", "action_form", "history", "capital",
}  # fmt: skip


class Width(NamedTuple):
    """The four numbers of a tuned band."""

    width: float  # b
    slope: float  # m
    volatility: float  # v
    shift: float  # hedges, units an option


def worth(played: Played) -> float:
    """What tuning maximises: the strategy's objective where it has one, else the mean reward."""
    equivalent = played.strategy.certainty_equivalent(played)
    return float(np.mean(played.reward)) if equivalent is None else equivalent


def tune(desk: DeltaHedging, episodes: int = EPISODES) -> tuple[Width, float]:
    """The best band of a world, and its objective on the episodes that it was tuned on."""
    from specialists.delta_hedging.rules import banded

    world = desk.with_parameters(action_form="band", control_variate=False, hedge_alone=False)
    paths = Paths.of(SEEDS, episodes)
    tape = world.record(paths)

    def loss(numbers: Any) -> float:
        width, slope, volatility, shift = numbers
        if width < 0.0 or volatility < 0.05:
            return 1e9
        return -worth(play(world, banded(world, Width(width, slope, volatility, shift)), paths, tape)) / unit

    unit = desk.notional * desk.sigma
    start = np.array([0.5, 1.0, 1.1, 0.0])
    corners = np.vstack([start, start + np.diag([0.3, -0.1, 0.3, 0.05])])
    found = minimize(
        loss, start, method="Nelder-Mead",
        options={"initial_simplex": corners, "maxfev": 250, "xatol": 2e-3, "fatol": 1e-5},
    )  # fmt: skip
    return Width(*(float(x) for x in found.x)), -float(found.fun) * unit


def world_of(desk: DeltaHedging) -> dict[str, Any]:
    """The parameters that make the world which a band is tuned for."""
    return {f.name: getattr(desk, f.name) for f in fields(desk) if f.name not in _APART}


@lru_cache(maxsize=64)
def tuned(desk: DeltaHedging) -> Width:
    """The stored band of a world, or one tuned now; of a record, that of the drawn world that its parameters make.

    A band that is tuned on the record on which it is played would know what comes.
    """
    if desk.history is not None:
        drawn = replace(desk, history=None, n_steps=DAYS, steps_per_day=1, maturity_days=float(DAYS))
        return tuned(replace(drawn, step_days=1.0, rebalance_days=1.0))
    found = stored().get(_key(world_of(desk)))
    return found if found is not None else tune(desk, FEWER)[0]


@lru_cache(maxsize=1)
def stored() -> dict[str, Width]:
    """Bands by world."""
    rows = json.loads(files(__package__).joinpath(STORED).read_text())
    return {_key(row["world"]): Width(**row["band"]) for row in rows}


def _key(world: dict[str, Any]) -> str:
    plain = {key: float(x) if isinstance(x, int | float) else x for key, x in world.items()}
    return json.dumps(plain, sort_keys=True)


def entry(preset: str, changes: dict[str, Any], episodes: int) -> dict[str, Any]:
    """Tune a world: what `tuned.json` says of it."""
    from specialists.delta_hedging.strategy import DeltaHedging

    s = DeltaHedging.preset(preset, **changes)
    band, objective = tune(s, episodes)
    words = " ".join(f"--set {key}={value}" for key, value in changes.items())
    command = f"python -m specialists.delta_hedging.tuning --preset {preset} {words}".strip()
    return {
        "command": command, "episodes": episodes, "objective": round(objective, 6),
        "band": {key: round(x, 4) for key, x in band._asdict().items()}, "world": world_of(s),
    }  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Tune a world and print its entry of `tuned.json`."""
    parser = argparse.ArgumentParser(prog="python -m specialists.delta_hedging.tuning")
    parser.add_argument("--preset", default="default")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=NUMBER")
    parser.add_argument("--episodes", type=int, default=EPISODES)
    options = parser.parse_args(arguments)
    changes = {key: json.loads(text) for key, _, text in (pair.partition("=") for pair in options.set)}
    print(json.dumps(entry(options.preset, changes, options.episodes), indent=1))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
