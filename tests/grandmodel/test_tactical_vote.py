"""The vote of the tactical agents: unanimity, the weights by type, and one voter who may say anything."""

import itertools
import math

import pytest

from fund.grandmodel.tactical.step import decide, weights

KINDS = (0.0, 1.0, 2.0, 3.0, 4.0)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("tolerant", [0.0, 1.0])
@pytest.mark.parametrize("threshold", [0.0, 0.5, 1.0])
def test_a_unanimous_vote_is_always_executed_in_full(kind, tolerant, threshold):
    for side in (-1.0, 1.0):
        assert decide((side, side, side), kind, tolerant, threshold) == side


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("liar", [0, 1, 2])
@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_one_arbitrary_or_silent_voter_changes_neither_side_nor_execution(kind, liar, side):
    """Byzantine tolerance: two who agree carry it whatever the third says, with at least their own weights."""
    honest = [weights(kind)[k] for k in range(3) if k != liar]
    for lie in (-1.0, -0.3, 0.0, 0.3, 1.0):
        d = [side] * 3
        d[liar] = lie
        size = decide(tuple(d), kind, 1.0, 0.5)
        assert size * side >= sum(honest) - 1e-12


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("liar", [0, 1, 2])
def test_one_voter_alone_moves_nothing(kind, liar):
    for lie in (-1.0, 1.0):
        d = [0.0] * 3
        d[liar] = lie
        assert decide(tuple(d), kind, 1.0, 0.5) == 0.0
    for a, b in itertools.product(
        (-1.0, 0.0, 1.0), repeat=2
    ):  # nor can it turn two others against their side
        if a + b == 0.0:
            continue
        d = [a, b]
        d.insert(liar, -math.copysign(1.0, a + b))
        assert decide(tuple(d), kind, 1.0, 0.5) * (a + b) >= 0.0


def test_without_tolerance_the_weights_decide():
    assert decide((1.0, -1.0, -1.0), 1.0, 0.0, 0.5) == pytest.approx(0.0)  # .5 against .3 + .2
    assert decide((1.0, 1.0, -1.0), 2.0, 0.0, 0.5) == pytest.approx(0.6)
    assert decide((0.0, 0.0, 1.0), 4.0, 0.0, 0.5) == 0.0
    assert decide((0.0, 0.0, 1.0), 4.0, 0.0, 0.3) == pytest.approx(0.3)


def test_weights_by_type():
    found = [weights(kind) for kind in KINDS]
    assert found[1:] == [(0.5, 0.3, 0.2), (0.4, 0.4, 0.2), (0.3, 0.5, 0.2), (0.35, 0.35, 0.3)]
    assert found[0] == pytest.approx((1 / 3, 1 / 3, 1 / 3))
