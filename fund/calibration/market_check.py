"""`fund check market NAME`: stylised facts of a market beside their bands, and beside those of a user's files."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fund.calibration.calibration import Calibration, Priced, calibration_of
from fund.calibration.records import Files, recorded
from fund.errors import DataError
from fund.market.garch import fit
from fund.market.sources import READERS, sniff
from fund.market.streams import Paths
from fund.market.stylised_bands import Band, Verdict, judge
from fund.market.stylised_facts import LEAST, returns_of, variance_ratio
from fund.roster import Spec
from fund.strategy import Strategy

Floats = NDArray[np.float64]

ROWS = 40_000  # drawn together; bounds the memory
MONTH = 20  # days of the variance ratio
FITTED = 4  # paths to which a GARCH is fitted
FIRST_SEED = 8 * 10**8


@dataclass(frozen=True)
class Sample:
    """How much is drawn: the bands are of 40 paths of 5,000 days."""

    paths: int = 40
    days: int = 5000
    seed: int = 0


def check_market(
    spec: Spec, strategy: Strategy, files: Files | None = None, sample: Sample | None = None
) -> dict[str, Any]:
    """What the command prints: each price's lines, the band, the market's median, the files'. Raises FundError."""
    calibration, sample = calibration_of(spec), sample or Sample()
    verdicts, details = drawn(calibration, strategy, sample)
    seen = of_files(calibration, spec, strategy, files) if files is not None else {}
    plain = {
        price: {
            "kind": verdict.kind, "holds": verdict.holds, "enough_lines_on": _number(verdict.enough),
            "lines": {line.name: _line(verdict, line.name, seen.get(price, {})) for line in verdict.lines},
        }
        for price, verdict in verdicts.items()
    }  # fmt: skip
    other = {name: {"market": value, **_of(seen.get("details", {}), name)} for name, value in details.items()}
    result = {
        "name": spec.name,
        "paths": sample.paths,
        "days": sample.days,
        "prices": plain,
        "details": other,
    }
    return {**result, "text": _text(spec.name, verdicts, details, seen)}


def drawn(
    calibration: Calibration, strategy: Strategy, sample: Sample
) -> tuple[dict[str, Verdict], dict[str, float]]:
    """Verdicts on the prices of generated paths, and the medians of further facts."""
    world = strategy.with_steps(sample.days * strategy.steps_per_day) if calibration.daily else strategy
    paths, some = sample.paths, max(1, min(sample.paths, ROWS // world.n_steps))
    parts: dict[str, list[Priced]] = {}
    details: dict[str, list[Floats]] = {}
    first = FIRST_SEED + sample.seed * 10**5
    for start in range(0, paths, some):
        tape = world.record(Paths.of(first + start, min(some, paths - start)))
        for name, priced in calibration.prices(world, tape).items():
            parts.setdefault(name, []).append(priced)
        for name, values in calibration.details(world, tape).items():
            details.setdefault(name, []).append(values)
    prices = {name: Priced(f[0].kind, np.hstack([part.returns for part in f])) for name, f in parts.items()}
    medians = {name: float(np.nanmedian(np.concatenate(values))) for name, values in details.items()}
    verdicts = {name: judge(priced.returns, priced.kind) for name, priced in prices.items()}
    return verdicts, {**medians, **further_facts(prices)}


def further_facts(prices: Mapping[str, Priced]) -> dict[str, float]:
    """Variance ratio over a month of each price, and GJR-GARCH with t shocks fitted to its first paths: medians."""
    found = {}
    for name, priced in prices.items():
        found[f"{name}_variance_ratio_{MONTH}"] = float(np.median(variance_ratio(priced.returns, MONTH)))
        models = [fit(priced.returns[:, i]).model for i in range(min(FITTED, priced.returns.shape[1]))]
        for word in ("persistence", "arch", "asymmetry", "garch", "freedom"):
            found[f"{name}_gjr_{word}"] = float(np.median([getattr(model, word) for model in models]))
    return found


def of_files(
    calibration: Calibration, spec: Spec, strategy: Strategy, files: Files
) -> dict[str, dict[str, float]]:
    """The same facts of a user's files, by price; a file of one price stands beside every price of the market."""
    alone = _one_price(files)
    if alone is not None:
        prices = calibration.prices(strategy, strategy.with_steps(LEAST).record(Paths.of(FIRST_SEED, 1)))
        same = {name: Priced(priced.kind, alone) for name, priced in prices.items()}
        return {**{name: _values(priced) for name, priced in same.items()}, "details": further_facts(same)}
    desk, tape = recorded(calibration, spec, strategy, files)
    prices = calibration.prices(desk, tape)
    details = {name: float(value[0]) for name, value in calibration.details(desk, tape).items()}
    found = {name: _values(priced) for name, priced in prices.items()}
    return {**found, "details": {**details, **further_facts(prices)}}


def _one_price(files: Files) -> Floats | None:
    found = files.found()
    single = [path for group in ("prices", "other", "volatility") for path in found[group]]
    if len(files.places) != 1 or len(single) != 1 or sniff(single[0]) not in READERS:
        return None
    history = READERS[sniff(single[0])](single[0])
    return returns_of(history.column("close")) if "close" in history.names else None


def _values(priced: Priced) -> dict[str, float]:
    if len(priced.returns) < LEAST:
        raise DataError(
            f"the record has {len(priced.returns)} returns, wanted {LEAST} or more for stylised facts"
        )
    return {line.name: line.median for line in judge(priced.returns, priced.kind).lines}


def _line(verdict: Verdict, name: str, seen: Mapping[str, float]) -> dict[str, Any]:
    line = next(line for line in verdict.lines if line.name == name)
    band = None if line.band is None else [_number(end) for end in line.band]
    return {"band": band, "market": line.median, "within": line.within, "paths_within": _number(line.held),
            **_of(seen, name)}  # fmt: skip


def _of(seen: Mapping[str, float], name: str) -> dict[str, Any]:
    return {"file": _number(seen[name])} if name in seen else {}


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _text(
    name: str,
    verdicts: Mapping[str, Verdict],
    details: Mapping[str, float],
    seen: Mapping[str, Mapping[str, float]],
) -> str:
    lines = []
    for price, verdict in verdicts.items():
        head = f"{name} {price} ({verdict.kind}), {verdict.paths} paths"
        lines += [head, f"  {'':<26}{'band':>16}{'market':>9}{'paths in':>10}{'file':>9}"]
        lines += [
            _row(line.name, line.band, line.median, line.held, seen.get(price, {})) for line in verdict.lines
        ]
        if not math.isnan(verdict.enough):
            lines.append(f"  at least ten lines of twelve hold on {verdict.enough:.0%} of paths (wanted 60%)")
        lines.append(
            "  holds"
            if verdict.holds
            else f"  does not hold: {', '.join(verdict.outside) or 'too few paths'}"
        )
    if details:
        lines.append(f"{name}, further facts (no band)")
        lines += [_row(key, None, value, math.nan, seen.get("details", {})) for key, value in details.items()]
    return "\n".join(lines)


def _row(name: str, band: Band | None, value: float, held: float, seen: Mapping[str, float]) -> str:
    high = "" if band is None or math.isinf(band.high) else f"{band.high:g}"
    accepted = "-" if band is None else f"{band.low:g} to {high}" if high else f"from {band.low:g}"
    out = "  <- out" if band is not None and not band.holds(value) else ""
    share = "-" if math.isnan(held) else f"{held:.0%}"
    file = f"{seen[name]:9.3f}" if name in seen else f"{'-':>9}"
    return f"  {name:<26}{accepted:>16}{value:9.3f}{share:>10}{file}{out}"
