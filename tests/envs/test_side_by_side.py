"""Several environments side by side are each what it is alone."""

import numpy as np
import pytest

from fund.envs import risk, strategic, tactical
from fund.envs.side_by_side import SideBySide
from fund.errors import InvalidAction, InvalidParameter, ResetNeeded, UnknownName

STEPS = {"strategic": 4, "risk": 7}


def pair(**given):
    return SideBySide(
        {
            "strategic": strategic.parallel_env(max_cycles=STEPS["strategic"]),
            "risk": risk.parallel_env(max_cycles=STEPS["risk"]),
        },
        **given,
    )


def same(several, k=0):
    return {
        name: {agent: (k + j) % 3 for j, agent in enumerate(several.environments[name].agents)}
        for name in several.live
    }


def test_each_is_what_it_is_alone_and_leaves_at_its_end():
    several, alone = (
        pair(),
        {"strategic": strategic.parallel_env(max_cycles=4), "risk": risk.parallel_env(max_cycles=7)},
    )
    seen = several.reset_all(seed=11)
    for k, (name, env) in enumerate(alone.items()):
        first, _ = env.reset(seed=11 + k)
        for agent, value in first.items():
            np.testing.assert_array_equal(seen[name][0][agent], value)
    for t in range(7):
        actions = same(several, t)
        assert set(actions) == {name for name, steps in STEPS.items() if t < steps}
        out = several.step_all(actions)
        for name, stepped in out.items():
            wanted = alone[name].step(actions[name])
            assert stepped.rewards == wanted[1]
            assert stepped.truncations == wanted[3]
            for agent, value in wanted[0].items():
                np.testing.assert_array_equal(stepped.observations[agent], value)
    assert several.live == ()
    assert several.step_all({}) == {}


def test_autoreset_begins_the_next_episode():
    several, alone = pair(autoreset=True), strategic.parallel_env(max_cycles=4)
    several.reset_all(seed=11)
    alone.reset(seed=11)
    for t in range(4):
        actions = same(several, t)
        out = several.step_all(actions)
        alone.step(actions["strategic"])
    assert out["strategic"].began
    assert all(out["strategic"].truncations.values())
    assert not out["risk"].began
    following, _ = alone.reset()
    for agent, value in following.items():
        np.testing.assert_array_equal(out["strategic"].observations[agent], value)
    assert set(several.live) == {"strategic", "risk"}


def test_seeds_by_name():
    several = SideBySide({"a": tactical.parallel_env(max_cycles=3), "b": tactical.parallel_env(max_cycles=3)})
    alike, other = several.reset_all(seed={"a": 5, "b": 5}), several.reset_all(seed=5)
    agent = "momentum_agent"
    np.testing.assert_array_equal(alike["a"][0][agent], alike["b"][0][agent])
    np.testing.assert_array_equal(alike["a"][0][agent], other["a"][0][agent])
    assert not np.array_equal(other["a"][0][agent], other["b"][0][agent])


def test_an_aec_environment_is_taken_in_its_parallel_form():
    several = SideBySide({"aec": risk.env(max_cycles=3), "parallel": risk.parallel_env(max_cycles=3)})
    several.reset_all(seed={"aec": 2, "parallel": 2})
    for t in range(3):
        out = several.step_all(
            {name: dict.fromkeys(several.environments[name].agents, t % 5) for name in several.live}
        )
        assert out["aec"].rewards == out["parallel"].rewards
    assert several.live == ()
    several.close_all()


def test_wrong_use_is_named():
    several = pair()
    with pytest.raises(ResetNeeded, match="reset_all first"):
        several.step_all({})
    several.reset_all(seed=0)
    before = several.environments["risk"].ledger.block.copy()
    with pytest.raises(UnknownName, match='Did you mean "strategic"'):
        several.step_all({"strategc": {}})
    with pytest.raises(InvalidAction, match="no actions for strategic"):
        several.step_all({"risk": dict.fromkeys(several.environments["risk"].agents, 2)})
    np.testing.assert_array_equal(before, several.environments["risk"].ledger.block)
    with pytest.raises(UnknownName, match="risk"):
        several.reset_all(seed={"risc": 1})
    with pytest.raises(InvalidParameter, match="at least 1"):
        SideBySide({})
    with pytest.raises(InvalidParameter, match="broken: a int, wanted a PettingZoo environment"):
        SideBySide({"broken": 3})
