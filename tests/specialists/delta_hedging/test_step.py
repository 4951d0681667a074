"""One step worked by hand, and the properties of the account."""

import dataclasses

import numpy as np
import pytest

from fund.envs.batch import Batch
from fund.market.black_scholes import values
from fund.market.streams import Paths
from fund.strategy import Account
from specialists.delta_hedging import step
from specialists.delta_hedging.step import Columns, Memory
from specialists.delta_hedging.strategy import DeltaHedging

NOTHING = Memory(*[0.0] * len(Memory._fields))


def row(**changes):
    usual = dict.fromkeys(Columns._fields, 0.0)
    return Columns(
        **{**usual, "spot": 100.0, "units": 1.0, "open": 1.0, "delta": 0.5, "strike": 100.0, **changes}
    )


def account(cash, position, spot, option, done=1.0):
    nav = cash + position[0] * spot + position[1] * option
    return Account(cash, nav, nav, position, (spot, option), done, 5.0)


def parameters(**changes):
    return DeltaHedging.preset("cao_2021", **changes).parameters()


def test_opening_sells_the_option():
    position, memory = step.opening(parameters(), row(premium=2.3, units=3.0))
    assert position == (0.0, -3.0)
    assert memory.premiums == pytest.approx(6.9)
    assert memory.hedge == 0.0


def test_a_multiple_of_delta_is_traded_at_the_price_of_the_row():
    p = parameters(action_form="multiple")
    before = account(1002.3, (0.2, -1.0), 100.0, 2.3)
    memory = NOTHING._replace(hedge=0.2, cost=0.2)
    now, nxt = row(premium=2.3, shadow=2.3), row(spot=102.0, option=3.4, shadow=3.4)
    fills, carry, after = step.trade(p, now, nxt, before, memory, (1.2,))
    assert fills.quantity == pytest.approx((0.4, 0.0, 0.0, 0.0))  # from .2 to 1.2 x .5
    assert fills.price[0] == 100.0
    assert fills.fee == pytest.approx((0.4, 0.0, 0.0, 0.0))  # 1 % of 40
    assert carry == 0.0
    assert after.hedge == pytest.approx(0.6)
    assert after.cost == pytest.approx(0.6)
    assert after.error == pytest.approx(0.6 * 2.0 - 1.1)
    assert after.trades == 1.0


@pytest.mark.parametrize(
    ("held", "action", "target"),
    [
        (0.2, (0.1, 0.1), 0.4),  # below the band: to its lower edge
        (0.9, (0.1, 0.2), 0.7),  # above: to the upper one
        (0.45, (0.1, 0.1), 0.45),  # inside: left alone
        (0.0, (1.5, 1.5), 0.0),
        (0.2, (-0.2, -0.4), 0.4),  # edges crossed, .7 and .1: the middle
    ],
)
def test_a_band_clamps_the_hedge(held, action, target):
    p = parameters()
    before = account(1000.0, (held, -1.0), 100.0, 2.3)
    now, nxt = row(premium=2.3, shadow=2.3), row(option=2.3, shadow=2.3)
    fills, _, after = step.trade(p, now, nxt, before, NOTHING._replace(hedge=held), action)
    assert after.hedge == pytest.approx(target)
    assert fills.quantity[0] == pytest.approx(target - held)


def test_a_trade_below_the_least_is_not_sent():
    for least, target in ((0.05, 0.549), (0.04, 0.5)):
        p = parameters(least_trade=least)
        before = account(1000.0, (0.549, -1.0), 100.0, 2.3)
        now, nxt = row(premium=2.3, shadow=2.3), row(option=2.3, shadow=2.3)
        _, _, after = step.trade(p, now, nxt, before, NOTHING._replace(hedge=0.549), (0.0, 0.0))
        assert after.hedge == pytest.approx(target)


def test_nothing_is_traded_while_trading_is_closed():
    before = account(1000.0, (0.3, -1.0), 100.0, 2.3)
    now, nxt = row(open=0.0, premium=2.3, shadow=2.3), row(option=2.3, shadow=2.3)
    fills, _, after = step.trade(parameters(), now, nxt, before, NOTHING._replace(hedge=0.3), (0.0, 0.0))
    assert fills.quantity[0] == 0.0
    assert after.hedge == 0.3


@pytest.mark.parametrize(
    ("settlement", "option", "payoff", "fee"),
    [
        ("cash", "call", 5.0, 0.01 * 0.6 * 105.0),
        ("stock", "call", 5.0, 0.01 * 0.4 * 105.0),  # one share is delivered: .4 must be bought
        ("stock", "call", 0.0, 0.01 * 0.6 * 105.0),
        ("stock", "put", 5.0, 0.01 * 1.6 * 105.0),  # one share is taken over, .6 were there
    ],
)
def test_expiry_closes_the_hedge(settlement, option, payoff, fee):
    p = parameters(settlement=settlement, option=option)
    before = account(1000.0, (0.6, -1.0), 100.0, 2.3)
    now = row(premium=2.3, shadow=2.3)
    nxt = row(spot=105.0, option=payoff, shadow=7.0, sale=1.0)
    fills, _, after = step.trade(p, now, nxt, before, NOTHING._replace(hedge=0.6), (1.5, 1.5))
    assert fills.quantity[:2] == pytest.approx((0.0, -0.6))
    assert fills.price[1] == 105.0
    assert fills.fee[1] == pytest.approx(fee)
    assert after.hedge == 0.0
    assert after.error == pytest.approx(0.6 * 5.0 - (payoff - 2.3))


def test_set_up_and_unwinding_can_be_free():
    p = parameters(set_up_cost=False, unwind_cost=False)
    before = account(1002.3, (0.0, -1.0), 100.0, 2.3, done=0.0)
    now = row(premium=2.3, shadow=2.3, sale=1.0)
    fills, _, _ = step.trade(p, now, row(option=1.0, sale=1.0), before, NOTHING, (0.0, 0.0))
    assert fills.quantity[:2] == pytest.approx((0.5, -0.5))
    assert fills.fee == (0.0, 0.0, 0.0, 0.0)


def test_interest_is_on_what_is_beyond_the_capital():
    strategy = DeltaHedging.preset("cao_2021", rate=0.05, dividend=0.02, cost_rate=0.0)
    before = account(1002.3, (0.0, -1.0), 100.0, 2.3)
    now, nxt = row(premium=2.3, shadow=2.3), row(option=2.3, shadow=2.3)
    _, carry, _ = step.trade(strategy.parameters(), now, nxt, before, NOTHING, (0.0, 0.0))
    dt = 1 / 250
    wanted = (2.3 - 50.0) * (np.exp(0.05 * dt) - 1) + 50.0 * (np.exp(0.02 * dt) - 1)
    assert carry == pytest.approx(wanted)


def test_the_hedge_is_within_the_leverage():
    p = parameters(action_form="multiple", leverage=0.02)
    before = account(1000.0, (0.0, -1.0), 100.0, 0.0)
    fills, _, _ = step.trade(p, row(), row(), before, NOTHING, (1.0,))
    assert fills.quantity[0] == pytest.approx(0.2)  # 20 of 1,000


@pytest.mark.parametrize(
    ("changes", "part", "wanted"),
    [
        ({}, "variance", -0.5 * 2.0 * 0.3**2),
        ({"risk_weight": 1.5}, "variance", -0.5 * 3.0 * 0.3**2),
        ({"costs_in_risk": True}, "variance", -0.5 * 2.0 * 0.4**2),
        ({"risk_form": "downside"}, "downside", -0.5 * 2.0 * 0.3**2),
        ({"risk_form": "cara"}, "utility", (1 - np.exp(0.6)) / 2.0 + 0.3),
        ({"risk_form": "none"}, "variance", 0.0),
    ],
)
def test_risk_of_a_hedge_error(changes, part, wanted):
    p = parameters(**changes)
    before, after = account(1000.0, (0.5, -1.0), 100.0, 2.0), account(1000.0, (0.5, -1.0), 101.0, 2.9)
    found = step.reward(p, before, after, NOTHING._replace(error=-0.3, paid=0.1))
    assert found.pnl == pytest.approx(0.5 - 0.9)
    assert getattr(found, part) == pytest.approx(wanted)


def test_noise_taken_out_has_no_mean():
    # the same policy, with and without: the mean reward agrees, its deviation falls
    # in the weather's market the volatility of a path is not known, and what it does to an option stays
    for preset, shadow, skew, left in (
        ("hodges_neuberger", 1.2, 0.0, 0.6),
        ("cao_2021", 1.0, 0.0, 0.6),
        ("default", 1.1, 0.0, 0.85),
        ("default", 1.0, -0.2, 0.85),
    ):
        plain = DeltaHedging.preset(preset, risk_volatility=shadow, risk_skew=skew, rate=0.03)
        quiet = dataclasses.replace(plain, control_variate=True)
        rewards = []
        for strategy in (plain, quiet):
            batch = Batch(strategy, 4_000)
            batch.reset(3)
            total = np.zeros(4_000)
            rule = strategy.rules["whalley_wilmott"](strategy)
            for _ in range(strategy.n_steps):
                total += batch.step(rule(batch.view())).reward
            rewards.append(total)
        gap = rewards[1] - rewards[0]
        assert abs(gap.mean()) < 4 * gap.std() / np.sqrt(len(gap))
        assert rewards[1].std() < left * rewards[0].std()


def test_the_risk_term_values_the_option_along_a_skew():
    """Closed form at a volatility by hand: .95 of the quoted one less .13 a unit of ln(K/S)."""
    desk = DeltaHedging.preset("default", risk_volatility=0.95, risk_skew=-0.13)
    tape = desk.record(Paths.of(4, 16))
    row = {name: tape.block[30, k] for k, name in enumerate(tape.columns)}
    volatility = 0.95 * row["sigma"] - 0.13 * np.log(row["strike"] / row["spot"])
    wanted = values(1.0, row["spot"], row["strike"], row["time"], 0.0, 0.0, volatility)
    np.testing.assert_allclose(row["shadow"], wanted, rtol=1e-12)
    assert not np.allclose(row["shadow"], row["premium"], rtol=1e-3)


def test_what_no_hedge_can_change_is_the_same_for_every_policy():
    quiet = DeltaHedging.preset("default", control_variate=True)
    alone = dataclasses.replace(quiet, hedge_alone=True)
    left_out = []
    for rule in ("black_scholes", "zakamouline"):
        totals = []
        for strategy in (quiet, alone):
            batch, policy = Batch(strategy, 64), strategy.rules[rule](strategy)
            batch.reset(3)
            total = np.zeros(64)
            for _ in range(strategy.n_steps):
                total += batch.step(policy(batch.view())).reward
            totals.append(total)
        left_out.append(totals[1] - totals[0])
    np.testing.assert_allclose(left_out[0], left_out[1], atol=1e-9)
    assert left_out[0].std() > 0.1
