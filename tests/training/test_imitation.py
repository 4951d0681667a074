"""An agent that starts from a rule: what it does, what it thinks that is worth, and what it learns from then on."""

import dataclasses

import numpy as np
import pytest
import torch
from trend_following import TrendFollowing

from fund.envs.batch import Batch
from fund.envs.play import play
from fund.errors import UnknownName
from fund.market.streams import Paths
from fund.roster import rosters
from fund.training import imitation
from fund.training.checkpoint import core_of
from fund.training.evaluate import SELECTION_SEEDS, held_out
from fund.training.learners import Paired, Settings, learner, training_env
from fund.training.network import Network
from fund.training.selection import score
from fund.training.store import ModelStore
from fund.training.train import MANY_PATHS, _shortened, settings_of, train

SMALL = {"n_envs": 16, "net_arch": [16], "start_steps": 8000, "start_updates": 500, "learning_rate": 1e-3}
MODELS = {
    "PPO": {"n_steps": 16, "batch_size": 64, "n_epochs": 2, "gamma": 0.5},
    "DDPG": {"batch_size": 64, "buffer_size": 20_000, "gamma": 0.5},
    "DQN": {"batch_size": 64, "buffer_size": 20_000, "gamma": 0.5},
}


def world_of(algorithm):
    if algorithm == "DQN":
        return rosters()["factor_tracking"].cls.preset("planted").with_steps(20), "valuation_momentum"
    return TrendFollowing.preset("planted").with_steps(20), "momentum"


def started(algorithm, **changes):
    """A model that has learnt its rule and nothing else, its strategy and the rule."""
    strategy, name = world_of(algorithm)
    settings = Settings.of({**SMALL, "start": name, "model": MODELS[algorithm], **changes})
    rule = strategy.rules[name](strategy)
    model = learner(algorithm, training_env(strategy, settings, 0, rule), strategy, settings, 0)
    imitation.start(model, core_of(model), rule, settings)
    return model, strategy, rule


@pytest.mark.parametrize("algorithm", ["PPO", "DDPG", "DQN"])
def test_a_started_agent_acts_as_its_rule(algorithm):
    model, strategy, rule = started(algorithm)
    network = Network.of(model.policy.state_dict(), algorithm, "tanh", strategy.actions)
    batch = Batch(strategy, 500)
    batch.start(held_out(500))
    for _ in range(10):
        view = batch.view()
        wanted, done = np.asarray(rule(view)), np.asarray(network(view.observation))
        if algorithm == "DQN":
            assert (wanted == done).mean() > 0.6  # of 27 choices
        else:
            assert np.corrcoef(wanted[:, 0], done[:, 0])[0, 1] > 0.95
        batch.step(wanted)


@pytest.mark.parametrize("algorithm", ["PPO", "DDPG"])
def test_values_are_those_of_following_the_rule(algorithm):
    """The oracle is the discounted reward of the rule, played out; without noise on its actions."""
    model, strategy, rule = started(algorithm, start_noise=0.0, start_steps=40_000, start_updates=1500)
    batch, gamma = Batch(strategy, 4000), 0.5
    first = batch.start(held_out(4000)).copy()
    action = np.asarray(rule(batch.view()), dtype=np.float32)
    found, weight = np.zeros(4000), 1.0
    for _ in range(12):
        found += weight * batch.step(rule(batch.view())).reward
        weight *= gamma
    with torch.no_grad():
        seen = torch.from_numpy(first)
        if algorithm == "PPO":
            said = model.policy.predict_values(seen)
        else:
            said = model.critic(seen, torch.from_numpy(model.policy.scale_action(action)))[0]
    said = said.numpy()[:, 0]
    error = found.std() / np.sqrt(len(found))
    assert said.mean() == pytest.approx(found.mean(), abs=4.0 * error + 0.1 * abs(found.mean()))


def test_the_best_rule_is_the_one_that_does_best_on_the_selection_episodes():
    strategy = rosters()["statistical_arbitrage"].cls.preset("boguslavsky").with_steps(20)
    paths = Paths.of(SELECTION_SEEDS, 512)
    worth = {}
    for name in ("gatev", "bertram", "myopic", "kelly"):
        worth[name] = score(strategy, play(strategy, strategy.rules[name](strategy), paths))
    found = imitation.rule_of(strategy, "best", 512)
    assert found != "optimum"
    assert score(strategy, play(strategy, strategy.rules[found](strategy), paths)) >= max(worth.values())


def test_a_rule_of_another_name_is_answered_with_the_nearest():
    with pytest.raises(UnknownName, match='Did you mean "momentum"'):
        imitation.rule_of(world_of("PPO")[0], "momentun", 8)


def test_paired_rewards_are_those_of_two_accounts_on_one_tape():
    """The oracle is two batches of the same paths, one for the agent and one for the rule, over two episodes."""
    strategy, name = world_of("PPO")
    rule = strategy.rules[name](strategy)
    env = training_env(strategy, Settings.of({"n_envs": 5, "paired": True}), 7, rule)
    env.reset()
    generator = np.random.default_rng(0)
    for episode in range(2):
        ours, theirs = Batch(strategy, 5), Batch(strategy, 5)
        paths = Paths(tuple(range(7, 12)), (episode,) * 5)
        ours.start(paths), theirs.start(paths)
        for _ in range(strategy.n_steps):
            action = generator.uniform(-1.0, 1.0, (5, 1)).astype(np.float32)
            expected = ours.step(action).reward - theirs.step(rule(theirs.view())).reward
            assert env.step(action)[1] == pytest.approx(expected, abs=1e-6)


def test_who_plays_as_the_rule_earns_nothing_over_it():
    strategy, name = world_of("PPO")
    rule = strategy.rules[name](strategy)
    env = training_env(strategy, Settings.of({"n_envs": 8, "paired": True}), 0, rule)
    env.reset()
    pair = env if isinstance(env, Paired) else env.venv
    for _ in range(2 * strategy.n_steps + 3):
        assert not env.step(rule(pair.core.batch.view()))[1].any()


def test_a_training_cut_short_starts_from_less_and_is_selected_on_less():
    usual = Settings(steps=1000, start="best", start_updates=400, evaluation_paths=8 * MANY_PATHS)
    assert _shortened(usual, 500) == usual
    cut = _shortened(usual, 100)  # a fifth
    assert (cut.start_updates, cut.evaluation_paths) == (80, int(0.2 * 8 * MANY_PATHS))
    assert _shortened(usual, 10).evaluation_paths == MANY_PATHS
    assert _shortened(dataclasses.replace(usual, evaluation_paths=512), 10).evaluation_paths == 512


@pytest.mark.parametrize("algorithm", ["PPO", "DDPG", "DQN"])
def test_training_goes_on_from_the_rule(algorithm, subject, tmp_path):
    spec, strategy = subject(algorithm)
    changes = {"start": "best", "start_steps": 800, "start_updates": 50, "paired": True}
    done = train(spec, strategy, store=ModelStore(tmp_path), settings=settings_of(spec, changes=changes))
    assert done.history[0][0] == 0
    assert done.history[-1][0] >= 800
    assert done.card.settings["start"] in strategy.rules
