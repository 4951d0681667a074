"""Features against slow plain formulas and statsmodels, on drawn and on negative prices."""

import math

import numpy as np
import pytest
from statsmodels.tsa.stattools import adfuller

from fund.market.streams import Paths
from specialists.futures_spreads import market
from specialists.futures_spreads.features import HALF_LIFE_UNIT, LONG, MIDDLE, SHORT, WARM_UP, empty, fill
from specialists.futures_spreads.strategy import FuturesSpreads


def plain(desk, c, i):
    """Index, returns and level of one path, the slow way."""
    rows = c.near_new.shape[1]
    x, r_1, r_2, f_1 = np.zeros((4, rows))
    h = np.zeros((rows, 2))
    for t in range(rows):
        window = slice(max(t - MIDDLE + 1, 0), t + 1)
        sizes = [max(abs(p[i, t]), 0.5 * np.abs(p[i, window]).mean()) for p in (c.near_new, c.far_new)]
        f_1[t] = sizes[0]
        if t:
            gains = c.near_old[i, t] - c.near_new[i, t - 1], c.far_old[i, t] - c.far_new[i, t - 1]
            x[t] = x[t - 1] + h[t - 1] @ gains
            r_1[t], r_2[t] = gains[0] / f_1[t - 1], gains[1] / sizes[1]
        total = sizes[0] + desk.ratio * sizes[1]
        h[t] = (
            (1.0 / total, -desk.ratio / total) if desk.legs == "units" else (0.5 / sizes[0], -0.5 / sizes[1])
        )
    return x, r_1, r_2, f_1, h


def drawn(desk, monkeypatch):
    kept = []
    monkeypatch.setattr(market, "fill", lambda one, chain, tape, first: kept.append(chain))
    market.record(desk, Paths.of(5, 3), None)
    return kept[0]


@pytest.mark.parametrize("legs", ["units", "dollars"])
@pytest.mark.parametrize("shift", [0.0, 62.0])
def test_features_are_their_formulas(legs, shift, monkeypatch):
    desk = FuturesSpreads(legs=legs, n_steps=80)
    c = drawn(desk, monkeypatch)
    for prices in (c.near_old, c.near_new, c.far_old, c.far_new, c.next, c.long):
        prices -= shift  # some are now below zero
    tape = empty(desk.n_steps, 3)
    fill(desk, c, tape, 0)
    see = {name: tape.features[:, :, k] for k, name in enumerate(desk.features)}
    for i in range(3):
        x, r_1, r_2, f_1, h = plain(desk, c, i)
        d = np.diff(x, prepend=0.0)
        for t in (WARM_UP, WARM_UP + 37, WARM_UP + 80):
            row = t - WARM_UP
            for window, name in ((MIDDLE, "zscore_60"), (SHORT, "zscore_20")):
                part = x[t - window + 1 : t + 1]
                assert see[name][row, i] == pytest.approx((x[t] - part.mean()) / part.std(ddof=1), abs=1e-4)
            usual = desk.near_volatility / math.sqrt(252)
            for span in (1, 5, 20):
                moved = r_1[t - span + 1 : t + 1].sum() / (usual * math.sqrt(span))
                assert see[f"near_return_{span}"][row, i] == pytest.approx(moved, rel=1e-4, abs=1e-5)
            sd = math.sqrt((d[t - MIDDLE + 1 : t + 1] ** 2).mean())
            assert see["spread_volatility"][row, i] == pytest.approx(sd / desk.usual_spread_move, rel=1e-4)
            a, b = r_1[t - MIDDLE + 1 : t + 1], r_2[t - MIDDLE + 1 : t + 1]
            correlation = (a * b).sum() / math.sqrt((a * a).sum() * (b * b).sum())
            assert see["leg_correlation"][row, i] == pytest.approx(correlation, abs=1e-5)
            slope, t_value = dickey_fuller(x[t - LONG : t + 1])
            assert see["adf_statistic"][row, i] == pytest.approx(t_value, rel=1e-4)
            life = math.log(2.0) / -math.log(1.0 + min(slope, -0.005))
            assert see["half_life"][row, i] == pytest.approx(life / HALF_LIFE_UNIT, rel=1e-3)
            front = (c.near_new[i, t] - c.next[i, t]) / (f_1[t] * 21 / 252)
            back = (c.next[i, t] - c.long[i, t]) / (f_1[t] * 63 / 252)
            slope = (c.long[i, t] - c.near_new[i, t]) / (f_1[t] * 84 / 252)
            assert see["roll_yield"][row, i] == pytest.approx(4.0 * front, rel=1e-4, abs=1e-5)
            assert see["curve_slope"][row, i] == pytest.approx(4.0 * slope, rel=1e-4, abs=1e-5)
            assert see["curvature"][row, i] == pytest.approx(8.0 * (front - back), rel=1e-4, abs=1e-4)
            carried = 4.0 * 252 * (h[t, 0] * c.roll_1[i, t] + h[t, 1] * c.roll_2[i, t])
            assert see["carry"][row, i] == pytest.approx(carried, rel=1e-4, abs=1e-5)
            assert see["contango"][row, i] == float(c.next[i, t] > c.near_new[i, t])


def dickey_fuller(x):
    """Slope of the change on the level before it, with a constant, and its t-statistic, by numpy's least squares."""
    level, change = x[:-1], np.diff(x)
    design = np.column_stack([np.ones(len(level)), level])
    coefficients, residual, _, _ = np.linalg.lstsq(design, change, rcond=None)
    error = math.sqrt(residual[0] / (len(level) - 2) * np.linalg.inv(design.T @ design)[1, 1])
    return coefficients[1], coefficients[1] / error


def test_dickey_fuller_is_that_of_statsmodels():
    x = np.cumsum(np.random.default_rng(0).standard_normal(LONG + 1))
    oracle = adfuller(x, maxlag=0, regression="c", autolag=None, result_object=False)[0]
    assert dickey_fuller(x)[1] == pytest.approx(oracle)


def test_seasons_are_those_of_the_day():
    tape = FuturesSpreads(n_steps=252).record(Paths.of(0, 4))
    sine, cosine = tape.features[:, :, 6], tape.features[:, :, 7]
    assert sine**2 + cosine**2 == pytest.approx(1.0, abs=1e-6)
    turned = np.unwrap(np.arctan2(sine, cosine), axis=0)
    assert turned[-1] - turned[0] == pytest.approx(2.0 * np.pi, abs=1e-4)
