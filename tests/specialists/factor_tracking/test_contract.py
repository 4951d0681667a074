"""The laws of every strategy, over this desk's presets."""

from __future__ import annotations

import numpy as np
import pytest

from fund.envs.batch import Batch
from fund.envs.contract import CHECKS, adversarial
from fund.errors import InvalidAction
from specialists.factor_tracking.features import FEATURES
from specialists.factor_tracking.strategy import FactorTracking

WORLDS = {name: FactorTracking.preset(name) for name in FactorTracking.presets}
WORLDS["extras"] = FactorTracking(
    tracking_weight=5.0,
    diversification_weight=0.1,
    turnover_weight=0.01,
    target_volatility=0.4,
    rebalance_days=3,
)


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("world", WORLDS)
def test_contract(world, check):
    if check == "features_speak" and world in (
        "planted",
        "garleanu_pedersen",
        "garleanu_pedersen_continuous",
    ):
        pytest.skip("every day is one of rebalancing, or all slots but three are silent")
    CHECKS[check](WORLDS[world])


def test_flat_is_no_tilt():
    assert FactorTracking().flat_action == 13


@pytest.mark.parametrize("wrong", [-1, 27, 13.5, [1, 2]])
def test_what_is_no_action_is_refused(wrong):
    batch = Batch(FactorTracking(n_steps=5))
    batch.reset(0)
    with pytest.raises(InvalidAction):
        batch.step(np.atleast_1d(np.array(wrong)))


def test_observation_of_the_default_market_has_28_slots():
    batch = Batch(FactorTracking(n_steps=5), 3)
    assert batch.reset(1).shape == (3, 28) and batch.reset(1).dtype == np.float32
    assert len(FEATURES) == 28


def test_leverage_holds_against_any_sequence():
    desk = FactorTracking(target_volatility=0.5, n_steps=252)
    batch = Batch(desk, 200)
    batch.reset(3)
    for t, action in enumerate(adversarial(desk, 252, 200)):
        nav, marks = batch.ledger.books.nav.copy(), batch.ledger.books.marks.copy()
        batch.step(action)
        gross = np.abs(batch.ledger.books.position * marks).sum(axis=0)
        if t % desk.rebalance_days == 0:
            assert np.all(gross <= np.maximum(nav, 0.0) * (1.0 + 1e-9))
