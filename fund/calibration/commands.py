"""Words of the command line that hold a market against files: `fund calibrate NAME` and `fund check market NAME`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fund.roster import Spec
    from fund.strategy import Strategy

MARKET = "market"  # the word between `check` and a name


def add_files(command: Any, required: bool) -> None:
    """The options `--data` and `--market`."""
    command.add_argument(
        "--data", metavar="PATH", nargs="+", required=required, help="your own files or folders, or `builtin`"
    )
    command.add_argument("--market", default="", help="one of several that the data hold")


def add_calibrate(command: Any) -> None:
    """The options of `fund calibrate`."""
    add_files(command, required=True)
    command.add_argument("--out", metavar="FILE", help="the preset, for --preset; else NAME.json")


def add_check(command: Any) -> None:
    """The words of `fund check market NAME` beside those of `fund check NAME`."""
    command.add_argument(
        "of",
        nargs="?",
        metavar="NAME",
        help="after the word market: whose market is held against stylised facts",
    )
    add_files(command, required=False)
    command.add_argument("--paths", type=int, help="drawn paths of 5,000 days; 40 where not given")


def calibrate(spec: Spec, options: Any, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Fit a desk's market and write the preset."""
    from fund.calibration.calibrate import calibrate as fit
    from fund.calibration.records import Files

    files = Files(tuple(options.data), options.market)
    return fit(spec, options.preset, changes, files, options.out or f"{spec.name}.json")


def check_market(spec: Spec, strategy: Strategy, options: Any) -> dict[str, Any]:
    """Stylised facts of a market beside their bands. Raises InvalidParameter for fewer than one path."""
    from fund.calibration.market_check import Sample
    from fund.calibration.market_check import check_market as check
    from fund.calibration.records import Files
    from fund.errors import InvalidParameter

    if options.paths is not None and options.paths < 1:
        raise InvalidParameter(f"--paths {options.paths}, wanted 1 or more")
    files = Files(tuple(options.data), options.market) if options.data else None
    sample = Sample(seed=options.seed) if options.paths is None else Sample(options.paths, seed=options.seed)
    return check(spec, strategy, files, sample)
