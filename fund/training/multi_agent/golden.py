"""Stages' trained agents beside their best rule: what `tests/golden/stages.json` holds, and `stages.md` shows.

    python -m fund.training.multi_agent.golden tactical --seeds 5 --episodes 4096

trains a stage once a seed with its committed settings, each in a folder of its own, and plays the agents and the
stage's best rule (best on the selection episodes) on the same held-out paths of its default market: paths from
`TEST_SEEDS + HELD_OUT * 10**6` on, a stream that this table alone reads and by which no setting was chosen. `--keep`
leaves what stands in the file already and trains the seeds that lack, so that a table may be filled in several runs;
rows of other settings or fewer episodes are never kept. `--trained` takes the stored best model and trains nothing.
Standard errors are of the paired differences, over episodes; a stage is as good as its median and its worst seed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from fund.envs.rounds import Rounds
from fund.errors import FundError, ModelError
from fund.grandmodel.stages import STAGES, stage_named
from fund.paths import atomic_write
from fund.stage import Stage
from fund.training.evaluate import Spread
from fund.training.golden import FOLDER
from fund.training.multi_agent.comparison import best_rule, versus
from fund.training.multi_agent.stages import train_stage, tuned
from fund.training.multi_agent.store import TeamStore
from fund.training.train import versions

FILE, PAGE = "stages.json", "stages.md"
MODULE = "python -m fund.training.multi_agent.golden"
HELD_OUT = 500  # `versus`'s seed of the table's paths
OLD = " (old)"


def entries(
    name: str, seeds: Sequence[int], episodes: int, done: Sequence[Mapping[str, Any]] = ()
) -> Iterator[dict[str, Any]]:
    """Train and compare seed by seed, but for the rows that are `done`: the stage's entry as it then stands.

    Raises UnknownName, ModelError.
    """
    stage = stage_named(name)
    rule = best_rule(stage)
    rows = {row["seed"]: row for row in done}
    for seed in seeds:
        if seed not in rows:
            with tempfile.TemporaryDirectory(prefix="golden_") as place:
                store = TeamStore(place)
                if train_stage(stage, seed=seed, store=store, progress=True).interrupted:
                    raise KeyboardInterrupt  # a training cut short is no result
                rows[seed] = row_of(stage, store, rule, episodes)
        yield entry(stage, rule, episodes, [rows[one] for one in sorted(rows)])


def row_of(stage: Stage, store: TeamStore, rule: str, episodes: int) -> dict[str, Any]:
    """The stored best agents beside a rule; raises ModelError."""
    agents = store.load(Rounds(stage, 1), stage.name, "best")
    card, latest = store.card(stage.name, "best"), store.card(stage.name, "latest")
    if card is None or latest is None:
        raise ModelError(f"{stage.name}: no card of the best model; train it first")
    found = versus(stage, agents, rule, episodes, HELD_OUT)
    return {
        "seed": card.seed, "steps": card.steps, "steps_of_training": latest.steps,
        "seconds_of_training": latest.seconds,
        **{key: _plain(getattr(found, key)) for key in ("agents_reward", "rule_reward", "reward", "pnl")},
        "standard_errors": found.standard_errors,
    }  # fmt: skip


def _plain(of: Spread) -> dict[str, float]:
    return {"mean": of.mean, "se": of.se}


def entry(stage: Stage, rule: str, episodes: int, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A stage's entry of the file from its rows, one a seed."""
    errors = sorted(row["standard_errors"] for row in rows)
    seeds = [row["seed"] for row in rows]
    which = f"--seeds {len(seeds)}" if seeds == list(range(len(seeds))) else f"--seed {seeds[-1]} --keep"
    return {
        "rule": rule, "episodes": episodes, "settings": fingerprint(stage), "agents": list(rows),
        "median_standard_errors": errors[(len(errors) - 1) // 2],  # the lower of two
        "worst_standard_errors": errors[0],
        "command": f"{MODULE} {stage.name} {which} --episodes {episodes}",
        "versions": versions(),
    }  # fmt: skip


def fingerprint(stage: Stage) -> str:
    """Of a stage's committed settings: rows with another one are of other settings."""
    text = json.dumps(tuned(stage), sort_keys=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def median_row(found: Mapping[str, Any]) -> Mapping[str, Any]:
    """The row of the median seed."""
    wanted = found["median_standard_errors"]
    row: Mapping[str, Any] = next(row for row in found["agents"] if row["standard_errors"] == wanted)
    return row


def results(table: Mapping[str, Any]) -> str:
    """The file as a page."""
    lines = [
        "# Stages' agents beside their best rules", "",
        f"Generated from `{FILE}` by `{MODULE}`. Default markets, held-out paths",
        "that agents and rule share, net of costs. SE: of the paired difference, over episodes. Rewards and",
        "differences are the median seed's; the worst seed's beside it, and every seed's in the file. Seconds are of",
        "the machine as it was, with other work on it.", "",
        "| stage | best rule | its reward | agents' | difference (SE) | P&L difference (SE) | seeds | median, in SE |"
        " worst, in SE | episodes | steps | seconds |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for name, found in table.items():
        row = median_row(found)
        gain, money, age = row["reward"], row["pnl"], "" if current(name, found) else OLD
        lines.append(
            f"| {name}{age} | `{found['rule']}` | {row['rule_reward']['mean']:.4g} |"
            f" {row['agents_reward']['mean']:.4g} |"
            f" {gain['mean']:+.4g} ({gain['se']:.2g}) | {money['mean']:+,.0f} ({money['se']:,.0f}) |"
            f" {len(found['agents'])} | {found['median_standard_errors']:+.1f} |"
            f" {found['worst_standard_errors']:+.1f} | {found['episodes']} | {row['steps_of_training']} |"
            f" {row['seconds_of_training']:.0f} |"
        )
    lines += ["", *(f"`{found['command']}`  " for found in table.values())]
    if not all(current(name, found) for name, found in table.items()):
        lines += ["", f"{OLD.strip()}: of an earlier market or of earlier settings: to be run again."]
    return "\n".join(lines).rstrip() + "\n"


def current(name: str, found: Mapping[str, Any]) -> bool:
    """Whether an entry is of the committed settings."""
    return bool(found.get("settings") == fingerprint(stage_named(name)))


def standing(folder: Path) -> dict[str, Any]:
    """What the file holds."""
    path = folder / FILE
    return dict(json.loads(path.read_text())) if path.exists() else {}


def kept(folder: Path, name: str, episodes: int) -> list[dict[str, Any]]:
    """Rows of a stage that stand in the file and are of the committed settings and as many episodes."""
    found = standing(folder).get(name, {})
    return list(found["agents"]) if current(name, found) and found["episodes"] == episodes else []


def keep(folder: Path, name: str, found: Mapping[str, Any]) -> None:
    """Add or replace a stage's entry, and write the page anew."""
    table = standing(folder)
    table[name] = found
    ordered = {stage: table[stage] for stage in STAGES if stage in table}
    atomic_write(folder / FILE, (json.dumps(ordered, indent=1) + "\n").encode())
    atomic_write(folder / PAGE, results(ordered).encode())


def options_of(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The command's options."""
    parser = argparse.ArgumentParser(
        prog=MODULE,
        description="Train a stage over several seeds and keep how its agents do beside its best rule.",
        epilog=f"example: {MODULE} risk --seeds 5",
    )
    parser.add_argument("name", choices=list(STAGES))
    parser.add_argument("--episodes", type=int, default=4096)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--seeds", type=int, default=5, help="train seeds 0 ... K-1")
    which.add_argument("--seed", type=int, default=None, help="train this seed alone")
    parser.add_argument("--keep", action="store_true", help="keep the seeds that stand in the file already")
    parser.add_argument("--trained", action="store_true", help="take the stored best model, train nothing")
    parser.add_argument("--models", default=None, help="folder of the models that --trained takes")
    parser.add_argument("--out", type=Path, default=FOLDER)
    return parser.parse_args(arguments)


def found_by(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """The stage's entry, again after every seed; raises FundError."""
    name, episodes = options.name, options.episodes
    done = kept(options.out, name, episodes) if options.keep else []
    if options.trained:
        stage = stage_named(name)
        rule = best_rule(stage)
        rows = {row["seed"]: row for row in (*done, row_of(stage, TeamStore(options.models), rule, episodes))}
        yield entry(stage, rule, episodes, [rows[seed] for seed in sorted(rows)])
    else:
        seeds = range(options.seeds) if options.seed is None else (options.seed,)
        yield from entries(name, seeds, episodes, done)


def main(arguments: Sequence[str] | None = None) -> int:
    """Add or replace one stage's entry."""
    options = options_of(arguments)
    try:
        for found in found_by(options):
            keep(options.out, options.name, found)
            print(json.dumps(found))
    except FundError as error:
        raise SystemExit(f"error: {error}") from None
    except KeyboardInterrupt:
        print("interrupted; the seeds before this one are kept")
        return 130
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
