"""Every path has random numbers of its own."""

import numpy as np
import pytest
from numpy.random import SeedSequence

from fund.market.streams import Paths, keys


def test_a_path_draws_the_same_alone_and_in_company():
    together = Paths.of(5, 9).streams("world").normal("prices", 40)
    for i in (0, 4, 8):
        alone = Paths.of(5 + i, 1).streams("world").normal("prices", 40)
        assert np.array_equal(together[i], alone[0])


def test_a_shorter_draw_is_the_beginning_of_a_longer_one():
    streams = Paths.of(1, 3).streams("world")
    assert np.array_equal(streams.normal("prices", 30), streams.normal("prices", 50)[:, :30])
    assert np.array_equal(streams.uniform("fills", 10, 4), streams.uniform("fills", 25, 4)[:, :10])


@pytest.mark.parametrize("other", [Paths.of(8, 1), Paths((7,), (1,))])
def test_another_seed_or_episode_is_another_path(other):
    here = Paths.of(7, 1).streams("world").normal("prices", 1000)[0]
    there = other.streams("world").normal("prices", 1000)[0]
    assert abs(np.corrcoef(here, there)[0, 1]) < 4 / np.sqrt(1000)


def test_worlds_and_purposes_are_not_twins():
    paths = Paths.of(7, 1)
    draws = [paths.streams(w).normal(p, 1000)[0] for w in ("a", "b") for p in ("prices", "fills")]
    assert np.abs(np.corrcoef(draws) - np.eye(4)).max() < 4 / np.sqrt(1000)


def test_another_draw_in_one_purpose_moves_no_other():
    one, two = Paths.of(3, 2).streams("w"), Paths.of(3, 2).streams("w")
    two.normal("extra", 17)
    assert np.array_equal(one.normal("prices", 5), two.normal("prices", 5))


def test_uniforms_are_safe_under_a_logarithm():
    draws = Paths.of(0, 50).streams("w").uniform("u", 2000)
    assert draws.min() > 0.0
    assert draws.max() <= 1.0
    assert abs(draws.mean() - 0.5) < 4 * np.sqrt(1 / 12 / draws.size)


def test_student_draws_have_unit_variance():
    draws = Paths.of(0, 200).streams("w").student("t", 8.0, 1000)
    # Var of the sample variance of a t8: (kurtosis - 1) / n, kurtosis 4.5
    assert abs(draws.var() - 1.0) < 4 * np.sqrt(3.5 / draws.size)


def test_integers_respect_each_paths_own_bound():
    draws = Paths.of(0, 3).streams("w").integers("start", [1, 10, 1000], 500)
    assert draws[0].max() == 0
    assert draws[1].max() == 9
    assert draws[2].max() > 900
    assert draws.min() >= 0


def test_keys_are_those_of_numpys_seed_sequence():
    wide = 2**32 - 1
    for paths in (
        Paths((0, 1, wide, 12345, 2**31), (0, 5, 3, wide, 0)),
        Paths((2**32, 2**70, 3), (0, 1, 2)),
        Paths((9,), (2**33,)),
    ):
        for salt in (0, 1, wide):
            wanted = [
                SeedSequence(name, spawn_key=(salt,)).generate_state(2, np.uint64)
                for name in zip(paths.seeds, paths.episodes, strict=True)
            ]
            np.testing.assert_array_equal(keys(paths, salt), wanted)


def test_no_paths_have_no_keys():
    assert keys(Paths((), ()), 3).shape == (0, 2)


def test_a_negative_seed_is_refused():
    with pytest.raises(ValueError, match="non-negative"):
        keys(Paths((-1,), (0,)), 3)


def test_parts_are_the_paths_in_order():
    paths = Paths((5, 6, 7, 8, 9), (0, 1, 0, 2, 0))
    parts = list(paths.parts(2))
    assert [(cut.start, cut.stop) for cut, _ in parts] == [(0, 2), (2, 4), (4, 5)]
    assert sum((some.seeds for _, some in parts), ()) == paths.seeds
    assert sum((some.episodes for _, some in parts), ()) == paths.episodes
    assert paths.some(slice(1, 3)) == Paths((6, 7), (1, 0))
