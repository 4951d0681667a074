"""Windows of a tape by hand, at the start of an episode, in its course, and after some paths began anew."""

import numpy as np
import pytest

from fund.errors import DataError
from fund.market.tape import Tape
from fund.market.windows import Windows, look_back

COLUMNS = np.array([2, 0])


def tape(n=3, steps=5, back=4, seed=0):
    rows = np.random.default_rng(seed).standard_normal((back + steps + 1, n, 3)).astype(np.float32)
    return Tape(
        ("x",), np.zeros((steps + 1, 1, n)), rows[back:], np.zeros(0, dtype=np.int64), rows[:back]
    ), rows


def test_windows_are_the_last_rows():
    world, rows = tape()
    clock, now = np.array([0, 2, 5]), np.full((3, 3), 9.0, dtype=np.float32)
    windows, out = Windows(COLUMNS, 4), np.zeros((3, 9), dtype=np.float32)
    windows.read(world)
    windows.look(clock, now, out)
    found = look_back(world, clock, now, COLUMNS, 4)
    for i, t in enumerate(clock):
        wanted = rows[4 + t - 3 : 4 + t, i][:, COLUMNS]
        np.testing.assert_array_equal(found[i, :3], wanted)
        np.testing.assert_array_equal(found[i, 3], [9.0, 9.0])  # the present row is the observation
    np.testing.assert_array_equal(out[:, :8], found.reshape(3, 8))
    assert (out[:, 8] == 0.0).all()  # room for what an agent is told


def test_some_paths_begin_anew():
    world, _ = tape()
    other, rows = tape(1, seed=1)
    windows, out, now = (
        Windows(COLUMNS, 4),
        np.zeros((3, 8), dtype=np.float32),
        np.zeros((3, 3), dtype=np.float32),
    )
    windows.read(world)
    world.put(np.array([1]), other)
    windows.read(world, np.array([1]))
    windows.look(np.zeros(3, dtype=np.int64), now, out)
    np.testing.assert_array_equal(
        out.reshape(3, 4, 2), look_back(world, np.zeros(3, dtype=np.int64), now, COLUMNS, 4)
    )
    np.testing.assert_array_equal(out[1, :6].reshape(3, 2), rows[1:4, 0][:, COLUMNS])


def test_a_single_row_is_the_observation():
    world, _ = tape(back=0)
    windows, out = Windows(COLUMNS, 1), np.zeros((3, 2), dtype=np.float32)
    windows.read(world)
    now = np.arange(9, dtype=np.float32).reshape(3, 3)
    windows.look(np.zeros(3, dtype=np.int64), now, out)
    np.testing.assert_array_equal(out, now[:, COLUMNS])
    np.testing.assert_array_equal(look_back(world, np.zeros(3, dtype=np.int64), now, COLUMNS, 1)[:, 0], out)


def test_too_short_a_past_is_refused():
    world, _ = tape(back=2)
    with pytest.raises(DataError, match="windows of 4 rows on a tape with 2 rows before its first"):
        Windows(COLUMNS, 4).read(world)
    with pytest.raises(DataError, match="windows of 4 rows"):
        look_back(world, np.zeros(3, dtype=np.int64), np.zeros((3, 3), dtype=np.float32), COLUMNS, 4)
