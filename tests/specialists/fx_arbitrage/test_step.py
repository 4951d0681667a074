"""Steps worked by hand on a tape of a few rows, and the attribution of P&L."""

import numpy as np
import pytest

from fund.envs.batch import Batch
from fund.envs.contract import adversarial
from fund.envs.play import play, random
from fund.market.streams import Paths
from fund.market.tape import write_tape
from specialists.fx_arbitrage import attribution
from specialists.fx_arbitrage.step import Columns
from specialists.fx_arbitrage.strategy import FxArbitrage

HAND = {
    "base": [1.10, 1.11, 1.12],
    "terms": [0.010, 0.0102, 0.0101],
    "cross": [110.0, 1.11 / 0.0102, 1.12 / 0.0101],
    "base_home_spread": [1e-4] * 3,
    "home_terms_spread": [2e-4] * 3,
    "cross_spread": [3e-4] * 3,
    "base_roll": [4e-5] * 3,
    "terms_roll": [-8e-5] * 3,
    "funding": [1e-5] * 3,
    "clockwise_size": [1e9] * 3,
    "anticlockwise_size": [1e9] * 3,
    "pay": [0.0] * 3,
}


def batch_of(**changes):
    strategy = FxArbitrage(n_steps=2, position_limit=1.0, band=0.0, **changes)
    columns = {name: np.array(HAND[name])[:, None] for name in Columns._fields}
    tape = write_tape(columns, {}, strategy.features)
    batch = Batch(strategy, 1, tape=tape)
    batch.start(Paths.of(0, 1))
    return batch


def test_buying_base_against_home():
    batch = batch_of()
    batch.step(np.array([[0.5, 0.0, 0.0]]))
    units = 500_000 / 1.10
    price = 1.10 * 1.0001
    carry = 500_000 * (4e-5 - 1e-5)
    cash = 1e6 - units * price * 1.0001 + carry
    assert batch.ledger.books.cash[0] == pytest.approx(cash, rel=1e-14)
    assert batch.ledger.books.nav[0] == pytest.approx(cash + units * 1.11, rel=1e-14)


def test_buying_home_against_terms():
    batch = batch_of()
    batch.step(np.array([[0.0, 0.5, 0.0]]))
    sold = 500_000 / 0.010
    cash = 1e6 + sold * 0.010 * (1 - 2e-4) * (1 - 1e-4) + 500_000 * (8e-5 - 1e-5)
    assert batch.ledger.books.position[1, 0] == pytest.approx(-sold)
    assert batch.ledger.books.cash[0] == pytest.approx(cash, rel=1e-14)


def test_the_cross_is_two_legs():
    # 500,000 of base bought at 110 x 1.0003 terms; what that is more than 500,000 of terms is bought against home
    batch = batch_of()
    batch.step(np.array([[0.0, 0.0, 0.5]]))
    units = 500_000 / 1.10
    owed = units * 110.0 * 1.0003
    bought = owed - 500_000 / 0.010
    pay = bought * 0.010 * (1 + 2e-4)
    fees = 1e-4 * (pay + owed * 0.010)
    carry = 500_000 * (4e-5 + 8e-5) - 1_000_000 * 1e-5
    assert batch.ledger.books.position[:, 0] == pytest.approx([units, -500_000 / 0.010], rel=1e-12)
    # the trades in the cross itself move no home currency
    assert batch.ledger.books.cash[0] == pytest.approx(1e6 - pay - fees + carry, rel=1e-14)


def test_a_pair_and_its_parts_net_out():
    batch = batch_of()
    batch.step(np.array([[0.5, 0.5, 0.0]]))
    batch.step(np.array([[0.0, 0.0, 0.0]]))
    assert np.abs(batch.ledger.books.position).max() < 1e-6
    batch = batch_of()
    batch.step(np.array([[0.3, 0.3, -0.3]]))
    assert batch.memory()["attempts"][0] == 1.0
    assert np.abs(batch.ledger.books.position).max() < 1e-6
    traded = batch.ledger.books.traded.copy()
    batch.step(np.array([[0.0, 0.0, 0.0]]))
    assert np.array_equal(batch.ledger.books.traded, traded)


def test_leverage_scales_all_three():
    batch = batch_of(leverage=1.0)
    batch.step(np.array([[1.0, 1.0, 0.0]]))
    assert batch.ledger.books.position[0, 0] * 1.10 == pytest.approx(5e5)
    assert batch.ledger.books.position[1, 0] * 0.010 == pytest.approx(-5e5)


def test_an_order_is_filled_when_its_latency_is_over():
    batch = batch_of(latency=1)
    batch.step(np.array([[0.5, 0.0, 0.0]]))
    assert not batch.ledger.books.position.any()
    batch.step(np.array([[-1.0, 0.0, 0.0]]))
    assert batch.ledger.books.position[0, 0] * 1.11 == pytest.approx(5e5)


def test_reward_is_mean_variance():
    batch = batch_of()
    out = batch.step(np.array([[0.5, 0.0, 0.0]]))
    r = batch.ledger.books.nav[0] / 1e6 - 1.0
    assert out.reward[0] == pytest.approx(100.0 * (r - 2.5 * r * r), rel=1e-12)


@pytest.mark.parametrize("preset", ["default", "null", "fenn"])
def test_attribution_adds_up(preset):
    # line A6 of INVARIANTS.md
    strategy = FxArbitrage.preset(preset, n_steps=250)
    played = play(strategy, random(strategy), Paths.of(3, 64))
    total = sum(attribution.lines(played).values())
    np.testing.assert_allclose(total, played.nav[-1] - 1e6, atol=1e-9 * 1e7)


def test_control_variate_has_mean_zero_and_leaves_the_money_alone():
    plain, steady = FxArbitrage(n_steps=60), FxArbitrage(n_steps=60, control_variate=True)
    paths, actions = Paths.of(0, 2000), adversarial(plain, 60, 2000)
    one, two = Batch(plain, 2000), Batch(steady, 2000)
    one.start(paths)
    two.start(paths)
    control = np.zeros(2000)
    noisy, quiet = [], []
    for action in actions:
        noisy.append(one.step(action).reward.copy())
        quiet.append(two.step(action).reward.copy())
        control += two.parts[2]
    assert np.array_equal(one.ledger.books.nav, two.ledger.books.nav)
    assert abs(control.mean()) < 4.0 * control.std() / np.sqrt(2000)
    assert np.std(quiet) < 0.5 * np.std(noisy)
