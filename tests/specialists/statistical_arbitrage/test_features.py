"""The market's share of the observation against a slow twin that looks at each window by itself."""

import math

import numpy as np
import pytest

from fund.market.history import History
from fund.market.streams import Paths
from specialists.statistical_arbitrage.features import MARKET_FEATURES, WARM_UP, hedges
from specialists.statistical_arbitrage.rolling import half_life, rolling_dickey_fuller
from specialists.statistical_arbitrage.strategy import StatisticalArbitrage

STEPS = 40


def prices(rows=WARM_UP + STEPS + 1, seed=1):
    generator = np.random.default_rng(seed)
    leg_2 = np.cumsum(0.012 * generator.standard_normal(rows))
    residual = np.zeros(rows)
    for t in range(1, rows):
        residual[t] = 0.8 * residual[t - 1] + 0.008 * generator.standard_normal()
    return np.exp(np.column_stack([3.0 + 0.8 * leg_2 + residual, 4.5 + leg_2]))


def recorded(values, **changes):
    days = np.arange(len(values)) * 86_400_000_000
    history = History(("leg_1", "leg_2"), values, days, "local date", "test")
    return StatisticalArbitrage(n_steps=len(values) - WARM_UP - 1, history=history, **changes)


def kalman_twin(y, x):
    # Chan's filter on what the first hedge leaves, one matrix step a row
    dy, dx = np.diff(y[:61]), np.diff(x[:61])
    first = float(dy @ dx / (dx @ dx))
    state, cover, walk = np.zeros(2), np.zeros((2, 2)), 1e-5 / (1.0 - 1e-5) * np.eye(2)
    hedge, surprise = [], []
    for t in range(len(y)):
        cover = cover + (walk if t else 0.0)
        row = np.array([x[t], 1.0])
        variance = float(row @ cover @ row) + 1e-3
        error = y[t] - first * x[t] - float(row @ state)
        gain = cover @ row / variance
        state, cover = state + gain * error, cover - np.outer(gain, row @ cover)
        hedge.append(first + state[0])
        surprise.append(error / math.sqrt(variance))
    return np.array(hedge), np.array(surprise)


def twin(values, t, desk):
    y, x = np.log(values[:, 0] / values[0, 0]), np.log(values[:, 1] / values[0, 1])
    beta, surprise = kalman_twin(y, x)
    s = (y - beta[t] * x)[: t + 1]
    d = np.diff(s)
    sd_60, sd_20 = (math.sqrt(np.mean(d[-w:] ** 2)) for w in (60, 20))
    before, change = s[-121:-1], d[-120:]
    slope, _ = np.polyfit(before, change, 1)
    left = change - change.mean() - slope * (before - before.mean())
    error = math.sqrt(np.sum(left**2) / 118.0 / np.sum((before - before.mean()) ** 2))
    u, v = np.diff(x)[t - 60 : t], np.diff(y)[t - 60 : t]
    a_day = desk.leg_volatility / math.sqrt(252.0)
    return {
        "zscore_60": (s[-1] - s[-60:].mean()) / s[-60:].std(ddof=1),
        "zscore_20": (s[-1] - s[-20:].mean()) / s[-20:].std(ddof=1),
        "spread_return": d[-1] / sd_60,
        "half_life": min(-math.log(2.0) / math.log1p(slope), 139.0) / 20.0,
        "hedge_ratio": beta[t],
        "hedge_ratio_change": 10.0 * (beta[t] - beta[t - 20]),
        "spread_volatility": sd_60 * math.sqrt(252.0) / desk.eta,
        "volatility_ratio": sd_20 / sd_60,
        "leg_correlation": float(u @ v) / math.sqrt(float(u @ u) * float(v @ v)),
        "adf_statistic": slope / error,
        "spread_momentum_5": (s[-1] - s[-6]) / (sd_60 * math.sqrt(5.0)),
        "spread_momentum_20": (s[-1] - s[-21]) / (sd_60 * math.sqrt(20.0)),
        "kalman_innovation": surprise[t],
        "leg_1_return": v[-1] / a_day,
        "leg_2_return": u[-1] / a_day,
    }


@pytest.mark.parametrize("row", [0, 1, 23, STEPS])
def test_plain_twin(row):
    values = prices()
    desk = recorded(values)
    tape = desk.record(Paths.of(0, 1))
    wanted = twin(values, WARM_UP + row, desk)
    assert tuple(wanted) == MARKET_FEATURES
    for k, name in enumerate(desk.features):
        if name in wanted:
            assert tape.features[row, 0, k] == pytest.approx(wanted[name], rel=2e-5, abs=2e-5), name
    shares = wanted["hedge_ratio"] * values[WARM_UP + row, 0] / values[WARM_UP + row, 1]
    assert tape["hedge_ratio"][row, 0] == pytest.approx(shares, rel=1e-9)
    assert tape["zscore"][row, 0] == tape.features[row, 0, 0]


def test_mean_reversion_is_that_of_the_rolling_kernel():
    # a hedge that is known turns the two-leg sums into one series, whose regression is coded elsewhere
    tape = StatisticalArbitrage.preset("boguslavsky", n_steps=200).record(Paths.of(2, 4))
    spread = tape["leg_1"] - 100.0
    found = rolling_dickey_fuller(spread, 121)
    layout = StatisticalArbitrage.features
    statistic = tape.features[:, :, layout.index("adf_statistic")]
    np.testing.assert_allclose(statistic[121:], found.statistic[121:], rtol=1e-4, atol=1e-4)
    life = np.minimum(half_life(found.slope), -math.log(2.0) / math.log(0.995)) / 20.0
    np.testing.assert_allclose(tape.features[121:, :, layout.index("half_life")], life[121:], rtol=1e-4)


def test_known_moments_show_the_spread_itself():
    tape = StatisticalArbitrage.preset("boguslavsky").record(Paths.of(2, 50))
    np.testing.assert_allclose(tape["leg_1"] - 100.0, tape["zscore"] * math.sqrt(0.5), atol=2e-6)
    assert (tape["leg_2"] == 100.0).all()
    assert (tape["hedge_ratio"] == 1.0).all()
    estimated = StatisticalArbitrage.preset("boguslavsky", known_moments=False).record(Paths.of(2, 50))
    window = (tape["leg_1"] - 100.0)[200 - 59 : 201]
    wanted = (window[-1] - window.mean(axis=0)) / window.std(axis=0, ddof=1)
    np.testing.assert_allclose(estimated["zscore"][200], wanted, atol=1e-5)


def test_rolling_hedge_is_least_squares_of_the_window():
    values = prices()
    tape = recorded(values, hedge_method="rolling").record(Paths.of(0, 1))
    logs = np.log(values)
    for row in (0, 17, STEPS):
        t = WARM_UP + row
        window = logs[t - 119 : t + 1]
        slope = np.polyfit(window[:, 1], window[:, 0], 1)[0]
        wanted = min(max(slope, 0.0), 3.0) * values[t, 0] / values[t, 1]
        assert tape["hedge_ratio"][row, 0] == pytest.approx(wanted, rel=1e-9)


def test_hedges_stay_in_bounds():
    steps = np.arange(200.0)[:, None] * 0.01
    wobble = 0.01 * np.sin(steps * 50.0)
    for slope, wanted in ((-2.0, 0.0), (9.0, 3.0), (1.5, 1.5)):
        beta, _ = hedges("kalman", slope * (steps + wobble), steps + wobble)
        assert beta[-1, 0] == pytest.approx(wanted, abs=1e-6)


def test_rows_after_t_change_nothing_before():
    values = prices()
    whole = recorded(values).record(Paths.of(0, 1))
    for t in (0, 5, 30):
        changed = values.copy()
        changed[WARM_UP + t + 1 :] *= 1.3
        tape = recorded(changed).record(Paths.of(0, 1))
        assert np.array_equal(tape.features[: t + 1], whole.features[: t + 1])
        assert np.array_equal(tape.block[: t + 1], whole.block[: t + 1])
