"""Parameters of a market by simulated moments: those at which its tapes look, on average, as the record does.

With m the moments of a record of T rows and m_s(p) those of S tapes of T rows drawn under parameters p, always from the
same random numbers,

    p   solves  mean_s m_s(p) = m           one moment a parameter, least squares where no p solves it
    V = (1 + 1/S) J^-1 C J^-T               J = d mean m_s / dp, C = covariance of m_s over the tapes

A weak belief that p is near the market's own parameters (`DOUBT`) keeps what a record cannot tell where it was: it
moves a parameter that the record does tell by the square of its error over that doubt, and bounds the error of one that
it does not. Because record and tapes have the same length, what a short sample does to a moment it does to both: the
estimator takes its own bias out to first order (Gourieroux, Renault & Touzi, 2000). The standard errors are those of
one record of T rows of such a market, regimes of the weather included: what could not be known from so short a record.

Duffie & Singleton (1993), Econometrica 61:929-952; Gourieroux, Monfort & Renault (1993), Journal of Applied
Econometrics 8:S85-S118.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fund.errors import DataError, InvalidParameter
from fund.market.streams import Paths
from fund.market.tape import Tape
from fund.strategy import Strategy

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Bounds = Mapping[str, tuple[float, float]]
Moments = Callable[[Strategy, Tape], Mapping[str, Floats]]

TAPES = 64  # with 16 the errors are themselves so uncertain that one fit in a hundred is off by more than four of them
FIRST_SEED = 7 * 10**8  # nobody trains, selects or tests on these
STEP = 0.05  # of the derivatives, in logarithms, or as a share of the bounds' distance
MOST_STEPS = 30
DAMPING = (0.0, 0.1, 1.0, 10.0)  # of a step, tried in this order
LONGEST = 1.0  # step of a free parameter
CLOSE = 0.01  # share by which a step must bring the squared distance down, and where that is small
DOUBT = (
    1.0,
    0.25,
)  # what is believed of a parameter beforehand: its logarithm, or share of the bounds, within this
UNMET = 0.5  # standard deviations from which on a moment counts as not met


@dataclass(frozen=True)
class Fit:
    """Fitted parameters, what they are uncertain by, and how the moments were met."""

    parameters: dict[str, float]
    standard_errors: dict[str, float]
    recorded: dict[str, float]  # moments of the record
    drawn: dict[str, float]  # their mean over the tapes at the fitted parameters
    scatter: dict[str, float]  # their standard deviation over the tapes
    at_bound: tuple[str, ...]  # parameters that ran to the end of what is allowed
    estimated: tuple[str, ...] = ()  # parameters that were not matched but estimated beforehand

    def with_estimates(self, values: Mapping[str, float], errors: Mapping[str, float]) -> Fit:
        """The same fit beside parameters that were estimated beforehand."""
        return replace(
            self, parameters={**values, **self.parameters}, standard_errors={**errors, **self.standard_errors},
            estimated=tuple(values),
        )  # fmt: skip

    @property
    def unmet(self) -> dict[str, float]:
        """Moments that no parameters meet: distance in standard deviations of one record."""
        gaps = {k: (self.drawn[k] - self.recorded[k]) / self.scatter[k] for k in self.recorded}
        return {name: gap for name, gap in gaps.items() if abs(gap) > UNMET}


class Search:
    """The moments of a market as a function of its fitted parameters."""

    def __init__(self, market: Strategy, bounds: Bounds, moments: Moments, steps: int, tapes: int) -> None:
        self.names, self.market, self.moments = tuple(bounds), market.with_steps(steps), moments
        self.bounds = np.array([bounds[name] for name in self.names], dtype=np.float64)
        self.logs = self.bounds[:, 0] > 0.0
        self.doubt = np.where(
            self.logs, *DOUBT
        )  # standard deviation of the free parameters before the record
        self.paths = Paths.of(FIRST_SEED, tapes)

    def to_free(self, values: Floats) -> Floats:
        """Parameters as the search moves them: logarithms of positive ones, shares of the bounds of others."""
        low, high = self.bounds.T
        wide = np.where(self.logs, 1.0, high - low)
        return np.asarray(np.where(self.logs, np.log(np.where(self.logs, values, 1.0)), values / wide))

    def to_values(self, free: Floats) -> Floats:
        """And back, within the bounds."""
        low, high = self.bounds.T
        values = np.where(self.logs, np.exp(np.where(self.logs, free, 0.0)), free * (high - low))
        return np.clip(values, low, high)

    def per_free(self, values: Floats) -> Floats:
        """Change of each parameter per change of its free form."""
        low, high = self.bounds.T
        return np.asarray(np.where(self.logs, values, high - low))

    def __call__(self, free: Floats) -> Floats:
        """Moments (tapes, k) under free parameters; raises DataError where one is not finite."""
        values = dict(zip(self.names, self.to_values(free).tolist(), strict=True))
        market = self.market.with_parameters(**values)
        found = self.moments(market, market.record(self.paths))
        out = np.column_stack([found[name] for name in found])
        if not np.isfinite(out).all():
            name = list(found)[int(np.argwhere(~np.isfinite(out))[0, 1])]
            raise DataError(f"{market.name}: the moment {name} is not finite at {values}")
        return out


def match(market: Strategy, bounds: Bounds, moments: Moments, record: Tape, tapes: int = TAPES) -> Fit:
    """The market's parameters, of those in `bounds`, at which its tapes have the moments of the record (one path).

    The search starts at the market's own parameters. Raises DataError where a moment of the record is not finite,
    InvalidParameter where parameters and moments are not as many.
    """
    wanted = {name: float(np.asarray(value).ravel()[0]) for name, value in moments(market, record).items()}
    broken = [name for name, value in wanted.items() if not math.isfinite(value)]
    if broken:
        raise DataError(f"{market.name}: the record's {broken[0]} is not finite: nothing moves in it?")
    if len(wanted) != len(bounds):
        raise InvalidParameter(f"{market.name}: {len(bounds)} parameters and {len(wanted)} moments")
    search = Search(market, bounds, moments, record.steps, tapes)
    target = np.array(list(wanted.values()))
    start = np.array([getattr(market, name) for name in bounds], dtype=np.float64)
    free, slope, sample = _solve(search, search.to_free(np.clip(start, *search.bounds.T)), target)
    return _fit(search, free, slope, sample, wanted)


def _solve(search: Search, start: Floats, target: Floats) -> tuple[Floats, Floats, Floats]:
    # Levenberg-Marquardt, moments in their own deviations; slopes follow the steps (Broyden, 1965), because a slope
    # taken anew costs a drawing a parameter: that is done where a step fails, and at the end
    free, sample = start, search(start)
    slope, fresh = _slope(search, free, sample), True
    for _ in range(MOST_STEPS):
        found = _nearer(search, start, free, sample, slope, target)
        if found is None and fresh:
            break
        if found is None:
            slope, fresh = _slope(search, free, sample), True
            continue
        step = found[0] - free
        missed = found[1].mean(axis=0) - sample.mean(axis=0) - slope @ step
        slope, fresh = slope + np.outer(missed, step) / max(float(step @ step), 1e-300), False
        free, sample = found
    return free, slope if fresh else _slope(search, free, sample), sample


def _nearer(
    search: Search, start: Floats, free: Floats, sample: Floats, slope: Floats, target: Floats
) -> tuple[Floats, Floats] | None:
    # the first of ever shorter steps that brings the moments nearer; None where no step does so by enough
    scale, prior = _scatter(sample), 1.0 / search.doubt
    unit = np.vstack([slope / scale[:, None], np.diag(prior)])
    gap = np.concatenate([(target - sample.mean(axis=0)) / scale, prior * (start - free)])
    low, high = (search.to_free(end) for end in search.bounds.T)
    square, worst = unit.T @ unit, float(gap @ gap)
    for damping in DAMPING:
        move = _step(square + damping * np.diag(np.diag(square)), unit.T @ gap, free <= low, free >= high)
        move *= min(1.0, LONGEST / max(float(np.abs(move).max()), 1e-300))
        tried = np.clip(free + move, low, high)
        found = search(tried)
        left = np.concatenate([(target - found.mean(axis=0)) / scale, prior * (start - tried)])
        if float(left @ left) < worst - CLOSE * max(CLOSE, worst):
            return tried, found
    return None


def _step(square: Floats, towards: Floats, lowest: Flags, highest: Flags) -> Floats:
    # of the normal equations; a parameter at its end that would go beyond it stays, and the others make up for it
    move = np.asarray(np.linalg.solve(square, towards), dtype=np.float64)
    stays = (lowest & (move < 0.0)) | (highest & (move > 0.0))
    if stays.any():
        rest = ~stays
        move = np.zeros(len(towards))
        move[rest] = np.linalg.solve(square[np.ix_(rest, rest)], towards[rest])
    return move


def _scatter(sample: Floats) -> Floats:
    # standard deviation of each moment; a moment that does not scatter is met to a millionth
    return np.asarray(np.maximum(sample.std(axis=0, ddof=1), 1e-6 * (1.0 + np.abs(sample.mean(axis=0)))))


def _slope(search: Search, free: Floats, sample: Floats) -> Floats:
    # (moments, parameters) of the mean moments by the free parameters; inwards at a bound
    high = search.to_free(search.bounds[:, 1])
    out = np.empty((sample.shape[1], len(free)))
    for k in range(len(free)):
        ahead = free.copy()
        ahead[k] += STEP if free[k] + STEP <= high[k] else -STEP
        out[:, k] = (search(ahead).mean(axis=0) - sample.mean(axis=0)) / (ahead[k] - free[k])
    return out


def _fit(search: Search, free: Floats, slope: Floats, sample: Floats, wanted: dict[str, float]) -> Fit:
    values, scale = search.to_values(free), _scatter(sample)
    unit, prior = slope / scale[:, None], np.diag(search.doubt**-2.0)
    spread = np.atleast_2d(np.cov(sample.T)) / np.outer(scale, scale)
    np.fill_diagonal(spread, 1.0)  # also of a moment that does not scatter
    inverse = np.linalg.inv(unit.T @ unit + prior)
    spread = unit.T @ (spread * (1.0 + 1.0 / len(sample))) @ unit + prior
    errors = np.sqrt(np.diag(inverse @ spread @ inverse)) * search.per_free(values)
    low, high = search.bounds.T
    near = 1e-9 * np.maximum(np.abs(values), 1e-300)
    hit = (values - low <= near) | (high - values <= near)
    return Fit(
        dict(zip(search.names, values.tolist(), strict=True)),
        dict(zip(search.names, errors.tolist(), strict=True)),
        wanted,
        dict(zip(wanted, sample.mean(axis=0).tolist(), strict=True)),
        dict(zip(wanted, scale.tolist(), strict=True)),
        tuple(name for name, ended in zip(search.names, hit, strict=True) if ended),
    )
