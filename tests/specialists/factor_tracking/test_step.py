"""One step at a time, worked by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from fund.envs.batch import Batch
from fund.market.streams import Paths
from fund.market.tape import Tape
from fund.strategy import names
from specialists.factor_tracking.step import Columns, digits
from specialists.factor_tracking.strategy import FactorTracking

NEUTRAL, ALL_LONG, ALL_SHORT = 13, 26, 0
# the volatilities at which a tilt of a desk of 3 % volatility is worth 10 %, 5 % and 20 % of the NAV
UNIT = 0.03 / math.sqrt(3.0)
VOLATILITY = {
    "value_volatility": UNIT / 0.10,
    "momentum_volatility": UNIT / 0.05,
    "quality_volatility": UNIT / 0.20,
}


def tape_of(rows: int, **columns) -> Tape:
    """One path: prices of 100 that stand still, but for what is given."""
    block = np.zeros((rows, len(Columns._fields), 1))
    for k, name in enumerate(names(Columns)):
        given = columns.get(name, VOLATILITY.get(name, 100.0 if k < 4 else 0.0))
        block[:, k, 0] = given
    return Tape(names(Columns), block, np.zeros((rows, 1, len(FactorTracking.features)), dtype=np.float32))


def batch_of(desk: FactorTracking, tape: Tape) -> Batch:
    batch = Batch(desk, tape=tape)
    batch.start(Paths.of(0, 1))
    return batch


def own(batch: Batch, out, name: str) -> float:
    return float(out.observation[0, batch.strategy.features.index(name)])


def part(batch: Batch, name: str) -> float:
    return float(batch.parts[batch.part_names.index(name), 0])


DESK = FactorTracking(target_volatility=0.03, capital=1e6, rebalance_days=2)


@pytest.mark.parametrize(
    ("action", "tilts"),
    [(0, (-1, -1, -1)), (1, (0, -1, -1)), (3, (-1, 0, -1)), (9, (-1, -1, 0)), (13, (0, 0, 0)), (26, (1, 1, 1)),
     (5, (1, 0, -1)), (21, (-1, 0, 1))],
)  # fmt: skip
def test_digits_to_the_base_of_three(action, tilts):
    assert digits.py_func(float(action)) == tilts
    assert digits(float(action)) == tilts


def test_tilts_are_worth_equal_risk():
    batch = batch_of(DESK, tape_of(3))
    batch.step(np.array([5]))  # long value, neutral momentum, short quality
    np.testing.assert_allclose(batch.ledger.books.position[:, 0], [1000.0, 0.0, -2000.0], rtol=1e-12)
    assert -batch.ledger.attribution()["fees"][0] == pytest.approx(0.001 * (100e3 + 200e3))


def test_between_rebalancings_the_action_is_ignored_and_weights_drift():
    value = np.array([100.0, 110.0, 121.0, 121.0])
    batch = batch_of(DESK, tape_of(4, value=value))
    seen = []
    for action in (ALL_LONG, ALL_SHORT, NEUTRAL):
        out = batch.step(np.array([action]))
        seen.append((batch.ledger.books.position[0, 0], own(batch, out, "days_to_rebalance")))
    nav = 1e6 - 350.0 + 1000 * 21.0
    assert seen[0] == (pytest.approx(1000.0), 0.5)  # the next day is none of trading
    assert seen[1] == (pytest.approx(1000.0), 0.0)
    assert seen[2] == (0.0, 0.5)
    assert batch.ledger.books.nav[0] == pytest.approx(nav - 0.001 * (121e3 + 50e3 + 200e3))


def test_round_trip_costs_twice_the_fee():
    desk = FactorTracking(target_volatility=0.03, rebalance_days=1)
    batch = batch_of(desk, tape_of(3))
    batch.step(np.array([ALL_LONG]))
    first = batch.ledger.books.nav[0]
    traded = np.abs(batch.ledger.books.position[:, 0] * 100.0).sum()
    batch.step(np.array([NEUTRAL]))
    assert traded == pytest.approx(350e3)
    assert first == pytest.approx(1e6 - 350.0, abs=1e-9 * 1e6)
    assert batch.ledger.books.nav[0] == pytest.approx(1e6 - 2 * 0.001 * traded, abs=1e-9 * 1e6)


def test_gross_exposure_stays_within_the_leverage():
    desk = FactorTracking(target_volatility=0.3, rebalance_days=1)  # tilts of 100 %, 50 % and 200 %
    batch = batch_of(desk, tape_of(2))
    batch.step(np.array([ALL_LONG]))
    worth = batch.ledger.books.position[:, 0] * 100.0
    np.testing.assert_allclose(worth, 1e6 * np.array([100, 50, 200]) / 350, rtol=1e-12)


def test_observed_account():
    desk = FactorTracking(target_volatility=0.03, rebalance_days=1, cost_rate=0.0)
    correlations = {"correlation_value_momentum": -0.5, "correlation_value_quality": 0.0}
    batch = batch_of(desk, tape_of(3, quality=np.array([100.0, 90.0, 90.0]), **correlations))
    out = batch.step(np.array([ALL_LONG]))
    nav = 1e6 - 2000 * 10.0
    weights = np.array([100e3, 50e3, 180e3]) / nav
    for name, weight in zip(("value", "momentum", "quality"), weights, strict=True):
        assert own(batch, out, f"{name}_weight") == pytest.approx(4.0 * weight, rel=1e-6)
    risks = weights * np.array([UNIT / 0.10, UNIT / 0.05, UNIT / 0.20])
    variance = (risks**2).sum() - risks[0] * risks[1]
    assert own(batch, out, "portfolio_volatility") == pytest.approx(math.sqrt(variance) / 0.03, rel=1e-6)
    assert own(batch, out, "drawdown") == pytest.approx(0.2, rel=1e-6)
    assert own(batch, out, "pnl") == pytest.approx(-0.02 / 0.03, rel=1e-6)
    assert own(batch, out, "turnover") == pytest.approx(0.1 * 0.35 * 2.0, rel=1e-6)


def test_reward_is_the_change_of_nav_alone_by_default():
    batch = batch_of(DESK, tape_of(2, value=np.array([100.0, 101.0])))
    out = batch.step(np.array([ALL_LONG]))
    earned = 1000.0 - 0.001 * 350e3
    assert out.reward[0] == pytest.approx(earned / 1e6 * 100.0, rel=1e-9)
    assert [part(batch, n) for n in ("risk", "tracking", "diversification", "turnover")] == [0.0] * 4


def test_named_parts_by_hand():
    desk = FactorTracking(
        target_volatility=0.03, rebalance_days=1, cost_rate=0.0, reward_scale=1.0,
        tracking_weight=3.0, diversification_weight=0.5, turnover_weight=0.25,
    )  # fmt: skip
    batch = batch_of(desk, tape_of(2, value=np.array([100.0, 103.0])))
    batch.step(np.array([ALL_LONG]))
    earned, benchmark = 0.003, 0.01
    assert part(batch, "tracking") == pytest.approx(
        -3.0 * ((earned - benchmark) ** 2 - benchmark**2), rel=1e-9
    )
    worth = np.array([103e3, 50e3, 200e3])
    spread = (worth.sum() - (worth**2).sum() / worth.sum()) / 1.003e6
    assert part(batch, "diversification") == pytest.approx(0.5 * spread, rel=1e-9)
    assert part(batch, "turnover") == pytest.approx(-0.25 * 0.35, rel=1e-9)


def test_named_parts_are_zero_for_a_flat_account():
    desk = FactorTracking(tracking_weight=3.0, diversification_weight=0.5, turnover_weight=0.25)
    batch = batch_of(desk, tape_of(2, value=np.array([100.0, 103.0])))
    out = batch.step(np.array([NEUTRAL]))
    assert out.reward[0] == 0.0 and not batch.parts.any()


def test_one_factor_is_no_diversification():
    desk = FactorTracking(target_volatility=0.03, rebalance_days=1, cost_rate=0.0, diversification_weight=1.0)
    batch = batch_of(desk, tape_of(2))
    batch.step(np.array([14]))  # value alone
    assert part(batch, "diversification") == pytest.approx(0.0, abs=1e-12)


def test_ruin_leaves_nothing_to_hold():
    desk = FactorTracking(target_volatility=3.0, leverage=10.0, rebalance_days=1)
    batch = batch_of(desk, tape_of(4, value=np.array([100.0, 50.0, 50.0, 50.0])))
    out = batch.step(np.array([ALL_LONG]))
    assert out.terminated[0] and batch.ledger.books.nav[0] < 0.0


def test_trade_of_one_asset_by_hand():
    desk = FactorTracking.preset("garleanu_pedersen", capital=1.0, reward_scale=1.0)
    signals = {"value_z": np.array([1.0, 0.5, 0.0]), "momentum_z": np.array([-2.0, 1.0, 0.0])}
    batch = batch_of(desk, tape_of(3, value=np.array([1000.0, 1003.0, 1001.0]), **signals))
    batch.step(np.array([23]))
    x, cost = 0.008, 10.0 * 0.008**2
    assert batch.ledger.books.position[0, 0] == pytest.approx(x, rel=1e-12)
    assert batch.ledger.books.nav[0] == pytest.approx(1.0 + 3.0 * x - cost, abs=1e-12)
    assert (part(batch, "pnl"), part(batch, "risk")) == (
        pytest.approx(3.0 * x - cost, abs=1e-12), pytest.approx(-(x**2), rel=1e-12))  # fmt: skip
    first = 0.99 * (x * (0.05 - 0.04) - x**2) - cost
    assert batch.memory()["worth"][0] == pytest.approx(first, rel=1e-9)
    out = batch.step(np.array([26]))
    y, cost = 0.008 + 0.0104, 10.0 * 0.0104**2
    second = 0.99 * (y * (0.025 + 0.02) - y**2) - cost
    assert batch.memory()["worth"][0] == pytest.approx(first + 0.99 * second, rel=1e-9)
    assert own(batch, out, "value_weight") == pytest.approx(4.0 * y / 0.05, rel=1e-6)


def test_position_of_one_asset_stays_within_its_limit():
    batch = batch_of(FactorTracking.preset("garleanu_pedersen"), tape_of(9))
    for _ in range(8):
        batch.step(np.array([ALL_SHORT]))
    assert batch.ledger.books.position[0, 0] == pytest.approx(-0.05, rel=1e-12)
    free = batch_of(FactorTracking.preset("garleanu_pedersen_continuous"), tape_of(3))
    free.step(np.array([[0.1]]))
    assert free.ledger.books.position[0, 0] == pytest.approx(0.05, rel=1e-12)
