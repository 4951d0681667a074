"""Closed forms against PAPERS.md and hand work."""

import math

import numpy as np
import pytest

from fund.errors import InvalidParameter
from specialists.delta_hedging import theory


def test_rule_of_derman_and_kamal():
    # PAPERS 2.1: vega 11.51 (0.1151 a point)
    for rehedges, std in ((4, 1.020), (21, 0.445), (84, 0.223), (250, 0.129), (1000, 0.0645)):
        assert theory.hedging_error_std(11.51, 0.2, rehedges) == pytest.approx(std, abs=6e-4)
    with pytest.raises(InvalidParameter, match="rehedges is 0"):
        theory.hedging_error_std(1.0, 0.2, 0)


def test_lelands_volatility_and_price():
    # DH-9: k = .01 round trip, weekly, T = 1
    volatility = theory.leland_volatility(0.2, 0.005, 1 / 52)
    assert volatility == pytest.approx(0.2270, abs=5e-5)
    assert (volatility / 0.2) ** 2 - 1 == pytest.approx(0.2877, abs=5e-5)
    assert theory.leland_price(1.0, 100.0, 100.0, 1.0, 0.0, 0.2, 0.005, 1 / 52) == pytest.approx(
        9.035, abs=0.002
    )


def test_whalley_and_wilmotts_width():
    # (1.5 x .01 x 100 x .04^2)^(1/3) = .0024^(1/3)
    width = theory.whalley_wilmott_width(100.0, 0.04, 0.25, 0.0, 0.01, 1.0)
    assert width == pytest.approx(0.0024 ** (1 / 3))
    assert theory.whalley_wilmott_width(100.0, 0.04, 0.25, 0.04, 0.01, 8.0) == pytest.approx(
        width / 2 * math.exp(-0.01 / 3)
    )
    with pytest.raises(InvalidParameter, match="risk_aversion is 0"):
        theory.whalley_wilmott_width(100.0, 0.04, 0.25, 0.0, 0.01, 0.0)


def test_zakamoulines_band_term_by_term():
    s, g, tau, sigma, cost, aversion = 100.0, 0.04, 0.25, 0.2, 0.01, 1.0
    found = theory.zakamouline(s, g, tau, 0.0, sigma, cost, aversion)
    k = -4.76 * cost**0.78 / tau**0.02 * (1 / sigma) ** 0.25 * (aversion * s * s * g) ** 0.15
    assert found.volatility == pytest.approx(sigma * math.sqrt(1 - k))
    h0 = cost / (aversion * s * sigma**2 * tau)
    h1 = 1.12 * cost**0.31 * tau**0.05 * (1 / sigma) ** 0.25 * (g / aversion) ** 0.5
    assert found.width == pytest.approx(h0 + h1)
    assert np.all(theory.zakamouline(s, g, np.array([0.1, 0.01]), 0.0, sigma, cost, aversion).width > 0.01)


def test_bartletts_delta_follows_the_volatility():
    assert theory.bartlett_delta(0.5, 20.0, 100.0, -0.4, 0.6) == pytest.approx(0.5 - 0.048)
    assert theory.bartlett_delta(0.5, 20.0, 100.0, 0.0, 0.6) == 0.5


def test_a_static_hedge_costs_two_trades():
    assert theory.cost_of_static_hedge(100.0, 110.0, 0.01) == pytest.approx(2.1)
