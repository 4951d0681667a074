"""`fund calibrate`: a desk's market fitted to a user's files, as a preset file."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fund.calibration.calibration import Calibration, calibration_of
from fund.calibration.matching import TAPES, Fit, match
from fund.calibration.preset_file import check_name, write_preset
from fund.calibration.records import Files, recorded
from fund.errors import InvalidParameter
from fund.market.history import History
from fund.market.tape import Tape
from fund.roster import Spec
from fund.strategy import Strategy


def fitted(
    calibration: Calibration, market: Strategy, desk: Strategy, tape: Tape, tapes: int = TAPES
) -> tuple[dict[str, Any], Fit]:
    """What a record says outright, and the fit of the rest; `desk` stands on the record, `market` is what is fitted.

    What the desk estimates by its own means comes first, and the other errors are those given these estimates.
    Raises InvalidParameter where the market has nothing that could be fitted.
    """
    if not calibration.bounds:
        raise InvalidParameter(f"{market.name}: no parameter of its market is fitted to files")
    given = dict(calibration.given(desk, tape))
    market = market.with_parameters(**given)
    estimated = dict(calibration.estimated(desk, market))
    values = {name: one.value for name, one in estimated.items()}
    errors = {name: one.error for name, one in estimated.items()}
    matched = [name for name in calibration.bounds if name not in {*calibration.untold(desk), *estimated}]
    places = [list(calibration.bounds).index(name) for name in matched]

    def moments(world: Strategy, drawn: Tape) -> dict[str, Any]:
        found = list(calibration.moments(world, drawn).items())
        return dict(found[place] for place in places)

    bounds = {name: calibration.bounds[name] for name in matched}
    fit = match(market.with_parameters(**values), bounds, moments, tape, tapes)
    return given, fit.with_estimates(values, errors)


def calibrate(
    spec: Spec, preset: str, changes: Mapping[str, Any], files: Files, out: str, tapes: int = TAPES
) -> dict[str, Any]:
    """Fit a desk to files and write the preset; what the command prints. Raises FundError."""
    check_name(out)
    calibration = calibration_of(spec)
    base = preset if preset != "default" else calibration.preset
    market = spec.cls.preset(base, **changes)
    desk, tape = recorded(calibration, spec, market, files)
    given, fit = fitted(calibration, market, desk, tape, tapes)
    assert desk.history is not None
    content = {
        "strategy": spec.name,
        "base": base,
        "parameters": {**changes, **given, **fit.parameters},
        "standard_errors": fit.standard_errors,
        "moments": {
            name: {"record": value, "market": fit.drawn[name], "deviation": fit.scatter[name]}
            for name, value in fit.recorded.items()
        },
        "record": _record(desk.history, tape),
    }
    write_preset(out, content)
    return {**content, "out": out, "text": _text(market, given, fit, out)}


def _record(history: History, tape: Tape) -> dict[str, Any]:
    names = [Path(part).name for part in history.source.split(" + ")]
    days = [str(day)[:10] for day in history.dates[[0, -1]]]
    return {"source": " + ".join(names), "sha256": history.sha256, "steps": tape.steps, "first": days[0],
            "last": days[1]}  # fmt: skip


def _text(market: Strategy, given: Mapping[str, Any], fit: Fit, out: str) -> str:
    lines = [f"{'parameter':<30}{'preset':>12}{'fitted':>12}{'standard error':>16}"]
    for name, value in fit.parameters.items():
        error = f"{fit.standard_errors[name]:.4g}"
        note = "  at the end of what is allowed" if name in fit.at_bound else ""
        note = "  estimated first, by the desk's own means" if name in fit.estimated else note
        lines.append(f"{name:<30}{getattr(market, name):>12.5g}{value:>12.5g}{error:>16}{note}")
    for name, value in given.items():
        if name not in fit.parameters:
            lines.append(
                f"{name:<30}{_shown(getattr(market, name)):>12}{_shown(value):>12}{'the record says':>16}"
            )
    for name, gap in fit.unmet.items():
        lines.append(
            f"not met: {name}, record {fit.recorded[name]:.4g}, market {fit.drawn[name]:.4g} ({gap:+.1f} SD)"
        )
    return "\n".join([*lines, f"written to {out}: fund evaluate {market.name} --preset {out} --policy ..."])


def _shown(value: Any) -> str:
    return f"{value:.5g}" if isinstance(value, float) and math.isfinite(value) else str(value)
