"""Rough Bergomi: moments of the Volterra process and the variance, roughness, forward variance, plain twin."""

import math

import numpy as np
import pytest

from fund.errors import InvalidParameter
from fund.market import rough_bergomi
from fund.market.rough_bergomi import RoughBergomi

PAPER = RoughBergomi()
N, STEPS, DT = 20_000, 60, 1 / 252


def draws(n=N, steps=STEPS, seed=0):
    return np.random.default_rng(seed).standard_normal((3, n, steps))


def test_parameters_are_the_papers():  # PAPERS 3.3
    assert (PAPER.hurst, PAPER.eta, PAPER.rho, PAPER.xi) == (0.07, 1.9, -0.9, pytest.approx(0.235**2))


def test_moments():
    spots, v = rough_bergomi.paths(PAPER, DT, *draws())
    assert abs(spots[-1].mean() - 100.0) < 4.0 * spots[-1].std() / math.sqrt(N)
    for t in (1, 5, 30, 60):
        log = (np.log(v[t] / PAPER.xi) + 0.5 * 1.9**2 * (t * DT) ** 0.14) / 1.9  # Y
        assert abs(log.mean()) < 4.0 * log.std() / math.sqrt(N)
        # the hybrid scheme's variance is that of t^(2H) to a few per cent; the first cell is exact
        error = 4.0 * math.sqrt(2.0 / N) + (0.0 if t == 1 else 0.03)
        assert log.var() == pytest.approx((t * DT) ** 0.14, rel=error)


def test_roughness():
    # E (Y_t+d - Y_t)^2 ~ d^(2H) for a small d: the slope over lags, taken far from the start
    _, v = rough_bergomi.paths(PAPER, 1 / 2000, *draws(2000, 400, seed=1))
    log = np.log(v[200:]) / 1.9
    lags = np.array([1, 2, 4, 8, 16])
    moved = [np.mean((log[lag:] - log[:-lag]) ** 2) for lag in lags]
    slope = np.polyfit(np.log(lags), np.log(moved), 1)[0]
    assert slope == pytest.approx(0.14, abs=0.04)


def test_plain_twin_and_leverage():
    shock, extra, other = draws(4, 12, seed=2)
    spots, v = rough_bergomi.paths(PAPER, DT, shock, extra, other)
    by_shock, by_extra, _ = rough_bergomi.cell(0.07, DT)
    a = 0.07 - 0.5
    for i in range(4):
        log = math.log(100.0)
        for t in range(1, 13):
            w = -0.9 * shock[i, t - 1] + math.sqrt(0.19) * other[i, t - 1]
            log += math.sqrt(v[t - 1, i] * DT) * w - 0.5 * v[t - 1, i] * DT
            y = by_shock * shock[i, t - 1] + by_extra * extra[i, t - 1]
            for k in range(2, t + 1):
                b = ((k ** (a + 1) - (k - 1) ** (a + 1)) / (a + 1)) ** (1 / a)
                y += math.sqrt(0.14) * (b * DT) ** a * math.sqrt(DT) * shock[i, t - k]
            wanted = PAPER.xi * math.exp(1.9 * y - 0.5 * 1.9**2 * (t * DT) ** 0.14)
            assert v[t, i] == pytest.approx(wanted, rel=1e-10)
            assert spots[t, i] == pytest.approx(math.exp(log), rel=1e-10)


def test_forward_variance_is_the_conditional_mean():
    shock, extra, other = draws(seed=3)
    _, v = rough_bergomi.paths(PAPER, DT, shock, extra, other)
    ahead = np.array([1, 10, 25])
    curve = rough_bergomi.forward_variance(PAPER, DT, shock, ahead)
    assert curve.shape == (3, STEPS + 1, N)
    np.testing.assert_allclose(curve[:, 0], PAPER.xi)
    for j, horizon in enumerate(ahead):
        known, later = curve[j, 30], v[30 + horizon]
        error = later - known  # has mean zero, and whatever is known at row 30
        for instrument in (np.ones(N), known / PAPER.xi, np.minimum(v[30] / PAPER.xi, 5.0)):
            product = error * instrument
            assert abs(product.mean()) < 4.0 * product.std() / math.sqrt(N) + 0.03 * PAPER.xi


@pytest.mark.parametrize("changes", [{"xi": 0.0}, {"hurst": 0.5}, {"eta": -1.0}, {"rho": -1.1}])
def test_bad_parameters_are_refused(changes):
    with pytest.raises(InvalidParameter, match="wanted xi above 0"):
        RoughBergomi(**changes)


def test_ill_shaped_shocks_are_refused():
    with pytest.raises(InvalidParameter, match="shocks"):
        rough_bergomi.paths(PAPER, DT, np.zeros((2, 3)), np.zeros((2, 3)), np.zeros((3, 3)))
