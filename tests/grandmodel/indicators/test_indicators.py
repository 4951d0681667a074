"""Each indicator against its plain twin, against numbers worked by hand, and with its future changed."""

import math

import numpy as np
import pytest

from fund.grandmodel.indicators import (
    discrepancy,
    gaps,
    kernel_regression,
    moving,
    neighbours,
    oscillators,
    regimes,
    volume_profile,
)
from tests.grandmodel.indicators import twins
from tests.grandmodel.indicators.bars import walk

INDICATORS = {
    "sma": lambda o, h, lo, c, v, s: moving.sma(c, 20),
    "wma": lambda o, h, lo, c, v, s: moving.wma(c, 20),
    "ema": lambda o, h, lo, c, v, s: moving.ema(c, 12),
    "deviation": lambda o, h, lo, c, v, s: moving.deviation(c, 30),
    "momentum": lambda o, h, lo, c, v, s: moving.momentum(c, 14),
    "macd": lambda o, h, lo, c, v, s: np.stack(moving.macd(c)),
    "bollinger": lambda o, h, lo, c, v, s: np.stack(moving.bollinger(c)),
    "rsi": lambda o, h, lo, c, v, s: oscillators.rsi(c, 14),
    "atr": lambda o, h, lo, c, v, s: oscillators.atr(h, lo, c, 14),
    "vwap": lambda o, h, lo, c, v, s: oscillators.vwap(h, lo, c, v, s),
    "nwrqk": lambda o, h, lo, c, v, s: kernel_regression.nwrqk(c),
    "mlmi": lambda o, h, lo, c, v, s: np.stack(neighbours.mlmi(c, 8, 20)),
    "mmd": lambda o, h, lo, c, v, s: discrepancy.mmd(np.log(c), 50),
    "lvn": lambda o, h, lo, c, v, s: np.stack(volume_profile.low_volume_node(h, lo, c, v)),
    "fvg": lambda o, h, lo, c, v, s: np.stack(gaps.fair_value_gaps(o, h, lo, c, s)[:4]),
    "regimes": lambda o, h, lo, c, v, s: regimes.regime_probabilities(100.0 * np.log(c / o)),
    "usual": lambda o, h, lo, c, v, s: regimes.usual_deviation(np.log(c / o), 60, 20),
}


@pytest.mark.parametrize("name", INDICATORS)
def test_rows_to_come_change_nothing(name):
    bars, found = walk(), INDICATORS[name](*walk())
    for cut in (130, 219, 220, 307, 399):
        changed = [np.array(field) for field in bars[:5]]
        for field in changed:
            field[:, cut + 1 :] *= np.random.default_rng(cut).uniform(0.5, 2.0, field[:, cut + 1 :].shape)
        again = INDICATORS[name](*changed, bars[5])
        np.testing.assert_array_equal(again[..., : cut + 1], found[..., : cut + 1])
        prefix = INDICATORS[name](*[field[:, : cut + 1] for field in bars[:5]], bars[5][: cut + 1])
        np.testing.assert_array_equal(prefix, found[..., : cut + 1])


@pytest.mark.parametrize("name", INDICATORS)
def test_a_path_does_not_know_its_neighbours(name):
    together = INDICATORS[name](*walk())
    alone = INDICATORS[name](*[field[1:] for field in walk()[:5]], walk()[5])
    np.testing.assert_array_equal(together[..., 1:, :], alone)


@pytest.mark.parametrize("t", [40, 133, 419])
def test_averages_and_wilders_smoothing(t):
    _, high, low, close, _, _ = walk()
    for i in range(2):
        assert moving.sma(close, 20)[i, t] == pytest.approx(twins.sma(close[i], 20, t), rel=1e-13)
        assert moving.wma(close, 20)[i, t] == pytest.approx(twins.wma(close[i], 20, t), rel=1e-13)
        assert moving.deviation(close, 30)[i, t] == pytest.approx(np.std(close[i, t - 29 : t + 1]), rel=1e-12)
        assert moving.momentum(close, 14)[i, t] == pytest.approx(math.log(close[i, t] / close[i, t - 14]))
        assert oscillators.rsi(close, 14)[i, t] == pytest.approx(twins.rsi(close[i], 14, t), rel=1e-11)
        wanted = twins.atr(high[i], low[i], close[i], 14, t)
        assert oscillators.atr(high, low, close, 14)[i, t] == pytest.approx(wanted, rel=1e-11)


@pytest.mark.parametrize("t", [41, 133, 419])
def test_exponential_means_and_the_sessions_average(t):
    opened, high, low, close, volume, sessions = walk()
    moves = np.log(close / opened)
    average = oscillators.vwap(high, low, close, volume, sessions)
    for i in range(2):
        assert moving.ema(close, 12)[i, t] == pytest.approx(twins.ema(close[i], 12, t), rel=1e-12)
        wanted = twins.vwap(high[i], low[i], close[i], volume[i], sessions, t)
        assert average[i, t] == pytest.approx(wanted, rel=1e-12)
        found = regimes.usual_deviation(moves, 60, 20)[i, t]
        assert found == pytest.approx(twins.usual_deviation(moves[i], 60, t), rel=1e-12)
    assert np.isnan(regimes.usual_deviation(moves, 60, 20)[:, :20]).all()


def test_averages_by_hand():
    x = np.array([[1.0, 2.0, 3.0, 4.0]])
    assert moving.wma(x, 3)[0, 3] == pytest.approx((1 * 2 + 2 * 3 + 3 * 4) / 6)
    np.testing.assert_allclose(moving.ema(x, 3)[0], [1.0, 1.5, 2.25, 3.125])
    bands = moving.bollinger(x, 4)
    assert bands.upper[0, 3] == pytest.approx(2.5 + 2.0 * math.sqrt(1.25))
    assert bands.lower[0, 3] == pytest.approx(2.5 - 2.0 * math.sqrt(1.25))
    assert moving.macd(np.full((1, 50), 7.0)).line[0, -1] == 0.0


def test_rsi_by_hand():
    # Wilder's rule with period 2: gains 1, 2 then loss 1; means 1.5 and 0, then 0.75 and 0.5
    close = np.array([[10.0, 11.0, 13.0, 12.0]])
    assert oscillators.rsi(close, 2)[0, 2] == 100.0
    assert oscillators.rsi(close, 2)[0, 3] == pytest.approx(100.0 - 100.0 / (1.0 + 0.75 / 0.5))
    assert oscillators.rsi(np.full((1, 9), 5.0), 3)[0, -1] == 50.0


def test_vwap_begins_anew_each_session():
    price, volume = np.array([[10.0, 12.0, 20.0]]), np.array([[1.0, 3.0, 5.0]])
    out = oscillators.vwap(price, price, price, volume, np.array([0, 0, 1]))
    np.testing.assert_allclose(out[0], [10.0, 11.5, 20.0])
    idle = oscillators.vwap(price, price, price, 0.0 * volume, np.array([0, 0, 1]))
    np.testing.assert_allclose(idle, price)


def test_kernel_regression():
    close = walk()[3]
    found = kernel_regression.nwrqk(close, 60, 8.0, 8.0)
    for t in (59, 200, 419):
        assert found[0, t] == pytest.approx(twins.nwrqk(close[0], 60, 8.0, 8.0, t), rel=1e-12)
    np.testing.assert_allclose(kernel_regression.nwrqk(np.full((1, 120), 3.0))[0, 99:], 3.0, rtol=1e-14)
    line = np.arange(150.0)[None]  # a line is followed at a fixed distance: the kernel's mean age
    w = [(1 + i * i / 1024.0) ** -8.0 for i in range(100)]
    age = sum(i * k for i, k in enumerate(w)) / sum(w)
    np.testing.assert_allclose(line[0, 99:] - kernel_regression.nwrqk(line)[0, 99:], age, rtol=1e-10)
    assert kernel_regression.kernel_weights(400)[100:].sum() < 1e-7  # what is left out


@pytest.mark.parametrize(("k", "memory"), [(200, 500), (5, 500), (5, 12), (3, 7)])
def test_neighbours(k, memory):
    close = walk()[3]
    found = neighbours.mlmi(close, k, memory)
    for i in range(2):
        value, signal = twins.mlmi(close[i].tolist(), k, memory)
        np.testing.assert_allclose(found.value[i], value, atol=1e-12)
        np.testing.assert_allclose(found.signal[i], signal)


def test_a_label_is_known_only_at_the_next_event():
    # a rise, a fall and a rise: the first crossover stores nothing, the second stores what followed the first
    close = np.concatenate([100 - np.arange(40.0), 60 + np.arange(60.0), 120 - 2 * np.arange(40.0)])[None]
    found = neighbours.mlmi(close, 200, 500)
    spread = moving.wma(close, 5)[0] - moving.wma(close, 20)[0]
    crossings = np.flatnonzero(spread[20:] * spread[19:-1] < 0.0) + 20
    assert len(crossings) == 2
    assert (found.value[0, : crossings[1]] == 0.0).all()
    assert (found.value[0, crossings[1] :] == 1.0).all()  # it rose from the first to the second
    assert found.signal[0, crossings[1]] == 1.0


def test_discrepancy_is_the_double_sum():
    x = walk()[3] / 100.0
    found = discrepancy.mmd(x, 50)
    assert np.isnan(found[:, :99]).all()
    for t in (99, 100, 149, 150, 273, 419):
        assert found[0, t] == pytest.approx(twins.mmd(x[0], 50, t), abs=1e-9)


def test_discrepancy_sees_another_variance_and_none_where_there_is_none():
    generator = np.random.default_rng(0)
    x = generator.standard_normal((64, 600))
    alike = discrepancy.mmd(x)[:, 299:399:20].mean()
    x[:, 400:] *= 3.0
    other = discrepancy.mmd(x)[:, 498].mean()
    # the mean of MMD^2 of two samples of n from one law is 2 (1 - E k) / n, E k = 1/sqrt(3)
    assert alike == pytest.approx(math.sqrt(2 * (1 - 3**-0.5) / 100), rel=0.15)
    assert other > 3.0 * alike


def test_regimes_are_hamiltons_filter():
    x = np.random.default_rng(3).standard_normal((1, 80)) * np.where(np.arange(80) < 40, 0.6, 1.9)
    found = regimes.regime_probabilities(x)
    p, chain = np.full(3, 1 / 3), np.full((3, 3), 0.01)
    np.fill_diagonal(chain, 0.98)
    for t in range(80):
        density = np.exp(-0.5 * (x[0, t] / np.array(regimes.MULTIPLES)) ** 2) / np.array(regimes.MULTIPLES)
        p = (p @ chain) * density
        p /= p.sum()
        np.testing.assert_allclose(found[:, 0, t], p, rtol=1e-10)
    assert found[0, 0, 39] > 0.5
    assert found[2, 0, 79] > 0.9


@pytest.mark.slow
@pytest.mark.parametrize("name", ["nwrqk", "mlmi", "mmd", "lvn", "fvg"])
def test_the_cost_of_a_bar_does_not_grow(name):
    import time

    def seconds(rows):
        bars = walk(1, rows)
        INDICATORS[name](*bars)
        best = math.inf
        for _ in range(9):
            begun = time.process_time()  # other processes' time does not count
            INDICATORS[name](*bars)
            best = min(best, time.process_time() - begun)
        return best / rows

    assert seconds(64_000) < 2.0 * seconds(8_000)  # growth with history would be eightfold
