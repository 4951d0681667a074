"""Agents' actions as numbers and back, what later speakers are told, and who is paid."""

import numpy as np
import pytest

from fund.choices import direction_of, sides_of
from fund.errors import InvalidAction, InvalidParameter, UnknownName
from fund.grandmodel.strategic import Strategic, StrategicStage
from fund.stage import Agent, Stage
from fund.strategy import Box, Choice

MIXED = Agent("a", (), Choice(3), mixed=True)
PLAIN = Agent("b", (), Choice(5))
NUMBERS = Agent("c", (), Box(2, -1.0, 1.0))


def test_choices_as_numbers():
    np.testing.assert_array_equal(MIXED.numbers([0, 1, 2], 3), np.eye(3))
    np.testing.assert_array_equal(PLAIN.numbers([4, 0], 2), [[4.0], [0.0]])
    np.testing.assert_array_equal(NUMBERS.numbers([[0.5, -2.0]], 1), [[0.5, -2.0]])
    np.testing.assert_allclose(
        MIXED.numbers([[2.0, 1.0, 1.0], [0.0, 0.0, 0.0]], 2), [[0.5, 0.25, 0.25], [1 / 3] * 3]
    )
    assert (MIXED.width, PLAIN.width, NUMBERS.width) == (3, 1, 2)


def test_many_choices_are_directions():
    five = Agent("a", (), Choice(5), mixed=True, superposition=True)
    np.testing.assert_array_equal(direction_of(5), [-1.0, -0.5, 0.0, 0.5, 1.0])
    np.testing.assert_array_equal(five.numbers([3], 1), [[0.0, 0.5, 0.5]])
    spread = five.numbers([[0.0, 0.0, 0.5, 0.0, 0.5]], 1)
    np.testing.assert_array_equal(spread, [[0.0, 0.5, 0.5]])
    np.testing.assert_array_equal(sides_of(2), [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])


def test_what_later_speakers_are_told():
    np.testing.assert_array_equal(MIXED.message(MIXED.numbers([0, 2], 2)), [[-1.0], [1.0]])
    np.testing.assert_array_equal(MIXED.message(np.array([[0.2, 0.3, 0.5]])), [[0.3]])
    np.testing.assert_array_equal(PLAIN.message(np.array([[3.0]])), [[0.5]])
    np.testing.assert_array_equal(NUMBERS.message(np.array([[0.1, 0.2]])), [[0.1, 0.2]])
    assert (MIXED.said, NUMBERS.said) == (("said_a",), ("said_c_0", "said_c_1"))


@pytest.mark.parametrize("choice", range(3))
def test_there_and_back(choice):
    assert MIXED.choice(MIXED.numbers([choice], 1)).tolist() == [choice]
    assert PLAIN.choice(PLAIN.numbers([choice], 1)).tolist() == [choice]
    asked = Agent("a", (), Choice(3), mixed=True, superposition=True)
    np.testing.assert_array_equal(asked.choice(asked.numbers([choice], 1)), np.eye(3)[[choice]])
    assert MIXED.choice(np.ones((1, 3))).tolist() == [1]  # no preference is neutral


@pytest.mark.parametrize("wrong", [[3], [-1], [0.5], [np.nan], [[0, 1]], [0, 1]])
def test_what_is_no_action(wrong):
    with pytest.raises(InvalidAction, match="a: action"):
        MIXED.numbers(wrong, 1)


def test_a_probability_that_is_no_number_is_refused():
    with pytest.raises(InvalidAction, match="finite"):
        MIXED.numbers([[np.nan, 0.0, 1.0]], 1)


def test_joint_and_split():
    stage = StrategicStage.of(Strategic(n_steps=5))
    said = {"mlmi_expert": [0, 2], "nwrqk_expert": [1, 1], "regime_expert": [2, 0]}
    joint = stage.joint(said)
    assert joint.shape == (2, 9)
    for name, choices in stage.split(joint).items():
        assert choices.tolist() == said[name]
    with pytest.raises(InvalidAction, match="no action of regime_expert"):
        stage.joint({"mlmi_expert": [0], "nwrqk_expert": [1]})
    with pytest.raises(UnknownName, match="nwrqk_expert"):
        stage.joint({**said, "nwrqk_exprt": [0, 0]})


def test_rewards_are_shares_that_sum_to_the_whole():
    class Credited(StrategicStage):
        credit = {"synergy": {"mlmi_expert": 0.75, "regime_expert": 0.25}}  # noqa: RUF012

    stage = Credited.of(Strategic(n_steps=5))
    parts = np.array([[3.0, 6.0], [4.0, 0.0], [-1.0, 0.0], [0.0, 0.0]])
    np.testing.assert_allclose(
        stage.rewards(parts), [[1 + 3 - 1 / 3, 1 - 1 / 3, 1 + 1 - 1 / 3], [2.0, 2.0, 2.0]]
    )
    np.testing.assert_allclose(stage.rewards(parts).sum(axis=1), parts.sum(axis=0))


def test_stages_that_cannot_be():
    world = Strategic(n_steps=5)
    agents = StrategicStage.of(world).agents
    with pytest.raises(UnknownName, match="mlmi_value"):
        Stage(world, (Agent("x", ("mlmi_vale",), Choice(3), mixed=True), *agents[1:]), world.matrix)
    with pytest.raises(InvalidParameter, match="agents say 6 numbers, strategic takes 9"):
        Stage(world, agents[:2], world.matrix)
    crowded = Agent("x", world.matrix[:12], Choice(3), 48, ("position", "drawdown"), True)
    with pytest.raises(InvalidParameter, match="told 2 numbers, there is room for 1"):
        Stage(world, (crowded, *agents[1:]), world.matrix)
