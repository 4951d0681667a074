"""The strategic and tactical environments as PettingZoo's own tests, D0's document and INVARIANTS want them."""

import pickle
import subprocess
import sys
import warnings

import numpy as np
import pytest

with warnings.catch_warnings():  # its own tests import its own deprecated worlds
    warnings.simplefilter("ignore")
    from pettingzoo.test import api_test, parallel_api_test

from fund.envs import strategic, tactical
from fund.envs.turns import ClipReward
from fund.errors import InvalidAction, ResetNeeded, UnknownName

MODULES = {"strategic": strategic, "tactical": tactical}
AGENTS = {
    "strategic": ["mlmi_expert", "nwrqk_expert", "regime_expert"],
    "tactical": ["fvg_agent", "momentum_agent", "entry_opt_agent"],
}
SHAPES = {"strategic": (48, 13), "tactical": (60, 7)}


@pytest.mark.filterwarnings("ignore::UserWarning")  # the checkers advise on names and unusual spaces
@pytest.mark.parametrize("module", MODULES.values(), ids=MODULES)
def test_api_with_probabilities(module):
    section = module.env().unwrapped.stage.section
    config = {section: {"environment": {"superposition": True, "max_episode_steps": 20}}}
    api_test(module.env(config), num_cycles=60)
    parallel_api_test(module.parallel_env(config), num_cycles=60)


@pytest.mark.parametrize("name", MODULES)
def test_as_the_document_has_it(name):
    module = MODULES[name]
    environment = module.raw_env()
    assert environment.possible_agents == AGENTS[name]
    assert environment.metadata["name"] == f"{name}_v0"
    assert environment.metadata["is_parallelizable"]
    environment.reset(seed=0)
    for agent in AGENTS[name]:
        space = environment.observation_space(agent)
        assert space is environment.observation_space(agent)
        assert space.shape == SHAPES[name]
        assert space.dtype == np.float32
        assert environment.action_space(agent).n == 3
        seen = environment.observe(agent)
        own = [environment.stage.matrix.index(c) for c in environment._rounds._agents[agent].columns]
        others = [k for k in range(SHAPES[name][1]) if k not in own]
        assert (seen[:, own] != 0.0).any(axis=0).all()
        assert not seen[:-1, others].any()
    assert environment.state_space.shape == ((83,) if name == "strategic" else (48,))


def test_observation_noise_and_reward_scaling_have_their_size():
    def run(noise, scale):
        environment_config = {"observation_noise": noise, "reward_scaling": scale, "max_episode_steps": 40}
        environment = strategic.parallel_env({"strategic_marl": {"environment": environment_config}})
        seen, _ = environment.reset(seed=3)
        rewards = environment.step(dict.fromkeys(environment.agents, 2))[1]
        return seen["nwrqk_expert"][:-1, 4:8], rewards["mlmi_expert"]

    plain, one = run(0.0, 1.0)
    noisy, ten = run(0.2, 10.0)
    assert (noisy - plain).std() == pytest.approx(0.2, rel=0.2)
    assert ten == pytest.approx(10.0 * one)


def test_another_process_and_hash_seed():
    code = (
        "import hashlib, numpy as np\n"
        "from fund.envs.strategic import parallel_env\n"
        "e = parallel_env(max_cycles=15); e.reset(seed=5); h = hashlib.sha256()\n"
        "for k in range(15):\n"
        "    s, r, *_ = e.step({a: (k + i) % 3 for i, a in enumerate(e.agents)})\n"
        "    [h.update(v.tobytes()) for v in s.values()]; h.update(np.array(list(r.values())).tobytes())\n"
        "print(h.hexdigest())\n"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True,
            env={"PYTHONHASHSEED": seed, "PATH": ""},
        ).stdout
        for seed in ("0", "4")
    ]  # fmt: skip
    assert runs[0] == runs[1]
    assert len(runs[0]) == 65


@pytest.mark.parametrize("name", MODULES)
def test_wrong_use_is_named(name):
    module = MODULES[name]
    first, second, third = AGENTS[name]
    raw, together = module.raw_env(max_cycles=2), module.parallel_env(max_cycles=2)
    with pytest.raises(ResetNeeded, match="call reset"):
        raw.step(0)
    with pytest.raises(ResetNeeded, match="call reset"):
        together.step(dict.fromkeys(AGENTS[name], 0))
    guarded = module.env(max_cycles=2)
    with pytest.raises(Exception, match="reset"):
        guarded.step(0)
    with pytest.raises(AttributeError, match="reset"):
        _ = guarded.agents
    guarded.reset(seed=0)
    with pytest.raises(AssertionError, match="action space"):
        guarded.step(3)
    together.reset(seed=0)
    before = together.ledger.block.copy()
    for wrong in (3, -1, 0.5, float("nan"), [0, 1], None):
        with pytest.raises((InvalidAction, TypeError, ValueError)):
            together.step({first: wrong, second: 0, third: 0})
    with pytest.raises(InvalidAction, match=f"no action of {third}"):
        together.step({first: 0, second: 0})
    with pytest.raises(UnknownName, match=first):
        together.step({**dict.fromkeys(AGENTS[name], 0), first[:-1]: 0})
    np.testing.assert_array_equal(before, together.ledger.block)
    for _ in range(2):
        together.step(dict.fromkeys(AGENTS[name], np.int64(2)))
    assert together.step({}) == ({}, {}, {}, {}, {})


@pytest.mark.parametrize("name", MODULES)
def test_a_dead_agent_steps_with_none_and_gets_nothing(name):
    """G5: the flag is set once, nothing is paid after it."""
    raw = MODULES[name].raw_env(max_cycles=1)
    raw.reset(seed=0)
    for _ in range(3):
        raw.step(2)
    assert all(raw.truncations.values())
    paid = dict(raw.rewards)
    assert any(paid.values())
    with pytest.raises(ValueError, match="dead"):
        raw.step(2)
    for left in (2, 1, 0):
        raw.step(None)
        assert len(raw.agents) == left
        assert not any(raw.rewards.values())
    with pytest.raises(ResetNeeded):
        raw.step(None)


@pytest.mark.parametrize("name", MODULES)
def test_pickles_whole_and_does_not_alias(name):
    environment = MODULES[name].parallel_env(max_cycles=30)
    environment.reset(seed=2)
    actions = dict.fromkeys(AGENTS[name], 2)
    seen, *_ = environment.step(actions)
    kept = {agent: value.copy() for agent, value in seen.items()}
    other = pickle.loads(pickle.dumps(environment))  # noqa: S301 - our own
    for _ in range(5):
        one, two = environment.step(actions), other.step(actions)
        assert one[1] == two[1]
        assert one[4] == two[4]
    for agent, value in seen.items():
        np.testing.assert_array_equal(value, kept[agent])


def test_ruin_terminates():
    environment = strategic.parallel_env(max_cycles=30, ruin=0.9999, position_limit=1.0)
    environment.reset(seed=0)
    for _ in range(30):
        *_, ended, cut, _ = environment.step(dict.fromkeys(environment.agents, 2))
        if not environment.agents:
            break
    assert all(ended.values())
    assert not any(cut.values())


def test_probabilities_are_what_a_choice_is():
    config = {"strategic_marl": {"environment": {"superposition": True, "max_episode_steps": 10}}}
    one, two = strategic.parallel_env(config), strategic.parallel_env(max_cycles=10)
    one.reset(seed=1)
    two.reset(seed=1)
    sure = np.eye(3, dtype=np.float32)
    for k in range(9):
        a = one.step({name: sure[(k + i) % 3] for i, name in enumerate(one.agents)})
        b = two.step({name: (k + i) % 3 for i, name in enumerate(two.agents)})
        assert a[1] == b[1]


def test_the_state_machine_goes_round():
    raw = tactical.TacticalMarketEnv(max_cycles=3)
    raw.reset(seed=0)
    order = ["AWAITING_MOMENTUM", "AWAITING_ENTRY_OPT", "READY_FOR_AGGREGATION"]
    assert raw.get_state_machine_status() == "AWAITING_FVG"
    for _ in range(2):
        for status in order:
            raw.step(1)
            assert raw.get_state_machine_status() == status
    raw.reset()
    assert raw.get_state_machine_status() == "AWAITING_FVG"


def test_later_speakers_see_earlier_decisions_in_the_matrix():
    raw = tactical.raw_env(max_cycles=5)
    raw.reset(seed=0)
    before = raw.observe("momentum_agent")
    raw.step(0)
    after = raw.observe("momentum_agent")
    assert np.argwhere(before != after).tolist() == [[59, 0]]  # the last row, the first column of another
    assert after[59, 0] == -1.0
    together = tactical.parallel_env(max_cycles=5)
    seen, _ = together.reset(seed=0)
    np.testing.assert_array_equal(seen["momentum_agent"], before)


def test_queries_answer_from_the_episode_also_through_the_guards():
    environment = strategic.create_strategic_environment(max_cycles=50)
    environment.reset(seed=3)
    for _ in environment.agent_iter(3 * 30):
        environment.last()
        environment.step(2)
    assert set(environment.get_agent_contributions()) == set(AGENTS["strategic"])
    gain = environment.unwrapped.ledger.books.nav[0] - 1e6
    assert sum(environment.get_agent_contributions().values()) == pytest.approx(gain, abs=1e-6)
    assert -1.0 <= environment.get_synergy_score() <= 1.0
    assert environment.get_regime_state()["regime"] in ("calm", "normal", "stressed")
    other = tactical.create_tactical_environment(max_cycles=50)
    other.reset(seed=3)
    for _ in range(3 * 30):
        other.step(2)
    assert other.get_execution_metrics()["traded"] > 0.0
    assert isinstance(other.get_fvg_patterns(), list)


def test_debug_modes(caplog):
    config = {
        "debug": True,
        "verbose_logging": True,
        "performance_monitoring": True,
        "state_validation": True,
    }
    environment = strategic.StrategicMarketEnv(config, max_cycles=4)
    environment.reset(seed=0)
    with caplog.at_level("INFO", logger="fund.grandmodel"):
        for _ in range(6):
            environment.step(2)
    assert environment.performance["rounds"] == 2
    assert environment.performance["seconds"] > 0.0
    assert len(caplog.records) == 2
    assert not strategic.StrategicMarketEnv().debug.verbose_logging


def test_pictures_show_the_episode():
    environment = tactical.parallel_env(max_cycles=30, render_mode="rgb_array")
    environment.reset(seed=0)
    first = environment.render()
    for _ in range(20):
        environment.step(dict.fromkeys(environment.agents, 2))
    picture = environment.render()
    assert picture.shape == first.shape
    assert picture.dtype == np.uint8
    assert (picture != first).mean() > 0.01
    text = tactical.parallel_env(max_cycles=3, render_mode="ansi")
    text.reset(seed=0)
    for word in ("tactical", "nav", "fvg_agent", "price_momentum", "reward"):
        assert word in text.render()
    with pytest.raises(UnknownName, match="rgb_array"):
        tactical.parallel_env(render_mode="rgb")


def test_rewards_can_be_clipped():
    inner = strategic.raw_env(max_cycles=10, reward_scale=1e4)
    environment = ClipReward(inner, 0.5)
    environment.reset(seed=0)
    seen = []
    for _ in environment.agent_iter():
        _, reward, ended, cut, _ = environment.last()
        seen.append(reward)
        environment.step(None if ended or cut else 2)
    assert max(map(abs, seen)) <= 0.5
    assert max(map(abs, seen)) == 0.5


@pytest.mark.slow
@pytest.mark.parametrize("name", MODULES)
def test_speed(name):
    """A million agent steps a second in a batch, on a machine that may be busy: a tenth of that must be there."""
    import time

    from fund.envs.rounds import Rounds

    rounds = Rounds(MODULES[name].raw_env(max_cycles=50).stage, 512)
    generator = np.random.default_rng(0)
    said = [{a: generator.integers(0, 3, 512) for a in AGENTS[name]} for _ in range(50)]
    best = 0.0
    for _ in range(4):
        rounds.reset(0)
        begun = time.perf_counter()
        for actions in said:
            rounds.step(actions)
        best = max(best, 3 * 512 * 50 / (time.perf_counter() - begun))
    assert best > 1e5
