"""No free lunch in completing a parent: neither cutting a slice in time nor leaving it open is cheaper than trading it.

The cost of x shares in a step is what the step's whole rate of trading moves (Almgren & Chriss, 2000, eq. 7), whenever
in the step and by whatever order they are bought.
"""

import numpy as np
import pytest

from fund.envs import play
from fund.grandmodel.execution.layout import ACTIONS
from fund.grandmodel.execution.strategy import Execution
from fund.market.streams import Paths

PLACE = {name: k for k, name in enumerate(ACTIONS)}
HALF, FEE, DEPTH = 0.01, 0.001, 20_000.0
# nothing moves, nobody fills a posted order, all venues are alike but for their depth, only money counts
QUIET = {
    "weather": False, "volatility": 0.0, "season": 0.0, "activity": 0.0, "venue_noise": 0.0, "signal": 0.0,
    "fill_probability": 0.0, "fee_1": FEE, "fee_2": FEE, "fee_3": FEE, "latency_1": 0.0, "latency_2": 0.0,
    "latency_3": 0.0, "speed_bonus": 0.0, "venue_bonus": 0.0, "impact_penalty": 0.0, "risk_aversion": 0.0,
    "permanent": 0.0, "parent_b": 0.0, "parent_spread": 0.0, "initial_price": 50.0, "half_spread": HALF / 50.0,
    "depth": DEPTH, "capital": 1e8, "size_increment": 1.0, "min_size": 1.0,
}  # fmt: skip


def wild(world, seed=0):
    """Uniform actions."""
    return play.random(world, seed)


def costs(world, policy, n=2000):
    """Shortfalls (n,), account currency."""
    game = play.play(world, policy, Paths.of(0, n))
    assert not game.position.any()  # whatever was done, the parent is done
    return game.nav[0] - game.nav[-1]


def one_action(**numbers):
    """One action for ever, neutral where nothing is said."""
    action = np.zeros(len(ACTIONS))
    for name, value in {"stop": 1.0, "target": 1.0, "participation": 1.0, **numbers}.items():
        action[PLACE[name]] = value
    return lambda view: np.tile(action, (view.n, 1))


def test_a_slice_in_three_parts_worked_by_hand():
    """10,000: a quarter at once, a quarter late, half left over: they share one impact of 10,000 / 20,000."""
    world = Execution(**QUIET, n_steps=1, parent_a=10_000.0, under_fill=0.03)
    cost = costs(world, one_action(timing=0.0, aggressiveness=0.0), 4)
    by_market, left_over = 5000.0 * (HALF + FEE), 5000.0 * 0.03
    assert cost == pytest.approx(np.full(4, by_market + left_over + 10_000.0**2 / DEPTH), rel=1e-12)


@pytest.mark.parametrize("under_fill", [0.0, 0.03])
@pytest.mark.parametrize(
    ("model", "whole"),
    [
        ("almgren_chriss", 10_000.0**2 / DEPTH),
        ("obizhaeva_wang", 10_000.0**2 / (2.0 * DEPTH)),
    ],
)
def test_no_way_through_a_step_is_cheaper_than_the_best_market_order(model, whole, under_fill):
    """Timing, posting and routing at random: never under x^2/d (its half) + (half-spread + fee) x, at any penalty."""
    world = Execution(**QUIET, n_steps=1, parent_a=10_000.0, market_impact_model=model, under_fill=under_fill)
    least = whole + 10_000.0 * (HALF + FEE)
    assert costs(world, wild(world)).min() >= least - 1e-6
    assert costs(world, one_action(timing=-1.0, aggressiveness=1.0), 2) == pytest.approx(least, rel=1e-12)


def test_square_root_impact_cannot_be_cut_in_two():
    """Y sigma sqrt(x / volume) x of all that a step buys."""
    world = Execution(
        **{**QUIET, "volatility": 0.02, "correlation": 0.0}, n_steps=1, parent_a=10_000.0,
        market_impact_model="square_root", control_variate=True,
    )  # fmt: skip
    moved = world.impact_coefficient * world.move * (10_000.0 / (world.daily_volume / 390)) ** 0.5
    game = play.play(world, wild(world), Paths.of(0, 2000))
    cost = -game.reward / world.reward_of_money
    assert cost.min() >= 10_000.0 * (moved + HALF + FEE) * (1.0 - 1e-9)


@pytest.mark.parametrize("half_spread", [0.01, 0.2])
def test_leaving_a_parent_open_to_the_end_is_never_cheaper(half_spread):
    """Wherever the half-spread stands, below the penalty or above it."""
    world = Execution(**{**QUIET, "half_spread": half_spread / 50.0}, n_steps=4, parent_a=100_000.0)
    at_market = costs(world, one_action(slice=-1.0, timing=-1.0, aggressiveness=1.0), 2)
    left_over = costs(world, one_action(slice=-1.0, timing=-1.0, aggressiveness=-1.0), 2)
    late = costs(world, one_action(slice=-1.0, timing=1.0, aggressiveness=1.0), 2)
    assert at_market == pytest.approx(100_000.0**2 / DEPTH + 100_000.0 * (half_spread + FEE), rel=1e-12)
    assert late == pytest.approx(at_market, rel=1e-12)
    assert (left_over >= at_market).all()


def test_on_a_grid_of_four_steps_nobody_beats_the_schedule():
    """The caps bind: all that they allow and the rest at the end is the optimum, and the rule's."""
    world = Execution(**QUIET, n_steps=4, parent_a=100_000.0)
    rule = costs(world, world.rules["almgren_chriss"](world), 2)[0]
    slices = np.floor(0.25 * world.daily_volume / 390) * np.ones(3)
    shares = np.append(slices, 100_000.0 - slices.sum())
    assert rule == pytest.approx((shares**2).sum() / DEPTH + 100_000.0 * (HALF + FEE), rel=1e-6)
    for seed in range(3):
        assert costs(world, wild(world, seed)).min() >= rule * (1.0 - 1e-6)


def test_on_the_default_market_cut_short_chance_does_not_beat_the_schedule():
    """Uniform actions once beat it by 23 in reward, as parts of a step were priced apart."""
    world = Execution(n_steps=4, control_variate=True)
    rule, chance = (
        play.play(world, policy, Paths.of(0, 1024)).reward
        for policy in (world.rules["almgren_chriss"](world), play.random(world, 1))
    )
    assert (chance - rule).mean() < 0.0


def test_later_orders_pay_the_permanent_impact_of_earlier_ones():
    """Half at once, half left over: the left-over half is bought where the first half has moved the mid."""
    gamma = 1e-6
    world = Execution(**{**QUIET, "permanent": gamma}, n_steps=1, parent_a=10_000.0)
    cost = costs(world, one_action(timing=-1.0, aggressiveness=0.0), 2)
    free = costs(
        Execution(**QUIET, n_steps=1, parent_a=10_000.0), one_action(timing=-1.0, aggressiveness=0.0), 2
    )
    assert cost - free == pytest.approx(5000.0 * gamma * 5000.0, rel=1e-6)
