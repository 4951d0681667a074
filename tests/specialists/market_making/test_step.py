"""Steps worked by hand: quotes, fills, queues, money, reward."""

import math

import numpy as np
import pytest

from fund.envs.batch import Batch
from fund.errors import InvalidParameter
from fund.market.tape import Tape
from fund.strategy import names
from specialists.market_making.market import NEVER
from specialists.market_making.step import Columns, average_cost
from specialists.market_making.strategy import MarketMaking

QUIET = {
    "mid": 100.0, "best_bid": 99.5, "best_ask": 100.5, "microprice": 100.0, "width": 1.0,
    "sell_reach_1": NEVER, "sell_reach_2": NEVER, "sell_reach_3": NEVER, "sell_volume": 1.0,
    "buy_reach_1": NEVER, "buy_reach_2": NEVER, "buy_reach_3": NEVER, "buy_volume": 1.0,
}  # fmt: skip


def world(**changes):
    """One unit a quote, distances from 0 to 4 (action -1 is 0, action 0 is 2), no costs, no close."""
    plain = {"min_half_spread": 0.0, "max_half_spread": 4.0, "steps_per_day": 1000, "weather": False}
    return MarketMaking.preset("avellaneda_stoikov", **{**plain, "risk_weight": 0.0, **changes})


def play(strategy, rows, actions):
    """The batch after each action on a tape of these rows (what is not said is as in QUIET), as a list of states."""
    columns = names(Columns)
    block = np.array([[[{**QUIET, **row}.get(name, 0.0)] for name in columns] for row in rows])
    features = np.zeros((len(rows), 1, len(strategy.features)), dtype=np.float32)
    batch = Batch(strategy.with_steps(len(rows) - 1), tape=Tape(columns, block, features))
    batch.reset()
    states = []
    for action in actions:
        out = batch.step(np.array([action]))
        books = batch.ledger.books
        states.append(
            {
                "held": books.position[0, 0], "cash": books.cash[0], "nav": books.nav[0],
                "reward": out.reward[0], **dict(zip(batch.part_names, batch.parts[:, 0], strict=True)),
                **{k: v[0] for k, v in batch.ledger.attribution().items()},
                "memory": {k: float(v[0]) for k, v in batch.memory().items()},
                "seen": dict(zip(strategy.features, out.observation[0].tolist(), strict=True)),
            }
        )  # fmt: skip
    return states


@pytest.mark.parametrize(("reach", "filled"), [(0.999, 0.0), (1.0, 1.0), (5.0, 1.0)])
def test_a_bid_is_filled_by_sells_that_reach_it(reach, filled):
    (state,) = play(world(), [{}, {"mid": 100.3, "sell_reach_1": reach}], [(-0.5, 1.0)])
    assert state["held"] == filled
    assert state["cash"] == 1000.0 - 99.0 * filled
    assert state["nav"] == pytest.approx(1000.0 + (100.3 - 99.0) * filled, abs=1e-12)
    assert state["reward"] == pytest.approx(1.3 * filled, abs=1e-12)


def test_an_ask_is_filled_by_buys_and_both_sides_earn_the_spread():
    (state,) = play(world(), [{}, {"mid": 90.0, "sell_reach_1": 1.0, "buy_reach_1": 2.0}], [(-0.5, 0.0)])
    assert state["held"] == 0.0
    assert state["nav"] == 1000.0 + 1.0 + 2.0
    assert state["execution"] == 3.0
    assert state["holding"] == 0.0
    assert state["memory"]["fills"] == 2.0
    assert state["memory"]["spread"] == 3.0


def test_the_widest_action_is_no_quote():
    row = {"sell_reach_1": 50.0, "buy_reach_1": 50.0, "mid": 90.0}
    off, on = play(world(), [{}, row, {**row, "mid": 100.0}], [(1.0, 1.0), (0.999999, 1.0)])
    assert off["held"] == 0.0
    assert off["cash"] == 1000.0
    assert off["memory"]["quotes"] == 0.0
    assert on["held"] == 1.0


def test_quotes_are_rounded_outward_to_the_tick():
    rows = [{"mid": 100.2}, {"mid": 100.2, "sell_reach_1": 3.0, "buy_reach_1": 3.0}]
    (state,) = play(world(tick=0.5), rows, [(-0.85, -0.85)])  # 0.3 from the mid: 99.9 and 100.5
    assert state["memory"]["spread"] == 100.5 - 99.5
    assert state["nav"] == pytest.approx(1000.0 + 100.5 - 99.5, abs=1e-12)


def test_poisson_counts_fill_a_quote_several_times():
    rows = [{}, {"sell_reach_1": 3.0, "sell_reach_2": 1.5, "sell_reach_3": 0.5}]
    assert play(world(poisson=True), rows, [(-0.5, 1.0)])[0]["held"] == 2.0
    assert play(world(poisson=False), rows, [(-0.5, 1.0)])[0]["held"] == 1.0


# at a distance of 0.5 the bid of 99.5 is at the touch
TOUCH = (-0.75, 1.0)
QUEUE = {"bid_queue": 5.0, "sell_volume": 3.0}
SOLD = {**QUEUE, "sell_reach_1": 0.6}


def queueing(**changes):
    return world(quote_size=2.0, tick=0.5, cancel_rate=0.1, **changes)


def test_an_order_at_the_touch_waits_for_the_queue_ahead():
    first, second, third = play(queueing(), [QUEUE, SOLD, SOLD, SOLD], [TOUCH] * 3)
    assert first["held"] == 0.0
    assert first["memory"]["bid_queue"] == pytest.approx((5.0 - 3.0) * 0.9)
    assert second["held"] == pytest.approx(3.0 - 1.8)
    assert second["memory"]["bid_queue"] == 0.0  # filled in part, it stands first
    assert third["held"] == pytest.approx(1.2 + 2.0)
    assert third["memory"]["bid"] == 0.0  # filled whole, the next one joins the back


def test_requoting_elsewhere_loses_the_place():
    away = (-0.5, 1.0)
    states = play(queueing(), [QUEUE, SOLD, SOLD, SOLD], [TOUCH, away, TOUCH])
    assert [state["held"] for state in states] == [0.0, 0.0, 0.0]
    assert states[2]["memory"]["bid_queue"] == pytest.approx(1.8)  # again all five, less three


def test_a_price_inside_the_touch_has_no_queue():
    rows = [QUEUE, {**SOLD, "best_bid": 99.0}]
    assert play(queueing(), [{**rows[0], "best_bid": 99.0}, rows[1]], [TOUCH])[0]["held"] == 2.0


def test_more_than_one_order_brings_more_volume():
    rows = [QUEUE, {**SOLD, "sell_reach_2": 0.5}]
    assert play(queueing(), rows, [TOUCH])[0]["held"] == pytest.approx(6.0 - 5.0)


def test_a_mid_that_moves_through_a_quote_takes_it():
    rows = [QUEUE, {**QUEUE, "mid": 99.5}]
    assert play(queueing(sweep=True), rows, [TOUCH])[0]["held"] == 2.0
    assert play(queueing(sweep=True), [QUEUE, {**QUEUE, "mid": 99.51}], [TOUCH])[0]["held"] == 0.0
    assert play(queueing(sweep=False), rows, [TOUCH])[0]["held"] == 0.0


def test_no_side_quotes_beyond_the_largest_inventory():
    sold = {"sell_reach_1": 9.0, "sell_volume": 2.0}
    states = play(world(max_inventory=3.0, quote_size=2.0), [{}, sold, sold, sold], [(-0.5, 1.0)] * 3)
    assert [state["held"] for state in states] == [2.0, 3.0, 3.0]
    assert states[2]["memory"]["bid"] == 0.0


def test_no_side_quotes_beyond_the_leverage():
    sold = {"sell_reach_1": 9.0, "sell_volume": 20.0}
    strategy = world(leverage=1.5, quote_size=20.0)
    held = play(strategy, [{}, sold, sold], [(-1.0, 1.0)] * 2)[-1]["held"]
    assert held == pytest.approx(1.5 * 1000.0 / 100.0)


def test_the_rebate_is_paid_on_its_own_line():
    (state,) = play(world(maker_rebate=2e-4), [{}, {"sell_reach_1": 9.0}], [(-0.5, 1.0)])
    assert state["rebates"] == pytest.approx(99.0 * 2e-4, abs=1e-15)
    assert state["fees"] == 0.0
    assert state["nav"] == pytest.approx(1000.0 + 1.0 + 99.0 * 2e-4, abs=1e-12)


def test_the_close_crosses_the_spread_and_pays_the_taker():
    strategy = world(flatten=True, taker_fee=5e-4, n_steps=2)
    bought, closed = play(strategy, [{}, {"sell_reach_1": 9.0}, {"mid": 77.0}], [(-1.0, 1.0)] * 2)
    assert bought["held"] == 1.0
    assert closed["held"] == 0.0
    # bought at the mid of 100, sold at the touch of 99.5 known before the step, whatever the mid does then
    assert closed["nav"] == pytest.approx(1000.0 - 0.5 - 99.5 * 5e-4, abs=1e-12)
    assert closed["fees"] == pytest.approx(-99.5 * 5e-4, abs=1e-15)
    assert closed["seen"]["time_left"] == 0.0


def test_a_short_inventory_is_bought_back_at_the_ask():
    strategy = world(flatten=True, n_steps=2)
    closed = play(strategy, [{}, {"buy_reach_1": 9.0}, {}], [(1.0, -1.0)] * 2)[-1]
    assert closed["nav"] == 1000.0 - 0.5


def test_inventory_penalties():
    strategy = world(phi=0.5, alpha=0.25, n_steps=200)
    held, last = play(strategy, [{}, {"sell_reach_1": 9.0}, {}], [(-1.0, 1.0), (1.0, 1.0)])
    assert held["inventory"] == pytest.approx(-0.5 * 1.0**2 * 0.005)
    assert last["inventory"] == pytest.approx(-0.5 * 1.0**2 * 0.005 - 0.25 * 1.0**2)
    assert last["reward"] == pytest.approx(last["inventory"])


def test_local_utility():
    (state,) = play(
        world(gamma=0.1, risk_weight=1.0), [{}, {"mid": 103.0, "sell_reach_1": 9.0}], [(-0.5, 1.0)]
    )
    assert state["pnl"] == pytest.approx(4.0)
    assert state["pnl"] + state["risk"] == pytest.approx((1.0 - math.exp(-0.4)) / 0.1)


def test_a_flat_account_has_no_shaping():
    strategy = world(gamma=0.1, risk_weight=1.0, phi=0.5, alpha=0.25)
    for state in play(strategy, [{}, {"mid": 103.0}, {"mid": 90.0}], [(1.0, 1.0)] * 2):
        assert (state["pnl"], state["inventory"], state["risk"]) == (0.0, 0.0, 0.0)


def test_what_the_account_shows():
    rows = [{"bid_queue": 0.5}, {"mid": 100.4, "best_bid": 99.5, "sell_reach_1": 9.0, "sell_volume": 1.5}]
    (state,) = play(world(quote_size=2.0, tick=0.5, depth_decay=1.5), [*rows, {}], [(-0.75, 0.0)])
    seen = state["seen"]
    assert state["held"] == 1.0
    assert seen["own_bid_distance"] == pytest.approx(1.5 * (100.4 - 99.5), rel=1e-6)
    assert seen["own_ask_distance"] == pytest.approx(1.5 * (102.0 - 100.4), rel=1e-6)
    assert seen["fills_bid"] == pytest.approx(0.5)
    assert seen["inventory"] == pytest.approx(0.25 * 1.0 / 2.0)
    assert seen["unrealised_pnl"] == pytest.approx(0.1 * 1.5 * (100.4 - 99.5) / 2.0, rel=1e-6)
    assert seen["adverse_selection"] == pytest.approx(0.1 * 1.5 * (100.0 - 100.4), rel=1e-6)
    assert seen["realised_spread"] == pytest.approx(0.1 * 1.5 * (0.5 + 0.4), rel=1e-6)
    assert seen["time_left"] == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("held", "cost", "traded", "price", "wanted"),
    [
        (0.0, 0.0, 2.0, 10.0, 20.0),
        (2.0, 20.0, 1.0, 13.0, 33.0),
        (3.0, 33.0, -1.0, 50.0, 22.0),
        (3.0, 33.0, -3.0, 50.0, 0.0),
        (3.0, 33.0, -5.0, 50.0, -100.0),
        (-2.0, -20.0, 1.0, 7.0, -10.0),
    ],
)
def test_average_cost(held, cost, traded, price, wanted):
    assert average_cost(held, cost, traded, price) == pytest.approx(wanted)


@pytest.mark.parametrize("scale", [1e-3, 1e3])
def test_rescaling_money_changes_no_return(scale):
    one = MarketMaking(capital=2e5)
    money = {name: getattr(one, name) * scale for name in ("capital", "quote_size", "max_inventory")}
    other = one.with_parameters(**money, phi=one.phi / scale, gamma=one.gamma / scale)
    actions = np.random.default_rng(0).uniform(-1.0, 0.2, (one.n_steps, 16, 2))
    ends = []
    for strategy in (one, other):
        batch = Batch(strategy, 16)
        batch.reset(3)
        rewards = [batch.step(action).reward.copy() for action in actions]
        ends.append((batch.ledger.books.nav / strategy.capital, np.array(rewards)))
    assert np.abs(ends[0][0] - 1.0).max() > 1e-4
    np.testing.assert_allclose(ends[0][0], ends[1][0], atol=1e-9)
    np.testing.assert_allclose(ends[0][1], ends[1][1], atol=1e-8)


@pytest.mark.parametrize(
    ("name", "value"),
    [("depth_decay", 0.0), ("max_half_spread", -1.0), ("excitation", 1.0), ("tick", -0.1), ("sigma", -1.0)],
)
def test_a_parameter_that_makes_no_market_is_refused(name, value):
    with pytest.raises(InvalidParameter, match=name):
        MarketMaking().with_parameters(**{name: value})
