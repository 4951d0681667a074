"""A calibrated market refitted on its own output: what every desk's calibration must do."""

from __future__ import annotations

from typing import Any

from fund.calibration.calibration import calibration_of
from fund.calibration.matching import Fit, match
from fund.market.streams import Paths
from specialists import ROSTER


def fit_of(name: str, truth: dict[str, Any], steps: int, tapes: int, seed: int = 1, **base: Any) -> Fit:
    """The desk fitted to a tape of the market that has these parameters; the search starts at the preset's."""
    calibration = calibration_of(ROSTER[name])
    market = ROSTER[name].cls.preset(calibration.preset, **base)
    tape = market.with_parameters(**truth).with_steps(steps).record(Paths.of(seed, 1))
    return match(market, calibration.bounds, calibration.moments, tape, tapes)


def recovered(name: str, truth: dict[str, Any], steps: int, tapes: int = 16, **base: Any) -> Fit:
    """Fit a known market, and refit it on the fitted market's own output: both within four stated errors.

    Returns the first fit. A parameter of which `truth` says nothing has the preset's value.
    """
    first = fit_of(name, truth, steps, tapes, **base)
    market = ROSTER[name].cls.preset(calibration_of(ROSTER[name]).preset, **base)
    within(first, {key: truth.get(key, getattr(market, key)) for key in first.parameters})
    again = fit_of(name, first.parameters, steps, tapes, seed=2, **base)
    within(again, first.parameters)
    return first


def within(fit: Fit, truth: dict[str, Any]) -> None:
    """Each parameter lies within four of its standard errors of the truth."""
    for key, value in truth.items():
        error = fit.standard_errors[key]
        assert abs(fit.parameters[key] - value) < 4.0 * error, (key, fit.parameters[key], value, error)
