"""The law that holds for every strategy, over this desk's presets."""

import numpy as np
import pytest

from fund.envs.batch import Batch
from fund.envs.contract import CHECKS
from fund.envs.play import constant, flat, play, random
from fund.market.streams import Paths
from specialists.delta_hedging.strategy import DeltaHedging

GENERATED = [preset for preset in DeltaHedging.presets if preset != "history"]
MONEY = ("batch_is_singles", "future_is_invisible", "money_adds_up", "reward_is_its_parts", "limits_hold")


@pytest.mark.parametrize("preset", GENERATED)
def test_contract(preset):
    strategy = DeltaHedging.preset(preset)
    for name, check in CHECKS.items():
        # the papers' worlds have one volatility, and some no cost to speak of
        if name != "features_speak" or preset == "default":
            check(strategy)


@pytest.mark.parametrize(
    "changes",
    [
        {"market": "heston"},
        {"market": "sabr", "option": "put", "settlement": "stock"},
        {"rate": 0.05, "dividend": 0.02, "mu": 0.1, "control_variate": True, "market": "gbm"},
        {"maturity_days": 6, "rebalance_days": 3, "action_form": "band", "leverage": 0.2},
        {"market": "gbm", "n_steps": 84, "risk_form": "downside", "costs_in_risk": True},
    ],
)
def test_contract_of_the_options(changes):
    strategy = DeltaHedging.preset("default", **{"maturity_days": 21, **changes}).with_steps(30)
    for name in MONEY:  # 30 steps: past the expiry of a 21-day option, and of several of six days
        CHECKS[name](strategy)


def test_actions_are_multiples_of_delta():
    space = DeltaHedging().actions
    assert (space.low, space.high) == (-1.5, 1.5)


@pytest.mark.parametrize("market", ["gbm", "binomial", "heston", "sabr"])
def test_nobody_earns_in_the_null_market(market):
    strategy = DeltaHedging.preset("null", market=market)
    generator = np.random.default_rng(0)
    policies = {
        "flat": flat(strategy),
        "random": random(strategy),
        "constant": constant(strategy, 0.7),
        "flip-flop": lambda view: np.full((view.n, 1), 1.5 if view.clock[0] % 2 else -1.5),
        "all-in": constant(strategy, 1.5),
        "now and then": lambda view: np.where(generator.random((view.n, 1)) < 0.1, 1.0, 0.0),
    }
    paths = Paths.of(10**6, 4_000)
    tape = strategy.record(paths)
    for name, policy in policies.items():
        result = play(strategy, policy, paths, tape)
        pnl = result.nav[-1] - result.nav[0]
        assert pnl.mean() < 3.0 * pnl.std() / np.sqrt(len(pnl)), name


def test_costs_alone_are_lost_in_the_null_market():
    strategy = DeltaHedging.preset("null", cost_rate=0.01)
    for action in (1.0, 1.5):
        result = play(strategy, constant(strategy, action), Paths.of(0, 2_000))
        pnl = result.nav[-1] - result.nav[0]
        assert pnl.mean() < -3.0 * pnl.std() / np.sqrt(len(pnl))


def test_options_follow_each_other():
    strategy = DeltaHedging(maturity_days=63).with_parameters(maturity_days=5).with_steps(17)
    batch = Batch(strategy, 8)
    batch.reset(0)
    tape = batch.current_tape
    assert tape["sale"][:, 0].nonzero()[0].tolist() == [0, 5, 10, 15]
    for t in range(17):
        before = batch.ledger.books.cash.copy()
        batch.step(np.zeros((8, 1)))
        paid = batch.ledger.books.cash - before
        wanted = np.zeros(8)
        if t in (5, 10, 15):  # what the old one paid, and what the new one brings
            wanted = tape["units"][t] * tape["premium"][t] - tape["units"][t - 1] * tape["option"][t]
        np.testing.assert_allclose(paid, wanted, atol=1e-6)
    strike, spot = tape["strike"], tape["spot"]
    np.testing.assert_allclose(strike[7], spot[5])
    np.testing.assert_allclose(tape["option"][10], np.maximum(spot[10] - spot[5], 0.0))
