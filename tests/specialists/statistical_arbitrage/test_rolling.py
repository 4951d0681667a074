"""Each kernel against its slow plain twin; the future is invisible, and so are the other paths."""

import math

import numpy as np
import pytest
from statsmodels.tsa.stattools import adfuller

from fund.errors import InvalidParameter
from specialists.statistical_arbitrage import rolling

ROWS, PATHS, WINDOW = 400, 4, 60
KERNELS = {
    "moments": lambda y, x: rolling.rolling_moments(y, WINDOW),
    "hedge": lambda y, x: rolling.rolling_hedge_ratio(y, x, WINDOW),
    "dickey_fuller": lambda y, x: rolling.rolling_dickey_fuller(y - 1.2 * x, WINDOW),
    "dickey_fuller_1": lambda y, x: rolling.rolling_dickey_fuller(y - 1.2 * x, WINDOW, lags=1),
    "kalman": lambda y, x: rolling.kalman_hedge_ratio(y, x),
}


def prices(seed=0, rows=ROWS, paths=PATHS):
    rng = np.random.default_rng(seed)
    x = 100.0 + rng.normal(size=(rows, paths)).cumsum(axis=0)
    return 20.0 + 1.2 * x + rng.normal(size=(rows, paths)), x


def windows(seed, count=40):
    rng = np.random.default_rng(seed)
    return [
        (int(t), int(j))
        for t, j in zip(rng.integers(WINDOW - 1, ROWS, count), rng.integers(0, PATHS, count), strict=True)
    ]


@pytest.mark.parametrize("ddof", [0, 1])
def test_moments_against_numpy(ddof):
    _, x = prices()
    found = rolling.rolling_moments(x, WINDOW, ddof)
    for t, j in windows(1):
        part = x[t - WINDOW + 1 : t + 1, j]
        assert found.mean[t, j] == pytest.approx(part.mean(), rel=1e-13)
        assert found.deviation[t, j] == pytest.approx(part.std(ddof=ddof), rel=1e-11)


def test_hedge_ratio_against_lstsq():
    y, x = prices()
    found = rolling.rolling_hedge_ratio(y, x, WINDOW)
    for t, j in windows(2):
        part = slice(t - WINDOW + 1, t + 1)
        design = np.column_stack([x[part, j], np.ones(WINDOW)])
        slope, intercept = np.linalg.lstsq(design, y[part, j], rcond=None)[0]
        assert found.slope[t, j] == pytest.approx(slope, abs=1e-9)
        assert found.intercept[t, j] == pytest.approx(intercept, abs=1e-9 * 100)


@pytest.mark.parametrize("constant", [True, False])
@pytest.mark.parametrize("lags", [0, 1])
def test_dickey_fuller_against_statsmodels(lags, constant):
    y, x = prices()
    for data in (x, y - 1.2 * x, x - 100.0):
        found = rolling.rolling_dickey_fuller(data, WINDOW, lags, constant)
        for t, j in windows(3, 25):
            part = data[t - WINDOW + 1 : t + 1, j]
            wanted = adfuller(part, lags, "c" if constant else "n", autolag=None, result_object=True)
            assert found.statistic[t, j] == pytest.approx(wanted.statistic, abs=1e-8)


def test_dickey_fuller_slope_is_the_regression():
    _, x = prices()
    found = rolling.rolling_dickey_fuller(x, WINDOW)
    for t, j in windows(4):
        part = x[t - WINDOW + 1 : t + 1, j]
        assert found.slope[t, j] == pytest.approx(np.polyfit(part[:-1], np.diff(part), 1)[0], abs=1e-10)


def kalman_twin(y, x, delta, noise):  # Chan (2013), with matrices
    state, cover, path = np.zeros(2), np.zeros((2, 2)), []
    for t in range(y.size):
        prior = cover + (delta / (1.0 - delta) * np.eye(2) if t > 0 else 0.0)
        design = np.array([x[t], 1.0])
        error, variance = y[t] - design @ state, design @ prior @ design + noise
        gain = prior @ design / variance
        state = state + gain * error
        cover = prior - np.outer(gain, design @ prior)
        path.append((*state, error, math.sqrt(variance)))
    return np.array(path)


@pytest.mark.parametrize(("delta", "noise"), [(1e-4, 1e-3), (1e-2, 2.0)])
def test_kalman_against_matrices(delta, noise):
    y, x = prices()
    found = np.stack(rolling.kalman_hedge_ratio(y, x, delta, noise), axis=-1)
    for j in range(PATHS):
        np.testing.assert_allclose(
            found[:, j], kalman_twin(y[:, j], x[:, j], delta, noise), rtol=1e-9, atol=1e-9
        )


def test_kalman_innovations_have_the_spread_it_says():
    rng = np.random.default_rng(5)
    rows, paths, delta, noise = 400, 100, 1e-4, 0.5
    state = rng.normal(0.0, math.sqrt(delta / (1.0 - delta)), (rows, paths, 2))
    state[0] = 0.0
    state = state.cumsum(axis=0)
    x = 50.0 + rng.normal(size=(rows, paths)).cumsum(axis=0)
    y = state[..., 0] * x + state[..., 1] + rng.normal(0.0, math.sqrt(noise), (rows, paths))
    found = rolling.kalman_hedge_ratio(y, x, delta, noise)
    squares = (found.innovation / found.deviation) ** 2  # chi-square with one degree, independent
    assert abs(squares.mean() - 1.0) < 4.0 * math.sqrt(2.0 / squares.size)


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("cut", [80, 119, 120, 250])
def test_the_future_is_invisible(name, cut):
    y, x = prices()
    changed = [data.copy() for data in (y, x)]
    for k, data in enumerate(changed):
        data[cut + 1 :] = 7.0 + k + np.random.default_rng(9 + k).normal(size=data[cut + 1 :].shape)
    for full, other, part in zip(
        KERNELS[name](y, x), KERNELS[name](*changed), KERNELS[name](y[: cut + 1], x[: cut + 1]), strict=True
    ):
        np.testing.assert_array_equal(full[: cut + 1], other[: cut + 1])
        np.testing.assert_array_equal(full[: cut + 1], part)
        assert not np.array_equal(full[cut + 1 :], other[cut + 1 :], equal_nan=True)


@pytest.mark.parametrize("name", KERNELS)
def test_a_path_does_not_know_its_batch(name):
    y, x = prices(paths=7)
    batch = KERNELS[name](y, x)
    for j in (0, 6):
        for whole, alone in zip(batch, KERNELS[name](y[:, j], x[:, j]), strict=True):
            assert alone.shape == (ROWS,)
            np.testing.assert_array_equal(whole[:, j], alone)


@pytest.mark.parametrize("name", ["moments", "hedge", "dickey_fuller", "dickey_fuller_1"])
def test_a_window_must_be_full(name):
    for found in KERNELS[name](*prices()):
        assert np.isnan(found[: WINDOW - 1]).all()
        assert np.isfinite(found[WINDOW - 1 :]).all()


def test_rounding_does_not_build_up():
    rng = np.random.default_rng(6)
    x = 1e6 + rng.normal(size=50_000).cumsum()
    y = 3e6 - 2.0 * x + rng.normal(size=x.size)
    part = slice(x.size - 1 - WINDOW + 1 - 17, x.size - 17)
    last = x.size - 18
    assert rolling.rolling_moments(x, WINDOW).deviation[last] == pytest.approx(x[part].std(ddof=1), rel=1e-9)
    u = x[part] - x[part].mean()
    slope = (u @ (y[part] - y[part].mean())) / (u @ u)
    assert rolling.rolling_hedge_ratio(y, x, WINDOW).slope[last] == pytest.approx(slope, rel=1e-9)
    wanted = adfuller(x[part] - 1e6, 1, autolag=None, result_object=True).statistic
    assert rolling.rolling_dickey_fuller(x, WINDOW, 1).statistic[last] == pytest.approx(wanted, abs=1e-6)


def test_what_does_not_move_has_no_regression():
    x = np.concatenate([1e4 * np.random.default_rng(7).normal(size=75), np.full(100, 0.3)])
    still = slice(75 + WINDOW, None)
    assert np.all(rolling.rolling_moments(x, WINDOW).deviation[still] == 0.0)
    assert np.isnan(rolling.rolling_hedge_ratio(x + 1.0, x, WINDOW).slope[still]).all()
    assert np.isnan(rolling.rolling_dickey_fuller(x, WINDOW).statistic[still]).all()


def test_half_life():
    found = rolling.half_life([-0.5, math.expm1(-8.4 / 252), 0.0, 0.1, -1.0, -1.4, math.nan])
    np.testing.assert_allclose(
        found, [1.0, math.log(2.0) * 252 / 8.4, math.inf, math.inf, 0.0, 0.0, math.nan], rtol=1e-12
    )


def test_bad_input_is_refused():
    y, x = prices()
    with pytest.raises(InvalidParameter, match="lags = 2: wanted 0 or 1"):
        rolling.rolling_dickey_fuller(x, WINDOW, lags=2)
    with pytest.raises(InvalidParameter, match="window = 2: wanted 3"):
        rolling.rolling_hedge_ratio(y, x, 2)
    with pytest.raises(InvalidParameter, match="two of one shape"):
        rolling.rolling_hedge_ratio(y, x[:, :2], WINDOW)
    with pytest.raises(InvalidParameter, match="not finite"):
        rolling.rolling_moments(np.where(x > 101.0, math.nan, x), WINDOW)
    with pytest.raises(InvalidParameter, match="delta = 1"):
        rolling.kalman_hedge_ratio(y, x, delta=1.0)
