"""A stored compilation is exactly what would be compiled now, or it is not found."""

import os
import subprocess
import sys

import numpy as np
import pytest
from numba import njit

from fund.compiled import cache_folder, compiled, digest
from fund.market.tape import places

INNER = "from numba import njit\nRATE = {rate}\n@njit\ndef inner(x):\n    return x {sign} RATE\n"
OUTER = """
from fund.compiled import compiled
from inner import inner
@compiled
def outer(x):
    return inner(x) * 2.0
print(outer(3.0), sum(outer.stats.cache_hits.values()))
"""


def run(folder, rate, sign):
    (folder / "inner.py").write_text(INNER.format(rate=rate, sign=sign))
    (folder / "outer.py").write_text(OUTER)
    environment = {
        **os.environ, "FUND_CACHE": str(folder / "cache"), "PYTHONPATH": os.pathsep.join([str(folder), *sys.path]),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-B", folder / "outer.py"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    value, hits = done.stdout.split()
    return float(value), int(hits)


def test_a_change_in_another_file_is_seen(tmp_path):
    assert run(tmp_path, 1.0, "+") == (8.0, 0)
    assert run(tmp_path, 1.0, "+") == (8.0, 1)
    assert run(tmp_path, 1.0, "-") == (4.0, 0)  # another function
    assert run(tmp_path, 2.0, "-") == (2.0, 0)  # another constant
    assert run(tmp_path, 1.0, "+") == (8.0, 1)  # the first is still right


def test_a_damaged_file_is_compiled_again(tmp_path):
    run(tmp_path, 1.0, "+")
    for file in (tmp_path / "cache").glob("*.bin"):
        file.write_bytes(file.read_bytes()[:100])
    assert run(tmp_path, 1.0, "+") == (8.0, 0)


def test_a_folder_that_cannot_be_written_does_not_matter(tmp_path):
    (tmp_path / "cache").write_text("a file where the folder should be")
    assert run(tmp_path, 1.0, "+") == (8.0, 0)


def closure(factor, weight=1.0):
    weights = np.array([weight])

    @njit
    def inside(x):
        return x * factor + weights[0]

    @compiled
    def around(x):
        return inside(x)

    return around


def test_the_digest_knows_which_field_stands_where():
    def reads(fields):
        at = places(fields)

        @compiled
        def low(row):
            return row[at.low]

        return low

    row = np.array([1.0, 2.0])
    assert (reads(("low", "high"))(row), reads(("high", "low"))(row)) == (1.0, 2.0)
    assert digest(reads(("low", "high"))) == digest(reads(("low", "high")))
    assert digest(reads(("low", "high"))) != digest(reads(("high", "low")))


def test_the_digest_follows_closures():
    assert digest(closure(2.0)) == digest(closure(2.0))
    assert digest(closure(2.0)) != digest(closure(3.0))
    assert digest(closure(2.0)) != digest(closure(2.0, 5.0))


def test_options_count():
    def plain(x):
        return x / 3.0

    assert digest(njit(plain)) != digest(njit(error_model="numpy")(plain))


def test_the_folder_is_the_users(monkeypatch, tmp_path):
    monkeypatch.setenv("FUND_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("FUND_CACHE")
    assert cache_folder().parts[-2:] == ("fund", "compiled")


@pytest.mark.parametrize("options", [{}, {"nogil": True}])
def test_with_and_without_brackets(options):
    def double(x):
        return 2.0 * x

    assert compiled(double)(2.0) == compiled(**options)(double)(2.0) == 4.0
