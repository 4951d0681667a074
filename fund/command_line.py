"""The words of the command line: every command and its options."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from fund.calibration import commands as calibration

USAGE = 2  # exit code


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors name the nearest valid word."""

    def error(self, message: str) -> NoReturn:
        """One line on standard error, exit 2."""
        words = _words(self)
        quoted = message.partition("'")[2].partition("'")[0]
        unknown = message.startswith("unrecognized")
        found = [quoted] if quoted else message.rpartition(": ")[2].split() if unknown else []
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


def _run(commands: Any) -> None:
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


def _list(commands: Any) -> None:
    _command(
        commands, "list", "desks, presets, policies, parameters, features", "fund list market_making"
    ).add_argument("name", nargs="?", help="one strategy in full")


def _train(commands: Any) -> None:
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
    train.add_argument("--settings", metavar="FILE", help="of a stage: YAML of settings over its tuned ones")


def _tune(commands: Any) -> None:
    tune = _strategy_command(
        commands, "tune", "search for the settings of a stage's training", "fund tune risk --trials 30"
    )
    tune.add_argument("--trials", type=_count, default=20, help="to add to those that there are")
    tune.add_argument("--steps", type=_count, help="of each trial; the tuned number where not given")
    tune.add_argument("--seconds", type=float, help="begin no trial after this wall-clock time")
    tune.add_argument("--algorithm", help="mappo, ippo, qmix, vdn, dqn or maddpg")


def _evaluate(commands: Any) -> None:
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


def _export(commands: Any) -> None:
    export = _command(
        commands, "export", "write trained policies for use elsewhere", "fund export all --format onnx"
    )
    export.add_argument("name", help="a strategy, or all")
    export.add_argument("--format", choices=("onnx", "safetensors"), default="onnx")
    export.add_argument("--out", metavar="DIR", default="export")


def _check(commands: Any) -> None:
    check = _strategy_command(
        commands, "check", "the contract that every strategy must keep", "fund check market_making"
    )
    calibration.add_check(check)


def _calibrate(commands: Any) -> None:
    calibration.add_calibrate(
        _strategy_command(
            commands, "calibrate", "fit a desk's market to your files, as a preset",
            "fund calibrate statistical_arbitrage --data KO.csv PEP.csv --out ko_pep.json",
        )
    )  # fmt: skip


def _verify(commands: Any) -> None:
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


def _chain(commands: Any) -> None:
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


def _bench(commands: Any) -> None:
    bench = _command(commands, "bench", "speed of every environment and of training", "fund bench")
    bench.add_argument("--paths", type=_count, default=4096)
    bench.add_argument("--no-training", action="store_true", help="environments only")


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
    sub.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="override a parameter; several may follow",
    )
    return sub


def _count(text: str) -> int:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not (number >= 1.0 and number == number // 1.0):
        raise argparse.ArgumentTypeError(f"found {text}, wanted a whole number above 0")
    return int(number)


COMMANDS: tuple[Callable[[Any], None], ...] = (
    _run,
    _list,
    _train,
    _tune,
    _evaluate,
    _export,
    _check,
    _calibrate,
    _verify,
    _chain,
    _bench,
)


def each_set_alone(arguments: Sequence[str]) -> list[str]:
    """`--set a=1 b=2` as `--set a=1 --set b=2`: what follows may be the name as well, so argparse cannot tell."""
    words: list[str] = []
    before = ""
    for word in arguments:
        if before == "pair" and "=" in word and not word.startswith("-"):
            words.append("--set")
        elif word == "--set":
            before = "option"
        else:
            before = "pair" if before == "option" or word.startswith("--set=") else ""
        words.append(word)
    return words


def parser() -> Parser:
    """All commands and their options."""
    top = Parser(prog="fund", description="A hierarchical multi-strategy fund simulator.")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=Parser)
    for add in COMMANDS:
        add(commands)
    return top
