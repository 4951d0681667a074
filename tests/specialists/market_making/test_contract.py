"""The law that holds for every strategy, over this desk's presets."""

import numpy as np
import pytest

from fund.envs.batch import Batch
from fund.envs.contract import CHECKS
from specialists.market_making.strategy import MarketMaking

GENERATED = [preset for preset in MarketMaking.presets if preset != "history"]


@pytest.mark.parametrize("preset", GENERATED)
def test_contract(preset):
    strategy = MarketMaking.preset(preset)
    for name, check in CHECKS.items():
        # the papers' worlds have no spread, book or regime to speak of, the null world no order flow
        if name != "features_speak" or preset == "default":
            check(strategy)


@pytest.mark.parametrize("changes", [{"poisson": True}, {"initial_inventory_bound": 4}, {"tick": 0.25}])
def test_contract_of_the_papers_options(changes):
    strategy = MarketMaking.preset("cartea_jaimungal", **changes)
    for name in (
        "batch_is_singles",
        "money_adds_up",
        "reward_is_its_parts",
        "limits_hold",
        "state_round_trips",
    ):
        CHECKS[name](strategy)


def test_several_days_are_closed_one_by_one():
    strategy = MarketMaking(n_steps=390).with_steps(780)
    batch = Batch(strategy, 32)
    batch.reset(0)
    held = []
    for _ in range(strategy.n_steps):
        batch.step(np.full((32, 2), -0.7))
        held.append(batch.ledger.books.position[0].copy())
    assert not held[389].any()
    assert not held[779].any()
    assert np.abs(held[300]).min(initial=np.inf, where=held[300] != 0) > 0
    assert np.abs(held[388]).max() > 0
