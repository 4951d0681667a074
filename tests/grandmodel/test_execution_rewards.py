"""Rewards and rules of execution: bonuses that are worth nothing to who does not earn them, and what can be learned."""

import numpy as np
import pytest

from fund.envs.batch import Batch
from fund.grandmodel.execution.strategy import Execution
from tests.grandmodel.execution_play import played, policy_of


def test_venue_bonus_is_worth_nothing_to_one_venue(parts_total):
    """S148: all to the deepest venue, or to any other, earns none; the best split earns nearly all."""
    world = Execution(n_steps=60, timed=False)
    for only in (1, 2, 3):
        weights = {f"take_{v}": 1.0 if v == only else -1.0 for v in (1, 2, 3)}
        found = parts_total(world, policy_of(**weights))["venue"]
        # only where the day's depths make another venue the deepest does the split by chance save nothing either
        assert found.max() < 1e-9
    best = parts_total(world, policy_of())["venue"]
    assert best.mean() > 0.9 * world.venue_bonus
    assert best.max() <= world.venue_bonus + 1e-12


def test_speed_bonus_is_worth_nothing_to_the_slow(parts_total):
    """S143, S146: the venue whose latency is always above the target earns none, and so does who posts only."""
    world = Execution(n_steps=60, venue_noise=0.0)
    slow = parts_total(world, policy_of(take_1=-1.0, take_2=-1.0))["speed"]
    assert not slow.any()
    fast = parts_total(world, policy_of(take_3=-1.0))["speed"]
    assert fast == pytest.approx(np.full(len(fast), world.speed_bonus), rel=1e-9)
    wanted = parts_total(world.with_parameters(latency_target=1e-9), policy_of())["speed"]
    assert not wanted.any()


def test_idle_steps_earn_no_bonus():
    world = Execution(n_steps=60)
    batch = Batch(world, 64)
    batch.reset(0)
    for _ in range(59):
        batch.step(policy_of(participation=-1.0)(batch.view()))
        parts = dict(zip(batch.part_names, batch.parts, strict=True))
        assert not parts["speed"].any()
        assert not parts["venue"].any()
        assert not parts["impact"].any()


def test_impact_penalty_is_a_tenth_of_the_impact(parts_total):
    world = Execution(n_steps=60)
    found = parts_total(world, policy_of(), 32)["impact"]
    game = played(world, policy_of(), 32)
    np.testing.assert_allclose(found, -0.1 * game.memory["impact"] * world.reward_of_money, rtol=1e-9)


def test_null_market_earns_nothing_and_planted_pays_its_reader():
    null = Execution.preset("null", n_steps=100)
    for rule in null.rules.values():
        game = played(null, rule(null), 2000)
        gain = game.nav[-1] - game.nav[0]
        assert gain.mean() < 3.0 * gain.std() / 2000**0.5
    planted = Execution.preset("planted", n_steps=100)
    reads, blind = (played(planted, planted.rules[r](planted), 500) for r in ("imbalance", "cont_kukanov"))
    gain = reads.nav[-1] - blind.nav[-1]
    assert gain.mean() > 5.0 * gain.std() / 500**0.5
    assert reads.nav[-1].mean() > planted.capital


def test_textbook_ladder_of_the_default_market():
    """Routing helps, and so does reading the imbalance: paired, by more than 3 standard errors."""
    world = Execution()
    games = {
        r: played(world, world.rules[r](world), 400) for r in ("almgren_chriss", "cont_kukanov", "imbalance")
    }
    for better, worse in (("cont_kukanov", "almgren_chriss"), ("imbalance", "cont_kukanov")):
        gain = games[better].reward - games[worse].reward
        assert gain.mean() > 3.0 * gain.std() / 400**0.5
