"""Steps worked by hand on a tape of a few rows."""

import numpy as np
import pytest

from fund.envs.batch import Batch
from fund.market.tape import write_tape
from specialists.statistical_arbitrage.strategy import StatisticalArbitrage


def desk(**changes):
    plain = {
        "capital": 1000.0,
        "cost_rate": 0.0,
        "borrow_rate": 0.0,
        "band": 0.0,
        "reward_scale": 1.0,
        "weather": False,
    }
    return StatisticalArbitrage(**{**plain, **changes})


def started(strategy, leg_1, leg_2, hedge=2.0, borrow=0.0, zscore=0.0):
    rows = len(leg_1)
    shapes = {"leg_1": leg_1, "leg_2": leg_2, "hedge_ratio": hedge, "borrow": borrow, "zscore": zscore}
    columns = {
        name: np.broadcast_to(np.asarray(value, float), rows)[:, None].copy()
        for name, value in shapes.items()
    }
    batch = Batch(strategy.with_steps(rows - 1), tape=write_tape(columns, {}, strategy.features))
    batch.reset(0)
    return batch


def step(batch, action):
    out = batch.step(np.array([[action]]))
    return batch.ledger.books.nav[0], batch.ledger.books.position[:, 0].copy(), out


def test_both_legs_trade_fees_borrow_and_marks():
    batch = started(desk(cost_rate=0.001), [100.0, 110.0, 90.0], [50.0, 52.0, 60.0], borrow=0.0252)
    nav, position, out = step(batch, 1.0)
    # a unit exposes 100 + 2 x 50; 1.5 x 1000 / 200 = 7.5 units; 1500 traded; 750 sold short for a day
    assert position == pytest.approx([7.5, -15.0])
    first = 1000.0 + 7.5 * 10.0 - 15.0 * 2.0 - 1.5 - 750.0 * 0.0252 / 252.0
    assert nav == pytest.approx(first, abs=1e-9)
    assert out.reward[0] == pytest.approx(first / 1000.0 - 1.0, abs=1e-12)
    nav, position, _ = step(batch, 0.0)
    assert position.tolist() == [0.0, 0.0]
    assert nav == pytest.approx(first - 0.001 * (7.5 * 110.0 + 15.0 * 52.0), abs=1e-9)


def test_short_spread_borrows_leg_1():
    batch = started(desk(), [100.0, 100.0], [50.0, 50.0], borrow=0.252)
    nav, position, _ = step(batch, -0.5)
    assert position == pytest.approx([-3.75, 7.5])
    assert nav == pytest.approx(1000.0 - 375.0 * 0.001)


@pytest.mark.parametrize("action", [1.0, -0.6])
def test_round_trip_costs_twice_the_fee(action):
    batch = started(desk(cost_rate=0.001), [100.0] * 3, [50.0] * 3)
    step(batch, action)
    nav, _, _ = step(batch, 0.0)
    assert 1000.0 - nav == pytest.approx(2.0 * 0.001 * 1500.0 * abs(action), abs=1e-9)


def test_leverage_scales_both_legs_alike():
    wide = desk(position_limit=3.0, leverage=1.5)
    _, position, _ = step(started(wide, [100.0] * 2, [50.0] * 2), 0.8)
    assert position == pytest.approx([7.5, -15.0])
    _, position, _ = step(started(wide, [100.0] * 2, [50.0] * 2), 0.25)
    assert position == pytest.approx([3.75, -7.5])


def test_small_changes_wait_but_closing_does_not():
    batch = started(desk(band=0.05), [100.0] * 5, [50.0] * 5)
    _, held, _ = step(batch, 0.5)
    for near in (0.54, 0.46):
        _, position, _ = step(batch, near)
        assert position.tolist() == held.tolist()
    _, position, _ = step(batch, 0.56)
    assert position == pytest.approx([0.56 * 7.5, -0.56 * 15.0])
    batch = started(desk(band=0.05), [100.0] * 3, [50.0] * 3)
    step(batch, 0.051)
    _, position, _ = step(batch, 0.0)
    assert position.tolist() == [0.0, 0.0]


def test_a_new_hedge_ratio_moves_the_second_leg():
    batch = started(desk(position_limit=1.2), [100.0] * 3, [50.0] * 3, hedge=[2.0, 1.0, 1.0])
    step(batch, 1.0)
    _, position, _ = step(batch, 1.0)
    assert position == pytest.approx([8.0, -8.0])


def test_cash_earns_interest_and_short_proceeds_are_cash():
    nav, _, _ = step(started(desk(interest=0.0252), [100.0] * 2, [50.0] * 2), 0.0)
    assert nav == pytest.approx(1000.0 * 1.0001)
    nav, _, _ = step(
        started(desk(interest=0.0252, hedge_ratio=1.0), [100.0] * 2, [50.0] * 2, hedge=0.0), -1.0
    )
    assert nav == pytest.approx(1000.0 + 2500.0 * 0.0001)


def test_bertrams_cost_is_paid_half_at_each_end():
    spread = StatisticalArbitrage.preset("bertram", round_trip_cost=0.002, capital=1000.0)
    batch = started(spread, [1.0, 1.01, 1.01], [1.0] * 3, hedge=1.0)
    nav, position, _ = step(batch, 1.0)
    assert position == pytest.approx([1000.0, -1000.0])
    assert nav == pytest.approx(1000.0 + 10.0 - 1.0)
    nav, _, _ = step(batch, 0.0)
    assert nav == pytest.approx(1000.0 + 10.0 - 2.0)


def test_units_of_spread_per_unit_of_wealth():
    spread = StatisticalArbitrage.preset("boguslavsky", capital=1000.0)
    batch = started(spread, [100.0, 100.5, 100.5], [100.0] * 3, hedge=1.0)
    nav, position, out = step(batch, 0.1)
    assert position == pytest.approx([300.0, -300.0])
    assert nav == pytest.approx(1150.0)
    assert out.reward[0] == pytest.approx(20.0 * (1.0 - 1.0 / 1.15))
    parts = dict(zip(batch.part_names, batch.parts[:, 0], strict=True))
    assert parts["pnl"] == pytest.approx(20.0 * 0.15)
    _, position, _ = step(batch, 0.1)
    assert position == pytest.approx([345.0, -345.0])


@pytest.mark.parametrize(
    ("power", "worth"), [(0.0, np.log(1.15)), (0.5, (1.15**0.5 - 1.0) / 0.5), (-1.0, 1.0 - 1.0 / 1.15)]
)
def test_reward_is_the_change_of_utility(power, worth):
    spread = StatisticalArbitrage.preset("boguslavsky", capital=1000.0, utility_power=power, reward_scale=1.0)
    batch = started(spread, [100.0, 100.5, 100.0], [100.0] * 3, hedge=1.0)
    _, _, out = step(batch, 0.1)
    assert out.reward[0] == pytest.approx(worth, abs=1e-12)
    nav, _, out = step(batch, -0.1)
    assert nav == pytest.approx(1000.0 * 1.15**2)
    twice = {0.0: 2.0 * np.log(1.15), 0.5: (1.15 - 1.0) / 0.5, -1.0: 1.0 - 1.15**-2}[power]
    assert out.reward[0] == pytest.approx(twice - worth, abs=1e-12)


def test_timing_bonus_telescopes():
    z = [-2.0, -1.0, 1.0, 0.5]
    batch = started(desk(timing_bonus=0.3, discount=0.9), [100.0] * 4, [50.0] * 4, zscore=z)
    timing = []
    for action in (1.0, -1.0, 0.0):
        step(batch, action)
        timing.append(batch.parts[list(batch.part_names).index("timing"), 0])
    # a full position is 750 of leg 1 on a NAV of 1000; potential -0.3 x position x z of the row after the trade
    one, two = 0.3 * 0.75 * 1.0, 0.3 * 0.75 * 1.0
    assert timing == pytest.approx([0.9 * one, 0.9 * two - one, -two])


def test_own_slots_of_the_observation():
    batch = started(desk(), [100.0, 120.0, 110.0, 110.0], [50.0] * 4)
    seen = {}

    def look(out):
        names = batch.strategy.features
        seen.update(zip(names, out.observation[0].tolist(), strict=True))

    _, _, out = step(batch, 1.0)
    look(out)
    assert seen["position"] == pytest.approx(7.5 * 220.0 / (1.5 * 1150.0))
    assert seen["time_in_position"] == pytest.approx(1.0 / 21.0)
    assert seen["unrealised_pnl"] == pytest.approx(1.5)
    assert seen["drawdown"] == pytest.approx(0.0)
    assert seen["time_left"] == pytest.approx(2.0 / 3.0)
    _, _, out = step(batch, seen["position"])
    look(out)
    assert seen["drawdown"] == pytest.approx(10.0 * 75.0 / 1150.0)
    assert seen["time_in_position"] == pytest.approx(2.0 / 22.0)
    _, _, out = step(batch, 0.0)
    look(out)
    assert seen["position"] == seen["time_in_position"] == seen["unrealised_pnl"] == 0.0


def test_trips_and_exposure_are_counted():
    batch = started(desk(), [100.0] * 7, [50.0] * 7)
    for action in (0.0, 1.0, 1.0, -1.0, 0.0, 0.5):
        step(batch, action)
    assert batch.memory()["half_trips"][0] == 5.0  # open, close and open the other way, close, open
    assert batch.memory()["exposed"][0] == 4.0


def test_a_lost_account_holds_nothing_and_ends():
    batch = started(desk(), [100.0, 10.0, 10.0], [50.0, 80.0, 80.0])
    nav, _, out = step(batch, 1.0)
    assert nav < 0.0
    assert out.terminated[0]
    assert np.isfinite(out.observation).all()
