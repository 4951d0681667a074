"""Schwartz & Smith's curve by maximum likelihood: what a panel of contracts tells of the speed and of the premia.

With states chi and xi of `fund.market.term_structure` and the near contract's mispricing m, a contract of T years costs

    ln F = e^{-kT} chi + xi + A(T) + m 1[near] + e,     e normal of deviation `noise`,

and the states move over a step under P, exactly. A Kalman filter takes one contract after the other, so that a missing
price is one update less. k, the speed under Q, is what bends the curve; kappa, the speed under P, is how fast chi
came back. chi's premium lies between the two, and in what futures earned.

Errors are those of a quasi-likelihood, H^-1 J H^-1 with H the curvature and J the long-run variance of the rows'
scores (White, 1982; Newey & West, 1987): under the weather shocks are not normal, and storms last. Of a slow chi they
are too small, and kappa is too high by up to 4 / years, as of any autoregression around an unknown mean (Kendall, 1954;
Tang & Chen, 2009), so that panels drawn from the estimates are fitted, too, with kappas all over its own error, 4 /
years lower: what they are off by is taken off every estimate, and where they scatter by more than the quasi-likelihood
says, that is the error (a parametric bootstrap; Efron & Tibshirani, 1993, chapter 10).

Schwartz & Smith (2000), Management Science 46:893-911; White (1982), Econometrica 50:1-25; Tang & Chen (2009), Journal
of Econometrics 149:65-81.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fund.compiled import compiled
from fund.market.draft import DAY
from fund.market.history import History
from fund.market.term_structure import SchwartzSmith

Floats = NDArray[np.float64]

NAMES = (
    "kappa", "kappa_q", "sigma_chi", "sigma_xi", "rho", "lambda_chi", "mu_xi", "mu_xi_star", "mispricing_kappa",
    "mispricing_sigma", "noise",
)  # fmt: skip
LOW = np.array([0.02, 0.02, 0.01, 0.01, -0.98, -1.0, -1.0, -0.5, 2.0, 1e-3, 1e-4])
HIGH = np.array([20.0, 20.0, 3.0, 2.0, 0.98, 1.0, 1.0, 0.5, 200.0, 2.0, 0.05])
POSITIVE = LOW > 0.0
DIFFUSE = 4.0  # variance of xi before the first row
BIAS = 4.0  # of kappa, times the years of a record, where panels are drawn
LEAST_KEPT = 0.25  # share of kappa that a correction leaves
REPLICATIONS, FIRST_SEED = 40, 7 * 10**8
STEP = 1e-3
TRADING_DAYS = 252
TOGETHER = 60  # rows whose scores may go together
HOLE = 5.0  # days without prices, beyond which it is no holiday


class Panel(NamedTuple):
    """Contracts by row, near first; the near one may be mispriced."""

    logs: Floats  # (rows, contracts) of prices, NaN where there is none
    years: Floats  # (rows, contracts) to delivery
    steps: Floats  # (rows,) years since the row before

    @property
    def length(self) -> float:
        """Years from the first row to the last."""
        return float(self.steps[1:].sum())


class Estimates(NamedTuple):
    """Estimates by name, with standard errors; `premium_slope` is kappa_q less kappa."""

    values: dict[str, float]
    errors: dict[str, float]


def curve_of(values: Mapping[str, float]) -> SchwartzSmith:
    """The curve of these values."""
    return SchwartzSmith(**{one.name: values[one.name] for one in fields(SchwartzSmith)})


def panel_of(history: History) -> Panel | None:
    """The contracts of a record (`recorded`); None where a price is not above zero or delivery is not known.

    A third contract counts where it is one that was traded, not the two legs' line. Days in a row are a trading day
    apart, whatever the calendar says of week-ends; a longer hole is as long as it was.
    """
    wanted = ("near_in", "far_in", "to_delivery", "far_gap", "third", "third_gap", "open")
    if not set(wanted) <= set(history.names):
        return None
    near, far, first, gap, third, third_gap, opened = (history.column(name) for name in wanted)
    if min(near.min(), far.min()) <= 0.0:
        return None
    line = np.isclose(third, 2.0 * far - near, rtol=0.0, atol=1e-12 * np.abs(far)) & (third_gap == 2.0 * gap)
    third = np.where(line | (third <= 0.0), np.nan, third)
    prices = np.where(opened[:, None] > 0.5, np.column_stack([near, far, third]), np.nan)
    days = np.diff(history.times, prepend=history.times[0]) / DAY
    steps = np.where(days <= HOLE, 1.0 / TRADING_DAYS, days / 365.25)
    years = np.maximum(np.column_stack([first, first + gap, first + third_gap]), 0.0)
    return Panel(np.log(prices), years, steps)


def estimates(panel: Panel, start: Mapping[str, float], replications: int = REPLICATIONS) -> Estimates:
    """The curve of a panel; the search begins at `start`, by `NAMES`."""
    free = maximised(panel, _free(np.clip(np.array([start[name] for name in NAMES]), LOW, HIGH)))
    values, unit = _values(free), _per_free(_values(free))
    spread = _covariance(panel, free) * np.outer(unit, unit)
    missed = np.array([
        _values(maximised(drawn(panel, truth, seed), _free(truth), (1.0,))) - truth
        for seed, truth in enumerate(_around(values, math.sqrt(spread[0, 0]), panel.length, replications))
    ])  # fmt: skip
    corrected = values - missed.mean(axis=0)
    corrected = np.where(POSITIVE, np.maximum(corrected, LEAST_KEPT * values), corrected)
    return _stated(np.clip(corrected, LOW, HIGH), spread, np.cov(missed.T))


def _around(values: Floats, error: float, years: float, count: int) -> list[Floats]:
    # the estimates with speeds of chi all over its error, as many below its middle as above
    middle, least, error = values[0] - BIAS / years, LEAST_KEPT * values[0], min(error, values[0])
    out = []
    for k in range(count):
        one = values.copy()
        one[0] = min(max(middle + error * NormalDist().inv_cdf((k + 0.5) / count), least), HIGH[0])
        out.append(one)
    return out


def named(values: Floats) -> dict[str, float]:
    """Values of `NAMES` by name, and the premium's slope."""
    found = dict(zip(NAMES, values.tolist(), strict=True))
    return {**found, "premium_slope": found["kappa_q"] - found["kappa"]}


def _stated(values: Floats, *spreads: Floats) -> Estimates:
    found = named(values)
    both = np.vstack([np.eye(len(NAMES)), np.eye(len(NAMES))[1] - np.eye(len(NAMES))[0]])
    errors = np.max([np.sqrt(np.maximum(np.diag(both @ one @ both.T), 0.0)) for one in spreads], axis=0)
    return Estimates(found, dict(zip(found, errors.tolist(), strict=True)))


def maximised(panel: Panel, first: Floats, slower: tuple[float, ...] = (1.0, 3.0)) -> Floats:
    """Free parameters at which the likelihood is largest, searched from `first` with a chi so many times slower."""
    from scipy.optimize import minimize

    ends = list(zip(_free(LOW), _free(HIGH), strict=True))

    def loss(free: Floats) -> float:
        return -float(by_row(panel, _values(free)).sum()) / len(panel.logs)

    found = [minimize(loss, _slower(first, by), method="L-BFGS-B", bounds=ends) for by in slower]
    return np.asarray(min(found, key=lambda one: float(one.fun)).x, dtype=np.float64)


def drawn(panel: Panel, values: Floats, seed: int) -> Panel:
    """Another panel of the same contracts and days, drawn from a curve; prices are missing where they are missing."""
    generator = np.random.default_rng([FIRST_SEED, seed])
    curve = curve_of(named(values))
    rows, noise = len(panel.logs), values[-1]
    states = np.empty((3, rows))
    _draw(generator.standard_normal((rows, 3)), panel.steps, values, states)
    logs = np.asarray(curve.log_futures(states[0][:, None], states[1][:, None], panel.years))
    logs = logs + noise * generator.standard_normal(logs.shape)
    logs[:, 0] += states[2]
    return Panel(np.where(np.isfinite(panel.logs), logs, np.nan), panel.years, panel.steps)


def by_row(panel: Panel, values: Floats) -> Floats:
    """Log likelihood (rows,) of what each row adds, at the values of `NAMES`."""
    out = np.zeros(len(panel.logs))
    _filter(panel.logs, panel.years, panel.steps, values, out)
    return out


def _slower(free: Floats, by: float) -> Floats:
    moved = free.copy()
    moved[:2] = np.maximum(moved[:2] - math.log(by), _free(LOW)[:2])
    return moved


def _free(values: Floats) -> Floats:
    return np.asarray(np.where(POSITIVE, np.log(np.where(POSITIVE, values, 1.0)), values))


def _values(free: Floats) -> Floats:
    return np.asarray(np.where(POSITIVE, np.exp(np.where(POSITIVE, free, 0.0)), free))


def _per_free(values: Floats) -> Floats:
    return np.asarray(np.where(POSITIVE, values, 1.0))


def _covariance(panel: Panel, free: Floats) -> Floats:
    # of the free parameters; one that the likelihood does not tell, or that stands at its end, is pinned by the inverse
    def scores(at: Floats) -> Floats:
        out = np.empty((len(panel.logs), len(free)))
        for k in range(len(free)):
            up, down = at.copy(), at.copy()
            up[k], down[k] = at[k] + STEP, at[k] - STEP
            out[:, k] = (by_row(panel, _values(up)) - by_row(panel, _values(down))) / (2.0 * STEP)
        return out

    curvature = np.empty((len(free), len(free)))
    for k in range(len(free)):
        up, down = free.copy(), free.copy()
        up[k], down[k] = free[k] + STEP, free[k] - STEP
        curvature[k] = (scores(up).sum(axis=0) - scores(down).sum(axis=0)) / (2.0 * STEP)
    inverse = np.linalg.pinv(-0.5 * (curvature + curvature.T), hermitian=True)
    return np.asarray(inverse @ _long_run(scores(free)) @ inverse)


def _long_run(scores: Floats) -> Floats:
    # of their sum: storms of the weather last for weeks, so that the rows' squares go together (Newey & West, 1987)
    total = scores.T @ scores
    for lag in range(1, min(TOGETHER, len(scores) - 1) + 1):
        both = scores[lag:].T @ scores[:-lag]
        total = total + (1.0 - lag / (TOGETHER + 1.0)) * (both + both.T)
    return np.asarray(total)


@compiled(nogil=True, error_model="numpy")
def _filter(logs: Floats, years: Floats, steps: Floats, values: Floats, out: Floats) -> None:
    kappa, k, s_chi, s_xi, rho, lambda_chi, mu, mu_star, fading, s_gap, noise = values
    x, p, h, gain = np.zeros(3), np.zeros((3, 3)), np.zeros(3), np.zeros(3)
    p[0, 0], p[1, 1], p[2, 2] = s_chi**2 / (2.0 * kappa), DIFFUSE, s_gap**2 / (2.0 * fading)
    begun = False
    for t in range(len(logs)):
        if t > 0:
            _predict(x, p, steps[t], kappa, s_chi, s_xi, rho, mu, fading, s_gap)
        for j in range(logs.shape[1]):
            if not math.isfinite(logs[t, j]):
                continue
            if not begun:
                x[1], begun = logs[t, j], True
            far = years[t, j]
            h[0], h[1], h[2] = math.exp(-k * far), 1.0, 1.0 if j == 0 else 0.0
            gone, twice = 1.0 - h[0], 1.0 - h[0] * h[0]
            level = mu_star * far - gone * lambda_chi / k + s_chi * s_chi * twice / (4.0 * k)
            level += 0.5 * s_xi * s_xi * far + gone * rho * s_chi * s_xi / k
            for a in range(3):
                gain[a] = p[a, 0] * h[0] + p[a, 1] * h[1] + p[a, 2] * h[2]
            width = h[0] * gain[0] + h[1] * gain[1] + h[2] * gain[2] + noise * noise
            missed = logs[t, j] - level - (h[0] * x[0] + h[1] * x[1] + h[2] * x[2])
            out[t] -= 0.5 * (math.log(2.0 * math.pi * width) + missed * missed / width)
            for a in range(3):
                x[a] += gain[a] * missed / width
                for b in range(3):
                    p[a, b] -= gain[a] * gain[b] / width


@compiled(nogil=True, error_model="numpy")
def _predict(
    x: Floats, p: Floats, dt: float, kappa: float, s_chi: float, s_xi: float, rho: float, mu: float, fading: float,
    s_gap: float,
) -> None:  # fmt: skip
    kept, left = math.exp(-kappa * dt), math.exp(-fading * dt)
    x[0], x[1], x[2] = kept * x[0], x[1] + mu * dt, left * x[2]
    scale = (kept, 1.0, left)
    for a in range(3):
        for b in range(3):
            p[a, b] *= scale[a] * scale[b]
    p[0, 0] += s_chi * s_chi * (1.0 - kept * kept) / (2.0 * kappa)
    p[1, 1] += s_xi * s_xi * dt
    both = rho * s_chi * s_xi * (1.0 - kept) / kappa
    p[0, 1], p[1, 0] = p[0, 1] + both, p[1, 0] + both
    p[2, 2] += s_gap * s_gap * (1.0 - left * left) / (2.0 * fading)


@compiled(nogil=True, error_model="numpy")
def _draw(shocks: Floats, steps: Floats, values: Floats, states: Floats) -> None:
    kappa, _, s_chi, s_xi, rho, _, mu, _, fading, s_gap, _ = values
    left = math.sqrt(1.0 - rho * rho)
    chi, xi = s_chi / math.sqrt(2.0 * kappa) * shocks[0, 0], 0.0
    gap = s_gap / math.sqrt(2.0 * fading) * shocks[0, 2]
    for t in range(len(shocks)):
        if t > 0:
            dt, z = steps[t], shocks[t]
            kept, held = math.exp(-kappa * dt), math.exp(-fading * dt)
            root = math.sqrt((1.0 - kept * kept) / (2.0 * kappa))
            chi = kept * chi + s_chi * root * (rho * z[1] + left * z[0])
            xi += mu * dt + s_xi * math.sqrt(dt) * z[1]
            gap = held * gap + s_gap * math.sqrt((1.0 - held * held) / (2.0 * fading)) * z[2]
        states[0, t], states[1, t], states[2, t] = chi, xi, gap
