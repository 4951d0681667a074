"""What a trained agent must come to where the answer is known."""

import dataclasses

import pytest

from fund.envs.play import play
from fund.training.evaluate import held_out
from fund.training.store import ModelStore
from fund.training.train import Budget, settings_of, train
from specialists.delta_hedging import SPEC
from specialists.delta_hedging.strategy import DeltaHedging

PATHS = 20_000
SHORT = {"steps": 200_000, "noise": 0.15, "evaluations": 4, "evaluation_paths": 2048}


def trained(tmp_path, settings_changes=None, **changes):
    strategy = DeltaHedging.preset("cao_2021", mu=0.0, **changes)
    settings = settings_of(SPEC, "cao_2021")
    settings = dataclasses.replace(
        settings, world={"control_variate": True}, **SHORT, **(settings_changes or {})
    )
    store = ModelStore(tmp_path)
    train(SPEC, strategy, "cao_2021", Budget(), 0, store, settings)
    agent = store.load(strategy, "best", "cao_2021").policy()
    return strategy, play(strategy, agent, held_out(PATHS))


@pytest.mark.slow
@pytest.mark.acceptance
def test_without_costs_it_hedges_like_black_scholes(tmp_path):
    # DH-11
    strategy, agent = trained(
        tmp_path, {"start": "black_scholes", "paired": True, "actor_rate": 0.01}, cost_rate=0.0
    )
    delta = play(strategy, strategy.rules["black_scholes"](strategy), held_out(PATHS))
    error, least = (strategy.statistics(result)["hedge_error_std"] for result in (agent, delta))
    assert error < 1.05 * least


@pytest.mark.slow
@pytest.mark.acceptance
def test_at_half_of_the_value_it_never_trades(tmp_path):
    # DH-11
    _, agent = trained(tmp_path, cost_rate=0.5)
    assert not agent.memory["trades"].any()
    assert not agent.traded.any()
