"""The command line: `python -m fund COMMAND`. The composition root; nothing imports it."""

from __future__ import annotations

import argparse
import dataclasses
import difflib
import json
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from fund.calibration import commands as words
from fund.calibration.preset_file import is_file, read_preset
from fund.errors import FundError, InvalidParameter, UnknownName
from fund.training.interruption import exit_code, terminable

USAGE, FAILED = 2, 1


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors name the nearest valid word."""

    def error(self, message: str) -> NoReturn:
        """One line on standard error, exit 2."""
        words = _words(self)
        quoted = message.partition("'")[2].partition("'")[0]
        found = [quoted] if quoted else message.rpartition(": ")[2].split()
        close = [m for w in found for m in difflib.get_close_matches(w, words, n=1, cutoff=0.5) if m != w]
        hint = f'; did you mean "{close[0]}"?' if close else ""
        self.exit(USAGE, f"{self.prog}: {message}{hint}\n")


def _words(of: argparse.ArgumentParser) -> list[str]:
    words: list[str] = []
    for action in of._actions:
        words += [*action.option_strings, *map(str, action.choices or ())]
        if isinstance(action.choices, dict):
            words += [w for inner in action.choices.values() for w in _words(inner)]
    return words


def parser() -> Parser:
    """All commands and their options."""
    top = Parser(prog="fund", description="A hierarchical multi-strategy fund simulator.")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=Parser)
    run = _command(commands, "run", "train the desks and the CIO, play the fund out of sample, write the report",
                   "fund run --quick")  # fmt: skip
    size = run.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="under two minutes")
    size.add_argument("--full", action="store_true", help="every desk to its bar")
    run.add_argument(
        "--data", metavar="DIR", help="your own files, or `builtin` for those that the package arch ships"
    )
    run.add_argument("--pairs", metavar="A/B,C/D", default="", help="pairs of your data")
    run.add_argument("--out", metavar="DIR", default="runs/latest", help="folder of the report")
    _command(commands, "smoke", "the main job, tiny, in under a minute", "fund smoke").add_argument(
        "--out", metavar="DIR", default="runs/smoke"
    )
    _command(
        commands, "list", "desks, presets, policies, parameters, features", "fund list market_making"
    ).add_argument("name", nargs="?", help="one strategy in full")
    train = _strategy_command(
        commands, "train", "train a strategy", "fund train market_making --steps 200000"
    )
    train.add_argument("--steps", type=_count, help="environment steps; the tuned number where not given")
    train.add_argument("--seconds", type=float, help="stop after this wall-clock time")
    train.add_argument("--resume", action="store_true", help="go on from the latest model")
    train.add_argument(
        "--algorithm",
        help="of a stage: mappo, ippo, qmix, vdn, dqn or maddpg; of a desk: PPO, DDPG, DQN or DuelingDQN",
    )
    train.add_argument("--workers", type=int, default=0, help="processes that play a stage (mappo, ippo)")
    train.add_argument("--ranks", type=_count, default=1, help="processes that play and learn a stage")
    example = "fund evaluate market_making --policy symmetric --preset avellaneda_stoikov"
    evaluate = _strategy_command(commands, "evaluate", "play seeded episodes and report them", example)
    evaluate.add_argument(
        "--policy", required=True, help="a rule, flat, random, best, latest, or a model file"
    )
    evaluate.add_argument("--episodes", type=_count, default=1000)
    evaluate.add_argument(
        "--data", metavar="PATH", help="your own file or folder, or `builtin`, as the market"
    )
    evaluate.add_argument("--market", default="", help="one of several that the data hold")
    export = _command(
        commands, "export", "write trained policies for use elsewhere", "fund export all --format onnx"
    )
    export.add_argument("name", help="a strategy, or all")
    export.add_argument("--format", choices=("onnx", "safetensors"), default="onnx")
    export.add_argument("--out", metavar="DIR", default="export")
    check = _strategy_command(
        commands, "check", "the contract that every strategy must keep", "fund check market_making"
    )
    words.add_check(check)
    words.add_calibrate(
        _strategy_command(
            commands, "calibrate", "fit a desk's market to your files, as a preset",
            "fund calibrate statistical_arbitrage --data KO.csv PEP.csv --out ko_pep.json",
        )
    )  # fmt: skip
    verify = _command(
        commands,
        "verify",
        "PettingZoo's tests and the house's own on a stage's environments",
        "fund verify all",
    )
    verify.add_argument(
        "name", help="a stage, unified, all, or a module of your own with env and parallel_env"
    )
    levels = ("minimal", "verify", "validate", "comprehensive", "benchmark")
    verify.add_argument("--level", choices=levels, default="comprehensive")
    _chain_command(commands)
    bench = _command(commands, "bench", "speed of every environment and of training", "fund bench")
    bench.add_argument("--paths", type=_count, default=4096)
    bench.add_argument("--no-training", action="store_true", help="environments only")
    return top


def _chain_command(commands: Any) -> None:
    chain = _command(
        commands, "chain", "play the GrandModel's stages as a chain, and what each of them changed",
        "fund chain --strategic best --risk crisis_response",
    )  # fmt: skip
    text = "best or latest model of the stage, one of its rules, or {}"
    for stage, idle in (("strategic", "hold_the_mandate"), ("tactical", "trade_at_the_schedule"),
                        ("risk", "limits_only"), ("execution", "cont_kukanov")):  # fmt: skip
        chain.add_argument(f"--{stage}", metavar="WHO", default=idle, help=text.format(idle))
    for option, count in (("--days", 20), ("--worlds", 32), ("--instruments", 2)):
        chain.add_argument(option, type=_count, default=count)


def _command(commands: Any, name: str, text: str, example: str) -> Any:
    sub = commands.add_parser(name, help=text, description=text + ".", epilog=f"example: {example}")
    sub.add_argument("--seed", type=int, default=0)
    sub.add_argument(
        "--json", action="store_true", help="one JSON object on the last line of standard output"
    )
    sub.add_argument("--models", metavar="DIR", default=None, help="folder of the models")
    return sub


def _strategy_command(commands: Any, name: str, text: str, example: str) -> Any:
    sub = _command(commands, name, text, example)
    sub.add_argument("name", help="a desk, the cio_allocator, a stage, or module:Class of your own")
    sub.add_argument("--preset", default="default")
    sub.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="override a parameter")
    return sub


def _count(text: str) -> int:
    number = int(float(text))
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return number


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
        return modes.command(
            options.name, options.steps, options.seconds, options.seed, options.models, options.resume,
            options.algorithm, overrides(options.set),
        )  # fmt: skip

    if options.name in STAGES:
        from fund.training.multi_agent.stages import command

        stage = stage_named(options.name, options.preset, **overrides(options.set))
        return command(
            stage,
            options.preset,
            options.steps,
            options.seconds,
            options.seed,
            options.models,
            options.resume,
            options.algorithm,
            options.workers,
            options.ranks,
        )
    if options.workers or options.ranks > 1:
        raise InvalidParameter(f"{options.name}: --workers and --ranks are for stages, {', '.join(STAGES)}")
    spec, strategy = _spec_and_strategy(options)
    if options.algorithm is not None:
        spec = dataclasses.replace(spec, algorithm=options.algorithm)
    budget = training.Budget(options.steps, options.seconds)
    done = training.train(
        spec,
        strategy,
        options.preset,
        budget,
        options.seed,
        _store(options),
        resume=options.resume,
        progress=True,
    )
    return {
        "name": spec.name, "preset": options.preset, "steps": done.card.steps, "seconds": done.card.seconds,
        "score": done.card.score, "is_best": done.is_best, "interrupted": done.interrupted,
    }  # fmt: skip


def evaluate(options: argparse.Namespace) -> dict[str, Any]:
    """Evaluate one policy."""
    from fund.training import evaluate as evaluation

    spec, strategy = _spec_and_strategy(options)
    if options.data is not None:
        strategy = spec.market(strategy, options.data, options.market)
    policy = evaluation.policy_named(strategy, options.policy, _store(options), options.preset)
    return evaluation.evaluate(
        strategy, policy, options.policy, options.episodes, options.seed, options.preset
    ).plain()


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
    "check": check, "calibrate": calibrate, "verify": verify, "bench": bench, "chain": chain,
}  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse, do, print; the exit code is 0, 1 (the work failed), 2 (wrong usage), 130 (Ctrl-C) or 143 (SIGTERM)."""
    options = parser().parse_args(arguments)
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
