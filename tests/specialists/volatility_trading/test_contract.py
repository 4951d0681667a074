"""The laws of every strategy, over this desk's presets, its options and recorded volatilities."""

import numpy as np
import pytest

from fund.envs.contract import CHECKS
from fund.errors import InvalidParameter, UnknownName
from fund.market.history import History
from specialists.volatility_trading.strategy import VolatilityTrading

FEATURES = """
implied_vol realised_vol_5 realised_vol_20 realised_vol_60 iv_minus_rv vol_of_vol forward_variance term_slope_90_180
skew iv_momentum_5 return_1 return_5 return_20 days_to_expiry moneyness delta gamma theta vega margin_used
unrealised_pnl drawdown
"""


def walk(rows=700):
    generator = np.random.default_rng(3)
    iv = 0.2 * np.exp(0.3 * np.sin(np.arange(rows) / 40) + 0.05 * generator.standard_normal(rows))
    index = 1000.0 * np.exp(np.cumsum(0.01 * generator.standard_normal(rows)))
    days = np.arange(rows) * 86_400_000_000
    values = np.column_stack([index, iv, 0.9 * iv + 0.02])
    return History(("index", "iv_30", "iv_90"), values, days, "local date", "walk")


WORLDS = {name: VolatilityTrading.preset(name) for name in VolatilityTrading.presets if name != "history"}
WORLDS["carr_madan"] = VolatilityTrading.preset("carr_madan", n_steps=60)
WORLDS["history"] = VolatilityTrading(n_steps=120, history=walk())
WORLDS["put_to_expiry"] = VolatilityTrading(claim="put", roll=0, leverage=0.3, margin_rate=0.4)


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("world", WORLDS)
def test_contract(world, check):
    if check == "features_speak" and world != "default":
        pytest.skip("the papers' worlds have no surface, smile or term structure to speak of")
    CHECKS[check](WORLDS[world])


def test_slots_of_the_observation():
    assert list(VolatilityTrading.features) == FEATURES.split()


def test_only_log_utility_ends_at_the_horizon():
    assert VolatilityTrading.preset("liu_pan").finite_horizon
    assert not VolatilityTrading().finite_horizon


def test_unknown_worlds_and_numbers_are_refused():
    with pytest.raises(UnknownName, match="heston"):
        VolatilityTrading(market="hestn")
    with pytest.raises(UnknownName, match="straddle"):
        VolatilityTrading.preset(claim="stradle")
    wrongs = (
        {"theta": 0.0}, {"vega_cost": -0.1}, {"tenor": 5}, {"risk_premium": -6.0}, {"rho": 1.0},
        {"tenor": 42}, {"control_variate": True},
    )  # fmt: skip
    for wrong in wrongs:
        named = "weather" if wrong == {"tenor": 42} else next(iter(wrong))
        with pytest.raises(InvalidParameter, match=named):
            VolatilityTrading.preset(**wrong)
