"""Tests of cointegration against statsmodels and the published tables; estimates against their known biases."""

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from statsmodels.tsa.stattools import coint

from fund.errors import DataError, InvalidParameter
from specialists.statistical_arbitrage import cointegration as cointegrated

NAMES = ("north", "south", "east", "west", "up")


def walks(seed, rows=500, draws=400):
    return np.random.default_rng(seed).normal(size=(rows, draws)).cumsum(axis=0)


def autoregression(b, rows, draws, seed, shock=1.0):  # started from its stationary law
    rng = np.random.default_rng(seed)
    x = rng.normal(0.0, shock, (rows, draws))
    x[0] /= math.sqrt(1.0 - b * b)
    for t in range(1, rows):
        x[t] += b * x[t - 1]
    return x


def test_mackinnon_values():  # section 4.4
    assert cointegrated.critical_values(1)[1] == pytest.approx(-2.8615, abs=1e-4)
    assert cointegrated.critical_values(2)[1] == pytest.approx(-3.3361, abs=1e-4)
    assert cointegrated.critical_values(2, 250)[1] == pytest.approx(-3.3607, abs=1e-4)
    assert cointegrated.critical_values(3)[1] == pytest.approx(-3.7407, abs=1e-4)


def test_johansen_values():
    found = cointegrated.johansen(walks(0, draws=2))
    np.testing.assert_allclose(found.trace_critical[:, 1], [15.4943, 3.8415], atol=1e-4)
    assert found.max_eigen_critical[0, 1] == pytest.approx(14.2639, abs=1e-4)


def test_johansen_counts_relations():
    x, noise = walks(1, draws=2), autoregression(0.5, 500, 2, 2)
    assert cointegrated.johansen(x).rank == 0
    pair = cointegrated.johansen(np.column_stack([x[:, 0], 2.0 * x[:, 0] + noise[:, 0]]))
    assert pair.rank == 1
    assert pair.vectors[0, 0] / pair.vectors[1, 0] == pytest.approx(-2.0, abs=0.05)
    assert cointegrated.johansen(noise).rank == 2


@pytest.mark.parametrize("lags", [0, 1, 4, None])
def test_engle_granger_is_that_of_statsmodels(lags):
    x = 100.0 + walks(3, draws=1)[:, 0]
    y = 5.0 + 1.4 * x + autoregression(0.8, 500, 1, 4)[:, 0]
    wanted = coint(y, x, maxlag=lags, autolag="aic" if lags is None else None)
    found = cointegrated.engle_granger(y, x, lags)
    assert found.statistic == pytest.approx(wanted[0], rel=1e-10)
    assert found.p_value == pytest.approx(wanted[1], rel=1e-8)
    np.testing.assert_allclose(found.critical_values, wanted[2], rtol=1e-12)
    slope, intercept = np.polyfit(x, y, 1)
    assert (found.hedge_ratio, found.intercept) == pytest.approx((slope, intercept), rel=1e-9)
    np.testing.assert_allclose(found.residual, y - intercept - slope * x, atol=1e-9)


@pytest.mark.parametrize("lags", [0, 1])
def test_many_statistics_at_once(lags):
    y, x = walks(5, 300, 6), walks(6, 300, 6)
    wanted = [coint(y[:, j], x[:, j], maxlag=lags, autolag=None)[0] for j in range(6)]
    np.testing.assert_allclose(cointegrated.engle_granger_statistics(y, x, lags), wanted, atol=1e-8)


def test_engle_granger_size_and_power():  # SA-9
    critical = cointegrated.critical_values(2, 499)[1]
    x = walks(7)
    size = np.mean(cointegrated.engle_granger_statistics(walks(8), x, lags=1) < critical)
    assert size == pytest.approx(0.05, abs=0.03)
    power = np.mean(
        cointegrated.engle_granger_statistics(x + autoregression(0.9, 500, 400, 9), x, lags=1) < critical
    )
    assert power >= 0.97
    many = np.mean(
        cointegrated.engle_granger_statistics(walks(10, draws=4000), walks(11, draws=4000)) < critical
    )
    assert abs(many - 0.05) < 4.0 * math.sqrt(0.05 * 0.95 / 4000)


@pytest.mark.slow
def test_engle_granger_size_and_power_with_chosen_lags():  # SA-9, as statsmodels runs it
    x, other, kept = walks(12), walks(13), autoregression(0.9, 500, 400, 14)
    size = np.mean([cointegrated.engle_granger(other[:, j], x[:, j]).p_value < 0.05 for j in range(400)])
    assert size == pytest.approx(0.05, abs=0.03)
    power = np.mean(
        [cointegrated.engle_granger(x[:, j] + kept[:, j], x[:, j]).p_value < 0.05 for j in range(400)]
    )
    assert power >= 0.97


def test_johansen_on_driftless_walks_rejects_a_tenth():  # section 4.4: .10 +- .015 of 400 draws
    y, x = walks(15), walks(16)
    size = np.mean([cointegrated.johansen(np.column_stack([y[:, j], x[:, j]])).rank > 0 for j in range(400)])
    assert abs(size - 0.10) < 4.0 * 0.015 * math.sqrt(2.0)


def test_adf_of_one_series():
    x = autoregression(0.5, 300, 1, 17)[:, 0]
    found = cointegrated.adf(x, lags=2)
    assert found.lags == 2
    assert found.statistic < found.critical_values[0] < found.critical_values[1] < found.critical_values[2]
    assert found.p_value < 1e-3 < cointegrated.adf(walks(18, 300, 1)[:, 0]).p_value


def test_a_short_window_finds_too_fast_a_spread():  # section 4.4: kappa = 8.4
    draws, b = 20_000, math.exp(-8.4 / 252)
    for rows, median, mean in ((61, 24.7, 30.0), (253, 11.8, 12.8)):
        kept = cointegrated.fit_mean_reversion(autoregression(b, rows, draws, rows), 1 / 252).b
        kappa = -np.log(kept) * 252
        # the printed figures are taken to come from 1,000 windows; a median's error is that of its order statistics
        error = kappa.std() / math.sqrt(1000)
        rank = math.sqrt(0.25 / 1000)
        low, high = np.quantile(kappa, [0.5 - rank, 0.5 + rank])
        assert abs(np.median(kappa) - median) < 4.0 * (high - low) / 2.0
        assert abs(kappa.mean() - mean) < 4.0 * error
        assert np.median(kappa) > 1.3 * 8.4


def test_kendall_bias_and_its_correction():
    b, pairs, draws = 0.6, 200, 40_000
    kept = cointegrated.fit_mean_reversion(autoregression(b, pairs + 1, draws, 19), 1.0).b
    error = kept.std() / math.sqrt(draws)
    assert abs(kept.mean() - b + (1.0 + 3.0 * b) / pairs) < 4.0 * error + 10.0 / pairs**2
    assert abs(cointegrated.kendall_corrected(kept, pairs).mean() - b) < 4.0 * error + 10.0 / pairs**2
    assert cointegrated.kendall_corrected(b - (1.0 + 3.0 * b) / pairs, pairs) == pytest.approx(b, rel=1e-12)


def test_mean_reversion_of_a_long_series():
    kappa, mean, sigma, dt, rows = 20.0, 3.0, 0.4, 1 / 252, 200_000
    b = math.exp(-kappa * dt)
    shock = sigma * math.sqrt((1.0 - b * b) / (2.0 * kappa))
    found = cointegrated.fit_mean_reversion(mean + autoregression(b, rows, 2, 20, shock), dt)
    np.testing.assert_allclose(found.kappa, kappa, atol=4.0 * math.sqrt(2.0 * kappa / (rows * dt)))
    np.testing.assert_allclose(found.mean, mean, atol=4.0 * sigma / kappa / math.sqrt(rows * dt))
    np.testing.assert_allclose(found.sigma, sigma, rtol=4.0 / math.sqrt(2.0 * rows) * 1.2)


def test_no_speed_without_reversion():
    found = cointegrated.fit_mean_reversion(1.05 ** np.arange(50.0), 1.0)
    assert found.b == pytest.approx(1.05)
    assert math.isnan(found.kappa)


def market(rows=600):
    # south follows north, west is north again, up falls when north rises; east goes its own way
    x = 100.0 + walks(21, rows, 2)
    noise = autoregression(0.8, rows, 2, 22)
    south, fallen = 10.0 + 0.7 * x[:, 0] + noise[:, 0], 300.0 - x[:, 0] + noise[:, 1]
    return np.column_stack([x[:, 0], south, x[:, 1], 2.0 * x[:, 0], fallen])


def test_pairs_are_found_and_ranked():
    found = cointegrated.select_pairs(market(), slice(0, 400), NAMES)
    assert len(found) == 9  # of 10: north and west are one series
    assert {tuple(sorted((p.dependent, p.other))) for p in found if p.accepted} == {
        ("north", "south"),
        ("south", "west"),
    }
    assert [p.accepted for p in found] == sorted((p.accepted for p in found), reverse=True)
    assert [p.p_value for p in found if not p.accepted] == sorted(p.p_value for p in found if not p.accepted)
    best = found[0]
    ratio = best.hedge_ratio if best.dependent == "south" else 1.0 / best.hedge_ratio
    assert ratio == pytest.approx(0.7 if "north" in (best.dependent, best.other) else 0.35, rel=0.05)
    assert best.trace > best.trace_critical
    assert best.half_life == pytest.approx(math.log(2.0) / -math.log(0.8), rel=0.35)
    opposed = [p for p in found if {p.dependent, p.other} == {"north", "up"}]
    assert opposed[0].p_value < 0.01 and not opposed[0].accepted


def test_selection_is_blind_to_other_rows():  # C6
    prices = market()
    before = cointegrated.select_pairs(prices, slice(100, 400), NAMES)
    prices[:100], prices[400:] = -1.0, math.nan
    assert cointegrated.select_pairs(prices, slice(100, 400), NAMES) == before


def test_a_rule_and_candidates_narrow_the_choice():
    prices = market()
    rule = cointegrated.PairRule(longest=1.0)
    assert not any(p.accepted for p in cointegrated.select_pairs(prices, slice(0, 400), NAMES, rule))
    only = cointegrated.select_pairs(prices, slice(0, 400), NAMES, candidates=[(0, 1)])
    assert [(p.dependent, p.other) for p in only] in ([("north", "south")], [("south", "north")])


def test_bad_prices_are_refused():
    prices = market()
    with pytest.raises(DataError, match=r"wanted \(30 rows or more, 5 names\)"):
        cointegrated.select_pairs(prices, slice(0, 20), NAMES)
    prices[50, 2] = math.nan
    with pytest.raises(DataError, match='training prices of "east"'):
        cointegrated.select_pairs(prices, slice(0, 400), NAMES)
    with pytest.raises(DataError, match="multiples of each other"):
        cointegrated.engle_granger(prices[:, 0], prices[:, 3])
    with pytest.raises(DataError, match="not constant"):
        cointegrated.adf(np.ones(50))
    with pytest.raises(InvalidParameter, match="dt = 0"):
        cointegrated.fit_mean_reversion(prices[:, 0], 0.0)


def test_statsmodels_waits_until_it_is_needed():
    code = "import sys; import specialists.statistical_arbitrage.cointegration; print('statsmodels' in sys.modules)"
    root = Path(__file__).parents[3]
    found = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"
