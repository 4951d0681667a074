"""One step worked by hand, rolls without P&L, attribution that adds up, limits."""

import numpy as np
import pytest

from fund.envs.batch import Batch
from fund.envs.play import play
from fund.market.streams import Paths
from fund.strategy import Account
from fund.training.evaluate import held_out
from specialists.volatility_trading.attribution import lines
from specialists.volatility_trading.step import Columns, Memory, observe, trade
from specialists.volatility_trading.strategy import VolatilityTrading

EMPTY = Columns(*[0.0] * len(Columns._fields))


def row(**values):
    return EMPTY._replace(**values)


def nothing(desk):
    return Memory(desk.capital, *[0.0] * (len(Memory._fields) - 1))


def test_a_step_by_hand():
    # NAV 1,000,000; vega 23 a straddle, size .2/23 a unit of money: half of it short is 4347.83 straddles
    desk = VolatilityTrading()
    now = row(spot=100.0, straddle_a=4.6, straddle_b=3.0, delta=0.1, vega=23.0, size=0.2 / 23.0, margin=19.6)
    nxt = row(spot=102.0, straddle_a=5.0, gamma_pnl=0.26, theta_pnl=-0.11, vega_pnl=0.05, cross_pnl=0.01)
    account = Account(1e6, 1e6, 1e6, (0.0, 0.0, 0.0), (4.6, 3.0, 100.0), 0.0, 10.0)
    fills, carry, memory = trade(desk.parameters(), now, nxt, account, nothing(desk), (-0.5,))
    q = -0.5 * 1e6 * 0.2 / 23.0
    assert q == pytest.approx(-4347.826086956522)
    assert fills.quantity == pytest.approx((q, 0.0, 434.7826086956522))
    assert fills.price == (4.6, 3.0, 100.0)
    assert fills.fee == pytest.approx(
        (0.002 * 4347.826086956522 * 23.0, 0.0, 1e-4 * 434.7826086956522 * 100.0)
    )
    assert fills.fee[0] == pytest.approx(200.0)  # a fifth of a point of 1000 a point
    assert carry == 0.0
    assert (memory.delta, memory.hedge) == pytest.approx((q * 0.2, 434.7826086956522 * 2.0))
    assert (memory.gamma, memory.theta, memory.vega) == pytest.approx((q * 0.26, q * -0.11, q * 0.05))
    assert memory.residual == pytest.approx(q * (0.4 - 0.2 - 0.26 + 0.11 - 0.05 - 0.01))
    assert memory.exposure == pytest.approx(-0.5)


def test_small_changes_are_not_traded_and_a_roll_trades_both():
    desk = VolatilityTrading()
    now = row(
        spot=100.0, straddle_a=4.6, straddle_b=3.0, delta=0.1, vega=23.0, held_vega=15.0, size=0.2 / 23.0
    )
    full = 1e6 * 0.2 / 23.0
    account = Account(1e6, 1e6, 1e6, (-0.48 * full, 0.0, 0.04 * full), (4.6, 3.0, 100.0), 0.0, 10.0)
    fills, _, _ = trade(desk.parameters(), now, now, account, nothing(desk), (-0.5,))
    assert fills.quantity == (0.0, 0.0, 0.0)
    rolled, _, _ = trade(desk.parameters(), now._replace(active=1.0), now, account, nothing(desk), (-0.5,))
    assert rolled.quantity == pytest.approx((0.48 * full, -0.5 * full, 0.05 * full - 0.04 * full))
    assert rolled.fee[0] == pytest.approx(0.002 * 0.48 * full * 15.0)


def test_leverage_and_margin_bound_a_position():
    desk = VolatilityTrading(leverage=0.05)
    now = row(spot=100.0, straddle_a=4.6, straddle_b=3.0, delta=0.1, vega=23.0, size=0.2 / 23.0, margin=19.6)
    account = Account(1e6, 1e6, 1e6, (0.0, 0.0, 0.0), (4.6, 3.0, 100.0), 0.0, 10.0)
    bought, _, _ = trade(desk.parameters(), now, now, account, nothing(desk), (1.0,))
    assert abs(bought.quantity[0]) * 4.6 + abs(bought.quantity[2]) * 100.0 == pytest.approx(0.05e6)
    dear = now._replace(margin=400.0)
    sold, _, _ = trade(VolatilityTrading().parameters(), dear, now, account, nothing(desk), (-1.0,))
    assert sold.quantity[0] == pytest.approx(-1e6 / 400.0)


def test_observation_by_hand():
    desk = VolatilityTrading()
    now = row(spot=100.0, margin=20.0, held_delta=0.1, held_gamma=0.138, held_theta=-27.6, held_vega=23.0)
    account = Account(0.0, 1.02e6, 1.04e6, (-4000.0, 0.0, 500.0), (4.6, 3.0, 100.0), 3.0, 7.0)
    seen = observe(desk.parameters(), now, account, nothing(desk))
    assert seen.delta == pytest.approx((-4000 * 0.1 + 500) * 100 / 1.02e6 * 10)
    assert seen.gamma == pytest.approx(-4000 * 0.5 * 0.138 * 1.0**2 / 1.02e6 / 5e-4)
    assert seen.theta == pytest.approx(4000 * 27.6 / 252 / 1.02e6 / 1e-3)
    assert seen.vega == pytest.approx(-4000 * 23.0 / (0.2 * 1.02e6))
    assert seen.margin_used == pytest.approx(4000 * 20.0 / 1.02e6)
    assert seen.unrealised_pnl == pytest.approx(0.2)
    assert seen.drawdown == pytest.approx(10.0 - 10.0 * 1.02 / 1.04)


@pytest.mark.parametrize("preset", ["default", "gjr", "liu_pan"])
def test_attribution_adds_up(preset):
    desk = VolatilityTrading.preset(preset)
    played = play(desk, desk.rules["iv_rv_threshold"](desk), held_out(64))
    total = sum(lines(played).values())
    scale = np.abs(played.nav).max() * max(1.0, 16.0)
    assert np.abs(total - (played.nav[-1] - played.nav[0])).max() < 1e-9 * scale


def terms(desk, n=400):
    tape = desk.record(Paths.of(3, n))
    second = tape["active"][:-1] > 0
    moved = np.where(second, np.diff(tape["straddle_b"], axis=0), np.diff(tape["straddle_a"], axis=0))
    delta = tape["delta"][:-1] * np.diff(tape["spot"], axis=0)
    parts = [delta, *(tape[name][1:] for name in ("gamma_pnl", "theta_pnl", "vega_pnl", "cross_pnl"))]
    gross = sum(np.abs(part) for part in parts[:4])
    four = np.abs(moved - sum(parts[:4])) / gross
    six = np.abs(moved - sum(parts)) / (gross + np.abs(parts[4]))
    return np.quantile(four, [0.95, 0.999]), np.quantile(six, 0.95)


QUARTER = {"maturity": 0.25, "tenor": 63, "roll": 21}


def test_residual_of_the_attribution():  # A7: options of a month and more, daily steps, 10^5 moves
    calm = {"theta": 0.04, "kappa": 5.0, "xi": 0.3, "jump_rate": 0.0, "demand_deviation": 0.0}
    four, six = terms(VolatilityTrading(weather=False, **calm, **QUARTER))
    assert four[0] < 0.03 and four[1] < 0.12 and six < 0.02


def test_residual_of_the_attribution_in_the_default_market():  # volatility moves more: the cross terms are needed
    four, six = terms(VolatilityTrading(**QUARTER))
    assert four[1] < 0.12 and six < 0.02


def test_a_roll_moves_no_money():
    desk = VolatilityTrading(vega_cost=0.0, stock_cost=0.0)
    tape = desk.record(Paths.of(5, 8))
    batch = Batch(desk, tape=tape)
    batch.start(Paths.of(5, 8))
    books, rolls = batch.ledger.books, 0
    for t in range(desk.n_steps):
        before = books.nav.copy()
        held, marks = books.position.copy(), books.marks.copy()
        batch.step(np.full((8, 1), -0.7))
        after = np.stack([tape[name][t + 1] for name in ("straddle_a", "straddle_b", "spot")])
        now = np.stack([tape[name][t] for name in ("straddle_a", "straddle_b", "spot")])
        np.testing.assert_array_equal(marks, now)
        # what was held is worth at the marks what it was paid for: only the new position earns, over the step
        moved = (books.position * (after - now)).sum(axis=0)
        np.testing.assert_allclose(books.nav - before, moved, atol=1e-6)
        rolls += int(((held[0] != 0) & (books.position[0] == 0)).sum())
    assert rolls > 8 * 5
    assert np.abs(batch.ledger.attribution()["execution"]).max() < 1e-9


def test_strikes_stay_and_series_are_a_month():
    desk = VolatilityTrading(weather=False)
    tape = desk.record(Paths.of(2, 16))
    life = tape.features[:, :, desk.features.index("days_to_expiry")] * 21
    steps = np.diff(np.rint(life), axis=0)
    assert set(np.unique(steps)) == {-1.0, 21.0 - 6.0}  # a day older, or the next series
    assert life.min() == pytest.approx(6.0) and life.max() == pytest.approx(21.0)
    assert len(np.unique(np.rint(life[0]))) > 5  # episodes begin at any age
