"""Rewards of the tactical stage: they must be earned, and are the formulas worked by hand."""

import math

import numpy as np
import pytest

from fund.envs.batch import Batch
from fund.envs.play import play
from fund.grandmodel.tactical import Tactical
from fund.grandmodel.voting_policies import votes
from fund.market.streams import Paths


def drops_losers(view):
    """Enters, and leaves as soon as the entry looks bad: what would pay if measuring could be stopped."""
    memory = view.memory
    bad = memory["entry_units"] * (view.row["price"] - memory["entry_price"]) < 0.0
    return votes(np.where((memory["window"] > 0.0) & bad, 0.0, 1.0)[:, None] * np.ones((1, 3)))


@pytest.mark.parametrize(
    "policy",
    [
        lambda view: votes(np.ones((view.n, 3))),
        lambda view: votes(np.where(view.clock % 4 < 2, 1.0, -1.0)[:, None] * np.ones((1, 3))),
        lambda view: votes(np.where(view.clock % 2 == 0, 1.0, 0.0)[:, None] * np.ones((1, 3))),
        lambda view: votes(view.row["gap_side"][:, None] * np.ones((1, 3))),
        drops_losers,
    ],
    ids=["long", "to and fro", "in and out", "gaps in order", "drops losers"],
)
def test_bonuses_are_worth_nothing_to_who_does_not_earn(policy, parts_total):
    parts = parts_total(Tactical.preset("null", n_steps=300, half_spread=0.0, cost_rate=0.0), policy, 200)
    for name in ("pnl", "timing", "flow"):
        found = parts[name]
        assert found.mean() < 3.0 * found.std() / math.sqrt(len(found)) + 1e-12, name
    assert (parts["slippage"] <= 1e-5).all()


def test_a_flat_team_gets_nothing_at_all(parts_total):
    for name, found in parts_total(
        Tactical(n_steps=60), lambda view: votes(np.zeros((view.n, 3))), 8
    ).items():
        assert not found.any(), name


def test_timing_is_the_middle_of_the_next_closes_less_the_entry():
    world = Tactical(n_steps=30, optimization_steps=4, half_spread=0.0, cost_rate=0.0, timing_precision=0.0)
    batch = Batch(world, 6)
    batch.reset(1)
    price = batch.current_tape["price"]
    paid = []
    for t in range(8):
        d = 1.0 if t >= 2 else 0.0  # enters at row 2
        batch.step(votes(np.full((6, 3), d)))
        paid.append(dict(zip(batch.part_names, batch.parts.copy(), strict=True))["timing"])
    seen = price[2:7]
    units = world.capital / price[2]
    wanted = 0.15 * units * (0.5 * (seen.max(axis=0) + seen.min(axis=0)) - price[2]) / world.capital
    np.testing.assert_allclose(paid[5], wanted, atol=1e-12)  # four closes after the entry
    assert not np.delete(np.array(paid), 5, axis=0).any()


def test_the_flow_bonus_is_for_positions_opened_in_order():
    world = Tactical(n_steps=200)
    batch = Batch(world, 16)
    batch.reset(0)
    got = np.zeros(16)
    for _ in range(200):
        side = batch.view().row["gap_side"].copy()
        batch.step(votes(side[:, None] * np.ones((1, 3))))
        parts = dict(zip(batch.part_names, batch.parts, strict=True))
        flow = batch.memory()["flow"]
        held = batch.ledger.books.position[0] != 0.0
        np.testing.assert_allclose(parts["flow"], 0.1 * flow * parts["pnl"], atol=1e-15)
        assert not flow[~held].any()
        got += flow
    assert got.all()
    against = Batch(Tactical(n_steps=50), 16)
    against.reset(0)
    for _ in range(50):  # two of three: executed, but not in order
        side = against.view().row["gap_side"]
        against.step(votes(side[:, None] * np.array([[1.0, 1.0, 0.0]])))
        assert not against.memory()["flow"].any()


@pytest.mark.parametrize("rule", ["gap_runs", "momentum"])
def test_the_control_variate_is_noise_only(rule):
    """On the default market: the reward's mean stays, most of its variance goes, money is the same."""
    one, two = (
        play(world, world.rules[rule](world), Paths.of(3, 200))
        for world in (Tactical(n_steps=400), Tactical(n_steps=400, control_variate=True))
    )
    np.testing.assert_array_equal(one.nav, two.nav)
    difference = two.reward - one.reward
    assert abs(difference.mean()) < 4.0 * difference.std() / 200**0.5
    assert two.reward.std() < 0.6 * one.reward.std()
