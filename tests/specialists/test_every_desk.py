"""What is said of a desk once for all desks: its line of the roster, foreign checkers, and that money has no unit.

The laws themselves are in each desk's `test_contract`, over its own worlds.
"""

from __future__ import annotations

import numpy as np
import pytest
from stable_baselines3.common.env_checker import check_env

from fund.envs.batch import Batch
from fund.envs.contract import adversarial
from fund.envs.gym import FundEnv
from fund.market.streams import Paths
from specialists import ROSTER

FACTS = {  # algorithm, slots of the observation, size of the action, the yardstick among the rules
    "statistical_arbitrage": ("PPO", 20, 1, "gatev"),
    "market_making": ("DDPG", 25, 2, "symmetric"),
    "volatility_trading": ("PPO", 22, 1, "always_short"),
    "delta_hedging": ("DDPG", 18, 1, "black_scholes"),
    "futures_spreads": ("PPO", 24, 1, "zscore_threshold"),
    "factor_tracking": ("DQN", 28, 27, "equal_long"),
    "fx_arbitrage": ("DDPG", 31, 3, "carry"),
}
PAPERS = (
    ("market_making", "avellaneda_stoikov"),
    ("delta_hedging", "hodges_neuberger"),
    ("factor_tracking", "garleanu_pedersen"),
    ("factor_tracking", "garleanu_pedersen_continuous"),
)
BY_NAV = ("statistical_arbitrage", "volatility_trading", "futures_spreads", "factor_tracking", "fx_arbitrage")


def test_the_roster_has_seven_desks():
    assert list(ROSTER) == list(FACTS)


@pytest.mark.parametrize("name", ROSTER)
def test_line_of_the_roster(name):
    spec, desk = ROSTER[name], ROSTER[name].cls()
    space = desk.actions
    size = space.size if hasattr(space, "size") else space.count
    assert (spec.algorithm, len(desk.features), size, next(iter(desk.rules))) == FACTS[name]
    assert (desk.name, desk.n_steps) == (name, spec.horizon)
    # "recorded" is what the main job calls training on a user's own records
    assert set(spec.settings) <= {*desk.presets, "recorded"}
    assert desk.presets["default"] == {}


@pytest.mark.parametrize(("name", "preset"), [*((name, "default") for name in ROSTER), *PAPERS])
# the action of a hedger is a multiple of delta, which the specification bounds by 1.5
@pytest.mark.filterwarnings("ignore:.*symmetric and normalized Box action space.*")
def test_stable_baselines_accepts_the_environment(name, preset):
    check_env(FundEnv(ROSTER[name].cls.preset(preset).with_steps(30)))


@pytest.mark.parametrize("money", [1e3, 1e9])
@pytest.mark.parametrize("name", BY_NAV)
def test_returns_do_not_depend_on_the_currency(name, money):
    desk = ROSTER[name].cls().with_steps(60)
    quoted = {"size": desk.size * money / desk.capital} if name == "fx_arbitrage" else {}
    other = desk.with_parameters(capital=money, **quoted)
    batches = [Batch(one, 8) for one in (desk, other)]
    for batch in batches:
        batch.start(Paths.of(5, 8))
    for action in adversarial(desk, 60, 8):
        here, there = (batch.step(action) for batch in batches)
        np.testing.assert_allclose(here.reward, there.reward, rtol=0, atol=1e-8)
        np.testing.assert_allclose(here.observation, there.observation, rtol=1e-5, atol=1e-5)
    navs = [batch.ledger.books.nav / batch.strategy.capital for batch in batches]
    np.testing.assert_allclose(navs[0], navs[1], rtol=1e-9)
