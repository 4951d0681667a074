"""What holds for the environments of all four stages: PettingZoo's own tests, and INVARIANTS D and G."""

import warnings

import numpy as np
import pettingzoo
import pytest

with warnings.catch_warnings():  # its own tests import its own deprecated worlds
    warnings.simplefilter("ignore")
    from pettingzoo.test import (
        api_test,
        max_cycles_test,
        parallel_api_test,
        parallel_seed_test,
        render_test,
        seed_test,
    )
    from pettingzoo.test.state_test import state_test

from fund.envs import execution, risk, strategic, tactical
from fund.errors import InvalidAction, ResetNeeded, UnknownName

MODULES = {"strategic": strategic, "tactical": tactical, "risk": risk, "execution": execution}


def sampled(environment, seed=0):
    for k, agent in enumerate(environment.possible_agents):
        environment.action_space(agent).seed(seed + k)
    return lambda: {agent: environment.action_space(agent).sample() for agent in environment.possible_agents}


@pytest.mark.filterwarnings("ignore::UserWarning")  # the checkers advise on names and unusual spaces
@pytest.mark.parametrize("module", MODULES.values(), ids=MODULES)
class TestPettingZoo:
    """Its own checks."""

    def test_api(self, module):
        api_test(module.env(max_cycles=20), num_cycles=100)
        api_test(module.raw_env(max_cycles=20), num_cycles=100)

    def test_parallel_api(self, module):
        parallel_api_test(module.parallel_env(max_cycles=20), num_cycles=100)

    def test_seeds(self, module):
        seed_test(lambda: module.env(max_cycles=20), num_cycles=60)
        parallel_seed_test(lambda: module.parallel_env(max_cycles=20))

    def test_render(self, module, capsys):
        render_test(lambda **given: module.env(max_cycles=20, **given))
        assert "nav" in capsys.readouterr().out

    def test_max_cycles(self, module):
        max_cycles_test(module)

    def test_state(self, module):
        state_test(module.env(max_cycles=20), module.parallel_env(max_cycles=20))


@pytest.mark.parametrize("name", MODULES)
def test_registry(name):
    one = pettingzoo.make("aec", f"fund/{name}-v0", max_cycles=5)
    two = pettingzoo.make("parallel", f"fund/{name}-v0", max_cycles=5)
    assert one.unwrapped.possible_agents == two.possible_agents
    assert two.stage.strategy.n_steps == 5


@pytest.mark.parametrize("name", MODULES)
def test_an_episode_ends_with_its_last_cycle(name):
    environment = MODULES[name].parallel_env(max_cycles=4)
    environment.reset(seed=0)
    draw = sampled(environment)
    for k in range(4):
        _, _, ended, cut, _ = environment.step(draw())
        assert all(cut.values()) is (k == 3)
        assert not any(ended.values())
    assert environment.agents == []


@pytest.mark.parametrize("name", MODULES)
def test_spaces_and_state(name):
    environment = MODULES[name].parallel_env()
    environment.reset(seed=0)
    assert environment.state().shape == environment.state_space.shape
    assert np.isfinite(environment.state()).all()
    for agent in environment.agents:
        assert environment.observation_space(agent) is environment.observation_space(agent)


@pytest.mark.parametrize("name", MODULES)
def test_step_before_reset(name):
    with pytest.raises(ResetNeeded):
        MODULES[name].raw_env().step(2)


@pytest.mark.parametrize("name", MODULES)
def test_aec_and_parallel_agree(name):
    """G1: rewards, observations at the start of a round and ledger, bit for bit, over whole episodes."""
    module = MODULES[name]
    turn, together = module.raw_env(max_cycles=25), module.parallel_env(max_cycles=25)
    draw = sampled(together, 1)
    for seed in (4, None):
        turn.reset(seed=seed)
        seen, infos = together.reset(seed=seed)
        while together.agents:
            live = list(together.agents)
            for agent in live:
                np.testing.assert_array_equal(turn.observe(agent), seen[agent])
                assert turn.infos[agent] == infos[agent]
            np.testing.assert_array_equal(turn.state(), together.state())
            actions = draw()
            for agent in live:
                turn.step(actions[agent])
            seen, rewards, ended, cut, infos = together.step(actions)
            assert rewards == turn.rewards
            assert cut == turn.truncations
            assert ended == turn.terminations
            np.testing.assert_array_equal(turn.ledger.block, together.ledger.block)


@pytest.mark.parametrize("name", MODULES)
def test_rewards_add_up_to_the_teams(name):
    """G2: the agents' rewards sum to the parts', and the P&L is counted once."""
    environment = MODULES[name].parallel_env(max_cycles=40)
    environment.reset(seed=0)
    draw, nav = sampled(environment), environment.ledger.books.nav[0]
    world = environment.stage.strategy
    while environment.agents:
        _, rewards, _, _, infos = environment.step(draw())
        info = infos[environment.possible_agents[0]]
        team = sum(info["reward_parts"].values())
        assert sum(rewards.values()) == pytest.approx(team, rel=1e-12, abs=1e-12)
        assert info["reward_parts"]["pnl"] == pytest.approx(
            world.reward_of_money * (info["nav"] - nav), rel=1e-9, abs=1e-12
        )
        assert sum(info["pnl"].values()) == pytest.approx(info["nav"] - nav, abs=1e-6)
        nav = info["nav"]


def trajectory(environment, steps=60, seed=7):
    draw, rows = sampled(environment), []
    seen, _ = environment.reset(seed=seed)
    for _ in range(steps):
        if not environment.agents:
            seen, _ = environment.reset()
        rows.append(np.concatenate([seen[a].ravel() for a in environment.agents]))
        seen, rewards, *_ = environment.step(draw())
        rows.append(np.array(list(rewards.values())))
    return rows


@pytest.mark.parametrize("name", MODULES)
def test_two_instances_and_one_used_are_one(name):
    """D1, D5: whole episodes, bit for bit, interleaved with another instance and after other seeds."""
    make = MODULES[name].parallel_env
    first, used = trajectory(make(max_cycles=25)), make(max_cycles=25)
    trajectory(used, 10, 99)
    np.random.seed(3)  # noqa: NPY002 - the global state is what must not matter
    for again in (trajectory(make(max_cycles=25)), trajectory(used)):
        assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))


@pytest.mark.parametrize("name", MODULES)
def test_wrong_actions_are_named_in_both_forms(name):
    """Words, nan, another shape, one too many or too few: InvalidAction with the agent, and nothing has moved."""
    turn, together = MODULES[name].raw_env(max_cycles=3), MODULES[name].parallel_env(max_cycles=3)
    first, *rest = together.possible_agents
    good = sampled(together)()
    for wrong in ("long", object(), float("nan"), np.full(9, 0.5), None):
        turn.reset(seed=0)
        together.reset(seed=0)
        before = together.ledger.block.copy()
        for act in (lambda w=wrong: turn.step(w), lambda w=wrong: together.step({**good, first: w})):
            with pytest.raises(InvalidAction, match=first):
                act()
        np.testing.assert_array_equal(before, together.ledger.block)
        assert turn.agent_selection == first
    with pytest.raises(InvalidAction, match=f"no action of {first}"):
        together.step({agent: good[agent] for agent in rest})
    with pytest.raises(UnknownName, match=f'Did you mean "{first}"'):
        together.step({**good, first[:-1]: good[first]})


@pytest.mark.parametrize("mode", ["human", "rgb_array", "ansi"])
@pytest.mark.parametrize("name", MODULES)
def test_every_stage_is_rendered_in_every_mode(name, mode, capsys):
    environment = MODULES[name].parallel_env(max_cycles=30, render_mode=mode)
    environment.reset(seed=0)
    first, draw = environment.render(), sampled(environment)
    for _ in range(20):
        environment.step(draw())
    shown = environment.render()
    if mode == "rgb_array":
        assert shown.shape == first.shape and shown.dtype == np.uint8
        assert (shown != first).mean() > 0.005  # the episode is drawn, not a frame
        return
    text = capsys.readouterr().out if mode == "human" else shown
    for word in (name, "nav", "reward", *environment.possible_agents):
        assert word in text


@pytest.mark.parametrize("name", MODULES)
def test_the_dead_step_with_none_and_are_paid_nothing(name):
    """G5: the flag is set once, nothing is paid after it, and there is nothing left to step."""
    turn = MODULES[name].raw_env(max_cycles=1)
    turn.reset(seed=0)
    draw = sampled(turn)()
    for agent in list(turn.agents):
        turn.step(draw[agent])
    assert all(turn.truncations.values()) and not any(turn.terminations.values())
    with pytest.raises(ValueError, match="dead"):
        turn.step(draw[turn.agent_selection])
    for left in reversed(range(len(turn.agents))):
        turn.step(None)
        assert len(turn.agents) == left
        assert not any(turn.rewards.values())
    with pytest.raises(ResetNeeded):
        turn.step(None)
