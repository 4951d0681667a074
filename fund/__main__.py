"""The command line: `python -m fund COMMAND`. The composition root; nothing imports it."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from fund.calibration import commands as words
from fund.calibration.preset_file import is_file, read_preset
from fund.command_line import USAGE, each_set_alone, parser
from fund.errors import FundError, InvalidParameter, UnknownName
from fund.training.interruption import exit_code, terminable

FAILED = 1  # exit code


def overrides(pairs: Sequence[str]) -> dict[str, Any]:
    """`key=value` texts as parameters: numbers where they are numbers, true and false, else text."""
    changes: dict[str, Any] = {}
    for pair in pairs:
        key, found, text = pair.partition("=")
        if not found or not key:
            raise InvalidParameter(f'--set "{pair}", wanted key=value')
        changes[key.strip()] = _value(text.strip())
    return changes


def _value(text: str) -> Any:
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _known() -> Any:
    from fund.grandmodel.stages import STAGES
    from fund.roster import Roster, rosters

    return Roster((*rosters().values(), *STAGES.values()))


def _spec_and_strategy(options: argparse.Namespace) -> tuple[Any, Any]:
    from fund.roster import Spec

    if ":" in options.name:
        spec = Spec(options.name.rpartition(":")[2].lower(), options.name, "PPO", 0)
    else:
        spec = _known()[options.name]
    changes = overrides(options.set)
    if is_file(options.preset):
        file = read_preset(options.preset, spec.name)
        options.preset = file.label  # models trained on it are kept under this name
        return spec, spec.cls.preset(file.base, **file.over(changes))
    return spec, spec.cls.preset(options.preset, **changes)


def _store(options: argparse.Namespace) -> Any:
    from fund.training.store import ModelStore

    return ModelStore(options.models)


def run(options: argparse.Namespace) -> dict[str, Any]:
    """The main job."""
    from allocator.run import SIZES
    from allocator.run_fund import run_fund

    if options.command == "smoke":
        return run_fund(SIZES["smoke"], None, options.out, options.seed, options.models)
    size = SIZES["quick" if options.quick else "full" if options.full else "default"]
    pairs = [pair for pair in options.pairs.split(",") if pair]
    return run_fund(size, options.data, options.out, options.seed, options.models, pairs)


def list_names(options: argparse.Namespace) -> dict[str, Any]:
    """Names a user may need."""
    from fund.training.listing import listing, one

    return one(_known()[options.name]) if options.name else listing(_known())


def train(options: argparse.Namespace) -> dict[str, Any]:
    """Train one strategy, or the agents of one stage."""
    from fund.grandmodel.stages import STAGES, stage_named
    from fund.training import train as training
    from fund.training.multi_agent import modes

    if options.name in modes.SEVERAL:
        if options.settings:
            raise InvalidParameter(f"{options.name}: --settings is for one stage, {', '.join(STAGES)}")
        return modes.command(
            options.name, options.steps, options.seconds, options.seed, options.models, options.resume,
            options.algorithm, overrides(options.set),
        )  # fmt: skip

    if options.name in STAGES:
        from fund.training.multi_agent.stages import command, read_settings

        stage = stage_named(options.name, options.preset, **overrides(options.set))
        changes = read_settings(Path(options.settings)) if options.settings else None
        return command(
            stage, options.preset, options.steps, options.seconds, options.seed, options.models, options.resume,
            options.algorithm, options.workers, options.ranks, changes,
        )  # fmt: skip
    if options.workers or options.ranks > 1 or options.settings:
        raise InvalidParameter(
            f"{options.name}: --workers, --ranks and --settings are for stages, {', '.join(STAGES)}"
        )
    spec, strategy = _spec_and_strategy(options)
    if options.algorithm is not None:
        spec = dataclasses.replace(spec, algorithm=options.algorithm)
    budget = training.Budget(options.steps, options.seconds)
    done = training.train(
        spec, strategy, options.preset, budget, options.seed, _store(options), resume=options.resume, progress=True,
    )  # fmt: skip
    return {
        "name": spec.name, "preset": options.preset, "steps": done.card.steps, "seconds": done.card.seconds,
        "score": done.card.score, "is_best": done.is_best, "interrupted": done.interrupted,
    }  # fmt: skip


def tune(options: argparse.Namespace) -> dict[str, Any]:
    """Search for a stage's settings."""
    from fund.grandmodel.stages import STAGES, stage_named
    from fund.training.multi_agent.tuning import command

    if options.name not in STAGES:
        raise UnknownName("stage", options.name, STAGES)
    stage = stage_named(options.name, options.preset, **overrides(options.set))
    return command(
        stage, options.preset, options.trials, options.steps, options.seconds, options.seed, options.models,
        options.algorithm,
    )  # fmt: skip


def evaluate(options: argparse.Namespace) -> dict[str, Any]:
    """Evaluate one policy."""
    from fund.training import evaluate as evaluation

    spec, strategy = _spec_and_strategy(options)
    if options.data is not None:
        strategy = spec.market(strategy, options.data, options.market)
    policy = evaluation.policy_named(strategy, options.policy, _store(options), options.preset)
    told = evaluation.evaluate(
        strategy, policy, options.policy, options.episodes, options.seed, options.preset
    ).plain()
    record = strategy.history if options.data is not None else None
    if record is not None:  # what was put right in the user's data is told with what came of them
        told["data"] = {"source": record.source, "rows": len(record), "policies": list(record.policies)}
    return told


def export(options: argparse.Namespace) -> dict[str, Any]:
    """Export trained policies."""
    from fund.training.export import export_all

    return export_all(options.name, options.format, options.out, _store(options))


def check(options: argparse.Namespace) -> dict[str, Any]:
    """Run the contract over one strategy, or hold its market against the stylised facts."""
    from fund.envs.contract import CHECKS
    from fund.errors import ContractBroken

    if options.of is not None:
        return _check_market(options)
    _, strategy = _spec_and_strategy(options)
    results: dict[str, str] = {}
    for name, holds in CHECKS.items():
        try:
            holds(strategy)
            results[name] = "ok"
        except ContractBroken as error:
            results[name] = str(error)
    return {"name": options.name, "preset": options.preset, "checks": results,
            "broken": sum(text != "ok" for text in results.values())}  # fmt: skip


def _check_market(options: argparse.Namespace) -> dict[str, Any]:
    if options.name != words.MARKET:
        raise UnknownName("thing to check", options.name, [words.MARKET])
    options.name = options.of
    return words.check_market(*_spec_and_strategy(options), options)


def calibrate(options: argparse.Namespace) -> dict[str, Any]:
    """Fit a desk's market to files."""
    return words.calibrate(_known()[options.name], options, overrides(options.set))


def verify(options: argparse.Namespace) -> dict[str, Any]:
    """Run the checks of an environment."""
    from fund.envs.conformance import verify as verified

    return verified(options.name, options.level)


def chain(options: argparse.Namespace) -> dict[str, Any]:
    """Play the chain of stages."""
    from fund.training.multi_agent.chained import Slots, command

    slots = Slots(options.strategic, options.tactical, options.risk, options.execution)
    return command(slots, options.days, options.worlds, options.instruments, options.seed, options.models)


def bench(options: argparse.Namespace) -> dict[str, Any]:
    """Measure speed."""
    from fund.training.bench import bench as measure

    return measure(options.paths, training=not options.no_training, seed=options.seed)


HANDLERS: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    "run": run, "smoke": run, "list": list_names, "train": train, "evaluate": evaluate, "export": export,
    "check": check, "calibrate": calibrate, "verify": verify, "bench": bench, "chain": chain, "tune": tune,
}  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse, do, print; the exit code is 0, 1 (the work failed), 2 (wrong usage), 130 (Ctrl-C) or 143 (SIGTERM)."""
    options = parser().parse_args(each_set_alone(sys.argv[1:] if arguments is None else arguments))
    try:
        with terminable():
            result = HANDLERS[options.command](options)
    except FundError as error:
        print(f"fund {options.command}: {error}", file=sys.stderr)
        return USAGE if isinstance(error, (UnknownName, InvalidParameter)) else FAILED
    except KeyboardInterrupt as error:
        print(f"fund {options.command}: interrupted", file=sys.stderr)
        return exit_code(error)
    text = result.pop("text", None)
    if text is not None:
        print(text)
    if options.json:
        print(json.dumps(result))
    elif text is None:
        print(plain(result))
    interrupted = int(result.get("interrupted", 0))  # the signal that ended a training early
    return FAILED if result.get("broken") else 128 + interrupted if interrupted else 0


def plain(value: Any, depth: int = 0) -> str:
    """A nested result as indented text."""
    if not isinstance(value, dict):
        return f"{value:.6g}" if isinstance(value, float) else str(value)
    lines = []
    for key, inner in value.items():
        nested = isinstance(inner, dict) and inner
        lines.append(f"{'  ' * depth}{key}" + (":" if nested else f"  {plain(inner)}"))
        if nested:
            lines.append(plain(inner, depth + 1))
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
