"""Rules: what they read, what they earn where there is something to earn, and what they lose where there is not."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from fund.envs.play import constant, flat, play, random
from fund.market.streams import Paths
from specialists.factor_tracking import rules, theory
from specialists.factor_tracking.features import FACTORS
from specialists.factor_tracking.step import digits
from specialists.factor_tracking.strategy import FactorTracking

TILT_RULES = [name for name in FactorTracking.rules if name != "optimum"]


def pnl(desk, policy, paths, tape=None):
    played = play(desk, policy, paths, tape)
    return played.nav[-1] - played.nav[0], played


def error(sample):
    return sample.std() / math.sqrt(len(sample))


def test_actions_are_the_digits_of_tilts():
    for tilts in itertools.product((-1.0, 0.0, 1.0), repeat=3):
        action = rules.action_of(np.array([tilts]))[0]
        assert digits.py_func(float(action)) == tilts
    np.testing.assert_array_equal(rules.action_of(rules.TILTS), np.arange(27))


@pytest.fixture(scope="module")
def default_market():
    desk, paths = FactorTracking(), Paths.of(900, 1500)
    return desk, paths, desk.record(paths)


def test_reading_the_signals_beats_equal_long(default_market):
    desk, paths, tape = default_market
    yardstick, _ = pnl(desk, desk.rules["equal_long"](desk), paths, tape)
    assert next(iter(desk.rules)) == "equal_long"
    assert yardstick.mean() > 3.0 * error(yardstick)
    for name in ("valuation_momentum", "garleanu_pedersen"):
        more = pnl(desk, desk.rules[name](desk), paths, tape)[0] - yardstick
        assert more.mean() > 8.0 * error(more)


def test_costs_slow_garleanu_pedersen_down(default_market):
    desk, paths, tape = default_market
    _, quick = pnl(desk, desk.rules["markowitz"](desk), paths, tape)
    _, slow = pnl(desk, desk.rules["garleanu_pedersen"](desk), paths, tape)
    assert slow.traded.mean() < 0.6 * quick.traded.mean()


def test_equal_long_holds_equal_risk(default_market):
    desk, paths, tape = default_market
    _, played = pnl(desk, desk.rules["equal_long"](desk), paths, tape)
    found = desk.statistics(played)
    assert found["momentum_exposure"] < found["value_exposure"] < found["quality_exposure"]
    assert 0.5 < found["hit_rate"] < 0.53
    daily = np.diff(played.nav, axis=0) / played.nav[:-1]
    assert daily.std() * math.sqrt(252) == pytest.approx(0.05, rel=0.25)
    assert found["turnover_per_year"] == pytest.approx(played.traded.mean() / 1e6, rel=1e-9)


def test_tracking_error_by_hand(default_market):
    desk, paths, tape = default_market
    _, played = pnl(desk, flat(desk), paths, tape)
    r = np.stack([tape[f][1:] / tape[f][:-1] - 1.0 for f in FACTORS]).mean(axis=0)
    found = desk.statistics(played)
    assert found["tracking_error"] == pytest.approx(r.std() * math.sqrt(252), rel=1e-9)
    assert math.isnan(found["hit_rate"]) and found["value_exposure"] == found["turnover_per_year"] == 0.0


@pytest.mark.parametrize("reach", ["value", "momentum", "quality"])
def test_each_digit_moves_its_own_factor(reach):
    desk = FactorTracking(n_steps=6, cost_rate=0.0)
    action = 13 + {"value": 1, "momentum": 3, "quality": 9}[reach]
    _, played = pnl(desk, constant(desk, action), Paths.of(0, 8))
    for k, factor in enumerate(FACTORS):
        assert np.all((played.position[k] > 0.0) == (factor == reach))


def flip_flop(desk):
    return lambda view: np.where((view.clock // desk.rebalance_days) % 2 == 0, 26, 0)


def test_null_pays_nobody():
    desk, paths = FactorTracking.preset("null"), Paths.of(4000, 1500)
    tape = desk.record(paths)
    policies = {name: desk.rules[name](desk) for name in TILT_RULES}
    policies |= {"random": random(desk), "flip_flop": flip_flop(desk), "flat": flat(desk)}
    policies |= {f"constant {a}": constant(desk, a) for a in (0, 5, 21)}
    for name, policy in policies.items():
        earned, played = pnl(desk, policy, paths, tape)
        fees = -played.lines["fees"]
        assert earned.mean() <= 3.0 * error(earned), name
        assert abs((earned + fees).mean()) <= 4.0 * error(earned) + 1e-9, f"{name}: before costs"


def test_null_pays_nobody_who_reads_signals_that_are_not_there():
    desk, paths = FactorTracking.preset("null"), Paths.of(4000, 1500)
    believer = FactorTracking()
    for name in ("valuation_momentum", "garleanu_pedersen"):
        earned, played = pnl(desk, believer.rules[name](believer), paths)
        assert played.traded.mean() > 0.0
        assert earned.mean() <= 3.0 * error(earned)
        assert abs((earned - played.lines["fees"]).mean()) <= 4.0 * error(earned)


def test_planted_signal_pays_what_it_says():
    desk, paths = FactorTracking.preset("planted"), Paths.of(70, 600)
    earned, _ = pnl(desk, desk.rules["valuation_momentum"](desk), paths)
    # a tilt of volatility v earns v S |z| a year, E|z| = sqrt(2 / pi); three of them, paid on a growing NAV
    year = 3.0 * 0.05 / math.sqrt(3.0) * 8.0 * math.sqrt(2.0 / math.pi)
    found = np.log1p(earned / 1e6).mean()
    assert found == pytest.approx(year, rel=0.1)
    blind, _ = pnl(desk, desk.rules["equal_long"](desk), paths)
    assert abs(blind.mean()) < 4.0 * error(blind) + 0.01 * earned.mean()


def test_tilt_problem_is_in_units_of_tilts():
    desk = FactorTracking()
    problem = rules.tilt_problem(desk)
    assert np.sqrt(np.diag(problem.sigma) * 252 / 5) == pytest.approx(0.05 / math.sqrt(3.0))
    target = theory.markowitz_loadings(problem)
    # positions of order one: mean square of the Markowitz tilts over all signals
    assert 0.5 < float((target**2).sum() / 3.0) < 2.0
    aim = theory.aim_loadings(problem)
    assert np.all(np.abs(np.diag(aim[:, 1:4]) / np.diag(target[:, 1:4])) < 1.0)
    slow, quick = (np.diag(aim[:, k : k + 3] / target[:, k : k + 3]) for k in (1, 4))
    assert np.all(quick < slow), "a quick signal is damped more"


def test_rules_play_all_worlds():
    for preset in FactorTracking.presets:
        desk = FactorTracking.preset(preset, n_steps=7)
        for name in TILT_RULES:
            _, played = pnl(desk, desk.rules[name](desk), Paths.of(1, 4))
            assert np.isfinite(played.nav).all()


def test_rules_do_not_read_what_comes_later(default_market):
    desk, _, tape = default_market
    for name in TILT_RULES:
        short = desk.with_steps(30)
        some = Paths.of(900, 20)
        one, _ = pnl(short, short.rules[name](short), some)
        cut = tape.paths(slice(0, 20))
        cut.block[32:] *= 1.3
        whole = play(desk, desk.rules[name](desk), some, cut)
        np.testing.assert_array_equal(whole.nav[30] - whole.nav[0], one)
