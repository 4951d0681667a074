"""Performance statistics against plain twins (loops, `statistics`, scipy), declared answers and invariances."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from fund.errors import DataError
from fund.report import metrics
from fund.report.samples import contributions, describe
from fund.report.wealth import drawdowns, simple_returns, wealth

NAN = float("nan")
YEAR = 252.0
SIMPLE = (
    metrics.total_return,
    metrics.max_drawdown,
    metrics.value_at_risk,
    metrics.conditional_value_at_risk,
    metrics.win_rate,
    metrics.profit_factor,
    metrics.average_win,
    metrics.average_loss,
    metrics.largest_win,
    metrics.largest_loss,
    metrics.skew,
    metrics.kurtosis,
    metrics.tail_ratio,
)
YEARLY = (
    metrics.annual_return,
    metrics.annual_volatility,
    metrics.sharpe,
    metrics.sortino,
    metrics.calmar,
)


def twin_drawdown(r: list[float]) -> float:
    value = high = 1.0
    worst = 0.0
    for x in r:
        value *= max(1 + x, 0.0)
        high = max(high, value)
        worst = max(worst, 1 - value / high)
    return worst


def twin_quantile(r: list[float], q: float) -> float:
    ordered, place = sorted(r), q * (len(r) - 1)
    low = math.floor(place)
    high = min(low + 1, len(r) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])


def twin(r: list[float], q: float) -> dict[str, float]:
    """Every statistic from its textbook definition, one number at a time."""
    gains, losses = [x for x in r if x > 0], [-x for x in r if x < 0]
    growth = math.prod(1 + x for x in r)
    mean, down = math.fsum(r) / len(r), math.sqrt(math.fsum(min(x, 0) ** 2 for x in r) / len(r))
    spread = statistics.stdev(r) if len(r) > 1 else NAN
    yearly, fall = growth ** (q / len(r)) - 1, twin_drawdown(r)
    low, high = twin_quantile(r, 0.05), twin_quantile(r, 0.95)
    worst = [x for x in r if x <= low] or [min(r)]
    return {
        "total_return": growth - 1,
        "annual_return": yearly,
        "annual_volatility": spread * math.sqrt(q),
        "sharpe": mean / spread * math.sqrt(q) if spread > 0 else NAN,
        "sortino": mean / down * math.sqrt(q) if down > 0 else NAN,
        "calmar": yearly / fall if fall > 0 else NAN,
        "max_drawdown": fall,
        "win_rate": len(gains) / len(r),
        "profit_factor": math.fsum(gains) / math.fsum(losses) if losses else NAN,
        "average_win": math.fsum(gains) / len(gains) if gains else NAN,
        "average_loss": math.fsum(losses) / len(losses) if losses else NAN,
        "largest_win": max(gains) if gains else NAN,
        "largest_loss": max(losses) if losses else NAN,
        "var_95": -low,
        "cvar_95": -math.fsum(worst) / len(worst),
        "skew": float(stats.skew(r)) if len(r) > 1 else NAN,
        "kurtosis": float(stats.kurtosis(r, fisher=False)) if len(r) > 1 else NAN,
        "tail_ratio": abs(high) / abs(low),
    }


def close(found: float, wanted: float) -> bool:
    same = math.isclose(found, wanted, rel_tol=1e-12, abs_tol=1e-12)
    return same or (math.isnan(found) and math.isnan(wanted))


@pytest.mark.parametrize("chunk", range(10))
def test_thousand_random_series_equal_the_twin(chunk: int) -> None:
    for series in range(100):
        rng = np.random.default_rng((chunk, series))
        r = rng.standard_t(4, size=rng.integers(1, 300)) * rng.uniform(1e-4, 0.03) + rng.normal(0, 1e-3)
        r = np.maximum(r, -0.9)
        q = float(rng.choice([12, 52, 252]))
        found, wanted = metrics.summary(r, q), twin(r.tolist(), q)
        assert found.keys() == wanted.keys()
        wrong = {k: (float(found[k]), wanted[k]) for k in wanted if not close(float(found[k]), wanted[k])}
        assert not wrong


def test_hand_worked_series() -> None:
    r = [0.10, -0.20, 0.05, 0.0]
    assert metrics.total_return(r) == pytest.approx(1.1 * 0.8 * 1.05 - 1, abs=1e-15)
    assert metrics.max_drawdown(r) == pytest.approx(0.2, abs=1e-15)
    assert metrics.profit_factor(r) == pytest.approx(0.75, abs=1e-15)
    assert metrics.win_rate(r) == 0.5
    assert metrics.sortino(r, 4) == pytest.approx(-0.0125 / 0.1 * 2, abs=1e-15)
    assert metrics.largest_loss(r) == metrics.average_loss(r) == 0.2


def test_cvar_counts_whole_observations() -> None:
    r = -np.arange(1.0, 101.0) / 1000  # worst -0.100, -0.099, ...
    assert metrics.conditional_value_at_risk(r, 0.29) == pytest.approx(
        np.arange(72, 101).mean() / 1000, abs=1e-15
    )
    assert metrics.conditional_value_at_risk(np.arange(101) / 100, 0.29) == pytest.approx(-0.145, abs=1e-15)


def test_cvar_of_a_million_normals() -> None:
    """RK-5: 2.338 +- .012 at 97.5%."""
    r = np.random.default_rng(5).normal(size=1_000_000)
    assert metrics.conditional_value_at_risk(r, 0.025) == pytest.approx(2.3378, abs=0.012)
    assert metrics.value_at_risk(r, 0.01) == pytest.approx(2.3263, abs=0.015)


@pytest.mark.parametrize("function", SIMPLE + YEARLY, ids=lambda f: f.__name__)
def test_declared_answers(function) -> None:
    more = (YEAR,) if function in YEARLY else ()
    assert math.isnan(function([], *more))
    assert np.isnan(function(np.empty((3, 0)), *more)).tolist() == [True] * 3
    for bad in (NAN, math.inf, -math.inf):
        with pytest.raises(DataError, match="index 2 "):
            function([0.1, 0.2, bad, bad], *more)
    with pytest.raises(DataError, match=r"index \(1, 0\) "):
        function([[0.1, 0.2], [NAN, 0.3]], *more)


def test_one_return() -> None:
    found = {k: float(v) for k, v in metrics.summary([-0.01], 12).items()}
    assert all(
        math.isnan(found[k]) for k in ("annual_volatility", "sharpe", "skew", "kurtosis", "average_win")
    )
    assert found["total_return"] == pytest.approx(-0.01, abs=1e-15)
    assert found["annual_return"] == pytest.approx(0.99**12 - 1, abs=1e-15)
    assert found["max_drawdown"] == pytest.approx(0.01, abs=1e-15)
    assert found["var_95"] == found["cvar_95"] == found["largest_loss"] == 0.01


@pytest.mark.parametrize("rate", [0.0, 0.1, 1e-4, -0.003])
def test_constant_returns(rate: float) -> None:
    by_nav = simple_returns(1e6 * np.cumprod(np.full(400, 1 + rate)))
    for r in (np.full(7, rate), by_nav):
        assert metrics.annual_volatility(r, YEAR) == 0.0
        assert all(math.isnan(f(r, YEAR)) for f in (metrics.sharpe,))
        assert math.isnan(metrics.skew(r))
        assert math.isnan(metrics.kurtosis(r))
    flat = metrics.summary(np.zeros(5), YEAR)
    assert flat["total_return"] == flat["annual_return"] == flat["max_drawdown"] == flat["win_rate"] == 0.0
    assert all(
        math.isnan(flat[k]) for k in ("sortino", "calmar", "profit_factor", "average_loss", "tail_ratio")
    )


def test_ruin_stays_ruin() -> None:
    r = [0.5, -1.4, 0.9]
    assert wealth(r).tolist() == [1.0, 1.5, 0.0, 0.0]
    assert metrics.total_return(r) == metrics.annual_return(r, YEAR) == -1.0
    assert metrics.max_drawdown(r) == 1.0


def test_returns_of_nav() -> None:
    assert simple_returns([100.0, 110.0, 99.0]) == pytest.approx([0.1, -0.1], abs=1e-15)
    assert simple_returns([100.0, -20.0, -20.0, 0.0]) == pytest.approx([-1.2, 0.0, 0.0], abs=1e-15)
    assert simple_returns(np.array([[1.0, 2.0], [4.0, 3.0]])).tolist() == [[1.0], [-0.25]]
    assert simple_returns([5.0]).size == 0
    for nav in ([0.0, 1.0], [0.0, 0.0], [-1.0, -2.0]):
        with pytest.raises(DataError, match="start above 0"):
            simple_returns(nav)
    with pytest.raises(DataError, match="ruin"):
        simple_returns([1.0, -1.0, 1.0])
    with pytest.raises(DataError, match="NAV at index 1 "):
        simple_returns([1.0, NAN])


def test_leading_axes_are_looped_over() -> None:
    r = np.random.default_rng(1).normal(0, 0.01, (2, 3, 50))
    block = metrics.summary(r, YEAR)
    for i, j in np.ndindex(2, 3):
        alone = metrics.summary(r[i, j], YEAR)
        assert all(close(float(block[k][i, j]), float(alone[k])) for k in alone)


RETURNS = hnp.arrays(np.float64, st.integers(3, 60), elements=st.floats(-0.3, 0.3).map(lambda x: round(x, 4)))


@settings(max_examples=60, deadline=None)
@given(RETURNS, RETURNS, st.floats(0.1, 3.0))
def test_invariances(a: np.ndarray, b: np.ndarray, scale: float) -> None:
    """INVARIANTS H2: scale, concatenation, drawdown in [0, 1]."""
    for f in (metrics.sharpe, metrics.sortino):
        assert close(float(f(scale * a, YEAR)), float(f(a, YEAR)))
    for g in (metrics.profit_factor, metrics.win_rate, metrics.tail_ratio):
        assert close(float(g(scale * a)), float(g(a)))
    for h in (metrics.value_at_risk, metrics.conditional_value_at_risk, metrics.largest_loss):
        assert close(float(h(scale * a)), scale * float(h(a)))
    joined = np.concatenate([a, b])
    growth = (1 + metrics.total_return(a)) * (1 + metrics.total_return(b)) - 1
    assert close(float(metrics.total_return(joined)), float(growth))
    parts = [metrics.max_drawdown(a), metrics.max_drawdown(b)]
    assert max(parts) - 1e-12 <= metrics.max_drawdown(joined) <= 1 - (1 - parts[0]) * (1 - parts[1]) + 1e-12
    assert 0.0 <= metrics.max_drawdown(np.concatenate([10 * a, b])) <= 1.0
    nav = wealth(a)
    assert np.allclose(simple_returns(1e6 * nav), simple_returns(nav), rtol=0, atol=1e-12)
    assert close(float(drawdowns(1e6 * nav).max()), float(metrics.max_drawdown(a)))


def test_describe() -> None:
    found = describe([1.0, 2.0, 3.0, 10.0])
    assert found["mean"] == 4.0
    assert found["median"] == 2.5
    assert found["min"] == 1.0
    assert found["max"] == 10.0
    assert found["std"] == pytest.approx(math.sqrt(50 / 3), abs=1e-14)
    assert found["skew"] == pytest.approx(float(stats.skew([1, 2, 3, 10])), abs=1e-13)
    assert all(math.isnan(v) for v in describe([]).values())
    assert describe([7.0])["mean"] == 7.0
    assert math.isnan(describe([7.0])["std"])
    with pytest.raises(DataError, match="value at index 0"):
        describe([NAN])


def test_contributions_add_up() -> None:
    rng = np.random.default_rng(2)
    parts = {"a": rng.normal(0.1, 1, 500), "b": rng.normal(0, 2, 500), "cash": np.zeros(500)}
    found = contributions(parts)
    assert sum(row["risk_share"] for row in found.values()) == pytest.approx(1, abs=1e-12)
    assert found["b"]["risk_share"] == pytest.approx(0.8, abs=0.05)
    assert found["a"]["correlation"] == pytest.approx(
        stats.pearsonr(parts["a"], parts["a"] + parts["b"])[0], abs=1e-12
    )
    assert math.isnan(found["cash"]["correlation"])
    assert found["cash"]["risk_share"] == 0.0
    with pytest.raises(DataError, match="one length"):
        contributions({"a": [1.0, 2.0], "b": [1.0]})
