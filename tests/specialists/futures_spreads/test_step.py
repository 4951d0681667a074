"""Steps worked by hand on tapes of a few rows: units, fees, rolls, margin, calls, liquidation, negative prices."""

import numpy as np
import pytest

from fund.envs.batch import Batch
from fund.market.tape import write_tape
from specialists.futures_spreads.strategy import FuturesSpreads

PLAIN = {"capital": 1000.0, "band": 0.0, "reward_scale": 1.0, "position_limit": 2.0, "leverage": 2.0}


def started(prices, margin=0.1, cost=0.0, slot=0.0, roll=0.0, units=(0.01, -0.01), surprise=0.0, **changes):
    """`prices` are near_a, near_b, far_a, far_b, a row each."""
    rows = len(prices[0])
    given = dict(zip(("near_a", "near_b", "far_a", "far_b"), prices, strict=True))
    given |= {"slot": slot, "units_1": units[0], "units_2": units[1], "roll_1": roll, "roll_2": 0.0}
    given |= {"margin": margin, "cost": cost, "surprise": surprise}
    columns = {
        name: np.broadcast_to(np.asarray(value, float), rows)[:, None].copy() for name, value in given.items()
    }
    desk = FuturesSpreads(**{**PLAIN, "n_steps": rows - 1, **changes})
    batch = Batch(desk, tape=write_tape(columns, {}, desk.features))
    batch.reset(0)
    return batch


def step(batch, action):
    out = batch.step(np.array([[action]]))
    return batch.ledger.books.nav[0], batch.ledger.books.position[:, 0].tolist(), out


def memory(batch, name):
    return batch.memory()[name][0]


def test_a_position_earns_its_variation_and_pays_its_fees():
    same = [50.0, 51.0], [50.0, 51.0], [40.0, 40.5], [40.0, 40.5]
    batch = started(same, cost=0.001)
    nav, position, out = step(batch, 0.5)
    # half of two times 1000 money units of .01 contracts each; 90 a pair traded
    assert position == [10.0, 0.0, -10.0, 0.0]
    assert nav == pytest.approx(1000.0 + 10.0 * (1.0 - 0.5) - 0.001 * 900.0, abs=1e-12)
    assert out.reward[0] == pytest.approx(nav / 1000.0 - 1.0, abs=1e-15)


def test_a_roll_moves_no_money():
    # row 1: the contract in a costs 52, the one in b, to be held from here, 57; far 41 against 47
    batch = started(
        ([50.0, 52.0, 52.0], [50.0, 57.0, 58.0], [40.0, 41.0, 41.0], [40.0, 47.0, 47.5]), slot=[0.0, 3.0, 3.0]
    )
    first, held, _ = step(batch, 0.5)
    assert held == [10.0, 0.0, -10.0, 0.0]
    assert first == pytest.approx(1000.0 + 10.0 * 2.0 - 10.0 * 1.0)
    second, held, _ = step(batch, 0.5)
    assert held == pytest.approx([0.0, 0.01 * first, 0.0, -0.01 * first])
    assert second == pytest.approx(first + 0.01 * first * (1.0 - 0.5), abs=1e-12)
    batch.ledger.check(1000.0)


def test_a_roll_pays_both_contracts_fees():
    batch = started(
        ([50.0] * 3, [50.0, 60.0, 60.0], [40.0] * 3, [40.0, 44.0, 44.0]), slot=[0.0, 3.0, 3.0], cost=0.001
    )
    first, _, _ = step(batch, 0.5)
    assert first == pytest.approx(1000.0 - 0.9)
    second, _, _ = step(batch, 0.5)
    new = 0.01 * first  # contracts
    assert second == pytest.approx(first - 0.001 * (10.0 * 90.0 + new * 104.0), abs=1e-12)


def test_one_leg_may_roll_alone():
    batch = started(([50.0] * 3, [50.0, 55.0, 56.0], [40.0] * 3, [40.0] * 3), slot=[0.0, 1.0, 1.0])
    step(batch, 0.5)
    nav, held, _ = step(batch, 0.5)
    assert held == [0.0, 10.0, -10.0, 0.0]
    assert nav == pytest.approx(1010.0)


def test_small_changes_wait_but_rolls_and_closing_do_not():
    flat = [50.0] * 5, [50.0] * 5, [40.0] * 5, [40.0] * 5
    batch = started(flat, band=0.05)
    step(batch, 0.5)
    assert step(batch, 0.54)[1] == [10.0, 0.0, -10.0, 0.0]
    assert step(batch, 0.56)[1] == pytest.approx([11.2, 0.0, -11.2, 0.0])
    assert step(batch, 0.0)[1] == [0.0] * 4
    batch = started(flat, band=0.05, slot=[0.0, 3.0, 3.0, 3.0, 3.0])
    step(batch, 0.5)
    assert step(batch, 0.54)[1] == pytest.approx([0.0, 10.8, 0.0, -10.8])


def test_leverage_and_initial_margin_bound_the_position():
    flat = [50.0] * 2, [50.0] * 2, [50.0] * 2, [50.0] * 2
    # a money unit is worth 1; 2 x 1000 wanted, leverage 1.5 allows 1500, a margin of .8 only 1250
    assert step(started(flat, leverage=1.5), 1.0)[1] == pytest.approx([15.0, 0.0, -15.0, 0.0])
    assert step(started(flat, margin=0.8), -1.0)[1] == pytest.approx([-12.5, 0.0, 12.5, 0.0])


def test_margin_is_posted_settled_called_and_released():
    # gross 2000, initial margin 200, maintenance 160
    near = [50.0, 50.5, 47.9, 47.9]
    batch = started((near, near, [50.0] * 4, [50.0] * 4), maintenance_margin=0.8, leverage=3.0)
    step(batch, 1.0)  # gains 10; required .1 x 2010 = 201: the excess is released
    assert memory(batch, "posted") == pytest.approx(201.0)
    step(batch, 1.0)
    size = 0.01 * 2.0 * 1010.0
    balance = 0.1 * size * 100.5 - size * 2.6  # 203.01 - 52.52 is below .8 x .1 x gross 1977.58
    required = 0.1 * size * 97.9
    assert balance < 0.8 * required
    assert memory(batch, "calls") == 1.0
    assert memory(batch, "posted") == pytest.approx(required)
    out = step(batch, 0.0)[2]
    assert memory(batch, "posted") == 0.0
    assert out.truncated[0]


def test_margin_use_is_observed():
    flat = [50.0] * 2, [50.0] * 2, [50.0] * 2, [50.0] * 2
    _, _, out = step(started(flat), 0.5)
    seen = dict(zip(FuturesSpreads.features, out.observation[0], strict=True))
    assert seen["position"] == pytest.approx(0.5)
    assert seen["margin_used"] == pytest.approx(0.1)


def test_an_account_below_maintenance_is_liquidated():
    # gross 2000, margin .45, maintenance .9: 810; the near leg loses 20 % of 1000, NAV 800 against .405 x 1800 = 729
    near = [50.0, 40.0, 38.0]
    flat = [50.0] * 3
    batch = started((near, near, flat, flat), margin=0.45, maintenance_margin=0.9)
    _, _, out = step(batch, 1.0)
    assert not out.terminated[0]
    assert memory(batch, "calls") == 1.0
    near = [
        50.0,
        35.0,
        35.0,
    ]  # NAV 700 against .405 x 1700 = 688.5: saved; at 34.5 690 against 684.45; at 33 no more
    assert not step(started((near, near, flat, flat), margin=0.45, maintenance_margin=0.9), 1.0)[
        2
    ].terminated[0]
    near = [50.0, 33.0, 33.0]  # NAV 660 against .405 x 1660 = 672.3
    _, _, out = step(started((near, near, flat, flat), margin=0.45, maintenance_margin=0.9), 1.0)
    assert out.terminated[0] and not out.truncated[0]


def test_a_raised_margin_liquidates_too():
    flat = [50.0] * 3, [50.0] * 3, [50.0] * 3, [50.0] * 3
    _, _, out = step(started(flat, margin=[0.3, 0.6, 0.6], maintenance_margin=0.9), 1.0)
    assert out.terminated[0]  # 1000 against .9 x .6 x 2000


def test_negative_prices():
    # bought at 10, sold at -37: 47 a contract, a fee on the absolute value
    batch = started(
        ([10.0, -37.0, -37.0], [10.0, -37.0, -37.0], [20.0] * 3, [20.0] * 3), cost=0.01, units=(0.01, 0.0)
    )
    nav, held, out = step(batch, 0.5)
    assert held == [10.0, 0.0, 0.0, 0.0]
    assert nav == pytest.approx(1000.0 - 470.0 - 1.0)
    after, held, _ = step(batch, 0.0)
    assert held == [0.0] * 4
    assert after == pytest.approx(nav - 0.01 * 370.0)
    assert np.isfinite(out.observation).all()


def test_attribution_is_roll_yield_spread_carry_and_fees():
    near = [50.0, 50.7, 51.0]
    batch = started((near, near, [40.0] * 3, [40.0] * 3), roll=0.2, cost=0.001, interest=0.0252)
    navs = [1000.0]
    for action in (0.5, 0.2):
        navs.append(step(batch, action)[0])
    lines = {k: v[0] for k, v in batch.ledger.attribution().items()}
    second = 0.01 * 0.4 * navs[1]
    assert memory(batch, "roll") == pytest.approx(0.2 * (10.0 + second))
    assert lines["holding"] == pytest.approx(10.0 * 0.7 + second * 0.3)
    assert lines["carry"] == pytest.approx(0.0001 * (1000.0 + navs[1]))
    assert lines["execution"] == pytest.approx(0.0, abs=1e-12)
    assert lines["fees"] == pytest.approx(-0.001 * (900.0 + (10.0 - second) * 90.7))
    assert sum(lines.values()) == pytest.approx(navs[-1] - 1000.0, abs=1e-9)


def test_log_utility_and_the_noise_taken_out():
    near = [50.0, 51.0]
    batch = started(
        (near, near, [40.0] * 2, [40.0] * 2), surprise=[0.0, 0.004], utility_power=0.0, control_variate=True
    )
    nav, _, out = step(batch, 0.5)
    assert nav == pytest.approx(1010.0)
    parts = dict(zip(batch.part_names, batch.parts[:, 0], strict=True))
    assert parts["pnl"] == pytest.approx(0.01)
    assert parts["pnl"] + parts["utility"] == pytest.approx(np.log(1.01))
    assert parts["control"] == pytest.approx(-0.004)  # 1000 money units over a wealth of 1000
    assert out.reward[0] == pytest.approx(np.log(1.01) - 0.004)
