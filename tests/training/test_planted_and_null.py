"""Every desk's agent learns what is planted, and does not earn where nothing can be earned; over the roster.

The quick form trains for a few seconds and can still fail: an agent that has learnt nothing earns what the flat policy
does. The slow form is the desk's own budget for its planted market, about two minutes.
"""

import numpy as np
import pytest

from fund.envs.play import flat, play, random
from fund.errors import InvalidParameter
from fund.roster import rosters
from fund.training.evaluate import held_out, policy_named
from fund.training.store import ModelStore
from fund.training.train import Budget, settings_of, train

# the allocator holds something always, and has its own tests
DESKS = [
    name
    for name, spec in rosters().items()
    if {"planted", "null"} <= set(spec.cls.presets) and spec.cls().flat_action is not None
]
EPISODES = 4000
QUICK = 0.25  # of the planted market's steps


def trained(name, preset, steps, folder):
    """The desk's strategy under a preset, and the policy that its agent has learnt in so many steps."""
    spec = rosters()[name]
    strategy, store = spec.cls.preset(preset), ModelStore(folder)
    settings = settings_of(spec, preset, {"evaluations": 3, "evaluation_paths": 512})
    train(spec, strategy, preset, Budget(int(steps)), 0, store, settings)
    return strategy, policy_named(strategy, "best", store, preset)


def standard_error(values):
    return values.std() / np.sqrt(len(values))


def best_rule(strategy):
    """Rewards of the best of the desk's rules that this world knows."""
    found = []
    for rule in strategy.rules.values():
        try:
            found.append(play(strategy, rule(strategy), held_out(EPISODES)).reward)
        except InvalidParameter:
            continue
    return max(found, key=lambda reward: reward.mean())


def share_of_the_rule(name, steps, folder):
    """What the agent earns over doing nothing, as a share of the best rule's, and that in standard errors."""
    strategy, agent = trained(name, "planted", steps, folder)
    idle = play(strategy, flat(strategy), held_out(EPISODES)).reward
    earned = play(strategy, agent, held_out(EPISODES)).reward - idle
    return earned.mean() / (best_rule(strategy) - idle).mean(), earned.mean() / standard_error(earned)


@pytest.mark.parametrize("name", DESKS)
def test_the_planted_signal_is_found_in_seconds(name, tmp_path):
    steps = settings_of(rosters()[name], "planted").steps
    share, errors = share_of_the_rule(name, QUICK * steps, tmp_path)
    assert errors > 4.0
    assert share > 0.25


@pytest.mark.slow
@pytest.mark.acceptance
@pytest.mark.parametrize("name", DESKS)
def test_the_planted_signal_is_used_in_two_minutes(name, tmp_path):
    share, errors = share_of_the_rule(name, settings_of(rosters()[name], "planted").steps, tmp_path)
    assert errors > 4.0
    assert share > 0.9


def null_steps(name):
    """Steps of the desk's own settings for its null market, or where it has none of its planted one's."""
    spec = rosters()[name]
    return settings_of(spec, "null" if "null" in spec.settings else "planted").steps


def null_outcome(name, steps, folder):
    """Net P&L of the agent that the null market has trained, and value traded beside the random policy's."""
    strategy, agent = trained(name, "null", steps, folder)
    played = play(strategy, agent, held_out(EPISODES))
    reference = play(strategy, random(strategy), held_out(EPISODES))
    return played.nav[-1] - played.nav[0], played.traded.mean() / reference.traded.mean()


@pytest.mark.parametrize("name", DESKS)
def test_nothing_is_earned_on_the_null_market(name, tmp_path):
    pnl, _ = null_outcome(name, QUICK * null_steps(name), tmp_path)
    assert pnl.mean() <= 3.0 * standard_error(pnl)


@pytest.mark.slow
@pytest.mark.acceptance
@pytest.mark.parametrize("name", DESKS)
def test_positions_shrink_on_the_null_market(name, tmp_path):
    pnl, traded = null_outcome(name, null_steps(name), tmp_path)
    assert pnl.mean() <= 3.0 * standard_error(pnl)
    assert traded < 0.5
