"""Stages' trained agents beside their best rule: what `tests/golden/stages.json` holds, and `stages.md` shows.

    python -m fund.training.multi_agent.golden risk

trains the stage with its committed settings, and plays the agents and the stage's best rule (best on the selection
episodes) on the same held-out paths of its default market. `--trained` takes the stored best model instead, so that
`python -m fund train risk` and this are the same thing in two steps. Standard errors are of the paired differences.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fund.envs.rounds import Rounds
from fund.errors import FundError, ModelError
from fund.grandmodel.stages import STAGES, stage_named
from fund.paths import atomic_write
from fund.training.evaluate import Spread
from fund.training.golden import FOLDER
from fund.training.multi_agent.comparison import best_rule, versus
from fund.training.multi_agent.stages import train_stage
from fund.training.multi_agent.store import TeamStore
from fund.training.train import versions

FILE, PAGE = "stages.json", "stages.md"


def entry(name: str, store: TeamStore, episodes: int, seed: int = 0, trained: bool = False) -> dict[str, Any]:
    """Train a stage unless it is `trained`, and compare; raises UnknownName, ModelError."""
    stage = stage_named(name)
    if not trained:
        train_stage(stage, seed=seed, store=store, progress=True)
    agents, card = store.load(Rounds(stage, 1), name, "best"), store.card(name, "best")
    latest = store.card(name, "latest")
    if card is None or latest is None:
        raise ModelError(f"{name}: no card of the best model; train it first")
    found = versus(stage, agents, best_rule(stage), episodes)
    return {
        "rule": found.rule, "episodes": episodes, "seed": card.seed, "steps": card.steps,
        "steps_of_training": latest.steps, "seconds_of_training": latest.seconds,
        **{key: _plain(getattr(found, key)) for key in ("agents_reward", "rule_reward", "reward", "pnl")},
        "standard_errors": found.standard_errors,
        "command": f"python -m fund.training.multi_agent.golden {name} --episodes {episodes} --seed {card.seed}",
        "versions": versions(),
    }  # fmt: skip


def _plain(of: Spread) -> dict[str, float]:
    return {"mean": of.mean, "se": of.se}


def results(table: Mapping[str, Any]) -> str:
    """The file as a page."""
    lines = [
        "# Stages' agents beside their best rules", "",
        "Generated from `stages.json` by `python -m fund.training.multi_agent.golden`. Default markets, held-out paths",
        "that agents and rule share, net of costs. SE: of the paired difference. Seconds are of the machine as it was,",
        "with other work on it.", "",
        "| stage | best rule | its reward | agents' | difference (SE) | P&L difference (SE) | steps | seconds |",
        "|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for name, row in table.items():
        gain, money = row["reward"], row["pnl"]
        lines.append(
            f"| {name} | `{row['rule']}` | {row['rule_reward']['mean']:.4g} | {row['agents_reward']['mean']:.4g} |"
            f" {gain['mean']:+.4g} ({gain['se']:.2g}) | {money['mean']:+,.0f} ({money['se']:,.0f}) |"
            f" {row['steps_of_training']} | {row['seconds_of_training']:.0f} |"
        )
    return "\n".join([*lines, "", *(f"`{row['command']}`  " for row in table.values())]).rstrip() + "\n"


def keep(folder: Path, name: str, found: Mapping[str, Any]) -> None:
    """Add or replace a stage's entry, and write the page anew."""
    path = folder / FILE
    table = dict(json.loads(path.read_text())) if path.exists() else {}
    table[name] = found
    ordered = {stage: table[stage] for stage in STAGES if stage in table}
    atomic_write(path, (json.dumps(ordered, indent=1) + "\n").encode())
    atomic_write(folder / PAGE, results(ordered).encode())


def main(arguments: Sequence[str] | None = None) -> int:
    """Add or replace one stage's entry."""
    parser = argparse.ArgumentParser(
        prog="python -m fund.training.multi_agent.golden",
        description="Train a stage and keep how its agents do beside its best rule.",
        epilog="example: python -m fund.training.multi_agent.golden risk",
    )
    parser.add_argument("name", choices=list(STAGES))
    parser.add_argument("--episodes", type=int, default=2048)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--trained", action="store_true", help="take the stored best model, train nothing")
    parser.add_argument("--models", default=None, help="folder of the models")
    parser.add_argument("--out", type=Path, default=FOLDER)
    options = parser.parse_args(arguments)
    try:
        found = entry(
            options.name, TeamStore(options.models), options.episodes, options.seed, options.trained
        )
    except FundError as error:
        parser.exit(1, f"error: {error}\n")
    keep(options.out, options.name, found)
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
