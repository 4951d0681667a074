"""Trained agents against rule and optimum over several seeds: what `tests/golden/agents.json` holds.

    python -m fund.training.golden market_making --preset avellaneda_stoikov --seeds 5

trains once a seed with the committed settings, plays the agent, the rule it is measured against and the optimum on
the same held-out tapes, and writes one entry of `agents.json`; `results.md` beside it is made from the whole file.

    G = (agent - rule) / (optimum - rule)

The rule is the setting `rule` of the preset (`flat` where a bar is a share of the optimum), or where that is empty the
best of the desk's rules, on tapes of their own. Every value is the strategy's certainty equivalent, or its mean reward
where it has none. Standard errors are of the paired difference, from `BLOCKS` blocks of paths; those of P&L from paths.

On the default markets the bar is `CLEAR` standard errors over the rule: the page says which seeds miss it, and by how
much.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fund.envs.play import join, play
from fund.errors import FundError, InvalidParameter, UnknownName
from fund.market.streams import Paths
from fund.paths import atomic_write
from fund.roster import Spec, rosters
from fund.strategy import Played, Policy, Strategy
from fund.training.evaluate import Spread, held_out, policy_named
from fund.training.imitation import best_rule
from fund.training.selection import score
from fund.training.store import ModelStore
from fund.training.train import Budget, settings_of, train, versions

BLOCKS = 20
CLEAR = 3.0  # standard errors over the best rule, on a default market
CHOOSING_SEEDS = 3 * 10**9  # tapes on which a best rule is chosen, and nothing else is done
OPTIMUM, DEFAULT = "optimum", "default"
FOLDER = Path("tests") / "golden"


@dataclass(frozen=True)
class Value:
    """What a policy is worth on the held-out tapes: of all paths, of each block of them, and in money of each path."""

    whole: float
    blocks: NDArray[np.float64]
    pnl: NDArray[np.float64]  # (paths,) account currency an episode

    def error_of_difference(self, other: Value) -> float:
        """Standard error of this value less another one, paired block by block."""
        difference = self.blocks - other.blocks
        return float(difference.std(ddof=1) / np.sqrt(len(difference)))

    def money_over(self, other: Value) -> Spread:
        """P&L of an episode less another one's, paired path by path."""
        return Spread.of(self.pnl - other.pnl)


def value(strategy: Strategy, policy: Policy, paths: Paths) -> Value:
    """A policy's value on these paths."""
    parts: list[Played] = []
    for some in np.array_split(np.arange(len(paths)), BLOCKS):
        cut = slice(int(some[0]), int(some[-1]) + 1)
        parts.append(play(strategy, policy, Paths(paths.seeds[cut], paths.episodes[cut])))
    whole = join(parts)
    blocks = np.array([score(strategy, part) for part in parts])
    return Value(score(strategy, whole), blocks, whole.nav[-1] - whole.nav[0])


def yardsticks(strategy: Strategy, rule: str, paths: Paths) -> tuple[str, Value, Value | None]:
    """Name and value of the rule to beat, and the optimum's value where one is known.

    Where no rule is named it is the best one on as many tapes of their own.
    """
    chosen = rule or best_rule(strategy, Paths.of(CHOOSING_SEEDS, len(paths)))
    try:
        best = value(strategy, policy_named(strategy, OPTIMUM), paths)
    except (InvalidParameter, UnknownName):
        best = None  # nobody knows it in this world
    return chosen, value(strategy, policy_named(strategy, chosen), paths), best


def entries(
    spec: Spec, preset: str, seeds: Sequence[int], episodes: int, done: Sequence[dict[str, Any]] = ()
) -> Iterator[dict[str, Any]]:
    """Train and compare seed by seed, but for the rows that are `done`: the entry of the file as it then stands."""
    strategy, settings = spec.cls.preset(preset), settings_of(spec, preset)
    paths = held_out(episodes)
    name, rule, best = yardsticks(strategy, settings.rule, paths)
    found: dict[str, Any] = {
        "rule": name,
        "rule_value": rule.whole,
        "rule_pnl": float(rule.pnl.mean()),
        "optimum_value": None if best is None else best.whole,
        "episodes": episodes,
        "agents": [],
        "command": f"python -m fund.training.golden {spec.name} --preset {preset} --seeds {len(seeds)}"
        f" --episodes {episodes}",
        "versions": versions(),
    }
    rows = {row["seed"]: row for row in done}
    for seed in seeds:
        rows[seed] = rows.get(seed) or _row(spec, strategy, preset, seed, paths, rule, best)
        found["agents"] = [rows[one] for one in sorted(rows)]
        if best is not None:
            gaps = [row["gap_closed"] for row in found["agents"]]
            found.update(median_gap_closed=statistics.median(gaps), least_gap_closed=min(gaps))
        if preset == DEFAULT:
            found.update(clearance(found["agents"]))
        yield found


def clearance(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """By how many standard errors agents beat the rule; the seeds that fall short of the bar, with what they lack."""
    over = {row["seed"]: row["over_rule"] / row["over_rule_se"] for row in rows}
    return {
        "median_standard_errors": statistics.median(over.values()),
        "least_standard_errors": min(over.values()),
        "short_of_bar": {str(seed): CLEAR - ratio for seed, ratio in over.items() if ratio <= CLEAR},
    }


def _row(
    spec: Spec, strategy: Strategy, preset: str, seed: int, paths: Paths, rule: Value, best: Value | None
) -> dict[str, Any]:
    place = Path(tempfile.mkdtemp(prefix="golden_"))
    try:
        store = ModelStore(place)
        done = train(spec, strategy, preset, Budget(), seed, store)
        if done.interrupted:
            raise KeyboardInterrupt  # a training cut short is no result
        agent = value(strategy, store.load(strategy, "best", preset).policy(), paths)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    money = agent.money_over(rule)
    row = {
        "seed": seed,
        "value": agent.whole,
        "over_rule": agent.whole - rule.whole,
        "over_rule_se": agent.error_of_difference(rule),
        "pnl": float(agent.pnl.mean()),
        "pnl_over_rule": money.mean,
        "pnl_over_rule_se": money.se,
        "steps": done.card.steps,
        "seconds": done.card.seconds,
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
    }
    if best is not None:
        row["gap_closed"] = (agent.whole - rule.whole) / (best.whole - rule.whole)
        row["over_optimum"] = agent.whole - best.whole
        row["over_optimum_se"] = agent.error_of_difference(best)
    return row


def results(table: Mapping[str, Any]) -> str:
    """The file as a page: one table a desk and preset."""
    lines = [
        "# Trained agents over seeds", "",
        "Generated from `agents.json` by `python -m fund.training.golden`. Value: certainty equivalent, or mean",
        "reward where there is none, on held-out tapes that all policies of a table share. G: share of the gap",
        "between rule and optimum that is closed. SE: of the paired difference.", "",
        *_default_markets(table),
    ]  # fmt: skip
    for key in sorted(table):
        lines += [*_section(key, table[key]), ""]
    return "\n".join(lines).rstrip() + "\n"


def _default_markets(table: Mapping[str, Any]) -> list[str]:
    judged = {key.split()[0]: found for key, found in sorted(table.items()) if key.split()[1] == DEFAULT}
    lines = [
        "## Default markets", "",
        f"Agents against the desk's best rule, chosen on tapes of its own; net of costs. The bar: every seed more than"
        f" {CLEAR:.0f} SE", "over the rule.", "",
        "| desk | rule | rule's value | median seed over it | worst seed | P&L over it, median seed | bar |",
        "|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for name, found in judged.items():
        money = statistics.median(row["pnl_over_rule"] for row in found["agents"])
        short = [f"seed {seed} lacks {lack:.1f} SE" for seed, lack in found["short_of_bar"].items()]
        lines.append(
            f"| {name} | `{found['rule']}` | {found['rule_value']:.4g} | {found['median_standard_errors']:+.1f} SE |"
            f" {found['least_standard_errors']:+.1f} SE | {money:+,.0f} on {found['rule_pnl']:,.0f} |"
            f" {'; '.join(short) or 'reached'} |"
        )
    return [*lines, ""] if judged else []


def _section(key: str, found: Mapping[str, Any]) -> list[str]:
    optimum, rows = found["optimum_value"], found["agents"]
    known = "" if optimum is None else f", optimum {optimum:.5g}"
    lines = [
        f"## {key}", "",
        f"Rule `{found['rule']}` {found['rule_value']:.5g}{known}; {found['episodes']} episodes.", "",
        "| seed | agent | over the rule (SE) | G | over the optimum (SE) | steps | seconds (load) |",
        "|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for row in rows:
        gap, over = "", ""
        if optimum is not None:
            gap = f"{row['gap_closed']:.3f}"
            over = f"{row['over_optimum']:+.3g} ({row['over_optimum_se']:.2g})"
        lines.append(
            f"| {row['seed']} | {row['value']:.5g} | {row['over_rule']:+.3g} ({row['over_rule_se']:.2g}) | {gap} |"
            f" {over} | {row['steps']} | {row['seconds']:.0f} ({row['load']}) |"
        )
    if optimum is not None:
        lines += ["", f"G: median {found['median_gap_closed']:.3f}, least {found['least_gap_closed']:.3f}."]
    return [*lines, "", f"`{found['command']}`"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Add or replace one entry and write both files."""
    parser = argparse.ArgumentParser(
        prog="python -m fund.training.golden",
        description="Train a desk over several seeds and keep what came out.",
        epilog="example: python -m fund.training.golden market_making --preset avellaneda_stoikov --seeds 5",
    )
    parser.add_argument("name")
    parser.add_argument("--preset", default="default")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--episodes", type=int, default=20_000)
    parser.add_argument("--keep", action="store_true", help="keep the seeds that stand in the file already")
    parser.add_argument("--out", type=Path, default=FOLDER)
    options = parser.parse_args(arguments)
    key = f"{options.name} {options.preset}"
    try:
        spec = rosters()[options.name]
        done = standing(options.out).get(key, {}).get("agents", ()) if options.keep else ()
        for found in entries(spec, options.preset, range(options.seeds), options.episodes, done):
            keep(options.out, key, found)
    except FundError as error:
        parser.exit(1, f"error: {error}\n")
    except KeyboardInterrupt:
        parser.exit(130, "interrupted; the seeds before this one are kept\n")
    print("\n".join(_section(key, found)))
    return 0


def standing(folder: Path) -> dict[str, Any]:
    """What `agents.json` holds."""
    path = folder / "agents.json"
    return dict(json.loads(path.read_text())) if path.exists() else {}


def keep(folder: Path, key: str, found: Mapping[str, Any]) -> None:
    """Add or replace an entry of `agents.json`, and write the page anew."""
    table = standing(folder)
    table[key] = found
    atomic_write(folder / "agents.json", (json.dumps(table, indent=1, sort_keys=True) + "\n").encode())
    atomic_write(folder / "results.md", results(table).encode())


if __name__ == "__main__":
    raise SystemExit(main())
