"""Inference against published numbers (PAPERS.md 9.4), plain twins and worlds of known answer."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from fund.errors import DataError, InvalidParameter
from fund.report import inference, resampling
from fund.report.inference import Paired, paired, sharpe_se

NAN = float("nan")


# Paired differences


def test_paired_is_the_paired_t_test() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(1, 2, 40), rng.normal(0.5, 2, 40)
    wanted = stats.ttest_rel(a, b)
    found = paired(a, b)
    assert found.t == pytest.approx(wanted.statistic, abs=1e-12)
    assert found.mean == pytest.approx(a.mean() - b.mean(), abs=1e-14)
    assert found.se == pytest.approx(found.mean / wanted.statistic, abs=1e-14)
    assert found.n == 40


def test_paired_declared_answers() -> None:
    assert paired([1.0, 2.0], [1.0, 2.0]).mean == paired([1.0, 2.0], [1.0, 2.0]).se == 0.0
    assert math.isnan(paired([1.0, 2.0], [1.0, 2.0]).t)
    assert paired([1.3, 2.3], [1.2, 2.2]).t == math.inf  # constant but for rounding
    assert paired([1.2, 2.2], [1.3, 2.3]).t == -math.inf
    assert paired([2.0], [1.5]).mean == 0.5
    assert math.isnan(paired([2.0], [1.5]).se)
    assert math.isnan(paired([], []).mean)
    assert paired([], []).n == 0
    with pytest.raises(DataError, match=r"\(2,\) and \(1,\)"):
        paired([1.0, 2.0], [1.0])
    with pytest.raises(DataError, match="index 1 is nan"):
        paired([1.0, NAN], [1.0, 2.0])


def test_newey_west_against_the_double_sum() -> None:
    d = np.random.default_rng(1).normal(size=30).cumsum()
    n, lags, c = 30, 4, d - d.mean()
    total = sum(
        max(0.0, 1 - abs(i - j) / (lags + 1)) * c[i] * c[j] for i in range(n) for j in range(n)
    )  # Bartlett weight of each pair
    assert paired(d, np.zeros(n), lags).se == pytest.approx(math.sqrt(total / n / (n - 1)), rel=1e-12)
    assert inference.newey_west_lags(100) == 4
    assert inference.newey_west_lags(1260) == 7


def test_newey_west_sees_autocorrelation() -> None:
    """AR(1) of rho = .5: the mean's standard error is sqrt((1 + rho)/(1 - rho)) = 1.73 times the iid one."""
    e = np.random.default_rng(2).normal(size=(200, 1000))
    x = np.zeros_like(e)
    for t in range(1, 1000):
        x[:, t] = 0.5 * x[:, t - 1] + e[:, t]
    zero = np.zeros(1000)
    ratio = np.mean([paired(r, zero, 25).se for r in x]) / np.mean([paired(r, zero).se for r in x])
    assert ratio == pytest.approx(math.sqrt(3), rel=0.05)


# Sharpe ratios


@pytest.mark.parametrize(("n", "row"), [(60, (0.137, 0.158, 0.188)), (12, (0.306, 0.354, 0.421))])
def test_lo_table(n: int, row: tuple[float, ...]) -> None:
    assert sharpe_se([0.5, 1.0, 1.5], n) == pytest.approx(row, abs=5e-4)


def test_sharpe_se_annualised_and_simulated() -> None:
    # annual SR 1 from 10 years of days: close to sqrt(1/10), the day's SR^2/2 being small
    assert sharpe_se(1.0, 2520, 252) == pytest.approx(math.sqrt((1 + 1 / 504) / 10), abs=1e-12)
    assert math.isnan(sharpe_se(1.0, 0))
    r = np.random.default_rng(3).standard_exponential((20_000, 120))  # SR 1, skew 2, kurtosis 9
    sharpes = r.mean(axis=1) / r.std(axis=1, ddof=1)
    assert sharpe_se(1.0, 120, skew=2.0, kurtosis=9.0) == pytest.approx(sharpes.std(), rel=0.05)


@pytest.mark.parametrize(("rho", "wanted"), [(0, 3.464), (0.1, 3.160), (0.2, 2.879), (0.3, 2.615)])
def test_eta(rho: float, wanted: float) -> None:
    assert inference.eta(12, rho) == pytest.approx(wanted, abs=5e-4)
    q, closed = 12, 0.0
    if rho:
        closed = 2 * q * rho / (1 - rho) * (1 - (1 - rho**q) / (q * (1 - rho)))
    assert inference.eta(q, rho) == pytest.approx(q / math.sqrt(q + closed), abs=1e-12)


def test_eta_refuses_unit_roots() -> None:
    assert inference.eta(1, 0.9) == 1.0
    with pytest.raises(InvalidParameter, match="rho"):
        inference.eta(12, 1.0)


def test_probabilistic_sharpe() -> None:
    z = 0.1 * math.sqrt(99) / math.sqrt(1 + 0.5 * 0.1 + 5 / 4 * 0.01)  # skew -.5, kurtosis 6
    assert inference.probabilistic_sharpe(0.1, 100, skew=-0.5, kurtosis=6) == pytest.approx(
        stats.norm.cdf(z), abs=1e-12
    )
    assert inference.probabilistic_sharpe(0.2, 50, benchmark=0.2) == 0.5
    assert math.isnan(inference.probabilistic_sharpe(0.2, 1))


def test_deflated_sharpe_of_the_paper() -> None:
    """AL-9: annual SR 2.5, 250 days a year, T = 1250, V = 1/2 a year, skew -3, kurtosis 10, 100 trials."""
    daily, variance = 2.5 / math.sqrt(250), 0.5 / 250
    assert inference.best_of_trials(100, variance) == pytest.approx(0.1132, abs=1e-4)
    found = inference.deflated_sharpe(daily, 1250, 100, variance, skew=-3, kurtosis=10)
    assert found == pytest.approx(0.9004, abs=1e-4)
    alone = inference.deflated_sharpe(daily, 1250, 1, variance, skew=-3, kurtosis=10)
    assert alone == inference.probabilistic_sharpe(daily, 1250, 0.0, -3, 10)


@pytest.mark.parametrize(
    ("n", "formula", "mc"), [(10, 1.575, 1.542), (100, 2.531, 2.507), (1000, 3.255, 3.244)]
)
def test_expected_maximum(n: int, formula: float, mc: float) -> None:
    assert inference.expected_maximum(n) == pytest.approx(formula, abs=5e-4)
    assert inference.expected_maximum(n) == pytest.approx(mc, rel=0.025)


def test_expected_maximum_edges() -> None:
    assert inference.expected_maximum(1) == 0.0
    assert inference.expected_maximum(10**12) == pytest.approx(7.07, abs=0.05)  # no loss of digits in 1 - 1/N
    with pytest.raises(InvalidParameter, match="trials is 0"):
        inference.expected_maximum(0)


@pytest.mark.parametrize(
    ("year", "sharpe", "benchmark", "wanted"), [(252, 1, 0, 2.71), (252, 2, 1, 2.73), (52, 2, 1, 2.83)]
)
def test_min_track_record(year: int, sharpe: float, benchmark: float, wanted: float) -> None:
    root = math.sqrt(year)
    n = inference.min_track_record(sharpe / root, benchmark / root)
    assert n / year == pytest.approx(wanted, abs=5e-3)
    assert inference.probabilistic_sharpe(sharpe / root, round(n), benchmark / root) == pytest.approx(
        0.95, abs=2e-3
    )
    assert inference.min_track_record(0.1, 0.1) == math.inf


def test_min_backtest_length() -> None:
    assert inference.min_backtest_years(45) == pytest.approx(4.998, abs=5e-4)
    assert inference.min_backtest_years(45, 2.0) == pytest.approx(4.998 / 4, abs=5e-4)


def test_sharpe_difference_has_the_right_size() -> None:
    """Independent normals of equal SR .2: se^2 = 2 (1 + SR^2/2)/T; the 5% test rejects 5% of the time."""
    rng, n = np.random.default_rng(4), 250
    pairs = rng.normal(0.2, 1, (2000, 2, n)) * [[1.0], [3.0]]  # the scale does not matter
    found = [inference.sharpe_difference(a, b) for a, b in pairs]
    assert np.mean([f.se for f in found]) == pytest.approx(math.sqrt(2 * 1.02 / n), rel=0.02)
    assert np.mean([abs(f.t) > 1.96 for f in found]) == pytest.approx(0.05, abs=0.02)
    a, b = pairs[0]
    yearly = inference.sharpe_difference(a, b, 252)
    wanted = (a.mean() / a.std() - b.mean() / b.std()) * math.sqrt(252)
    assert yearly.mean == pytest.approx(wanted, abs=1e-12)
    assert yearly.t == pytest.approx(found[0].t, abs=1e-12)
    assert isinstance(yearly, Paired)
    with pytest.raises(DataError, match="vary"):
        inference.sharpe_difference(a, np.ones(n))


def test_sharpe_difference_of_strong_and_skewed_series() -> None:
    """One series of SR 1 with normal returns (variance 1 + 1/2), one exponential (1 - 2 + 8/4 = 1): 2.5/T."""
    rng, n = np.random.default_rng(15), 500
    pairs = [(rng.normal(1, 1, n), rng.standard_exponential(n)) for _ in range(400)]
    found = np.mean([inference.sharpe_difference(a, b).se for a, b in pairs])
    assert found == pytest.approx(math.sqrt(2.5 / n), rel=0.03)


# Resampling


def ar1(rng: np.random.Generator, runs: int, n: int = 1000, rho: float = 0.3) -> np.ndarray:
    x = rng.normal(size=(runs, n + 100))
    for t in range(1, n + 100):
        x[:, t] += rho * x[:, t - 1]
    return x[:, 100:]


@pytest.mark.parametrize(("block", "wanted"), [(15, 0.0452), (1, 0.0327)])
def test_bootstrap_of_ar1(block: float, wanted: float) -> None:
    """AL-13: truth 1/((1 - .3) sqrt(1000)) = .0452; the iid bootstrap sees 1/sqrt((1 - .09) 1000) = .0331 only."""
    rng = np.random.default_rng(6)
    found = resampling.bootstrap_se(ar1(rng, 30), block, rng, resamples=400)
    assert found.shape == (30,)
    assert found.mean() == pytest.approx(wanted, rel=0.1)


def test_bootstrap_equals_the_closed_form() -> None:
    """Politis & Romano (1994), Lemma 1: variance of the bootstrap mean from circular autocovariances."""
    rng = np.random.default_rng(7)
    x, block = ar1(rng, 1, n=200)[0], 8.0
    c, n, keep = x - x.mean(), 200, 1 - 1 / 8.0
    variance = np.mean(c * c)
    for i in range(1, n):
        weight = (1 - i / n) * keep**i + i / n * keep ** (n - i)
        variance += 2 * weight * np.sum(c[: n - i] * c[i:]) / n
    found = resampling.bootstrap_se(x, block, rng, resamples=20_000)
    assert found == pytest.approx(math.sqrt(variance / n), rel=0.03)


def test_bootstrap_of_another_statistic() -> None:
    rng = np.random.default_rng(8)
    x = rng.normal(0.1, 1, 500)
    se = resampling.bootstrap_se(x, 1, rng, 4000, lambda r: r.mean(-1) / r.std(-1))
    assert se == pytest.approx(sharpe_se(x.mean() / x.std(), 500), rel=0.08)
    with pytest.raises(InvalidParameter, match="block >= 1"):
        resampling.bootstrap_se(x, 0.5, rng)


def twin_pbo(x: np.ndarray, blocks: int) -> float:
    parts, low, splits = np.array_split(x, blocks), 0, list(combinations(range(blocks), blocks // 2))
    for inside in splits:
        seen = np.concatenate([parts[i] for i in inside])
        unseen = np.concatenate([parts[i] for i in range(blocks) if i not in inside])
        best = np.argmax(seen.mean(0) / seen.std(0))
        rank = stats.rankdata(unseen.mean(0) / unseen.std(0))[best]
        low += rank / (x.shape[1] + 1) <= 0.5
    return low / len(splits)


def test_pbo_equals_the_twin() -> None:
    rng = np.random.default_rng(9)
    for t, n, blocks in ((100, 7, 6), (83, 4, 8), (40, 2, 2)):
        x = rng.normal(0.05, 1, (t, n)) * 0.01 + 0.0002
        assert resampling.pbo(x, blocks).probability == twin_pbo(x, blocks)


def test_pbo_of_noise_and_of_skill() -> None:
    """AL-11: 60 runs of pure noise, N = 50, T = 1000, S = 10: mean .508, accepted in [.42, .60]."""
    rng = np.random.default_rng(10)
    noise = [resampling.pbo(rng.normal(size=(1000, 50)), 10) for _ in range(60)]
    assert 0.42 <= np.mean([run.probability for run in noise]) <= 0.60
    assert noise[0].logits.shape == (252,)
    skilled = rng.normal(size=(1000, 50)) + 0.3 * (np.arange(50) == 17)
    assert resampling.pbo(skilled, 10).probability == 0.0


def test_pbo_refuses_what_it_cannot_split() -> None:
    x = np.random.default_rng(11).normal(size=(20, 3))
    for blocks in (0, 3, 12):
        with pytest.raises(InvalidParameter, match="even number"):
            resampling.pbo(x, blocks)
    with pytest.raises(DataError, match="N >= 2"):
        resampling.pbo(x[:, :1])
    x[:, 1] = 0.0  # a flat configuration is ranked as Sharpe ratio 0, not as nan
    assert np.isfinite(resampling.pbo(x, 2).logits).all()


@pytest.mark.parametrize(("groups", "tests", "wanted"), [(6, 2, (15, 5)), (10, 2, (45, 9))])
def test_cpcv_counts(groups: int, tests: int, wanted: tuple[int, int]) -> None:
    assert resampling.cpcv_counts(groups, tests) == wanted
