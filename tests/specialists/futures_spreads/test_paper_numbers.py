"""Acceptance numbers of PAPERS.md section 5 through the public interface: presets, --set, rules and statistics."""

import math

import numpy as np
import pytest

from fund.envs import play as players
from fund.envs.play import play
from fund.market.streams import Paths
from fund.training.evaluate import statistics
from specialists.futures_spreads.strategy import FuturesSpreads
from specialists.futures_spreads.theory import grid_optimum

GROWTH, SHARPE = 0.2106, 0.649


def desk(preset="schwartz_smith", **changes):
    return FuturesSpreads.preset(preset, **changes)


def numbers(world, rule, paths, seed=0):
    policy = world.rules[rule](world) if isinstance(rule, str) else rule
    played = play(world, policy, Paths.of(seed, paths))
    return statistics(played), played


def constant_maturity(near, far, **changes):
    # contracts of one day apart: each row holds the contract of exactly `near` and `far` months
    return desk(
        legs="dollars", contract_days=1, roll_days=0, near_contract=21 * near, far_contract=21 * far,
        leverage=1e3, **changes,
    )  # fmt: skip


def test_fs_3_simulated_volatilities():
    # 10,000 daily returns x 20 paths
    found, _ = numbers(constant_maturity(1, 13, n_steps=10_000), "merton", 20)
    assert found["near_volatility"] == pytest.approx(0.327, abs=0.004)
    assert found["far_volatility"] == pytest.approx(0.171, abs=0.003)


@pytest.mark.parametrize(("far", "drift", "volatility"), [(5, 0.0543, 0.0989), (13, 0.1074, 0.1957)])
def test_drift_and_volatility_of_calendar_spreads(far, drift, volatility):
    # the direction holds half a money unit of each leg; 2,000 path-years
    found, _ = numbers(constant_maturity(1, far), "merton", 2000)
    assert 2.0 * found["spread_volatility"] == pytest.approx(volatility, rel=0.012)
    error = 4.0 * volatility / math.sqrt(2000.0)
    assert 2.0 * found["spread_drift"] == pytest.approx(drift, abs=error)
    assert found["sharpe"] == pytest.approx(0.549, abs=4.0 / math.sqrt(2000.0))


def test_gibson_schwartz_volatilities():
    # 5.1: .3628 at one month, .2604 at twelve
    world = constant_maturity(1, 12, model="gibson_schwartz", kappa=1.876, rho=0.766, n_steps=5_000)
    found, _ = numbers(world, "merton", 20)
    assert found["near_volatility"] == pytest.approx(0.3628, rel=0.01)
    assert found["far_volatility"] == pytest.approx(0.2604, rel=0.01)


def check_sharpe(paths):
    world = desk()
    found, played = numbers(world, "optimum", paths)
    error = 1.0 / math.sqrt(paths)
    assert found["sharpe"] == pytest.approx(SHARPE, abs=max(0.03, 4.0 * error))
    assert found["log_growth"] == pytest.approx(GROWTH, abs=4.0 * SHARPE * error + 0.002)
    assert found["mean_square_position"] == pytest.approx(0.25, abs=0.001)  # constant at half of the full one
    assert math.log(world.certainty_equivalent(played)) == pytest.approx(found["log_growth"], abs=1e-9)
    others = [
        "carry", "zscore_threshold", "curve_reversion", players.constant(world, [1.0]), players.constant(world, [-0.4]),
        players.random(world), lambda view: np.where(view.books.nav < 1e6, 0.9, 0.1)[:, None],
    ]  # fmt: skip
    for other in others:
        assert numbers(world, other, paths)[0]["sharpe"] < SHARPE + 4.0 * error


def test_fs_7_no_policy_exceeds_the_largest_sharpe_quick():
    check_sharpe(1024)


@pytest.mark.slow
def test_fs_7_no_policy_exceeds_the_largest_sharpe():
    check_sharpe(10_000)


@pytest.mark.parametrize("preset", ["schwartz_smith", "gibson_schwartz"])
def test_nothing_beats_the_constant_optimum(preset):
    world = desk(preset)
    paths = Paths.of(10**6, 1024)
    tape = world.record(paths)
    best = np.log(play(world, world.rules["optimum"](world), paths, tape).nav[-1])
    for action in (0.25, 0.4, 0.6, 0.75):
        other = np.log(np.maximum(play(world, players.constant(world, [action]), paths, tape).nav[-1], 1.0))
        # growth is quadratic around the optimum at 1/2: 4 (a - 1/2)^2 of it is lost
        lost = best - other
        full = 0.5 * world.published_curve.largest_sharpe**2
        wanted = 4.0 * (action - 0.5) ** 2 * full
        assert lost.mean() == pytest.approx(wanted, abs=4.0 * lost.std() / 32.0 + 0.002)


FREE = {"premium_scale": 0.0}
POLICIES = {
    "long": lambda w: players.constant(w, [1.0]),
    "short": lambda w: players.constant(w, [-1.0]),
    "random": players.random,
    "flip": lambda w: lambda view: np.where(view.clock % 2 == 0, 1.0, -1.0)[:, None],
    "carry": lambda w: w.rules["carry"](w),
    "zscore_threshold": lambda w: w.rules["zscore_threshold"](w),
    "curve_reversion": lambda w: w.rules["curve_reversion"](w),
}


@pytest.mark.parametrize("policy", POLICIES)
def test_fs_6_no_premium_no_mean_pnl(policy):
    world = desk(legs="dollars", leverage=20.0, **FREE)
    _, played = numbers(world, POLICIES[policy](world), 1024)
    pnl = (played.nav[-1] - played.nav[0]) / world.capital
    assert abs(pnl.mean()) < 4.0 * pnl.std() / 32.0


@pytest.mark.parametrize("policy", ["flat", *POLICIES])
def test_null_preset_pays_nobody(policy):
    world = FuturesSpreads.preset("null")
    act = players.flat(world) if policy == "flat" else POLICIES[policy](world)
    _, played = numbers(world, act, 1024)
    pnl = played.nav[-1] - played.nav[0]
    assert pnl.mean() <= 3.0 * pnl.std() / 32.0
    # under the weather, too, a position that is held costs nothing but its fees
    gross = pnl - played.lines["fees"]
    assert abs(gross.mean()) <= 4.0 * gross.std() / 32.0


def test_weather_leaves_futures_martingales():
    world = FuturesSpreads.preset("null", market_loading=0.9, random_start=False)
    tape = world.record(Paths.of(0, 4096))
    surprise = tape["surprise"][1:].sum(axis=0)
    assert abs(surprise.mean()) < 4.0 * surprise.std() / 64.0
    assert abs(tape["surprise"][1:].std() / tape["surprise"][1:].mean()) > 200.0


def test_growth_on_a_mispricing_is_that_of_the_closed_form():
    world = desk("mispricing")
    _, played = numbers(world, "optimum", 4096)
    theory = grid_optimum(8.0, 0.1, 1 / 252, 252, -1.0)
    variance = 0.1**2 / 16.0  # the start is drawn from the stationary law: E exp(A m^2)
    inverse = math.exp(theory.level) / math.sqrt(1.0 - 2.0 * theory.slope * variance)
    utility = 1e6 / played.nav[-1]
    assert utility.mean() == pytest.approx(inverse, abs=4.0 * utility.std() / 64.0 + 0.01 * inverse)
    tape = play(world, world.rules["zscore_threshold"](world), Paths.of(0, 4096))
    assert world.certainty_equivalent(played) > world.certainty_equivalent(tape)


def test_fs_10_the_season_in_the_market():
    # one path with and without the season, all else equal: prices differ by the season at the delivery date
    plain = desk(random_start=False, n_steps=300)
    season = desk(random_start=False, n_steps=300, a_1=0.05)
    paths = Paths.of(0, 1)
    ratio = season.record(paths)["near_a"] / plain.record(paths)["near_a"]
    assert ratio.max() == pytest.approx(math.exp(0.05), rel=1e-4)
    assert ratio.min() == pytest.approx(math.exp(-0.05), rel=1e-4)
    far = season.record(paths)["far_a"] / plain.record(paths)["far_a"]
    assert far.max() == pytest.approx(math.exp(0.05), rel=1e-4)  # thirteen months out, undamped
