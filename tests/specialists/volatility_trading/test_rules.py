"""Rules: what they do by hand, where the optimum is known, and how they rank."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from fund.envs.batch import Batch
from fund.envs.play import play
from fund.errors import InvalidParameter
from fund.market.heston import qe_step, scheme
from fund.training.evaluate import held_out
from specialists.volatility_trading import optimum
from specialists.volatility_trading.strategy import VolatilityTrading


def first_view(desk, n=64):
    batch = Batch(desk, n)
    batch.reset(0)
    return batch.view()


def test_always_short_and_long():
    desk = VolatilityTrading()
    view = first_view(desk)
    assert (desk.rules["always_short"](desk)(view) == -1.0).all()
    assert (desk.rules["always_long"](desk)(view) == 1.0).all()


def test_threshold():
    desk = VolatilityTrading(short_above=1.0, long_below=-1.0)
    view = first_view(desk)
    gap = 5.0 * view.observation[:, desk.features.index("iv_minus_rv")]  # points
    clear = (np.abs(gap - 1.0) > 0.01) & (np.abs(gap + 1.0) > 0.01)
    wanted = np.where(gap > 1.0, -1.0, np.where(gap < -1.0, 1.0, 0.0))
    assert np.array_equal(desk.rules["iv_rv_threshold"](desk)(view)[clear, 0], wanted[clear])
    assert {-1.0, 0.0, 1.0} == set(wanted)


def test_liu_pan_is_lam_over_xi_squared():
    desk = VolatilityTrading.preset("liu_pan", risk_premium=-1.0)
    assert (desk.rules["liu_pan"](desk)(first_view(desk)) == -4.0 / 16.0).all()
    straddles = VolatilityTrading(risk_premium=-0.001, vega_limit=0.02)
    found = straddles.rules["liu_pan"](straddles)(first_view(straddles))
    assert (found < 0.0).all() and (found > -1.0).all()


def test_optimum_is_the_best_exposure_of_a_step():
    desk = VolatilityTrading.preset("liu_pan")
    levels, found = optimum.log_optimal(desk)
    shock = np.random.default_rng(0).standard_normal(200_000)
    q, k = scheme(5.0, 0.5, -0.7, 1 / 252), 3.0
    for v in (0.01, 0.04, 0.16):
        after = np.array([qe_step(q, v, 0.04, z, 0.0)[0] for z in shock])
        kept = np.exp(-k / 252)
        x = after - (0.2 / 3.0 * (1.0 - kept) + kept * v)
        # E x is known: with the sample's own mean the answer would be that of its noise
        x += (
            (0.04 * (1 - np.exp(-5 / 252)) + v * np.exp(-5 / 252))
            - (0.2 / 3 * (1 - kept) + kept * v)
            - x.mean()
        )
        best = minimize_scalar(lambda f, x=x: -np.log1p(f * x).mean(), bounds=(-20.0, 0.0), method="bounded")
        assert np.interp(np.sqrt(v), levels, found) == pytest.approx(best.x, abs=0.15)


def test_no_optimum_is_claimed_elsewhere():
    for desk in (VolatilityTrading(), VolatilityTrading.preset("liu_pan", vega_cost=0.001)):
        with pytest.raises(InvalidParameter, match="no optimum is known here"):
            desk.rules["optimum"](desk)


def test_planted_signal_pays_who_reads_it():
    desk = VolatilityTrading.preset("planted")
    pnl = {}
    for rule in ("always_short", "iv_rv_threshold"):
        played = play(desk, desk.rules[rule](desk), held_out(256))
        pnl[rule] = played.nav[-1] - played.nav[0]
    better = pnl["iv_rv_threshold"] - pnl["always_short"]
    assert better.mean() > 10.0 * better.std() / 16.0
