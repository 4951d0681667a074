"""Every key of D0's configuration does something: another value makes another episode, or other answers."""

import copy
import hashlib
from functools import cache

import numpy as np
import pytest

from fund.envs.conformance import environment_module
from fund.envs.rounds import Rounds
from fund.envs.unified import KINDS
from fund.grandmodel.configuration import Value
from fund.strategy import Choice

LENGTH, PATHS = {"risk": 400}, 16  # the risk stage's stops are days away
# stage -> place of a key -> another value than the default
OTHER = {
    "strategic": {
        "environment.matrix_shape": [24, 13], "environment.max_episode_steps": 33, "environment.reward_scaling": 2.0,
        "environment.observation_noise": 0.5, "environment.superposition": True, "environment.synergy_window": 3,
        "environment.synergy_cooldown": 30, "environment.confidence_threshold": 0.9, "environment.synergy_bonus": 5.0,
        "environment.drawdown_penalty": 1.0, "environment.sharpe_bonus": 1.0,
        "agents.mlmi_expert.observation_columns": [0, 1], "agents.nwrqk_expert.observation_columns": [4, 5],
        "agents.regime_expert.observation_columns": [8, 9], "agents.mlmi_expert.action_space_size": 5,
        "agents.nwrqk_expert.action_space_size": 5, "agents.regime_expert.action_space_size": 5,
        # weights sum to 1: one takes from another
        "agents.mlmi_expert.expertise_weight": (0.5, "agents.nwrqk_expert.expertise_weight", 0.2),
        "agents.nwrqk_expert.expertise_weight": (0.5, "agents.regime_expert.expertise_weight", 0.15),
        "agents.regime_expert.expertise_weight": (0.5, "agents.mlmi_expert.expertise_weight", 0.15),
    },
    "tactical": {
        "environment.matrix_shape": [30, 7], "environment.max_episode_steps": 33, "environment.state_machine": False,
        "environment.byzantine_tolerance": False, "environment.superposition": True, "environment.reward_scaling": 2.0,
        "environment.observation_noise": 0.5, "environment.execution_threshold": 0.99, "environment.error_loss": 1e-6,
        "environment.error_budget": 1, "environment.timing_bonus": 5.0, "environment.flow_bonus": 5.0,
        "environment.slippage_penalty": 5.0, "agents.fvg_agent.observation_columns": [0, 1],
        "agents.momentum_agent.observation_columns": [3], "agents.entry_opt_agent.observation_columns": [5],
        "agents.fvg_agent.detection_threshold": 3.0, "agents.fvg_agent.confidence_threshold": 0.2,
        "agents.momentum_agent.momentum_window": 5, "agents.momentum_agent.trend_threshold": 0.05,
        "agents.entry_opt_agent.optimization_steps": 2, "agents.entry_opt_agent.timing_precision": 60.0,
    },
    "risk": {
        "environment.max_episode_steps": 33, "environment.var_confidence": 0.99,
        "environment.correlation_threshold": -0.9, "agents.position_sizing.kelly_fraction": 0.05,
        "agents.position_sizing.max_position": 0.03, "agents.position_sizing.risk_free_rate": 0.3,
        "agents.stop_target.atr_multiplier": 0.6, "agents.stop_target.profit_target_ratio": 0.5,
        "agents.stop_target.dynamic_adjustment": False, "agents.risk_monitor.var_threshold": 0.002,
        "agents.risk_monitor.correlation_shock_threshold": 0.001, "agents.risk_monitor.emergency_protocols": False,
        "agents.portfolio_optimizer.max_weight": 0.2, "agents.portfolio_optimizer.correlation_limit": 0.05,
        "agents.portfolio_optimizer.rebalance_threshold": 0.3,
    },
    "execution": {
        "environment.max_episode_steps": 33, "environment.execution_venues": ["x", "y"],
        "environment.latency_target": 1e-5, "agents.position_sizing.min_size": 500,
        "agents.position_sizing.max_size": 500,
        "agents.position_sizing.size_increment": 300, "agents.stop_target.execution_slippage_tolerance": 1e-5,
        "agents.risk_monitor.execution_risk_limit": 1e-5, "agents.portfolio_optimizer.execution_cost_weight": 1.0,
        "agents.routing.venue_selection_algorithm": "agents", "agents.routing.market_impact_model": "square_root",
    },
}  # fmt: skip
FIXED = {"risk": {"environment.observation_space"}}  # a statement of the document, true or refused
# what acts where something else has let it: halving in a correlation shock, errors that are met, the flow's bonus
BESIDE = {
    "agents.risk_monitor.var_threshold": {},
    "environment.error_budget": {"environment.error_loss": 1e-6},
    # certain voters are above every threshold: they bite where votes are mixed
    "environment.execution_threshold": {"environment.superposition": True},
    "agents.fvg_agent.confidence_threshold": {"environment.superposition": True},
}


def leaves(schema, place=()):
    for key, value in schema.items():
        if isinstance(value, Value):
            yield ".".join((*place, key))
        else:
            yield from leaves(value, (*place, key))


def configured(name, changes):
    config = {}
    for place, value in changes.items():
        node = config.setdefault(KINDS[name].section, {})
        *path, last = place.split(".")
        for step in path:
            node = node.setdefault(step, {})
        node[last] = value
    return config


def episode(name, changes):
    """Spaces, what is seen, paid and answered on some paths of random play and of the first rule's, as a hash."""
    stage, _ = KINDS[name].configured(configured(name, changes))
    rounds, half = Rounds(stage, PATHS), PATHS // 2
    told = hashlib.sha256(repr([rounds.actions, rounds.observed]).encode())
    rounds.reset(1)
    draws, rule = np.random.default_rng(0), next(iter(stage.rules.values()))(stage.strategy)
    for _ in range(LENGTH.get(name, 60)):
        said = stage.split(rule(rounds.batch.view()))
        for agent, space in rounds.actions.items():
            said[agent] = np.array(said[agent])
            said[agent][:half] = random_actions(draws, space, half)
        told.update(b"".join(np.ascontiguousarray(said[agent]).tobytes() for agent in said))
        out = rounds.step(said)
        told.update(b"".join(np.ascontiguousarray(seen).tobytes() for seen in out.observation.values()))
        told.update(out.reward.tobytes() + rounds.batch.ledger.block.tobytes() + out.truncated.tobytes())
        if out.truncated.any():
            break
    told.update(answers(name, changes).encode())
    return told.hexdigest()


@cache
def usual(name, place):
    """The episode of the default values, with those that stand beside a key's."""
    return episode(name, BESIDE.get(place, {}))


def random_actions(draws, space, n):
    if isinstance(space, Choice):
        return draws.integers(space.count, size=n)
    return draws.uniform(space.low, space.high, (n, space.size))


def answers(name, changes):
    """What an environment answers after some rounds in which nobody moves anything."""
    env = environment_module(name).parallel_env(configured(name, changes))
    env.reset(seed=1)
    middle = {a: getattr(env.action_space(a), "n", 0) // 2 for a in env.possible_agents}
    for _ in range(5):
        spaces = {a: env.action_space(a) for a in env.agents}
        env.step({a: middle[a] if hasattr(s, "n") else np.zeros(s.shape, s.dtype) for a, s in spaces.items()})
    asked = (
        q
        for q in dir(env)
        if q.startswith("get_") and q not in ("get_venue_latency", "get_market_impact_estimate")
    )
    return repr(
        [env.action_spaces, env.observation_spaces, *(getattr(env, question)() for question in asked)]
    )


@pytest.mark.parametrize("name", OTHER)
def test_every_key_is_here(name):
    assert set(leaves(KINDS[name].schema)) == {*OTHER[name], *FIXED.get(name, ())}


@pytest.mark.parametrize(("name", "place"), [(name, place) for name, keys in OTHER.items() for place in keys])
def test_another_value_makes_another_episode(name, place):
    value, beside = OTHER[name][place], copy.deepcopy(BESIDE.get(place, {}))
    if isinstance(value, tuple):
        value, other, rest = value
        beside[other] = rest
        # the other weight alone would change something, too: the pair is compared with the pair exchanged
        assert episode(name, {place: value, **beside}) != episode(name, {place: rest, other: value})
    assert episode(name, {place: value, **beside}) != usual(name, place if place in BESIDE else "")


@pytest.mark.parametrize("name", OTHER)
def test_the_same_values_make_the_same_episode(name):
    assert episode(name, {}) == episode(name, {})
