"""The laws of every strategy, over this desk's presets."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from stable_baselines3.common.env_checker import check_env

from fund.envs.batch import Batch
from fund.envs.contract import CHECKS, adversarial
from fund.envs.gym import FundEnv
from fund.errors import InvalidAction
from fund.market.streams import Paths
from specialists.factor_tracking import SPEC
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


@pytest.mark.parametrize("world", ["default", "garleanu_pedersen", "garleanu_pedersen_continuous"])
def test_stable_baselines_accepts_the_environment(world):
    check_env(FundEnv(WORLDS[world].with_steps(20)), warn=True)


def test_spec():
    assert SPEC.cls is FactorTracking
    assert (SPEC.name, SPEC.algorithm, SPEC.horizon) == ("factor_tracking", "DQN", FactorTracking().n_steps)
    assert set(SPEC.settings) <= set(FactorTracking.presets)
    assert FactorTracking().actions.count == 27 and FactorTracking().flat_action == 13


def test_every_parameter_has_a_unit():
    for parameter in (f.name for f in dataclasses.fields(FactorTracking)):
        assert FactorTracking.unit_of(parameter), parameter


@pytest.mark.parametrize("factor", [1e-3, 1.0, 1e3])
def test_money_has_no_unit(factor):
    desk = FactorTracking(n_steps=40)
    batches = [Batch(d) for d in (desk, desk.with_parameters(capital=desk.capital * factor))]
    for batch in batches:
        batch.start(Paths.of(2, 1))
    for action in adversarial(desk, 40, 1):
        one, other = (batch.step(action) for batch in batches)
        np.testing.assert_allclose(one.reward, other.reward, rtol=0, atol=1e-9)
        np.testing.assert_allclose(one.observation, other.observation, rtol=1e-5, atol=1e-6)
    navs = [batch.ledger.books.nav[0] / batch.strategy.capital for batch in batches]
    assert navs[0] == pytest.approx(navs[1], rel=1e-9)


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
