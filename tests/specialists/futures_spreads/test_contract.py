"""The laws of every strategy, over this desk's presets and over recorded contracts."""

import numpy as np
import pytest

from fund.envs.batch import Batch
from fund.envs.contract import CHECKS, adversarial
from fund.errors import InvalidParameter, UnknownName
from fund.market.history import History
from specialists.futures_spreads.strategy import FuturesSpreads

FEATURES = """
zscore_60 zscore_20 roll_yield curve_slope curvature carry season_sin season_cos days_to_roll near_return_1
near_return_5 near_return_20 spread_volatility half_life adf_statistic leg_correlation inventory_change contango
position margin_used unrealised_pnl accumulated_carry time_in_position drawdown
"""


def walks(rows=500):
    steps = np.random.default_rng(3).standard_normal((rows, 2))
    prices = np.cumsum(steps, axis=0) + 5.0  # they cross zero
    return History(("near", "far"), prices, np.arange(rows) * 86_400_000_000, "local date", "walks")


WORLDS = {name: FuturesSpreads.preset(name) for name in FuturesSpreads.presets}
WORLDS["recorded"] = FuturesSpreads.preset("history", n_steps=250, initial_margin=0.01, history=walks())
WORLDS["extras"] = FuturesSpreads(
    interest=0.03, utility_power=-1.0, legs="dollars", roll_days=0, contract_days=7, initial_margin=0.1,
    control_variate=True, a_1=0.05, b_2=0.02,
)  # fmt: skip


@pytest.mark.parametrize("world", WORLDS)
def test_contract(world):
    for name, check in CHECKS.items():
        # of two recorded walks there is no curve; where both legs are in one contract the curve is a point
        mute = name == "features_speak" and world in ("recorded", "mispricing")
        # at the mispricing's leverage wild actions are ruined at different steps: see the last test
        if not mute:
            check(WORLDS[world])


def test_slots_of_the_observation():
    assert list(FuturesSpreads.features) == FEATURES.split()


def test_unknown_worlds_and_numbers_are_refused():
    with pytest.raises(UnknownName, match="calendar"):
        FuturesSpreads.preset(market="calender")
    with pytest.raises(UnknownName, match="tangency"):
        FuturesSpreads.preset(legs="tangent")
    for wrong in (
        {"kappa": -1.0}, {"cost_rate": -0.1}, {"utility_power": 2.0}, {"market_loading": 1.5}, {"spot": 0.0},
        {"near_contract": 0}, {"steps_per_day": 4}, {"rho": 2.0}, {"mispricing_sigma": 3.0}, {"leverage": 0.0},
    ):  # fmt: skip
        with pytest.raises(InvalidParameter, match=next(iter(wrong))):
            FuturesSpreads.preset(**wrong)
    with pytest.raises(InvalidParameter, match="tangency"):
        FuturesSpreads.preset("schwartz_smith", far_contract=1)
    with pytest.raises(InvalidParameter, match="control_variate"):
        FuturesSpreads.preset("history", control_variate=True, history=walks())


@pytest.mark.parametrize("preset", ["default", "mispricing"])
def test_liquidated_paths_of_a_batch_are_the_single_episodes(preset):
    # up to their first end: the kit compares whole rows of resets, which liquidations put out of step
    desk = FuturesSpreads.preset(
        preset, n_steps=120, **({"initial_margin": 0.25} if preset == "default" else {})
    )
    together, ended = Batch(desk, 32), np.zeros(32, dtype=bool)
    together.reset(5)
    alone = [Batch(desk, 1) for _ in range(32)]
    for i, batch in enumerate(alone):
        batch.reset(5 + i)
    for action in adversarial(desk, 120, 32):
        out = together.step(action)
        for i in np.flatnonzero(~ended):
            one = alone[i].step(action[i : i + 1])
            assert np.array_equal(one.observation[0], out.observation[i])
            assert one.reward[0] == out.reward[i]
            assert one.terminated[0] == out.terminated[i]
        ended |= together.ended
    assert (together.clock < 120).any()
