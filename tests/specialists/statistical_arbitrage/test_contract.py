"""The laws of every strategy, over this desk's presets and over recorded prices."""

import dataclasses

import numpy as np
import pytest
from stable_baselines3.common.env_checker import check_env

from fund.envs.batch import Batch
from fund.envs.contract import CHECKS, adversarial
from fund.envs.gym import FundEnv
from fund.errors import InvalidParameter, UnknownName
from fund.market.history import History
from fund.market.streams import Paths
from specialists.statistical_arbitrage import SPEC
from specialists.statistical_arbitrage.strategy import StatisticalArbitrage

FEATURES = """
zscore_60 zscore_20 spread_return half_life hedge_ratio hedge_ratio_change spread_volatility volatility_ratio
leg_correlation adf_statistic spread_momentum_5 spread_momentum_20 kalman_innovation leg_1_return leg_2_return
position time_in_position unrealised_pnl drawdown time_left
"""


def walk_history(rows=700):
    generator = np.random.default_rng(3)
    prices = 50.0 * np.exp(np.cumsum(0.01 * generator.standard_normal((rows, 2)), axis=0))
    days = np.arange(rows) * 86_400_000_000
    return History(("leg_1", "leg_2"), prices, days, "local date", "walks")


WORLDS = {name: StatisticalArbitrage.preset(name) for name in StatisticalArbitrage.presets}
WORLDS["history"] = StatisticalArbitrage(n_steps=250, history=walk_history())
WORLDS["extras"] = StatisticalArbitrage(
    interest=0.03, timing_bonus=0.5, utility_power=-2.0, position_limit=4.0, hedge_method="rolling"
)


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("world", WORLDS)
def test_contract(world, check):
    if check == "features_speak" and world in ("boguslavsky", "bertram"):
        pytest.skip("leg 2 of the paper's spread stands still, and so does what is seen of it")
    CHECKS[check](WORLDS[world])


def test_spec_and_observation():
    assert SPEC.cls is StatisticalArbitrage
    assert SPEC.algorithm == "PPO"
    assert SPEC.horizon == StatisticalArbitrage().n_steps
    assert list(StatisticalArbitrage.features) == FEATURES.split()
    assert next(iter(StatisticalArbitrage.rules)) == "gatev"
    assert set(SPEC.settings) <= set(StatisticalArbitrage.presets)


def test_every_parameter_has_a_unit():
    for parameter in (f.name for f in dataclasses.fields(StatisticalArbitrage)):
        assert StatisticalArbitrage.unit_of(parameter), parameter


def test_single_environment_passes_sb3():
    check_env(FundEnv(StatisticalArbitrage(n_steps=30)))


def test_only_a_utility_of_final_wealth_ends_at_the_horizon():
    assert StatisticalArbitrage.preset("boguslavsky").finite_horizon
    assert not StatisticalArbitrage().finite_horizon


@pytest.mark.parametrize("capital", [1e3, 1e9])
def test_returns_do_not_depend_on_the_currency(capital):
    actions = adversarial(StatisticalArbitrage(), 60, 8)
    navs = []
    for money in (1e6, capital):
        batch = Batch(StatisticalArbitrage(n_steps=60, capital=money), 8)
        batch.start(Paths.of(5, 8))
        for action in actions:
            batch.step(action)
        navs.append(batch.ledger.books.nav / money)
    np.testing.assert_allclose(navs[0], navs[1], rtol=1e-9)


@pytest.mark.parametrize("market", ["pair", "walks", "ou"])
def test_a_shorter_tape_begins_a_longer_one(market):
    short = StatisticalArbitrage(market=market, n_steps=50)
    one, two = short.record(Paths.of(4, 3)), short.with_steps(90).record(Paths.of(4, 3))
    assert np.array_equal(one.block, two.block[:51])
    assert np.array_equal(one.features, two.features[:51])


def test_unknown_worlds_and_numbers_are_refused():
    with pytest.raises(UnknownName, match="pair"):
        StatisticalArbitrage(market="pairs")
    with pytest.raises(UnknownName, match="kalman"):
        StatisticalArbitrage.preset(hedge_method="kalmann")
    for wrong in ({"alpha": 0.0}, {"cost_rate": -0.1}, {"utility_power": 2.0}, {"market_loading": 1.5}):
        with pytest.raises(InvalidParameter, match=next(iter(wrong))):
            StatisticalArbitrage.preset(**wrong)
    with pytest.raises(InvalidParameter, match="daily"):
        StatisticalArbitrage(steps_per_day=4)
