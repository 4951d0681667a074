"""Stylised facts: hand work, closed forms, slow twins, and what PAPERS section 11 measured of common models."""

import math

import numpy as np
import pytest

from fund.errors import DataError
from fund.market.garch import Garch
from fund.market.streams import Paths
from fund.market.stylised_bands import EQUITY, judge
from fund.market.stylised_facts import (
    aggregation,
    autocorrelation,
    correlation,
    facts,
    hill,
    hurst,
    kurtosis,
    leverage,
    returns_of,
    sums,
    tail_correlation_rise,
    variance_ratio,
)
from fund.market.weather import draw

DAYS, PATHS = 5000, 40
# PAPERS 11.2, medians of 40 paths of 5,000 days
LINES = (
    "kurtosis", "aggregation", "size_autocorrelation_1", "size_autocorrelation_10", "size_autocorrelation_50",
    "size_autocorrelation_100", "leverage_1", "leverage_20", "hill", "hurst_of_size", "hurst",
)  # fmt: skip
PAPER = {
    "normal": (3.0, 0.97, 0.0, 0.0, 0.0, -0.01, 0.0, 0.0, 7.7, 0.49, 0.50),
    "t4": (11.0, 0.31, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 3.5, 0.50, 0.50),
    "garch": (5.3, 0.94, 0.24, 0.20, 0.13, 0.07, 0.01, 0.01, 4.3, 0.86, 0.50),
    "garch_t6": (6.9, 0.67, 0.12, 0.11, 0.07, 0.03, 0.0, 0.0, 3.9, 0.80, 0.50),
    "gjr_t7": (10.0, 0.72, 0.23, 0.19, 0.07, 0.015, -0.05, -0.03, 3.5, 0.81, 0.50),
}
MODELS = {
    "garch": Garch(0.01, 0.09, 0.90),
    "garch_t6": Garch(0.01, 0.05, 0.94, 0.0, 6.0),
    "gjr_t7": Garch(0.015, 0.02, 0.90, 0.13, 7.0),
}


@pytest.fixture(scope="module")
def returns():
    """Returns (5000, 40) of each model."""
    streams = Paths.of(0, PATHS).streams("stylised facts")
    out = {"normal": streams.normal("normal", DAYS).T, "t4": streams.student("t4", 4.0, DAYS).T}
    for name, model in MODELS.items():
        fat = model.freedom < 100.0
        shocks = streams.student(name, model.freedom, DAYS) if fat else streams.normal(name, DAYS)
        out[name] = model.returns(np.ascontiguousarray(shocks.T))
    return out


def column(*values):
    return np.array(values, dtype=np.float64)[:, None]


def test_by_hand():
    assert returns_of([1.0, math.e, 1.0]).ravel().tolist() == pytest.approx([1.0, -1.0])
    assert returns_of([3.0, -2.0, 5.0], logs=False).ravel().tolist() == [-5.0, 7.0]
    assert kurtosis(column(1.0, -1.0, 1.0, -1.0))[0] == 1.0
    assert kurtosis(column(0.0, 0.0, 0.0, 4.0))[0] == pytest.approx(
        21.0 / 9.0
    )  # around 1: (3 + 81) / 4 over 3^2
    assert autocorrelation(column(1.0, -1.0, 1.0, -1.0), 1)[0] == -0.75
    assert autocorrelation(column(1.0, 2.0, 3.0, 4.0), 2)[0] == pytest.approx((-1.5 * 0.5 - 0.5 * 1.5) / 5.0)
    assert sums(column(1.0, 2.0, 3.0, 4.0, 9.0), 2).ravel().tolist() == [3.0, 7.0]
    # r_t = (1, -1, 1), r^2_(t+1) = (1, 4, 9)
    assert leverage(column(1.0, -1.0, 2.0, -3.0), 1)[0] == pytest.approx(
        np.corrcoef([1, -1, 2], [1, 4, 9])[0, 1]
    )
    assert correlation(column(1.0, 2.0, 4.0), column(-1.0, -2.0, -4.0))[0] == pytest.approx(-1.0)


def test_alternating_returns_have_no_variance_over_two():
    r = column(*([1.0, -1.0] * 50))
    assert variance_ratio(r, 2)[0] == pytest.approx(0.0, abs=1e-12)
    assert aggregation(column(*([1.0, 0.0, -1.0, 0.0] * 50)), 2)[0] == pytest.approx(0.5)  # 1 over 2


def test_hill_of_an_exact_pareto_tail():
    # the i-th largest of n is (n / i)^(1/a); the mean of ln((k + 1) / i) over i <= k is known
    n, a, k = 1000, 3.0, 20
    size = (n / np.arange(1, n + 1)) ** (1.0 / a)
    wanted = a * k / sum(math.log((k + 1) / i) for i in range(1, k + 1))
    assert hill(size[:, None] * np.where(np.arange(n) % 2, 1.0, -1.0)[:, None])[0] == pytest.approx(wanted)


def test_slow_twins():
    x = np.random.default_rng(3).standard_normal((600, 2))
    for path in range(2):
        r = x[:, path].tolist()
        level = [0.0]
        mean = sum(r) / len(r)
        for value in r:
            level.append(level[-1] + value - mean)
        squares = [(level[t + 5] - level[t]) ** 2 for t in range(len(r) - 4)]
        one = sum((value - mean) ** 2 for value in r) / len(r)
        assert variance_ratio(x, 5)[path] == pytest.approx(sum(squares) / len(squares) / (5.0 * one))
        points = []
        for m in (2, 4, 8, 16, 32, 64, 128):
            means = [sum(r[b * m : b * m + m]) / m for b in range(len(r) // m)]
            centre = sum(means) / len(means)
            points.append((math.log(m), math.log(sum((v - centre) ** 2 for v in means) / len(means))))
        slope = np.polyfit([p[0] for p in points], [p[1] for p in points], 1)[0]
        assert hurst(x)[path] == pytest.approx(1.0 + 0.5 * slope)


def test_sums_of_a_walk_that_is_long_memory_have_its_exponent():
    # blocks of m equal values: the mean of m neighbours moves as a single one does, so the exponent nears 1
    steps = np.repeat(np.random.default_rng(0).standard_normal((64, 4)), 128, axis=0)
    assert hurst(steps).min() > 0.95


@pytest.mark.parametrize("model", PAPER)
def test_medians_of_common_models_are_those_of_the_papers(model, returns):
    found = facts(returns[model])
    for name, wanted in zip(LINES, PAPER[model], strict=True):
        # two medians of 40 paths, each of error 1.25 deviations over root 40; the paper prints two or three digits
        error = 1.2533 * found[name].std() * math.sqrt(2.0 / PATHS)
        rounding = 0.5 if name == "kurtosis" else 0.01
        assert abs(np.median(found[name]) - wanted) < 4.0 * error + rounding, name


def test_sf_1_gjr_with_t_shocks_passes_every_line(returns):
    verdict = judge(returns["gjr_t7"])
    assert verdict.outside == ()
    assert verdict.enough >= 0.60
    assert verdict.holds
    assert judge(returns["garch"]).enough < 0.45  # 23 % by the paper, an error of 7 %
    assert judge(returns["t4"]).enough == 0.0


def test_sf_2_the_checker_tells_models_without_the_facts(returns):
    clustering = {name for name in EQUITY if name.startswith("size_")} | {"hurst_of_size"}
    normal, fat = set(judge(returns["normal"]).outside), set(judge(returns["t4"]).outside)
    assert {"kurtosis", *clustering} <= normal
    assert clustering <= fat
    assert "kurtosis" not in fat
    assert {"leverage_1"} <= set(judge(returns["garch"]).outside)
    for name in ("normal", "t4", "garch"):
        assert not judge(returns[name]).holds


def test_sf_5_shuffling_destroys_clustering_and_keeps_the_tails(returns):
    r = returns["gjr_t7"]
    shuffled = np.random.default_rng(0).permuted(r, axis=0)
    before, after = facts(r), facts(shuffled)
    np.testing.assert_allclose(after["kurtosis"], before["kurtosis"], rtol=1e-9)
    np.testing.assert_allclose(after["hill"], before["hill"], rtol=1e-9)
    for lag in (1, 10, 50):
        assert np.median(before[f"size_autocorrelation_{lag}"]) > 0.03
        assert abs(np.median(after[f"size_autocorrelation_{lag}"])) < 0.03


def test_sf_8_assets_under_the_weather_fall_together():
    weather = draw(Paths.of(0, 10), DAYS)
    generator = np.random.default_rng(1)
    rises, due = [], []
    for i in range(10):
        own, common = generator.standard_normal((DAYS, 6)), weather.market[:, i, None]
        rho = weather.correlation[:, i, None]
        rises.append(
            tail_correlation_rise(
                weather.volatility[:, i, None] * (np.sqrt(rho) * common + np.sqrt(1 - rho) * own)
            )
        )
        due.append(tail_correlation_rise(math.sqrt(0.4) * common + math.sqrt(0.6) * own))
    assert np.median(rises) >= 0.1
    # Gaussian assets: nothing beyond what choosing the days does
    assert abs(np.mean(due)) < 4.0 * np.std(due) / math.sqrt(9.0)


def test_refusals():
    with pytest.raises(DataError, match="row 1, path 0: the price is -37, wanted above 0"):
        returns_of([10.0, -37.0, 9.0])
    with pytest.raises(DataError, match="100 returns, wanted 256"):
        facts(np.ones((100, 1)))
