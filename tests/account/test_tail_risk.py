"""Tail risk against published numbers (PAPERS.md 12.1, 12.2) and plain twins."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

from fund.account import tail_risk
from fund.errors import DataError, InvalidParameter

# Kupiec (1995), non-rejection at 5%, strict bounds. The table prints the first cell as "N < 7" without a lower
# bound, but no exception at all has LR = -510 ln .99 = 5.13 > 3.84, which is also what makes the size .092 below.
REGIONS = [
    (0.01, 255, 0, 7),
    (0.01, 510, 1, 11),
    (0.01, 1000, 4, 17),
    (0.05, 255, 6, 21),
    (0.05, 510, 16, 36),
    (0.05, 1000, 37, 65),
    (0.10, 255, 16, 36),
    (0.10, 510, 38, 65),
    (0.10, 1000, 81, 120),
]


@pytest.mark.parametrize(("p", "days", "low", "high"), REGIONS)
def test_kupiec_regions(p: float, days: int, low: int, high: int) -> None:
    """RK-1, every number of exceptions from 0 to T."""
    n = np.arange(days + 1)
    accepted = n[tail_risk.kupiec(n, days, p).p_value > 0.05]
    assert accepted.tolist() == list(range(low + 1, high))


def test_kupiec_worked_example() -> None:
    found = tail_risk.kupiec(20, 252, 0.05)
    assert found.statistic == pytest.approx(3.9126, abs=1e-4)
    assert found.p_value == pytest.approx(stats.chi2.sf(3.9126, 1), abs=1e-5)
    assert tail_risk.kupiec(0, 100, 0.05).statistic == pytest.approx(-200 * math.log(0.95), abs=1e-12)
    assert tail_risk.kupiec(5, 100, 0.05).statistic == 0.0
    with pytest.raises(DataError, match="exceptions"):
        tail_risk.kupiec(3, 2, 0.05)
    with pytest.raises(InvalidParameter, match=r"1\.5"):
        tail_risk.kupiec(3, 20, 1.5)


@pytest.mark.parametrize(
    ("days", "true", "wanted"),
    [(250, 0.01, 0.092), (250, 0.02, 0.24), (250, 0.03, 0.62), (1000, 0.01, 0.054), (1000, 0.02, 0.78)],
)
def test_kupiec_size_and_power(days: int, true: float, wanted: float) -> None:
    n = np.arange(days + 1)
    rejected = tail_risk.kupiec(n, days, 0.01).p_value < 0.05
    assert stats.binom.pmf(n, days, true)[rejected].sum() == pytest.approx(wanted, abs=6e-3)


def twin_independence(hits: list[int]) -> float:
    count = {(i, j): 0 for i in (0, 1) for j in (0, 1)}
    for i, j in pairwise(hits):
        count[i, j] += 1

    def log(p: float, zeros: int, ones: int) -> float:
        return (zeros * math.log(1 - p) if zeros else 0.0) + (ones * math.log(p) if ones else 0.0)

    ones, zeros = count[0, 1] + count[1, 1], count[0, 0] + count[1, 0]
    free = 0.0
    for i in (0, 1):
        row = count[i, 0] + count[i, 1]
        free += log(count[i, 1] / row, count[i, 0], count[i, 1]) if row else 0.0
    return 2 * (free - log(ones / (ones + zeros), zeros, ones))


def test_christoffersen_equals_the_twin() -> None:
    rng = np.random.default_rng(12)
    cases = [rng.random(n) < p for n, p in ((50, 0.1), (200, 0.02), (30, 0.5))]
    cases += [np.zeros(20, bool), np.ones(20, bool), np.arange(20) == 19, np.arange(20) % 2 == 0]
    for hits in cases:
        found = tail_risk.christoffersen(hits, 0.05)
        assert found.independence.statistic == pytest.approx(
            twin_independence(hits.astype(int).tolist()), abs=1e-10
        )
        total = found.unconditional.statistic + found.independence.statistic
        assert found.conditional.statistic == total
        assert found.conditional.p_value == pytest.approx(stats.chi2.sf(total, 2), abs=1e-12)
    with pytest.raises(DataError, match="two days"):
        tail_risk.christoffersen([1], 0.05)


@pytest.mark.parametrize(("p", "wanted", "tolerance"), [(0.01, 0.019, 0.012), (0.05, 0.082, 0.02)])
def test_christoffersen_rejection_rate(p: float, wanted: float, tolerance: float) -> None:
    """RK-3: 3,000 draws of 1,000 iid days; the chi-squared limit is poor."""
    hits = np.random.default_rng(13).random((3000, 1000)) < p
    rate = np.mean(tail_risk.christoffersen(hits, p).independence.p_value < 0.05)
    assert rate == pytest.approx(wanted, abs=tolerance)


def test_basel_zones() -> None:
    zones = [tail_risk.basel_zone(n) for n in range(15)]
    assert zones == ["green"] * 5 + ["yellow"] * 5 + ["red"] * 5


def test_expected_shortfall() -> None:
    """RK-5."""
    assert tail_risk.normal_es(0.975) == pytest.approx(2.3378, abs=1e-4)
    assert tail_risk.normal_var(0.99) == pytest.approx(2.3263, abs=1e-4)
    assert tail_risk.normal_es(0.99, sigma=2.0) == pytest.approx(2 * 2.6652, abs=2e-4)


@pytest.mark.parametrize(("nu", "row"), [(4, (2.6495, 2.8239, 3.6915)), (5, (2.6065, 2.7278, 3.4488))])
def test_student_expected_shortfall(nu: float, row: tuple[float, float, float]) -> None:
    found = (tail_risk.student_var(0.99, nu), tail_risk.student_es(0.975, nu), tail_risk.student_es(0.99, nu))
    assert found == pytest.approx(row, abs=1e-4)
    with pytest.raises(InvalidParameter, match="more than 2"):
        tail_risk.student_es(0.99, 2.0)


@pytest.mark.parametrize(("nu", "wanted"), [(None, -0.699), (10, -0.688), (3, -0.808)])
def test_acerbi_szekely_critical_values(nu: int | None, wanted: float) -> None:
    """5% point of Z2 for T = 250, 2.5% tail, of the true model."""
    rng, shape = np.random.default_rng(14), (20_000, 250)
    if nu is None:
        r, var, es = rng.normal(size=shape), tail_risk.normal_var(0.975), tail_risk.normal_es(0.975)
    else:
        scale = math.sqrt((nu - 2) / nu)
        r = rng.standard_t(nu, size=shape) * scale
        var, es = tail_risk.student_var(0.975, nu), tail_risk.student_es(0.975, nu)
    z = tail_risk.acerbi_szekely(r, var, es, 0.025)
    assert z.mean() == pytest.approx(0.0, abs=0.015)
    assert np.quantile(z, 0.05) == pytest.approx(wanted, abs=0.035)
