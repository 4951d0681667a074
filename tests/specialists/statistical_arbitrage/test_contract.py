"""The laws of every strategy, over this desk's presets and over recorded prices."""

import numpy as np
import pytest

from fund.envs.contract import CHECKS
from fund.errors import InvalidParameter, UnknownName
from fund.market.history import History
from fund.market.streams import Paths
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


def test_slots_of_the_observation():
    assert list(StatisticalArbitrage.features) == FEATURES.split()


def test_only_a_utility_of_final_wealth_ends_at_the_horizon():
    assert StatisticalArbitrage.preset("boguslavsky").finite_horizon
    assert not StatisticalArbitrage().finite_horizon


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
