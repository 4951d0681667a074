"""Every environment passes every check (ECOSYSTEM, rows 16 to 24), and every check sees the fault it is there for."""

import json
import sys
import types

import numpy as np
import pytest

from fund.__main__ import main
from fund.envs import turns
from fund.envs.conformance import ENVIRONMENTS, LEVELS, conform, environment_module
from fund.envs.conventions import CONVENTIONS
from fund.envs.strategic import StrategicMarketEnv, StrategicParallelEnv
from fund.errors import InvalidParameter, UnknownName


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_all_checks_hold(name):
    found = conform(environment_module(name))
    assert {check: said for check, said in found.items() if said != "ok"} == {}
    assert len(found) == 22


def module(aec=StrategicMarketEnv, parallel=StrategicParallelEnv, guard=turns.wrapped, name="theirs", **own):
    return types.SimpleNamespace(
        __name__=name,
        raw_env=aec,
        env=lambda *given, **named: guard(aec(*given, **named)),
        parallel_env=parallel,
        **own,
    )


def test_a_users_module_is_checked_alike():
    assert set(conform(module(), "validate").values()) == {"ok"}


class Endless(StrategicParallelEnv):
    def step(self, actions):
        out = super().step(actions)
        self.agents = list(self.possible_agents)
        return out


class Late(StrategicMarketEnv):
    def step(self, action):
        super().step(action)
        self.rewards = {agent: reward * (1 + 1e-12) for agent, reward in self.rewards.items()}


class Outside(StrategicParallelEnv):
    def observe(self, agent):
        return super().observe(agent) + 1e7


class Squashed(StrategicMarketEnv):
    def observe(self, agent):
        return super().observe(agent) + 1e7


class SeedlessTurns(StrategicMarketEnv):
    def reset(self, seed=None, options=None):
        super().reset(seed=int(np.random.default_rng().integers(2**31)))


class Short(StrategicParallelEnv):
    def __init__(self, *given, max_cycles=None, **named):
        super().__init__(*given, max_cycles=max_cycles and max_cycles - 1, **named)


class Wordless(StrategicMarketEnv):
    def render(self):
        return 3


class Vast(StrategicMarketEnv):
    def state(self):
        return super().state() + 1e9


class Fourfold(StrategicParallelEnv):
    def step(self, actions):
        return super().step(actions)[:4]


class FreshSpaces(StrategicParallelEnv):
    def action_space(self, agent):
        space = super().action_space(agent)
        return type(space)(space.n)


class Seedless(StrategicParallelEnv):
    def reset(self, seed=None, options=None):
        return super().reset(seed=int(np.random.default_rng().integers(2**31)))


class OneSeed(StrategicParallelEnv):
    def reset(self, seed=None, options=None):
        return super().reset(seed=3)


class Hasty(StrategicParallelEnv):
    def step(self, actions):
        seen, rewards, *rest = super().step(actions)
        return seen, {agent: r + (agent == next(iter(actions))) for agent, r in rewards.items()}, *rest


class Deaf(StrategicParallelEnv):
    def step(self, actions):
        return super().step({**actions, "regime_expert": 1} if actions else actions)


class Double(StrategicParallelEnv):
    def step(self, actions):
        seen, rewards, *rest = super().step(actions)
        return seen, {agent: 2.0 * reward for agent, reward in rewards.items()}, *rest


class Stateless(StrategicParallelEnv):
    def state(self):
        return np.zeros(83, np.float32)


class Forgiving(StrategicParallelEnv):
    def step(self, actions):
        sound = {a: k if isinstance(k, (int, np.integer)) and 0 <= k < 3 else 1 for a, k in actions.items()}
        return super().step(sound)


class Undead(StrategicMarketEnv):
    def _was_dead_step(self, action):
        super()._was_dead_step(None)


class Maskless(StrategicParallelEnv):
    def _told(self, agent, info):
        return dict(info)


class Nameless(StrategicParallelEnv):
    metadata = {"render_modes": []}  # noqa: RUF012 - as users write it


@pytest.mark.parametrize(
    ("check", "broken", "said"),
    [
        ("an_episode_at_once", module(parallel=Endless), "does not end"),
        ("an_episode_at_once", module(parallel=Outside), "outside its space"),
        ("an_episode_in_turn", module(aec=Squashed), "outside its space"),
        ("api_test", module(aec=Squashed), "Out of bounds observation"),
        ("api_test_raw", module(aec=Squashed), "Out of bounds observation"),
        ("parallel_api_test", module(parallel=Fourfold), "not enough values"),
        ("seed_test", module(aec=SeedlessTurns), "Incorrect observation"),
        ("parallel_seed_test", module(parallel=Seedless), "Incorrect observation"),
        ("max_cycles_test", module(parallel=Short), "AssertionError"),
        ("render_test", module(aec=Wordless), "AssertionError"),
        ("state_test", module(aec=Vast), "outside of it's state space"),
        ("constructors_are_there", module(parallel=Nameless), 'metadata has no "name"'),
        (
            "registered",
            module(name="fund.theirs", parallel=lambda **_: types.SimpleNamespace(possible_agents=[])),
            "other agents",
        ),
        ("guards_are_on", module(guard=lambda raw: raw), "agents before reset is taken"),
        ("guards_are_on", module(guard=turns.OrderEnforcingWrapper), "InvalidAction"),
        ("agents_and_spaces_stay", module(parallel=FreshSpaces), "another space"),
        ("a_state_for_the_critic", module(parallel=Stateless), "different states"),
        ("forms_agree", module(aec=Late), "rewards"),
        ("a_seed_is_an_episode", module(parallel=Seedless), "gave another episode"),
        ("a_seed_is_an_episode", module(parallel=OneSeed), "another seed gave the same episode"),
        ("order_of_words_is_nothing", module(parallel=Hasty), "the order in which actions are named"),
        ("actions_matter", module(parallel=Deaf), "nothing that regime_expert does"),
        ("money_adds_up", module(parallel=Double), "their team earned"),
        ("wrong_use_is_named", module(parallel=Forgiving), "is taken"),
        ("wrong_use_is_named", module(aec=Undead), "which is dead, is taken"),
        ("masks_fit", module(parallel=Maskless), "no action_mask"),
    ],
)
def test_a_fault_is_seen(check, broken, said, monkeypatch):
    monkeypatch.setitem(LEVELS, "one", {check: LEVELS["comprehensive"][check]})
    found = conform(broken, "one")[check]
    assert found != "ok"
    assert said in found


def test_levels_are_what_they_say():
    assert list(LEVELS) == ["minimal", "verify", "validate", "comprehensive", "benchmark"]
    assert {*LEVELS["minimal"], *LEVELS["verify"], *LEVELS["validate"]} == set(LEVELS["comprehensive"])
    assert LEVELS["validate"] == CONVENTIONS
    wanted = "api_test parallel_api_test seed_test parallel_seed_test max_cycles_test render_test state_test"
    assert set(LEVELS["verify"]) >= set(wanted.split())


def test_speeds_of_both_forms():
    found = conform(environment_module("risk"), "benchmark")
    assert set(found) == {"aec_agent_steps_per_second", "parallel_agent_steps_per_second"}
    assert all(speed > 0.0 for speed in found.values())


def test_wrong_names_are_answered():
    with pytest.raises(UnknownName, match='Did you mean "strategic"'):
        environment_module("strategc")
    with pytest.raises(UnknownName, match='Did you mean "validate"'):
        conform(module(), "validat")
    with pytest.raises(InvalidParameter, match=r"module json has no env\(\)"):
        environment_module("json")


def test_every_check_has_a_fault_that_it_sees():
    marks = [m for m in test_a_fault_is_seen.pytestmark if m.name == "parametrize"]
    assert {check for check, *_ in marks[0].args[1]} == set(LEVELS["comprehensive"])


def test_the_command_reaches_every_level(capsys):
    for level in LEVELS:
        if level != "one":
            assert main(["verify", "risk", "--level", level, "--json"]) == 0
            told = json.loads(capsys.readouterr().out.splitlines()[-1])
            assert told["level"] == level
            assert told["broken"] == 0
            assert len(told["environments"]["risk"]) == (len(LEVELS[level]) or 2)
    assert main(["verify", "all", "--level", "minimal", "--json"]) == 0
    assert list(json.loads(capsys.readouterr().out)["environments"]) == list(ENVIRONMENTS)
    assert main(["verify", "rsk"]) == 2
    assert 'Did you mean "risk"' in capsys.readouterr().err


def test_what_is_broken_fails_the_command(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "theirs", module(parallel=Double))
    assert main(["verify", "theirs", "--level", "validate"]) == 1
    assert "their team earned" in capsys.readouterr().out
