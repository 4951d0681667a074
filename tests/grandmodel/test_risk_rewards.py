"""Rewards and rules of the risk stage: the scaling line (RK-8), and bonuses that the blind do not earn."""

import numpy as np
import pytest

from fund.envs import play
from fund.envs.batch import Batch
from fund.grandmodel.risk.layout import ASSETS
from fund.grandmodel.risk.strategy import RiskManagement
from fund.grandmodel.value_at_risk import historical
from fund.market.streams import Paths
from fund.strategy import names
from tests.grandmodel.risk_play import QUIET, constant, played


def mean_and_cvar(game):
    """Mean and CVaR 95 of the episode's P&L, per unit of capital."""
    earned = game.nav[-1] / game.strategy.capital - 1.0
    return float(earned.mean()), float(historical(earned, 0.95).es), earned


def test_scaled_exposures_lie_on_the_line():
    """RK-8: at size c of the full one mean and CVaR are c times those at full size."""
    full = mean_and_cvar(played(RiskManagement.preset("iid"), constant(2, 2, 2, 2)))
    for c in (0.25, 0.5, 0.75):
        found = mean_and_cvar(played(RiskManagement.preset("iid", initial_size=c), constant(2, 2, 2, 2)))
        assert found[0] == pytest.approx(c * full[0], rel=1e-9)
        assert found[1] == pytest.approx(c * full[1], rel=1e-9)


@pytest.mark.parametrize("rule", RiskManagement.rules)
def test_no_rule_is_above_the_line_of_iid_returns(rule):
    """RK-8: above it by more than 3 standard errors would be look-ahead."""
    world, n = RiskManagement.preset("iid"), 2000
    mean, cvar, full = mean_and_cvar(played(world, constant(2, 2, 2, 2), n))
    own_mean, own_cvar, own = mean_and_cvar(played(world, world.rules[rule](world), n))
    c = own_cvar / cvar  # the scaling that has the same CVaR
    gap = own - c * full
    # the CVaR's own error enters by c: a bootstrap of the whole statistic
    draws, gaps = np.random.default_rng(0), []
    for _ in range(200):
        pick = draws.integers(n, size=n)
        ratio = float(historical(own[pick], 0.95).es) / float(historical(full[pick], 0.95).es)
        gaps.append(own[pick].mean() - ratio * full[pick].mean())
    assert gap.mean() == pytest.approx(own_mean - c * mean, abs=1e-12)
    assert gap.mean() <= 3.0 * np.std(gaps) + 1e-12


def test_random_actions_are_not_above_the_line():
    world, n = RiskManagement.preset("iid"), 2000
    mean, cvar, _ = mean_and_cvar(played(world, constant(2, 2, 2, 2), n))
    generator = np.random.default_rng(1)
    own_mean, own_cvar, own = mean_and_cvar(
        played(world, lambda view: generator.integers(5, size=(view.n, 4)).astype(float), n)
    )
    assert own_mean - own_cvar / cvar * mean <= 3.0 * own.std() / n**0.5


def saw(view):
    """Halve and restore blindly, all the time."""
    turn = 0.0 if int(view.clock[0]) % 10 < 3 else 4.0
    return np.tile(np.array([turn, 2.0, 2.0, 2.0]), (view.n, 1))


BLIND = {
    "still": constant(2, 2, 2, 2),
    "full": constant(4, 4, 4, 4),
    "none": constant(0, 0, 0, 0),
    "saw": saw,
}


@pytest.mark.parametrize("policy", BLIND.values(), ids=BLIND)
def test_emergency_bonus_is_worth_nothing_to_the_blind(policy, parts_total):
    """S131: who does nothing, holds nothing or halves without looking earns none."""
    world = RiskManagement(black_swan=1.0)
    found = parts_total(world, policy)["emergency"]
    assert found.mean() <= 0.0 + 3.0 * found.std() / 400**0.5
    earned = parts_total(world, world.rules["crisis_response"](world))["emergency"]
    assert earned.mean() > 0.1
    assert earned.mean() > found.mean() + 10.0 * earned.std() / 400**0.5


def taken_off(choices):
    """Emergency parts, in full bonuses, of flat prices with a crisis from row 2 on, by the monitor's choices."""
    world = RiskManagement.preset("iid", n_steps=8)
    tape = world.record(Paths.of(0, 1))
    columns = names(world.step.columns)
    for k in ASSETS:
        tape.block[:, columns.index(f"price_{k}")] = 100.0
    tape.block[2:, columns.index("crisis")] = 1.0
    batch = Batch(world, tape=tape)
    batch.reset(0)
    found = []
    for choice in choices:
        batch.step(np.array([[2.0, 2.0, choice, 2.0]]))
        found.append(dict(zip(batch.part_names, batch.parts, strict=True))["emergency"][0] / 0.3)
    return found


@pytest.mark.parametrize(
    ("choices", "wanted"),
    [
        ((2, 2, 0, 0, 2, 2), (0, 0, 0.5, 0.5, 0, 0)),  # out by halves: all of the exposure, once
        ((2, 2, 0, 0, 4, 4, 0, 0), (0, 0, 0.5, 0.5, 0, 0, 0, 0)),  # in and out again earns nothing more
        ((2, 2, 0, 4, 0, 4, 0, 0), (0, 0, 0.5, 0, 0, 0, 0, 0.5)),
        # 1, .8, .6: halved at .4, of the .6 that was held
        ((2, 2, 1, 1, 1, 0), (0, 0, 0, 0, 0.6 * 0.6, 0.4)),
    ],
)
def test_a_crisis_pays_for_what_is_taken_off_and_once(choices, wanted):
    """S131, by hand: what size times cap is measured by falls within a crisis, and never rises."""
    assert taken_off(choices) == pytest.approx(wanted, abs=1e-12)


def test_var_bonus_is_worth_nothing_to_the_flat_and_to_the_reckless(parts_total):
    """S129: it is paid for VaR that is used within the limit."""
    world = RiskManagement(**QUIET)
    flat = parts_total(RiskManagement(**QUIET, initial_size=0.0), constant(0, 2, 2, 2))["var_compliance"]
    assert not flat.any()
    wild = RiskManagement(**QUIET, max_position=1.0, max_weight=1.0, emergency_protocols=False, kelly_fraction=0.0,
                          correlation_limit=1.0, stops_on=False)  # fmt: skip
    reckless = parts_total(wild, constant(4, 2, 4, 2))["var_compliance"]
    assert reckless.mean() < 0.002
    kept = parts_total(world, constant(2, 2, 2, 2))["var_compliance"]
    assert 0.03 < kept.mean() < world.var_bonus
    assert kept.max() <= world.var_bonus


def test_drawdown_penalty_is_half_the_worst_drawdown():
    """S130."""
    world = RiskManagement(n_steps=200)
    batch = Batch(world, 50)
    batch.reset(0)
    navs, total = [batch.ledger.books.nav.copy()], np.zeros(50)
    for _ in range(200):
        batch.step(np.full((50, 4), 2.0))
        navs.append(batch.ledger.books.nav.copy())
        total += dict(zip(batch.part_names, batch.parts, strict=True))["drawdown"]
    nav = np.array(navs)
    worst = (1.0 - nav / np.maximum.accumulate(nav, axis=0)).max(axis=0)
    np.testing.assert_allclose(total, -0.5 * worst, rtol=1e-9, atol=1e-12)


def test_variance_is_priced():
    """S128: half the risk aversion times the squared P&L over the capital."""
    world = RiskManagement(n_steps=20)
    batch = Batch(world, 10)
    batch.reset(0)
    for _ in range(20):
        before = batch.ledger.books.nav.copy()
        batch.step(np.full((10, 4), 2.0))
        change = batch.ledger.books.nav - before
        found = dict(zip(batch.part_names, batch.parts, strict=True))["risk"]
        np.testing.assert_allclose(found, -0.5 * 10.0 * (change / 1e6) ** 2 * 100.0, rtol=1e-9, atol=1e-18)


def test_null_market_earns_nothing():
    null, n = RiskManagement.preset("null"), 1000
    for rule in null.rules.values():
        gain = played(null, rule(null), n).nav[-1] - null.capital
        assert gain.mean() <= 3.0 * gain.std() / n**0.5


def test_planted_crises_pay_who_sees_them():
    """Paired with the limits alone: P&L and reward, by more than 10 standard errors."""
    world, n = RiskManagement.preset("planted"), 1000
    still, sees = (played(world, world.rules[r](world), n) for r in ("limits_only", "prudent"))
    for gain in (sees.nav[-1] - still.nav[-1], sees.reward - still.reward):
        assert gain.mean() > 10.0 * gain.std() / n**0.5


def test_default_market_has_something_to_learn():
    """The response to crises beats the limits alone, and cuts the tail."""
    world, n = RiskManagement(), 2000
    still, sees = (played(world, world.rules[r](world), n) for r in ("limits_only", "crisis_response"))
    gain = sees.reward - still.reward
    assert gain.mean() > 5.0 * gain.std() / n**0.5
    assert world.statistics(sees)["cvar_95"] < world.statistics(still)["cvar_95"]
    assert world.statistics(still)["return_mean"] > 0.0


@pytest.mark.parametrize("rule", ["limits_only", "crisis_response"])
def test_the_control_variate_is_noise_only(rule):
    """On the default market: the reward's mean stays, most of its variance goes, money is the same."""
    one, two = (
        play.play(world, world.rules[rule](world), Paths.of(3, 4000))
        for world in (RiskManagement(), RiskManagement(control_variate=True))
    )
    np.testing.assert_array_equal(one.nav, two.nav)
    difference = two.reward - one.reward
    assert abs(difference.mean()) < 4.0 * difference.std() / 4000**0.5
    assert two.reward.std() < 0.6 * one.reward.std()
