"""What is kept is what happened, and its statistics are those of a plain loop."""

import numpy as np
import pytest

from fund.envs import execution, risk, strategic, unified
from fund.envs.collector import Collected, collect
from fund.errors import DataError, InvalidParameter, UnknownName

POLICIES = {
    "mlmi_expert": lambda seen: int(seen[-1, 0] > 0.0) * 2,
    "nwrqk_expert": lambda seen: 1,
    "regime_expert": lambda seen: 2,
}


def test_rows_are_those_of_a_plain_loop():
    kept = collect(strategic.parallel_env(max_cycles=6), POLICIES, episodes=2, seed=3)
    env, rows = strategic.parallel_env(max_cycles=6), []
    for episode in range(2):
        seen, _ = env.reset(seed=3 if episode == 0 else None)
        while env.agents:
            actions = {agent: POLICIES[agent](seen[agent]) for agent in env.agents}
            after, rewards, *_ = env.step(actions)
            name = "mlmi_expert"
            rows.append((seen[name], actions[name], rewards[name], after[name], episode))
            seen = after
    found = kept.agents["mlmi_expert"]
    np.testing.assert_array_equal(found.observation, [r[0] for r in rows])
    np.testing.assert_array_equal(found.next_observation, [r[3] for r in rows])
    assert found.action.tolist() == [r[1] for r in rows]
    assert found.reward.tolist() == [r[2] for r in rows]
    assert found.episode.tolist() == [r[4] for r in rows]
    assert np.flatnonzero(found.truncated).tolist() == [5, 11]
    assert not found.terminated.any()


@pytest.mark.parametrize("module", [strategic, risk, execution], ids=["strategic", "risk", "execution"])
def test_both_forms_keep_the_same(module):
    """Actions and rewards, bit for bit; observations where no speaker is told of another (not in turn)."""
    one = collect(module.parallel_env(max_cycles=5), episodes=2, seed=1)
    two = collect(module.raw_env(max_cycles=5), episodes=2, seed=1)
    for agent, rows in one.agents.items():
        other = two.agents[agent]
        np.testing.assert_array_equal(rows.action, other.action)
        np.testing.assert_array_equal(rows.reward, other.reward)
        np.testing.assert_array_equal(rows.truncated, other.truncated)
        np.testing.assert_array_equal(rows.observation, other.observation)
    assert one.parts == two.parts
    assert one.statistics()["agents"] == two.statistics()["agents"]


def test_statistics_by_hand():
    kept = collect(strategic.parallel_env(max_cycles=8), POLICIES, episodes=3, seed=5)
    told = kept.statistics()
    assert told["episodes"] == 3
    assert told["decisions"] == kept.decisions == 3 * 8 * 3
    assert told["decisions_per_second"] == pytest.approx(72 / kept.seconds)
    for agent, rows in kept.agents.items():
        totals = rows.reward.reshape(3, 8).sum(axis=1)
        found = told["agents"][agent]
        assert found["return"]["mean"] == pytest.approx(totals.mean(), abs=1e-15)
        assert found["return"]["std"] == pytest.approx(totals.std(), abs=1e-15)
        assert found["reward"]["max"] == rows.reward.max()
        assert found["length"] == {"mean": 8.0, "std": 0.0, "min": 8.0, "max": 8.0}
        assert (found["terminated"], found["truncated"]) == (0, 3)
    assert told["agents"]["nwrqk_expert"]["action"] == {"1": 1.0}
    # what the agents were paid is what the parts of their team's reward add up to
    paid = sum(rows.reward.sum() for rows in kept.agents.values())
    parts = told["agents"]["mlmi_expert"]["reward_parts"]
    assert 3 * sum(parts.values()) == pytest.approx(paid, rel=1e-9)


def test_stages_that_end_at_different_times():
    config = {
        "strategic_marl": {"environment": {"max_episode_steps": 3}},
        "execution": {"environment": {"max_episode_steps": 5}},
    }
    config |= {
        "tactical_marl": {"environment": {"max_episode_steps": 2}},
        "risk_management": {"environment": {"max_episode_steps": 4}},
    }
    one = collect(unified.parallel_env(config), seed=2)
    two = collect(unified.raw_env(config), seed=2)
    lengths = {name.split(".")[0]: len(rows.reward) for name, rows in one.agents.items()}
    assert lengths == {"strategic": 3, "tactical": 2, "risk": 4, "execution": 5}
    for agent, rows in one.agents.items():
        np.testing.assert_array_equal(rows.reward, two.agents[agent].reward)


def test_numbers_have_mean_and_deviation():
    kept = collect(execution.parallel_env(max_cycles=5), seed=0)
    found = kept.statistics()["agents"]["routing"]["action"]
    np.testing.assert_allclose(found["mean"], kept.agents["routing"].action.mean(axis=0))
    assert len(found["std"]) == 7


def test_a_file_gives_back_what_was_kept(tmp_path):
    kept = collect(risk.parallel_env(max_cycles=4), episodes=2, seed=0)
    kept.save(tmp_path / "kept.npz")
    again = Collected.load(tmp_path / "kept.npz")
    assert again.statistics() == kept.statistics()
    for agent, rows in kept.agents.items():
        np.testing.assert_array_equal(rows.observation, again.agents[agent].observation)
    (tmp_path / "bad.npz").write_bytes((tmp_path / "kept.npz").read_bytes()[:200])
    for name in ("bad.npz", "none.npz"):
        with pytest.raises(DataError, match=name):
            Collected.load(tmp_path / name)


def test_the_same_seed_keeps_the_same():
    one, two = (collect(risk.parallel_env(max_cycles=6), seed=4) for _ in range(2))
    for agent, rows in one.agents.items():
        np.testing.assert_array_equal(rows.action, two.agents[agent].action)
        np.testing.assert_array_equal(rows.reward, two.agents[agent].reward)


def test_wrong_use_is_named():
    with pytest.raises(UnknownName, match='Did you mean "risk_monitor"'):
        collect(risk.parallel_env(max_cycles=2), {"risk_monitr": lambda seen: 0})
    with pytest.raises(InvalidParameter, match="0 episodes"):
        collect(risk.parallel_env(max_cycles=2), episodes=0)
